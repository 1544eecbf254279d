"""Appeals -> runs of appeals: what stands between two pleas and works towards them is part of the plea, though it reads like an article.

The guidelines: a donation appeal stays an appeal in all of its paragraphs, also those that read like an opinion piece.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

CARRIED = 3.0
"""Blocks of other kinds that an appeal carries along in its run."""
LIKELY_COST = 0.2
"""What a block costs that could be an appeal by its words, where another costs 1."""
LEAST_APPEALS = 2
LEAST_SHARE = 0.2
"""A run makes up at least this share of the text: round a whole page, flattened, pleas stand that have nothing to do with each other."""


def runs_of_appeals(appeal: NDArray[np.bool_], likely: NDArray[np.bool_]) -> Iterator[slice]:
    """The runs of one article's blocks that are appeals on the whole. `appeal` (blocks,) says which blocks are by themselves, `likely` which could be."""
    if appeal.sum() < LEAST_APPEALS:
        return
    least_long = LEAST_SHARE * len(appeal)
    score = np.where(appeal, CARRIED, np.where(likely, -LIKELY_COST, -1.0)).tolist()
    parts = [(0, len(score))]
    while parts:
        begin, end = parts.pop()
        run = _best_run(score, begin, end)
        if run.stop > run.start:
            parts += [(begin, run.start), (run.stop, end)]
            if appeal[run].sum() >= LEAST_APPEALS and run.stop - run.start >= least_long:
                yield run


def _best_run(score: list[float], begin: int, end: int) -> slice:
    """The run with the greatest sum between two places, empty when no sum is above 0."""
    best, found, total, start = 0.0, slice(begin, begin), 0.0, begin
    for at in range(begin, end):
        if total <= 0:
            total, start = 0.0, at
        total += score[at]
        if total > best:
            best, found = total, slice(start, at + 1)
    return found
