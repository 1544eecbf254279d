"""What flows through the desk: an article in, its blocks, and the verdict on each."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NamedTuple

from training.errors import InputError

TEXT_KINDS = ("body", "subheading")
"""The kinds that are the article's own text; all others are boilerplate."""

KINDS = (
    *TEXT_KINDS,
    "headline",
    "dek",
    "byline",
    "timestamp",
    "caption",
    "navigation",
    "related",
    "appeal",
    "legal",
    "advert",
    "comment",
    "other",
)
LABELS = ("editorial", "reporting")
MAX_BLOCKS = 100_000
"""An article of more blocks is refused: none has them, and memory grows by some kilobytes with each, however short it is."""


@dataclass(frozen=True, slots=True)
class Article:
    """One article as it came in: `text` is the decoded input, plain or HTML. `source` and `title` are what the caller says they are, if anything."""

    text: str
    is_html: bool = False
    id: str = ""
    source: str | None = None
    title: str | None = None


def folded(text: str) -> str:
    """The text as a block holds it: hard wraps joined, white space (no-break spaces too) folded to single spaces. Of white space only a space is printable."""
    joined = text.strip().replace("\n", " ")
    return joined if joined.isprintable() and "  " not in joined else " ".join(text.split())


def words_in(text: str) -> int:
    """How many words a folded text has: what stands between its spaces."""
    return text.count(" ") + 1


def whole_characters(text: str) -> str:
    """The text with half surrogate pairs, which no encoding can write, replaced; every place in it stays where it was."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return re.sub(r"[\ud800-\udfff]", "\ufffd", text)
    return text


@dataclass(slots=True, eq=False)
class Element:
    """An open element of a page as a block sees it from inside: tag, the lowercased words of its class, id, role and itemprop, and what it stands in.

    Compared by identity: chains may be thousands deep. Not frozen, because a page opens thousands of them and a frozen one costs four times as much to make."""

    tag: str
    hints: str
    parent: Element | None = field(repr=False)
    depth: int


class Cut(NamedTuple):
    """A span inside a block that is not the article's: offsets into the decoded input (None as for blocks) and its kind."""

    start: int | None
    end: int | None
    kind: str


class Block(NamedTuple):
    """A paragraph, list item, heading or stray line as it was read. `start` and `end` are character offsets into the decoded input,
    end exclusive, both None where the place is not certain. `element` and `linked` (characters of `text` in links) are known for pages only."""

    text: str
    start: int | None
    end: int | None
    cut: tuple[Cut, ...] = ()
    element: Element | None = None
    linked: int = 0


def too_many_blocks() -> InputError:
    """The error of an article that has more than MAX_BLOCKS."""
    return InputError(f"one article may have {MAX_BLOCKS:,} paragraphs, or ten times as many lines, and this has more; split it", "too-large")
