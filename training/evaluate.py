"""Model and labelled data -> figures: overall and for each source, with intervals that respect that a source's passages hang together.

Everything is measured on what `score` answers for the text as a user would post it: blocks joined by blank lines, lines by newlines, pages as
they are. A true block is compared with the read block that covers most of it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import f1_score, roc_auc_score

from training.article import LABELS, TEXT_KINDS, Article
from training.labelled import Corpus, FlattenedPage, LabelledArticle, TruePage
from training.model import Model
from training.score import Result, ScoredBlock, own_text, score

Row = TypeVar("Row")

BINS = 10
"""Equal-width bins of the calibration error."""
STRICT = 2
"""Strict figures leave out what is less sure than this."""
RESAMPLES = 1000
INTERVAL = 95
BATCH = 64


class Judged(NamedTuple):
    """A true block and what was found in its place: kinds, and for a true passage its label, how sure it is and the probability given (None: not answered)."""

    source: str
    kind: str
    found: str | None
    words: int
    label: str | None = None
    sure: int = 3
    probability: float | None = None

    @property
    def answered(self) -> str | None:
        return None if self.probability is None else LABELS[self.probability < 0.5]


@dataclass(frozen=True, slots=True)
class Figure:
    """A named measure with its 95 % interval from resampling sources, None where there are too few; `value` is nan where it cannot be told."""

    name: str
    value: float
    interval: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Every judged block, and for pages with a true text the word F1 of each, by site."""

    judged: tuple[Judged, ...]
    pages: tuple[tuple[str, float], ...]

    @property
    def sources(self) -> list[str]:
        return sorted({judged.source for judged in self.judged})

    def overall(self, resamples: int = RESAMPLES, seed: int = 0) -> list[Figure]:
        """All measures that the data allow, with intervals."""
        by_source: dict[str, list[Judged]] = {}
        for judged in self.judged:
            by_source.setdefault(judged.source, []).append(judged)
        held = [by_source[source] for source in sorted(by_source)]
        figures = []
        for name, measure in MEASURES.items():
            value = measure([judged for group in held for judged in group])
            if value == value:
                figures.append(Figure(name, value, _interval(held, measure, resamples, seed)))
        if self.pages:
            scores = np.array([f1 for _, f1 in self.pages])
            resampled = np.random.default_rng(seed).choice(scores, (resamples, len(scores))).mean(axis=1)
            figures.append(Figure("pages, word F1", float(scores.mean()), _percentiles(resampled)))
        return figures

    def of_source(self, source: str) -> dict[str, float]:
        judged = [judged for judged in self.judged if judged.source == source]
        return {name: measure(judged) for name, measure in MEASURES.items()}


def evaluate(corpus: Corpus, model: Model) -> Evaluation:
    """Score everything in the corpus that has labels and judge it."""
    judged: list[Judged] = []
    for batch in _batches(corpus.articles):
        texts, places = zip(*(_joined([block.text for block in article.blocks], "\n\n") for article in batch), strict=True)
        for labelled, where, result in zip(batch, places, score([Article(text) for text in texts], model), strict=True):
            judged += _judge_article(labelled, where, result)
    for flat in _batches(corpus.flattened):
        texts, places = zip(*(_joined([line.text for line in page.lines], "\n") for page in flat), strict=True)
        for page, where, result in zip(flat, places, score([Article(text) for text in texts], model), strict=True):
            judged += _judge_lines(page, where, result)
    pages: list[tuple[str, float]] = []
    for batch_of_pages in _batches(corpus.pages):
        pages += _page_scores(batch_of_pages, score([Article(page.html, is_html=True) for page in batch_of_pages], model))
    return Evaluation(tuple(judged), tuple(pages))


def word_f1(true: str, found: str) -> float:
    """F1 of the bags of words of two texts; 1 when both are empty."""
    a, b = (Counter(re.findall(r"\w+", text.lower())) for text in (true, found))
    return 2 * (a & b).total() / (a.total() + b.total()) if a or b else 1.0


def calibration_table(judged: Iterable[Judged]) -> list[tuple[float, float, int]]:
    """For each bin with passages: mean probability given, share truly editorial, passages."""
    y, p, _ = _answers(judged)
    bins = np.minimum((p * BINS).astype(int), BINS - 1)
    return [(float(p[bins == place].mean()), float(y[bins == place].mean()), int((bins == place).sum())) for place in range(BINS) if (bins == place).any()]


def _passages(judged: Iterable[Judged]) -> list[Judged]:
    return [one for one in judged if one.label]


def _answers(judged: Iterable[Judged], least_sure: int = 1) -> tuple[NDArray[np.bool_], NDArray[np.float64], int]:
    answered = [one for one in _passages(judged) if one.probability is not None and one.sure >= least_sure]
    return np.array([one.label == "editorial" for one in answered]), np.array([one.probability for one in answered], float), len(answered)


