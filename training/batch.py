"""Entries -> scored shards, in order, however many workers there are and whatever becomes of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from functools import reduce
from itertools import islice
from operator import add
from typing import NamedTuple

from training.crew import Crew
from training.entry import Entry
from training.errors import CopydeskError
from training.shard import Scored, Task, failure, written
from training.tally import Tally

BATCH_ARTICLES = 64
BATCH_BYTES = 4_000_000
"""A shard is full at either: large enough that its fixed cost is nothing, small enough that memory stays flat."""
WAITING = 3
"""Shards under way or waiting for each worker."""

Shard = tuple[Entry, ...]


class ShardDone(NamedTuple):
    """A shard and its results."""

    entries: Shard
    scored: Scored


class LostArticleError(CopydeskError):
    """An article that took its worker with it: `time-limit` or `worker-died`."""


def score_entries(entries: Iterable[Entry], crew: Crew, task: Task, seconds: float) -> Iterator[ShardDone]:
    """Score entries in order. An article that takes more than `seconds`, or that ends its worker, is one result with an error."""
    shards = into_shards(entries)
    under_way: deque[tuple[Shard, Future[Scored]]] = deque()
    while True:
        under_way.extend((shard, crew.submit(shard)) for shard in islice(shards, WAITING * crew.size - len(under_way)))
        if not under_way:
            return
        shard, future = under_way.popleft()
        try:
            scored = future.result(seconds)
        except crew.lost as error:
            crew.replace()
            scored = _one_by_one(shard, crew, task, seconds) if isinstance(error, TimeoutError) else _alone(shard, crew, task, seconds)
            under_way = deque((shard, future if _is_whole(future) else crew.submit(shard)) for shard, future in under_way)
        yield ShardDone(shard, scored)


def into_shards(entries: Iterable[Entry]) -> Iterator[Shard]:
    """Entries in shards, in order."""
    shard: list[Entry] = []
    size = 0
    for entry in entries:
        shard.append(entry)
        size += entry.size
        if len(shard) >= BATCH_ARTICLES or size >= BATCH_BYTES:
            yield tuple(shard)
            shard, size = [], 0
    if shard:
        yield tuple(shard)


def _alone(shard: Shard, crew: Crew, task: Task, seconds: float) -> Scored:
    """Score a shard with nothing else under way: it may have been another that ended the workers. If it was this one, find the article."""
    try:
        return crew.submit(shard).result(seconds)
    except crew.lost:
        crew.replace()
        return _one_by_one(shard, crew, task, seconds)


def _one_by_one(shard: Shard, crew: Crew, task: Task, seconds: float) -> Scored:
    scored = [_single(entry, crew, task, seconds) for entry in shard]
    return Scored(b"".join(each.lines for each in scored), reduce(add, (each.tally for each in scored), Tally()))


def _single(entry: Entry, crew: Crew, task: Task, seconds: float) -> Scored:
    try:
        return crew.submit((entry,)).result(seconds)
    except crew.lost as cause:
        crew.replace()
        return written([failure(entry, _lost(cause, seconds), task)], task)


def _lost(cause: Exception, seconds: float) -> LostArticleError:
    if isinstance(cause, TimeoutError):
        return LostArticleError(f"took more than {seconds:g} seconds and was stopped; look at it, or raise --time-limit", "time-limit")
    return LostArticleError("ended the process that scored it, by lack of memory or a fault in a library; look at it by itself", "worker-died")


def _is_whole(future: Future[Scored]) -> bool:
    return future.done() and not future.cancelled() and future.exception() is None
