"""A profile -> one page that needs nothing else, and beside it every figure as CSV and JSON."""

from __future__ import annotations

import csv
import io
import json
import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from service import charts
from service.made_by import Card
from training.apart import LEAST_IN, LEAST_Z, Apart
from training.compare import Compared
from training.counted import BOILERPLATE
from training.extras import MissingExtraError
from training.model import write_whole
from training.profile import SPREAD, Measured, Profile, Source
from training.ratio import LEAST_ARTICLES, LEVEL, Ratio
from training.retold import Retold, Stories

log = logging.getLogger(__name__)

DECIMALS = 4
SPREAD_IN_WORDS = ("below 10 %", "10 to 50 %", "50 to 90 %", "above 90 %")
ASKING, SELLING = "appeal", "advert"
"""The kinds of boilerplate that work for the publisher, shown apart."""
STORY_COLUMNS = (
    "story title alike id source published words editorial_share other_id other_source other_published other_words other_editorial_share first"
    " taken_over taken_over_share other_taken_over_share passages passage other_passage shared_words share likeness text other_text"
)
PAIRS_SHOWN, FACTS_SHOWN = 12, 6
"""Passages that stand side by side on the page: taken over between two articles, and of one fact in a story. All stand in the JSON."""

Figures = dict[str, Any]


def outputs(page: Path, with_stories: bool = False) -> list[Path]:
    """The page and the files beside it."""
    return [page, page.with_suffix(".csv"), page.with_suffix(".json"), *([page.with_suffix(".stories.csv")] if with_stories else [])]


def write_report(found: Profile, page: Path, told: Stories | None = None, card: Card | None = None) -> None:
    """Write them all, each whole or not at all."""
    contents = [as_html(found, page, told, card), as_csv(found), as_json(found, told, card), *([as_stories_csv(told)] if told else [])]
    for path, content in zip(outputs(page, told is not None), contents, strict=True):
        write_whole(path, content.encode(errors="backslashreplace"))  # a page's name may be no UTF-8


def as_json(found: Profile, told: Stories | None = None, card: Card | None = None) -> str:
    """Every figure: sources by name, each with its months, sections, terms and examples; the stories, if they were asked for; the model's card."""
    report: Figures = {
        "level": LEVEL,
        "least_articles": LEAST_ARTICLES,
        "repeated_ids": found.repeated,
        "terms_missed_by_at_most": found.let_go,
        "models": [{**model._asdict(), "results": results} for model, results in found.models.items()],
        "card": card and card.as_dict(),
        "sources": [
            {
                **source_figures(source),
                "failures": dict(sorted(source.failures.items())),
                "terms": [
                    {"forms": list(term.forms), "z": round(term.z, 2), "articles": term.here, "articles_elsewhere": term.elsewhere}
                    for term in found.apart.get(source.name, ())
                ],
                "months": [{"month": month, **measured_figures(measured)} for month, measured in sorted(source.months.items())],
                "sections": [{"section": name, **measured_figures(measured)} for name, measured in source.told_sections],
                "examples": [
                    {"id": one.id, "title": one.title, "words": one.words, "editorial_words": one.editorial} for one in source.examples
                ],
            }
            for source in found.sources
        ],
    }  # fmt: skip
    if told:
        report |= {"stories_found": told.found, "stories_undated_articles": told.undated, "stories": [story_figures(story) for story in told.told]}
    return json.dumps(report, ensure_ascii=False, indent=1) + "\n"


def as_csv(found: Profile) -> str:
    """A row for each source, and below it one for each of its months and sections; `month` and `section` are empty in the first, and what is told of the
    source alone in the others."""
    rows: list[Figures] = []
    for source in found.sources:
        told = {"failures": _in_words(source.failures), "terms": terms_in_words(found.apart.get(source.name, ()))}
        rows.append({"source": source.name, "month": "", "section": "", **source_figures(source), **told})
        rows += [{"source": source.name, "month": month, **measured_figures(measured)} for month, measured in sorted(source.months.items())]
        rows += [{"source": source.name, "section": name, **measured_figures(measured)} for name, measured in source.told_sections]
    return _table(list(rows[0]), rows)


