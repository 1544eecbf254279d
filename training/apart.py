"""Editorial passages of many sources -> the terms that set each source's apart from those of the others.

The log-odds ratio with an informative Dirichlet prior, as a z-score: B. L. Monroe, M. P. Colaresi and K. M. Quinn, "Fightin' Words: Lexical Feature Selection
and Evaluation for Identifying the Content of Political Conflict", Political Analysis 16 (2008), pages 372 to 403. Theirs counts words; here a term counts once
an article, because words of one article hang together: what one article says twenty times, it says.

It is to show manner and not topics, so names and numbers are left out, and what stands in few articles or in one season alone."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.attribution import Passages
from training.likeness import MOSTLY_NAMED
from training.tokens import LOWER, MARK, NUMBER, Index, Tokens, among, grouped
from training.told import SENTENCE_ENDS, folded_word, stem

MOST_SHOWN = 10
"""Terms told of a source."""
LEAST_IN = 5
"""A term stands in so many of the source's articles at least."""
LEAST_MONTHS = 3
"""And in so many months of the year, or in all that the source's articles are of; where they have no dates, articles alone count."""
LEAST_Z = 3.0
"""Of 1,000 terms that are used alike, chance takes one or two beyond this."""
PRIOR = 10
"""Articles that the prior is worth: every source is taken to have printed so many that are like all the others together."""
MOST_COUNTS = 1_000_000
"""Words held, each once for every source that uses it. When there are more, those in the fewest articles are let go until half are left. As long as none was,
nothing depends on the order of articles; after that, a count may be too low by as many articles as `let_go` says."""
WAITING = 1_000_000
"""Words of articles that wait to be added up with those that are held: few large sums cost less than many small ones."""
FORMS = 2
"""Forms in which a term is shown, the most used first."""

INDEXED_AGAIN = 1.25
"""Words that are not in the index yet are looked up one by one; when there are so many times as many as are in it, it is made again."""

_SOURCE = 32
"""What is counted is one whole number: from this bit on the number of the source, below it that of the word."""


class Apart(NamedTuple):
    """A term that a source uses more than others: its forms, its z-score, in how many articles it stands here and elsewhere."""

    forms: tuple[str, ...]
    z: float
    here: int
    elsewhere: int


class _Counts(NamedTuple):
    """How sources use words. Arrays of one length: which source and word (`key`), in how many of its articles the word stands, in how many it is a name, and
    the months of the year that those are of, a bit each."""

    key: NDArray[np.uint64]
    articles: NDArray[np.int32]
    named: NDArray[np.int32]
    months: NDArray[np.uint16]

    @property
    def source(self) -> NDArray[np.int64]:
        return (self.key >> np.uint64(_SOURCE)).astype(np.int64)

    @property
    def word(self) -> NDArray[np.int64]:
        return (self.key & np.uint64((1 << _SOURCE) - 1)).astype(np.int64)

    def picked(self, which: NDArray[np.bool_] | slice) -> _Counts:
        return _Counts(self.key[which], self.articles[which], self.named[which], self.months[which])

    @classmethod
    def summed(cls, parts: Sequence[_Counts]) -> _Counts:
        """All of them together, each key once, in order."""
        key, *columns = (np.concatenate(column) for column in zip(*parts, strict=True))
        once, order, first = grouped(key)
        articles, named, months = (column[order] for column in columns)
        return cls(once, np.add.reduceat(articles, first), np.add.reduceat(named, first), np.bitwise_or.reduceat(months, first))


def _nothing() -> _Counts:
    return _Counts(np.zeros(0, np.uint64), np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros(0, np.uint16))


