"""Bytes or text -> article -> blocks: the encoding, text or HTML, then the reader for it."""

from __future__ import annotations

import codecs
import re
from pathlib import PurePath
from typing import NamedTuple

from bs4.dammit import EncodingDetector

from training.article import Article, Block, whole_characters
from training.errors import InputError
from training.lines import read_lines
from training.metadata import NOTHING, Metadata, read_metadata
from training.page import read_page
from training.tokens import count_tokens

MAX_CHARACTERS = 50_000_000
"""Longer inputs are refused: no article is, and memory grows with the input."""
MOST_TOKENS, CHARACTERS_A_TOKEN = 2_000_000, 5
"""An article may have so many words, numbers and marks, and one more for so many characters, which is about what prose has. Each takes up to 95 bytes while it
is scored."""
NEVER = ("utf-7", "unicode-escape", "raw-unicode-escape", "punycode", "idna")
"""Python's names of encodings that no browser obeys: plain text can be made to mean markup in them, or they take quadratic time."""
WIDER = {
    **dict.fromkeys(("iso8859-1", "ascii"), "cp1252"),
    **dict.fromkeys(("gb2312", "gbk"), "gb18030"),
    "iso8859-9": "cp1254",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
}
"""What pages are in that say they are in another: the WHATWG Encoding Standard's labels, where Python's encoding of the name is narrower."""
GUESS_FROM = 65_536
"""Bytes that a guess of the encoding looks at, up to a line's end so that no character is halved; more costs much and tells little."""
SOUND = 4
"""So many characters beyond ASCII for each damaged one, and bytes are UTF-8 with damage: text in another encoding has fewer that look like UTF-8."""
CONTROL_SHARE = 0.005
"""More control characters than this share of a text, and it is no text but a binary file."""

HTML_NAMES = frozenset((".html", ".htm", ".xhtml", ".shtml"))
TEXT_NAMES = frozenset((".txt", ".text"))

_CONTROLS = bytes((*range(9), *range(14, 27), *range(28, 32)))
_PAGE_START = re.compile(r"\s*(?:<!--(?:(?!-->).){0,2000}-->\s*)*<(?:!doctype\s+html|html|head|body|\?xml)\b", re.IGNORECASE | re.DOTALL)
_TAGS = re.compile(r"</?(?:p|div|a|span|br|h[1-6]|ul|ol|li|article|section|table|td|img|em|strong|figure|blockquote)(?:\s[^<>]*)?/?>", re.IGNORECASE)
_LOOKED_AT = 20_000
_TAGS_OF_A_PAGE = 3


def article_from_bytes(
    content: bytes, *, name: str = "", media_type: str = "", source: str | None = None, title: str | None = None, charset: str | None = None
) -> Article:
    """Decode one file or request body. `name` becomes the id; raises InputError (`empty`, `not-text`, `too-large`)."""
    if len(content) > 4 * MAX_CHARACTERS:
        raise _too_large(len(content), "bytes", 4 * MAX_CHARACTERS)
    text = decode(content, charset)
    return article_from_text(text, name=name, media_type=media_type, source=source, title=title)


def article_from_text(text: str, *, name: str = "", media_type: str = "", source: str | None = None, title: str | None = None) -> Article:
    """An article from decoded text; raises InputError (`empty`, `not-text`, `too-large`)."""
    if len(text) > MAX_CHARACTERS:
        raise _too_large(len(text), "characters", MAX_CHARACTERS)
    try:
        content = text.encode()
    except UnicodeEncodeError:
        text = whole_characters(text)
        content = text.encode()
    if len(content) - len(content.translate(None, _CONTROLS)) > CONTROL_SHARE * len(text):
        raise InputError("this is not text but a binary file; give plain text or HTML, unpacked where it is compressed", "not-text")
    if not text or text.isspace():
        raise InputError("there is no text in it; give an article as plain text or HTML", "empty")
    page = is_html(text, name=name, media_type=media_type)
    return Article(text, page, name, source and whole_characters(source), title and whole_characters(title))


class Copy(NamedTuple):
    """An article as it was read: its blocks in reading order, and for a page what its markup says of it."""

    blocks: list[Block]
    metadata: Metadata = NOTHING


def read(article: Article) -> Copy:
    """Read an article into blocks; raises InputError (`too-large`)."""
    copy = _page_copy(article.text) if article.is_html else Copy(read_lines(article.text))
    characters = sum(len(block.text) for block in copy.blocks)
    most = MOST_TOKENS + characters // CHARACTERS_A_TOKEN
    if characters > most and (tokens := count_tokens([block.text for block in copy.blocks])) > most:
        raise _too_large(tokens, "words and marks", most)
    return copy


def _page_copy(text: str) -> Copy:
    page = read_page(text)
    return Copy(page.blocks, read_metadata(page.declarations))


def decode(content: bytes, charset: str | None = None) -> str:
    """The text of some bytes: by byte order mark, as `charset` (an HTTP header's) says, as UTF-8 where that fits or nearly does, as the page declares, or by
    guess.

    The byte order mark is kept out of the text. Bytes that are no UTF-8 in what nearly is, and in what fits no encoding, become replacement characters."""
    content, marked = EncodingDetector.strip_byte_order_mark(content)
    declared = EncodingDetector.find_declared_encoding(content, is_html=True) or ""
    untrue = declared.startswith(("utf-16", "utf-32"))  # the declaration could not have been read if it were so
    utf8 = None if b"\x1b" in content[:GUESS_FROM] else "utf-8"
    for encoding in (marked, charset, utf8):
        text = _decoded(content, encoding)
        if text is not None:
            return text
    text = (_nearly_utf8(content) if utf8 else None) or _decoded(content, None if untrue else declared)
    if text is not None:
        return text
    sample = content[: content.rfind(b"\n", 0, GUESS_FROM) + 1 or GUESS_FROM] if len(content) > GUESS_FROM else content
    for encoding in EncodingDetector(sample, is_html=True, exclude_encodings=[*NEVER, declared]).encodings:
        text = _decoded(content, encoding)
        if text is not None:
            return text
    return content.decode("utf-8", errors="replace")


def is_html(text: str, *, name: str = "", media_type: str = "") -> bool:
    """Whether to read as HTML: by media type, else by file name, else by looking."""
    if media_type:
        return "html" in media_type.lower() or "xml" in media_type.lower()
    suffix = PurePath(name).suffix.lower()
    if suffix in HTML_NAMES or suffix in TEXT_NAMES:
        return suffix in HTML_NAMES
    begin = text[:_LOOKED_AT]
    return _PAGE_START.match(begin) is not None or len(_TAGS.findall(begin)) >= _TAGS_OF_A_PAGE


def _nearly_utf8(content: bytes) -> str | None:
    """The text of UTF-8 that was cut inside a character, or got stray bytes; None where more than a few bytes are none."""
    text = content.decode("utf-8", errors="replace")
    damaged, beyond_ascii = text.count("\ufffd"), len(text) - len(text.encode("ascii", errors="ignore"))
    return text if beyond_ascii - damaged >= SOUND * damaged else None


def _decoded(content: bytes, encoding: str | None) -> str | None:
    if not encoding:
        return None
    try:
        name = codecs.lookup(encoding).name
        return None if name in NEVER else content.decode(WIDER.get(name, name))
    except (LookupError, UnicodeError, ValueError):
        return None


def _too_large(size: int, units: str, most: int) -> InputError:
    return InputError(f"{size:,} {units} are more than the {most:,} that one article may have; split it", "too-large")
