"""Labelled blocks -> a KindClassifier. scikit-learn does the fitting; what it finds is kept as plain arrays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import NamedTuple
from warnings import catch_warnings, simplefilter

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from sklearn.neural_network import MLPClassifier

from training.align import TEXT
from training.arrangements import arrange, pleading
from training.article import KINDS, TEXT_KINDS, Element
from training.features import NUMBERS, Floats, Ints, Look, look, sums, words_of
from training.first_stage import ANSWERS, OF_KINDS, FirstAnswers, columns
from training.kinds import UNKNOWN, KindClassifier, Knots, LabelledBlocks, counts_for
from training.openings import APPEAL, Openings, none_learnt
from training.page_context import by_itself, context
from training.tokens import MARK, Lexicon
from training.trees import DEEPEST, Trees

ABSENT = -30.0
"""Score of a kind that no training block has."""
LEAST_ARTICLES = 3
LEAST_SOURCES = 10
"""A word is known when this many articles have it; a hint when this many sources have it: fewer would be a memory of their templates."""
FOLDS = 4
"""Parts of the sources; the second stage learns from first answers given to sources that the first stage had not seen."""
FIRST_C, FIRST_STEPS = 4.0, 100
NETWORKS, HIDDEN, DECAY, BATCH, EPOCHS = 2, 32, 0.1, 512, 12
DUST = 1e-12
JOBS = 2
"""Parts fitted at the same time."""
PIECES, SAMPLE = 4, 60_000
"""Pieces that the range of a feature is cut into at most, with as many blocks of a sample in each."""


class Growth(NamedTuple):
    """Sets of trees, fitted with other draws and averaged: by chance alone, one is better than another by a tenth of all that is lost on pages. Trees of a
    set, what each adds of its answer, blocks in a leaf at least, about how many blocks, drawn anew, each tree is fitted to, and how many features each of its
    questions is chosen from."""

    sets: int
    trees: int
    rate: float
    least_leaf: int
    rows: int
    features: int


ON_PAGES = Growth(sets=4, trees=160, rate=0.1, least_leaf=30, rows=45_000, features=40)
IN_BARE_TEXT = Growth(sets=2, trees=320, rate=0.2, least_leaf=300, rows=90_000, features=40)
"""Bare text is learnt from several times as many blocks, most of them arranged from the others, and has no elements to tell it apart by."""
OF_OPENINGS = Growth(sets=2, trees=160, rate=0.2, least_leaf=30, rows=100_000, features=16)
"""Of blocks of which one in thirty is an opening."""


def fit_kinds(articles: Sequence[LabelledBlocks], lists: Sequence[LabelledBlocks] = (), seed: int = 0) -> KindClassifier:
    """Both stages, from articles of several sources. Of `lists` of teasers the first learns nothing: each line by itself is as good as an article's."""
    alone = len(articles)
    articles = [*articles, *lists]
    words = Lexicon.learn([" ".join(block.text for block in article.blocks) for article in articles], LEAST_ARTICLES)
    hints = Lexicon.learn(hint_texts(articles), LEAST_SOURCES)
    seen = look(words, [article.blocks for article in articles])
    idf = idf_of(seen, len(words))
    told = Told.of(articles, seen)
    matrix = columns(_foreign(seen, seed), hints, idf)
    for_first = told.counting(seen.article < alone)
    first = held_out_answers(matrix, for_first)
    weights, bias = fit_first(matrix, for_first)
    of_openings = fit_openings(articles, seen, first, told, words, idf, seed)
    values, on_page, told = _arranged(articles, seen, first, told, words, idf, seed)
    on_pages, in_bare_text = fit_own(values, on_page, told, seed)
    knots = knots_of(values, seed)
    hidden, output = fit_networks(knots, values, told, seed)
    return KindClassifier(words, hints, idf, weights, bias, on_pages, in_bare_text, of_openings, knots, hidden, output)


def held_out_answers(matrix: sparse.csr_array, told: Told) -> FirstAnswers:
    """What a first stage says of each block that has not seen the block's source."""
    answers = np.zeros((len(told.kind), ANSWERS), np.float32)
    folds = list(GroupKFold(min(FOLDS, len(np.unique(told.group)))).split(matrix, groups=told.group))
    fitted = Parallel(JOBS)(delayed(fit_first)(matrix[inside], told.part(inside)) for inside, _ in folds)
    for (_, outside), (weights, bias) in zip(folds, fitted, strict=True):
        answers[outside] = matrix[outside] @ weights + bias
    return FirstAnswers.of(answers)


