"""Tokens -> who is speaking: which tokens stand inside quotation marks, and which are attributed to somebody outside them.

A mark's direction is read from the spaces round it, then from its glyph, then from whether a quotation is open. A quotation that
is never closed runs to the end of its paragraph, one that is never opened from its start: so a quotation over several paragraphs,
its opening mark repeated and its closing mark at the very end, needs no rule of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice, pairwise

import numpy as np
from numpy.typing import NDArray

from training.tokens import MARK, NUMBER, Tokens, among

_OPENING, _CLOSING, _STRAIGHT = "“„«‟‹", "”»›", '"'
_SINGLE_OPENING, _SINGLE = "‘‚", "'’"
_DOUBLE = _OPENING + _CLOSING + _STRAIGHT
_QUOTES = _DOUBLE + _SINGLE_OPENING + _SINGLE
_STARTS = "([{—–-/…"
"""Marks that a quotation may follow without a space."""

_SPEECH = (
    "said say says saying told tells tell added adds wrote writes tweeted asked asks explained explains argued argues according noted notes replied"
    " stated states claimed claims announced warned warns insisted suggested suggests called described recalled testified confirmed acknowledged"
    " admitted concluded reported believes believe thinks contends urged accused responded declared denied found estimates estimated cited"
)
SPEECH = frozenset(_SPEECH.split())
"""Words that hand the floor to somebody: outside quotation marks, they attribute their sentence."""

NONE, OPENS, CLOSES = range(3)
"""What a token does as a quotation mark; an apostrophe and a sign for inches do nothing."""


@dataclass(frozen=True, slots=True)
class Quotation:
    """Arrays of shape (tokens,): `role` of each token as a quotation mark, and whether it is `quoted`, the marks themselves included."""

    role: NDArray[np.uint8]
    quoted: NDArray[np.bool_]


def quotations(tokens: Tokens) -> Quotation:
    """Find the quotations of every text."""
    marks = np.flatnonzero(tokens.shape == MARK)
    marks = marks[among(tokens.first[marks], _QUOTES)]
    text = tokens.text[marks]
    columns = (marks.data, _directions(tokens, marks).data, map(chr, tokens.first[marks].data))  # no lists: marks can be millions
    read = zip(*columns, strict=True)
    paragraphs = np.flatnonzero(np.diff(text, prepend=-1))
    begins = np.searchsorted(tokens.text, text[paragraphs]).tolist()
    ends = np.searchsorted(tokens.text, text[paragraphs], side="right").tolist()
    bounds = pairwise([*paragraphs.tolist(), len(marks)])

    edges = np.zeros(len(tokens.word) + 1, np.int32)
    role = np.zeros(len(tokens.word), np.uint8)
    for (first, last), begin, end in zip(bounds, begins, ends, strict=True):
        for opening, closing in _pair(islice(read, last - first)):
            if opening is not None:
                role[opening] = OPENS
            if closing is not None:
                role[closing] = CLOSES
            edges[begin if opening is None else opening] += 1
            edges[end if closing is None else closing + 1] -= 1
    return Quotation(role, np.cumsum(edges[:-1]) > 0)


def attributed(sentence: NDArray[np.int64], speech: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether each token stands in a sentence that somebody is said to speak: `sentence` are the tokens' sentences, counted through
    the batch, `speech` whether a token is one of `SPEECH` outside quotation marks."""
    return np.bincount(sentence[speech], minlength=int(sentence.max(initial=0)) + 1)[sentence] > 0


def _directions(tokens: Tokens, marks: NDArray[np.int64]) -> NDArray[np.int8]:
    """What the spaces say of each mark: OPENS, CLOSES or NONE when they do not tell; -1 where it can only be a sign after a number."""
    padded = np.pad(tokens.shape, 1, constant_values=MARK)
    first = np.pad(tokens.first, 1)
    text = np.pad(tokens.text, 1, constant_values=-1)
    start, end = np.pad(tokens.start, 1), np.pad(tokens.end, 1)
    at = marks + 1
    touches_left = (text[at - 1] == text[at]) & (end[at - 1] == start[at])
    touches_right = (text[at + 1] == text[at]) & (start[at + 1] == end[at])
    left = touches_left & ~among(first[at - 1], _STARTS)
    right = touches_right & ((padded[at + 1] != MARK) | among(first[at + 1], _QUOTES + "[(…$£€#@"))
    direction = np.select([~left & right, left & ~right], [OPENS, CLOSES], NONE).astype(np.int8)
    direction[left & ~right & (padded[at - 1] == NUMBER) & among(first[at], _STRAIGHT)] = -1
    return direction


def _pair(marks: Iterable[tuple[int, int, str]]) -> Iterator[tuple[int | None, int | None]]:
    """Pair the marks of one paragraph, each with its token number, direction and glyph; None where a mark was never written."""
    paired = False
    opened: int | None = None
    single: int | None = None
    for token, direction, glyph in marks:
        if glyph in _DOUBLE:
            opens = direction == OPENS or (direction == NONE and (glyph in _OPENING or (glyph == _STRAIGHT and opened is None)))
            if opens:
                opened = token if opened is None else opened
            elif opened is not None:
                yield opened, token
                paired, opened = True, None
            elif not paired and direction != -1:
                yield None, token
                paired = True
        elif opened is None:
            if direction == OPENS:
                single = token
            elif direction == CLOSES and single is not None:
                yield single, token
                paired, single = True, None
    if opened is not None:
        yield opened, None
