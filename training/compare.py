"""Results of one story -> what they share and what they do not: passages taken over, what only one source tells, the same fact in other words.

Nothing here says who is right. What only one tells may be its own reporting, or what the others left out, or not so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.dates import earlier
from training.likeness import Rows, weighed
from training.takeover import TakenOver, taken_over
from training.told import Passage, Term, Told, terms, told

LEAST_ARTICLES, MOST_ARTICLES = 2, 8
ONLY_HERE = 0.15
"""A passage that is less alike than this to every passage of the other sources is told here alone. In seeds/stories, 60 of 64 passages that were written
to be so are below, and none of the 68 that were taken over."""
SAME_FACT = 0.2
"""Passages at least so alike that share a name or a number tell of the same."""
LEAST_TERMS = 3
"""A passage of fewer terms is neither: `It didn't.` stands in no other article, and tells nothing."""
DECIMALS = 4


@dataclass(frozen=True, slots=True)
class Compared:
    """One article: what was found of it, and the passages that no other source tells. One that could not be scored has none."""

    answer: Mapping[str, Any]
    told: Told
    only_here: tuple[Passage, ...]

    def as_dict(self) -> dict[str, Any]:
        if self.answer["status"] == "error":
            return {name: self.answer[name] for name in ("id", "source", "status", "error")}
        figures = {name: self.answer.get(name) for name in ("label", "editorial_share", "editorial_share_interval")}
        article = self.told
        named = {"id": article.id, "source": article.source, "status": "ok", "title": article.title, "published": article.published}
        return {**named, "words": article.words, **figures, "only_here": [_place(passage) for passage in self.only_here]}


@dataclass(frozen=True, slots=True)
class Between:
    """What two articles have in common, by their numbers: passages taken over, and which of the two came first, if that is known."""

    articles: tuple[int, int]
    first: int | None
    passages: tuple[TakenOver, ...]
    words: tuple[int, int]

    @property
    def shares(self) -> list[float]:
        """Of each article's words, those in passages that were taken over."""
        both = [{pair.passages[side] for pair in self.passages} for side in (0, 1)]
        return [sum(len(passage.words) for passage in found) / words for found, words in zip(both, self.words, strict=True)]

    def as_dict(self) -> dict[str, Any]:
        passages = [{"places": [_place(place) for place in pair.passages], "words": pair.words, "share": _rounded(pair.share)} for pair in self.passages]
        return {"articles": list(self.articles), "first": self.first, "shares": [_rounded(share) for share in self.shares], "passages": passages}


@dataclass(frozen=True, slots=True)
class SameFact:
    """Passages of two sources that tell of the same in words of their own: how alike they are, and the names and numbers that both have."""

    articles: tuple[int, int]
    passages: tuple[Passage, Passage]
    alike: float
    shared: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        places = [_place(passage) for passage in self.passages]
        return {"articles": list(self.articles), "places": places, "alike": _rounded(self.alike), "shared": list(self.shared)}


@dataclass(frozen=True, slots=True)
class Comparison:
    """Articles in the order they were given, and what is between each two of them."""

    articles: tuple[Compared, ...]
    taken_over: tuple[Between, ...]
    same_fact: tuple[SameFact, ...]

    def as_dict(self) -> dict[str, Any]:
        """The comparison, ready for JSON. Articles are named by their place in `articles`, from 0."""
        return {name: [found.as_dict() for found in getattr(self, name)] for name in ("articles", "taken_over", "same_fact")}

    @property
    def failures(self) -> list[Mapping[str, Any]]:
        """The errors of articles that could not be scored."""
        return [article.answer["error"] for article in self.articles if article.answer["status"] == "error"]

    @property
    def too_few(self) -> bool:
        return len(self.articles) - len(self.failures) < LEAST_ARTICLES


