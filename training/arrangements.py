"""Training blocks arranged as they can also come: an article's own text alone, whole or in part, with furniture of other outlets put in, a letter after
it, or a list of teasers near it; of a page a few paragraphs, or a stretch.

Whole pages teach where boilerplate stands on whole pages only. What is pasted into the desk is often a part of one, with a caption or a plea
between its paragraphs, or ends in a letter that reads like an opinion piece; archives and feeds hold an article's HTML without the page round it. The
second stage has to have seen that.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from training.article import KINDS
from training.features import Ints

WHOLE = 0.5
"""How often all of an article's own text is taken: where only letters were long, whatever stood late in a long text would be taken for one."""
PART = (2, 13)
"""Blocks of it that are taken otherwise."""
FURNISHED, LETTERED = 2, 0.2
"""Times that each bare article gets furniture put into it, and how often a letter after it: the oftener, the more essays are taken for one."""
GROUPS = (1, 4)
"""Places at which furniture is put in."""
GROUP = (1, 3)
"""Blocks of furniture at a place: of one outlet, one after the other."""
FIRST = ("byline", "timestamp", "caption", "navigation", "appeal", "legal")
BETWEEN = ("caption", "related", "appeal", "advert", "navigation", "other")
LAST = ("byline", "legal", "related", "appeal", "comment", "caption", "timestamp", "advert", "navigation", "other")
"""Kinds of furniture by where they stand: before the article, between its paragraphs, and after it."""
LETTER, LIST = 5, 3
"""So many blocks or more that are all appeals are a letter, all related a list of teasers: these come as a whole."""
LISTED, LISTED_AFTER = 0.5, 0.8
"""How often an article gets a list of teasers, and how often after its text; the text of a whole page gets it among what stands round it there."""
FRAGMENTS = 3
"""Times that some paragraphs of a page come alone."""
STRETCH = (3, 30)
"""Blocks of a stretch of a page."""


def arrange(edges: Ints, own: NDArray[np.bool_], kind: Ints, bare: NDArray[np.bool_], seed: int) -> Iterator[Ints]:
    """Arrangements of articles whose blocks stand at `edges[n]` up to `edges[n + 1]`: places of blocks in a new order. `own` and `kind` are of
    each block, and so is `bare`, which says that it comes from bare text. An article of bare text of other kinds only is furniture."""
    chance = np.random.default_rng(seed)
    articles = list(pairwise(edges.tolist()))
    spans = [(begin, end) for begin, end in articles if bare[begin:end].all()]
    pages = [(begin, end) for begin, end in articles if not bare[begin:end].any()]
    furniture = _furniture(spans, own, kind)
    letters, lists = _long(kind, furniture, "appeal", LETTER), _long(kind, furniture, "related", LIST)
    loose = _by_kind(kind, sorted({*furniture} - {*letters, *lists}))
    for begin, end in spans:
        text = begin + np.flatnonzero(own[begin:end])
        excerpt = (kind[begin:end] >= 0).all()
        if len(text) >= PART[0]:
            yield text
            yield _part(text, chance)
            for _ in range(FURNISHED if loose and excerpt else 0):
                yield _furnished(_part(text, chance), loose, chance)
            if letters and chance.random() < LETTERED:
                yield np.concatenate([_short(text, chance) if excerpt else text, np.arange(*letters[chance.integers(len(letters))])])
            if lists and chance.random() < LISTED:
                teasers = np.arange(*lists[chance.integers(len(lists))])
                yield np.concatenate([_part(text, chance), teasers]) if excerpt else _listed(begin, end, text, teasers, chance)
    for begin, end in pages:
        text = begin + np.flatnonzero(own[begin:end])
        if len(text) >= PART[0]:
            for _ in range(FRAGMENTS):
                yield _short(text, chance)
            yield _stretch(begin, end, text, chance)


