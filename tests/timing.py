"""How long work takes, for tests that compare two sizes of the same input."""

from __future__ import annotations

from collections.abc import Callable
from time import process_time


def best_of_three(work: Callable[[], object]) -> float:
    """CPU seconds of the quickest of three runs."""
    times = []
    for _ in range(3):
        began = process_time()
        work()
        times.append(process_time() - began)
    return min(times)
