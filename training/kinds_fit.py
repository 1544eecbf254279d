"""Labelled blocks -> a KindClassifier. scikit-learn does the fitting; what it finds is kept as plain arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple
from warnings import catch_warnings, simplefilter

import numpy as np
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from sklearn.neural_network import MLPClassifier

from training.align import TEXT
from training.arrangements import arrange
from training.article import KINDS, TEXT_KINDS, Element
from training.features import NUMBERS, Floats, Ints, Look, look, words_of
from training.kinds import UNKNOWN, KindClassifier, LabelledBlocks, columns, probabilities, standardised
from training.page_context import context
from training.tokens import MARK, Lexicon

ANSWERS = 1 + len(KINDS)
ABSENT = -30.0
"""Score of a kind that no training block has."""
LEAST_ARTICLES = 3
LEAST_SOURCES = 10
"""A word is known when this many articles have it; a hint when this many sources have it: fewer would be a memory of their templates."""
FOLDS = 4
"""Parts of the sources; the second stage learns from first answers given to sources that the first stage had not seen."""
FIRST_C, FIRST_STEPS = 1.0, 60
NETWORKS, HIDDEN, DECAY, BATCH = 3, 32, 1.0, 512
OWN_EPOCHS, KIND_EPOCHS = 8, 30
LEAST_SCALE = 1e-3


def fit_kinds(articles: Sequence[LabelledBlocks], seed: int = 0) -> KindClassifier:
    """Both stages, from articles of several sources."""
    words = Lexicon.learn([" ".join(block.text for block in article.blocks) for article in articles], LEAST_ARTICLES)
    hints = Lexicon.learn(hint_texts(articles), LEAST_SOURCES)
    seen = look(words, [article.blocks for article in articles])
    idf = idf_of(seen, len(words))
    told = Told.of(articles, seen)
    matrix = columns(_foreign(seen, seed), hints, idf)
    with catch_warnings():
        simplefilter("ignore", ConvergenceWarning)  # both stages stop early on purpose
        first = held_out_answers(matrix, told)
        weights, bias = fit_first(matrix, told)
        values, told = _arranged(articles, seen, first, told, words, idf, seed)
        centre, scale = values.mean(axis=0), values.std(axis=0) + LEAST_SCALE
        hidden, output = fit_second(standardised(values, centre, scale), told, seed)
    return KindClassifier(words, hints, idf, weights, bias, centre, scale, hidden, output)


def held_out_answers(matrix: sparse.csr_array, told: Told) -> Floats:
    """Probability of each kind (blocks, kinds) from a first stage that has not seen the block's source."""
    first = np.zeros((len(told.kind), len(KINDS)), np.float32)
    for inside, outside in GroupKFold(min(FOLDS, len(np.unique(told.group)))).split(matrix, groups=told.group):
        weights, bias = fit_first(matrix[inside], told.part(inside))
        first[outside] = probabilities(matrix[outside] @ weights + bias)
    return first


def _arranged(articles: Sequence[LabelledBlocks], seen: Look, first: Floats, told: Told, words: Lexicon, idf: Floats, seed: int) -> tuple[Floats, Told]:
    """What the second stage learns from: the articles as they are, and their blocks arranged otherwise."""
    blocks = [block for article in articles for block in article.blocks]
    edges = np.searchsorted(seen.article, np.arange(seen.articles + 1))
    arranged = list(arrange(edges, told.own, told.kind, seen.groups[:, 0] < 0, seed))
    place = np.concatenate([arrangement.place for arrangement in arranged])
    kind = np.concatenate([arrangement.kind for arrangement in arranged])
    again = look(words, [[blocks[at] for at in arrangement.place.tolist()] for arrangement in arranged])
    values = np.concatenate([context(seen, first, idf), context(again, first[place], idf)])
    return values, told.joined(told.part(place).renamed(kind))


def _foreign(seen: Look, seed: int) -> Look:
    """The same with the words of some articles unknown, as those of an article in another language are."""
    chosen = np.random.default_rng(seed).random(seen.articles) < FOREIGN_SHARE
    unknown = chosen[seen.article][seen.tokens.text] & (seen.tokens.shape != MARK)
    return replace(seen, tokens=replace(seen.tokens, word=np.where(unknown, 0, seen.tokens.word)))


