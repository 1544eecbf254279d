"""Boosted trees as plain arrays: every tree is filled up to the same depth, so that all trees answer for all rows one level at a time."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


class Trees(NamedTuple):
    """`feature` and `threshold` (trees, inner nodes) and `value` (trees, leaves). The children of inner node n are n * 2 + 1, where the
    feature is not above the threshold, and n * 2 + 2; the leaves follow the inner nodes."""

    feature: NDArray[np.int32]
    threshold: Floats
    value: Floats

    def score(self, values: Floats) -> Floats:
        """Rows (rows, features) -> logits (rows,)."""
        rows, features = values.shape
        flat = np.ascontiguousarray(values).ravel()
        begin = (np.arange(rows) * features)[:, None]
        trees, inner = self.feature.shape
        tree = np.arange(trees) * inner
        node = np.zeros((rows, trees), np.int64)
        for _ in range(inner.bit_length()):
            at = node + tree
            node = 2 * node + 1 + (flat[begin + self.feature.ravel()[at]] > self.threshold.ravel()[at])
        answers: Floats = self.value.ravel()[node - inner + np.arange(trees) * (inner + 1)].sum(axis=1)
        return answers