@dataclass(slots=True)
class Words:
    """Words, numbered in the order they come in, and the number of the `term` that each is. Words are known by the hash of their tokens; of terms, which are
    numbered too, 0 is none."""

    words: list[str] = field(default_factory=list)
    numbers: dict[int, int] = field(default_factory=dict)
    term: array[int] = field(default_factory=lambda: array("q"))
    terms: dict[str, int] = field(default_factory=lambda: {"": 0})
    index: Index = field(default_factory=lambda: Index(np.zeros(0, np.uint64)))

    def numbered(self, texts: Sequence[str], tokens: Tokens, at: NDArray[np.int64]) -> NDArray[np.int64]:
        """The numbers of the words of some of the texts' tokens; new ones get one."""
        numbers = self.index.find(tokens.hash[at])
        left = np.flatnonzero(numbers < 0)
        hashes, first, which = np.unique(tokens.hash[at[left]], return_index=True, return_inverse=True)
        where = at[left[first]]
        columns = (hashes, *(column[where] for column in (tokens.text, tokens.start, tokens.end)))
        found = [self._number(hash, texts[text], start, end) for hash, text, start, end in zip(*(one.tolist() for one in columns), strict=True)]
        numbers[left] = np.array(found, np.int64)[which]
        if len(self.numbers) > INDEXED_AGAIN * len(self.index):
            self._index()
        return numbers

    def terms_of(self, words: NDArray[np.int64]) -> NDArray[np.int64]:
        """The numbers of the terms that words are, by their numbers."""
        return np.frombuffer(self.term, np.int64)[words] if self.term else words

    def keep(self, held: NDArray[np.int64]) -> None:
        """Forget all words but some, given by their numbers in rising order, and number those anew."""
        terms, term = np.unique(np.append(0, self.terms_of(held)), return_inverse=True)
        written, hashes = list(self.terms), list(self.numbers)
        self.terms = {written[number]: place for place, number in enumerate(terms.tolist())}
        self.term = array("q", term[1:].tolist())
        self.words = [self.words[number] for number in held.tolist()]
        self.numbers = {hashes[number]: place for place, number in enumerate(held.tolist())}
        self._index()

    def _number(self, hash: int, text: str, start: int, end: int) -> int:
        number = self.numbers.setdefault(hash, len(self.words))
        if number == len(self.words):
            written = text[start:end]
            self.words.append(folded_word(written))
            self.term.append(self.terms.setdefault(stem(written), len(self.terms)))
        return number

    def _index(self) -> None:
        self.index = Index(np.fromiter(self.numbers, np.uint64, len(self.numbers)))


