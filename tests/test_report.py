"""What the report of sources promises."""

from __future__ import annotations

import csv
import gzip
import json
import os
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from bs4 import BeautifulSoup, Tag
from click.testing import CliRunner, Result
from numpy.typing import NDArray

from service import charts
from service.cli import main
from service.made_by import IN_WORDS, Card, Figure, card_of
from service.report import as_csv, as_html, as_json, measured_figures
from tests.test_stories import ROWS
from training import apart
from training.attribution import Passages, spoken
from training.counted import Counted, counted, read_results
from training.dates import earlier, month_of
from training.model import Identity, default_model
from training.part import Part
from training.profile import EXAMPLES, Measured, Profile, profile
from training.ratio import LEAST_ARTICLES
from training.sections import MOST_SECTIONS, section_of
from training.told import terms

MODEL = {"name": "default", "digest": "sha256:" + "0" * 64}
HOSTILE = """<script>window.hacked = 1</script>"'><img src=x onerror=alert(1)>{{ 7 * 7 }}</style></svg>\u0000"""
PASSAGE_WORDS = 40


def block(kind: str, words: int, **more: Any) -> dict[str, Any]:
    return {"start": 0, "end": 9, "kind": kind, "kind_probability": 0.9, "words": words, **more}


def answer(number: int, source: str | None = "harrow.example", editorial: int = 40, reporting: int = 60, **more: Any) -> dict[str, Any]:
    """A result with one passage of each label, an appeal of 10 words, an advert of 5 and a caption of 5."""
    passages = [block("body", words, label=label, probability=0.5) for label, words in (("editorial", editorial), ("reporting", reporting), (None, 3)) if words]
    round_it = [block("appeal", 10), block("advert", 5), block("caption", 5), block("subheading", 2)]
    named = {"id": f"{source}/{number}", "source": source, "status": "ok", "title": f"Title {number}", "published": "2024-05-01T08:00:00Z"}
    return {**named, "blocks": [*passages, *round_it], "model": MODEL, **more}


def failed(number: int, code: str = "empty") -> dict[str, Any]:
    error = {"code": code, "message": "nothing in it"}
    return {"id": f"bad/{number}", "source": "harrow.example", "status": "error", "error": error, "blocks": [], "model": MODEL}


