"""Labelled passages -> a Labeller. scikit-learn does the fitting; what it finds is kept as plain arrays.

Every stage learns from what the stage before says of publishers that one has not seen.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from sklearn.neural_network import MLPClassifier
from sklearn.utils.extmath import randomized_svd

from training.article import words_in
from training.context import Context, Features, Passages, matrix, sigmoid, standardised, voices
from training.evidence import Evidence, Grams, pairs
from training.labels import LEAST_DEVIATION, Calibration, Labeller
from training.terms import Reader, Reading

Floats = NDArray[np.float64]
Folds = Sequence[tuple[NDArray[np.int64], NDArray[np.int64]]]
"""Rows of the sources seen and of those held out."""

LEAST_TEXTS, LEAST_TEXTS_LABELLED = 10, 2
"""A word is known when this many texts have it; the second without unlabelled text."""
LEAST_PASSAGES = 2
"""A gram is known when this many labelled passages have it."""
FOLDS = 5
REACH, DIMENSIONS = 4, 200
"""Word vectors: words apart that still count as near, and length."""
MEANING_SCALE = 3.0
"""Length of a mean vector beside the unit length of the counts. Best of .5, 1, 2, 3 on held-out publishers."""
EVIDENCE_C = 5.0
INTERVAL = 0.95
LEAST_PASSAGES_OF_ARTICLE = 4
"""Articles with fewer passages say little of how errors go together."""
WIDEST = 4.0
ALONE_WEIGHT = 0.3
LEAST_SPREAD = 1e-6
"""A feature that hardly varies in training is not blown up."""
HIDDEN, NETWORKS, EPOCHS, PENALTY = 32, 3, 20, 1.0
"""Such networks beat a linear stage by .006 macro-F1 and boosted trees by .008 on held-out publishers of the training set (one run each)."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """Labelled passages in reading order; see `Labeller.fit`."""

    passages: Sequence[str]
    article: NDArray[np.int64]
    source: Sequence[str]
    editorial: Floats
    weight: Floats


def fit(labelled: Labelled, unlabelled: Sequence[Sequence[str]], seed: int) -> Labeller:
    """See `Labeller.fit`."""
    texts = [*chain.from_iterable(unlabelled), *labelled.passages]
    reader = Reader.learn(texts, LEAST_TEXTS if unlabelled else LEAST_TEXTS_LABELLED)
    vectors = word_vectors(reader.read(texts), seed)
    folds = list(GroupKFold(FOLDS, shuffle=True, random_state=seed).split(labelled.editorial, groups=np.asarray(labelled.source)))
    unseen = _unseen_passages(reader, vectors, labelled, folds)
    within, alone = unseen.features(labelled.article), unseen.features(np.arange(len(labelled.article)))
    calibration = _calibration(within, alone, labelled, folds, seed)
    evidence = fit_evidence(reader.read(labelled.passages), vectors, labelled.editorial, labelled.weight)
    return Labeller(reader, evidence, fit_context(within, alone, labelled.editorial, labelled.weight, seed), calibration)


def fit_evidence(reading: Reading, vectors: Floats, editorial: Floats, weight: Floats) -> Evidence:
    """`vectors` has a row for every masked word, see `word_vectors`."""
    grams = _known_grams(reading)
    counts = count(reading, grams)
    transformer = TfidfTransformer(norm=None).fit(counts)
    features = sparse.hstack([normalised(counts, transformer.idf_), mean_vectors(reading, vectors)], format="csr")
    model = LogisticRegression(C=EVIDENCE_C, max_iter=1000).fit(features, editorial, sample_weight=weight)
    of_grams, of_vectors = np.split(model.coef_[0], [len(grams)])
    meaning = (of_vectors.reshape(2, -1) @ vectors.T * MEANING_SCALE).ravel()
    return Evidence(grams, transformer.idf_, of_grams * transformer.idf_, meaning, float(model.intercept_[0]))


def count(reading: Reading, grams: NDArray[np.int64]) -> sparse.csr_matrix:
    """How often each text holds each gram, shape (texts, grams)."""
    found = Grams(grams, reading.terms).find(reading)
    return sparse.csr_matrix((np.ones(len(found.gram)), (found.text, found.gram)), shape=(reading.tokens.texts, len(grams)))


def normalised(counts: sparse.csr_matrix, idf: Floats) -> sparse.csr_matrix:
    """TF-IDF, each row divided by the length it would have if every occurrence were a dimension of its own. So every
    occurrence adds its own share to the logit, whatever else the passage holds; it costs .001 AUC against unit rows."""
    length = np.sqrt(counts @ idf**2)
    return sparse.diags(1 / np.maximum(length, 1e-9)) @ counts @ sparse.diags(idf)


def mean_vectors(reading: Reading, vectors: Floats) -> Floats:
    """Sum of the vectors of what is not quoted and of what is, each over the passage's length, shape (texts, 2 * dimensions)."""
    length = np.maximum(reading.tokens.lengths(), 1)[:, None]
    out = []
    for side in (~reading.quoted, reading.quoted):
        ones = np.ones(np.count_nonzero(side))
        words = sparse.csr_matrix((ones, (reading.tokens.text[side], reading.word[side])), shape=(reading.tokens.texts, len(vectors)))
        out.append(words @ vectors / length * MEANING_SCALE)
    return np.hstack(out)


