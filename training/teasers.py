"""Articles without labels -> lists of teasers, as pages put them round an article: titles, with a date, an author, or how the article begins.

On a page that has lost its markup nothing looks more like an article than the beginnings of others. Lists made of real ones, in the forms that
pages have, teach the second stage what such a list looks like as a whole; no single line of it says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np

from training.article import Block, folded
from training.kinds import LabelledBlocks
from training.labelled import UnlabelledArticle

LISTS = 500
LENGTH = (3, 13)
"""Articles in a list; one source has at least as many as are in the shortest."""
LEAST_WORDS = 8
"""Of the first paragraph: a shorter one is a date, or a place, or a credit."""
SENTENCES, WORDS = (1, 2), (12, 44)
"""A teaser is so many sentences at most, often cut after so many words."""
CUT, HEADED = 0.6, 0.6
"""How often a teaser is cut short, and how often a list has a heading."""
HEADINGS = ("More from this author", "Related", "Most Read", "Latest News", "More stories", "You may also like", "Recommended", "Read next", "In other news")
SECTIONS = "News Politics Business World Sport Opinion Health Culture Local Science Technology Travel".split()
INVITATIONS = ("Read more", "Continue reading", "Read More »", "READ MORE", "More")
ENDINGS = ("", "...", "…", " …", " [...]")
NAMES = "Ana Tom Priya Daniel Ruth Marcus Elena Yusuf Grace Peter Noor Liam Sofia Kwame Helen Omar".split()
SURNAMES = "Bright Okafor Lindqvist Moreau Hale Castell Novak Iyer Brandt Quill Sato Farrow Dunne Alvi Kerr Mbeki".split()
MONTHS = "January February March April May June July August September October November December".split()

_SENTENCE = re.compile(r"[^.!?]*[.!?]+[\"'”’)\]]*\s*|[^.!?]+$")


def lists_of_teasers(articles: Sequence[UnlabelledArticle], seed: int) -> Iterator[LabelledBlocks]:
    """Lists of the articles of one source each, every line of them `related`. None where no source has enough articles."""
    chance = np.random.default_rng(seed)
    of_source: dict[str, list[tuple[str, str]]] = {}
    for article in articles:
        title, opening = folded(article.title or ""), folded(article.paragraphs[0] if article.paragraphs else "")
        if title and len(opening.split()) >= LEAST_WORDS:
            of_source.setdefault(article.source, []).append((title, opening))
    sources = sorted(source for source, told in of_source.items() if len(told) >= LENGTH[0])
    for _ in range(LISTS if sources else 0):
        source = sources[chance.integers(len(sources))]
        told = of_source[source]
        chosen = chance.choice(len(told), min(len(told), int(chance.integers(*LENGTH, endpoint=True))), replace=False)
        form = FORMS[chance.integers(len(FORMS))]
        invitation = _one_of(INVITATIONS, chance)
        lines = [_one_of(HEADINGS, chance)] if chance.random() < HEADED else []
        for number in chosen.tolist():
            title, opening = told[number]
            said = {"section": _one_of(SECTIONS, chance), "name": _name(chance), "date": _date(chance), "invitation": invitation}
            lines += form.format(title=title, teaser=_teaser(opening, chance), **said).split("\n")
        yield LabelledBlocks([Block(line, None, None) for line in lines], ["related"] * len(lines), source)


FORMS = (
    "{title}",
    "{teaser}",
    "{title}\n{teaser}",
    "{title}{teaser}",
    "{date}\n{title}",
    "{title}\nBy {name}\n{date}\n{teaser}",
    "{title}\n{name}\n{date}\n{teaser}",
    "{title}\n{date} | {name}\n{teaser}",
    "{section}\n{title}\n{teaser}\n{invitation}",
)
"""What stands in a list for each article, line by line."""


def _teaser(opening: str, chance: np.random.Generator) -> str:
    sentences = _SENTENCE.findall(opening)[: int(chance.integers(*SENTENCES, endpoint=True))]
    words = "".join(sentences).split()
    longest = int(chance.integers(*WORDS, endpoint=True))
    if len(words) > longest and chance.random() < CUT:
        return " ".join(words[:longest]) + _one_of(ENDINGS, chance)
    return " ".join(words)


def _name(chance: np.random.Generator) -> str:
    return f"{_one_of(NAMES, chance)} {_one_of(SURNAMES, chance)}"


def _date(chance: np.random.Generator) -> str:
    day, month, year = int(chance.integers(1, 29)), int(chance.integers(12)), int(chance.integers(2012, 2027))
    name = MONTHS[month]
    return _one_of(
        (
            f"{name} {day}, {year}", f"{day} {name} {year}", f"{name[:3]} {day}, {year}", f"{day:02}.{month + 1:02}.{year}",
            f"{year}-{month + 1:02}-{day:02}", f"{day % 23 + 1} hours ago", f"{day} {name[:3].upper()} {year}",
        ),
        chance,
    )  # fmt: skip


def _one_of(choices: Sequence[str], chance: np.random.Generator) -> str:
    return choices[int(chance.integers(len(choices)))]
