"""The labeller's first stage: terms -> logit, one weight a term. Nothing but the passage itself is looked at.

Two additive parts. *Counts*: TF-IDF of terms and of pairs of neighbouring terms, fitted by scikit-learn. *Meaning*: the mean of the
passage's word vectors, one mean for what is quoted and one for what is not; the vectors come from which words stand near which in unlabelled
articles, so a word never seen in a labelled passage still has its weight. The vectors are folded into one number a term and not kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.terms import Reading
from training.tokens import Index


class Occurrences(NamedTuple):
    """Every occurrence of a known gram (a term, or a pair of neighbours) in a batch, arrays of shape (occurrences,)."""

    gram: NDArray[np.int64]
    text: NDArray[np.int64]
    token: NDArray[np.int64]
    """The gram's last token."""


@dataclass(frozen=True)
class Evidence:
    """`grams` are the sorted keys of the known grams; `idf` and `weight` (IDF folded in) belong to them, `meaning` to terms."""

    grams: NDArray[np.int64]
    idf: NDArray[np.float64]
    weight: NDArray[np.float64]
    meaning: NDArray[np.float64]
    bias: float

    @cached_property
    def _index(self) -> Index:
        return Index(self.grams.astype(np.uint64))

    def occurrences(self, reading: Reading) -> Occurrences:
        return find(reading, self._index)

    def contributions(self, reading: Reading, found: Occurrences) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """What each occurrence of a gram adds to the logit, shape (occurrences,), and what each token adds by its meaning, shape (tokens,)."""
        length = np.sqrt(np.bincount(found.text, self.idf[found.gram] ** 2, minlength=reading.tokens.texts))
        of_grams = self.weight[found.gram] / length[found.text]
        return of_grams, self.meaning[reading.term] / reading.tokens.lengths()[reading.tokens.text]

    def added(self, reading: Reading) -> NDArray[np.float64]:
        """What each token adds to its passage's logit, shape (tokens,); a pair counts with its last token."""
        found = self.occurrences(reading)
        of_grams, of_tokens = self.contributions(reading, found)
        return of_tokens + np.bincount(found.token, of_grams, minlength=len(of_tokens))


def gram_text(key: int, words: Sequence[str]) -> str:
    """A gram's key as people read it; what is quoted stands in guillemets."""
    terms = 2 * len(words)
    parts = [key] if key < terms else [key // terms - 1, key % terms]
    return " ".join(words[term] if term < len(words) else f"«{words[term - len(words)]}»" for term in parts)


def find(reading: Reading, index: Index) -> Occurrences:
    """The grams that the index of keys knows."""
    key, text, token = all_grams(reading)
    gram = index.find(key.astype(np.uint64))
    known = np.flatnonzero(gram >= 0)
    return Occurrences(gram[known], text[known], token[known])


def all_grams(reading: Reading) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Key, text and last token of every term and every pair of neighbours. A pair's key is above every single term's."""
    term, text = reading.term, reading.tokens.text
    second = np.flatnonzero(text[1:] == text[:-1]) + 1
    pair = (term[second - 1] + 1) * reading.terms + term[second]
    return np.concatenate([term, pair]), np.concatenate([text, text[second]]), np.concatenate([np.arange(len(term)), second])
