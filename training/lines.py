"""Plain text -> blocks: paragraphs by blank line, by newline, or hard-wrapped at any width and joined back.

A hard wrap leaves a trace: no line is longer than the width, and none could have held the next line's first word as well. The width that
explains most line breaks of a text is found; then a break inside a paragraph is one that the width forced, or one in the middle of a sentence.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import NamedTuple

from training.article import MAX_BLOCKS, Block, folded, too_many_blocks

WIDTHS = (24, 160)
"""Between these a line length, in characters, can be a wrap width; beyond them lines are paragraphs or headings."""
WRAPPED_SHARE = 0.5
"""At least this share of the breaks between two lines of text must fit the width."""
OPEN_SHARE = 0.25
"""At least this share of those must fall in the middle of a sentence: lists of headlines fit a width by chance, but start with capitals."""
MAX_LINES = 10 * MAX_BLOCKS
"""Ten lines to a paragraph; a text of more lines is not even looked at for its width."""
SENTENCES = 2
"""A full line that closes a sentence may or may not close the paragraph, about as often; it is taken to when the paragraph holds this many
sentences. To split a paragraph costs less than to join two that different people speak in."""

_QUOTES = '"“‘«('
_RARE_BREAKS = "\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"
_LINE = re.compile(r"\S.*")
_RARE_LINE = re.compile(rf"\S[^\n{_RARE_BREAKS}]*")
_OWN = re.compile(r"[-*•‣◦▪·–—]\s|\(?\d{1,3}[.)]\s|[a-z]\)\s|\d{1,4}[./-]\d{1,2}[./-]\d|\(?By\s[A-Z]|\(?[A-Z]{2,}/|\([^()]*\)$")
"""How a line begins that is no part of the paragraph before it: list items, dates, bylines, desk codes, a line in brackets."""
_ROW = re.compile(r"[^|]*\s\|\s")
"""How a table's row begins."""
_MARKS_ONLY = re.compile(r"[\W_]+$")
_ENDS = frozenset(".!?:;…。！？")
_CLOSING = """"'”’»)]"""
_SENTENCE_END = re.compile(rf"[.!?…][{re.escape(_CLOSING)}]*(?:\s|$)")
_OPEN = re.compile(
    r"(?:[,–—-]|\b(?:a|an|and|as|at|but|by|for|from|in|into|its|of|on|or|that|the|their|to|was|were|which|with|is|are|his|her|than|when|where|who))$",
    re.IGNORECASE,
)


class Line(NamedTuple):
    """A line with text: its place in the source (white space at both ends left out) and whether blank lines stand before it."""

    start: int
    end: int
    text: str
    apart: bool


class Seam(NamedTuple):
    """Where a line ends and another begins that may go on with its paragraph: their texts, the length of the first, the length it would have with
    the other's first word as well, and whether it closes a sentence."""

    line: str
    after: str
    fits: int
    beyond: int
    ended: bool

    @property
    def mid_sentence(self) -> bool:
        return not self.ended and not self.after[0].isupper()

    def forced(self, width: int) -> bool:
        return self.fits <= width < self.beyond


def read_lines(source: str) -> list[Block]:
    """The blocks of a plain text in reading order, with their places in `source`. Raises InputError (`too-large`)."""
    lines = _lines(source)
    seams = [_seam(line, after) for line, after in pairwise(lines)]
    paragraphs = _paragraphs(lines, seams)
    if len(paragraphs) > MAX_BLOCKS:
        raise too_many_blocks()
    return [Block(folded(source[start:end]), start, end) for start, end in paragraphs]


def wrap_width(seams: list[Seam]) -> int:
    """The width at which a text is hard-wrapped, in characters; 0 when it is not. The seams that a width explains are those whose first line
    is no longer than it while the next line's first word would have made it so."""
    if len(seams) < 2:
        return 0
    edges: dict[int, int] = {}
    for _, _, fits, beyond, _ in seams:
        edges[fits] = edges.get(fits, 0) + 1
        edges[beyond] = edges.get(beyond, 0) - 1
    best = width = depth = 0
    for edge in sorted(edges):
        depth += edges[edge]
        if depth > best and WIDTHS[0] <= edge <= WIDTHS[1]:
            best, width = depth, edge
    if best < WRAPPED_SHARE * len(seams):
        return 0
    mid_sentence = sum(seam.forced(width) and seam.mid_sentence for seam in seams)
    return width if mid_sentence >= max(1, OPEN_SHARE * best) else 0


def _lines(source: str) -> list[Line]:
    lines: list[Line] = []
    before = 0
    pattern = _RARE_LINE if any(character in source for character in _RARE_BREAKS) else _LINE
    for match in pattern.finditer(source):
        start, end = match.span()
        text = match[0].rstrip()
        lines.append(Line(start, start + len(text), text, start - before > 1 and _newlines(source[before:start]) > 1))
        before = end
        if len(lines) > MAX_LINES:
            raise too_many_blocks()
    return lines


def _newlines(gap: str) -> int:
    return gap.count("\n") + gap.count("\r") - gap.count("\r\n")


def _seam(line: Line, after: Line) -> Seam | None:
    """The seam of two lines; None where they cannot be of one paragraph."""
    first, then = line.text, after.text
    if after.apart or len(first) > WIDTHS[1] or len(then) > WIDTHS[1] or _MARKS_ONLY.match(first) or _MARKS_ONLY.match(then) or _is_own(then):
        return None
    return Seam(first, then, len(first), len(first) + 1 + len(then.split(maxsplit=1)[0]), first[-8:].rstrip(_CLOSING)[-1:] in _ENDS)


def _is_own(text: str) -> bool:
    return _OWN.match(text) is not None or ("|" in text and _ROW.match(text) is not None)


def _paragraphs(lines: list[Line], seams: list[Seam | None]) -> list[tuple[int, int]]:
    """Where each paragraph starts and ends in the source."""
    found = [seam for seam in seams if seam]
    width = wrap_width(found)
    if not width:
        return [(line.start, line.end) for line in lines]
    spaced = _spaced(lines, found, width)
    paragraphs = []
    start, sentences = lines[0].start, 0
    for (line, after), seam in zip(pairwise(lines), seams, strict=True):
        if seam and not spaced:
            sentences += len(_SENTENCE_END.findall(line.text))
        if seam is None or _ends_paragraph(seam, sentences, width, spaced):
            paragraphs.append((start, line.end))
            start, sentences = after.start, 0
    return [*paragraphs, (start, lines[-1].end)]


def _spaced(lines: list[Line], seams: list[Seam], width: int) -> bool:
    """Whether blank lines alone end paragraphs: there are some, and no line that closes a sentence is shorter than the width lets it be."""
    return any(line.apart for line in lines[1:]) and not any(seam.ended and not seam.forced(width) for seam in seams)


def _ends_paragraph(seam: Seam, sentences: int, width: int, spaced: bool) -> bool:
    """Whether the paragraph, which holds that many sentences up to the seam, ends there."""
    if seam.fits > width or _is_own(seam.line):
        return True
    if seam.mid_sentence or (not seam.ended and _OPEN.search(seam.line[-8:])):
        return False
    if not seam.forced(width):
        return True
    return seam.ended and not spaced and (seam.after[0] in _QUOTES or sentences >= SENTENCES)
