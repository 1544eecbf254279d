"""Results -> articles as they are compared: who tells it and when, its passages with their words, and its words as terms.

A term is a word without its ending. Names and numbers are known apart: what an event is called by, whoever tells it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

from training.article import TEXT_KINDS
from training.errors import DataError

MOST_PASSAGES = 400
"""Passages of one article that are compared, the first of them; an article that has more is a book or an attack."""
LONGEST_STEM = 7
"""Characters of a word that tell it from others: `council` and `councillors` are one."""

_A_WORD = r"\d+(?:[.,:]\d+)*|[^\W\d_]+(?:['’][^\W\d_]+)*"
SENTENCE_ENDS = '.!?:“”"‘\n'
WORD = re.compile(_A_WORD)
_TOKEN = re.compile(f"{_A_WORD}|[{SENTENCE_ENDS}]")
_ENDING = re.compile(r"(?:'s|s'|ings?|ers?|ed|es|s|e|ly)$")
_FUNCTION_WORDS = (
    "a about above after again against all almost along already also although always am among an and another any are around as at away back be because been"
    " before being between both but by came can cannot come could day days did do does down during each early either else even ever every few first for from"
    " further get give given go goes going gone got had has have having he her here hers herself him himself his how however i if in into is it its itself"
    " just last late later least less like made make makes many may me might more most much must my near never next no nobody nor not nothing now of off often"
    " old on once one only or other others our out over own per put rather said same say says see seen set she should since so some still such take than that"
    " the their theirs them themselves then there these they thing this those though three through thus to told too took toward two under until up upon us very"
    " was way we well went were what when where whether which while who whom whose why will with within without would year years yet you your yours"
    " mr mrs ms dr monday tuesday wednesday thursday friday saturday sunday"
    " january february march april june july august september october november december"
)
FUNCTION_WORDS = frozenset(_FUNCTION_WORDS.split())
"""Words that stand in articles on anything, days and months among them; no terms."""


class Term(NamedTuple):
    """A term of a text: how it is written there, and whether it is a name (with a capital that no beginning of a sentence gave it) or a number of two
    figures or more."""

    written: str
    named: bool


@dataclass(frozen=True)
class Passage:
    """A passage: its number in its article, from 1, its place in the input, its text."""

    number: int
    start: int | None
    end: int | None
    text: str

    @cached_property
    def words(self) -> tuple[str, ...]:
        """Its words, folded, in order."""
        return tuple(map(folded_word, WORD.findall(self.text)))


@dataclass(frozen=True)
class Told:
    """One article as it is compared. `source` is None where it is not known, `published` as its page says it."""

    id: str
    source: str | None
    title: str | None
    published: str | None
    headings: tuple[str, ...]
    passages: tuple[Passage, ...]

    @property
    def terms(self) -> dict[str, Term]:
        """The terms of all of its own text. Headings, in which all words may have capitals, tell no names."""
        headings = {stem: term._replace(named=False) for stem, term in terms("\n".join([self.title or "", *self.headings])).items()}
        return headings | terms("\n".join(passage.text for passage in self.passages))

    @property
    def words(self) -> int:
        return sum(len(passage.words) for passage in self.passages)


def told(answer: Mapping[str, Any]) -> Told:
    """A result, in the form that the README shows, as it is compared; raises DataError where its blocks hold no texts."""
    try:
        own = [block for block in answer["blocks"] if block["kind"] in TEXT_KINDS]
        bodies = [block for block in own if block["kind"] == "body"][:MOST_PASSAGES]
        passages = tuple(Passage(number, block["start"], block["end"], block["text"]) for number, block in enumerate(bodies, 1))
        headings = tuple(block["text"] for block in own if block["kind"] == "subheading")
    except KeyError as error:
        raise DataError(f"a result has no {error}; articles are compared by their texts, so score them without --no-text") from None
    return Told(answer["id"], answer["source"], answer.get("title"), answer.get("published"), headings, passages)


def terms(text: str) -> dict[str, Term]:
    """The terms of a text, in the order they first stand in."""
    found: dict[str, Term] = {}
    settled: set[str] = set()
    begins = True
    for token in _TOKEN.findall(text):
        if token in SENTENCE_ENDS:
            begins = True
            continue
        if token not in settled:
            root = stem(token)
            named = token[0].isdigit() or (token[0].isupper() and not begins)
            if root and (root not in found or (named and not found[root].named)):
                found[root] = Term(token, named)
            if named or not root or not token[0].isupper():
                settled.add(token)
        begins = False
    return found


@lru_cache(1 << 16)
def folded_word(word: str) -> str:
    """A word as it is compared with others: without capitals, and a number without the marks between its thousands."""
    return word.lower().replace("’", "'").replace(",", "")


@lru_cache(1 << 16)
def stem(word: str) -> str:
    """The term that a word is, or nothing for one that says nothing."""
    said = folded_word(word)
    if said in FUNCTION_WORDS or len(said) < 2:
        return ""
    return said if said[0].isdigit() else (_ENDING.sub("", said) if len(said) > 4 else said)[:LONGEST_STEM]
