"""Who scores the shards: processes on this machine, or the workers of a Dask cluster. Both are `concurrent.futures` executors."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import BrokenExecutor, CancelledError, Future, ProcessPoolExecutor
from contextlib import suppress
from multiprocessing.connection import wait
from typing import Any, Protocol, Self

from threadpoolctl import threadpool_limits

from training.entry import Entry
from training.errors import CopydeskError
from training.extras import needed
from training.shard import Scored, Task, score_shard

CONTEXT = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
"""Forked workers start at once and share the model's memory with the process that loaded it."""
ALLOCATIONS = 100_000
"""Between two looks for garbage: an article is read into thousands of objects that never form cycles, and to look at them all, again and again, would take a
sixteenth of the time."""
PATIENCE = 30
"""Seconds to wait for a cluster to answer, or for its workers to come back."""


class Crew(Protocol):
    """Workers that score shards. `lost` are the errors of a shard whose worker was lost, and of one that was not waited for any longer."""

    size: int
    lost: tuple[type[Exception], ...]

    def submit(self, entries: Sequence[Entry]) -> Future[Scored]:
        """Have a shard scored; shards are begun in the order they come in."""
        ...

    def replace(self) -> None:
        """End every worker that has a shard, however it hangs, and start anew; the shards under way are lost."""
        ...


class Processes:
    """Processes on this machine."""

    lost: tuple[type[Exception], ...] = (BrokenExecutor, TimeoutError)

    def __init__(self, size: int, task: Task):
        self.size, self._task = size, task
        self._others = set(multiprocessing.active_children())
        self._executor = self._start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def submit(self, entries: Sequence[Entry]) -> Future[Scored]:
        try:
            return self._executor.submit(score_shard, entries, self._task)
        except BrokenExecutor as error:
            broken: Future[Scored] = Future()
            broken.set_exception(error)
            return broken

    def replace(self) -> None:
        self._end()
        self._executor = self._start()

    def _start(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(self.size, CONTEXT, initializer=_begin)

    def _end(self) -> None:
        """A worker that hangs listens to nothing but a kill; there is no public list of an executor's own processes before Python 3.14."""
        for process in set(multiprocessing.active_children()) - self._others:
            process.kill()
        self._executor.shutdown(cancel_futures=True)


class Cluster:
    """The workers of a Dask cluster: with this version of Copydesk, the model and the files at the same paths, and nannies that start them anew."""

    def __init__(self, address: str, task: Task):
        distributed = needed("distributed", "dask")
        self.lost: tuple[type[Exception], ...] = (distributed.KilledWorker, CancelledError, TimeoutError)
        self._task = task
        try:
            self._client = distributed.Client(address, timeout=PATIENCE, set_as_default=False)
            self._client.wait_for_workers(1, timeout=PATIENCE)
        except (OSError, ValueError, TimeoutError) as error:
            raise CopydeskError(f"no Dask workers at {address} ({error}); start some with `dask worker {address}`", "no-cluster") from error
        self._executor = self._client.get_executor(pure=False)
        self._under_way: set[Future[Scored]] = set()
        self.size = sum(self._client.nthreads().values())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._executor.shutdown(wait=False)
        self._client.close()

    def submit(self, entries: Sequence[Entry]) -> Future[Scored]:
        future: Future[Scored] = self._executor.submit(score_shard, entries, self._task)
        self._under_way.add(future)
        future.add_done_callback(self._under_way.discard)
        return future

    def replace(self) -> None:
        busy = [worker for worker, keys in self._client.processing().items() if any(_is_ours(key) for key in keys)]
        for future in list(self._under_way):
            future.cancel()
        try:
            self._client.restart_workers(busy, timeout=PATIENCE)
            self._client.wait_for_workers(1, timeout=PATIENCE)
        except (ValueError, TimeoutError) as error:
            message = f"the cluster's workers could not be restarted ({error}); start them with nannies and go on with --resume"
            raise CopydeskError(message, "no-cluster") from error


def _is_ours(key: Any) -> bool:
    return str(key).startswith(score_shard.__name__)


def _begin() -> None:
    """A worker keeps to one core, leaves Ctrl-C and SIGTERM to the process that started it, and ends with that process even where it was killed."""
    threadpool_limits(1)  # NumPy's threads would take a quarter more CPU, and the other workers' cores
    gc.freeze()  # what this process was started with stays
    gc.set_threshold(ALLOCATIONS)
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), name="parent", daemon=True).start()


def _end_with(sentinel: int) -> None:
    with suppress(OSError):
        wait([sentinel])
    os._exit(1)
