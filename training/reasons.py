"""Why a block was dropped: one short phrase that a person understands, made from the evidence that decided it.

The evidence is looked at in the order in which a person would name it: said before, links, the element it stands in, its words, its place.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import sparse

from training.article import KINDS, TEXT_KINDS
from training.features import Floats, Ints, Look
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


class Evidence(NamedTuple):
    """The first stage's answer and what it stands on: `text` is its probability that a block is the article's own, `matrix` (blocks, columns)
    its features and `telling` (columns, kinds) what each feature speaks for. The columns of `words` come first, those of `hints` last, thrice."""

    text: Floats
    matrix: sparse.csr_array
    telling: Floats
    words: Lexicon
    hints: Lexicon


def telling(weights: Floats) -> Floats:
    """How much each column (columns, answers) speaks for each kind: against being the article's own, and for that kind among the others."""
    kinds = weights[:, 1:]
    told: Floats = kinds - kinds[:, len(TEXT_KINDS) :].mean(axis=1, keepdims=True) - weights[:, :1]
    return told


def reasons(seen: Look, kind: Ints, evidence: Evidence) -> list[str | None]:
    """A phrase for each block that is not the article's own, None for the others."""
    dropped = np.flatnonzero(kind >= len(TEXT_KINDS))
    moved = _moved(evidence, dropped, kind[dropped])
    said = _most_telling(moved, evidence.words, 0)
    hinted = _most_telling(moved, evidence.hints, evidence.matrix.shape[1] - 3 * len(evidence.hints))
    standing = _standing_in(seen, dropped)
    found: list[str | None] = [None] * len(kind)
    for row, at in enumerate(dropped.tolist()):
        name = KINDS[kind[at]]
        if seen.echoes[at] >= SAID_BEFORE:
            phrase = f"same words as an earlier {'caption' if name == 'caption' else 'block'}"
        elif seen.linked[at] >= MOSTLY_LINKS:
            phrase = "mostly links"
        elif row in standing:
            phrase = f"stands in <{standing[row]}>"
        elif evidence.text[at] >= 0.5:
            phrase = f"reads like an article by itself, but {BY_PLACE.get(name, 'not where it stands')}"
        elif row in said:
            phrase = f"{BY_WORDS[name]}: {', '.join(said[row])}"
        elif row in hinted:
            phrase = f"stands in an element called “{hinted[row][0]}”"
        elif seen.words[at] <= SHORT:
            phrase = "short line, not a sentence of the article"
        else:
            phrase = f"{BY_WORDS[name]}, by its form and place"
        found[at] = phrase
    return found


def _moved(evidence: Evidence, blocks: Ints, kind: Ints) -> sparse.csr_array:
    """How much each feature of the blocks moved the answer towards their kinds."""
    matrix = evidence.matrix[blocks]
    row = np.repeat(np.arange(len(blocks)), np.diff(matrix.indptr))
    return sparse.csr_array((matrix.data * evidence.telling[matrix.indices, kind[row]], matrix.indices, matrix.indptr), shape=matrix.shape)


def _most_telling(moved: sparse.csr_array, lexicon: Lexicon, first: int) -> dict[int, list[str]]:
    """For the blocks that have any, the words of a lexicon whose columns begin at `first` that tell most, the most telling first."""
    row = np.repeat(np.arange(moved.shape[0]), np.diff(moved.indptr))
    word = moved.indices - first
    telling = np.flatnonzero((word > 0) & (word < len(lexicon)) & (moved.data >= TELLING))
    found: dict[int, list[str]] = {}
    for at in telling[np.argsort(-moved.data[telling], kind="stable")].tolist():
        name = lexicon.words[word[at]]
        named = found.setdefault(int(row[at]), [])
        if len(named) < NAMED and len(name) > 1:
            named.append(name)
    return {block: named for block, named in found.items() if named}


def _standing_in(seen: Look, blocks: Ints) -> dict[int, str]:
    """For the blocks that stand in one, the innermost container."""
    tags = [sort[: sort.index(" ")] for sort in seen.elements.sorts]
    container = np.append(np.array([CONTAINERS.index(tag) if tag in CONTAINERS else -1 for tag in tags], np.int64)[seen.elements.sort], -1)
    at_level = container[seen.inside[blocks]]
    innermost = at_level[np.arange(len(blocks)), (at_level >= 0).argmax(axis=1)]
    return {row: CONTAINERS[number] for row, number in enumerate(innermost.tolist()) if number >= 0}
