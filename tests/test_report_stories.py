"""What the report promises of the stories that several sources tell."""

from __future__ import annotations

import csv
import json
import os
from itertools import combinations
from pathlib import Path
from random import Random
from typing import Any

import pytest
from bs4 import BeautifulSoup
from click.testing import CliRunner, Result

from service.cli import main
from tests.test_report import HOSTILE, failed
from tests.test_report import answer as without_text
from tests.test_stories import ROWS, answer, by_story, of_row
from training import retold as retold_module
from training.compare import MOST_ARTICLES
from training.errors import DataError
from training.retold import retold


def written(path: Path, answers: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(one) + "\n" for one in answers), "utf-8")
    return path


def report(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["report", *map(str, arguments)])


def told_stories(results: Path) -> tuple[BeautifulSoup, dict[str, Any]]:
    page = results.with_name("report.html")
    done = report(results, "-o", page, "--stories")
    assert done.exit_code == 0, done.output
    return BeautifulSoup(page.read_text("utf-8"), "html.parser"), json.loads(page.with_suffix(".json").read_text("utf-8"))


def test_stories_stand_on_the_page_with_their_articles(tmp_path: Path) -> None:
    """Of each story its articles with source, share, interval and words, what they share behind links that lead there, and all of it in the JSON."""
    page, found = told_stories(written(tmp_path / "results.jsonl", [of_row(row) for row in ROWS]))
    assert found["stories_found"] == len(found["stories"]) == len(page.select("#table-stories ~ tbody tr"))
    for number, story in enumerate(found["stories"], 1):
        table = page.find(id=f"table-story-{number}").find_parent("table").get_text(" ")
        for article in story["articles"]:
            assert article["source"] in table and article["title"] in table and f"{article['words']:,}" in table
        assert "0.0 to 30.0" in table
        for between in story["taken_over"]:
            details = page.find(id="story-{}-{}-{}".format(number, *(1 + place for place in between["articles"])))
            assert details.name == "details" and len(details.select("tbody tr")) == len(between["passages"])
            assert between["passages"][0]["places"][0]["text"] in details.get_text()
            said = "who came first is not known" if between["first"] is None else f"{between['first'] + 1} came first"
            assert said in details.summary.get_text()
    assert any(story["taken_over"] for story in found["stories"])
    assert all(page.find(id=link["href"][1:]) for link in page.select("a"))
    assert len({element["id"] for element in page.select("[id]")}) == len(page.select("[id]"))


def test_without_the_option_there_are_no_stories(tmp_path: Path) -> None:
    """The page and the JSON are then as they would be of articles that share nothing."""
    results = written(tmp_path / "results.jsonl", [of_row(row) for row in ROWS[:6]])
    assert report(results, "-o", tmp_path / "report.html").exit_code == 0
    assert "stories" not in json.loads((tmp_path / "report.json").read_text("utf-8"))
    assert not BeautifulSoup((tmp_path / "report.html").read_text("utf-8"), "html.parser").find(id="stories")


def test_stories_do_not_depend_on_order_or_files(tmp_path: Path) -> None:
    """Shuffled results in two files, failures among them, tell the same stories."""
    answers = [*(of_row(row) for row in ROWS), failed(1), failed(2)]
    first = told_stories(written(tmp_path / "results.jsonl", answers))[1]
    Random(8).shuffle(answers)
    halves = [written(tmp_path / "a.jsonl", answers[:40]), written(tmp_path / "b.jsonl", answers[40:])]
    assert report(*halves, "-o", tmp_path / "again.html", "--stories").exit_code == 0
    assert json.loads((tmp_path / "again.json").read_text("utf-8")) == first


def test_results_without_texts_have_no_stories(tmp_path: Path) -> None:
    """Asking for stories of results without texts is one line that names the line and the remedy; nothing is written."""
    results = written(tmp_path / "results.jsonl", [of_row(ROWS[0]), without_text(1)])
    done = report(results, "-o", tmp_path / "report.html", "--stories")
    assert done.exit_code == 1 and len(done.stderr.splitlines()) == 1
    assert f"{results}, line 2 holds no texts" in done.stderr and "without --no-text" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["results.jsonl"]


