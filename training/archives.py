"""Files that hold many articles -> entries: JSON, JSON Lines, CSV, Parquet, WARC and WET, read as a stream."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import json
import os
import re
import shutil
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from tempfile import TemporaryFile
from typing import IO, Any

from training.entry import Entry, Fields, readable
from training.errors import InputError
from training.extras import needed, zstd
from training.metadata import host_of
from training.reading import MAX_CHARACTERS

LONGEST = 4 * MAX_CHARACTERS
"""Bytes that one article, or a JSON file as a whole, may have."""
ROWS = 256
"""Rows of a Parquet file that are in memory at a time."""
DAMAGE = (EOFError, zlib.error, csv.Error, UnicodeError, ValueError)
"""What a damaged or cut off file raises, beside OSError."""
PAGES = {"text/html": "text/html", "application/xhtml+xml": "text/html", "text/plain": "text/plain"}
"""The media types of responses that are read."""
CHUNK = 1 << 18
"""Bytes that are searched at a time."""
GROWTH = 250
"""A compressed file may grow to this many times what was read of it. News grows three to ten times, and the most that .gz can do is 1,032 times."""
GROWTH_FREE = 32_000_000
"""Bytes that it may grow to before that is looked at: a small file of rows that are all alike is no attack."""
UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
NOT_UTF_8 = "is not UTF-8; save the file as UTF-8"
_UNDECODED = re.compile("[\udc80-\udcff]")
"""What stands for bytes that are no UTF-8."""
SOUGHT = ("parquet", "warc")
"""The forms that are read here and there, and not from the start to the end."""
GZIP_START, WARC_START = b"\x1f\x8b\x08", b"WARC/1."

Reader = Callable[[IO[bytes], str, Fields], Iterator[Entry]]


def decompressed(raw: IO[bytes], path: str) -> IO[bytes]:
    """The stream inside a .gz or .zst file. Reading from it raises InputError (`too-large`) once it grows as no file of articles does."""
    name = path.lower()
    packed: Any = _Counted(raw)
    if name.endswith(".gz"):
        return io.BufferedReader(_Unpacked(packed, gzip.GzipFile(fileobj=packed), (zlib.error, gzip.BadGzipFile)), CHUNK)
    if name.endswith(".zst"):
        return io.BufferedReader(_Unpacked(packed, zstd().ZstdFile(packed), (zstd().ZstdError,)), CHUNK)
    return raw


@contextmanager
def sought(stream: IO[bytes]) -> Iterator[IO[bytes]]:
    """The stream itself, or a temporary copy of one that cannot be sought: neither a pipe nor what is unpacked can."""
    if stream.seekable():
        yield stream
        return
    with TemporaryFile() as copy:
        shutil.copyfileobj(stream, copy, CHUNK)
        copy.seek(0)
        yield copy


class _Counted:
    """A stream that knows how many bytes were read from it."""

    def __init__(self, raw: IO[bytes]):
        self.raw, self.count = raw, 0

    def read(self, size: int = -1) -> bytes:
        content = self.raw.read(size)
        self.count += len(content)
        return content


class _Unpacked(io.RawIOBase):
    """What a compressed stream holds, as long as it does not grow beyond GROWTH. Where it is damaged, whatever packed it, one of DAMAGE is raised."""

    def __init__(self, packed: _Counted, inside: Any, damage: tuple[type[Exception], ...]):
        self.packed, self.inside, self.damage, self.count = packed, inside, damage, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            size: int = self.inside.readinto(memoryview(buffer)[:CHUNK])  # as much as the caller has room for may be too much
        except self.damage as error:
            raise zlib.error(str(error)) from error
        self.count += size
        if self.count > GROWTH_FREE and self.count > GROWTH * self.packed.count:
            message = f"grows to more than {GROWTH} times its size, as no file of articles does; if you trust it, unpack it and name the unpacked file"
            raise InputError(message, "too-large")
        return size


def read_jsonl(stream: IO[bytes], path: str, fields: Fields) -> Iterator[Entry]:
    """An entry for each line that is not blank; a line that is not a JSON object is an entry with an error."""
    for number, line in enumerate(iter(lambda: stream.readline(LONGEST), b""), 1):
        if number == 1 and line.startswith(UTF_16):
            raise InputError(NOT_UTF_8, "not-text")
        if not line.isspace():
            yield _from_json(line, f"{path}#{number}", fields)


def read_json(stream: IO[bytes], path: str, fields: Fields) -> Iterator[Entry]:
    """The entries of a JSON file: one object, a list of objects, or `{"articles": [...]}`. It is read whole."""
    content = stream.read(LONGEST + 1)
    if len(content) > LONGEST:
        raise InputError(f"a JSON file is read whole, and may have {LONGEST:,} bytes; make it JSON Lines, one article a line", "too-large")
    try:
        found = _loaded(content)
    except RecursionError as error:
        raise InputError("is nested deeper than articles are; see the README for the form", "bad-json") from error
    except json.JSONDecodeError as error:
        if not error.msg.startswith("Extra data"):
            raise
        raise InputError("holds more than one value of JSON; if it has an article a line, say --input jsonl", "bad-json") from error
    articles = found.get("articles", [found]) if isinstance(found, dict) else found
    if not isinstance(articles, list):
        raise InputError("is neither an article nor a list of articles; see the README for the form", "bad-json")
    for number, article in enumerate(articles, 1):
        yield _from_record(article, f"{path}#{number}", fields)


def read_csv(stream: IO[bytes], path: str, fields: Fields, delimiter: str = ",") -> Iterator[Entry]:
    """An entry for each row below the row of names; a row that is not UTF-8 is an entry with an error. A mark at the start may say that it is UTF-16."""
    csv.field_size_limit(LONGEST)
    is_wide = isinstance(stream, io.BufferedReader) and stream.peek(2).startswith(UTF_16)
    lines = io.TextIOWrapper(stream, "utf-16" if is_wide else "utf-8-sig", errors="surrogateescape", newline="")
    rows = _RowLines(lines)
    table = csv.DictReader(rows, delimiter=delimiter)
    try:
        if table.fieldnames:  # a row too, and read first
            rows.length = 0
        for number, row in enumerate(table, 1):
            rows.length = 0
            if any(_UNDECODED.search(row.get(name) or "") for name in fields):
                yield Entry(f"{path}#{number}", error=InputError(NOT_UTF_8, "not-text"))
            else:
                yield _from_record(row, f"{path}#{number}", fields)
    finally:
        lines.detach()  # the stream is its opener's to close


class _RowLines:
    """The lines of a table, as long as no row is longer than an article can be, and each has an end: `length` is that of the row so far, which began at
    line `first`."""

    def __init__(self, lines: IO[str]):
        self.lines, self.length, self.count, self.first = lines, 0, 0, 0

    def __iter__(self) -> _RowLines:
        return self

    def __next__(self) -> str:
        line = self.lines.readline(LONGEST + 1 - self.length)
        self.count += 1
        if not self.length:
            self.first = self.count
        if self.length or line.strip("\r\n"):  # an empty line is no row
            self.length += len(line)
        if self.length > LONGEST:
            raise InputError(f"a row has more than the {LONGEST:,} characters that one article can have; look for a quotation mark left open", "too-large")
        if not line and self.length:
            message = f"a quotation mark is left open in the row that begins in line {self.first}, and the rest of the file is part of it; close it"
            raise InputError(message, "damaged")
        if not line:
            raise StopIteration
        return line


def read_tsv(stream: IO[bytes], path: str, fields: Fields) -> Iterator[Entry]:
    """As CSV, with tabs."""
    return read_csv(stream, path, fields, "\t")


def read_parquet(stream: IO[bytes], path: str, fields: Fields) -> Iterator[Entry]:
    """An entry for each row; only the columns that hold an article's parts are read. Bytes are text, as those of a file are."""
    parquet = needed("pyarrow.parquet", "parquet")
    with parquet.ParquetFile(stream) as file:
        columns = [name for name in fields if name in file.schema_arrow.names]
        number = 0
        for rows in file.iter_batches(batch_size=ROWS, columns=columns):
            for at in range(rows.num_rows):
                number += 1
                yield _from_row({name: values[at] for name, values in zip(rows.schema.names, rows.columns, strict=True)}, f"{path}#{number}", fields)


