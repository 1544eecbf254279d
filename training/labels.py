"""Passages -> labels: the probability that a passage is the writer's own opinion.

terms -> evidence (one passage, linear) -> context (its article) -> calibration. Each later stage is fitted on what the earlier one
says of publishers it has not seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from itertools import chain
from math import sqrt
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.context import Context, Passages, sigmoid, voices
from training.errors import ModelError
from training.evidence import Evidence, gram_text
from training.terms import Reader, Reading
from training.tokens import UPPER, Lexicon, Tokens

LEAST_WORDS = 3
"""A passage with fewer known words than this gets no label: too little evidence."""
LEAST_DEVIATION = 0.01
"""No article's share is told more exactly than this."""


class Term(NamedTuple):
    """A term of a passage: what it is, its character offsets, and what it adds to the first stage's logit."""

    term: str
    start: int
    end: int
    contribution: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a passage got its probability. `bias` and the terms' contributions sum to the first stage's logit;
    `context` is what article, sentences and calibration add to it; the probability is the logistic function of both."""

    terms: tuple[Term, ...]
    bias: float
    context: float

    @property
    def logit(self) -> float:
        return self.bias + sum(term.contribution for term in self.terms)


@dataclass(frozen=True, slots=True)
class Calibration:
    """`slope` and `offset` make a logit honest; `spread` is the number of standard deviations that an article's share is told within."""

    slope: float
    offset: float
    spread: float


@dataclass(frozen=True)
class Labeller:
    """The fitted stages, in the order in which they are used."""

    reader: Reader
    evidence: Evidence
    context: Context
    calibration: Calibration

    @classmethod
    def fit(
        cls,
        passages: Sequence[str],
        article: Sequence[int],
        source: Sequence[str],
        editorial: Sequence[float],
        weight: Sequence[float],
        *,
        unlabelled: Sequence[Sequence[str]] = (),
        seed: int = 0,
    ) -> Labeller:
        """Passages in reading order; `article[i]` is the index of the article passage i stands in, non-decreasing; folds are grouped by
        `source`, the publisher. `unlabelled` articles, each its paragraphs, teach words, names and word vectors, and cost most of the time."""
        from training.labels_fit import Labelled, fit  # here, so that scoring need not wait for scikit-learn

        labelled = Labelled(passages, np.asarray(article), source, np.asarray(editorial, np.float64), np.asarray(weight, np.float64))
        return fit(labelled, unlabelled, seed)

    def label(self, passages: Sequence[str] | Tokens, article: Sequence[int]) -> NDArray[np.float64]:
        """P(editorial) of each passage, a text or its tokens, calibrated on unseen publishers; nan where fewer than `LEAST_WORDS` of its words are
        known."""
        if not len(article):
            return np.zeros(0)
        reading = self.reader.read(passages)
        probability = sigmoid(self._logits(self._passages(reading), article))
        return np.where(_known_words(reading) < LEAST_WORDS, np.nan, probability)

    def explain(self, passages: Sequence[str], article: Sequence[int]) -> list[Explanation]:
        """Why each passage got its probability, terms in reading order."""
        if not passages:
            return []
        reading = self.reader.read(passages)
        tokens, words = reading.tokens, self.reader.words
        found = self.evidence.occurrences(reading)
        of_grams = chain.from_iterable(self.evidence.contributions(reading, found))
        terms: list[list[Term]] = [[] for _ in passages]
        for gram, text, token, added in zip(found.gram, found.text, found.token, of_grams, strict=True):
            key = int(self.evidence.grams[gram])
            first = token - (key >= reading.terms)
            terms[text].append(Term(gram_text(key, words), int(tokens.start[first]), int(tokens.end[token]), float(added)))
        for token, (text, added) in enumerate(zip(tokens.text, self.evidence.meanings(reading), strict=True)):
            terms[text].append(Term("meaning", int(tokens.start[token]), int(tokens.end[token]), float(added)))
        stage = self._passages(reading)
        context = self._logits(stage, article) - stage.logit
        ordered = (tuple(sorted(told, key=lambda term: (term.start, term.end))) for told in terms)
        return [Explanation(told, self.evidence.bias, float(part)) for told, part in zip(ordered, context, strict=True)]

    def share_interval(self, probabilities: Sequence[float], words: Sequence[int]) -> tuple[float, float]:
        """Between which bounds the share of an article's words that stand in editorial passages lies for 95 % of articles of unseen publishers,
        given P(editorial) and number of words of each labelled passage."""
        total = variance = 0.0
        for p, count in zip(probabilities, words, strict=True):
            total += p * count
            variance += count**2 * p * (1 - p)
        mean, deviation = total / sum(words), sqrt(variance) / sum(words) + LEAST_DEVIATION
        return max(0.0, mean - self.calibration.spread * deviation), min(1.0, mean + self.calibration.spread * deviation)

    def arrays(self) -> dict[str, Any]:
        """Everything as plain arrays, strings and numbers."""
        return {
            "words": self.reader.lexicon.words[1:],
            "names": self.reader.names,
            **{f"evidence.{name}": value for name, value in _fields(self.evidence)},
            **{f"context.{name}": value for name, value in _fields(self.context)},
            **{f"calibration.{name}": value for name, value in _fields(self.calibration)},
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Any]) -> Labeller:
        def part(name: str) -> dict[str, Any]:
            return {key.removeprefix(name): value for key, value in arrays.items() if key.startswith(name)}

        reader = Reader(Lexicon(arrays["words"]), arrays["names"])
        evidence = Evidence(**part("evidence."))
        if len(evidence.meaning) != 2 * len(reader.words):
            raise ModelError("the labels part of the model is not whole; restore it, or fit it again with `copydesk train`")
        return cls(reader, evidence, Context(**part("context.")), Calibration(**part("calibration.")))

    @cached_property
    def _voices(self) -> NDArray[np.int64]:
        return voices(self.reader)

    def _passages(self, reading: Reading) -> Passages:
        return Passages.of(reading, self._voices, self.evidence.added(reading), self.evidence.bias)

    def _logits(self, passages: Passages, article: Sequence[int]) -> NDArray[np.float64]:
        return self.calibration.slope * self.context.logits(passages.features(np.asarray(article))) + self.calibration.offset


def _fields(part: Evidence | Context | Calibration) -> list[tuple[str, Any]]:
    return [(field.name, getattr(part, field.name)) for field in fields(part)]


def _known_words(reading: Reading) -> NDArray[np.int64]:
    """Known words of each passage, marks, names and numbers not counted."""
    known = (reading.tokens.word > 0) & (reading.word == reading.tokens.word) & (reading.tokens.shape <= UPPER)
    return np.bincount(reading.tokens.text[known], minlength=reading.tokens.texts)
