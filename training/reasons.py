"""Why a block was dropped: one short phrase that a person understands, made from the evidence that decided it.

The evidence is looked at in the order in which a person would name it: said before, links, the element it stands in, its words, its place.
"""

from __future__ import annotations

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
CONTAINERS = ("figcaption", "nav", "footer", "aside", "form", "button", "table", "figure", "header")
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


def reasons(seen: Look, kind: Ints, first_text: Floats, matrix: sparse.csr_array, weights: Floats, words: Lexicon, hints: Lexicon) -> list[str | None]:
    """A phrase for each block that is not the article's own, None for the others. `matrix` holds the first stage's features and `weights`
    (columns, answers) what they weigh; `first_text` is its probability that a block is the article's own."""
    dropped = np.flatnonzero(kind >= len(TEXT_KINDS))
    evidence = _evidence(matrix[dropped], weights, kind[dropped])
    said = _most_telling(evidence, words, 0)
    hinted = _most_telling(evidence, hints, matrix.shape[1] - 3 * len(hints))
    standing = _standing_in(matrix[dropped], hints)
    found: list[str | None] = [None] * len(kind)
    for row, at in enumerate(dropped.tolist()):
        name = KINDS[kind[at]]
        if seen.echoes[at] >= SAID_BEFORE:
            phrase = f"same words as an earlier {'caption' if name == 'caption' else 'block'}"
        elif seen.linked[at] >= MOSTLY_LINKS:
            phrase = "mostly links"
        elif row in standing:
            phrase = f"stands in <{standing[row]}>"
        elif first_text[at] >= 0.5:
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


def _evidence(matrix: sparse.csr_array, weights: Floats, kind: Ints) -> sparse.csr_array:
    """How much each feature of each block speaks for the block's kind: against being the article's own, and for that kind among the others."""
    against = weights[:, 1 + len(TEXT_KINDS) :].mean(axis=1) + weights[:, 0]
    row = np.repeat(np.arange(len(kind)), np.diff(matrix.indptr))
    moved = matrix.data * (weights[matrix.indices, 1 + kind[row]] - against[matrix.indices])
    return sparse.csr_array((moved, matrix.indices, matrix.indptr), shape=matrix.shape)


def _most_telling(evidence: sparse.csr_array, lexicon: Lexicon, first: int) -> dict[int, list[str]]:
    """For the blocks that have any, the words of a lexicon whose columns begin at `first` that tell most, the most telling first."""
    row = np.repeat(np.arange(evidence.shape[0]), np.diff(evidence.indptr))
    word = evidence.indices - first
    telling = np.flatnonzero((word > 0) & (word < len(lexicon)) & (evidence.data >= TELLING))
    found: dict[int, list[str]] = {}
    for at in telling[np.argsort(-evidence.data[telling], kind="stable")].tolist():
        name = lexicon.words[word[at]]
        named = found.setdefault(int(row[at]), [])
        if len(named) < NAMED and len(name) > 1:
            named.append(name)
    return {block: named for block, named in found.items() if named}


def _standing_in(matrix: sparse.csr_array, hints: Lexicon) -> dict[int, str]:
    """For the blocks that stand in one, the container that says most."""
    found: dict[int, str] = {}
    number = {word: column for column, word in enumerate(hints.words)}
    for container in reversed(CONTAINERS):
        if container in number:
            for start in (1, 2, 3):
                column = matrix.shape[1] - start * len(hints) + number[container]
                found |= dict.fromkeys(matrix[:, [column]].nonzero()[0].tolist(), container)
    return found