def compare(answers: Sequence[Mapping[str, Any]]) -> Comparison:
    """Compare results of two articles or more, as the README shows them; raises DataError where they hold no texts.

    Two articles of one source are compared for what was taken over, but do not make each other's passages less its own."""
    articles = [told(answer) for answer in answers]
    passages = _Passages.of(articles)
    between = tuple(_between(articles, *numbers) for numbers in combinations(range(len(articles)), 2))
    taken = {(article, passage.number) for pair in between for both in pair.passages for article, passage in zip(pair.articles, both.passages, strict=True)}
    only = [tuple(passages.only_of(number, taken)) for number in range(len(articles))]
    compared = tuple(Compared(answer, article, here) for answer, article, here in zip(answers, articles, only, strict=True))
    return Comparison(compared, tuple(pair for pair in between if pair.passages), tuple(passages.same_facts(between)))


@dataclass(frozen=True, slots=True)
class _Passages:
    """All passages of all articles that say something, each with its article's number and its terms; who tells each, by a number, and how alike any two
    of different sources are. Where no source is known, nobody else's article has the same."""

    tellers: NDArray[np.int64]
    held: Sequence[tuple[int, Passage, Mapping[str, Term]]]
    alike: NDArray[np.float64]

    @classmethod
    def of(cls, articles: Sequence[Told]) -> _Passages:
        found = ((number, passage, terms(passage.text)) for number, article in enumerate(articles) for passage in article.passages)
        held = [(number, passage, said) for number, passage, said in found if len(said) >= LEAST_TERMS]
        rows = Rows()
        for _, _, said in held:
            rows.add_terms(said)
        weights = weighed(rows.matrix(range(len(held))))
        alike = (weights @ weights.T).toarray()
        sources = [articles[number].source or number for number, _, _ in held]
        numbers = {source: number for number, source in enumerate(dict.fromkeys(sources))}
        tellers = np.array([numbers[source] for source in sources], np.int64)
        alike[tellers[:, None] == tellers[None, :]] = 0
        return cls(tellers, held, alike)

    def only_of(self, article: int, taken: set[tuple[int, int]]) -> Iterator[Passage]:
        """The passages of an article that no other source tells. Where there is no other source, none."""
        if len(np.unique(self.tellers)) < 2:
            return
        for place, (number, passage, _) in enumerate(self.held):
            if number == article and (number, passage.number) not in taken and self.alike[place].max() < ONLY_HERE:
                yield passage

    def same_facts(self, between: Sequence[Between]) -> Iterator[SameFact]:
        """For each two articles the passages that are each other's most alike, and were not taken over, most alike first."""
        for pair in between:
            taken = {tuple(passage.number for passage in both.passages) for both in pair.passages}
            one, other = ([place for place, (number, _, _) in enumerate(self.held) if number == article] for article in pair.articles)
            found = [self._same(pair.articles, *places) for places in _mutual(self.alike, one, other)]
            yield from sorted((same for same in found if same.shared and tuple(passage.number for passage in same.passages) not in taken), key=_most_alike)

    def _same(self, articles: tuple[int, int], one: int, other: int) -> SameFact:
        (_, passage, said), (_, counterpart, also_said) = self.held[one], self.held[other]
        shared = tuple(term.written for stem, term in said.items() if stem in also_said and (term.named or also_said[stem].named))
        return SameFact(articles, (passage, counterpart), float(self.alike[one, other]), shared)


def _between(articles: Sequence[Told], one: int, other: int) -> Between:
    first = earlier(articles[one].published, articles[other].published)
    passages = tuple(taken_over(articles[one], articles[other]))
    return Between((one, other), None if first is None else (one, other)[first], passages, (articles[one].words, articles[other].words))


def _mutual(alike: NDArray[np.float64], one: Sequence[int], other: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Places that are each other's most alike, and enough so."""
    if not one or not other:
        return
    block = alike[np.ix_(one, other)]
    for row, column in enumerate(block.argmax(axis=1).tolist()):
        if block[row, column] >= SAME_FACT and block[:, column].argmax() == row:
            yield one[row], other[column]


def _most_alike(same: SameFact) -> tuple[float, int]:
    return -same.alike, same.passages[0].number


def _place(passage: Passage) -> dict[str, Any]:
    return {"passage": passage.number, "start": passage.start, "end": passage.end, "text": passage.text}


def _rounded(share: float) -> float:
    return round(share, DECIMALS)
