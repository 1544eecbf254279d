"""Passages -> labels: the probability that a passage is the writer's own opinion.

terms -> evidence (one passage, linear) -> context (its article) -> calibration. Each later stage is fitted on what the earlier one
says of publishers it has not seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.context import Context, Passages, sigmoid, voices
from training.evidence import Evidence, gram_text
from training.terms import Reader, Reading
from training.tokens import UPPER, Lexicon

LEAST_WORDS = 3
"""A passage with fewer known words than this gets no label: too little evidence."""


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


@dataclass(frozen=True)
class Labeller:
    reader: Reader
    evidence: Evidence
    context: Context
    slope: float
    offset: float

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

    def label(self, passages: Sequence[str], article: Sequence[int]) -> NDArray[np.float64]:
        """P(editorial) of each passage, calibrated on unseen publishers; nan where fewer than `LEAST_WORDS` of its words are known."""
        if not passages:
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
        of_grams, of_tokens = self.evidence.contributions(reading, found)
        terms: list[list[Term]] = [[] for _ in passages]
        for gram, text, token, added in zip(found.gram, found.text, found.token, of_grams, strict=True):
            key = int(self.evidence.grams[gram])
            first = token - (key >= reading.terms)
            terms[text].append(Term(gram_text(key, words), int(tokens.start[first]), int(tokens.end[token]), float(added)))
        for token, (text, added) in enumerate(zip(tokens.text, of_tokens, strict=True)):
            terms[text].append(Term("meaning", int(tokens.start[token]), int(tokens.end[token]), float(added)))
        stage = self._passages(reading)
        context = self._logits(stage, article) - stage.logit
        ordered = (tuple(sorted(told, key=lambda term: (term.start, term.end))) for told in terms)
        return [Explanation(told, self.evidence.bias, float(part)) for told, part in zip(ordered, context, strict=True)]

    def arrays(self) -> dict[str, Any]:
        """Everything as plain arrays, strings and numbers."""
        return {
            "words": self.reader.lexicon.words[1:],
            "names": self.reader.names,
            **{f"evidence.{name}": value for name, value in _fields(self.evidence)},
            **{f"context.{name}": value for name, value in _fields(self.context)},
            "slope": self.slope,
            "offset": self.offset,
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Any]) -> Labeller:
        def part(name: str) -> dict[str, Any]:
            return {key.removeprefix(name): value for key, value in arrays.items() if key.startswith(name)}

        reader = Reader(Lexicon(arrays["words"]), arrays["names"])
        return cls(reader, Evidence(**part("evidence.")), Context(**part("context.")), arrays["slope"], arrays["offset"])

    @cached_property
    def _voices(self) -> NDArray[np.int64]:
        return voices(self.reader)

    def _passages(self, reading: Reading) -> Passages:
        return Passages.of(reading, self._voices, self.evidence.added(reading), self.evidence.bias)

    def _logits(self, passages: Passages, article: Sequence[int]) -> NDArray[np.float64]:
        return self.slope * self.context.logits(passages.features(np.asarray(article))) + self.offset


def _fields(part: Evidence | Context) -> list[tuple[str, Any]]:
    return [(field.name, getattr(part, field.name)) for field in fields(part)]


def _known_words(reading: Reading) -> NDArray[np.int64]:
    """Known words of each passage, marks, names and numbers not counted."""
    known = (reading.tokens.word > 0) & (reading.word == reading.tokens.word) & (reading.tokens.shape <= UPPER)
    return np.bincount(reading.tokens.text[known], minlength=reading.tokens.texts)
