"""Appeals -> where each could begin: a letter tells a story before it asks, and what works towards a plea is part of it, though it reads like an article.

No paragraph by itself says so. What does is where the text divides in two: from the opening of a letter on, other words are used and another voice is heard
than before, up to the plea. Trees that learnt from letters put behind articles say of every block how likely the plea begins with it, and so whether one does.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.appeals import LEAST_SHARE, leaves_text
from training.article import KINDS
from training.features import Floats, Ints, Look, sums
from training.first_stage import IS_TEXT, FirstAnswers
from training.page_context import DECIMALS, HEARD_WORDS, LOUDEST, MOST_WORDS, RARE_IDF, text_probability
from training.trees import Trees

APPEAL = KINDS.index("appeal")
NEAR = 3
"""Blocks on either side of an opening that are compared."""
MOST_LOGIT, LEAST_P = 6.0, 1e-4
COULD_BE = -3.0
"""A block by itself speaks for an appeal where its logit of being one is above this; above 0 it asks."""
APPEAL_SAYS, OWN_SAYS = (-1.0, 4.0), (-3.0, 2.0)
"""The least and the most that one block counts for where what they say is summed up."""
BEGUN = 0.5
"""A block is part of the plea where it has begun, by that block, with this probability."""
AS_LIKELY_AS_NOT = -1.0
"""Where the scores of all openings come to so much, a plea begins as likely as not."""
LEAST_ASKED = 3
"""So many blocks of a letter are appeals by themselves. What a newsroom asks for under an article takes one or two, and nothing leads up to them."""
HARDLY, COULD_BE_OWN = 0.3, 0.3
"""A block that stands in a plea with less probability than the one, and is the article's own with at least the other, is no appeal."""

Column = NDArray[np.float64]


class Openings(NamedTuple):
    """The blocks that a plea could begin with, all but the first of an article up to its last appeal: arrays (openings,) of which `block` each is and of which
    `plea`, by its number, and their `values` (openings, features)."""

    block: Ints
    plea: Ints
    values: Floats

    @classmethod
    def of(cls, seen: Look, answers: FirstAnswers, idf: Floats, appeal: NDArray[np.bool_]) -> Openings:
        """Those of every article that has an appeal beyond its first block; `appeal` (blocks,) says which blocks are."""
        asking = np.flatnonzero(appeal)
        last = asking[np.flatnonzero(np.diff(seen.article[asking], append=-1))]
        begin = seen.edges[seen.article[last]]
        beyond = last > begin
        last, begin = last[beyond], begin[beyond]
        size = last + 1 - begin
        plea = np.repeat(np.arange(len(last)), size)
        block = np.arange(len(plea)) + np.repeat(begin - np.cumsum(size) + size, size)
        inner = np.flatnonzero(np.diff(plea, prepend=-1) == 0)
        values = _Stretch(seen, answers, block, plea).features(idf)[inner]
        return cls(block[inner], plea[inner], np.round(values, DECIMALS).astype(np.float32))

    def rows(self, plea: int) -> slice:
        """The openings of one plea."""
        return slice(*np.searchsorted(self.plea, (plea, plea + 1)))


class Pleas(NamedTuple):
    """What the openings say of the plea at the end of each article that has some: for each opening how likely the plea has `begun` by it if there is one, and
    for each block of the batch how likely it stands in one at all, `inside` (blocks,)."""

    found: Openings
    begun: Floats
    inside: Floats

    @classmethod
    def of(cls, found: Openings, score: Floats, edges: Ints) -> Pleas:
        """By the `score` of each opening; the blocks of an article end at its edge."""
        begun, inside = np.zeros(len(score), np.float32), np.zeros(edges[-1], np.float32)
        for plea in range(found.plea.max(initial=-1) + 1):
            rows = found.rows(plea)
            top = score[rows].max()
            power = np.exp((score[rows] - top).astype(np.float64))
            any_begins = 1 / (1 + np.exp(AS_LIKELY_AS_NOT - top - np.log(power.sum())))
            block = found.block[rows]
            begun[rows] = np.cumsum(power) / power.sum()
            inside[block] = begun[rows] * any_begins
            inside[block[-1] + 1 : edges[np.searchsorted(edges, block[-1], side="right")]] = any_begins
        return cls(found, begun, inside)