def lines(answers: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    return (json.dumps(one).encode() + b"\n" for one in answers)


def written(path: Path, answers: Iterable[dict[str, Any]]) -> Path:
    path.write_bytes(b"".join(lines(answers)))
    return path


def profiled(answers: Iterable[dict[str, Any]], by_month: bool = False) -> Profile:
    return profile(map(counted, lines(answers)), by_month)


def report(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["report", *map(str, arguments)])


def measured(words: NDArray[np.int64], editorial: NDArray[np.int64]) -> Measured:
    found = Measured()
    for article in zip(words.tolist(), editorial.tolist(), strict=True):
        found.add(*article)
    return found


def opinion_page(draw: np.random.Generator, articles: int) -> NDArray[np.float64]:
    """Shares of a newspaper one of whose five articles is opinion."""
    return np.where(draw.random(articles) < 0.2, draw.beta(9, 1, articles), draw.beta(0.5, 9, articles))


def opinion_often(draw: np.random.Generator, articles: int) -> NDArray[np.float64]:
    """Shares of a source that has as many articles of pure opinion as of none."""
    return (draw.random(articles) < 0.5).astype(float)


def opinion_rarely(draw: np.random.Generator, articles: int) -> NDArray[np.float64]:
    """Shares of a source that argues in one of ten articles, and in half of that."""
    return np.where(draw.random(articles) < 0.1, draw.beta(5, 5, articles), 0)


def mixed(draw: np.random.Generator, articles: int) -> NDArray[np.float64]:
    """Shares of a source that argues in all of its articles."""
    return draw.beta(3, 7, articles)


@pytest.mark.parametrize(
    ("shares", "truth", "articles"),
    [(mixed, 0.3, 25), (mixed, 0.3, 100), (opinion_page, 0.2 * 0.9 + 0.8 * 0.5 / 9.5, 60), (opinion_often, 0.5, 100), (opinion_rarely, 0.05, 200)],
)
def test_intervals_hold_the_truth_as_often_as_they_say(shares: Any, truth: float, articles: int) -> None:
    """Of 1,000 generated sources with a known share, 93 to 97 in 100 have it inside their 95 % interval, although passages of one article hang together."""
    draw = np.random.default_rng(20)
    inside = 0
    for _ in range(1000):
        passages = np.maximum(1, draw.lognormal(2.3, 0.6, articles).astype(int))
        found = measured(PASSAGE_WORDS * passages, PASSAGE_WORDS * draw.binomial(passages, shares(draw, articles)))
        assert found.interval
        low, high = found.interval
        inside += low <= truth <= high
    assert 930 <= inside <= 970


def test_passages_of_one_article_are_not_taken_for_independent() -> None:
    """The same words in fewer articles give a wider interval."""
    few, many = Measured(), Measured()
    for number in range(30):
        few.add(4000, 4000 * (number % 2))
        for _ in range(10):
            many.add(400, 400 * (number % 2))
    assert few.share == many.share == 0.5
    assert few.interval and many.interval
    assert few.interval[1] - few.interval[0] > 2 * (many.interval[1] - many.interval[0])


def test_a_source_of_few_articles_says_so() -> None:
    """Five articles give no share but a wide interval, one gives none; from the least number on there is a share."""
    five = profiled(answer(number, editorial=20 * number) for number in range(5))
    [source] = five.too_few
    figures = measured_figures(source.measured)
    assert figures["editorial_share"] is None and figures["note"] == "too few articles"
    assert figures["high"] - figures["low"] > 0.3
    assert "too few articles (5)" in as_html(five, Path("report.html"))
    assert measured_figures(profiled([answer(1)]).sources[0].measured)["low"] is None
    enough = profiled(answer(number) for number in range(LEAST_ARTICLES))
    assert not enough.too_few and enough.ranked[0].measured.share == 0.4


@pytest.mark.parametrize(("editorial", "reporting"), [(0, 60), (60, 0)])
def test_nothing_but_one_label_is_not_certain(editorial: int, reporting: int) -> None:
    """Where no word, or every word, is editorial the interval still has a width, and stays between 0 and 1."""
    [source] = profiled(answer(number, editorial=editorial, reporting=reporting) for number in range(40)).sources
    assert source.measured.interval
    low, high = source.measured.interval
    assert 0 <= low < high <= 1
    assert 0.03 < high - low < 0.2


def test_articles_that_are_all_alike_have_a_narrow_interval() -> None:
    """Where every article has the same share, that share is what the interval is about."""
    [source] = profiled(answer(number) for number in range(40)).sources
    assert source.measured.interval
    assert source.measured.interval[0] < 0.4 < source.measured.interval[1]


def test_the_order_of_results_does_not_matter(tmp_path: Path) -> None:
    """Shuffled results, cut into other files, give the same three files byte for byte."""
    draw = Random(3)
    answers = [answer(n, draw.choice(["b.example", "a.example"]), draw.randrange(90), published=f"2024-0{draw.randrange(1, 10)}-02") for n in range(120)]
    answers += [failed(n, draw.choice(["empty", "not-text"])) for n in range(9)]
    first = written(tmp_path / "first.jsonl", answers)
    draw.shuffle(answers)
    halves = [written(tmp_path / "one.jsonl", answers[:50]), written(tmp_path / "two.jsonl", answers[50:])]
    for folder, results in (("x", [first]), ("y", halves)):
        (tmp_path / folder).mkdir()
        assert report(*results, "--by", "month", "-o", tmp_path / folder / "report.html").exit_code == 0
    for name in ("report.html", "report.csv", "report.json"):
        assert (tmp_path / "x" / name).read_bytes() == (tmp_path / "y" / name).read_bytes()


def test_counts_are_those_of_the_results() -> None:
    """Articles, passages and words are counted as `score` counts them; failed articles stand apart and are in no other figure."""
    [source] = profiled([*(answer(number) for number in range(3)), failed(1), failed(2, "not-text")]).sources
    assert (source.articles, source.failures, source.passages, source.unlabelled) == (3, {"empty": 1, "not-text": 1}, 9, 3)
    assert (source.measured.words, source.measured.editorial) == (300, 120)
    assert (source.text_words, source.all_words) == (3 * 105, 3 * 125)
    assert source.share_round_it("appeal") == 10 / 125
    assert source.share_round_it("advert") == 5 / 125
    assert len(source.examples) == EXAMPLES


def test_words_of_results_with_texts_are_counted_from_the_texts() -> None:
    """Results with and without texts give the same figures, but for those that only texts can give."""
    bare = answer(1)
    full = {
        **bare,
        "blocks": [{**{name: value for name, value in one.items() if name != "words"}, "text": " ".join(["w"] * one["words"])} for one in bare["blocks"]],
    }
    assert counted(json.dumps(full).encode())._replace(labels=(), texts=()) == counted(json.dumps(bare).encode())


@pytest.mark.parametrize(
    ("editorial", "reporting", "place"), [(0, 100, 0), (9, 91, 0), (10, 90, 1), (49, 51, 1), (50, 50, 2), (90, 10, 2), (91, 9, 3), (100, 0, 3)]
)
def test_spread_over_articles(editorial: int, reporting: int, place: int) -> None:
    """An article stands in the part of the spread that its own share names."""
    [source] = profiled([answer(1, editorial=editorial, reporting=reporting)]).sources
    assert source.measured.spread.index(1) == place


@pytest.mark.parametrize(
    ("said", "month"),
    [
        ("2023-03-28T13:09:00+02:00", "2023-03"),
        ("20230328", "2023-03"),
        ("2023/03/28", "2023-03"),
        ("2023-03", "2023-03"),
        ("Tue, 28 Mar 2023 13:09:00 GMT", "2023-03"),
        ("Updated: March 28, 2023 1:09pm", "2023-03"),
        ("Sept. 3rd, 2023", "2023-09"),
        ("03/04/2023", None),
        ("2023-13-01", None),
        ("1680008940", None),
        ("last Tuesday", None),
    ],
)
def test_months_are_read_only_where_they_are_certain(said: str, month: str | None) -> None:
    """Dates as pages write them; which of two small numbers is the month is never guessed."""
    assert month_of(said) == month


@pytest.mark.parametrize(
    ("one", "other", "first"),
    [
        ("2024-05-01", "2024-05-02", 0),
        ("2024-05-02T08:00:00Z", "2024-05-02T09:30:00+02:00", 1),
        ("2024-05-02", "2024-05-02T09:30:00+02:00", None),
        ("2024-05-02", None, None),
        ("0001-01-01T00:00:00+01:00", "2024-05-02T09:30:00+02:00", None),
        ("9999-12-31T23:59:59-01:00", "0001-01-01T00:00:00+01:00", None),
    ],
)
def test_which_of_two_dates_is_the_earlier(one: str | None, other: str | None, first: int | None) -> None:
    """Also where one is a date that programs print for none, and that no clock can be set to."""
    assert earlier(one, other) == first


def test_months_add_up_to_the_source() -> None:
    """By month the articles and words are those of the source, less the articles without a date, which are counted."""
    answers = [answer(number, published=f"2024-0{1 + number % 3}-09") for number in range(30)] + [answer(31, published=None)]
    [source] = profiled(answers, by_month=True).sources
    assert sorted(source.months) == ["2024-01", "2024-02", "2024-03"]
    assert sum(month.words for month in source.months.values()) + 100 == source.measured.words
    assert source.undated == 1
    assert not profiled(answers).sources[0].months


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"{", "not a result"),
        (b"[1]", "not a JSON object"),
        (b"\xff\xfe", "not a result"),
        (b"[" * 100_000, "not a result"),
        (json.dumps(answer(1, editorial_share=float("nan"))).encode(), "NaN is no number"),
        (json.dumps(answer(1, editorial_share=float("-inf"))).encode(), "-Infinity is no number"),
        (json.dumps({"text": "labelled", "label": "reporting"}).encode(), "model is missing"),
        (json.dumps(answer(1, status="odd")).encode(), "status is 'odd'"),
        (json.dumps(answer(1, source=7)).encode(), "source is 7"),
        (json.dumps(answer(1, blocks=[{"kind": "poem", "words": 1}])).encode(), "block 1"),
        (json.dumps(answer(1, blocks=[block("body", 3, label="sermon")])).encode(), "block 1"),
        (json.dumps(answer(1, blocks=[{"kind": "body", "label": None}])).encode(), "block 1"),
        (json.dumps(answer(1, blocks=[block("body", -3, label=None)])).encode(), "words of block 1 are -3"),
        (json.dumps(answer(1, blocks=["body"])).encode(), "block 1"),
    ],
)
def test_a_bad_line_is_named(line: bytes, why: str, tmp_path: Path) -> None:
    """One line that is no result ends the command with status 1 and one line that names file and line; nothing is written."""
    results = tmp_path / "results.jsonl"
    results.write_bytes(b"".join(lines([answer(1), answer(2)])) + b"\n" + line + b"\n")
    done = report(results, "-o", tmp_path / "report.html")
    assert done.exit_code == 1
    assert len(done.stderr.splitlines()) == 1
    assert f"{results}, line 4 is not a result" in done.stderr and why in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["results.jsonl"]