def _arranged(
    articles: Sequence[LabelledBlocks], seen: Look, first: FirstAnswers, told: Told, words: Lexicon, idf: Floats, seed: int
) -> tuple[Floats, NDArray[np.bool_], Told]:
    """What the second stage learns from: the articles as they are and their blocks arranged otherwise; features, whether on a page, and what is told."""
    arranged = list(arrange(seen.edges, told.own == 1, told.kind, ~seen.on_page, seed))
    again, place = _look_again(articles, arranged, words)
    whole = np.flatnonzero(np.bincount(seen.article, told.own, minlength=seen.articles)[seen.article] > 0)
    values = np.concatenate([context(seen, first, idf)[whole], context(again, first.of_blocks(place), idf)])
    return values, np.concatenate([seen.on_page[whole], again.on_page]), told.part(np.concatenate([whole, place]))


def _look_again(articles: Sequence[LabelledBlocks], arranged: Sequence[Ints], words: Lexicon) -> tuple[Look, Ints]:
    """The blocks of the articles in other orders, and the places they come from."""
    blocks = [block for article in articles for block in article.blocks]
    return look(words, [[blocks[at] for at in order.tolist()] for order in arranged]), np.concatenate([np.zeros(0, np.int64), *arranged])


def _foreign(seen: Look, seed: int) -> Look:
    """The same with the words of some articles unknown, as those of an article in another language are."""
    chosen = np.random.default_rng(seed).random(seen.articles) < FOREIGN_SHARE
    unknown = chosen[seen.article][seen.tokens.text] & (seen.tokens.shape != MARK)
    return replace(seen, tokens=replace(seen.tokens, word=np.where(unknown, 0, seen.tokens.word)))


class Told(NamedTuple):
    """What is known of each block, arrays (blocks,): `own` 1 or 0, `kind` an index into KINDS or UNKNOWN; the source as a number in `group`;
    what the block counts for in each of the two questions, and in the third, whose voice it is: above 0 for the writer's own opinion, below for reporting."""

    own: Ints
    kind: Ints
    group: Ints
    own_weight: Floats
    kind_weight: Floats
    voice: Floats

    @classmethod
    def of(cls, articles: Sequence[LabelledBlocks], seen: Look) -> Told:
        said = [kind for article in articles for kind in article.kinds]
        kind = np.array([KINDS.index(kind) if kind in KINDS else UNKNOWN for kind in said])
        own = np.array([kind == TEXT or kind in TEXT_KINDS for kind in said]).astype(int)
        number: dict[str, int] = {}
        group = np.array([number.setdefault(article.source, len(number)) for article in articles])[seen.article]
        told_kinds = np.bincount(seen.article, kind >= 0, minlength=len(articles))[seen.article] > 0
        length = np.bincount(seen.article)[seen.article]
        page = np.sqrt(PAGE_BLOCKS / np.maximum(length, PAGE_BLOCKS))
        own_weight = np.where(own == 1, *counts_for(seen.words)) * page * np.where(told_kinds, KINDS_TOLD, 1)
        often = np.bincount(kind[kind >= 0], minlength=len(KINDS))
        kind_weight = np.where(kind >= 0, (often.mean() / np.maximum(often, 1)[kind]) ** RARITY, 0) * page
        voice = np.concatenate([article.voices or np.zeros(len(article.blocks)) for article in articles])
        return cls(own, kind, group, own_weight.astype(np.float32), kind_weight.astype(np.float32), voice.astype(np.float32))

    def counting(self, which: NDArray[np.bool_]) -> Told:
        """The same where the other blocks count for nothing."""
        return self._replace(own_weight=self.own_weight * which, kind_weight=self.kind_weight * which, voice=self.voice * which)

    def part(self, which: Ints) -> Told:
        return Told(self.own[which], self.kind[which], self.group[which], self.own_weight[which], self.kind_weight[which], self.voice[which])


FOREIGN_SHARE = 0.1
PAGE_BLOCKS = 50
"""Each block of a longer article counts for less, so that long pages do not rule."""
KINDS_TOLD = 3.0
"""What blocks count for where every block was looked at, beside those known by the page's true text only."""
RARITY = 0.3
"""0 would leave rare kinds rare, 1 make all kinds equal."""


