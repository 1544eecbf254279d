"""The labeller's first stage: terms -> logit, one weight a term. Nothing but the passage itself is looked at.

Two additive parts. *Counts*: TF-IDF of terms and of pairs of neighbouring terms, fitted by scikit-learn. *Meaning*: the mean of the
passage's word vectors, one mean for what is quoted and one for what is not; the vectors come from which words stand near which in unlabelled
articles, so a word never seen in a labelled passage still has its weight. The vectors are folded into one number a term and not kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.terms import Reading
from training.tokens import Index

AT_ONCE = 1 << 16
"""Tokens whose grams are looked for together: what is held on the way is many times what is found."""


class Occurrences(NamedTuple):
    """Every occurrence of a known gram (a term, or a pair of neighbours) in a batch, arrays of shape (occurrences,)."""

    gram: NDArray[np.int32]
    text: NDArray[np.int32]
    token: NDArray[np.int32]
    """The gram's last token."""

    def parts(self) -> Iterator[Occurrences]:
        return (Occurrences(*(column[begin : begin + AT_ONCE] for column in self)) for begin in range(0, len(self.gram), AT_ONCE))


class Grams:
    """Finds the known grams of a batch: single terms by table, pairs by hash. `keys` are sorted."""

    def __init__(self, keys: NDArray[np.int64], terms: int):
        self._singles = int(np.searchsorted(keys, terms))
        self._place = np.full(terms, -1)
        self._place[keys[: self._singles]] = np.arange(self._singles)
        self._index = Index(keys[self._singles :].astype(np.uint64))

    def find(self, reading: Reading) -> Occurrences:
        found = [self._find(reading.part(begin, begin + AT_ONCE), begin) for begin in range(0, len(reading.word) or 1, AT_ONCE)]
        return Occurrences(*(np.concatenate(columns) for columns in zip(*found, strict=True)))

    def _find(self, reading: Reading, begin: int) -> Occurrences:
        """Those that end in a part of a batch, which has the token before `begin` too, where there is one."""
        before = min(begin, 1)
        key, second = pairs(reading)
        single, pair = self._place[reading.term], self._index.find(key.astype(np.uint64))
        single[:before] = -1
        alone, paired = np.flatnonzero(single >= 0), np.flatnonzero(pair >= 0)
        token = np.concatenate([alone, second[paired]])
        gram = np.concatenate([single[alone], pair[paired] + self._singles])
        return Occurrences(gram.astype(np.int32), reading.tokens.text[token].astype(np.int32), (token + begin - before).astype(np.int32))


@dataclass(frozen=True)
class Evidence:
    """`grams` are the sorted keys of the known grams; `idf` and `weight` (IDF folded in) belong to them, `meaning` to terms."""

    grams: NDArray[np.int64]
    idf: NDArray[np.float64]
    weight: NDArray[np.float64]
    meaning: NDArray[np.float64]
    bias: float

    @cached_property
    def _known(self) -> Grams:
        return Grams(self.grams, terms=len(self.meaning))

    def occurrences(self, reading: Reading) -> Occurrences:
        return self._known.find(reading)

    def contributions(self, reading: Reading, found: Occurrences) -> Iterator[NDArray[np.float64]]:
        """What the occurrences of grams add to the logit, in their order, in parts."""
        length = np.zeros(reading.tokens.texts)
        for part in found.parts():
            length += np.bincount(part.text, self.idf[part.gram] ** 2, minlength=len(length))
        length = np.sqrt(length)
        for part in found.parts():
            yield self.weight[part.gram] / length[part.text]

    def meanings(self, reading: Reading) -> NDArray[np.float64]:
        """What each token adds to the logit by its meaning, shape (tokens,)."""
        of_tokens = self.meaning[reading.term]
        of_tokens /= reading.tokens.lengths()[reading.tokens.text]
        return of_tokens

    def added(self, reading: Reading) -> NDArray[np.float64]:
        """What each token adds to its passage's logit, shape (tokens,); a pair counts with its last token."""
        found = self.occurrences(reading)
        added = self.meanings(reading)
        for part, of_grams in zip(found.parts(), self.contributions(reading, found), strict=True):
            np.add.at(added, part.token, of_grams)
        return added


def gram_text(key: int, words: Sequence[str]) -> str:
    """A gram's key as people read it; what is quoted stands in guillemets."""
    terms = 2 * len(words)
    parts = [key] if key < terms else [key // terms - 1, key % terms]
    return " ".join(words[term] if term < len(words) else f"«{words[term - len(words)]}»" for term in parts)


def pairs(reading: Reading) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Key and last token of every pair of neighbours. A pair's key is above every single term's, which is the term's id."""
    term, text = reading.term, reading.tokens.text
    second = np.flatnonzero(text[1:] == text[:-1]) + 1
    return (term[second - 1] + 1) * reading.terms + term[second], second