def test_large_stories_are_cut_and_say_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A story of many articles shows the first of each source before a second of any; of many stories, those of most sources are told."""
    monkeypatch.setattr(retold_module, "MOST_STORIES", 1)
    row = by_story()["storm"][0]
    many = [of_row({**row, "id": f"{source}-{n}", "source": source, "published": f"2031-05-1{n}"}) for source in ("a.example", "b.example") for n in range(5)]
    late = of_row({**row, "id": "late", "source": "late.example", "published": "2031-05-15"})
    results = written(tmp_path / "results.jsonl", [*(of_row(row) for row in by_story()["lido"]), *many, late])
    [story] = retold([results]).told
    assert (story.articles, story.sources, len(story.comparison.articles)) == (11, 3, MOST_ARTICLES)
    assert {article.told.source for article in story.comparison.articles} == {"a.example", "b.example", "late.example"}
    page, found = told_stories(results)
    assert found["stories_found"] == 2 and len(found["stories"]) == 1
    assert "11 articles tell it; here are 8" in page.get_text()


def test_hostile_stories_are_text(tmp_path: Path) -> None:
    """Titles, sources, dates and passages are shown as they are; half characters are replaced; figures that are none are left out."""
    row = by_story()["storm"][0]
    harm = {"label": "\ud800", "title": HOSTILE, "published": HOSTILE, "editorial_share": "much", "editorial_share_interval": ["a", None]}
    answers = [answer(f"{n}\ud800", f"{HOSTILE}{n}", [*row["paragraphs"], f"{HOSTILE} \udfff stands in both of these articles"], **harm) for n in range(2)]
    page, found = told_stories(written(tmp_path / "results.jsonl", answers))
    assert not page.find_all(["script", "img"]) and found["stories_found"] == 1
    assert HOSTILE.strip("\0")[:60] in page.find(id="table-story-1").find_parent("table").get_text()


def test_articles_without_dates_are_pointed_out(tmp_path: Path) -> None:
    """Where days are not known the page says of how many articles, for then topics may seem events."""
    rows = by_story()["storm"]
    page, found = told_stories(
        written(tmp_path / "results.jsonl", [of_row({**row, "published": "soon" if n else row["published"]}) for n, row in enumerate(rows)])
    )
    assert found["stories_undated_articles"] == len(rows) - 1
    assert f"{len(rows) - 1} of the articles have no date" in page.get_text()


def test_stories_stand_in_a_table_of_their_own(tmp_path: Path) -> None:
    """The CSV has a row for each two articles of a story and one for each passage between them, with the JSON's figures; undated articles are told too."""
    results = written(tmp_path / "results.jsonl", [of_row({**row, "published": None}) for row in ROWS])
    page, found = told_stories(results)
    with (tmp_path / "report.stories.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert "report.stories.csv" in page.header.get_text() and "no date" in page.find(id="table-story-1").find_parent("table").get_text()
    expected = []
    for number, story in enumerate(found["stories"], 1):
        taken = {tuple(between["articles"]): between for between in story["taken_over"]}
        for one, other in combinations(range(len(story["articles"])), 2):
            ids = [story["articles"][place]["id"] for place in (one, other)]
            between = taken.get((one, other), {"shares": [0.0, 0.0], "passages": []})
            figures = [story["alike"], story["articles"][one]["editorial_share"], len(between["passages"]), *between["shares"]]
            expected.append([str(number), *ids, "", *map(str, figures)])
            expected += [[str(number), *ids, "taken over", str(same["words"]), str(same["share"])] for same in between["passages"]]
            same_fact = [same for same in story["same_fact"] if same["articles"] == [one, other]]
            expected += [[str(number), *ids, "same fact", str(same["alike"]), same["places"][1]["text"]] for same in same_fact]
    shown = {
        "": ("alike", "editorial_share", "taken_over", "taken_over_share", "other_taken_over_share"),
        "taken over": ("shared_words", "share"),
        "same fact": ("likeness", "other_text"),
    }
    told = [[row[name] for name in ("story", "id", "other_id", "passages", *shown[row["passages"]])] for row in rows]
    assert sorted(told) == sorted(expected) and {row["passages"] for row in rows} == set(shown)


def test_the_report_and_compare_say_the_same(tmp_path: Path) -> None:
    """Two articles that `compare` lays side by side are the same story in the report of their results, figure for figure."""
    for row in by_story()["storm"][:2]:
        (tmp_path / row["source"]).mkdir()
        (tmp_path / row["source"] / "storm.txt").write_text("\n\n".join([row["title"], *row["paragraphs"]]), "utf-8")
    files = sorted(map(str, tmp_path.glob("*/storm.txt")))
    scored = CliRunner().invoke(main, ["score", *files, "-o", str(tmp_path / "results.jsonl"), "-q"])
    assert len(files) == 2 and scored.exit_code == 0, scored.output
    [story] = told_stories(tmp_path / "results.jsonl")[1]["stories"]
    compared = json.loads(CliRunner().invoke(main, ["compare", *files, "--format", "json"]).stdout)
    assert {name: story[name] for name in compared} == compared


def test_nothing_in_common_is_said(tmp_path: Path) -> None:
    """Where no two articles tell the same, the page says that."""
    page, found = told_stories(written(tmp_path / "results.jsonl", [of_row(ROWS[0])]))
    assert "no two of different sources were found" in page.get_text() and found["stories"] == []


def test_what_can_be_read_once_has_no_stories(tmp_path: Path) -> None:
    """A pipe is refused before anything is read, and results that became others between the two readings are an error of one line."""
    os.mkfifo(tmp_path / "pipe")
    done = report(tmp_path / "pipe", "-o", tmp_path / "report.html", "--stories")
    assert done.exit_code == 2 and "reads results twice" in done.stderr
    with pytest.raises(DataError, match="changed while they were read"):
        retold([written(tmp_path / "results.jsonl", [{"status": "ok"}])])
