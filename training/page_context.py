"""Blocks in their article -> features: what the neighbours look like, where the article's own text runs, what a block shares with it, whose voice it is in.

Everything stands on what the first stage says of each block by itself; `p` are the probabilities of kinds, (blocks, kinds).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from training.article import KINDS, TEXT_KINDS
from training.features import Floats, Ints, Look, sums
from training.first_stage import FirstAnswers

NEAR = (-3, -2, -1, 1, 2, 3)
"""Neighbours looked at one by one."""
NEAR_KINDS = ("caption", "navigation", "related", "appeal")
"""Kinds that are asked for there."""
WINDOWS = (5, 10, 25)
"""Blocks before and after that are looked at together."""
LEAST_LOG, LOG_SCALE = -7.0, 3.0
"""Log probabilities, the first columns of the features, are cut off here: below it a block by itself is sure enough. They are divided by the scale."""
LEAST_OWN, DAMPED = 1e-3, 0.6
"""What a block by itself says, the trees for bare text begin with: cut off here, and so much of its logit."""
RUNGS = (2, 3, 4, 5, 7, 9)
"""Steps up from a block's element, itself being the first."""
MAIN_PARTS = (0.3, 0.6, 0.9)
"""Shares of an article's own text that make an element its main part."""
MOST_WORDS = 60
"""So many words of a block are counted."""
PROSE_WORDS = 12
"""A block of this many words, likely the article's own, is prose that others can share words with."""
DECIMALS = 4
"""Sums over a batch differ in their last bits by what else is in it; trees must not stumble over those."""
RUN_KINDS = ("navigation", "related", "appeal", "comment")
"""Kinds that come in long runs."""
EVEN, EVIDENCE = 0.05, (-2.0, 3.0)
"""The probability of a kind that speaks neither for nor against a run of it, and what a block can say at most, in logits."""
RARE_IDF = 4.0
"""Words in fewer than about one article in 20 tell what an article is about."""
HEARD_WORDS, LOUDEST = 8, 4.0
"""A block of fewer words has no voice that is heard, and none counts for more than this logit."""
OPENING = 4
"""Blocks that an article begins with, the voice of which is compared with each block's."""
VOICE_WINDOWS = (5, 10)
CHANGE_SCALE = 20.0
"""What a change of voice is divided by, words of prose being its unit of evidence."""


def text_probability(p: Floats) -> Floats:
    """Probability that a block is the article's own."""
    own: Floats = p[:, : len(TEXT_KINDS)].sum(axis=1)
    return own


def by_itself(values: Floats) -> Floats:
    """What each block by itself says of being the article's own, as a logit, damped: features (blocks, features) -> (blocks,)."""
    own = np.clip(np.exp(values[:, : len(TEXT_KINDS)] * LOG_SCALE).sum(axis=1), LEAST_OWN, 1 - LEAST_OWN)
    said: Floats = DAMPED * np.log(own / (1 - own))
    return said


def context(seen: Look, answers: FirstAnswers, idf: Floats) -> Floats:
    """Features of shape (blocks, features)."""
    p = answers.kinds
    text = text_probability(p)
    first, last = _bounds(seen)
    before = np.arange(len(p)) - first
    after = last - np.arange(len(p))
    words = np.minimum(seen.words, MOST_WORDS) + 1
    values = np.column_stack(
        [
            np.maximum(np.log(p + 1e-9), LEAST_LOG) / LOG_SCALE,
            _neighbours(seen, p),
            _windows(text, words, first, last),
            _sides(text * words, first, last),
            np.log1p(_sides(p, first, last)),
            before / np.maximum(1, before + after),
            np.log1p(before) / 4,
            np.log1p(after) / 4,
            _runs((2 * text - 1) * np.sqrt(words), seen.article),
            _runs(2 * text - 1, seen.article),
            _kind_runs(p, seen.article),
            letters(seen, p),
            _groups(seen, p, words),
            _ladder(seen, text, words),
            shared_words(seen, text, idf),
            seen.shape,
            voices(seen, answers.voice),
        ]
    )
    return np.round(values, DECIMALS, out=values).astype(np.float32)


def _bounds(seen: Look) -> tuple[Ints, Ints]:
    """Index of the first and of the last block of each block's article."""
    edges = seen.edges
    return edges[seen.article], edges[seen.article + 1] - 1


def _neighbours(seen: Look, p: Floats) -> Floats:
    count = len(p)
    seen_there = np.column_stack([text_probability(p), p[:, [KINDS.index(name) for name in NEAR_KINDS]], seen.shape[:, 1]])
    columns = []
    for step in NEAR:
        there = np.arange(count) + step
        inside = (there >= 0) & (there < count)
        there = np.clip(there, 0, count - 1)
        inside &= seen.article[there] == seen.article
        columns.append(seen_there[there] * inside[:, None])
    return np.concatenate(columns, axis=1)