def word_vectors(reading: Reading, seed: int) -> Floats:
    """A unit vector for every masked word, alike for words that keep alike company: the leading singular vectors of the positive
    pointwise mutual information of words near each other (Levy, Goldberg & Dagan 2015). Shape (words, dimensions)."""
    near = sparse.csr_matrix((reading.words, reading.words))
    for apart in range(1, REACH + 1):
        left, right = reading.word[:-apart], reading.word[apart:]
        both = (reading.tokens.text[:-apart] == reading.tokens.text[apart:]) & (left > 0) & (right > 0)
        ones = np.full(np.count_nonzero(both), 1 / apart)
        near += sparse.csr_matrix((ones, (left[both], right[both])), shape=near.shape)
    near = (near + near.T).tocoo()
    total = np.asarray(near.sum(1)).ravel()
    smoothed = total**0.75
    information = np.log(near.data * smoothed.sum() / (total[near.row] * smoothed[near.col]))
    told = information > 0
    positive = sparse.csr_matrix((information[told], (near.row[told], near.col[told])), shape=near.shape)
    left_vectors, values, _ = randomized_svd(positive, DIMENSIONS, n_iter=4, random_state=seed)
    vectors = left_vectors * np.sqrt(values)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True) + 1e-9
    vectors -= vectors[1:].mean(axis=0)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True) + 1e-9
    vectors[0] = 0
    return np.asarray(vectors, np.float64)


def _known_grams(reading: Reading) -> NDArray[np.int64]:
    """The keys that stand in enough passages, sorted."""
    pair, second = pairs(reading)
    key = np.concatenate([reading.term, pair])
    text = np.concatenate([reading.tokens.text, reading.tokens.text[second]])
    once = np.unique(key * reading.tokens.texts + text) // reading.tokens.texts
    keys, passages = np.unique(once, return_counts=True)
    return keys[passages >= LEAST_PASSAGES]


def _unseen_passages(reader: Reader, vectors: Floats, labelled: Labelled, folds: Folds) -> Passages:
    """What first stages that have not seen a passage's publisher say of it."""
    reading = reader.read(labelled.passages)
    added, bias = np.zeros(len(reading.word)), np.zeros(len(labelled.passages))
    for seen, held in folds:
        shown = reader.read([labelled.passages[row] for row in seen])
        evidence = fit_evidence(shown, vectors, labelled.editorial[seen], labelled.weight[seen])
        tokens = np.isin(reading.tokens.text, held)
        added[tokens], bias[held] = evidence.added(reading)[tokens], evidence.bias
    return Passages.of(reading, voices(reader), added, bias)


def _rows(features: Features, rows: NDArray[np.int64]) -> Features:
    return {name: values[rows] for name, values in features.items()}


def _calibration(within: Features, alone: Features, labelled: Labelled, folds: Folds, seed: int) -> Calibration:
    """What makes the logits given to unseen publishers honest (Platt 1999), and how far an article's share then is from what they say."""
    logits = np.zeros(len(labelled.editorial))
    for seen, held in folds:
        context = fit_context(_rows(within, seen), _rows(alone, seen), labelled.editorial[seen], labelled.weight[seen], seed)
        logits[held] = context.logits(_rows(within, held))
    model = LogisticRegression(C=1e3).fit(logits[:, None], labelled.editorial)
    slope, offset = float(model.coef_[0, 0]), float(model.intercept_[0])
    return Calibration(slope, offset, _spread(sigmoid(slope * logits + offset), labelled))


def _spread(probability: Floats, labelled: Labelled) -> float:
    """Standard deviations that hold INTERVAL of the articles' true shares: more than two, because errors of one article go together."""
    words = np.array([words_in(passage) for passage in labelled.passages], np.float64)
    size = np.bincount(labelled.article)
    whole = np.maximum(np.bincount(labelled.article, words), 1)
    true = np.bincount(labelled.article, words * labelled.editorial) / whole
    mean = np.bincount(labelled.article, words * probability) / whole
    deviation = np.sqrt(np.bincount(labelled.article, words**2 * probability * (1 - probability))) / whole + LEAST_DEVIATION
    told = size >= LEAST_PASSAGES_OF_ARTICLE
    return float(np.quantile(np.abs(true - mean)[told] / deviation[told], INTERVAL)) if told.any() else WIDEST


def fit_context(within: Features, alone: Features, editorial: Floats, weight: Floats, seed: int) -> Context:
    """`within` are the features of passages in their articles, `alone` those of the same passages without."""
    rows = np.concatenate([matrix(within), matrix(alone)])
    mean, spread = rows.mean(axis=0), rows.std(axis=0)
    scale = np.where(spread > LEAST_SPREAD, spread, 1.0)
    standard = standardised(rows, mean, scale)
    weights = np.concatenate([weight, ALONE_WEIGHT * weight])
    networks = [
        MLPClassifier(
            HIDDEN,
            alpha=PENALTY,
            batch_size=min(256, len(rows)),
            learning_rate_init=2e-3,
            max_iter=EPOCHS,
            n_iter_no_change=EPOCHS,
            random_state=seed + number,
        )
        for number in range(NETWORKS)
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the epochs are chosen, not run to convergence
        for network in networks:
            network.fit(standard, np.tile(editorial, 2), sample_weight=weights)
    return Context(
        tuple(within),
        mean,
        scale,
        np.hstack([network.coefs_[0] for network in networks]),
        np.concatenate([network.intercepts_[0] for network in networks]),
        np.concatenate([network.coefs_[1].ravel() for network in networks]) / NETWORKS,
        float(np.mean([network.intercepts_[1] for network in networks])),
    )