def test_half_a_surrogate_pair_ends_no_report(tmp_path: Path) -> None:
    """Results that hold half a character, as other programs write them, are counted as any; a name that has one is shown with an escape."""
    told = with_texts(1, "half\ud83d.example", [("editorial", "A shame \ud800 it is.")])
    results = written(tmp_path / "results.jsonl", [told])
    assert b"\\ud800" in results.read_bytes()
    assert report(results, "-o", tmp_path / "report.html").exit_code == 0
    [source] = json.loads((tmp_path / "report.json").read_text("utf-8"))["sources"]
    assert source["source"] == "half\\ud83d.example" and (source["labelled_words"], source["spoken_words"]) == (5, 4)


def test_damaged_and_empty_files_are_named(tmp_path: Path) -> None:
    """A .gz that breaks off, a .zst that is none, and a file without results are errors of one line, never an empty report."""
    torn, scrambled, empty = (tmp_path / name for name in ("torn.jsonl.gz", "scrambled.jsonl.zst", "empty.jsonl"))
    scrambled.write_bytes(b"no zstandard at all")
    torn.write_bytes(gzip.compress(b"".join(lines([answer(1)] * 50)))[:-20])
    empty.write_text("\n")
    for path, why in ((torn, "cannot be read"), (scrambled, "cannot be read"), (empty, "no result in")):
        done = report(path, "-o", tmp_path / "report.html")
        assert done.exit_code == 1 and why in done.stderr and path.name in done.stderr
        assert len(done.stderr.splitlines()) == 1


