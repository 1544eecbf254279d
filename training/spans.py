"""Spans inside a block that are not the article's: `(RELATED: ...)`, a trailing "Read more: ...", a photo credit at the end of a paragraph.

These are rules, not a model: the markers are the trade's own, in capitals or brackets, and a rule can say which characters went.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from html import unescape

from training.article import Article, Block, Cut, folded
from training.page import MARKUP, RESCUES, swallowed

_NESTED = r"[^()\[\]]{0,300}+(?:[(\[][^()\[\]]{0,300}+[)\]][^()\[\]]{0,300}+){0,4}"
_POINTER = (
    r"related(?:\s+(?:story|stories|articles?|coverage|video|content|news))?|read(?:\s+(?:more|also|next|this))|also\s+read|see\s+(?:also|more)"
    r"|more\s+on\s+this|more|watch|listen|don['’]t\s+miss|what\s+to\s+read\s+next"
)
_LEADS = r"(?:[:|»]|[–—-]\s+(?-i:[^a-z\s\d]))"
"""What stands between the pointer and the title it points to. A dash does before a capital alone: "(watch-and-wait)" and "(more – or less)" are prose."""
_TITLE_AT_END = r":\s+(?-i:[^a-z.!?])[^.!?]{2,159}[!?]?$"
_SENTENCE_ENDED = r"(?<=[.!?…\"”’')\]])\s+"
RELATED = re.compile(
    rf"[(\[]\s*(?:{_POINTER})\s*{_LEADS}\s*{_NESTED}[)\]]"
    rf"|{_SENTENCE_ENDED}(?:related|read more|read also|see also|also read|watch|more)\s*{_TITLE_AT_END}",
    re.IGNORECASE,
)
"""A pointer to another article inside a paragraph: in brackets anywhere, or after the last sentence up to the end."""

APPEAL = re.compile(rf"[(\[]\s*(?:sign up|subscribe|donate|support (?:us|our)|join us|click here|get our)\b{_NESTED}[)\]]", re.IGNORECASE)
"""A plea in brackets inside a paragraph."""

CREDIT = re.compile(
    rf"{_SENTENCE_ENDED}[(\[]\s*(?:(?:staff|file|handout|library)\s+)?(?:(?:AP\s+)?photo(?:graph)?s?|image|picture|illustration|graphic|screenshot|credit|courtesy)"
    r"\b[^()\[\]]{0,160}[)\]]$",
    re.IGNORECASE,
)
"""A picture's credit after the last sentence of a paragraph. Under a picture it belongs to the caption and stays."""

_SIGN = re.compile(_TITLE_AT_END, re.IGNORECASE)
"""What a text without brackets holds where a rule finds anything in it."""

Rule = tuple[re.Pattern[str], str]
EVERYWHERE: tuple[Rule, ...] = ((RELATED, "related"), (APPEAL, "appeal"))
"""Rules for every block, before its kind is decided."""
IN_BODY: tuple[Rule, ...] = ((CREDIT, "caption"),)
"""Rules for blocks that are found to be `body`."""


def cut(block: Block, rules: tuple[Rule, ...], article: Article) -> Block:
    """The block without the spans that the rules find, each recorded with its place. A block that is nothing but spans stays as it is."""
    if not ("(" in block.text or "[" in block.text or _SIGN.search(block.text)):
        return block
    found: list[tuple[int, int, str]] = []
    for start, end, kind in sorted((*match.span(), kind) for pattern, kind in rules for match in pattern.finditer(block.text)):
        if not found or start >= found[-1][1]:
            found.append((start, end, kind))
    if not found:
        return block
    edges = [0, *(edge for start, end, _ in found for edge in (start, end)), len(block.text)]
    kept = folded("".join(block.text[start:end] for start, end in zip(edges[::2], edges[1::2], strict=True)))
    if not any(map(str.isalnum, kept)):
        return block
    starts, ends = _places(block, article)
    cuts = []
    for start, end, kind in found:
        first = start + (block.text[start] == " ")
        cuts.append(Cut(starts[first], ends[end - 1], kind) if starts else Cut(None, None, kind))
    return block._replace(text=kept, cut=_in_order(block.cut, cuts))


def _in_order(earlier: tuple[Cut, ...], later: list[Cut]) -> tuple[Cut, ...]:
    """Earlier and later cuts of a block in order and apart: a later one that went round an earlier one stands for both."""
    placed = sorted((span.start, -span.end, span.kind) for span in (*earlier, *later) if span.start is not None and span.end is not None)
    if len(placed) < len(earlier) + len(later):
        return (*earlier, *later)
    outer: list[Cut] = []
    for start, minus_end, kind in placed:
        if not outer or start >= (outer[-1].end or 0):
            outer.append(Cut(start, -minus_end, kind))
    return tuple(outer)


_CHARACTER = r"(?s:\s+|.)"
_PIECE = re.compile(_CHARACTER)
_PAGE_PIECE = re.compile(rf"(?a:{MARKUP.pattern})|&#?\w{{1,31}};?|{_CHARACTER}", re.IGNORECASE)


def _places(block: Block, article: Article) -> tuple[Sequence[int], Sequence[int]]:
    """Where each character of the block's text starts and ends in the source; both empty when the text cannot be retraced there."""
    if block.start is None or block.end is None:
        return (), ()
    if not article.is_html and article.text[block.start : block.end].replace("\n", " ") == block.text:
        return range(block.start, block.end), range(block.start + 1, block.end + 1)
    edges = [block.start, *(edge for gone in block.cut for edge in gone[:2] if edge is not None), block.end]
    characters: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for piece, (start, end) in (found for part in zip(edges[::2], edges[1::2], strict=True) for found in _pieces(article, *part)):
        if article.is_html and piece.startswith("<") and len(piece) > 1:
            shown = " " if piece[:4].lower().startswith(("<br", "</br")) else ""
        else:
            shown = unescape(piece) if article.is_html and piece.startswith("&") else piece
        for character in shown:
            if not character.isspace():
                characters.append(character)
            elif characters and characters[-1] != " ":
                characters.append(" ")
            else:
                continue
            starts.append(start)
            ends.append(end)
    if characters and characters[-1] == " ":
        del characters[-1], starts[-1], ends[-1]
    return (starts, ends) if "".join(characters) == block.text else ((), ())


def _pieces(article: Article, start: int, end: int) -> Iterator[tuple[str, tuple[int, int]]]:
    """The characters, entities and markup of a part of the source with their places. As when a page is read, what is never closed ends at its first `>`."""
    if not article.is_html:
        yield from ((match[0], match.span()) for match in _PIECE.finditer(article.text, start, end))
        return
    for _ in range(RESCUES + 1):
        for match in _PAGE_PIECE.finditer(article.text, start, end):
            piece = match[0]
            resume = swallowed(piece) if match.end() == end and len(piece) > 1 and piece[0] == "<" else 0
            if resume:
                start = match.start() + resume
                yield piece[:resume], (match.start(), start)
                break
            yield piece, match.span()
        else:
            return
