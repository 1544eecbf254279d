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


class Trees(NamedTuple):
    """`feature` and `threshold` (trees, inner nodes) and `value` (trees, leaves). The children of inner node n are n * 2 + 1, where the
    feature is not above the threshold, and n * 2 + 2; the leaves follow the inner nodes."""

    feature: NDArray[np.int32]
    threshold: Floats
    value: Floats

    @property
    def is_whole(self) -> bool:
        """Whether the arrays belong together."""
        return self.feature.ndim == 2 and self.threshold.shape == self.feature.shape and self.value.shape == (len(self.feature), self.feature.shape[1] + 1)

    def score(self, values: Floats) -> Floats:
        """Rows (rows, features) -> logits (rows,)."""
        trees, inner = self.feature.shape
        first_leaf = (np.arange(trees) * (inner + 1))[:, None]
        answers = np.zeros(len(values), np.float32)
        for begin in range(0, len(values), ROWS):
            columns = np.ascontiguousarray(values[begin : begin + ROWS].T)
            rows = columns.shape[1]
            asked, above = np.empty((trees, rows), np.float32), np.empty((trees, rows), np.bool_)
            first, further = np.zeros((2, trees, rows), np.uint8)
            for node in reversed(range(inner)):
                columns.take(self.feature[:, node], axis=0, out=asked, mode="clip")
                np.greater(asked, self.threshold[:, node, None], out=above)
                bits = first if node < 8 else further
                bits += bits
                bits |= above.view(np.uint8)
            leaf = _leaf_of(inner).take(further.astype(np.uint16) << 8 | first)
            answers[begin : begin + ROWS] = self.value.take(first_leaf + leaf).sum(axis=0, dtype=np.float64)
        return answers


@cache
def _leaf_of(inner: int) -> NDArray[np.uint8]:
    """The leaf for each way to answer the questions of the inner nodes, the answer of node n in bit n."""
    bits = np.arange(1 << inner)
    node = np.zeros(len(bits), np.int64)
    for _ in range(inner.bit_length()):
        node = 2 * node + 1 + (bits >> node & 1)
    return (node - inner).astype(np.uint8)
