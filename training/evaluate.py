"""Model and labelled data -> figures: overall and for each source, with intervals that respect that a source's passages hang together.

Everything is measured on what `score` answers for the text as a user would post it: blocks joined by blank lines, lines by newlines, pages as
they are. A true block is compared with the read block that covers most of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import isnan
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from training.align import word_f1
from training.article import Article
from training.errors import DataError
from training.fit import LEAST_SOURCES, fit_labels, labelled_passages
from training.labelled import Corpus, FlattenedPage, LabelledArticle, TruePage
from training.measures import MEASURES, STRICT, Judged, Judgements, draws, macro_f1, percentiles
from training.model import Model
from training.score import Result, ScoredBlock, own_text, score

Row = TypeVar("Row")
Places = NDArray[np.int64]

RESAMPLES = 300
CURVE = (0.1, 0.25, 0.5, 1.0)
"""Shares of the sources in a learning curve."""
BATCH = 64


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

    def overall(self) -> list[Figure]:
        """All measures that the data allow, with intervals."""
        judged = Judgements.of(self.judged)
        figures = _figures(lambda blocks: _measured(judged.part(blocks)), self._groups())
        if self.pages:
            scores = np.array([f1 for _, f1 in self.pages])
            figures.append(Figure("pages, word F1", float(scores.mean()), percentiles([scores[draw].mean() for draw in draws(len(scores), RESAMPLES)])))
        return figures

    def worst(self, count: int) -> list[Judged]:
        """The surely labelled passages that were answered wrongly with most confidence."""
        wrong = [one for one in self.judged if one.label and one.probability is not None and one.sure >= STRICT and one.answered != one.label]
        return sorted(wrong, key=lambda one: -abs((one.probability or 0) - 0.5))[:count]

    def _groups(self) -> list[Places]:
        """The places of each source's blocks."""
        source_of = np.array([one.source for one in self.judged])
        return [np.flatnonzero(source_of == source) for source in self.sources]

    def of_source(self, source: str) -> dict[str, float]:
        judged = Judgements.of(judged for judged in self.judged if judged.source == source)
        return dict(zip(MEASURES, _measured(judged), strict=True))


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


def compare(one: Evaluation, other: Evaluation) -> list[Figure]:
    """How much better the first evaluation is than the other, of the same data: each measure's difference, sources resampled in pairs."""
    mine, theirs = Judgements.of(one.judged), Judgements.of(other.judged)

    def better(blocks: Places) -> list[float]:
        return [value - beside for value, beside in zip(_measured(mine.part(blocks)), _measured(theirs.part(blocks)), strict=True)]

    return _figures(better, one._groups())


def _measured(judged: Judgements) -> list[float]:
    return [measure(judged) for measure in MEASURES.values()]


def _figures(measured: Callable[[Places], list[float]], groups: Sequence[Places]) -> list[Figure]:
    """What is measured of all blocks, with intervals from groups of them drawn anew; what cannot be told is left out."""
    drawn = [measured(np.concatenate([groups[number] for number in draw])) for draw in draws(len(groups), RESAMPLES)]
    values = measured(np.arange(sum(map(len, groups))))
    return [
        Figure(name, value, percentiles([of_draw[number] for of_draw in drawn]))
        for number, (name, value) in enumerate(zip(MEASURES, values, strict=True))
        if not isnan(value)
    ]


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


def learning_curve(taught: Corpus, held_out: Corpus, model: Model) -> Iterator[tuple[int, int, float]]:
    """Sources and passages learned from, and the strict macro F1 on `held_out` of labels fitted on them, for growing shares of the sources; raises
    DataError where there are too few."""
    sources = sorted({article.source for article in taught.articles})
    if len(sources) < LEAST_SOURCES:
        raise DataError(f"labels are learned from {LEAST_SOURCES} sources at least, and --learning-curve names {len(sources)}; add labelled articles of others")
    np.random.default_rng(0).shuffle(sources)
    for most in sorted({max(LEAST_SOURCES, round(share * len(sources))) for share in CURVE}):
        chosen = set(sources[:most])
        part = replace(taught, articles=[article for article in taught.articles if article.source in chosen])
        passages = labelled_passages(part)
        refitted = replace(model, labels=fit_labels(part, passages, seed=0))
        yield len(chosen), len(passages.texts), macro_f1(Judgements.of(evaluate(held_out, refitted).judged))
