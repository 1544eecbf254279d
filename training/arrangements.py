"""Training blocks arranged as they can also come: excerpts, the article's own text alone, and a run of something else after it.

Whole pages teach where boilerplate stands on whole pages only. What is pasted into the desk is often a part of one, or ends in an appeal
that reads like an opinion piece; the second stage has to have seen that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from training.article import KINDS
from training.features import Ints

EXCERPT = (5, 30)
"""Blocks in an excerpt, least and most."""
OPENING = (2, 13)
"""Blocks of an article's own text that a run of something else is put after."""
JOINED = ("appeal", "related", "comment", "legal", "byline", "caption", "advert")
"""Kinds that come in runs after an article, or between its paragraphs."""
RUN = (1, 14)
"""Blocks in such a run."""
WOVEN_SHARE = 0.4
"""Of the appeals, so many get paragraphs of another article between theirs: an appeal tells a story before it asks."""
SPLICES = 3
"""Articles with a run put after them, for each article without boilerplate to learn from."""

APPEAL = KINDS.index("appeal")


class Arrangement(NamedTuple):
    """Blocks in a new order: `place` of each among the training blocks, and its `kind` where that is another than it was told (-1: as told)."""

    place: Ints
    kind: Ints


def arrange(edges: Ints, own: Ints, kind: Ints, group: Ints, bare: Sequence[bool], seed: int) -> Iterator[Arrangement]:
    """Arrangements of articles whose blocks stand at `edges[n]` up to `edges[n + 1]`; `own`, `kind` and `group` are of each block,
    `bare` says of each article that it is bare text."""
    chance = np.random.default_rng(seed)
    runs = {name: _runs(edges, kind == KINDS.index(name)) for name in JOINED}
    texts = [place for begin, end in zip(edges[:-1], edges[1:], strict=True) if len(place := begin + np.flatnonzero(own[begin:end])) >= OPENING[0]]
    for begin, end in zip(edges[:-1], edges[1:], strict=True):
        if end - begin > EXCERPT[0]:
            size = chance.integers(EXCERPT[0], min(EXCERPT[1], end - begin) + 1)
            start = chance.integers(begin, end - size + 1)
            yield _as_told(np.arange(start, start + size))
    plain = [place for place in texts if bare[np.searchsorted(edges, place[0], side="right") - 1]]
    for place in plain:
        yield _as_told(_part(place, chance))
        for _ in range(SPLICES):
            name = JOINED[chance.integers(len(JOINED))] if chance.random() < 0.5 else "appeal"
            if runs[name]:
                yield _spliced(_part(place, chance), name, runs[name], plain, group, chance)


def _spliced(opening: Ints, name: str, runs: list[Ints], texts: list[Ints], group: Ints, chance: np.random.Generator) -> Arrangement:
    size = chance.integers(RUN[0], RUN[1] + 1)
    after: list[int] = []
    while len(after) < size:
        run = runs[chance.integers(len(runs))]
        after += run[: size - len(after)].tolist() if len(run) < RUN[1] else run.tolist()
    if name == "appeal" and chance.random() < WOVEN_SHARE:
        other = texts[chance.integers(len(texts))]
        if group[other[0]] != group[opening[0]]:
            story = other[: chance.integers(1, 5)].tolist()
            at = chance.integers(0, len(after))
            after[at:at] = story
    place = np.array([*opening, *after])
    kind = np.where(np.arange(len(place)) < len(opening), -1, KINDS.index(name))
    return Arrangement(place, kind)


def _part(place: Ints, chance: np.random.Generator) -> Ints:
    """Some blocks in a row, from the beginning more often than not."""
    size = min(len(place), int(chance.integers(OPENING[0], OPENING[1] + 1)))
    start = 0 if chance.random() < 0.6 else int(chance.integers(0, len(place) - size + 1))
    return place[start : start + size]


def _as_told(place: Ints) -> Arrangement:
    return Arrangement(place, np.full(len(place), -1))


def _runs(edges: Ints, chosen: np.ndarray) -> list[Ints]:
    """Runs of chosen blocks that stand in one article."""
    places = np.flatnonzero(chosen)
    article = np.searchsorted(edges, places, side="right")
    breaks = np.flatnonzero((np.diff(places) > 1) | (np.diff(article) > 0)) + 1
    return [run for run in np.split(places, breaks) if len(run)]