def pleading(edges: Ints, own: NDArray[np.bool_], kind: Ints, bare: NDArray[np.bool_], seed: int) -> Iterator[Ints]:
    """Articles of bare text of which every block is known, in the same form: whole or in part, their blocks as they stand but for their appeals, a letter or
    a short plea put after them or between them."""
    chance = np.random.default_rng(seed)
    spans = [(begin, end) for begin, end in pairwise(edges.tolist()) if bare[begin:end].all() and (kind[begin:end] >= 0).all()]
    furniture = _furniture(spans, own, kind)
    letters = _long(kind, furniture, "appeal", LETTER)
    short = _by_kind(kind, sorted({*furniture} - {*letters})).get("appeal", [])
    for begin, end in spans if letters and short else ():
        for _ in range(PLEADED if own[begin:end].any() else 0):
            text = _part(begin + np.flatnonzero(kind[begin:end] != KINDS.index("appeal")), chance)
            is_letter = chance.random() < PLEADED_AT_LENGTH
            plea = np.arange(*letters[chance.integers(len(letters))]) if is_letter else short[chance.integers(len(short))]
            if is_letter and chance.random() < CUT_SHORT:
                plea = plea[chance.integers(len(plea) // 2 + 1) :]
            place = len(text) if chance.random() < AT_THE_END[is_letter] else int(chance.integers(1, len(text), endpoint=True))
            yield np.concatenate([text[:place], plea, text[place:]])


PLEADED, PLEADED_AT_LENGTH, CUT_SHORT = 2, 0.7, 0.3
"""Times that each such article gets a plea, how often that is a letter, and how often the letter has lost its beginning."""
AT_THE_END = (0.5, 0.9)
"""How often a short plea, and how often a letter stands after the article."""


def _furniture(spans: list[tuple[int, int]], own: NDArray[np.bool_], kind: Ints) -> list[tuple[int, int]]:
    """Those of the articles that hold none of an article's own text, and of which every block is known."""
    return [(begin, end) for begin, end in spans if not own[begin:end].any() and (kind[begin:end] >= 0).all()]


def _long(kind: Ints, furniture: list[tuple[int, int]], name: str, least: int) -> list[tuple[int, int]]:
    """Furniture that is all of one kind, and long."""
    return [(begin, end) for begin, end in furniture if end - begin >= least and (kind[begin:end] == KINDS.index(name)).all()]


def _listed(begin: int, end: int, text: Ints, teasers: Ints, chance: np.random.Generator) -> Ints:
    """A whole page with the teasers put in before or after its text."""
    after = chance.random() < LISTED_AFTER
    place = int(chance.integers(text[-1] + 1, end, endpoint=True) if after else chance.integers(begin, text[0], endpoint=True))
    return np.concatenate([np.arange(begin, place), teasers, np.arange(place, end)])


def _stretch(begin: int, end: int, text: Ints, chance: np.random.Generator) -> Ints:
    """Some blocks of a page in a row, from anywhere where its text runs."""
    size = int(chance.integers(*STRETCH, endpoint=True))
    start = int(chance.integers(max(begin, text[0] - size + 1), text[-1], endpoint=True))
    return np.arange(start, min(end, start + size))


def _by_kind(kind: Ints, furniture: list[tuple[int, int]]) -> dict[str, list[Ints]]:
    """Runs of furniture of one kind, as they stand in one outlet's."""
    runs: dict[str, list[Ints]] = {}
    for begin, end in furniture:
        for at in range(begin, end):
            until = at + 1
            while until < min(end, at + GROUP[1]) and kind[until] == kind[at]:
                until += 1
            runs.setdefault(KINDS[kind[at]], []).append(np.arange(at, until))
    return runs


def _furnished(text: Ints, loose: dict[str, list[Ints]], chance: np.random.Generator) -> Ints:
    """The text with some furniture put into it."""
    pieces: dict[int, list[Ints]] = {}
    for _ in range(chance.integers(GROUPS[0], GROUPS[1] + 1)):
        place = (0, len(text), int(chance.integers(0, len(text) + 1)))[chance.integers(3)]
        named = [name for name in (FIRST if place == 0 else LAST if place == len(text) else BETWEEN) if name in loose]
        if named:
            runs = loose[named[chance.integers(len(named))]]
            run = runs[chance.integers(len(runs))]
            pieces.setdefault(place, []).append(run[: chance.integers(GROUP[0], GROUP[1] + 1)])
    parts = []
    for place in range(len(text) + 1):
        parts += [*pieces.get(place, []), text[place : place + 1]]
    return np.concatenate(parts)


def _part(place: Ints, chance: np.random.Generator) -> Ints:
    """All blocks, or some in a row."""
    return place if chance.random() < WHOLE else _short(place, chance)


def _short(place: Ints, chance: np.random.Generator) -> Ints:
    """Some blocks in a row, from the beginning more often than not."""
    size = min(len(place), int(chance.integers(PART[0], PART[1] + 1)))
    start = 0 if chance.random() < 0.6 else int(chance.integers(0, len(place) - size + 1))
    return place[start : start + size]
