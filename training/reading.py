"""Bytes or text -> article -> blocks: the encoding, text or HTML, then the reader for it."""

from __future__ import annotations

import re
from pathlib import PurePath

from bs4.dammit import EncodingDetector

from training.article import Article, Block
from training.errors import InputError
from training.lines import read_lines
from training.page import read_page

MAX_CHARACTERS = 50_000_000
"""Longer inputs are refused: no article is, and memory grows with the input."""
NEVER = ("utf-7", "utf_7", "utf7", "unicode-1-1-utf-7")
"""Encodings that are obeyed by no browser, because plain text can be made to mean markup in them."""
GUESS_FROM = 65_536
"""Bytes that a guess of the encoding looks at; more costs much and tells little."""
CONTROL_SHARE = 0.005
"""More control characters than this share of a text, and it is no text but a binary file."""

HTML_NAMES = frozenset((".html", ".htm", ".xhtml", ".shtml"))
TEXT_NAMES = frozenset((".txt", ".text"))

_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_SURROGATES = re.compile(r"[\ud800-\udfff]")
_PAGE_START = re.compile(r"\s*(?:<!--(?:(?!-->).){0,2000}-->\s*)*<(?:!doctype\s+html|html|head|body|\?xml)\b", re.IGNORECASE | re.DOTALL)
_TAGS = re.compile(r"</?(?:p|div|a|span|br|h[1-6]|ul|ol|li|article|section|table|td|img|em|strong|figure|blockquote)(?:\s[^<>]*)?/?>", re.IGNORECASE)
_LOOKED_AT = 20_000
_TAGS_OF_A_PAGE = 3


def article_from_bytes(content: bytes, *, name: str = "", media_type: str = "", source: str | None = None, charset: str | None = None) -> Article:
    """Decode one file or request body. `name` becomes the id; raises InputError (`empty`, `not-text`, `too-large`)."""
    if len(content) > 4 * MAX_CHARACTERS:
        raise _too_large(len(content))
    text = decode(content, charset)
    return article_from_text(text, name=name, media_type=media_type, source=source)


def article_from_text(text: str, *, name: str = "", media_type: str = "", source: str | None = None, title: str | None = None) -> Article:
    """An article from decoded text; raises InputError (`empty`, `not-text`, `too-large`)."""
    if len(text) > MAX_CHARACTERS:
        raise _too_large(len(text))
    if len(_CONTROLS.findall(text)) > CONTROL_SHARE * len(text):
        raise InputError("this is not text but a binary file; give plain text or HTML", "not-text")
    if not text or text.isspace():
        raise InputError("there is no text in it; give an article as plain text or HTML", "empty")
    return Article(_SURROGATES.sub("\ufffd", text), is_html(text, name=name, media_type=media_type), name, source, title)


def read(article: Article) -> list[Block]:
    """The blocks of an article in reading order."""
    return read_page(article.text) if article.is_html else read_lines(article.text)


def decode(content: bytes, charset: str | None = None) -> str:
    """The text of some bytes: by byte order mark, as `charset` (an HTTP header's) says, as UTF-8 where that fits, as the page declares, or by guess.

    The byte order mark is kept out of the text. What fits no encoding is read as UTF-8 with replacement characters."""
    content, marked = EncodingDetector.strip_byte_order_mark(content)
    candidates = [marked, charset, None if b"\x1b" in content[:GUESS_FROM] else "utf-8", EncodingDetector.find_declared_encoding(content, is_html=True)]
    for encoding in candidates:
        text = _decoded(content, encoding)
        if text is not None:
            return text
    for encoding in EncodingDetector(content[:GUESS_FROM], is_html=True, exclude_encodings=list(NEVER)).encodings:
        text = _decoded(content, encoding)
        if text is not None:
            return text
    return content.decode("utf-8", errors="replace")


def is_html(text: str, *, name: str = "", media_type: str = "") -> bool:
    """Whether to read as HTML: by media type, else by file name, else by looking."""
    if media_type:
        return "html" in media_type or "xml" in media_type
    suffix = PurePath(name).suffix.lower()
    if suffix in HTML_NAMES or suffix in TEXT_NAMES:
        return suffix in HTML_NAMES
    begin = text[:_LOOKED_AT]
    return _PAGE_START.match(begin) is not None or len(_TAGS.findall(begin)) >= _TAGS_OF_A_PAGE


def _decoded(content: bytes, encoding: str | None) -> str | None:
    if not encoding or encoding.lower() in NEVER:
        return None
    try:
        return content.decode(encoding)
    except (LookupError, UnicodeError, ValueError):
        return None


def _too_large(size: int) -> InputError:
    return InputError(f"{size:,} characters are more than the {MAX_CHARACTERS:,} that one article may have; split it", "too-large")
