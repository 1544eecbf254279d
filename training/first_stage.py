"""Blocks -> what each says by itself, before its article is looked at: sparse features of its words, its line and its elements for linear models, and
what their answers mean."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import sparse

from training.article import KINDS, TEXT_KINDS
from training.features import NUMBERS, PAIRS, Floats, Ints, Look, pairs_of, standing, words_of
from training.tokens import Lexicon

IS_TEXT = np.array([kind in TEXT_KINDS for kind in KINDS])
OF_KINDS = 1 + len(KINDS)
"""Answers to the two questions of a block's kind: a logit of being the article's own, and a score for each kind."""
ANSWERS = OF_KINDS + 1
"""These and the voice."""
SUREST = 30.0
"""Logits beyond this say nothing more, and overflow."""
HINT, MOST_HINT = 0.25, 0.5
"""What a hint of an element counts for, and at most when several elements round a block have it."""


class FirstAnswers(NamedTuple):
    """What the first stage says of blocks: the probability of each kind, (blocks, kinds), and of whose voice is heard, (blocks,), the logit of its being the
    writer's own opinion."""

    kinds: Floats
    voice: Floats

    @classmethod
    def of(cls, answers: Floats) -> FirstAnswers:
        """From answers (blocks, answers), the voice being the last of them."""
        return cls(probabilities(answers[:, :OF_KINDS]), answers[:, OF_KINDS])

    def of_blocks(self, which: Ints) -> FirstAnswers:
        """Those of some blocks."""
        return FirstAnswers(self.kinds[which], self.voice[which])


def columns(seen: Look, hints: Lexicon, idf: Floats) -> sparse.csr_array:
    """The first stage's features: TF-IDF of words, pairs of words, the line, and hints of the element, its parent and all round them."""
    known = len(idf) - NUMBERS
    word, block = words_of(seen, known)
    pair, pair_block = pairs_of(word, block)
    return sparse.hstack(
        [
            _unit_rows(_counted(word, block, (len(seen.words), len(idf))), idf),
            _unit_rows(_counted(pair, pair_block, (len(seen.words), PAIRS)), np.ones(PAIRS, np.float32)),
            sparse.csr_array(seen.shape),
            *_hinted(seen, hints),
        ],
        format="csr",
    )


def probabilities(answers: Floats) -> Floats:
    """Answers (blocks, OF_KINDS), without the voice -> probability of each kind: of being the article's own or not, times of the kind among those of its
    sort."""
    own = 1 / (1 + np.exp(-np.clip(answers[:, :1], -SUREST, SUREST)))
    scores = answers[:, 1:]
    p = np.empty_like(scores)
    for sort, whole in ((IS_TEXT, own), (~IS_TEXT, 1 - own)):
        powers = np.exp(scores[:, sort] - scores[:, sort].max(axis=1, keepdims=True))
        p[:, sort] = whole * powers / powers.sum(axis=1, keepdims=True)
    return p.astype(np.float32)


def _counted(column: Ints, row: Ints, shape: tuple[int, int]) -> sparse.csr_array:
    """How often each column comes in each row."""
    place = np.sort(row * shape[1] + column)  # scipy would sort row by row
    first = np.flatnonzero(np.diff(place, prepend=-1))
    there, times = place[first], np.diff(first, append=len(place))
    edges = np.searchsorted(there, np.arange(shape[0] + 1) * shape[1])
    return sparse.csr_array((times.astype(np.float32), (there % shape[1]).astype(np.int32), edges.astype(np.int32)), shape=shape)


def _unit_rows(counts: sparse.csr_array, weight: Floats) -> sparse.csr_array:
    """Sublinear, weighted, each row of length 1."""
    counts.data = (1 + np.log(counts.data)) * weight[counts.indices]
    rows = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    length = np.sqrt(np.bincount(rows, counts.data**2, minlength=counts.shape[0]))
    counts.data = (counts.data / length[rows]).astype(np.float32)
    return counts


def _hinted(seen: Look, hints: Lexicon) -> list[sparse.csr_array]:
    """Hints of the element a block stands in, of the one round it, and of all round it."""
    sorts = len(seen.elements.sorts)
    tokens = hints.read(seen.elements.sorts)
    said = tokens.word > 0
    of_sort = _counted(tokens.word[said].astype(np.int64), tokens.text[said], (sorts, len(hints)))
    of_sort.data[:] = HINT
    levels = (seen.inside[:, :1], seen.inside[:, 1:2], seen.inside[:, 1:])
    own, parent, around = (standing(level, seen.elements.sort, sorts) @ of_sort for level in levels)
    around.data = np.minimum(around.data, MOST_HINT)
    return [own, parent, around]
