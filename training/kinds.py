"""Blocks -> kinds: is a block the article's own text, and if not, what is it?

1. Each block by itself: words, pairs of words, line features and the elements it stands in, in a linear model (`features`).
2. Each block in its article: the first answers of its neighbours, of its relatives on the page and of the best run of text (`context`), in a small network.
3. Nothing lost: where hardly any of an article's prose would be kept, its best run of prose is (`fallback`).

One model serves pages and bare text: a bare line is a block that stands in no element.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from sklearn.neural_network import MLPClassifier

from training.align import BOILERPLATE, TEXT
from training.article import KINDS, TEXT_KINDS, Block
from training.context import best_runs, context, text_probability
from training.features import NUMBERS, PAIRS, Floats, Ints, Look, look, pairs_of, words_of
from training.tokens import MARK, Lexicon

LEAST_ARTICLES = 3
"""A word is known when this many articles have it; a hint when this many sources have it."""
FOLDS = 4
"""Parts of the sources; the second stage learns from first answers given to sources that the first stage had not seen."""
FIRST_PENALTY = 2.0
FIRST_STEPS = 60
HIDDEN = 64
DECAY = 1e-3
EPOCHS = 12
OWN = 0.5
"""At least this probability of being the article's own keeps a block."""
ABSENT = -30.0
"""Score of a kind that no training block has."""

ALLOWED = {
    TEXT: np.array([kind in TEXT_KINDS for kind in KINDS]),
    BOILERPLATE: np.array([kind not in TEXT_KINDS for kind in KINDS]),
    **{kind: np.array([kind == other for other in KINDS]) for kind in KINDS},
}
"""What each verdict of labelled data leaves possible."""


class LabelledBlocks(NamedTuple):
    """An article's blocks, for each its kind, or TEXT or BOILERPLATE where no more is known, and who published it."""

    blocks: Sequence[Block]
    kinds: Sequence[str]
    source: str


class Verdicts(NamedTuple):
    """What was decided of one article's blocks: arrays (blocks,) of indices into KINDS and of the probability of that kind, and whether
    the text was kept against the model's word because hardly anything would have been left."""

    kind: Ints
    probability: Floats
    fallback: bool


@dataclass(frozen=True)
class KindClassifier:
    """`weights` (columns, kinds) and `bias` of the first stage; `centre` and `scale` of the context features and the `layers` of the second."""

    words: Lexicon
    hints: Lexicon
    idf: Floats
    weights: Floats
    bias: Floats
    centre: Floats
    scale: Floats
    layers: tuple[tuple[Floats, Floats], ...]

    @classmethod
    def fit(cls, articles: Sequence[LabelledBlocks], seed: int = 0) -> KindClassifier:
        """Learn from blocks whose kind is known first; that model then says which kind the others are, among those they can be."""
        known = [article for article in articles if any(kind in KINDS for kind in article.kinds)]
        teacher = _fit(known, [_first_guess(article) for article in known], seed)
        return _fit(articles, [teacher.resolve(article) for article in articles], seed)

    def classify(self, articles: Sequence[Sequence[Block]]) -> list[Verdicts]:
        seen = look(self.words, articles)
        p = self.second(seen, self.first(seen))
        return decide(seen, p)

    def first(self, seen: Look) -> Floats:
        """Probability of each kind from the block alone, (blocks, kinds)."""
        return softmax(columns(seen, self.hints, self.idf) @ self.weights + self.bias)

    def second(self, seen: Look, first: Floats) -> Floats:
        """Probability of each kind in context, (blocks, kinds)."""
        values = (context(seen, first, self.idf) - self.centre) / self.scale
        for weights, bias in self.layers[:-1]:
            values = np.maximum(values @ weights + bias, 0)
        weights, bias = self.layers[-1]
        return softmax(values @ weights + bias)

    def resolve(self, article: LabelledBlocks) -> Ints:
        """The likeliest kind of each block among those its label allows."""
        seen = look(self.words, [article.blocks])
        return (self.second(seen, self.first(seen)) * [ALLOWED[kind] for kind in article.kinds]).argmax(axis=1)


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


def softmax(scores: Floats) -> Floats:
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)


def _counted(column: Ints, row: Ints, shape: tuple[int, int]) -> sparse.csr_array:
    counts = sparse.csr_array((np.ones(len(column), np.float32), (row, column)), shape=shape)
    counts.sum_duplicates()
    return counts


def _unit_rows(counts: sparse.csr_array, weight: Floats) -> sparse.csr_array:
    """Sublinear, weighted, each row of length 1."""
    counts.data = (1 + np.log(counts.data)) * weight[counts.indices]
    rows = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    length = np.sqrt(np.bincount(rows, counts.data**2, minlength=counts.shape[0]))
    counts.data = (counts.data / length[rows]).astype(np.float32)
    return counts


def _hinted(seen: Look, hints: Lexicon) -> list[sparse.csr_array]:
    tokens = hints.read(seen.elements)
    said = tokens.word > 0
    of_element = _counted(tokens.word[said].astype(np.int64), tokens.text[said], (len(seen.elements), len(hints)))
    of_element.data[:] = 0.5
    around = seen.around @ of_element
    around.data = np.minimum(around.data, 1)
    return [seen.own @ of_element, seen.parent @ of_element, around]