def _windows(text: Floats, words: Floats, first: Ints, last: Ints) -> Floats:
    """Share of blocks and of words that are the article's own, in windows before and after each block."""
    columns = []
    totals = [sums(mass) for mass in (text, text * words, words)]
    for size in WINDOWS:
        for begin, end in _beside(size, first, last):
            blocks, own, all_words = (total[end] - total[begin] for total in totals)
            columns += [blocks / np.maximum(1, end - begin), own / np.maximum(1, all_words)]
    return np.stack(columns, axis=1)


def _beside(size: int, first: Ints, last: Ints) -> tuple[tuple[Ints, Ints], tuple[Ints, Ints]]:
    """Where the windows of so many blocks before and after each block begin and end."""
    here = np.arange(len(first))
    return (np.maximum(here - size, first), here), (here + 1, np.minimum(here + size, last) + 1)


def _sides(mass: Floats, first: Ints, last: Ints) -> Floats:
    """What stands before and after each block in its article; of a single mass also the shares, and the logarithm of the whole."""
    mass = mass[:, None] if mass.ndim == 1 else mass
    total = sums(mass)
    here = np.arange(len(mass))
    before = np.maximum(0, total[here] - total[first])
    after = np.maximum(0, total[last + 1] - total[here + 1])
    if mass.shape[1] > 1:
        return np.concatenate([before, after], axis=1)
    whole = before + after + mass
    return np.concatenate([before / (1e-6 + whole), after / (1e-6 + whole), np.log1p(whole) / 8, np.log1p(before) / 8, np.log1p(after) / 8], axis=1)


def best_runs(score: Floats, article: Ints) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """For each block the best sum of scores of any run of blocks that holds it, and whether it stands in its article's best run."""
    apart = (np.abs(score).sum(dtype=np.float64) + 1) * article
    ending = _best_ending(score, apart)
    starting = _best_ending(score[::-1], apart.max(initial=0) - apart[::-1])[::-1]
    through = ending + starting - score
    best = np.zeros(article.max(initial=0) + 1)
    np.maximum.at(best, article, through)
    return through, (through >= best[article] - 1e-6) & (best[article] > 0)


def _best_ending(score: Floats, apart: NDArray[np.float64]) -> NDArray[np.float64]:
    """Best sum of a run that ends at each block. Articles are set apart by falling by more than any run can gain."""
    total = np.cumsum(score, dtype=np.float64)
    return total - np.minimum.accumulate(total - score - apart) - apart


def _runs(score: Floats, article: Ints) -> Floats:
    through, inside = best_runs(score, article)
    articles = article.max(initial=0) + 1
    run_first, run_last, best = np.full(articles, len(article)), np.full(articles, -1), np.zeros(articles)
    held = np.flatnonzero(inside)
    np.minimum.at(run_first, article[held], held)
    np.maximum.at(run_last, article[held], held)
    np.maximum.at(best, article, through)
    here = np.arange(len(article))
    none = run_last[article] < 0
    before = np.where(none, 0, np.maximum(0, run_first[article] - here))
    after = np.where(none, 0, np.maximum(0, here - run_last[article]))
    roots = [np.cbrt(through) / 3, np.cbrt(through - best[article]) / 3, np.cbrt(best[article]) / 3]
    return np.stack([inside, np.log1p(before), np.log1p(after), none, *roots], axis=1)


def _kind_runs(p: Floats, article: Ints) -> Floats:
    """For each of RUN_KINDS how good a run of blocks that could be of that kind a block stands in, and whether it is the article's best."""
    columns = []
    for name in RUN_KINDS:
        evidence = np.clip(np.log((p[:, KINDS.index(name)] + EVEN / 10) / EVEN), *EVIDENCE)
        through, inside = best_runs(evidence, article)
        columns += [np.cbrt(through) / 2, inside]
    return np.stack(columns, axis=1)


def letters(seen: Look, p: Floats) -> Floats:
    """Whether each block stands after a salutation, before a signature, both; and of what follows the article's first salutation, for the blocks in it how
    likely they are appeals and the article's own on average, and for all how long it is and which share: a plea that argues like an essay is a letter."""
    here = np.arange(len(p))
    first, last = _bounds(seen)
    saluted, signed = sums(seen.salutes), sums(seen.signs)
    inside, to_be_signed = saluted[here + 1] > saluted[first], signed[last + 1] > signed[here]
    lines = np.flatnonzero(seen.salutes)[::-1]
    begins = np.full(seen.articles, -1)
    begins[seen.article[lines]] = lines
    begin, end = np.maximum(begins[seen.article], 0), last + 1
    length = np.where(begins[seen.article] >= 0, end - begin, 0)
    total = sums(np.column_stack([p[:, KINDS.index("appeal")], text_probability(p)]))
    appeal, own = (total[end] - total[begin]).T * inside / np.maximum(length, 1)
    return np.stack([inside, to_be_signed, inside & to_be_signed, appeal, own, np.log1p(length), length / (end - first)], axis=1)