def give_back(pleas: Pleas, seen: Look, second: Floats, kind: Ints, probability: Floats) -> None:
    """Name the article's own text again, in place, what was taken for appeals where no plea may have begun, and could be the article's own by its probabilities
    `second` (blocks, kinds). An essay speaks of itself, of hardship and of giving as letters do, and asks for nothing. Where appeals are a small part of the
    text they stand for themselves."""
    named = (kind == APPEAL) & ~seen.on_page
    blocks = np.bincount(seen.article, minlength=seen.articles)
    much = (np.bincount(seen.article, named, seen.articles) >= LEAST_SHARE * blocks)[seen.article]
    back = np.flatnonzero(named & much & (pleas.inside < HARDLY) & (text_probability(second) >= COULD_BE_OWN))
    kind[back] = np.where(IS_TEXT, second[back], -1).argmax(axis=1)
    probability[back] = 1 - pleas.inside[back]


def carry_letters(pleas: Pleas, seen: Look, kind: Ints, probability: Floats) -> None:
    """Name appeals, in place, the blocks by which the plea after them has begun; as probable as that. Where few of them ask, it would be a small part of the
    text, or hardly anything would be left, no block is."""
    own = IS_TEXT[kind]
    edges = seen.edges
    found = pleas.found
    for plea in range(found.plea.max(initial=-1) + 1):
        rows = found.rows(plea)
        block, begun = found.block[rows], pleas.begun[rows]
        part = np.flatnonzero(begun >= BEGUN)
        begin, end = edges[seen.article[block[0]] :][:2]
        start, stop = block[part[0]], block[-1] + 1
        asked = (kind[start:stop] == APPEAL).sum() >= LEAST_ASKED and stop - start >= LEAST_SHARE * (end - begin)
        here = np.arange(begin, end)
        if asked and leaves_text(seen.words[begin:end], own[begin:end], (here >= start) & (here < stop)):
            carried = part[(own & ~seen.on_page)[block[part]]]
            probability[block[carried]], kind[block[carried]] = begun[carried], APPEAL


def none_learnt() -> Trees:
    """What stands for the trees where no letter was learnt from: they say the same of every opening."""
    return Trees(np.zeros((1, 1, 1), np.int32), np.zeros((1, 1, 1), np.float32), np.zeros((1, 1, 2), np.float32))