def read_warc(stream: IO[bytes], path: str, _: Fields) -> Iterator[Entry]:
    """An entry for each page or text in a WARC or WET file that was fetched with success. Its id is the offset of its record, and its number
    behind that where records are compressed together and have none of their own.

    A damaged record gives an entry with an error, and reading goes on with the next whole one; of what is compressed together, all that follows is lost."""
    warc = needed("fastwarc.warc", "warc")
    wanted = warc.WarcRecordType.response | warc.WarcRecordType.conversion
    size = stream.seek(0, os.SEEK_END)
    start: int | None = 0
    told, last, behind = False, -1, 0
    while start is not None:
        stream.seek(start)
        is_plain = stream.read(len(WARC_START)) == WARC_START
        stream.seek(start)
        reached, news = start, not start  # without a whole record since, it is the same damage still
        try:
            for record in warc.ArchiveIterator(stream, parse_http=False):
                reached, news = record.stream_pos, True
                told |= "WARC-Type" in record.headers
                if is_plain and reached + (_declared(record) or 0) > size:
                    raise OSError("a record claims to be longer than all that is left")
                last, behind = reached, behind + 1 if reached == last else 0
                if record.record_type & wanted:
                    yield from _from_warc(record, f"{path}#{reached}" + (f".{behind}" if behind else ""))
            if not _is_torn(stream, reached):
                break
            cause = "it breaks off"
        except OSError as error:
            cause = str(error)
        if news:
            told = True
            yield Entry(f"{path}#{reached + 1}", error=InputError(f"is damaged after offset {reached} ({cause}); get a whole copy", "damaged"))
        start = _next_start(stream, reached + 1)
    if not told:
        yield Entry(path, error=InputError("holds no record of a web archive; get a whole copy", "damaged"))


