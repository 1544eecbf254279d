"""One article on its way to be scored, and the names that archives give to its parts."""

from __future__ import annotations

from typing import NamedTuple

from training.errors import CopydeskError


class Fields(NamedTuple):
    """The columns or keys that hold an article's parts; a page in `html` goes before `text`."""

    id: str = "id"
    text: str = "text"
    html: str = "html"
    title: str = "title"
    source: str = "source"


FIELDS = Fields()


class Entry(NamedTuple):
    """One article to be scored: a file at `path`, to be read by whoever scores it, or the `content` of a member of an archive.

    `folder` names the source where neither `source` nor the page does. `size` is in bytes or characters, to fill batches; `read` is the bytes of
    input that lie behind once it is done. An entry with `error` stands in the place of one that could not be taken out of its archive."""

    id: str
    folder: str | None = None
    source: str | None = None
    title: str | None = None
    path: str = ""
    content: bytes | str | None = None
    media_type: str = ""
    charset: str | None = None
    size: int = 0
    read: int = 0
    error: CopydeskError | None = None


def readable(name: str) -> str:
    """A name that can be written as UTF-8: bytes of a file name that are no UTF-8, and lone surrogates, are shown as escapes."""
    return name.encode("utf-8", "backslashreplace").decode()
