"""Texts as sparse rows: which terms each has, rare ones counting for more and names and numbers for most."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from training.told import Term

NAMED, MOSTLY_NAMED = 1.5, 0.3
"""A name or a number says this many times as much as another term of the same rarity. What is one in this share of the texts that hold it is one in all: a
sentence may begin with it."""
EVERYWHERE = 0.25
"""What a term says that stands in all texts: of two articles on one event, what they share is everywhere. A term in one text of e times as many says 1 more."""
COMMON, LEAST_COMMON = 0.01, 50
"""A term that stands in more than this share of the texts, and in more than so many, does not tell one from another."""


@dataclass(slots=True)
class Rows:
    """A sparse matrix as it grows, a row a text: columns are hashes of 32 bits."""

    columns: array[int] = field(default_factory=lambda: array("I"))
    values: array[float] = field(default_factory=lambda: array("f"))
    ends: array[int] = field(default_factory=lambda: array("q", [0]))

    def add(self, columns: Iterable[int], values: Iterable[float]) -> None:
        self.columns.extend(columns)
        self.values.extend(values)
        self.ends.append(len(self.columns))

    def add_terms(self, terms: Mapping[str, Term]) -> None:
        """A text's terms; 2 stands for a name or number, 1 for another term."""
        self.add(map(hashed, terms), (1.0 + term.named for term in terms.values()))

    def matrix(self, order: Sequence[int]) -> csr_array:
        """The rows in another order, the columns that are there in that of their hashes; repeated ones are summed."""
        known, column = np.unique(np.frombuffer(self.columns, np.uint32), return_inverse=True) if self.columns else (np.zeros(0), np.zeros(0, np.int32))
        values = np.frombuffer(self.values, np.float32) if self.values else np.zeros(0, np.float32)
        whole = csr_array((values, column.astype(np.int32), np.array(self.ends)), shape=(len(self.ends) - 1, len(known)))
        rows = whole[np.array(order, np.int64)]
        rows.sum_duplicates()
        return rows


def weighed(matrix: csr_array) -> csr_array:
    """Rows of terms as rows of length 1, the terms weighed by how rare they are. What no other text has is in the length alone."""
    held = _holding(matrix)
    named = np.bincount(matrix.indices, weights=matrix.data > 1, minlength=matrix.shape[1]) >= MOSTLY_NAMED * held
    rarity = np.where(held <= _most(matrix), np.log((1 + matrix.shape[0]) / (1 + held)) + EVERYWHERE, 0.0)
    rows = csr_array((np.where(named, NAMED * rarity, rarity)[matrix.indices], matrix.indices, matrix.indptr), shape=matrix.shape)
    lengths = np.sqrt(rows.multiply(rows).sum(axis=1))
    rows.data /= np.repeat(np.maximum(lengths, np.finfo(float).tiny), np.diff(rows.indptr))
    return rows[:, np.flatnonzero((held > 1) & (rarity > 0))]


def rare(matrix: csr_array) -> csr_array:
    """The columns that stand in more than one row and in not too many."""
    held = _holding(matrix)
    return matrix[:, np.flatnonzero((held > 1) & (held <= _most(matrix)))]


def _holding(matrix: csr_array) -> NDArray[np.int64]:
    """How many rows hold each column."""
    return np.bincount(matrix.indices, minlength=matrix.shape[1])


def _most(matrix: csr_array) -> float:
    """How many rows may hold a column that tells them from others."""
    return max(LEAST_COMMON, COMMON * len(matrix.indptr))


@lru_cache(1 << 16)
def hashed(text: str) -> int:
    return crc32(text.encode("utf-8", "surrogatepass"))