class _Stretch:
    """Blocks of some articles from their first to their last appeal, one article after the other."""

    def __init__(self, seen: Look, answers: FirstAnswers, block: Ints, plea: Ints) -> None:
        self.seen, self.block, self.plea = seen, block, plea
        self.here = np.arange(len(block))
        edges = np.searchsorted(plea, np.arange(plea.max(initial=-1) + 2))
        self.first, self.end = edges[plea], edges[plea + 1]
        self.previous = np.maximum(self.here - 1, self.first)
        self.words = np.minimum(seen.words[block], MOST_WORDS).astype(np.float64)
        self.appeal = _logit(answers.kinds[block, APPEAL])
        self.own = _logit(text_probability(answers.kinds[block]))
        self.voice = np.clip(answers.voice[block], -LOUDEST, LOUDEST) * (self.words >= HEARD_WORDS)

    def features(self, idf: Floats) -> Column:
        """(blocks, features); the first of them says how many blocks the plea has from here on."""
        before, after = self._sides(self.words)
        size = [np.log1p(self.end - self.here), np.log1p(self.here - self.first), np.log1p(before), np.log1p(after), after / np.maximum(before + after, 1)]
        single = [mass[at] for mass in (self.appeal, self.own, self.voice, np.log1p(self.words)) for at in (self.here, self.previous)]
        return np.stack([*size, *self._contrasts(before, after), *single, *self._cohesion(idf), *self._masses()], axis=1)

    def _sides(self, mass: Column) -> tuple[Column, Column]:
        """Sums of what stands before each block, and from it on."""
        total = sums(mass)
        return total[self.here] - total[self.first], total[self.end] - total[self.here]

    def _near(self, mass: Column) -> tuple[Column, Column]:
        total = sums(mass)
        begin, end = np.maximum(self.here - NEAR, self.first), np.minimum(self.here + NEAR, self.end)
        return total[self.here] - total[begin], total[end] - total[self.here]

    def _contrasts(self, before: Column, after: Column) -> list[Column]:
        """How voice and evidence, for each word, differ between the two sides, by as much as words speak for it, and between the blocks next to here."""
        evidence = np.sqrt(before * after / np.maximum(before + after, 1))
        near_before, near_after = (np.maximum(words, 1) for words in self._near(self.words))
        columns = []
        for mass in (self.voice * self.words, (self.appeal - COULD_BE) * np.sqrt(self.words), self.own * np.sqrt(self.words)):
            (left, right), (near_left, near_right) = self._sides(mass), self._near(mass)
            scale = 1 / np.sqrt(np.abs(left + right) / np.maximum(before + after, 1) + 0.01)
            columns.append((right / np.maximum(after, 1) - left / np.maximum(before, 1)) * evidence * scale)
            columns.append((near_right / near_after - near_left / near_before) * scale)
        return columns

    def _masses(self) -> list[Column]:
        """Of salutations, signatures, blocks that ask, and evidence: how much stands before, how much from here on, and how much for each block there; own
        words of the article on either side and up to the next block that asks; whether here or before are such lines, and the most that asked before."""
        salutes, signs = (lines[self.block].astype(np.float64) for lines in (self.seen.salutes, self.seen.signs))
        asks = self.appeal > 0
        columns = [salutes, salutes[self.previous], signs[self.previous]]
        for mass in (salutes, signs, asks.astype(np.float64), np.clip(self.appeal - COULD_BE, *APPEAL_SAYS), np.clip(self.own, *OWN_SAYS)):
            before, after = self._sides(mass)
            columns += [before, after, after / (self.end - self.here)]
        next_asking = np.minimum(np.minimum.accumulate(np.where(asks, self.here, len(self.here))[::-1])[::-1], self.end)
        own_words = self.words * (self.own > 0)
        total = sums(own_words)
        columns += [*map(np.log1p, self._sides(own_words)), np.log1p(next_asking - self.here), np.log1p(total[next_asking] - total[self.here])]
        apart = 3 * MOST_LOGIT * self.plea
        return [*columns, (np.maximum.accumulate(self.appeal + apart) - apart)[self.previous]]

    def _cohesion(self, idf: Floats) -> list[Column]:
        """What the two sides share of their rare words, also beside what they would by chance; how much of a block's, and of the one before it, stood before
        it and comes again after it."""
        tokens = self.seen.tokens
        place = np.full(len(self.seen.words), -1)
        place[self.block] = self.here
        at = place[tokens.text]
        rare = np.flatnonzero((at >= 0) & (tokens.word > 0) & (idf[tokens.word] > RARE_IDF))
        key = self.plea[at[rare]] * len(idf) + tokens.word[rare]
        count = len(self.here)
        # each word of a plea once a block, in order
        key, at = np.divmod(np.unique(key * (count + 1) + at[rare]), count + 1)
        starts = np.flatnonzero(np.diff(key, prepend=-1))
        number = np.repeat(np.arange(len(starts)), np.diff(starts, append=len(key)))
        weight = idf[key % len(idf)].astype(np.float64)
        opens, closes = at[starts], at[np.append(starts[1:], len(at)) - 1] if len(starts) else starts
        said = sums(np.bincount(opens, weight[starts], count))
        ended = sums(np.bincount(closes, weight[starts], count))
        whole, before = said[self.end] - said[self.first], said[self.here] - said[self.first]
        left = ended[self.here] - ended[self.first]
        after, both = whole - left, before - left
        own = np.maximum(np.bincount(at, weight, count), LEAST_P)
        stood = np.bincount(at, weight * (opens[number] < at), count) / own
        comes = np.bincount(at, weight * (closes[number] > at), count) / own
        shared = [both / np.maximum(np.minimum(before, after), LEAST_P), both * whole / np.maximum(before * after, LEAST_P)]
        return [*shared, stood, comes, comes - stood, stood[self.previous], comes[self.previous]]


def _logit(p: Floats) -> Column:
    p = p.astype(np.float64)
    logit: Column = np.clip(np.log((p + LEAST_P) / (1 - p + LEAST_P)), -MOST_LOGIT, MOST_LOGIT)
    return logit
