"""Appeals -> runs of appeals: what stands between two pleas and works towards them is part of the plea, though it reads like an article.

The guidelines: a donation appeal stays an appeal in all of its paragraphs, also those that read like an opinion piece.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.features import Floats

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


LEAST_LEFT = 0.02
"""Where no more than this share of its words would be left of an article, it is no article with pleas."""


def leaves_text(words: Floats, own: NDArray[np.bool_], taken: NDArray[np.bool_]) -> bool:
    """Whether of the article's own text, `own` of its blocks, enough is left without those that are `taken`; all arrays (blocks,)."""
    return bool(words[own & ~taken].sum() > LEAST_LEFT * words[own].sum())


class Plea(NamedTuple):
    """A run of appeals. A `signed` one is a letter from its salutation to its signature, and nothing in it is the article's, whatever it reads like."""

    blocks: slice
    signed: bool


def runs_of_appeals(appeal: NDArray[np.bool_], likely: NDArray[np.bool_], salutes: NDArray[np.bool_], signs: NDArray[np.bool_]) -> Iterator[Plea]:
    """The runs of one article's blocks that are appeals on the whole. `appeal` (blocks,) says which blocks are by themselves, `likely` which could be,
    `salutes` which are a salutation and `signs` which the line above a letter writer's name."""
    if appeal.sum() < LEAST_APPEALS:
        return
    greetings = np.flatnonzero(salutes & appeal)
    for run in _greatest_runs(np.where(appeal, CARRIED, np.where(likely, -LIKELY_COST, -OTHER_COST)).tolist()):
        opening = max(0, run.start - OPENING)
        greeted, near = np.searchsorted(greetings, run.start, side="right"), np.flatnonzero(salutes[opening : run.start])
        signatures = np.flatnonzero(signs[run]) + run.start
        signed = bool(greeted) and len(signatures) > 0
        start = int(greetings[greeted - 1]) if signed else opening + int(near[0]) if len(near) else run.start
        if appeal[run].sum() >= LEAST_APPEALS and run.stop - start >= LEAST_SHARE * len(appeal):
            end = int(signatures[-1]) + 1 if signed else run.stop
            yield Plea(slice(start, end), signed)
            if end < run.stop:
                yield Plea(slice(end, run.stop), False)


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
