"""Appeals -> runs of appeals: what stands between two pleas and works towards them is part of the plea, though it reads like an article.

The guidelines: a donation appeal stays an appeal in all of its paragraphs, also those that read like an opinion piece.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

CARRIED = 15
"""What an appeal counts for: it carries along 3 blocks of other kinds in its run."""
LIKELY_COST = 1
"""What a block costs that could be an appeal by its words. Whole numbers: sums of fractions would be rounded, and ties fall by chance."""
OTHER_COST = 5
LEAST_APPEALS = 2
LEAST_SHARE = 0.2
"""A run makes up at least this share of the text: round a whole page, flattened, pleas stand that have nothing to do with each other."""


OPENING = 4
"""A run that begins so few blocks after a salutation begins with it: letters tell a story before they ask."""


def runs_of_appeals(appeal: NDArray[np.bool_], likely: NDArray[np.bool_], salutes: NDArray[np.bool_]) -> Iterator[slice]:
    """The runs of one article's blocks that are appeals on the whole. `appeal` (blocks,) says which blocks are by themselves, `likely` which could be,
    `salutes` which are a salutation."""
    if appeal.sum() < LEAST_APPEALS:
        return
    for run in _greatest_runs(np.where(appeal, CARRIED, np.where(likely, -LIKELY_COST, -OTHER_COST)).tolist()):
        if appeal[run].sum() >= LEAST_APPEALS and run.stop - run.start >= LEAST_SHARE * len(appeal):
            opening = slice(max(0, run.start - OPENING), run.start)
            greeting = np.flatnonzero(salutes[opening])
            yield slice(opening.start + int(greeting[0]), run.stop) if len(greeting) else run


class _Run(NamedTuple):
    """A run and the sums of all scores before it and up to its end; `lower` is the number of the last run before it with a lower sum before, or -1."""

    start: int
    stop: int
    before: int
    upto: int
    lower: int


def _greatest_runs(score: list[int]) -> list[slice]:
    """The run with the greatest sum, and the greatest of what is left on either side of it, and so on, in one pass (Ruzzo and Tompa, ISMB 1999)."""
    runs: list[_Run] = []
    upto = 0
    for at, value in enumerate(score):
        before, upto = upto, upto + value
        if value <= 0:
            continue
        start, lower = at, len(runs) - 1
        while True:
            while lower >= 0 and runs[lower].before >= before:
                lower = runs[lower].lower
            if lower < 0 or runs[lower].upto >= upto:
                break
            start, _, before, _, further = runs[lower]
            del runs[lower:]
            lower = further
        runs.append(_Run(start, at + 1, before, upto, lower))
    return [slice(run.start, run.stop) for run in runs]