def decide(seen: Look, p: Floats) -> list[Verdicts]:
    """One kind for each block: first whether it is the article's own, then which kind."""
    own = text_probability(p) >= OWN
    kind = np.where(own[:, None] == ALLOWED[TEXT], p, -1).argmax(axis=1)
    probability = p[np.arange(len(p)), kind]
    edges = np.searchsorted(seen.article, np.arange(seen.articles + 1))
    return [Verdicts(kind[begin:end], probability[begin:end], False) for begin, end in zip(edges[:-1], edges[1:], strict=True)]


def _first_guess(article: LabelledBlocks) -> Ints:
    """Before any model: a block whose kind within TEXT or BOILERPLATE is not told has none (-1)."""
    return np.array([KINDS.index(kind) if kind in KINDS else -1 for kind in article.kinds])


def _fit(articles: Sequence[LabelledBlocks], kinds: Sequence[Ints], seed: int) -> KindClassifier:
    """Both stages, from the kind of each block; blocks of kind -1 are seen as neighbours only."""
    words = Lexicon.learn([" ".join(block.text for block in article.blocks) for article in articles], LEAST_ARTICLES)
    hints = Lexicon.learn(_hint_texts(articles), LEAST_ARTICLES)
    seen = look(words, [article.blocks for article in articles])
    kind = np.concatenate(list(kinds))
    idf = _idf(seen, len(words))
    matrix = columns(seen, hints, idf)
    weight = _weights(seen) * (kind >= 0)
    group = _groups_of(articles)[seen.article]
    parts = list(GroupKFold(FOLDS).split(matrix, groups=group))
    first = np.zeros((len(kind), len(KINDS)), np.float32)
    for inside, outside in parts:
        weights, bias = _fit_first(matrix[inside], kind[inside], weight[inside])
        first[outside] = softmax(matrix[outside] @ weights + bias)
    weights, bias = _fit_first(matrix, kind, weight)
    around = context(seen, first, idf)
    centre, scale = around.mean(axis=0), around.std(axis=0) + 1e-3
    layers = _fit_second((around - centre) / scale, kind, weight, seed)
    return KindClassifier(words, hints, idf, weights, bias, centre, scale, layers)


def _fit_first(matrix: sparse.csr_array, kind: Ints, weight: Floats) -> tuple[Floats, Floats]:
    told = weight > 0
    model = LogisticRegression(C=FIRST_PENALTY, max_iter=FIRST_STEPS, tol=1e-3).fit(matrix[told], kind[told], weight[told])
    weights = np.zeros((matrix.shape[1], len(KINDS)), np.float32)
    bias = np.full(len(KINDS), ABSENT, np.float32)
    weights[:, model.classes_] = model.coef_.T
    bias[model.classes_] = model.intercept_
    return weights, bias


def _fit_second(values: Floats, kind: Ints, weight: Floats, seed: int) -> tuple[tuple[Floats, Floats], ...]:
    told = weight > 0
    model = MLPClassifier((HIDDEN,), alpha=DECAY, batch_size=512, max_iter=EPOCHS, random_state=seed).fit(values[told], kind[told], weight[told])
    weights, bias = (layer.astype(np.float32) for layer in (model.coefs_[-1], model.intercepts_[-1]))
    last = np.zeros((len(weights), len(KINDS)), np.float32), np.full(len(KINDS), ABSENT, np.float32)
    last[0][:, model.classes_], last[1][model.classes_] = weights, bias
    hidden = [(w.astype(np.float32), b.astype(np.float32)) for w, b in zip(model.coefs_[:-1], model.intercepts_[:-1], strict=True)]
    return (*hidden, last)


def _weights(seen: Look) -> Floats:
    """Longer blocks count for more, and so that long pages do not rule, each block of a long page for less."""
    length = np.bincount(seen.article)[seen.article]
    return ((0.5 + np.minimum(seen.words, 60) / 20) * np.sqrt(50 / np.maximum(length, 50))).astype(np.float32)


def _idf(seen: Look, known: int) -> Floats:
    """Of words by the articles they stand in, and of numbers by their length."""
    column, block = words_of(seen, known)
    pairs = np.unique(seen.article[block] * (known + NUMBERS) + column)
    articles = np.bincount(pairs % (known + NUMBERS), minlength=known + NUMBERS)
    return (1 + np.log((1 + seen.articles) / (1 + articles))).astype(np.float32)


def _hint_texts(articles: Sequence[LabelledBlocks]) -> list[str]:
    """For each source the words of all its elements."""
    found: dict[str, dict[str, None]] = {}
    for article in articles:
        own = found.setdefault(article.source, {})
        for block in article.blocks:
            element = block.element
            while element is not None:
                own[f"{element.tag} {element.hints}"] = None
                element = element.parent
    return [" ".join(texts) for texts in found.values()]


def _groups_of(articles: Sequence[LabelledBlocks]) -> Ints:
    number: dict[str, int] = {}
    return np.array([number.setdefault(article.source, len(number)) for article in articles])
