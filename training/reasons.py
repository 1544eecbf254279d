"""Why a block was dropped: one short phrase that a person understands, made from the evidence that decided it.

The evidence is looked at in the order in which a person would name it: said before, links, the element it stands in, its words, its place.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from scipy import sparse

from training.article import KINDS, TEXT_KINDS
from training.features import Floats, Ints, Look
from training.first_stage import OF_KINDS
from training.tokens import Lexicon

SAID_BEFORE = 0.75
"""Share of a block's shingles that stood in the article before."""
MOSTLY_LINKS = 0.6
TELLING = 0.6
"""A word or hint must move the first stage's answer by this much (in logits) to be named."""
CONTAINERS = ("figcaption", "nav", "footer", "aside", "form", "button", "table", "figure")
"""Elements that say by their name what stands in them."""
SHORT = 12
"""Words of a line that is no prose."""
NAMED = 2
"""Words named at most."""

BY_PLACE = {
    "appeal": "belongs to a run of blocks that asks for support",
    "related": "belongs to pointers to other articles",
    "comment": "stands among readers' comments",
    "caption": "stands with a picture",
    "navigation": "stands among the site's menus",
    "legal": "stands among rights and terms",
    "byline": "stands with what names the writer",
    "advert": "stands in advertising",
}
BY_WORDS = {
    "headline": "reads like the title",
    "dek": "sums the article up",
    "byline": "names who wrote it",
    "timestamp": "a date or time",
    "caption": "describes or credits a picture",
    "navigation": "words of the site's menus and buttons",
    "related": "points to other articles",
    "appeal": "asks for support",
    "legal": "speaks of rights and terms",
    "advert": "advertises",
    "comment": "reads like a reader's comment",
    "other": "not running text",
}


class Grounds(NamedTuple):
    """The first stage's answer and what it stands on: `text` is its probability that a block is the article's own, `matrix` (blocks, columns)
    its features and `telling` (columns, kinds) what each feature speaks for. The columns of `words` come first, those of `hints` last, thrice."""

    text: Floats
    matrix: sparse.csr_array
    telling: Floats
    words: Lexicon
    hints: Lexicon


def telling(weights: Floats) -> Floats:
    """How much each column (columns, answers) speaks for each kind: against being the article's own, and for that kind among the others."""
    kinds = weights[:, 1:OF_KINDS]
    told: Floats = kinds - kinds[:, len(TEXT_KINDS) :].mean(axis=1, keepdims=True) - weights[:, :1]
    return told


def reasons(seen: Look, kind: Ints, grounds: Grounds) -> list[str | None]:
    """A phrase for each block that is not the article's own, None for the others."""
    dropped = np.flatnonzero(kind >= len(TEXT_KINDS))
    found: list[str | None] = [None] * len(kind)
    left: list[int] = []
    told = (values[dropped].tolist() for values in (kind, seen.echoes, seen.linked, grounds.text))
    for at, number, echoes, linked, text, container in zip(dropped.tolist(), *told, _standing_in(seen, dropped), strict=True):
        name = KINDS[number]
        if echoes >= SAID_BEFORE:
            found[at] = f"same words as an earlier {'caption' if name == 'caption' else 'block'}"
        elif linked >= MOSTLY_LINKS:
            found[at] = "mostly links"
        elif container is not None:
            found[at] = f"stands in <{container}>"
        elif text >= 0.5:
            found[at] = f"reads like an article by itself, but {BY_PLACE.get(name, 'not where it stands')}"
        else:
            left.append(at)
    for at, phrase in zip(left, _by_words(seen, np.array(left, np.int64), kind, grounds), strict=True):
        found[at] = phrase
    return found


def _by_words(seen: Look, blocks: Ints, kind: Ints, grounds: Grounds) -> Iterator[str]:
    """A phrase for each of the blocks that nothing but its words, its element's and its form tell from the article."""
    moved = _moved(grounds, blocks, kind[blocks])
    said = _most_telling(moved, grounds.words, 0)
    hinted = _most_telling(moved, grounds.hints, grounds.matrix.shape[1] - 3 * len(grounds.hints))
    for row, (number, words) in enumerate(zip(kind[blocks].tolist(), seen.words[blocks].tolist(), strict=True)):
        if row in said:
            yield f"{BY_WORDS[KINDS[number]]}: {', '.join(said[row])}"
        elif row in hinted:
            yield f"stands in an element called “{hinted[row][0]}”"
        elif words <= SHORT:
            yield "short line, not a sentence of the article"
        else:
            yield f"{BY_WORDS[KINDS[number]]}, by its form and place"


class _Moved(NamedTuple):
    """Features that moved the answer on their blocks by TELLING or more, the most telling first: arrays (found,) of the block's number and the column."""

    row: Ints
    column: Ints


def _moved(grounds: Grounds, blocks: Ints, kind: Ints) -> _Moved:
    """What moved the answer for the blocks towards their kinds."""
    matrix = grounds.matrix[blocks]
    row = np.repeat(np.arange(len(blocks)), np.diff(matrix.indptr))
    moved = matrix.data * grounds.telling[matrix.indices, kind[row]]
    telling = np.flatnonzero(moved >= TELLING)
    telling = telling[np.argsort(-moved[telling], kind="stable")]
    return _Moved(row[telling], matrix.indices[telling])


def _most_telling(moved: _Moved, lexicon: Lexicon, first: int) -> dict[int, list[str]]:
    """For the blocks that have any, the words of a lexicon whose columns begin at `first` that tell most, the most telling first."""
    word = moved.column - first
    known = (word > 0) & (word < len(lexicon))
    found: dict[int, list[str]] = {}
    for row, number in zip(moved.row[known].tolist(), word[known].tolist(), strict=True):
        name = lexicon.words[number]
        if len(name) > 1:
            named = found.setdefault(row, [])
            if len(named) < NAMED:
                named.append(name)
    return found


def _standing_in(seen: Look, blocks: Ints) -> list[str | None]:
    """The innermost container that each block stands in, None for those that stand in none."""
    tags = [sort[: sort.index(" ")] for sort in seen.elements.sorts]
    container = np.append(np.array([CONTAINERS.index(tag) if tag in CONTAINERS else -1 for tag in tags], np.int64)[seen.elements.sort], -1)
    at_level = container[seen.inside[blocks]]
    innermost = at_level[np.arange(len(blocks)), (at_level >= 0).argmax(axis=1)]
    return [CONTAINERS[number] if number >= 0 else None for number in innermost.tolist()]
