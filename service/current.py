"""Which model answers now, and how it gives way to a new one while requests are served."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from training.errors import CopydeskError
from training.model import ARRAYS, MANIFEST
from training.smoke import sound_model

log = logging.getLogger("copydesk.model")


class Fingerprint(NamedTuple):
    """What tells, without reading it, that a folder's content is not what it was: where it leads, and its files' size and time of change."""

    folder: Path
    files: tuple[tuple[int, int, int], ...]


class CurrentModel:
    """The model that answers now, from a folder or a link to one, in this process.

    Whoever answers a request takes `model` once and keeps it to the end, so that a swap is one assignment and no request sees two models."""

    def __init__(self, folder: Path, expect: str | None = None):
        """Raises ModelError where the folder holds no model that works, or, now or later, one of another digest than `expect`."""
        self.folder, self.expect = folder, expect
        self.refused: str | None = None
        self._seen = self._waiting = fingerprint(folder)
        self.model = sound_model(self._seen.folder, expect)

    def refresh(self) -> bool:
        """Look at the folder; load, test and take what is new in it. Returns whether there was anything new, also when it was refused.

        What is being written is left alone until two looks find it the same."""
        found, before = fingerprint(self.folder), self._waiting
        self._waiting = found
        if found == self._seen or found != before:
            return False
        self._seen = found
        try:
            self.model, self.refused = sound_model(found.folder, self.expect), None
            log.info("model swapped", extra={"event": "swap", "digest": self.model.identity.digest})
        except CopydeskError as error:
            self.refused = error.message
            log.error("model refused: %s", error.message, extra={"event": "swap-refused", "digest": self.model.identity.digest})
        return True

    def watch(self, every: float, tell: Callable[[CurrentModel], None]) -> None:
        """From now on look at the folder every so many seconds, in a thread; `tell` hears of the model now and after each change."""

        def look() -> None:
            tell(self)
            while True:
                time.sleep(every)
                if self.refresh():
                    tell(self)

        threading.Thread(target=look, name="model-watch", daemon=True).start()


def fingerprint(folder: Path) -> Fingerprint:
    """A folder as it is now; a file that is missing is part of the picture."""
    folder = folder.resolve()
    return Fingerprint(folder, tuple(_stat(folder / name) for name in (MANIFEST, ARRAYS)))


def _stat(path: Path) -> tuple[int, int, int]:
    try:
        status = os.stat(path)
    except OSError:
        return 0, 0, 0
    return status.st_ino, status.st_size, status.st_mtime_ns
