"""Training blocks arranged as they can also come: excerpts, the article's own text alone, and a run of something else after it.

Whole pages teach where boilerplate stands on whole pages only. What is pasted into the desk is often a part of one, or ends in an appeal
that reads like an opinion piece; the second stage has to have seen that.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.article import KINDS
from training.features import Ints

EXCERPT = (5, 30)
"""Blocks in an excerpt, least and most."""
OPENING = (2, 13)
"""Blocks of an article's own text that a run of something else is put after."""
JOINED = ("appeal", "related", "comment", "legal", "advert")
"""Kinds that come in runs after an article, or between its paragraphs."""
RUN = (1, 25)
"""Blocks in such a run."""
WOVEN_SHARE = 0.5
"""Of the appeals, so many get paragraphs of another article between theirs: an appeal tells a story before it asks."""
STORY = (1, 8)
"""Paragraphs of such a story."""
SPLICES = 3
"""Times that some of a bare article's own text gets a run put after it."""
APPEAL_SHARE = 0.6
"""Of these runs, so many are appeals: no other kind reads so much like an article."""

AS_TOLD = -1


class Arrangement(NamedTuple):
    """Blocks in a new order: `place` of each among the training blocks, and its `kind` where that is another than it was told (AS_TOLD elsewhere)."""

    place: Ints
    kind: Ints


def arrange(edges: Ints, own: Ints, kind: Ints, bare: NDArray[np.bool_], seed: int) -> Iterator[Arrangement]:
    """Arrangements of articles whose blocks stand at `edges[n]` up to `edges[n + 1]`. `own` and `kind` are of each block, and so is
    `bare`, which says that it comes from bare text."""
    chance = np.random.default_rng(seed)
    runs = {name: _runs(edges, kind == KINDS.index(name)) for name in JOINED}
    texts = [begin + np.flatnonzero(own[begin:end] & bare[begin:end]) for begin, end in pairwise(edges)]
    plain = [place for place in texts if len(place) >= OPENING[0]]
    for begin, end in pairwise(edges):
        if end - begin > EXCERPT[0]:
            size = chance.integers(EXCERPT[0], min(EXCERPT[1], end - begin) + 1)
            start = chance.integers(begin, end - size + 1)
            yield _as_told(np.arange(start, start + size))
    for place in plain:
        yield _as_told(_part(place, chance))
        for _ in range(SPLICES):
            name = "appeal" if chance.random() < APPEAL_SHARE else JOINED[chance.integers(len(JOINED))]
            if runs[name]:
                after = _run(runs[name], chance)
                if name == "appeal" and chance.random() < WOVEN_SHARE:
                    after = _woven(after, plain[chance.integers(len(plain))], chance)
                opening = _part(place, chance)
                kind = np.where(np.arange(len(opening) + len(after)) < len(opening), AS_TOLD, KINDS.index(name))
                yield Arrangement(np.concatenate([opening, after]), kind)


def _run(runs: list[Ints], chance: np.random.Generator) -> Ints:
    """Blocks of one kind, from as many articles as it takes; longer runs are taken more often."""
    size = chance.integers(RUN[0], RUN[1] + 1)
    lengths = np.array([len(run) for run in runs])
    chosen = chance.choice(len(runs), size=size, p=lengths / lengths.sum())
    enough = int(np.searchsorted(np.cumsum(lengths[chosen]), size)) + 1
    return np.concatenate([runs[number] for number in chosen[:enough]])[:size]


def _woven(appeal: Ints, other: Ints, chance: np.random.Generator) -> Ints:
    """An appeal with a story in it: paragraphs of another article's own text."""
    return np.insert(appeal, chance.integers(0, len(appeal) + 1), other[: chance.integers(STORY[0], STORY[1] + 1)])


def _part(place: Ints, chance: np.random.Generator) -> Ints:
    """Some blocks in a row, from the beginning more often than not."""
    size = min(len(place), int(chance.integers(OPENING[0], OPENING[1] + 1)))
    start = 0 if chance.random() < 0.6 else int(chance.integers(0, len(place) - size + 1))
    return place[start : start + size]


def _as_told(place: Ints) -> Arrangement:
    return Arrangement(place, np.full(len(place), AS_TOLD))


def _runs(edges: Ints, chosen: NDArray[np.bool_]) -> list[Ints]:
    """Runs of chosen blocks that stand in one article."""
    places = np.flatnonzero(chosen)
    article = np.searchsorted(edges, places, side="right")
    breaks = np.flatnonzero((np.diff(places) > 1) | (np.diff(article) > 0)) + 1
    return [run for run in np.split(places, breaks) if len(run)]