def as_stories_csv(told: Stories) -> str:
    """Of each story a row for each two of its articles, and below it one for each passage that was taken over between them, or tells the same fact; those
    rows name what they are under `passages` and have the texts, and what is told of the two articles is empty in them."""
    rows: list[Figures] = []
    for number, story in enumerate(told.told, 1):
        articles = story.comparison.articles
        between = {found.articles: found for found in story.comparison.taken_over}
        for both in combinations(range(len(articles)), 2):
            one, other = (articles[place] for place in both)
            pair = {"story": number, "id": one.told.id, "other_id": other.told.id}
            found = between.get(both)
            shares = found.shares if found else (0.0, 0.0)
            rows.append(
                {**pair, "title": story.title, "alike": _rounded(story.alike), **_article_figures(one, ""), **_article_figures(other, "other_")}
                | {"first": "" if not found or found.first is None else articles[found.first].told.id, "taken_over": len(found.passages) if found else 0}
                | {"taken_over_share": _rounded(shares[0]), "other_taken_over_share": _rounded(shares[1])}
            )
            taken = [("taken over", held.passages, {"shared_words": held.words, "share": _rounded(held.share)}) for held in (found.passages if found else ())]
            same = [("same fact", held.passages, {"likeness": _rounded(held.alike)}) for held in story.facts if held.articles == both]
            for name, (here, there), figures in taken + same:
                places = {"passage": here.number, "other_passage": there.number, "text": here.text, "other_text": there.text}
                rows.append({**pair, "passages": name, **places, **figures})
    return _table(STORY_COLUMNS.split(), rows)


def _article_figures(article: Compared, prefix: str) -> Figures:
    said = {"source": article.told.source, "published": article.told.published, "words": article.told.words}
    return {prefix + name: value for name, value in {**said, "editorial_share": _rounded(article.answer.get("editorial_share"))}.items()}


def _table(columns: Sequence[str], rows: Iterable[Figures]) -> str:
    text = io.StringIO()
    table = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    return text.getvalue()


