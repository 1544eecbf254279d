"""Paths -> entries: the files named and those in the folders named, and the articles in each, in order, one at a time."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import NamedTuple

from training.archives import DAMAGE, READERS, SOUGHT, decompressed, sought
from training.article import Article
from training.entry import FIELDS, Entry, Fields, readable
from training.errors import InputError
from training.reading import HTML_NAMES, MAX_CHARACTERS, TEXT_NAMES, article_from_bytes, article_from_text

FORMS = {
    **dict.fromkeys(HTML_NAMES | TEXT_NAMES | {""}, "article"),
    **dict.fromkeys((".md", ".markdown"), "markdown"),
    **dict.fromkeys((".warc", ".wet"), "warc"),
    **dict.fromkeys((".jsonl", ".ndjson"), "jsonl"),
    **{f".{form}": form for form in ("json", "csv", "tsv", "parquet")},
}
"""What a file name's suffix says of what is in it; `article` is one text or page, told apart by looking."""
COMPRESSED = (".gz", ".zst")
IN_FOLDERS = ("article", "markdown", "warc")
"""The forms that are read in a folder unasked. Others often hold something about the articles: name them, or let a pattern include them."""
MEDIA_TYPES = {"text": "text/plain", "html": "text/html", "markdown": "text/markdown"}
INPUT_FORMS = (*MEDIA_TYPES, *READERS)
"""The forms that inputs can be said to have."""
STANDARD_INPUT = "-"


@dataclass(frozen=True, slots=True)
class Choice:
    """What to read and how: `form` of every input (None: by its name), patterns for what is in folders, and where archives keep what."""

    form: str | None = None
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    fields: Fields = FIELDS


EVERYTHING = Choice()


class Found(NamedTuple):
    """A file, what is in it, and its size in bytes (0 where it cannot be told)."""

    path: str
    form: str
    size: int


def find_files(paths: Sequence[str], choice: Choice = EVERYTHING) -> Iterator[Found]:
    """The files named, and those in the folders named, recursively and sorted. Links to folders are not followed inside folders."""
    for path in paths:
        if path != STANDARD_INPUT and os.path.isdir(path):
            yield from _inside(path, path, choice)
        else:
            yield _found(path, choice)


def one_article(path: str) -> Found:
    """A file that holds one article; raises InputError where its name says that it is an archive."""
    form = _form(path)
    if form in READERS:
        raise InputError(f"{path} is an archive of articles, which `copydesk score` reads; name a file of one article as text, HTML or Markdown", "not-text")
    return Found(path, form if form == "markdown" else "article", 0)


def read_entries(files: Iterable[Found], fields: Fields = FIELDS) -> Iterator[Entry]:
    """The articles of each file in order. A file of one article is not opened here: whoever scores it reads it."""
    for file in files:
        path, form, size = file
        media_type = MEDIA_TYPES.get(form, "")
        if form in READERS:
            yield from _members(file, fields)
        elif path == STANDARD_INPUT:
            yield Entry(path, content=sys.stdin.buffer.read(4 * MAX_CHARACTERS + 1), media_type=media_type)
        else:
            yield Entry(readable(path), _folder(path), path=path, media_type=media_type, size=size, read=size)


def read_article(entry: Entry) -> Article:
    """The article of an entry, as it was sent or from its file; raises InputError."""
    if entry.error:
        raise entry.error
    if isinstance(entry.content, str):
        return article_from_text(entry.content, name=entry.id, media_type=entry.media_type, source=entry.source, title=entry.title)
    content = _content(entry.path) if entry.content is None else entry.content
    return article_from_bytes(content, name=entry.id, media_type=entry.media_type, source=entry.source, title=entry.title, charset=entry.charset)


def _content(path: str) -> bytes:
    """A file's bytes. Never waits: what is not a regular file is refused before it is opened."""
    try:
        size = _regular(path)
        if size > 4 * MAX_CHARACTERS:
            raise InputError(f"{size:,} bytes are more than one article can have; split the file", "too-large")
        return Path(path).read_bytes()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}; check that it exists and that you may read it", "unreadable") from error


def _regular(path: str) -> int:
    """The size of a regular file; raises InputError for anything else."""
    status = os.stat(path)
    if stat.S_ISDIR(status.st_mode):
        raise InputError("this folder cannot be opened; check that you may read it", "unreadable")
    if not stat.S_ISREG(status.st_mode):
        raise InputError("not a regular file; give a file, or `-` and send it to standard input", "not-a-file")
    return status.st_size


def _members(file: Found, fields: Fields) -> Iterator[Entry]:
    """The articles in an archive; where it breaks off, an entry says so in the place of what is lost."""
    count = at = 0
    name = readable(file.path)
    try:
        if file.path != STANDARD_INPUT:
            _regular(file.path)
        with nullcontext(sys.stdin.buffer) if file.path == STANDARD_INPUT else open(file.path, "rb") as raw:
            inside = raw if file.form == "warc" else decompressed(raw, file.path)  # a web archive is compressed record by record
            with sought(inside) if file.form in SOUGHT else nullcontext(inside) as stream:
                for entry in READERS[file.form](stream, name, fields):
                    reached = raw.tell() if raw.seekable() else 0
                    yield entry._replace(read=reached - at)
                    at, count = reached, count + 1
    except InputError as error:
        yield Entry(name, error=error)
    except OSError as error:
        yield Entry(name, error=InputError(f"cannot be read ({error.strerror or error}) after {count} articles; check the file", "unreadable"))
    except DAMAGE as error:
        yield Entry(name, error=InputError(f"is damaged after {count} articles ({error}); get a whole copy", "damaged"))


def _inside(folder: str, top: str, choice: Choice) -> Iterator[Found]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        yield Found(folder, "article", 0)
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from _inside(entry.path, top, choice)
        elif _wanted(entry, top, choice) and not _is_folder(entry):
            yield _found(entry.path, choice)


def _wanted(entry: os.DirEntry[str], top: str, choice: Choice) -> bool:
    """Whether a file in a folder is to be read: by the patterns where there are any, else by its form. Hidden files never are."""
    if entry.name.startswith("."):
        return False
    if choice.include or choice.exclude:
        place = PurePath(os.path.relpath(entry.path, top))
        if any(place.match(pattern) for pattern in choice.exclude):
            return False
        if choice.include:
            return any(place.match(pattern) for pattern in choice.include)
    return _form(entry.name) in IN_FOLDERS


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _found(path: str, choice: Choice) -> Found:
    try:
        size = 0 if path == STANDARD_INPUT else os.stat(path).st_size
    except OSError:
        size = 0
    return Found(path, choice.form or _form(path) or "article", size)


def _form(path: str) -> str | None:
    """The form that a file's name tells. A compressed file is an archive or nothing that is read."""
    stem, suffix = os.path.splitext(path.lower())
    if suffix not in COMPRESSED:
        return FORMS.get(suffix)
    form = FORMS.get(os.path.splitext(stem)[1])
    return form if form in READERS else None


def _folder(path: str) -> str | None:
    return readable(os.path.basename(os.path.dirname(os.path.abspath(path)))) or None
