"""Articles line by line, in constant memory however many there are."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing
from typing import IO, Any

from pydantic import TypeAdapter, ValidationError

from service.desk import Answer, Desk, Failure
from service.problems import invalid
from service.schema import Entry, Wanted
from service.wire import checked_json, to_json
from training.article import Article
from training.batch import BATCH_ARTICLES, BATCH_BYTES
from training.errors import CopydeskError

ENTRY: TypeAdapter[Any] = TypeAdapter(Entry)
IN_MEMORY = 1_000_000
"""Bytes of one request that are kept in memory; what goes beyond is kept on disk."""


class CutOffError(CopydeskError):
    """A body that ended before it was whole."""

    code = "cut-off"


class Spool:
    """The lines of a body, taken in as fast as they come and kept on disk until they are read.

    A client may send all it has before it reads a single answer; if the server stopped reading in the meantime, each would wait for the other
    for ever. So a thread takes in, and whoever scores reads from the disk. A body of fewer bytes than were promised has broken off."""

    def __init__(self, body: IO[bytes], longest: int, promised: int):
        self._body, self._longest, self._promised = body, longest, promised
        self._file = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 - open as long as the spool lives
        self._changed = threading.Condition()
        self._taken_in = self._read = 0
        self._ended = False
        self._failure: Exception | None = None
        threading.Thread(target=self._take_in, name="ndjson", daemon=True).start()

    def batches(self) -> Iterator[list[bytes]]:
        """What is there, as soon as anything is, in batches that cost little; a line that is too long ends short of its newline.

        Raises CutOffError at the end of a body that broke off."""
        while lines := self._next():
            yield lines
        if self._failure:
            raise CutOffError("the body broke off; send the lines that have no answer again") from self._failure

    def close(self) -> None:
        """Keep nothing more; ends the thread at the next line."""
        with self._changed:
            self._file.close()

    def _next(self) -> list[bytes]:
        lines: list[bytes] = []
        with self._changed:
            self._changed.wait_for(lambda: self._ended or self._read < self._taken_in)
            self._file.seek(begin := self._read)
            while self._read < self._taken_in and len(lines) < BATCH_ARTICLES and self._read - begin < BATCH_BYTES:
                lines.append(line := self._file.readline())
                self._read += len(line)
        return lines

    def _take_in(self) -> None:
        try:
            while line := self._readline(self._longest + 1):
                ended = line.endswith(b"\n")
                if not ended and len(line) <= self._longest and self._promised > 0:
                    break  # the rest of it was lost
                self._keep(line if ended else line + b"\n")
                while line and not line.endswith(b"\n"):  # what is too long is not kept
                    line = self._readline(self._longest)
            if self._promised > 0:
                raise EOFError
        except Exception as error:  # the outermost door of this thread: whatever the server's body raises ends the input
            self._failure = error
        with self._changed:
            self._ended = True
            self._changed.notify()

    def _readline(self, longest: int) -> bytes:
        line = self._body.readline(longest)
        self._promised -= len(line)
        return line

    def _keep(self, line: bytes) -> None:
        with self._changed:
            self._file.seek(self._taken_in)
            self._file.write(line)
            self._taken_in += len(line)
            self._changed.notify()


def answer_lines(body: IO[bytes], promised: int, desk: Desk, wanted: Wanted) -> Iterator[bytes]:
    """An answer for every line that is not blank, in order. `promised` is the length that the body was said to have, 0 where that was not said."""
    try:
        with closing(Spool(body, desk.limits.body, promised)) as spool:
            for lines in spool.batches():
                yield _lines(desk.answers([_article(line, desk) for line in lines if not line.isspace()], wanted))
    except CutOffError as error:
        yield _lines(desk.answers([Failure("", None, error)], wanted))


def _lines(answers: list[Answer]) -> bytes:
    return b"".join(to_json(answer) + b"\n" for answer in answers)


def _article(line: bytes, desk: Desk) -> Article | Failure:
    try:
        desk.limits.check("body", len(line) - 1, "the line is too long")
        return desk.read(ENTRY.validate_json(checked_json(line, desk.limits)))
    except ValidationError as error:
        return Failure("", None, invalid(error))
    except CopydeskError as error:
        return Failure("", None, error)