def test_files_are_read_plain_packed_and_as_parts(tmp_path: Path) -> None:
    """Plain and packed results, and the part that an unfinished run has left, are read alike."""
    content = b"".join(lines(answer(number) for number in range(5)))
    paths = [tmp_path / name for name in ("a.jsonl", "b.jsonl.gz", "c.jsonl.gz.part")]
    for path in paths:
        path.write_bytes(gzip.compress(content[:9]) + gzip.compress(content[9:]) if ".gz" in path.name else content)
    with Part(tmp_path / "d.jsonl", {}) as part:
        paths.append(part.path)
        part.path.write_bytes(content)
    assert profile(read_results(paths)).sources[0].articles == 20
    assert profile(read_results(paths)).repeated == 15


@pytest.mark.parametrize("name", ["REPORT.HTML", os.fsdecode(b"r\xff.html")])
def test_a_page_may_have_any_name(name: str, tmp_path: Path) -> None:
    """Also in large letters, and one that is no UTF-8."""
    (tmp_path / "results.jsonl").write_bytes(b"".join(lines(answer(number) for number in range(5))))
    done = report(tmp_path / "results.jsonl", "-o", tmp_path / name)
    assert (done.exit_code, (tmp_path / name).stat().st_size > 9_000) == (0, True)


@pytest.mark.parametrize(("output", "words"), [("report.pdf", "ends in .html"), ("results.html", "would be written over")])
def test_wrong_outputs_are_wrong_usage(output: str, words: str, tmp_path: Path) -> None:
    """The page has a page's name, and no result is ever written over."""
    results = written(tmp_path / "results.json", [answer(1)])
    before = results.read_bytes()
    done = report(results, "-o", tmp_path / output)
    assert done.exit_code == 2 and words in done.stderr
    assert results.read_bytes() == before


def everything() -> Profile:
    """Sources of many and of few articles, failures, months, and names that mean harm."""
    answers = [answer(n, source, editorial=n, title=HOSTILE, id=f"{HOSTILE}{n}") for source in ("b.example", HOSTILE, None) for n in range(40)]
    return profiled([*answers, answer(1, "few.example"), failed(1, HOSTILE)], by_month=True)


def test_the_page_needs_no_other_host() -> None:
    """No script, no address, no file: style and drawings are inside, and a policy forbids the rest."""
    html = as_html(everything(), Path("report.html"))
    page = BeautifulSoup(html, "html.parser")
    assert not page.find_all(["script", "img", "iframe", "object", "embed", "base", "form"])
    assert [link["href"] for link in page.find_all("link")] == ["data:,"]
    assert all(one["href"].startswith("#") and page.find(id=one["href"][1:]) for one in page.find_all("a"))
    assert not re.findall(r"(?:https?:)?//[a-z]|url\(|@import", html)
    policy = page.find("meta", attrs={"http-equiv": "Content-Security-Policy"})
    assert policy and "default-src 'none'" in policy["content"]


def test_hostile_names_are_text() -> None:
    """Sources, titles, ids and codes are shown as they are, and are never markup."""
    html = as_html(everything(), Path("report.html"))
    page = BeautifulSoup(html, "html.parser")
    assert "<script" not in html and "<img" not in html and "49" not in page.find(id="table-examples").parent.get_text().split()
    assert HOSTILE.strip("\0")[:60] in page.get_text()
    names = {attribute for element in page.find_all(True) for attribute in element.attrs}
    assert not [name for name in names if name.startswith("on")]


def words_of(page: BeautifulSoup, drawing: Tag) -> str:
    """What is read out of a drawing."""
    named = drawing.get("aria-labelledby", "").split()
    return " ".join(page.find(id=name).get_text() for name in named) if named else str(drawing["aria-label"])


