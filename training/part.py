"""A run's results so far, safely on disk: FILE.part holds the lines, FILE.part.ledger says how much of it is whole and what it was made from.

Whatever ends a run, what the ledger names was on disk before it was named. A resumed run cuts off the rest and goes on from there."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from io import FileIO
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple, Self

from training.batch import ShardDone
from training.entry import Entry
from training.errors import CopydeskError
from training.tally import Tally

EVERY_SECONDS, EVERY_BYTES = 1.0, 16_000_000
"""Results are made safe at either: no more than this is done again, or kept in memory."""

Compress = Callable[[bytes], bytes]


class ResumeError(CopydeskError):
    """An unfinished run that cannot be gone on with."""

    code = "resume"


class Checkpoint(NamedTuple):
    """The results of a run's first `articles` entries are the first `size` bytes of the part; `seen` is the digest of those entries."""

    articles: int
    size: int
    seen: str
    tally: Tally


def part_files(output: Path) -> tuple[Path, Path]:
    """Where a run keeps its results until they are whole, and its ledger."""
    return output.with_name(f"{output.name}.part"), output.with_name(f"{output.name}.part.ledger")


def begun(output: Path) -> bool:
    """Whether a run to this output has begun and not ended: what else has the names of its files is not a run's."""
    try:
        with open(part_files(output)[1], "rb") as ledger:
            return ledger.read(1) in (b"", b"{")
    except FileNotFoundError:
        return False


class Part:
    """The unfinished file of a run. `about` is what results depend on: a run that began with another is not gone on with."""

    def __init__(self, output: Path, about: Mapping[str, Any], compress: Compress = bytes, resume: bool = False):
        self.path, ledger = part_files(output)
        self.tally = Tally()
        self._compress, self._seen = compress, hashlib.sha256()
        self._lines: list[bytes] = []
        self._waiting, self._since = 0, time.monotonic()
        with ExitStack() as opened:
            self._file, self._ledger = (opened.enter_context(_open(path)) for path in (self.path, ledger))
            _lock(self._ledger, output)
            if not all(map(_in_place, (self._file, self._ledger), (self.path, ledger))):
                raise ResumeError(f"another run ended writing {output} at the very moment that this one began; start it again")
            self._first = _first_checkpoint(self._ledger, about, output) if resume else 0
            if not self._first:
                self._ledger.truncate(0)
                self._first = _write(self._ledger, json.dumps(about).encode() + b"\n")
            self._opened = opened.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def left(self, entries: Iterable[Entry]) -> Iterator[Entry]:
        """The entries whose results are not here yet: where the inputs are no longer those the run began with, all from there on."""
        entries = iter(entries)
        size, ledger_size = 0, self._first
        for checkpoint, end in _checkpoints(self._ledger, self._first):
            again = list(islice(entries, checkpoint.articles - self.tally.articles))
            seen = self._seen.copy()
            _see(seen, again)
            if seen.hexdigest() != checkpoint.seen or checkpoint.size > os.fstat(self._file.fileno()).st_size:
                entries = chain(again, entries)
                break
            size, ledger_size, self._seen, self.tally = checkpoint.size, end, seen, checkpoint.tally
        for file, kept in ((self._file, size), (self._ledger, ledger_size)):
            file.truncate(kept)
            file.seek(kept)
        return entries

    def add(self, done: ShardDone) -> None:
        """Take in a shard's results."""
        _see(self._seen, done.entries)
        self._lines.append(done.scored.lines)
        self._waiting += len(done.scored.lines)
        self.tally += done.scored.tally
        if self._waiting >= EVERY_BYTES or time.monotonic() - self._since >= EVERY_SECONDS:
            self.save()

    def save(self) -> None:
        """Make safe what was added: first the lines, then the checkpoint that names them."""
        if self._lines:
            _write(self._file, self._compress(b"".join(self._lines)))
            checkpoint = Checkpoint(self.tally.articles, self._file.tell(), self._seen.hexdigest(), self.tally)
            _write(self._ledger, json.dumps(checkpoint._asdict() | {"tally": self.tally.as_dict()}).encode() + b"\n")
        self._lines, self._waiting, self._since = [], 0, time.monotonic()

    def lines(self) -> Iterator[bytes]:
        """The results saved, a line each; for a part that is not compressed."""
        with open(self.path, "rb") as lines:
            yield from lines

    def become(self, output: Path) -> None:
        """Move the part into place: it is whole."""
        os.replace(self.path, output)
        self.discard()

    def discard(self) -> None:
        """Take away what is left of the run."""
        self.path.unlink(missing_ok=True)
        self.path.with_name(f"{self.path.name}.ledger").unlink(missing_ok=True)


def _open(path: Path) -> FileIO:
    """The file as it is, or a new one: the raw file, so that nothing is left to write when the disk is full."""
    return FileIO(os.open(path, os.O_RDWR | os.O_CREAT, 0o666), "r+")


def _in_place(file: FileIO, path: Path) -> bool:
    """Whether the file is still the one of that name, and not the output of a run that has just ended."""
    return path.exists() and os.path.samestat(os.fstat(file.fileno()), os.stat(path))


def _first_checkpoint(ledger: FileIO, about: Mapping[str, Any], output: Path) -> int:
    """The offset of the first checkpoint, 0 where there is no run to go on with; raises ResumeError where that run depends on something else."""
    first = ledger.read(os.fstat(ledger.fileno()).st_size).partition(b"\n")[0]
    try:
        began = json.loads(first)
    except ValueError:  # nothing, or torn while it was first written
        return 0
    if not isinstance(began, dict):
        raise ResumeError(f"{output}.part.ledger is not the ledger of a run; leave --resume out to start anew")
    changed = [name for name in about if began.get(name) != json.loads(json.dumps(about[name]))]
    if changed:
        name = changed[0]
        message = f"the unfinished run of {output} began with {name} {began.get(name)}, and this is {about[name]}"
        raise ResumeError(f"{message}; give the same again, or leave --resume out to start anew")
    return len(first) + 1


def _checkpoints(ledger: FileIO, first: int) -> Iterator[tuple[Checkpoint, int]]:
    """Each whole checkpoint and the offset of its end; a line that was torn, or is none, ends them."""
    end = first
    with open(ledger.fileno(), "rb", closefd=False) as lines:
        lines.seek(first)
        for line in lines:
            try:
                held = json.loads(line)
                checkpoint = Checkpoint(**{**held, "tally": Tally.from_dict(held["tally"])})
            except (ValueError, TypeError, KeyError):
                return
            end += len(line)
            yield checkpoint, end


def _see(seen: hashlib._Hash, entries: Iterable[Entry]) -> None:
    for entry in entries:
        seen.update(f"{entry.id}\0{entry.size}\n".encode())


def _write(file: FileIO, content: bytes) -> int:
    """Write all of it, to the disk itself."""
    left = memoryview(content)
    try:
        while left:
            left = left[file.write(left) :]
        os.fsync(file.fileno())
    except OSError as error:
        raise CopydeskError(f"cannot write results ({error.strerror}); make room, and go on with --resume", "disk") from error
    return len(content)


def _lock(file: FileIO, output: Path) -> None:
    """Two runs must not write the same file. The lock (`lockf`, which forked workers do not inherit) ends with this process; some systems have
    none."""
    try:
        import fcntl
    except ImportError:
        return
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise ResumeError(f"another run is writing {output}; wait for it, or choose another file") from error
