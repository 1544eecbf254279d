"""The labeller's second stage: a passage's logit among its neighbours', the rest of its article's, and how the passage is written.

A small network, several of them averaged, over named features. A feature that needs a neighbour is 0 where there is none; training shows
every passage a second time as an article of its own, so that a single passage is judged as well as it can be.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.quotation import SPEECH
from training.terms import Reader, Reading
from training.tokens import NUMBER

Features = dict[str, NDArray[np.float64]]

_FULL_WORDS = 60
"""A neighbour of this many tokens or more counts in full, a shorter one in proportion."""
_REACH = 3
_DECAYS = (0.5, 0.8)
_DECAY_REACH = 8
_FARTHEST = 5.0
VOICE = {
    "we": ("we", "our", "us", "we're", "we've", "ourselves"),
    "I": ("i", "my", "me", "i'm", "i've"),
    "you": ("you", "your", "you're"),
    "speech": tuple(sorted(SPEECH)),
    "ought": ("should", "must", "need", "ought"),
    "denial": ("not", "no", "never", "nothing", "isn't", "don't", "doesn't"),
    "stance": ("perhaps", "maybe", "seems", "surely", "clearly", "indeed", "obviously", "course"),
    "turn": ("but", "yet", "however", "so"),
    "?": ("?",),
    "!": ("!",),
}
"""Words that tell whose voice is heard; counted outside quotation marks."""

_SHARED_VOICE = ("we", "I", "you", "speech", "ought", "?")
"""Those of `VOICE` that are also averaged over the rest of the article."""


@dataclass(frozen=True)
class Passages:
    """What the first stage knows of a batch: arrays of shape (passages,), first the passage's own, `logit`, number of `tokens`, share `quoted`;
    `sentences` holds for each the number, highest, lowest, first and last logit of its sentences, `voice` what is counted of how it is written."""

    logit: NDArray[np.float64]
    tokens: NDArray[np.int64]
    quoted: NDArray[np.float64]
    sentences: Features
    voice: Features
    colon: NDArray[np.bool_]

    @classmethod
    def of(cls, reading: Reading, voice: NDArray[np.int64], added: NDArray[np.float64], bias: float | NDArray[np.float64]) -> Passages:
        """`voice` is the table made by `voices`; `added` is what each token adds to its passage's logit."""
        text, texts = reading.tokens.text, reading.tokens.texts
        tokens = reading.tokens.lengths()
        quoted = np.bincount(text, reading.quoted, minlength=texts) / np.maximum(tokens, 1)
        colon = np.zeros(texts, np.bool_)
        ends = np.flatnonzero(np.diff(text, append=texts))
        colon[text[ends]] = reading.tokens.first[ends] == ord(":")
        logit = np.asarray(bias, np.float64) + np.bincount(text, added, minlength=texts)
        return cls(logit, tokens, quoted, _sentences(reading, added), _voice(reading, voice, added), colon)

    def features(self, article: NDArray[np.int64]) -> Features:
        """`article[i]` is the index of the article in which passage i stands, non-decreasing."""
        size = np.bincount(article, minlength=1)[article] if len(article) else article
        position = np.arange(len(article)) - np.searchsorted(article, article)
        full = np.minimum(self.tokens, _FULL_WORDS) / _FULL_WORDS
        probability = sigmoid(self.logit)
        others = size > 1
        out: Features = {
            "logit": self.logit,
            "probability": probability,
            "length": np.log1p(self.tokens),
            "quoted": self.quoted,
            **self.sentences,
            **self.voice,
        }
        for apart in [*range(-_REACH, 0), *range(1, _REACH + 1)]:
            out[f"logit at {apart:+}"] = _neighbour(self.logit * full, article, apart)
        for apart in (-2, -1, 1, 2):
            out[f"passage at {apart:+}"] = _neighbour(np.ones(len(article)), article, apart)
            out[f"quoted at {apart:+}"] = _neighbour(self.quoted, article, apart)
        for decay in _DECAYS:
            out[f"logits near, by {decay}"] = _near(self.logit, full, article, decay)
        weight = full + 0.1
        mean = _rest(self.logit, weight, article)
        out["rest: logit"] = mean
        out["rest: spread"] = np.sqrt(np.maximum(_rest(self.logit**2, weight, article) - mean**2, 0))
        out["rest: probability"] = np.where(others, _rest(probability, weight, article) - 0.3, 0)
        out["rest: quoted"] = _rest(self.quoted, weight, article)
        out |= {f"rest: {name}": _rest(self.voice[name], np.ones(len(article)), article) for name in _SHARED_VOICE}
        out["passages"] = np.log(np.maximum(size, 1))
        out["alone"] = (~others).astype(np.float64)
        out["position"] = position / np.maximum(size - 1, 1)
        out["first"], out["last"] = (others & (position == 0)).astype(np.float64), (others & (position == size - 1)).astype(np.float64)
        out["introduced"] = _neighbour(self.colon, article, -1)
        return out