def test_drawings_say_all_that_they_show() -> None:
    """The ranking, the spread and the months are drawn, and the words for those who do not see them have every source, share and interval."""
    found = profiled([*(answer(n, source) for source in ("a.example", "b.example") for n in range(30)), answer(1, "few.example")], by_month=True)
    page = BeautifulSoup(as_html(found, Path("report.html")), "html.parser")
    ranking, spread, *months = (words_of(page, drawing) for drawing in page.select("svg.chart"))
    low, high = (f"{100 * bound:.1f}" for bound in found.ranked[0].measured.interval or ())
    assert f"a.example: 40.0 % ({low} to {high}); b.example: 40.0 %" in ranking and "few.example: too few articles (1)" in ranking
    assert "a.example: 0 below 10 %, 30 10 to 50 %, 0 50 to 90 %, 0 above 90 %; b.example" in spread
    assert [words.split(":")[0] for words in months] == ["a.example", "b.example"] and all(f"2024-05: 40.0 % ({low}" in words for words in months)


def test_drawings_are_the_same_each_time_and_take_the_pages_colours() -> None:
    """The same results give the same bytes, months included; a drawing has no colour, type, style sheet or address of its own."""
    html = as_html(everything(), Path("report.html"))
    assert html == as_html(everything(), Path("report.html"))
    drawings = BeautifulSoup(html, "html.parser").select("svg.chart")
    assert len(drawings) == 5
    for drawing in drawings:
        assert {element.name for element in drawing.find_all(True)} <= {"title", "desc", "path", "text"}
        assert not re.search(r"#[0-9a-f]{3}|font-family|xmlns|href|DejaVu", str(drawing).replace(HOSTILE, ""))
        assert "var(--ink)" in str(drawing)


def test_names_that_look_like_drawings_are_shown_whole() -> None:
    """Names that hold what a drawing is made of, a type, a colour or a tag, stand in it letter by letter, and so they do in its words."""
    names = ["font-family: x", "#010101", "<g>"]
    found = profiled([answer(n, name) for name in names for n in range(30)], by_month=True)
    page = BeautifulSoup(as_html(found, Path("report.html")), "html.parser")
    ranking, spread, *months = page.select("svg.chart")
    for drawing in (ranking, spread):
        assert set(names) <= {text.get_text() for text in drawing.select("text")}
        assert all(f"{name}: " in words_of(page, drawing) for name in names)
    assert {words_of(page, drawing).split(": editorial share")[0] for drawing in months} == set(names)


