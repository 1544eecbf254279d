"""Spans inside a block that are not the article's: `(RELATED: ...)`, a trailing "Read more: ...", a photo credit at the end of a paragraph.

These are rules, not a model: the markers are the trade's own, in capitals or brackets, and a rule can say which characters went.
"""

from __future__ import annotations

import re
from html import unescape
from itertools import chain

from training.article import Article, Block, Cut, folded
from training.page import MARKUP

_NESTED = r"[^()\[\]]{0,300}+(?:[(\[][^()\[\]]{0,300}+[)\]][^()\[\]]{0,300}+){0,4}"
_POINTER = (
    r"related(?:\s+(?:story|stories|articles?|coverage|video|content|news))?|read(?:\s+(?:more|also|next|this))|also\s+read|see\s+(?:also|more)"
    r"|more\s+on\s+this|more|watch|listen|don['’]t\s+miss|what\s+to\s+read\s+next"
)
_LEADS = r"(?:[:|»]|[–—-]\s+(?-i:[^a-z\s\d]))"
"""What stands between the pointer and the title it points to. A dash does before a capital alone: "(watch-and-wait)" and "(more – or less)" are prose."""
_SENTENCE_ENDED = r"(?<=[.!?…\"”’')\]])\s+"
RELATED = re.compile(
    rf"[(\[]\s*(?:{_POINTER})\s*{_LEADS}\s*{_NESTED}[)\]]"
    rf"|{_SENTENCE_ENDED}(?:related|read more|read also|see also|also read|watch|more)\s*:\s+(?-i:[^a-z.!?])[^.!?]{{2,159}}[!?]?$",
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

Rule = tuple[re.Pattern[str], str]
EVERYWHERE: tuple[Rule, ...] = ((RELATED, "related"), (APPEAL, "appeal"))
"""Rules for every block, before its kind is decided."""
IN_BODY: tuple[Rule, ...] = ((CREDIT, "caption"),)
"""Rules for blocks that are found to be `body`."""


def cut(block: Block, rules: tuple[Rule, ...], article: Article) -> Block:
    """The block without the spans that the rules find, each recorded with its place. A block that is nothing but spans stays as it is."""
    if not ("(" in block.text or "[" in block.text or ":" in block.text):
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
    places = _places(block, article)
    cuts = []
    for start, end, kind in found:
        first = start + (block.text[start] == " ")
        cuts.append(Cut(places[first][0], places[end - 1][1], kind) if places else Cut(None, None, kind))
    return block._replace(text=kept, cut=(*block.cut, *cuts))


_CHARACTER = r"(?s:\s+|.)"
_PIECE = re.compile(_CHARACTER)
_PAGE_PIECE = re.compile(rf"(?a:{MARKUP.pattern})|&#?\w{{1,31}};?|{_CHARACTER}", re.IGNORECASE)


def _places(block: Block, article: Article) -> list[tuple[int, int]]:
    """Where each character of the block's text stands in the source; empty when the text cannot be retraced there."""
    if block.start is None or block.end is None:
        return []
    edges = [block.start, *(edge for gone in block.cut for edge in gone[:2] if edge is not None), block.end]
    piece_of = _PAGE_PIECE if article.is_html else _PIECE
    characters: list[str] = []
    places: list[tuple[int, int]] = []
    for match in chain.from_iterable(piece_of.finditer(article.text, *part) for part in zip(edges[::2], edges[1::2], strict=True)):
        piece = match[0]
        if article.is_html and piece.startswith("<") and len(piece) > 1:
            piece = " " if piece[:3].lower() == "<br" else ""
        elif article.is_html and piece.startswith("&"):
            piece = unescape(piece)
        for character in piece:
            if not character.isspace():
                characters.append(character)
                places.append(match.span())
            elif characters and characters[-1] != " ":
                characters.append(" ")
                places.append(match.span())
    if characters and characters[-1] == " ":
        characters.pop()
    return places if "".join(characters) == block.text else []
