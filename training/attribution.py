"""Texts -> who is given the floor: how many of an article's words are quoted, and how often somebody is said to speak.

A count of forms, not of fairness: whom an article quotes, and whether the quotation is whole, is not looked at."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np

from training.quotation import SPEECH, quotations
from training.tokens import LOWER, MARK, Lexicon

SPOKEN_OF = SPEECH - {"states"}
"""Words that count as an attribution where they stand outside quotation marks. `states` is nearly always a noun."""
_CAPITALS = ("according",)
"""Counted with a capital too, as it begins sentences; the others are names then, as in a headline or in `Asks, Inc.`"""


class Spoken(NamedTuple):
    """Of one article's passages: words and numbers, those of them inside quotation marks, and attributions."""

    words: int
    quoted: int
    attributions: int


def spoken(articles: Sequence[Sequence[str]]) -> list[Spoken]:
    """Of each article, given as the texts of its passages, who is given the floor."""
    lexicon = _lexicon()
    tokens = lexicon.read([text for article in articles for text in article])
    owner = np.repeat(np.arange(len(articles)), [len(article) for article in articles])[tokens.text]
    quoted = quotations(tokens).quoted
    word = tokens.shape != MARK
    capitals = np.isin(tokens.word, lexicon.ids(_CAPITALS))
    attributes = (tokens.word > 0) & ~quoted & ((tokens.shape == LOWER) | capitals)
    counts = (np.bincount(owner[flags], minlength=len(articles)).tolist() for flags in (word, word & quoted, attributes))
    return [Spoken(*found) for found in zip(*counts, strict=True)]


@cache
def _lexicon() -> Lexicon:
    return Lexicon(sorted(SPOKEN_OF))