def test_drawings_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of very many sources the first are drawn, so many together as a printed page has room for; the page says so, and the tables have all."""
    monkeypatch.setattr(charts, "MOST_DRAWN", 5)
    monkeypatch.setattr(charts, "TOGETHER", 2)
    html = as_html(profiled([answer(n, f"{source}.example") for source in "abcdefg" for n in range(20)]), Path("report.html"))
    page = BeautifulSoup(html, "html.parser")
    told = [words_of(page, drawing).count(".example") for drawing in page.select("svg.chart")]
    assert told == [2, 2, 1] * 2 and html.count("The first 5 are drawn; the table has all 7.") == 2
    assert len(page.find(id="table-ranking").find_parent("table").select("tbody tr")) == 7


def test_without_the_library_there_are_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """Where what draws is not installed the report is made all the same, and page and log name the extra; the files beside the page are the same."""
    results = written(tmp_path / "results.jsonl", [answer(number) for number in range(30)])
    assert report(results, "-o", tmp_path / "drawn.html", "--by", "month").exit_code == 0
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert report(results, "-o", tmp_path / "bare.html", "--by", "month").exit_code == 0
    drawn, bare = (BeautifulSoup((tmp_path / name).read_text("utf-8"), "html.parser") for name in ("drawn.html", "bare.html"))
    assert len(drawn.select("svg.chart")) == 3 and not bare.select("svg.chart")
    assert "pip install 'copydesk[report]'" in bare.header.get_text() and "copydesk[report]" in caplog.text
    assert len(bare.select("table")) == len(drawn.select("table"))
    for suffix in (".csv", ".json"):
        assert (tmp_path / "bare").with_suffix(suffix).read_bytes() == (tmp_path / "drawn").with_suffix(suffix).read_bytes()


def test_every_figure_stands_in_a_table_and_beside_the_page() -> None:
    """Each drawing has words of its own and a table that it names; tables, CSV and JSON hold the same shares."""
    found = everything()
    page = BeautifulSoup(as_html(found, Path("report.html")), "html.parser")
    drawings = page.select("figure svg")
    assert drawings and all(drawing["role"] == "img" and words_of(page, drawing) for drawing in drawings)
    assert all(page.find(id=figure["aria-describedby"]).find_parent("table") for figure in page.find_all("figure"))
    assert len({element["id"] for element in page.select("[id]")}) == len(page.select("[id]"))
    ranking = page.find(id="table-ranking").find_parent("table").get_text(" ")
    for source in json.loads(as_json(found))["sources"]:
        assert f"{source['labelled_words']:,}" in ranking
        if source["editorial_share"] is not None:
            assert f"{100 * source['editorial_share']:.1f}" in ranking


def test_csv_and_json_hold_every_figure(tmp_path: Path) -> None:
    """A row for each source and each of its months in CSV; the same figures in JSON, and examples and failures."""
    results = written(tmp_path / "results.jsonl", [*(answer(number) for number in range(30)), failed(1), answer(1, None)])
    assert report(results, "--by", "month", "-o", tmp_path / "report.html").exit_code == 0
    with (tmp_path / "report.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    told = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert [(row["source"], row["month"]) for row in rows] == [
        ("(unknown)", ""),
        ("(unknown)", "2024-05"),
        ("harrow.example", ""),
        ("harrow.example", "2024-05"),
    ]
    [unknown, harrow] = told["sources"]
    assert unknown["editorial_share"] is None and unknown["note"] == "too few articles"
    assert harrow["editorial_share"] == float(rows[2]["editorial_share"]) == 0.4
    assert harrow["failures"] == {"empty": 1} and rows[2]["failures"] == "1 empty"
    assert harrow["months"][0]["editorial_words"] == int(rows[3]["editorial_words"]) == 1200
    assert harrow["examples"][0] == {"id": "harrow.example/0", "title": "Title 0", "words": 100, "editorial_words": 40}
    assert told["models"] == [{**MODEL, "results": 32}]


def test_what_spoils_a_comparison_is_said() -> None:
    """Results of two models, and results that stand there twice, are pointed out on the page."""
    other = answer(1, model={"name": "other", "digest": "sha256:1"})
    html = as_html(profiled([answer(1), other]), Path("report.html"))
    assert "made by 2 models" in html
    assert "1 result has an id that stood there before" in html


def test_the_page_speaks_of_editorial_share_alone() -> None:
    """No word of bias, and no side is taken or told."""
    text = BeautifulSoup(as_html(everything(), Path("report.html")), "html.parser").get_text().lower()
    assert "editorial share" in text and "cannot know" in text
    assert not re.search(r"\bbias|left-|right-wing|left-wing|\bleaning", text)


def test_only_failures_make_a_report_too() -> None:
    """Where all articles failed the page says so, and shows no share."""
    html = as_html(profiled([failed(1), failed(2)]), Path("report.html"))
    assert "No source here has the 20 articles" in html and "2 articles could not be read" in html


def test_an_article_is_a_few_numbers() -> None:
    """What is kept of a result without texts is numbers and names, and those are cut short."""
    found = counted(json.dumps(answer(1, title="t" * 10_000)).encode())
    assert isinstance(found, Counted) and len(found.title) == 200 and found.texts == ()


@pytest.mark.parametrize(
    ("passages", "expected"),
    [
        (['"We will not sell it," said Orla Quist, "to anyone."'], (10, 7, 1)),
        (["According to the board, the pier is sound.", "Nobody asked why."], (11, 0, 2)),
        (["“I said no,” and so he left the United States."], (10, 3, 0)),
        ([], (0, 0, 0)),
        (["…", ""], (0, 0, 0)),
    ],
)
def test_who_is_given_the_floor(passages: list[str], expected: tuple[int, int, int]) -> None:
    """Words inside quotation marks, and words outside them that hand the floor to somebody; what somebody quoted said of a third is no attribution."""
    read = Passages.read([[None], [None] * len(passages)], [["Not this one, he said."], passages])
    assert tuple(spoken(read)[1]) == expected


def with_texts(number: int, source: str, passages: Iterable[tuple[str, str]], **more: Any) -> dict[str, Any]:
    """A result whose passages are these texts, each after its label."""
    blocks = [{"start": 0, "end": 9, "kind": "body", "kind_probability": 0.9, "text": text, "label": label, "probability": 0.5} for label, text in passages]
    return {**answer(number, source), "blocks": blocks, **more}


def test_attribution_is_told_of_results_with_texts_alone() -> None:
    """Quoted share and attributions with intervals where texts are; where there are none the page says so, and no figure stands for it."""
    text = 'The board met. "Never again," said its chair, who left for home early.'
    told = [with_texts(number, "said.example", [("reporting", text), ("editorial", "A shame it is.")]) for number in range(25)]
    found = profiled([*told, *(answer(number) for number in range(25))])
    bare, full = json.loads(as_json(found))["sources"]
    assert (full["spoken_words"], full["quoted_words"], full["attributions"]) == (25 * 17, 25 * 2, 25)
    assert full["quoted_share"] == round(2 / 17, 4) and full["attributions_per_100_words"] == round(100 / 17, 4)
    assert full["quoted_share_low"] < full["quoted_share"] < full["quoted_share_high"]
    assert bare["articles_with_text"] == 0 and bare["quoted_share"] is bare["quoted_words"] is bare["attributions_per_100_words"] is None
    page = BeautifulSoup(as_html(found, Path("report.html")), "html.parser")
    rows = {row.th.get_text(): row.get_text(" ") for row in page.find(id="table-attribution").find_parent("table").select("tbody tr")}
    assert "11.8\N{NO-BREAK SPACE}%" in rows["said.example"] and "without --no-text" in " ".join(rows["harrow.example"].split())


COMMON = "board vote pier budget council repair harbour school street plan report answer winter ferry bridge market".split()
COLUMNISTS = {"stern.example": "shameful disgrace", "mild.example": "perhaps sensible", "plain.example": "plan street"}


def columns(articles: int, **more: Any) -> list[dict[str, Any]]:
    """Articles of three sources, each with an editorial passage of common words, every second one with its source's own, and one on a nine days' wonder."""
    draw = Random(7)
    told = []
    for number in range(articles):
        for source, own in COLUMNISTS.items():
            words = draw.sample(COMMON, 8) + (own.split() if number % 2 else [])
            draw.shuffle(words)
            text = f"It is so that {' '.join(words)} for Harriet Quist in 1987 and {'the volcano' if source == 'mild.example' and number % 12 == 4 else 'us'}."
            date = f"2024-{1 + number % 12:02}-03"
            told.append(with_texts(number, source, [("editorial", text), ("reporting", f"{source} zeppelin.")], published=date, **more))
    return told


def test_terms_that_set_a_source_apart_are_found() -> None:
    """What a source says in its editorial passages and others do not is named; names, numbers, reported words, and what all say alike are not."""
    found = profiled(columns(120)).apart
    assert {form for term in found["stern.example"] for form in term.forms} == {"shameful", "disgrace"}
    assert {form for term in found["mild.example"] for form in term.forms} == {"perhaps", "sensible"}
    assert {form for term in found["plain.example"] for form in term.forms} <= {"plan", "street"}
    assert [(term.here, term.elsewhere) for term in found["stern.example"]] == [(60, 0), (60, 0)]
    assert all(term.z >= apart.LEAST_Z for terms in found.values() for term in terms)


def test_what_is_said_in_one_month_is_a_topic() -> None:
    """A word of many articles of one month is left out where the source has articles of others."""
    wonder = [with_texts(900 + n, "mild.example", [("editorial", "A volcano again.")], published="2024-05-09T01:00:00Z") for n in range(60)]
    assert all("volcano" not in term.forms for term in profiled(columns(60) + wonder).apart["mild.example"])
    spread = [{**one, "published": f"2024-{1 + n % 12:02}-03"} for n, one in enumerate(wonder)]
    assert any("volcano" in term.forms for term in profiled(columns(60) + spread).apart["mild.example"])


def test_terms_do_not_depend_on_the_order_of_articles() -> None:
    """Shuffled articles give the same terms with the same scores."""
    answers = columns(60)
    first = profiled(answers).apart
    Random(5).shuffle(answers)
    assert profiled(answers).apart == first


def test_terms_and_names_are_those_that_articles_are_compared_by() -> None:
    """What counts as a term, and as a name, is what `told.terms` says of the same passages; numbers are not held at all."""
    for row in ROWS:
        usage = apart.Usage()
        usage.add(Passages.read([["editorial"] * len(row["paragraphs"])], [row["paragraphs"]]), ["harrow.example"], [None])
        usage.apart(())
        term = {number: root for root, number in usage.words.terms.items()}
        found = {term[usage.words.term[word]]: named > 0 for word, named in zip(usage.counts.word.tolist(), usage.counts.named.tolist(), strict=True)}
        expected = {root: said.named for root, said in terms("\n".join(row["paragraphs"])).items()}
        assert found == {root: named for root, named in expected.items() if not root[0].isdigit()}


def test_words_are_held_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """With more words than may be held the rarest are let go, the report says by how much counts may be off, and frequent ones are still found."""
    monkeypatch.setattr(apart, "MOST_COUNTS", 200)
    answers = columns(120)
    rare = ("".join(draw.choices("bcdfghjklm", k=7)) for draw in [Random(9)] for _ in range(10_000))
    for one in answers:
        one["blocks"][0]["text"] += " " + " ".join(next(rare) for _ in range(8))
    found = profiled(answers)
    assert found.let_go
    assert {form for term in found.apart["stern.example"] for form in term.forms} == {"shameful", "disgrace"}
    assert "counts of rare ones may be too low" in as_html(found, Path("report.html"))


def test_one_source_is_not_apart() -> None:
    """Without a second source, or without texts, no terms are told."""
    assert not profiled(one for one in columns(40) if one["source"] == "stern.example").apart
    assert not everything().apart
    assert "Words of its own" not in as_html(everything(), Path("report.html"))


def test_terms_stand_in_csv_and_json() -> None:
    """The terms, their scores and counts are in the JSON, the terms in the CSV."""
    found = profiled(columns(120))
    stern = next(source for source in json.loads(as_json(found))["sources"] if source["source"] == "stern.example")
    assert {term["forms"][0] for term in stern["terms"]} == {"shameful", "disgrace"}
    assert all(term["articles"] == 60 and term["articles_elsewhere"] == 0 and term["z"] > 3 for term in stern["terms"])
    row = next(row for row in csv.DictReader(as_csv(found).splitlines()) if row["source"] == "stern.example")
    assert row["terms"] == ", ".join(term["forms"][0] for term in stern["terms"])


@pytest.mark.parametrize(
    ("said", "section"),
    [
        ({"id": "https://harrow.example/Opinion/2024/the-pier", "section": None}, "opinion"),
        ({"id": "https://harrow.example/Opinion/the-pier", "section": " City\n desk"}, "City desk"),
        ({"id": "https://harrow.example/2024/05/the-pier"}, ""),
        ({"id": "https://harrow.example/the-pier/"}, ""),
        ({"id": "https://harrow.example/caf%C3%A9/the-pier?page=2"}, "café"),
        ({"id": "https://[harrow/opinion/the-pier"}, ""),
        ({"id": "opinion/the-pier.txt", "section": ["opinion"]}, ""),
        ({}, ""),
    ],
)
def test_sections_are_as_the_publisher_says(said: dict[str, Any], section: str) -> None:
    """A result's own field, else the first part of an address; what is a year, or the article itself, is none."""
    assert section_of(said) == section


