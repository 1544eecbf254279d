"""Texts -> terms, the things the labeller counts: words with names and numbers masked, told apart by who speaks them.

A word inside quotation marks is another term than the same word outside them. Names and numbers become one term each, so that
no politician, outlet or topic can tip a label.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from training.quotation import CLOSES, OPENS, SPEECH, attributed, quotations
from training.tokens import CAPITALISED, LOWER, MARK, NUMBER, UPPER, Lexicon, Tokens, among

_MASKS = ("<name>", "<number>", "<opening mark>", "<closing mark>")
_NAME, _NUMBER, _OPENING, _CLOSING = range(len(_MASKS))
_FIRST_PERSON = ("i", "i'm", "i've", "i'd", "i'll")


@dataclass(frozen=True, slots=True)
class Reading:
    """A batch as it was read. Arrays of shape (tokens,): masked `word` ids below `words`, whether the token stands in a quotation,
    the index of its `sentence`, counted through the batch, and whether that sentence is attributed to somebody."""

    tokens: Tokens
    word: NDArray[np.int32]
    quoted: NDArray[np.bool_]
    sentence: NDArray[np.int64]
    attributed: NDArray[np.bool_]
    words: int

    @property
    def term(self) -> NDArray[np.int64]:
        """Term ids, below `terms`."""
        return self.word + self.words * self.quoted.astype(np.int64)

    @property
    def named(self) -> NDArray[np.bool_]:
        """Whether the token was masked as a name."""
        return np.equal(self.word, self.words - len(_MASKS) + _NAME)

    @property
    def terms(self) -> int:
        return 2 * self.words

    def part(self, begin: int, end: int) -> Reading:
        """The tokens from one to another, and the one before them."""
        if begin == 0 and end >= len(self.word):
            return self
        part = slice(max(0, begin - 1), end)
        return Reading(self.tokens.picked(part), self.word[part], self.quoted[part], self.sentence[part], self.attributed[part], self.words)


@dataclass(frozen=True)
class Reader:
    """Reads texts into terms. `names` tells for each word of the lexicon whether it is written as a name."""

    lexicon: Lexicon
    names: NDArray[np.bool_]

    @classmethod
    def learn(cls, texts: Sequence[str], least_texts: int) -> Reader:
        """A word is a name when it is capitalised more often than not where no sentence begins."""
        lexicon = Lexicon.learn(texts, least_texts)
        tokens = lexicon.read(texts)
        begins = _begins_sentence(tokens, quotations(tokens).role)
        inner = _capitalised(tokens) & ~begins
        capitals = np.bincount(tokens.word[inner], minlength=len(lexicon))
        lower = np.bincount(tokens.word[tokens.shape == LOWER], minlength=len(lexicon))
        names = capitals > lower
        names[lexicon.ids(_FIRST_PERSON)] = False
        return cls(lexicon, names)

    @property
    def words(self) -> tuple[str, ...]:
        """What each masked word id stands for."""
        return (*self.lexicon.words, *_MASKS)

    def read(self, texts: Sequence[str] | Tokens) -> Reading:
        """Read a batch of texts, or their tokens where another lexicon has made them already."""
        tokens = self.lexicon.look_up(texts) if isinstance(texts, Tokens) else self.lexicon.read(texts)
        quotation = quotations(tokens)
        begins = _begins_sentence(tokens, quotation.role)
        capitalised = _capitalised(tokens)
        masks = len(self.lexicon)
        word = tokens.word.copy()
        word[capitalised & (~begins & ~self._first_person[word] | self.names[word])] = masks + _NAME
        word[tokens.shape == NUMBER] = masks + _NUMBER
        word[quotation.role == OPENS] = masks + _OPENING
        word[quotation.role == CLOSES] = masks + _CLOSING
        sentence = np.cumsum(begins & ~_after_opening(tokens, quotation.role)) - 1
        spoken = attributed(sentence, self._speech[tokens.word] & ~quotation.quoted)
        return Reading(tokens, word, quotation.quoted, sentence, spoken, masks + len(_MASKS))

    def _flags(self, words: Iterable[str]) -> NDArray[np.bool_]:
        """For each word of the lexicon whether it is one of these."""
        flags = np.zeros(len(self.lexicon), np.bool_)
        flags[self.lexicon.ids(words)] = True
        return flags

    @cached_property
    def _first_person(self) -> NDArray[np.bool_]:
        return self._flags(_FIRST_PERSON)

    @cached_property
    def _speech(self) -> NDArray[np.bool_]:
        return self._flags(SPEECH)


def _capitalised(tokens: Tokens) -> NDArray[np.bool_]:
    return np.isin(tokens.shape, (CAPITALISED, UPPER))


def _begins_sentence(tokens: Tokens, role: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Whether a capital on this token would say nothing: it is the first of its text, its sentence or its quotation."""
    stops = (tokens.shape == MARK) & among(tokens.first, ".!?")
    one_letter = np.zeros_like(stops)
    one_letter[1:] = (tokens.end[:-1] - tokens.start[:-1] == 1) & (tokens.shape[:-1] == CAPITALISED)
    stops &= ~one_letter
    ended = _shifted(stops | (role == CLOSES) & _shifted(stops))
    begins = ended & ((tokens.shape != MARK) & (tokens.shape != LOWER) | (role == OPENS))
    begins |= _first_of_text(tokens)
    begins |= _after_opening(tokens, role)
    return np.asarray(begins)


def _after_opening(tokens: Tokens, role: NDArray[np.uint8]) -> NDArray[np.bool_]:
    return _shifted(role == OPENS) & ~_first_of_text(tokens)


def _first_of_text(tokens: Tokens) -> NDArray[np.bool_]:
    first = np.ones(len(tokens.text), np.bool_)
    first[1:] = tokens.text[1:] != tokens.text[:-1]
    return first


def _shifted(flags: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether the token before is flagged."""
    before = np.zeros_like(flags)
    before[1:] = flags[:-1]
    return before
