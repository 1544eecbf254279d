"""Boosted trees as plain arrays. Every tree is filled up to the same small depth, so that the answers to all its questions, packed into bits,
say at once which leaf a row comes to."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.features import Floats

DEEPEST = 4
"""Levels of a tree whose questions go into 16 bits."""
ROWS = 256
"""Rows answered for at a time."""
SURE = 4.0
"""Where the first set of trees comes to a logit beyond this, the others are not asked."""


class Trees(NamedTuple):
    """Sets of trees that learnt the same from other draws: `feature` and `threshold` (sets, trees, inner nodes) and `value` (sets, trees, leaves). The children
    of inner node n are n * 2 + 1, where the feature is not above the threshold, and n * 2 + 2; the leaves follow the inner nodes."""

    feature: NDArray[np.int32]
    threshold: Floats
    value: Floats

    @property
    def is_whole(self) -> bool:
        """Whether the arrays belong together, and every tree is filled up."""
        sets, trees, inner = self.feature.shape if self.feature.ndim == 3 else (0, 0, 0)
        alike = self.threshold.shape == self.feature.shape and self.value.shape == (sets, trees, inner + 1)
        return alike and sets > 0 and 0 < inner < 1 << DEEPEST and inner & (inner + 1) == 0

    def score(self, values: Floats, start: Floats) -> Floats:
        """Rows (rows, features) and the logits (rows,) that the trees begin with -> logits (rows,): the mean of what the sets answer, or what the first one
        does where it is sure."""
        first = self._added(values, slice(1))
        logits: Floats = start + first
        unsure = np.flatnonzero(np.abs(logits) < SURE)
        others = len(self.feature) - 1
        if others and len(unsure):
            logits[unsure] = start[unsure] + (first[unsure] + self._added(values[unsure], slice(1, None))) / (1 + others)
        return logits

    def _added(self, values: Floats, sets: slice) -> Floats:
        """What all trees of some sets say of each row, (rows,)."""
        inner, leaves = self.feature.shape[-1], self.value.shape[-1]
        feature, threshold = self.feature[sets].reshape(-1, inner), self.threshold[sets].reshape(-1, inner)
        value = self.value[sets].reshape(-1, leaves)
        trees = len(feature)
        first_leaf = (np.arange(trees) * leaves)[:, None]
        answers = np.zeros(len(values), np.float32)
        for begin in range(0, len(values), ROWS):
            columns = np.ascontiguousarray(values[begin : begin + ROWS].T)
            rows = columns.shape[1]
            asked, above = np.empty((trees, rows), np.float32), np.empty((trees, rows), np.bool_)
            first, further = np.zeros((2, trees, rows), np.uint8)
            for node in reversed(range(inner)):
                columns.take(feature[:, node], axis=0, out=asked, mode="clip")
                np.greater(asked, threshold[:, node, None], out=above)
                bits = first if node < 8 else further
                bits += bits
                bits |= above.view(np.uint8)
            leaf = _leaf_of(inner).take(further.astype(np.uint16) << 8 | first)
            answers[begin : begin + ROWS] = value.take(first_leaf + leaf).sum(axis=0, dtype=np.float64)
        return answers


@cache
def _leaf_of(inner: int) -> NDArray[np.uint8]:
    """The leaf for each way to answer the questions of the inner nodes, the answer of node n in bit n."""
    bits = np.arange(1 << inner)
    node = np.zeros(len(bits), np.int64)
    for _ in range(inner.bit_length()):
        node = 2 * node + 1 + (bits >> node & 1)
    return (node - inner).astype(np.uint8)