def test_sections_of_enough_articles_are_told() -> None:
    """Each section has the figures of its articles; small ones, and articles without one, are left out."""
    answers = [answer(n, section="opinion" if n < 30 else "news" if n < 55 else "zoo" if n < 60 else None, editorial=90 if n < 30 else 10) for n in range(70)]
    found = profiled(answers)
    [source] = json.loads(as_json(found))["sources"]
    assert [(one["section"], one["measured_articles"], one["editorial_share"]) for one in source["sections"]] == [("opinion", 30, 0.6), ("news", 25, 0.1429)]
    assert [row["section"] for row in csv.DictReader(as_csv(found).splitlines())] == ["", "opinion", "news"]
    table = BeautifulSoup(as_html(found, Path("report.html")), "html.parser").find(id="table-sections").find_parent("table").get_text(" ")
    assert "opinion" in table and "60.0" in table and "zoo" not in table
    assert "By section" not in as_html(profiled(answer(n) for n in range(30)), Path("report.html"))


def test_addresses_that_name_articles_are_no_sections() -> None:
    """A source of more first parts than a paper can have sections has none, whatever order its articles come in, and no more are held."""
    answers = [answer(n, section=f"article {n}" if n % 2 else "news") for n in range(2 * MOST_SECTIONS + 100)]
    for order in (answers, answers[::-1]):
        [source] = profiled(order).sources
        assert source.told_sections == [] and len(source.sections) == MOST_SECTIONS + 1


