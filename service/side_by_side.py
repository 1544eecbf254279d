"""A comparison for people at a terminal: the articles, what they took over, what only one tells, the same fact as each words it."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterator, Sequence

import click

from service.terminal import WIDEST, harmless
from training.compare import Between, Compared, Comparison, SameFact
from training.told import Passage

MARGIN = 8


def lines(found: Comparison) -> Iterator[str]:
    """A comparison as lines with colours. A passage is named by its article and its own number: 2.1 is the first passage of the second article."""
    for number, article in enumerate(found.articles, 1):
        yield from _article(number, article)
    if found.too_few:
        return
    yield from _section("Taken over", [line for between in found.taken_over for line in _between(between, found.articles)])
    yield from _section("Told only here", [line for number, article in enumerate(found.articles) for line in _only_here(number, article)])
    yield from _section("The same fact in other words", [line for same in found.same_fact for line in _same_fact(same)])


def _section(title: str, shown: Sequence[str]) -> Iterator[str]:
    yield ""
    yield click.style(title, bold=True) + ("" if shown else ": nothing found")
    yield from shown


def _article(number: int, article: Compared) -> Iterator[str]:
    answer, told = article.answer, article.told
    yield click.style(f"{number:<{MARGIN}}{harmless(told.title or told.id) or '(standard input)'}", bold=True)
    if answer["status"] == "error":
        yield click.style(f"{'':<{MARGIN}}" + harmless("{code}: {message}".format(**answer["error"])), fg="red")
        return
    facts = [told.source or "source unknown", told.published or "undated", f"{told.words:,} words", _share(article)]
    yield f"{'':<{MARGIN}}" + harmless(", ".join(facts))


def _share(article: Compared) -> str:
    share, interval = article.answer["editorial_share"], article.answer["editorial_share_interval"]
    if share is None:
        return "too little evidence of who speaks"
    return f"{share:.0%} editorial" + (f" ({interval[0]:.0%} to {interval[1]:.0%})" if interval else "")


def _between(between: Between, articles: Sequence[Compared]) -> Iterator[str]:
    one, other = between.articles
    first, second = (one, other) if between.first in (None, one) else (other, one)
    names = f"{_name(first, articles)} and {_name(second, articles)}: "
    order = "undated, who came first is not known" if between.first is None else f"{_name(first, articles)} came first"
    shares = f"{between.shares[0]:.0%} of the words of {one + 1}, {between.shares[1]:.0%} of those of {other + 1}"
    yield click.style(f"  {names}{order}; {shares}", fg="magenta")
    for pair in between.passages:
        yield from _passage(one, pair.passages[0])
        yield from _passage(other, pair.passages[1])
        yield f"{'':<{MARGIN}}" + click.style(f"{pair.words} words, {pair.share:.0%} of the shorter", dim=True)


def _only_here(number: int, article: Compared) -> Iterator[str]:
    for passage in article.only_here:
        yield from _passage(number, passage)


def _same_fact(same: SameFact) -> Iterator[str]:
    for number, passage in zip(same.articles, same.passages, strict=True):
        yield from _passage(number, passage)
    yield f"{'':<{MARGIN}}" + click.style(harmless(f"both: {', '.join(same.shared)}"), dim=True)


def _passage(number: int, passage: Passage) -> Iterator[str]:
    width = max(20, min(WIDEST, shutil.get_terminal_size().columns) - MARGIN)
    for line, text in enumerate(textwrap.wrap(harmless(passage.text), width)):
        yield f"{f'  {number + 1}.{passage.number}' if line == 0 else '':<{MARGIN}}{text}"


def _name(number: int, articles: Sequence[Compared]) -> str:
    return f"{number + 1} ({harmless(articles[number].told.source or 'source unknown')})"