@dataclass(frozen=True)
class Context:
    """One hidden layer over standardised features: the averaged networks side by side."""

    names: tuple[str, ...]
    mean: NDArray[np.float64]
    scale: NDArray[np.float64]
    hidden: NDArray[np.float64]
    hidden_bias: NDArray[np.float64]
    output: NDArray[np.float64]
    bias: float

    def logits(self, features: Features) -> NDArray[np.float64]:
        rows = standardised(matrix({name: features[name] for name in self.names}), self.mean, self.scale)
        return np.maximum(rows @ self.hidden + self.hidden_bias, 0) @ self.output + self.bias


def standardised(rows: NDArray[np.float64], mean: NDArray[np.float64], scale: NDArray[np.float64]) -> NDArray[np.float64]:
    """Nothing counts as further out than `_FARTHEST` deviations, so that no odd passage or article runs away with a network."""
    return np.asarray(np.clip((rows - mean) / scale, -_FARTHEST, _FARTHEST))


def matrix(features: Features) -> NDArray[np.float64]:
    return np.column_stack(list(features.values()))


def voices(reader: Reader) -> NDArray[np.int64]:
    """For each masked word id the number, from 1, of its entry in `VOICE`, 0 for most words."""
    table = np.zeros(len(reader.words), np.int64)
    for number, words in enumerate(VOICE.values(), start=1):
        table[reader.lexicon.ids(words)] = number
    return table


def _sentences(reading: Reading, added: NDArray[np.float64]) -> Features:
    text, texts = reading.tokens.text, reading.tokens.texts
    begins = np.flatnonzero(np.diff(reading.sentence, prepend=-1))
    sums = np.add.reduceat(added, begins) if len(begins) else np.zeros(0)
    owner = text[begins]
    first = np.flatnonzero(np.diff(owner, prepend=-1))
    last = np.append(first[1:], len(owner)) - 1
    out = {name: np.zeros(texts) for name in ("sentences", "highest sentence", "lowest sentence", "first sentence", "last sentence")}
    if len(first):
        told = owner[first]
        out["sentences"][told] = np.log1p(last - first + 1)
        out["highest sentence"][told] = np.maximum.reduceat(sums, first)
        out["lowest sentence"][told] = np.minimum.reduceat(sums, first)
        out["first sentence"][told], out["last sentence"][told] = sums[first], sums[last]
    return out


def _voice(reading: Reading, voice: NDArray[np.int64], added: NDArray[np.float64]) -> Features:
    text, texts = reading.tokens.text, reading.tokens.texts
    spoken = np.where(reading.quoted, 0, 1)
    kind = voice[reading.word]
    heard = np.flatnonzero((kind > 0) & ~reading.quoted)
    counts = np.bincount(text[heard] * (len(VOICE) + 1) + kind[heard], minlength=texts * (len(VOICE) + 1)).reshape(texts, -1)
    out = {name: np.log1p(counts[:, number]) for number, name in enumerate(VOICE, start=1)}
    out["numbers"] = np.log1p(np.bincount(text, (reading.tokens.shape == NUMBER) & ~reading.quoted, minlength=texts))
    out["names"] = np.bincount(text, reading.named & ~reading.quoted, minlength=texts) / np.maximum(reading.tokens.lengths(), 1)
    out["attributed"] = np.bincount(text, reading.attributed, minlength=texts) / np.maximum(reading.tokens.lengths(), 1)
    out["logit unquoted"] = np.bincount(text, added * spoken, minlength=texts)
    out["logit attributed"] = np.bincount(text, added * reading.attributed, minlength=texts)
    out["logit unattributed"] = np.bincount(text, added * spoken * ~reading.attributed, minlength=texts)
    return out


def _neighbour(values: NDArray[np.generic], article: NDArray[np.int64], apart: int) -> NDArray[np.float64]:
    """The value of the passage so far behind, 0 where the article has none."""
    out = np.zeros(len(values))
    here, there = (slice(-apart, None), slice(None, apart)) if apart < 0 else (slice(None, -apart), slice(apart, None))
    out[here] = np.where(article[here] == article[there], values[there], 0)
    return out


def _near(values: NDArray[np.float64], weight: NDArray[np.float64], article: NDArray[np.int64], decay: float) -> NDArray[np.float64]:
    """Weighted mean of the neighbours, fading with distance; a thin neighbourhood is drawn to 0."""
    total, weights = np.zeros(len(values)), np.full(len(values), 0.3)
    for apart in range(1, _DECAY_REACH + 1):
        for side in (-apart, apart):
            total += decay**apart * _neighbour(values * weight, article, side)
            weights += decay**apart * _neighbour(weight, article, side)
    return np.asarray(total / weights)


def _rest(values: NDArray[np.float64], weight: NDArray[np.float64], article: NDArray[np.int64]) -> NDArray[np.float64]:
    """Weighted mean over the article's other passages, 0 where there are none."""
    total = np.bincount(article, values * weight)[article] - values * weight
    weights = np.bincount(article, weight)[article] - weight
    return np.divide(total, weights, out=np.zeros(len(values)), where=weights > 1e-6)


def sigmoid(logit: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(0.5 * (1 + np.tanh(logit / 2)))
