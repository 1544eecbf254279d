"""Texts -> who is given the floor: how many of an article's words are quoted, and how often somebody is said to speak.

A count of forms, not of fairness: whom an article quotes, and whether the quotation is whole, is not looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.quotation import SPEECH, quotations
from training.tokens import LOWER, MARK, Lexicon, Tokens

SPOKEN_OF = SPEECH - {"states"}
"""Words that count as an attribution where they stand outside quotation marks. `states` is nearly always a noun."""
_CAPITALS = ("according",)
"""Counted with a capital too, as it begins sentences; the others are names then, as in a headline or in `Asks, Inc.`"""


class Spoken(NamedTuple):
    """Of one article's passages: words and numbers, those of them inside quotation marks, and attributions."""

    words: int
    quoted: int
    attributions: int


@dataclass(frozen=True, slots=True)
class Passages:
    """The passages of some articles, cut into tokens once for all that is told of them. Arrays of shape (passages,): the number of the `article` each stands
    in, below `articles`, and whether it is `editorial`."""

    texts: Sequence[str]
    article: NDArray[np.int64]
    editorial: NDArray[np.bool_]
    articles: int
    tokens: Tokens

    @classmethod
    def read(cls, labels: Sequence[Sequence[str | None]], texts: Sequence[Sequence[str]]) -> Passages:
        """Cut the passages of some articles into tokens; each article has as many `labels` as `texts`."""
        lengths = list(map(len, texts))
        if lengths != list(map(len, labels)):
            raise ValueError("an article has another number of labels than of texts")
        article = np.repeat(np.arange(len(texts)), lengths)
        editorial = np.array([label == "editorial" for label in chain.from_iterable(labels)], np.bool_)
        passages = list(chain.from_iterable(texts))
        return cls(passages, article, editorial, len(texts), _lexicon().read(passages))


def spoken(passages: Passages) -> list[Spoken]:
    """Of each article who is given the floor."""
    tokens = passages.tokens
    quoted = quotations(tokens).quoted
    word = tokens.shape != MARK
    said = np.flatnonzero(tokens.word)
    said = said[~quoted[said] & ((tokens.shape[said] == LOWER) | np.isin(tokens.word[said], _lexicon().ids(_CAPITALS)))]
    places = (np.flatnonzero(word), np.flatnonzero(word & quoted), said)
    counts = (np.bincount(passages.article[tokens.text[at]], minlength=passages.articles).tolist() for at in places)
    return [Spoken(*found) for found in zip(*counts, strict=True)]


@cache
def _lexicon() -> Lexicon:
    return Lexicon(sorted(SPOKEN_OF))
