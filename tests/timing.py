"""How long work takes, for tests that compare two sizes of the same input."""

from __future__ import annotations

import gc
from collections.abc import Callable
from time import process_time


def best_of_three(work: Callable[[], object]) -> float:
    """CPU seconds of the quickest of three runs, without what the collector spends on objects that other tests have left (as `timeit` does it)."""
    times = []
    for _ in range(3):
        gc.collect()
        gc.disable()
        try:
            began = process_time()
            work()
            times.append(process_time() - began)
        finally:
            gc.enable()
    return min(times)
