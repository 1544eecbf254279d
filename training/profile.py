"""Results -> figures of each source: how much of it is editorial, how sure that is, how it is spread over articles and months, what stands round it.

Results are read as a stream. Of each article a few whole numbers are added up, and sums of whole numbers are the same in any order; its text is looked at
and let go, and nothing of it is kept but the titles of a few articles of each source."""

from __future__ import annotations

from array import array
from bisect import insort
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import NamedTuple

import numpy as np

from training.apart import Apart, Usage
from training.attribution import Passages, Spoken, spoken
from training.counted import Counted
from training.dates import month_of
from training.model import Identity
from training.ratio import Ratio
from training.sections import MOST_SECTIONS

SPREAD = ("below_10", "from_10_to_50", "from_50_to_90", "above_90")
"""Articles by the editorial share of each, in per cent: 10 itself is in the second, 50 and 90 are in the third."""
EXAMPLES = 3
"""Articles named for each source: those that hold most of its editorial words."""
TOGETHER = 1 << 20
"""Characters of texts that are looked at at once; those of more articles are never held."""


class Example(NamedTuple):
    """An article that holds many of its source's editorial words; ordered from the one that holds most."""

    fewer_editorial: int
    words: int
    id: str
    title: str

    @property
    def editorial(self) -> int:
        return -self.fewer_editorial


@dataclass(slots=True)
class Measured(Ratio):
    """Articles that have labelled passages: how many of those passages' words are editorial."""

    spread: list[int] = field(default_factory=lambda: [0] * len(SPREAD))

    def add(self, words: int, part: int) -> None:
        """Take in an article with `words` > 0 words in labelled passages, `part` of them in editorial ones."""
        Ratio.add(self, words, part)
        self.spread[(10 * part >= words) + (2 * part >= words) + (10 * part > 9 * words)] += 1

    @property
    def editorial(self) -> int:
        return self.part


@dataclass(slots=True)
class Source:
    """All that is known of one source. `articles` were scored, `measured` are those of them with labelled passages; failed ones are in neither. `quoted` and
    `attributed` are of the articles whose results hold texts: how many of their words are quoted, and how many are attributions."""

    name: str
    articles: int = 0
    passages: int = 0
    unlabelled: int = 0
    undated: int = 0
    text_words: int = 0
    measured: Measured = field(default_factory=Measured)
    quoted: Ratio = field(default_factory=Ratio)
    attributed: Ratio = field(default_factory=Ratio)
    months: dict[str, Measured] = field(default_factory=dict)
    sections: dict[str, Measured] = field(default_factory=dict)
    round_it: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    examples: list[Example] = field(default_factory=list)

    def add(self, article: Counted, by_month: bool) -> None:
        """Take in one article."""
        if article.failure:
            self.failures[article.failure] += 1
            return
        self.articles += 1
        self.passages += article.passages
        self.unlabelled += article.unlabelled
        self.text_words += article.text_words
        for kind, words in article.round_it.items():
            self.round_it[kind] += words
        if article.words:
            self.measured.add(article.words, article.editorial)
            if by_month:
                self._add_to_month(article)
            if article.section and (article.section in self.sections or len(self.sections) <= MOST_SECTIONS):
                self.sections.setdefault(article.section, Measured()).add(article.words, article.editorial)
        if article.editorial:
            insort(self.examples, Example(-article.editorial, article.words, article.id, article.title))
            del self.examples[EXAMPLES:]

    def add_spoken(self, said: Spoken) -> None:
        """Take in who speaks in an article that was added."""
        if said.words:
            self.quoted.add(said.words, said.quoted)
            self.attributed.add(said.words, said.attributions)

    def _add_to_month(self, article: Counted) -> None:
        month = month_of(article.published)
        if month is None:
            self.undated += 1
        else:
            self.months.setdefault(month, Measured()).add(article.words, article.editorial)

    @property
    def told_sections(self) -> list[tuple[str, Measured]]:
        """Sections of enough articles, those of most words first; none where there are too many to be sections."""
        if len(self.sections) > MOST_SECTIONS:
            return []
        return sorted(((name, found) for name, found in self.sections.items() if not found.too_few), key=lambda section: (-section[1].words, section[0]))

    @property
    def all_words(self) -> int:
        """The words of all blocks, the article's own and those round it."""
        return self.text_words + self.round_it.total()

    def share_round_it(self, *kinds: str) -> float | None:
        """The share of all words that stand in boilerplate of these kinds; None where there are no words."""
        return sum(self.round_it[kind] for kind in kinds) / self.all_words if self.all_words else None


@dataclass(frozen=True, slots=True)
class Profile:
    """Sources by name, how many results each model made, and how many results have the id of another; of sources with enough articles the terms that set
    them apart, which may be missed by `let_go` articles."""

    sources: tuple[Source, ...]
    models: Mapping[Identity, int]
    repeated: int
    by_month: bool
    apart: Mapping[str, tuple[Apart, ...]]
    let_go: int

    @property
    def ranked(self) -> list[Source]:
        """Sources with enough articles, the largest editorial share first."""
        return sorted((source for source in self.sources if not source.measured.too_few), key=lambda source: -(source.measured.share or 0))

    @property
    def too_few(self) -> list[Source]:
        return [source for source in self.sources if source.measured.too_few]


def profile(results: Iterable[Counted], by_month: bool = False) -> Profile:
    """Add up results. Memory grows with sources, their months and sections, up to a bound with the words of their editorial passages (`apart.MOST_COUNTS`),
    and by 8 bytes an article, which tell repeated ids."""
    sources: dict[str, Source] = {}
    usage = Usage()
    models: Counter[Identity] = Counter()
    ids = array("Q")
    for some in _in_parts(results):
        for article in some:
            if article.source not in sources:
                sources[article.source] = Source(article.source)
            sources[article.source].add(article, by_month)
            models[article.model] += 1
            if article.id:
                ids.append(int.from_bytes(blake2b(article.id.encode(), digest_size=8).digest(), "little"))
        if told := [article for article in some if article.texts]:
            _add_texts(told, sources, usage)
    repeated = len(ids) - len(np.unique(np.frombuffer(ids, np.uint64))) if ids else 0
    apart = usage.apart([name for name, source in sorted(sources.items()) if not source.measured.too_few])
    return Profile(tuple(sources[name] for name in sorted(sources)), dict(sorted(models.items())), repeated, by_month, apart, usage.let_go)


def _add_texts(articles: Sequence[Counted], sources: Mapping[str, Source], usage: Usage) -> None:
    """What is told from the texts of articles that hold some."""
    passages = Passages.read([article.labels for article in articles], [article.texts for article in articles])
    for article, found in zip(articles, spoken(passages), strict=True):
        sources[article.source].add_spoken(found)
    months = [month_of(article.published) for article in articles]
    usage.add(passages, [article.source for article in articles], [int(month[-2:]) if month else None for month in months])


def _in_parts(results: Iterable[Counted]) -> Iterator[list[Counted]]:
    """Results in parts that hold about as much text; of those without texts, a thousand."""
    some: list[Counted] = []
    left = TOGETHER
    for article in results:
        some.append(article)
        left -= sum(map(len, article.texts)) + TOGETHER // 1000
        if left <= 0:
            yield some
            some, left = [], TOGETHER
    if some:
        yield some