class Told(NamedTuple):
    """What is known of each block, arrays (blocks,): `own` 1 or 0, `kind` an index into KINDS or UNKNOWN; the source as a number in `group`;
    what the block counts for in each of the two questions."""

    own: Ints
    kind: Ints
    group: Ints
    own_weight: Floats
    kind_weight: Floats

    @classmethod
    def of(cls, articles: Sequence[LabelledBlocks], seen: Look) -> Told:
        said = [kind for article in articles for kind in article.kinds]
        kind = np.array([KINDS.index(kind) if kind in KINDS else UNKNOWN for kind in said])
        own = np.array([kind == TEXT or kind in TEXT_KINDS for kind in said]).astype(int)
        number: dict[str, int] = {}
        group = np.array([number.setdefault(article.source, len(number)) for article in articles])[seen.article]
        told_kinds = np.bincount(seen.article, kind > 1, minlength=len(articles))[seen.article] > 0
        length = np.bincount(seen.article)[seen.article]
        page = np.sqrt(PAGE_BLOCKS / np.maximum(length, PAGE_BLOCKS))
        own_weight = (np.where(own == 1, OWN_LINE, OTHER_LINE) + np.minimum(seen.words, 60) / 20) * page * np.where(told_kinds, KINDS_TOLD, 1)
        often = np.bincount(kind[kind >= 0], minlength=len(KINDS))
        kind_weight = np.where(kind >= 0, (often.mean() / np.maximum(often, 1)[kind]) ** RARITY, 0) * page
        return cls(own, kind, group, own_weight.astype(np.float32), kind_weight.astype(np.float32))

    def part(self, which: Ints) -> Told:
        return Told(self.own[which], self.kind[which], self.group[which], self.own_weight[which], self.kind_weight[which])

    def renamed(self, kind: Ints) -> Told:
        """With other kinds where `kind` is not UNKNOWN."""
        other = kind != UNKNOWN
        own = np.where(other, np.isin(kind, [KINDS.index(name) for name in TEXT_KINDS]), self.own)
        return self._replace(own=own.astype(int), kind=np.where(other, kind, self.kind), kind_weight=np.where(other, ARRANGED_WEIGHT, self.kind_weight))

    def joined(self, other: Told) -> Told:
        return Told(
            np.concatenate([self.own, other.own]),
            np.concatenate([self.kind, other.kind]),
            np.concatenate([self.group, other.group]),
            np.concatenate([self.own_weight, other.own_weight]),
            np.concatenate([self.kind_weight, other.kind_weight]),
        )


OWN_LINE, OTHER_LINE = 0.2, 1.0
"""What a line counts for before its words do. Losing words of the article costs as much as they are; each line of boilerplate kept is one too many."""
FOREIGN_SHARE = 0.1
ARRANGED_WEIGHT = 0.5
PAGE_BLOCKS = 50
"""Each block of a longer article counts for less, so that long pages do not rule."""
KINDS_TOLD = 3.0
"""What blocks count for where people looked at every block, beside those known by the page's true text only."""
RARITY = 0.3
"""0 would leave rare kinds rare, 1 make all kinds equal."""


def fit_first(matrix: sparse.csr_array, told: Told) -> tuple[Floats, Floats]:
    """Weights (columns, answers) and bias (answers,)."""
    weights = np.zeros((matrix.shape[1], ANSWERS), np.float32)
    bias = np.full(ANSWERS, ABSENT, np.float32)
    own = _linear().fit(matrix, told.own, told.own_weight)
    weights[:, 0], bias[0] = own.coef_[0], own.intercept_[0]
    known = told.kind >= 0
    kind = _linear().fit(matrix[known], told.kind[known], told.kind_weight[known])
    weights[:, 1 + kind.classes_], bias[1 + kind.classes_] = kind.coef_.T, kind.intercept_
    return weights, bias


def _linear() -> LogisticRegression:
    return LogisticRegression(C=FIRST_C, max_iter=FIRST_STEPS, tol=1e-3)


def fit_second(values: Floats, told: Told, seed: int) -> tuple[tuple[Floats, Floats], tuple[Floats, Floats]]:
    """Several networks for each question, side by side: their hidden units one after the other, their answers averaged."""
    known = told.kind >= 0
    seeds = range(seed, seed + NETWORKS)
    own = [_network(n, OWN_EPOCHS, len(values)).fit(values, told.own, told.own_weight) for n in seeds]
    kind = [_network(n, KIND_EPOCHS, known.sum()).fit(values[known], told.kind[known], told.kind_weight[known]) for n in seeds]
    parts = [*((network, np.array([0])) for network in own), *((network, 1 + network.classes_) for network in kind)]
    hidden = np.concatenate([network.coefs_[0] for network, _ in parts], axis=1), np.concatenate([network.intercepts_[0] for network, _ in parts])
    output = np.zeros((2 * NETWORKS * HIDDEN, ANSWERS)), np.full(ANSWERS, ABSENT)
    output[1][np.concatenate([answers for _, answers in parts])] = 0
    for place, (network, answers) in enumerate(parts):
        output[0][place * HIDDEN : (place + 1) * HIDDEN, answers] = network.coefs_[1] / NETWORKS
        output[1][answers] += network.intercepts_[1] / NETWORKS
    return (hidden[0].astype(np.float32), hidden[1].astype(np.float32)), (output[0].astype(np.float32), output[1].astype(np.float32))


def _network(seed: int, epochs: int, blocks: int) -> MLPClassifier:
    return MLPClassifier((HIDDEN,), alpha=DECAY, batch_size=min(BATCH, blocks), max_iter=epochs, random_state=seed)


def idf_of(seen: Look, known: int) -> Floats:
    """Of words by the articles they stand in, and of numbers by their length."""
    column, block = words_of(seen, known)
    pairs = np.unique(seen.article[block] * (known + NUMBERS) + column)
    articles = np.bincount(pairs % (known + NUMBERS), minlength=known + NUMBERS)
    return (1 + np.log((1 + seen.articles) / (1 + articles))).astype(np.float32)


def hint_texts(articles: Sequence[LabelledBlocks]) -> list[str]:
    """For each source the words of all its elements."""
    found: dict[str, dict[str, None]] = {}
    for article in articles:
        own = found.setdefault(article.source, {})
        entered: set[Element] = set()
        for block in article.blocks:
            element = block.element
            while element is not None and element not in entered:
                entered.add(element)
                own[f"{element.tag} {element.hints}"] = None
                element = element.parent
    return [" ".join(texts) for texts in found.values()]
