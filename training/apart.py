"""Editorial passages of many sources -> the terms that set each source's apart from those of the others.

The log-odds ratio with an informative Dirichlet prior, as a z-score: B. L. Monroe, M. P. Colaresi and K. M. Quinn, "Fightin' Words: Lexical Feature Selection
and Evaluation for Identifying the Content of Political Conflict", Political Analysis 16 (2008), pages 372 to 403. Theirs counts words; here a term counts once
an article, because words of one article hang together: what one article says twenty times, it says.

It is to show manner and not topics, so names and numbers are left out, and what stands in few articles or in one season alone."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from math import log, sqrt
from typing import NamedTuple

from training.likeness import MOSTLY_NAMED
from training.told import SENTENCE_ENDS, WORD, folded_word, stem

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
"""Words held, each once for every source that uses it, some 150 MB. When there are more, those in the fewest articles are let go until half are left. As long
as none was, nothing depends on the order of articles; after that, a count may be too low by as many articles as `let_go` says."""
FORMS = 2
"""Forms in which a term is shown, the most used first."""

_NAMED, _COUNT = 12, 36
"""What is held of a word is one whole number: below bit 12 the months of the year it stands in, from there on in how many articles it is a name, from bit 36 on
in how many it stands. Objects for each would take several times the memory."""
_ONE = 1 << _COUNT
_ONE_NAMED = _ONE + (1 << _NAMED)
_STOP = " . "


class Apart(NamedTuple):
    """A term that a source uses more than others: its forms, its z-score, in how many articles it stands here and elsewhere."""

    forms: tuple[str, ...]
    z: float
    here: int
    elsewhere: int


@dataclass(slots=True)
class Usage:
    """Who uses which word, in whole numbers: of each source its words, its articles with editorial passages, and the months those are of."""

    words: dict[str, dict[str, int]] = field(default_factory=dict)
    articles: Counter[str] = field(default_factory=Counter)
    months: dict[str, int] = field(default_factory=dict)
    held: int = 0
    let_go: int = 0

    def add(self, source: str, passages: Iterable[str], month: int | None) -> None:
        """Take in the editorial passages of an article, and the month of the year it is of, 1 to 12."""
        said = self.words.setdefault(source, {})
        before, bit = len(said), 1 << (month - 1) if month else 0
        for word, named in _terms(passages).values():
            said[word] = said.get(word, 0) + (_ONE_NAMED if named else _ONE) | bit
        self.articles[source] += 1
        self.months[source] = self.months.get(source, 0) | bit
        self.held += len(said) - before
        if self.held > MOST_COUNTS:
            self._let_go()

    def _let_go(self) -> None:
        rare = 0
        while self.held > MOST_COUNTS // 2:
            rare += 1
            self.words = {source: {word: packed for word, packed in said.items() if packed >> _COUNT > rare} for source, said in self.words.items()}
            self.held = sum(map(len, self.words.values()))
        self.let_go += rare

    def apart(self, sources: Collection[str]) -> dict[str, tuple[Apart, ...]]:
        """Of each of these sources the terms that set it apart from all others, the surest first; nothing where there is no other source."""
        roots: dict[str, str] = {}
        for said in self.words.values():
            roots.update((word, stem(word)) for word in said.keys() - roots.keys())
        everywhere: dict[str, int] = defaultdict(int)
        named: dict[str, int] = defaultdict(int)
        for said in self.words.values():
            for word, packed in said.items():
                root = roots[word]
                everywhere[root] += packed >> _COUNT
                if is_named := _named(packed):
                    named[root] += is_named
        common = {root: count for root, count in everywhere.items() if named.get(root, 0) < MOSTLY_NAMED * count}
        if len(self.articles) < 2 or not common:
            return {}
        return {source: tuple(self._of(source, common, roots)) for source in sources if source in self.words}

    def _of(self, source: str, common: Mapping[str, int], roots: Mapping[str, str]) -> list[Apart]:
        said = self.words[source]
        used: dict[str, int] = defaultdict(int)
        for word, packed in said.items():
            used[roots[word]] += packed >> _COUNT
        here, everywhere = sum(count for root, count in used.items() if root in common), sum(common.values())
        prior = PRIOR * everywhere / self.articles.total()
        scores = {
            root: _z(count, here, common[root] - count, everywhere - here, prior * common[root] / everywhere, prior)
            for root, count in used.items()
            if root in common and count >= LEAST_IN
        }
        sure = {root: z for root, z in scores.items() if z >= LEAST_Z}
        forms: dict[str, list[tuple[int, str]]] = {root: [] for root in sure}
        for word, packed in said.items():
            if (root := roots[word]) in sure:
                forms[root].append((packed, word))
        months = min(LEAST_MONTHS, self.months[source].bit_count())
        found = [Apart(_most_used(forms[root]), z, used[root], common[root] - used[root]) for root, z in sure.items() if _months(forms[root]) >= months]
        return sorted(found, key=lambda one: (-one.z, one.forms))[:MOST_SHOWN]


class _Word(NamedTuple):
    """A word as it stands in print between two spaces: its term, itself without capitals, whether it is a name or number wherever it stands, and whether
    it is one unless a sentence begins with it."""

    root: str
    word: str
    named: bool
    capital: bool


def _terms(passages: Iterable[str]) -> dict[str, tuple[str, bool]]:
    """Of each term in an article's passages the form it first has, and whether it is a name or number: what `told.terms` finds in four times the time."""
    printed = _STOP.join(passages).split()
    capitals = {one for before, one in zip([_STOP[1], *printed], printed, strict=False) if one[0].isupper() and before[-1] not in SENTENCE_ENDS}
    found: dict[str, tuple[str, bool]] = {}
    for one in dict.fromkeys(printed):
        for root, word, named, capital in _words(one):
            is_name = named or (capital and one in capitals)
            if root not in found or (is_name and not found[root][1]):
                found[root] = word, is_name
    return found


@lru_cache(1 << 18)
def _words(printed: str) -> tuple[_Word, ...]:
    """The terms in what stands between two spaces, such as `"Anti-American,`; only the first can begin a sentence."""
    words = WORD.findall(printed)
    read = [
        _Word(stem(word), folded_word(word), word[0].isdigit() or (number > 0 and word[0].isupper()), number == 0 and word[0].isupper())
        for number, word in enumerate(words)
    ]
    return tuple(word for word in read if word.root)


def _z(here: int, all_here: int, there: int, all_there: int, prior: float, all_prior: float) -> float:
    """The difference of the two log-odds by its standard deviation: equations 16, 20 and 22 of the paper."""
    ours, theirs = here + prior, there + prior
    odds = log(ours / (all_here + all_prior - ours)) - log(theirs / (all_there + all_prior - theirs))
    return odds / sqrt(1 / ours + 1 / theirs)


def _most_used(forms: Sequence[tuple[int, str]]) -> tuple[str, ...]:
    """In one article a term is counted in the form it first has there, so its forms add up to its articles."""
    return tuple(word for _, word in sorted(forms, key=lambda form: (-(form[0] >> _COUNT), form[1]))[:FORMS])


def _months(forms: Sequence[tuple[int, str]]) -> int:
    months = 0
    for packed, _ in forms:
        months |= packed & ((1 << _NAMED) - 1)
    return months.bit_count()


def _named(packed: int) -> int:
    return packed >> _NAMED & ((1 << _COUNT - _NAMED) - 1)