def fit_first(matrix: sparse.csr_array, told: Told) -> tuple[Floats, Floats]:
    """Weights (columns, answers) and bias (answers,). Where no passage was labelled, or all alike, every voice is the same."""
    weights = np.zeros((matrix.shape[1], ANSWERS), np.float32)
    bias = np.full(ANSWERS, ABSENT, np.float32)
    known, heard = told.kind >= 0, told.voice != 0
    with _stopping_early():
        own = _linear().fit(matrix, told.own, told.own_weight)
        kind = _linear().fit(matrix[known], told.kind[known], told.kind_weight[known])
        if len(np.unique(told.voice[heard] > 0)) > 1:
            voice = _linear().fit(matrix[heard], told.voice[heard] > 0, np.abs(told.voice[heard]))
            weights[:, OF_KINDS], bias[OF_KINDS] = voice.coef_[0], voice.intercept_[0]
    weights[:, 0], bias[0] = own.coef_[0], own.intercept_[0]
    weights[:, 1 + kind.classes_], bias[1 + kind.classes_] = _of_each(kind.coef_.T), _of_each(kind.intercept_)
    return weights, bias


def _of_each(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weights, or biases, (..., classes), for each class: of two, scikit-learn fits those of the second against the first alone."""
    return np.concatenate([-weights, weights], axis=-1) / 2 if weights.shape[-1] == 1 else weights


@contextmanager
def _stopping_early() -> Iterator[None]:
    """Stages that are stopped before they converge, on purpose, do not warn."""
    with catch_warnings():
        simplefilter("ignore", ConvergenceWarning)
        yield


def _linear() -> LogisticRegression:
    return LogisticRegression(C=FIRST_C, max_iter=FIRST_STEPS, tol=1e-3)


def fit_own(values: Floats, on_page: NDArray[np.bool_], told: Told, seed: int) -> tuple[Trees, Trees]:
    """Trees for pages and for bare text; where there are no blocks of the one, those of the other serve."""
    pages, bare = (np.flatnonzero(which) if which.any() else np.arange(len(which)) for which in (on_page, ~on_page))
    parts = ((pages, "zero", ON_PAGES), (bare, _ByItself(), IN_BARE_TEXT))
    fitted = Parallel(JOBS)(
        delayed(_trees)(values[part], told.own[part], told.own_weight[part], start, growth, seed + number)
        for part, start, growth in parts
        for number in range(growth.sets)
    )
    return together(fitted[: ON_PAGES.sets]), together(fitted[ON_PAGES.sets :])


def fit_openings(articles: Sequence[LabelledBlocks], seen: Look, first: FirstAnswers, told: Told, words: Lexicon, idf: Floats, seed: int) -> Trees:
    """Trees that tell the block a plea begins with from the others up to its end, from the articles as they are and with letters and pleas put to them."""
    again, place = _look_again(articles, list(pleading(seen.edges, told.own == 1, told.kind, ~seen.on_page, seed)), words)
    learnt = [_told_openings(seen, first, told, idf), _told_openings(again, first.of_blocks(place), told.part(place), idf)]
    values, begins = (np.concatenate(parts) for parts in zip(*learnt, strict=True))
    if len(np.unique(begins)) < 2:
        return none_learnt()
    weight = np.ones(len(begins), np.float32)
    sets = range(seed, seed + OF_OPENINGS.sets)
    return together(Parallel(JOBS)(delayed(_trees)(values, begins, weight, "zero", OF_OPENINGS, number) for number in sets))


def _told_openings(seen: Look, first: FirstAnswers, told: Told, idf: Floats) -> tuple[Floats, Ints]:
    """Features of the openings that the last plea of each bare article could have, and 1 for the one right after its own text; where it has no plea, that is
    none of those up to the last block that by itself seems to ask. Articles that have nothing of their own before their plea teach nothing."""
    own, unknown = told.own == 1, told.kind == UNKNOWN
    seems = first.kinds.argmax(axis=1) == APPEAL
    appeal = np.where(unknown, ~own & seems, told.kind == APPEAL)
    without = np.bincount(seen.article, appeal | unknown, seen.articles)[seen.article] == 0
    found = Openings.of(seen, first, idf, (appeal | (seems & without)) & ~seen.on_page)
    last = np.zeros(found.plea.max(initial=-1) + 1, np.int64)
    last[found.plea] = found.block
    owned = sums(own)
    begins = own[found.block - 1] & (owned[found.block] == owned[last + 1][found.plea])
    known = (np.bincount(found.plea, begins, len(last)) > 0) | without[last]
    return found.values[known[found.plea]], begins[known[found.plea]].astype(np.int64)


def _trees(values: Floats, own: Ints, weight: Floats, start: str | _ByItself, growth: Growth, seed: int) -> Trees:
    boosting = GradientBoostingClassifier(
        init=start, n_estimators=growth.trees, learning_rate=growth.rate, max_depth=DEEPEST, min_samples_leaf=growth.least_leaf,
        subsample=min(1.0, growth.rows / len(values)), max_features=growth.features, random_state=seed,
    )  # fmt: skip
    return trees_of(boosting.fit(values, own, weight))


class _ByItself(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """What the trees for bare text begin with."""

    def fit(self, _values: Floats, _own: Ints, sample_weight: Floats | None = None) -> _ByItself:  # noqa: ARG002 - scikit-learn hands it over by name
        self.classes_ = np.arange(2)
        return self

    def predict_proba(self, values: Floats) -> Floats:
        own = 1 / (1 + np.exp(-by_itself(values)))
        return np.stack([1 - own, own], axis=1)


def together(sets: Sequence[Trees]) -> Trees:
    """Several sets as one."""
    return Trees(*(np.concatenate(arrays) for arrays in zip(*sets, strict=True)))


def trees_of(boosting: GradientBoostingClassifier) -> Trees:
    """The trees of a classifier of two classes, as a set, without what it began with."""
    depth = boosting.max_depth
    inner = 2**depth - 1
    count = len(boosting.estimators_)
    shape = 1, count, inner
    trees = Trees(np.zeros(shape, np.int32), np.full(shape, np.inf, np.float32), np.zeros((1, count, inner + 1), np.float32))
    for number, (fitted,) in enumerate(boosting.estimators_):
        tree = fitted.tree_
        at = np.zeros(1, np.int64)
        for level in range(depth):
            place = slice(2**level - 1, 2 ** (level + 1) - 1)
            splits = tree.children_left[at] >= 0
            trees.feature[0, number, place] = np.where(splits, tree.feature[at], 0)
            trees.threshold[0, number, place] = np.where(splits, _not_above(tree.threshold[at]), np.inf)
            at = np.stack([np.where(splits, tree.children_left[at], at), np.where(splits, tree.children_right[at], at)], axis=1).ravel()
        trees.value[0, number] = boosting.learning_rate * tree.value[at, 0, 0]
    return trees


def _not_above(threshold: NDArray[np.float64]) -> Floats:
    """The greatest float32 not above each threshold: what is at most the one is at most the other."""
    nearest = threshold.astype(np.float32)
    return np.where(nearest > threshold, np.nextafter(nearest, np.float32(-np.inf)), nearest)


def knots_of(values: Floats, seed: int) -> Knots:
    """Pieces with equally many values in each, fewer where a feature has few values."""
    sample = values[np.random.default_rng(seed).choice(len(values), min(len(values), SAMPLE), replace=False)]
    edges = [np.unique(quantiles) for quantiles in np.quantile(sample, np.linspace(0, 1, PIECES + 1), axis=0).T]
    column = np.repeat(np.arange(len(edges)), [len(found) - 1 for found in edges])
    begin = np.concatenate([found[:-1] for found in edges])
    width = np.concatenate([np.diff(found) for found in edges])
    return Knots(column.astype(np.int32), begin.astype(np.float32), (1 / width).astype(np.float32))


def fit_networks(knots: Knots, values: Floats, told: Told, seed: int) -> tuple[tuple[Floats, Floats], tuple[Floats, Floats]]:
    """Several networks that tell the kind, side by side: their hidden units one after the other, their answers averaged."""
    known = np.flatnonzero(told.kind >= 0)
    spread, kind, weight = knots.spread(values[known]), told.kind[known], told.kind_weight[known]
    with _stopping_early():
        networks = [_network(n, len(known)).fit(spread, kind, weight) for n in range(seed, seed + NETWORKS)]
    hidden = np.concatenate([network.coefs_[0] for network in networks], axis=1), np.concatenate([network.intercepts_[0] for network in networks])
    output = np.zeros((NETWORKS * HIDDEN, len(KINDS))), np.full(len(KINDS), ABSENT)
    output[0][:, networks[0].classes_] = np.concatenate([_of_each(network.coefs_[1]) for network in networks]) / NETWORKS
    output[1][networks[0].classes_] = np.mean([_of_each(network.intercepts_[1]) for network in networks], axis=0)
    return (without_dust(hidden[0]), without_dust(hidden[1])), (without_dust(output[0]), without_dust(output[1]))


def without_dust(weights: NDArray[np.float64]) -> Floats:
    """Weights that have decayed to next to nothing become nothing: a processor multiplies such numbers thirty times as slowly as others."""
    return np.where(np.abs(weights) < DUST, 0, weights).astype(np.float32)


def _network(seed: int, blocks: int) -> MLPClassifier:
    return MLPClassifier((HIDDEN,), alpha=DECAY, batch_size=min(BATCH, blocks), max_iter=EPOCHS, random_state=seed)


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
