"""Files of results -> the stories that several of their sources tell, each with its articles side by side.

The files are read twice: once for the terms of all articles, of which no text is kept, and once more for the articles of the stories that are told."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from training.article import LABELS, whole_characters
from training.compare import MOST_ARTICLES, Comparison, SameFact, compare
from training.counted import CHANGED, Answer, read_answers
from training.dates import day_of
from training.errors import DataError
from training.stories import Story, stories
from training.told import Told, told

MOST_STORIES = 50
"""Stories told: those of most sources, then of most articles, then those most alike."""


@dataclass(frozen=True, slots=True)
class Retold:
    """A story, how many articles and sources tell it, how alike they are, and its articles compared, one of each source before a second of any."""

    articles: int
    sources: int
    alike: float
    comparison: Comparison

    @property
    def title(self) -> str:
        """What the first of its articles that has a title is called."""
        held = [article.told for article in self.comparison.articles]
        return next((article.title for article in held if article.title), held[0].id)

    @property
    def passages_taken_over(self) -> int:
        return sum(len(between.passages) for between in self.comparison.taken_over)

    @property
    def facts(self) -> list[SameFact]:
        """Passages of one fact, those most alike first."""
        return sorted(self.comparison.same_fact, key=lambda same: (-same.alike, same.articles))


@dataclass(frozen=True, slots=True)
class Stories:
    """The stories that are told, and how many were found among how many articles, so many of which have no day that can be read: they are compared with
    articles of any, and what comes back every year, with the same names, may seem one event."""

    told: tuple[Retold, ...]
    found: int
    articles: int
    undated: int


def retold(paths: Sequence[Path]) -> Stories:
    """The stories in files that `counted.read_results` has read before; raises DataError where results hold no texts.

    Memory is what `stories` says, and the texts of the articles that are told."""
    read = _Read()
    found = stories(read.articles(paths))
    picked = sorted(found, key=lambda story: (-read.sources(story), -len(story.articles), -story.alike, story.articles))[:MOST_STORIES]
    shown = [[read.numbers[place] for place in read.shown(story)] for story in picked]
    wanted = {number for numbers in shown for number in numbers}
    answers = {one.number: _answer(one) for one in read_answers(paths, wanted)}
    if len(answers) < len(wanted):
        raise DataError(CHANGED)
    compared = [compare([answers[number] for number in numbers]) for numbers in shown]
    told = (Retold(len(story.articles), read.sources(story), story.alike, beside) for story, beside in zip(picked, compared, strict=True))
    return Stories(tuple(told), len(found), len(read.numbers), sum(read.undated))


@dataclass(frozen=True, slots=True)
class _Read:
    """Of each article that was read its number among the results, whether it has no day, and who tells it; where nobody knows, nobody else's article has
    the same."""

    numbers: array[int] = field(default_factory=lambda: array("Q"))
    undated: bytearray = field(default_factory=bytearray)
    tellers: list[str | int] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)

    def articles(self, paths: Sequence[Path]) -> Iterator[Told]:
        for one in read_answers(paths):
            answer = _answer(one)
            if answer["source"]:
                answer["source"] = self.names.setdefault(answer["source"], answer["source"])
            self.numbers.append(one.number)
            self.undated.append(day_of(answer["published"]) is None)
            self.tellers.append(answer["source"] or one.number)
            yield told(answer)

    def sources(self, story: Story) -> int:
        return len({self.tellers[place] for place in story.articles})

    def shown(self, story: Story) -> list[int]:
        """The articles that are laid side by side, in the story's order: the first of each source, and the next as long as there is room."""
        first = {self.tellers[place]: place for place in reversed(story.articles)}
        by_turn = sorted(story.articles, key=lambda place: first[self.tellers[place]] != place)
        return sorted(by_turn[:MOST_ARTICLES], key=story.articles.index)


def _answer(one: Answer) -> dict[str, Any]:
    """What comparing needs of a result."""
    said = one.answer
    named = {name: whole_characters(value) if isinstance(value := said.get(name), str) else None for name in ("source", "title", "published")}
    figures = {"editorial_share": _share(said.get("editorial_share")), "editorial_share_interval": _interval(said.get("editorial_share_interval"))}
    blocks = [_block(block, one.place) for block in said["blocks"]]
    label = said.get("label")
    return {"id": whole_characters(said.get("id") or ""), "status": "ok", "label": label if label in LABELS else None, **named, **figures, "blocks": blocks}


def _block(block: Mapping[str, Any], place: str) -> dict[str, Any]:
    text = block.get("text")
    if not isinstance(text, str):
        raise DataError(f"{place} holds no texts, by which stories are found; score without --no-text, or leave --stories out")
    start, end = (said if isinstance(said := block.get(name), int) else None for name in ("start", "end"))
    return {"kind": block["kind"], "start": start, "end": end, "text": whole_characters(text)}


def _share(said: Any) -> float | None:
    return float(said) if isinstance(said, int | float) else None


def _interval(said: Any) -> tuple[float, float] | None:
    if not isinstance(said, list) or len(said) != 2:
        return None
    low, high = map(_share, said)
    return None if low is None or high is None else (low, high)