def as_html(found: Profile, page: Path, told: Stories | None = None, card: Card | None = None) -> str:
    """The page."""
    made_from = Environment(loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    made_from.filters |= {
        "percent": percent,
        "count": "{:,}".format,
        "interval": interval_in_words,
        "bounds": bounds_in_words,
        "per_100": per_100_in_words,
        "files": files_in_words,
        "in_words": _in_words,
    }
    drawn, missing = _drawings(found)
    failures, round_it = (sum((getattr(source, name) for source in found.sources), Counter[str]()) for name in ("failures", "round_it"))
    return made_from.get_template("report.html").render(
        found=found,
        told=told,
        card=card,
        pairs_shown=PAIRS_SHOWN,
        facts_shown=FACTS_SHOWN,
        drawn=drawn,
        missing=missing,
        most_drawn=charts.MOST_DRAWN,
        ranked=found.ranked,
        too_few=found.too_few,
        failures=failures,
        articles=sum(source.articles for source in found.sources),
        words=sum(source.measured.words for source in found.sources),
        spread_names=SPREAD_IN_WORDS,
        kinds=(ASKING, SELLING, *(kind for kind in BOILERPLATE if round_it[kind] and kind not in (ASKING, SELLING))),
        least=LEAST_ARTICLES,
        by_section=[source for source in (*found.ranked, *found.too_few) if source.told_sections],
        least_in=LEAST_IN,
        least_z=LEAST_Z,
        beside=[path.name for path in outputs(page, told is not None)[1:]],
    )


def _drawings(found: Profile) -> tuple[dict[str, list[Markup]], str]:
    """The drawings of each part of the page; none, and why, where the library that makes them is not installed."""
    by_rank = [*found.ranked, *found.too_few]
    followed = [source for source in found.ranked[: charts.MOST_DRAWN] if source.months]
    top = charts.top_of([source.months for source in followed])
    try:
        return {
            "ranking": charts.rankings([(source.name, source.measured) for source in by_rank]),
            "spread": charts.spreads([(source.name, source.measured.spread) for source in by_rank if source.measured.articles], SPREAD_IN_WORDS),
            "months": [charts.over_time(f"month-{number}", source.name, source.months, top) for number, source in enumerate(followed, 1)],
        }, ""
    except MissingExtraError as error:
        log.warning("the page has tables and no drawings: %s", error)
        return {"ranking": [], "spread": [], "months": []}, str(error)


def source_figures(source: Source) -> Figures:
    """A source's figures: counts of articles, passages and words; shares between 0 and 1, None where they cannot be told."""
    return {
        "source": source.name,
        "articles": source.articles,
        "failed": source.failures.total(),
        "undated": source.undated,
        "passages": source.passages,
        "unlabelled_passages": source.unlabelled,
        **measured_figures(source.measured),
        **spoken_figures(source),
        "text_words": source.text_words,
        "boilerplate_words": source.round_it.total(),
        **{f"{kind}_words": source.round_it[kind] for kind in BOILERPLATE},
        **{f"{kind}_share": _rounded(source.share_round_it(kind)) for kind in (ASKING, SELLING)},
    }


def measured_figures(measured: Measured) -> Figures:
    """What is told of a source as a whole and of each of its months."""
    low, high = measured.interval or (None, None)
    return {
        "measured_articles": measured.articles,
        "labelled_words": measured.words,
        "editorial_words": measured.editorial,
        "editorial_share": _rounded(measured.share),
        "low": _rounded(low),
        "high": _rounded(high),
        "note": "too few articles" if measured.too_few else "",
        **{f"articles_{name}": articles for name, articles in zip(SPREAD, measured.spread, strict=True)},
    }


def spoken_figures(source: Source) -> Figures:
    """Who is given the floor: words and attributions counted where results hold texts, None where none does."""
    texts = source.quoted.articles
    return {
        "articles_with_text": texts,
        "spoken_words": source.quoted.words if texts else None,
        "quoted_words": source.quoted.part if texts else None,
        **_with_interval("quoted_share", source.quoted, 1),
        "attributions": source.attributed.part if texts else None,
        **_with_interval("attributions_per_100_words", source.attributed, 100),
    }


def _with_interval(name: str, found: Ratio, times: int) -> Figures:
    low, high = found.interval or (None, None)
    return {name if not bound else f"{name}_{bound}": _rounded(value, times) for bound, value in (("", found.share), ("low", low), ("high", high))}


def story_figures(story: Retold) -> Figures:
    """A story: how many tell it, and its articles compared, in the form that `copydesk compare --format json` has."""
    return {"title": story.title, "articles_found": story.articles, "sources": story.sources, "alike": _rounded(story.alike), **story.comparison.as_dict()}


def percent(share: float | None) -> str:
    """A share for people: `3.1 %`."""
    return "–" if share is None else f"{100 * share:.1f}\N{NO-BREAK SPACE}%"


def interval_in_words(found: Ratio) -> str:
    """The interval for people: `2.0 to 4.5 %`."""
    return bounds_in_words(found.interval)


def bounds_in_words(bounds: tuple[float, float] | None) -> str:
    """An interval that was measured before, for people."""
    return f"{100 * bounds[0]:.1f} to {percent(bounds[1])}" if bounds else "none"


def per_100_in_words(found: Ratio) -> str:
    """A share and its interval as so many of 100 words: `1.9 (1.6 to 2.3)`."""
    bounds = found.interval
    return "–" if found.share is None or bounds is None else f"{100 * found.share:.1f} ({100 * bounds[0]:.1f} to {100 * bounds[1]:.1f})"


def terms_in_words(terms: Sequence[Apart]) -> str:
    """Terms in a row, the surest first: `shameful, reckless/recklessly`."""
    return ", ".join("/".join(term.forms) for term in terms)


def files_in_words(files: Sequence[tuple[str, int]]) -> str:
    """Data files for people: `a.jsonl (20 rows)`."""
    return ", ".join(f"{name} ({rows:,} rows)" for name, rows in files)


def _in_words(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in sorted(counts.items()))


def _rounded(share: float | None, times: int = 1) -> float | None:
    return None if share is None else round(times * share, DECIMALS)