def _groups(seen: Look, p: Floats, words: Floats) -> Floats:
    """What the blocks look like that share a block's parent, its grandparent and its sort of element."""
    columns = []
    weighted = p * words[:, None]
    for group in seen.groups.T:
        known = group >= 0
        key = np.where(known, group + seen.article * (group.max(initial=0) + 1), -1)
        _, place = np.unique(key, return_inverse=True)
        count = np.bincount(place)[place]
        total = np.bincount(place, words)[place]
        mean = np.stack([np.bincount(place, weighted[:, kind])[place] for kind in range(len(KINDS))], axis=1) / total[:, None]
        columns += [mean * known[:, None], (np.log1p(count) / 5 * known)[:, None], (np.log1p(total) / 8 * known)[:, None]]
    return np.concatenate(columns, axis=1)


def _ladder(seen: Look, text: Floats, words: Floats) -> Floats:
    """Up from a block through the elements it stands in: how much of the article's own text is in there, how much of what is in there is
    that, how much is links, how often its sort of element stands there, and how far up the main part of the text is."""
    row, level = np.nonzero(seen.inside >= 0)
    element = seen.inside[row, level]
    elements = len(seen.elements.sort) + 1
    own, links, all_words = (np.bincount(element, mass[row], minlength=elements) for mass in (text * words, seen.linked * words, words))
    whole = np.bincount(seen.article, text * words, minlength=seen.articles)[seen.article]
    share = own[seen.inside] / np.maximum(whole, 1e-6)[:, None] * (seen.inside >= 0)
    all_words = np.maximum(all_words, 1e-6)
    alike = np.log1p(np.append(seen.elements.alike, 0)) / 4
    depth = (seen.inside >= 0).sum(axis=1)
    columns = [np.log1p(depth - (share >= part).sum(axis=1)) for part in MAIN_PARTS]
    for step in RUNGS:
        rung = np.clip(np.minimum(step, depth) - 1, 0, None)
        at = seen.inside[np.arange(len(text)), rung]
        columns += [share[np.arange(len(text)), rung], own[at] / all_words[at], links[at] / all_words[at], alike[at], np.log1p(all_words[at]) / 8]
    return np.stack(columns, axis=1)


def shared_words(seen: Look, text: Floats, idf: Floats) -> Floats:
    """Share of a block's rare words, of those that are known, that the article's other prose has too, and how many rare words it has."""
    prose = (text > 0.5) & (seen.words >= PROSE_WORDS)
    rare = (seen.tokens.word > 0) & (idf[seen.tokens.word] > RARE_IDF)
    word, block = seen.tokens.word[rare].astype(np.int64), seen.tokens.text[rare]
    _, place = np.unique(seen.article[block] * len(idf) + word, return_inverse=True)
    _, inside = np.unique(place * len(text) + block, return_inverse=True)
    in_prose = np.bincount(place, prose[block])[place]
    own = np.bincount(inside, prose[block])[inside]
    count = np.bincount(block, minlength=len(text))
    found = np.bincount(block, in_prose > own, minlength=len(text))
    return np.stack([found / np.maximum(1, count), np.log1p(count) / 3, count == 0], axis=1)


def voices(seen: Look, voice: Floats) -> Floats:
    """Whose voice is heard, as logits of the writer's own opinion, averaged over words of prose: in each block, in what stands before and after it, in the
    article's opening, and near the block; how much the voice changes at the block, and the most that it changed up to there. Where a plea that argues stands
    after a report, the voice changes once and stays."""
    here = np.arange(len(voice))
    first, last = _bounds(seen)
    end = last + 1
    voice = np.clip(voice, -LOUDEST, LOUDEST)
    heard = np.minimum(seen.words, MOST_WORDS) * (seen.words >= HEARD_WORDS)
    words, said = sums(heard), sums(heard * voice)

    def mean(begin: Ints, end: Ints) -> NDArray[np.float64]:
        mean_voice: NDArray[np.float64] = (said[end] - said[begin]) / np.maximum(words[end] - words[begin], 1)
        return mean_voice

    before, after, opening = mean(first, here), mean(here, end), mean(first, np.minimum(first + OPENING, end))
    words_before, words_after = words[here] - words[first], words[end] - words[here]
    change = (after - before) * np.sqrt(words_before * words_after / np.maximum(words_before + words_after, 1)) / CHANGE_SCALE
    apart = seen.article * (2 * np.abs(change).max(initial=0) + 1)
    greatest = np.maximum.accumulate(change + apart) - apart
    near = [mean(*window) for size in VOICE_WINDOWS for window in _beside(size, first, last)]
    return np.stack([voice, before, after, change, greatest, voice - opening, opening, *near], axis=1)