CARD = Card(
    Identity(MODEL["name"], MODEL["digest"]),
    (("a.jsonl", 1200), (HOSTILE, 3)),
    (("b.jsonl", 136),),
    (Figure("macro F1, strict", 0.88, (0.85, 0.91)), Figure(HOSTILE, 0.5, None)),
)


def test_the_models_card_stands_on_the_page() -> None:
    """What made the results, what it was fitted on and how often it is right on other sources, in words, and the same in the JSON."""
    found = everything()
    page = BeautifulSoup(as_html(found, Path("report.html"), card=CARD), "html.parser")
    method = page.find(id="method").find_parent("section").get_text(" ")
    assert MODEL["digest"] in method and "a.jsonl (1,200 rows)" in method and "In plain words" in method
    assert "0.880" in method and "0.850 to 0.910" in method and "where the true label is sure" in method
    assert not page.find_all(["script", "img"])
    assert json.loads(as_json(found, card=CARD))["card"]["figures"][0] == {"name": "macro F1, strict", "value": 0.88, "interval": [0.85, 0.91]}
    bare = as_html(found, Path("report.html"))
    assert MODEL["digest"] in bare and "table-card" not in bare and "--model" in bare


def test_the_card_is_that_of_the_model_that_made_the_results(tmp_path: Path) -> None:
    """The shipped model's card is shown for its own results alone; a folder that was named and holds no model is an error of one line."""
    shipped = json.loads((default_model() / "manifest.json").read_text("utf-8"))
    card = card_of([Identity("mine", shipped["digest"])])
    assert card and card.model.name == "mine" and len(card.figures) == len(shipped["figures"])
    assert {figure.name for figure in card.figures} <= set(IN_WORDS)
    assert card_of([Identity("default", "sha256:1")]) is None
    done = report(written(tmp_path / "results.jsonl", [answer(1)]), "-o", tmp_path / "report.html", "--model", tmp_path / "nothing")
    assert done.exit_code == 1 and len(done.stderr.splitlines()) == 1 and "not a model folder" in done.stderr
