"""Seconds that a piece of work may take, kept from outside it."""

from __future__ import annotations

import ctypes
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

LOOK_EVERY = 0.05
"""Seconds between two looks at what is under way; also how much too late a piece of work may be stopped."""


class _Overdue(BaseException):
    """Raised inside work that has used up its time. No `Exception`, so that nothing in between takes it for a failure of its own."""


class Clock:
    """Stops work that takes too long: one thread looks at all that is under way and raises in the thread that is overdue. Python code is stopped at
    once, a call into C when it returns."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._due: dict[int, float] = {}
        self._thread: threading.Thread | None = None

    @contextmanager
    def limit(self, seconds: float) -> Iterator[None]:
        """Raise TimeoutError when the work inside takes longer."""
        worker = threading.get_ident()
        with self._lock:
            self._due[worker] = time.monotonic() + seconds
            if self._thread is None or not self._thread.is_alive():  # a fork leaves threads behind
                self._thread = threading.Thread(target=self._look, name="deadlines", daemon=True)
                self._thread.start()
        try:
            try:
                yield
            finally:
                with self._lock:
                    stopped = self._due.pop(worker, None) is None
                if stopped and not isinstance(sys.exc_info()[1], _Overdue):
                    raise _Overdue  # one that was sent too late to be of use comes through here at the latest
        except _Overdue:
            raise TimeoutError(f"more than {seconds} seconds") from None

    def _look(self) -> None:
        while True:
            time.sleep(LOOK_EVERY)
            with self._lock:
                now = time.monotonic()
                for worker in [worker for worker, due in self._due.items() if due < now]:
                    del self._due[worker]
                    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(worker), ctypes.py_object(_Overdue))
