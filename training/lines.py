"""Plain text -> blocks: paragraphs by blank line, by newline, or hard-wrapped at any width and joined back.

A hard wrap leaves a trace: no line is longer than the width, and none could have held the next line's first word as well. The width that
explains most line breaks of a text is found; then a break inside a paragraph is one that the width forced, or one in the middle of a sentence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice, pairwise
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
_LINE = re.compile(r"[^\r\n\x0b\x0c\x1c-\x1e\x85\u2028\u2029]+|\r\n?|\n|[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_OWN = re.compile(r"[-*•‣◦▪·–—]\s|\(?\d{1,3}[.)]\s|[a-z]\)\s|\d{1,4}[./-]\d{1,2}[./-]\d|\(?By\s[A-Z]|\(?[A-Z]{2,}/|[^|]*\s\|\s|\([^()]*\)$")
"""How a line begins that is no part of the paragraph before it: list items, dates, bylines, desk codes, table rows, a line in brackets."""
_ENDED = re.compile(r"""[.!?:;…。！？]["'”’»)\]]*$""")
_SENTENCE_END = re.compile(r"""[.!?…]["'”’»)\]]*(?:\s|$)""")
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

    @property
    def ended(self) -> bool:
        """It closes a sentence."""
        return _ENDED.search(self.text[-8:]) is not None

    @property
    def first_word(self) -> str:
        return self.text.split(maxsplit=1)[0]

    @property
    def marks_only(self) -> bool:
        return not any(map(str.isalnum, self.text))


def read_lines(source: str) -> list[Block]:
    """The blocks of a plain text in reading order, with their places in `source`. Raises InputError (`too-large`)."""
    lines = list(islice(_lines(source), MAX_LINES + 1))
    if len(lines) > MAX_LINES:
        raise too_many_blocks()
    width = wrap_width(lines)
    spaced = width > 0 and _spaced(lines, width)
    blocks: list[Block] = []
    first = sentences = 0
    for number in range(1, len(lines) + 1):
        sentences += len(_SENTENCE_END.findall(lines[number - 1].text)) if width else 0
        if number == len(lines) or not width or _ends_paragraph(sentences, lines[number - 1], lines[number], width, spaced):
            start, end = lines[first].start, lines[number - 1].end
            text = folded(source[start:end])
            if text:
                blocks.append(Block(text, start, end))
                if len(blocks) > MAX_BLOCKS:
                    raise too_many_blocks()
            first, sentences = number, 0
    return blocks


def wrap_width(lines: list[Line]) -> int:
    """The width at which a text is hard-wrapped, in characters; 0 when it is not. The breaks of two lines that a width explains are
    those whose first line is no longer than it while the next line's first word would have made it so."""
    pairs = [(line, after) for line, after in pairwise(lines) if _comparable(line, after)]
    if len(pairs) < 2:
        return 0
    edges: dict[int, int] = {}
    for line, after in pairs:
        fits = len(line.text)
        edges[fits] = edges.get(fits, 0) + 1
        beyond = fits + 1 + len(after.first_word)
        edges[beyond] = edges.get(beyond, 0) - 1
    best = width = depth = 0
    for edge in sorted(edges):
        depth += edges[edge]
        if depth > best and WIDTHS[0] <= edge <= WIDTHS[1]:
            best, width = depth, edge
    open_breaks = sum(_forced(line, after, width) and _mid_sentence(line, after) for line, after in pairs)
    return width if best >= WRAPPED_SHARE * len(pairs) and open_breaks >= max(1, OPEN_SHARE * best) else 0


def _lines(source: str) -> Iterator[Line]:
    apart = True
    blank = True
    for match in _LINE.finditer(source):
        raw = match[0]
        text = raw.strip()
        if text:
            start = match.start() + len(raw) - len(raw.lstrip())
            yield Line(start, start + len(text), text, apart)
            apart = blank = False
        elif raw[0] in " \t\xa0" or (raw.isspace() and raw[0] not in "\r\n"):
            continue
        else:
            apart = apart or blank
            blank = True


def _comparable(line: Line, after: Line) -> bool:
    return not (after.apart or line.marks_only or after.marks_only or _OWN.match(after.text) or max(len(line.text), len(after.text)) > WIDTHS[1])


def _forced(line: Line, after: Line, width: int) -> bool:
    return len(line.text) <= width < len(line.text) + 1 + len(after.first_word)


def _mid_sentence(line: Line, after: Line) -> bool:
    return not line.ended and not after.text[0].isupper()


def _spaced(lines: list[Line], width: int) -> bool:
    """Whether blank lines alone end paragraphs: there are some, and no line that closes a sentence is shorter than the width lets it be."""
    return any(line.apart for line in lines[1:]) and not any(
        _comparable(line, after) and line.ended and not _forced(line, after, width) for line, after in pairwise(lines)
    )


def _ends_paragraph(sentences: int, line: Line, after: Line, width: int, spaced: bool) -> bool:
    """Whether the paragraph, whose last line so far is `line` and which holds that many sentences, ends there."""
    if not _comparable(line, after) or len(line.text) > width or _OWN.match(line.text):
        return True
    if _mid_sentence(line, after) or (not line.ended and _OPEN.search(line.text)):
        return False
    if not _forced(line, after, width):
        return True
    return line.ended and not spaced and (after.text[0] in _QUOTES or sentences >= SENTENCES)
