"""Model and labelled data -> figures: overall and for each source, with intervals that respect that a source's passages hang together.

Everything is measured on what `score` answers for the text as a user would post it: blocks joined by blank lines, lines by newlines, pages as
they are. A true block is compared with the read block that covers most of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import isnan
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import f1_score, roc_auc_score

from training.align import word_f1
from training.article import LABELS, TEXT_KINDS, Article
from training.errors import DataError
from training.fit import LEAST_SOURCES, fit_labels, labelled_passages
from training.labelled import Corpus, FlattenedPage, LabelledArticle, TruePage
from training.model import Model
from training.score import Result, ScoredBlock, own_text, score

Row = TypeVar("Row")

BINS = 10
"""Equal-width bins of the calibration error."""
STRICT = 2
"""Strict figures leave out what is less sure than this."""
RESAMPLES = 300
INTERVAL = 95
LEAST_GROUPS = 5
CURVE = (0.1, 0.25, 0.5, 1.0)
"""Shares of the sources in a learning curve."""
BATCH = 64


class Judged(NamedTuple):
    """A true block and what was found in its place: kinds, and for a true passage its label, how sure it is and the probability given (None: not answered)."""

    source: str
    text: str
    kind: str
    found: str | None
    label: str | None = None
    sure: int = 3
    probability: float | None = None

    @property
    def words(self) -> int:
        return len(self.text.split())

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
        held = [group for _, group in self._groups()]
        figures = []
        for name, measure in MEASURES.items():
            value = measure(self.judged)
            if not isnan(value):
                draws = _draws(len(held), resamples, seed)
                figures.append(Figure(name, value, _percentiles([measure(_drawn(held, draw)) for draw in draws])))
        if self.pages:
            scores = np.array([f1 for _, f1 in self.pages])
            figures.append(Figure("pages, word F1", float(scores.mean()), _percentiles([scores[draw].mean() for draw in _draws(len(scores), resamples, seed)])))
        return figures

    def worst(self, count: int) -> list[Judged]:
        """The surely labelled passages that were answered wrongly with most confidence."""
        wrong = [one for one in self.judged if one.label and one.probability is not None and one.sure >= STRICT and one.answered != one.label]
        return sorted(wrong, key=lambda one: -abs((one.probability or 0) - 0.5))[:count]

    def _groups(self) -> list[tuple[str, list[Judged]]]:
        by_source: dict[str, list[Judged]] = {source: [] for source in self.sources}
        for one in self.judged:
            by_source[one.source].append(one)
        return list(by_source.items())

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


def compare(one: Evaluation, other: Evaluation, resamples: int = RESAMPLES, seed: int = 0) -> list[Figure]:
    """How much better the first evaluation is than the other, of the same data: each measure's difference, sources resampled in pairs."""
    pairs = list(zip(one._groups(), other._groups(), strict=True))
    figures = []
    for name, measure in MEASURES.items():
        difference = measure(one.judged) - measure(other.judged)
        if not isnan(difference):
            drawn = [
                measure(_drawn([mine for (_, mine), _ in pairs], draw)) - measure(_drawn([theirs for _, (_, theirs) in pairs], draw))
                for draw in _draws(len(pairs), resamples, seed)
            ]
            figures.append(Figure(name, difference, _percentiles(drawn)))
    return figures


def calibration_table(judged: Iterable[Judged]) -> list[tuple[float, float, int]]:
    """For each bin with passages: mean probability given, share truly editorial, passages."""
    y, p, _ = _answers(judged)
    bins = np.minimum((p * BINS).astype(int), BINS - 1)
    held = [bins == place for place in range(BINS)]
    return [(float(p[inside].mean()), float(y[inside].mean()), int(inside.sum())) for inside in held if inside.any()]


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


def _draws(groups: int, resamples: int, seed: int) -> NDArray[np.int64]:
    """Groups drawn with replacement, (resamples, groups); none where there are too few to tell anything."""
    return np.random.default_rng(seed).integers(groups, size=(resamples if groups >= LEAST_GROUPS else 0, groups))


def _drawn(held: Sequence[Sequence[Judged]], draw: NDArray[np.int64]) -> list[Judged]:
    return [one for group in draw for one in held[group]]


def _percentiles(values: Sequence[float]) -> tuple[float, float] | None:
    told = [value for value in values if not isnan(value)]
    outside = (100 - INTERVAL) / 2
    return (float(np.percentile(told, outside)), float(np.percentile(told, 100 - outside))) if told else None


def _joined(texts: Sequence[str], between: str) -> tuple[str, list[tuple[int, int]]]:
    places, at = [], 0
    for text in texts:
        places.append((at, at + len(text)))
        at += len(text) + len(between)
    return between.join(texts), places


def _judge_article(labelled: LabelledArticle, places: Sequence[tuple[int, int]], result: Result) -> Iterator[Judged]:
    for true, found in zip(labelled.blocks, _covering(result.blocks, places), strict=True):
        kind = found.kind if found else None
        yield Judged(labelled.source, true.text, true.kind, kind, true.label, true.sure, found.probability if found and true.label else None)


def _judge_lines(page: FlattenedPage, places: Sequence[tuple[int, int]], result: Result) -> Iterator[Judged]:
    for true, found in zip(page.lines, _covering(result.blocks, places), strict=True):
        yield Judged(page.site, true.text, true.kind, found.kind if found else None)


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


def learning_curve(taught: Corpus, held_out: Corpus, model: Model, seed: int = 0) -> Iterator[tuple[int, int, float]]:
    """Sources and passages learned from, and the strict macro F1 on `held_out` of labels fitted on them, for growing shares of the sources; raises
    DataError where there are too few."""
    sources = sorted({article.source for article in taught.articles})
    if len(sources) < LEAST_SOURCES:
        raise DataError(f"labels are learned from {LEAST_SOURCES} sources at least, and --learning-curve names {len(sources)}; add labelled articles of others")
    np.random.default_rng(seed).shuffle(sources)
    for most in sorted({max(LEAST_SOURCES, round(share * len(sources))) for share in CURVE}):
        chosen = set(sources[:most])
        part = replace(taught, articles=[article for article in taught.articles if article.source in chosen])
        passages = labelled_passages(part)
        refitted = replace(model, labels=fit_labels(part, passages, seed))
        yield len(chosen), len(passages.texts), _macro_f1(evaluate(held_out, refitted).judged, STRICT)
