"""Articles -> stories: which articles of different sources tell the same event.

Two articles are alike by the cosine of their terms, rare ones counting for more and names and numbers for most, and by the words in a row that they
share. Only articles that appeared within a few days are compared. Those alike are put together, most alike first, as long as all articles of one group
are on the average alike to all of the other: so two events do not become one because a third article mentions both.

Memory grows with the words of the articles, and with the pairs that are alike: articles are compared block by block as sparse products, and a term that
stands in many of them is not compared."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from training.dates import day_of
from training.likeness import Rows, hashed, rare, weighed
from training.told import Told

DAYS = 5
"""Articles that appeared further apart than this are not of one story; those without a date are compared with all."""
LEAST_ALIKE = 0.11
"""On the average, the articles of two groups must be alike by this to be put together."""
FAINT = LEAST_ALIKE / 2
"""Less than this is nothing."""
UNDATED_WORTH = 0.9
"""What likeness is worth where it is not known that two articles appeared in the same days: topics come back, with the same names."""
ENOUGH_TERMS = 8
"""Articles that share fewer terms than this are less alike, in proportion: one name, however rare, is no story."""
IN_A_ROW = 5
"""Words in a row by which articles are seen to share a text."""
ONE_OF = 4
"""Of all words in a row, one of so many is looked at, always the same."""
BLOCK = 256
"""Articles compared with all others at once."""
DECIMALS = 9
"""Of likeness: what sums of floating point numbers in another order would change is rounded away."""

UNDATED = 10_000_000
"""Stands for the day of an article without a date: after all days."""

_STEP = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, slots=True)
class Story:
    """Articles of at least two sources that tell the same event, by their numbers in the collection, the earliest first where it is known;
    and how alike they are, 0 to 1, on the average of all pairs."""

    articles: tuple[int, ...]
    alike: float


def stories(articles: Iterable[Told]) -> list[Story]:
    """The stories among articles, whatever order they come in; an article is in one story at most. Nothing is kept of the texts."""
    collection = _read(articles)
    groups = _put_together(_alike(collection), len(collection.order))
    found = [Story(tuple(collection.order[place] for place in sorted(places)), alike) for places, alike in groups]
    return [story for story in found if len({collection.tellers[number] for number in story.articles}) > 1]


@dataclass(slots=True)
class _Collection:
    """What is kept of articles. `order` is their numbers by day, then by what they say of themselves; articles without a date stand last.
    `tellers` are their sources; where none is known, nobody else's article has the same."""

    terms: Rows = field(default_factory=Rows)
    runs: Rows = field(default_factory=Rows)
    days: list[int] = field(default_factory=list)
    tellers: list[str | int] = field(default_factory=list)
    order: list[int] = field(default_factory=list)


def _read(articles: Iterable[Told]) -> _Collection:
    collection = _Collection()
    keys = []
    for article in articles:
        collection.terms.add_terms(article.terms)
        runs = np.unique(_runs([word for passage in article.passages for word in passage.words]))
        collection.runs.add(runs.tolist(), [1.0] * len(runs))
        day = day_of(article.published)
        collection.days.append(day.toordinal() if day else UNDATED)
        collection.tellers.append(article.source or len(collection.tellers))
        keys.append((collection.days[-1], article.published or "", article.id, article.source or "", crc32(runs.tobytes())))
    collection.order = sorted(range(len(keys)), key=keys.__getitem__)
    return collection


def _runs(words: Sequence[str]) -> NDArray[np.uint32]:
    """Hashes of the words in a row that are looked at."""
    hashes = np.fromiter(map(hashed, words), np.uint64, len(words))
    length = len(hashes) - IN_A_ROW + 1
    if length < 1:
        return np.zeros(0, np.uint32)
    together = np.zeros(length, np.uint64)
    for at in range(IN_A_ROW):
        together = together * _STEP + hashes[at : at + length]
    together = (together * _STEP) >> np.uint64(32)
    looked_at: NDArray[np.uint32] = together[together % np.uint64(ONE_OF) == 0].astype(np.uint32)
    return looked_at


def _alike(collection: _Collection) -> Iterator[tuple[int, int, float]]:
    """Pairs of places in the order that are alike, and how much, a block of places with all that come after them within the days."""
    told, shared = weighed(collection.terms.matrix(collection.order)), rare(collection.runs.matrix(collection.order))
    lengths = np.maximum(1, np.diff(collection.runs.ends)[collection.order])
    days = np.array(collection.days)[collection.order]
    for begin in range(0, len(days), BLOCK):
        rows = np.arange(begin, min(begin + BLOCK, len(days)))
        columns = begin + np.flatnonzero((days[begin:] <= days[rows[-1]] + DAYS) | (days[begin:] == UNDATED))
        cosine = (told[rows] @ told[columns].T).tocoo()
        one, other = rows[cosine.row], columns[cosine.col]
        near = (cosine.data >= FAINT) & (one < other) & ((days[other] - days[one] <= DAYS) | (days[other] == UNDATED))
        one, other = one[near], other[near]
        breadth = np.minimum(1, (told[one] != 0).multiply(told[other] != 0).sum(axis=1) / ENOUGH_TERMS)
        taken = shared[one].multiply(shared[other]).sum(axis=1) / np.minimum(lengths[one], lengths[other])
        certain = np.where(days[other] == UNDATED, UNDATED_WORTH, 1.0)
        alike = certain * (1 - (1 - cosine.data[near] * breadth) * (1 - taken))
        enough = alike >= FAINT
        yield from zip(one[enough].tolist(), other[enough].tolist(), alike[enough].round(DECIMALS).tolist(), strict=True)


def _put_together(pairs: Iterable[tuple[int, int, float]], places: int) -> list[tuple[list[int], float]]:
    """Groups of two or more by average link, each with how alike its members are: the two groups that are most alike first, as long as they are enough."""
    near: dict[int, dict[int, float]] = defaultdict(dict)
    for one, other, alike in pairs:
        near[one][other] = near[other][one] = alike
    members = {place: [place] for place in range(places)}
    inside: dict[int, float] = defaultdict(float)
    waiting = [(-alike, one, other) for one in near for other, alike in near[one].items() if one < other and alike >= LEAST_ALIKE]
    heapify(waiting)
    while waiting:
        alike, one, other = heappop(waiting)
        if one not in members or other not in members or -alike != _average(near, members, one, other):
            continue
        inside[one] += inside.pop(other, 0.0) + near[one].pop(other)
        members[one] += members.pop(other)
        del near[other][one]
        for third, summed in near.pop(other).items():
            del near[third][other]
            near[one][third] = near[third][one] = near[one].get(third, 0.0) + summed
        for third in near[one]:
            average = _average(near, members, one, third)
            if average >= LEAST_ALIKE:
                heappush(waiting, (-average, min(one, third), max(one, third)))
    return [(found, inside[name] / (len(found) * (len(found) - 1) / 2)) for name, found in sorted(members.items()) if len(found) > 1]


def _average(near: Mapping[int, Mapping[int, float]], members: Mapping[int, Sequence[int]], one: int, other: int) -> float:
    return round(near[one].get(other, 0.0) / (len(members[one]) * len(members[other])), DECIMALS)