READERS: Mapping[str, Reader] = {
    "json": read_json,
    "jsonl": read_jsonl,
    "csv": read_csv,
    "tsv": read_tsv,
    "parquet": read_parquet,
    "warc": read_warc,
}


def _loaded(content: bytes) -> object:
    """What some JSON says; raises InputError where it is in another encoding, and ValueError where it is no JSON or is cut off."""
    try:
        return json.loads(content)
    except UnicodeDecodeError as error:
        if error.reason == "unexpected end of data":
            raise
        raise InputError(NOT_UTF_8, "not-text") from error


def _from_json(line: bytes, place: str, fields: Fields) -> Entry:
    try:
        record = _loaded(line)
    except InputError as error:
        return Entry(place, error=error)
    except (ValueError, RecursionError) as error:
        return Entry(place, error=InputError(f"is not a line of JSON ({error}); mend or drop the line", "bad-json"))
    return _from_record(record, place, fields)


def _from_row(row: Mapping[str, Any], place: str, fields: Fields) -> Entry:
    """The entry of a row of Arrow's values, which are taken one by one: a value that is not what its column says costs no other row."""
    record: dict[str, Any] = {}
    for name, value in row.items():
        try:
            record[name] = value.as_py()
        except UnicodeDecodeError:
            return Entry(place, error=InputError(f"{name!r} is not UTF-8; mend or drop the row", "not-text"))
        except (ValueError, OverflowError):  # a time that Python has not: in nanoseconds, or beyond its years
            record[name] = None if value.type.num_fields else value.cast("string").as_py()
    return _from_record(record, place, fields)


def _from_record(record: object, place: str, fields: Fields) -> Entry:
    if not isinstance(record, Mapping):
        return Entry(place, error=InputError("is not a JSON object; give one object for each article", "bad-json"))
    given = record.get(fields.id)
    id = place if given is None or given in ("", b"") else _name(given)
    source, title = (_name(value) if value else None for value in (_text(record, fields.source), _text(record, fields.title)))
    for field, media_type in ((fields.html, "text/html"), (fields.text, "text/plain")):
        content = _text(record, field)
        if content is not None:
            return Entry(id, None, source, title, content=content, media_type=media_type, size=len(content))
    message = f"has neither a field {fields.text!r} nor a field {fields.html!r}; name the one that holds the article with --field text=NAME"
    return Entry(id, None, source, title, error=InputError(message, "no-text"))


def _text(record: Mapping[str, Any], field: str) -> str | bytes | None:
    value = record.get(field)
    return value if isinstance(value, (str, bytes)) and value else None


def _name(given: object) -> str:
    return given.decode(errors="backslashreplace") if isinstance(given, bytes) else readable(str(given))


def _from_warc(record: Any, id: str) -> Iterable[Entry]:
    """One entry, or none where the record is no page or was not fetched with success."""
    declared = _declared(record)
    if declared is not None and declared > LONGEST:
        return [Entry(id, error=InputError(f"{declared:,} bytes are more than one article can have; leave it out", "too-large"))]
    record.freeze()
    if declared != record.content_length:
        return [Entry(id, error=InputError("the record is cut off; get a whole copy of the archive", "damaged"))]
    is_page = record.is_http
    if is_page:
        record.parse_http(auto_decode="all")
        if record.http_headers is None or not 200 <= (record.http_headers.status_code or 0) < 300:
            return []
    media_type = PAGES.get((record.http_content_type if is_page else record.headers.get("Content-Type", "").partition(";")[0]) or "")
    if not media_type:
        return []
    content = record.reader.read(LONGEST + 1)
    host = host_of(record.headers.get("WARC-Target-URI", "").strip("<>"))
    return [Entry(id, None, host, content=content, media_type=media_type, charset=record.http_charset if is_page else "utf-8", size=len(content))]


def _declared(record: Any) -> int | None:
    """How many bytes a record says it has."""
    said = record.headers.get("Content-Length", "")
    return int(said[:20]) if said.isdecimal() else None  # so much is more than any file has, and int() refuses thousands of digits


def _next_start(stream: IO[bytes], after: int) -> int | None:
    """The offset of what looks like the start of a record, at or after an offset; None where there is none."""
    stream.seek(after)
    held = b""
    while chunk := stream.read(CHUNK):
        held += chunk
        places = [place for place in (held.find(GZIP_START), held.find(WARC_START)) if place >= 0]
        if places:
            return after + min(places)
        after += max(0, len(held) - len(WARC_START))
        held = held[-len(WARC_START) :]
    return None


def _is_torn(stream: IO[bytes], last: int) -> bool:
    """Whether anything stands behind the last record of an archive that is compressed record by record."""
    stream.seek(last)
    member = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    with suppress(zlib.error):  # not compressed, or not so
        while not member.eof and (chunk := stream.read(CHUNK >> 4)):  # what comes out of it may be a thousand times as much
            member.decompress(chunk)
    return member.eof and bool(member.unused_data or stream.read(1))