def _macro_f1(judged: Sequence[Judged], least_sure: int) -> float:
    passages = [one for one in _passages(judged) if one.sure >= least_sure]
    if not passages:
        return float("nan")
    answered = [one.answered or "none" for one in passages]
    return float(f1_score([one.label for one in passages], answered, labels=list(LABELS), average="macro", zero_division=0))


def _auc(judged: Sequence[Judged]) -> float:
    y, p, count = _answers(judged, STRICT)
    return float(roc_auc_score(y, p)) if count and y.any() and not y.all() else float("nan")


def _calibration_error(judged: Sequence[Judged]) -> float:
    table = calibration_table(judged)
    total = sum(count for *_, count in table)
    return sum(abs(given - true) * count for given, true, count in table) / total if total else float("nan")


def _share(judged: Sequence[Judged], of: Callable[[Judged], bool], met: Callable[[Judged], bool], by_words: bool = False) -> float:
    weighted = [(one.words if by_words else 1, met(one)) for one in judged if of(one)]
    total = sum(weight for weight, _ in weighted)
    return sum(weight for weight, found in weighted if found) / total if total else float("nan")


def _is_text(one: Judged) -> bool:
    return one.kind in (*TEXT_KINDS, "article")


def _kept(one: Judged) -> bool:
    return one.found in TEXT_KINDS


MEASURES: dict[str, Callable[[Sequence[Judged]], float]] = {
    "macro F1, strict": lambda judged: _macro_f1(judged, STRICT),
    "macro F1, all": lambda judged: _macro_f1(judged, 1),
    "AUC, strict": _auc,
    "calibration error": _calibration_error,
    "body kept": lambda judged: _share(judged, lambda one: one.kind in ("body", "article"), _kept),
    "article words kept": lambda judged: _share(judged, _is_text, _kept, by_words=True),
    "boilerplate dropped": lambda judged: _share(judged, lambda one: not _is_text(one), lambda one: not _kept(one)),
    "boilerplate words dropped": lambda judged: _share(judged, lambda one: not _is_text(one), lambda one: not _kept(one), by_words=True),
    "kind right": lambda judged: _share(judged, lambda one: not _is_text(one), lambda one: one.kind == one.found),
}
"""What is measured, each from judged blocks to a share or score; nan where the blocks do not allow it."""


def _interval(held: list[list[Judged]], measure: Callable[[Sequence[Judged]], float], resamples: int, seed: int) -> tuple[float, float] | None:
    if len(held) < 5 or not resamples:
        return None
    draws = np.random.default_rng(seed).integers(len(held), size=(resamples, len(held)))
    values = np.array([measure([one for group in draw for one in held[group]]) for draw in draws])
    return _percentiles(values[~np.isnan(values)])


def _percentiles(values: NDArray[np.float64]) -> tuple[float, float] | None:
    outside = (100 - INTERVAL) / 2
    return (float(np.percentile(values, outside)), float(np.percentile(values, 100 - outside))) if len(values) else None


def _joined(texts: Sequence[str], between: str) -> tuple[str, list[tuple[int, int]]]:
    places, at = [], 0
    for text in texts:
        places.append((at, at + len(text)))
        at += len(text) + len(between)
    return between.join(texts), places


def _judge_article(labelled: LabelledArticle, places: Sequence[tuple[int, int]], result: Result) -> Iterator[Judged]:
    for true, place, found in zip(labelled.blocks, places, _covering(result.blocks, places), strict=True):
        kind = found.kind if found else None
        yield Judged(labelled.source, true.kind, kind, len(true.text.split()), true.label, true.sure, found.probability if found and true.label else None)


def _judge_lines(page: FlattenedPage, places: Sequence[tuple[int, int]], result: Result) -> Iterator[Judged]:
    for true, found in zip(page.lines, _covering(result.blocks, places), strict=True):
        yield Judged(page.site, true.kind, found.kind if found else None, len(true.text.split()))


def _covering(blocks: Sequence[ScoredBlock], places: Sequence[tuple[int, int]]) -> Iterator[ScoredBlock | None]:
    """For each place, in order, the block that covers most of it, None where none does."""
    first = 0
    for start, end in places:
        best, most = None, 0
        number = first
        while number < len(blocks):
            block = blocks[number].block
            if block.start is None or block.end is None or block.end <= start:
                number += 1
                if block.end is not None and block.end <= start:
                    first = number
                continue
            if block.start >= end:
                break
            shared = min(end, block.end) - max(start, block.start)
            if shared > most:
                best, most = blocks[number], shared
            number += 1
        yield best


def _page_scores(pages: Sequence[TruePage], results: Sequence[Result]) -> list[tuple[str, float]]:
    return [(page.site, word_f1(page.gold, own_text(result))) for page, result in zip(pages, results, strict=True)]


def _batches(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    return (rows[begin : begin + BATCH] for begin in range(0, len(rows), BATCH))