@dataclass(slots=True)
class Usage:
    """Who uses which word in editorial passages, in whole numbers; of each source its articles that have some, and the months those are of."""

    words: Words = field(default_factory=Words)
    counts: _Counts = field(default_factory=_nothing)
    waiting: list[_Counts] = field(default_factory=list)
    sources: dict[str, int] = field(default_factory=dict)
    articles: Counter[str] = field(default_factory=Counter)
    months: Counter[str] = field(default_factory=Counter)
    let_go: int = 0

    def add(self, passages: Passages, sources: Sequence[str], months: Sequence[int | None]) -> None:
        """Take in articles, each with its source and the month of the year it is of, 1 to 12."""
        tokens = passages.tokens.picked(passages.editorial[passages.tokens.text])
        at = np.flatnonzero((tokens.shape < NUMBER) & (tokens.end - tokens.start > 1))
        word = self.words.numbered(passages.texts, tokens, at)
        term = self.words.terms_of(word)
        at, word, term = (column[term > 0] for column in (at, word, term))
        once, order, first = grouped(passages.article[tokens.text[at]] << _SOURCE | term)
        form = word[np.minimum.reduceat(order, first)]
        named = np.logical_or.reduceat(_named(tokens)[at][order], first)
        source = np.array([self.sources.setdefault(source, len(self.sources)) for source in sources])
        bit = np.array([1 << month - 1 if month else 0 for month in months], np.uint16)
        owner = once >> _SOURCE
        key = (source[owner] << _SOURCE | form).astype(np.uint64)
        self.waiting.append(_Counts(key, np.ones(len(key), np.int32), named.astype(np.int32), bit[owner]))
        for number in np.unique(passages.article[passages.editorial]).tolist():
            self.articles[sources[number]] += 1
            self.months[sources[number]] |= int(bit[number])
        if sum(len(counts.key) for counts in self.waiting) > WAITING:
            self._sum_up()

    def _sum_up(self) -> None:
        self.counts = _Counts.summed([self.counts, *self.waiting])
        self.waiting = []
        if len(self.counts.key) > MOST_COUNTS:
            self._let_go()

    def _let_go(self) -> None:
        """Forget the rarest words."""
        rare = 0
        while len(self.counts.key) > MOST_COUNTS // 2:
            rare += 1
            self.counts = self.counts.picked(self.counts.articles > rare)
        self.let_go += rare
        held, word = np.unique(self.counts.word, return_inverse=True)
        self.counts = self.counts._replace(key=(self.counts.source << _SOURCE | word).astype(np.uint64))
        self.words.keep(held)

    def apart(self, sources: Collection[str]) -> dict[str, tuple[Apart, ...]]:
        """Of each of these sources the terms that set it apart from all others, the surest first; nothing where there is no other source."""
        self._sum_up()
        if len(self.articles) < 2 or not len(self.counts.key):
            return {}
        term = self.words.terms_of(self.counts.word)
        everywhere = np.bincount(term, self.counts.articles).astype(np.float64)
        everywhere[np.bincount(term, self.counts.named) >= MOSTLY_NAMED * everywhere] = 0
        if not everywhere.any():
            return {}
        return {source: self._of(source, term, everywhere) for source in sources if source in self.sources}

    def _of(self, source: str, term: NDArray[np.int64], everywhere: NDArray[np.float64]) -> tuple[Apart, ...]:
        """What is in `everywhere`, for each term the articles it stands in, 0 for names, and not in this source as much."""
        number = self.sources[source]
        mine = slice(*np.searchsorted(self.counts.key, np.array([number, number + 1], np.uint64) << np.uint64(_SOURCE)))
        counts = self.counts.picked(mine)
        used, which = np.unique(term[mine], return_inverse=True)
        here, there = np.bincount(which, counts.articles).astype(np.float64), everywhere[used]
        all_here, all_words = here[there > 0].sum(), everywhere.sum()
        prior = PRIOR * all_words / self.articles.total()
        with np.errstate(divide="ignore", invalid="ignore"):
            z = _z(here, all_here, there - here, all_words - all_here, prior * there / all_words, prior)
        months = min(LEAST_MONTHS, self.months[source].bit_count())
        found = []
        for place in np.flatnonzero((there > 0) & (here >= LEAST_IN) & (z >= LEAST_Z)).tolist():
            forms = counts.picked(which == place)
            if int(np.bitwise_or.reduce(forms.months)).bit_count() >= months:
                found.append(Apart(self._most_used(forms), float(z[place]), int(here[place]), int(there[place] - here[place])))
        return tuple(sorted(found, key=lambda one: (-one.z, one.forms))[:MOST_SHOWN])

    def _most_used(self, forms: _Counts) -> tuple[str, ...]:
        """In one article a term is counted in the form it first has there, so its forms add up to its articles."""
        said = sorted((-articles, self.words.words[word]) for articles, word in zip(forms.articles.tolist(), forms.word.tolist(), strict=True))
        return tuple(word for _, word in said[:FORMS])


def _named(tokens: Tokens) -> NDArray[np.bool_]:
    """Whether each token is a name as in `told.terms`: a word with a capital that no beginning of a sentence gave it."""
    place = np.arange(len(tokens.word))
    begins = np.diff(tokens.text, prepend=-1) > 0
    begins[1:] |= ((tokens.shape == MARK) & among(tokens.first, SENTENCE_ENDS))[:-1]
    begun = np.maximum.accumulate(np.where(begins, place, 0))
    word_before = np.maximum.accumulate(np.where(np.roll(tokens.shape != MARK, 1), place, 0)) - 1
    return (tokens.shape > LOWER) & (tokens.shape < NUMBER) & (word_before >= begun)


def _z(
    here: NDArray[np.float64], all_here: float, there: NDArray[np.float64], all_there: float, prior: NDArray[np.float64], all_prior: float
) -> NDArray[np.float64]:
    """The difference of the two log-odds by its standard deviation: equations 16, 20 and 22 of the paper."""
    ours, theirs = here + prior, there + prior
    odds = np.log(ours / (all_here + all_prior - ours)) - np.log(theirs / (all_there + all_prior - theirs))
    return np.asarray(odds / np.sqrt(1 / ours + 1 / theirs))
