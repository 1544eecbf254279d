"""The whole job: an article in, labelled passages out."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

import pytest

from training.article import KINDS, Article, folded
from training.model import Model
from training.reading import article_from_bytes, article_from_text
from training.score import Result, own_text, score

SEEDS = Path(__file__).resolve().parent.parent / "seeds"
FILES = sorted((SEEDS / "articles").rglob("*.*"))

NEWS = (
    "The harbour board voted 5-2 on Monday to close the east pier for repairs until October.\n\n"
    "“We found cracks in eleven of the forty piles,” the harbour master, Ulla Brandis, told reporters.\n\n"
    "The repairs will cost 3.1 million crowns, according to a report that the board published on Friday."
)
ARGUMENT = (
    "Let us be honest about the east pier: nobody on the harbour board has walked on it in ten years, and it shows.\n\n"
    "This is a shameful decision, taken by people who should know better, and we will all pay for their cowardice.\n\n"
    "Why must the fishermen always be the ones who make way? The board ought to be ashamed of itself."
)


@pytest.fixture(scope="module")
def results(model: Model) -> list[Result]:
    articles = [article_from_bytes(path.read_bytes(), name=path.name) for path in FILES]
    return score(articles, model)


def test_every_block_stands_where_it_says(results: list[Result]) -> None:
    """Blocks come in reading order, do not overlap, and bare text between the offsets is the block's text and its cuts."""
    for path, result in zip(FILES, results, strict=True):
        source = path.read_bytes().decode()
        at = 0
        for block in (scored.block for scored in result.blocks):
            assert block.start is not None
            assert block.end is not None
            assert at <= block.start < block.end <= len(source)
            at = block.end
            if path.suffix == ".txt" and not block.cut:
                assert folded(source[block.start : block.end]) == block.text


def test_results_are_what_the_contract_says(results: list[Result]) -> None:
    """Kinds and labels are the contract's, probabilities are probabilities, and passages alone have labels."""
    for result in results:
        answer = json.loads(json.dumps(result.as_dict()))
        assert answer["status"] == "ok"
        assert answer["model"]["digest"].startswith("sha256:")
        assert 0 <= answer["editorial_share"] <= 1
        for block in answer["blocks"]:
            assert block["kind"] in KINDS
            assert 0 <= block["kind_probability"] <= 1
            assert ("label" in block) == ("probability" in block) == (block["kind"] == "body")
            assert block["kind"] in ("body", "subheading") or block["reason"]


def test_a_batch_answers_as_its_articles_do_alone(model: Model, results: list[Result]) -> None:
    """Who else is in a batch changes nothing."""
    for path, together in list(zip(FILES, results, strict=True))[::8]:
        [alone] = score([article_from_bytes(path.read_bytes(), name=path.name)], model)
        assert alone.as_dict() == together.as_dict()


def test_reporting_and_argument_are_told_apart(model: Model) -> None:
    """A plain news story is reporting, a plain argument is editorial."""
    news, argument = score([Article(NEWS), Article(ARGUMENT)], model)
    assert (news.label, argument.label) == ("reporting", "editorial")
    assert news.editorial_share == 0
    assert argument.editorial_share == 1


def test_a_fierce_word_in_quotation_marks_is_reporting(model: Model) -> None:
    """What somebody else says, however fierce, is reported."""
    fierce = "This is a shameful decision by cowards who should be thrown out of office, and we will all pay for it."
    quoted = f"“{fierce}” the union's chairman, Per Aldous, said in a statement on Tuesday."
    said, own = score([Article(quoted), Article(fierce)], model)
    assert (said.passages[0].label, own.passages[0].label) == ("reporting", "editorial")


def test_boilerplate_goes_and_the_article_stays(model: Model) -> None:
    """Navigation, a headline list and an appeal round an article are thrown out with a reason; every paragraph stays."""
    page = "\n\n".join(
        [
            "Skip to content",
            "News Sport Weather Subscribe",
            NEWS,
            "More harbour news",
            "Ferry Timetable Changes From Monday",
            "Crab Season Opens Late For Third Year",
            "If you value our reporting, please consider making a monthly donation. Every crown goes to our newsroom.",
            "© 2026 The Pier Gazette. All rights reserved.",
        ]
    )
    [result] = score([Article(page)], model)
    assert own_text(result) == "\n\n".join(folded(paragraph) for paragraph in NEWS.split("\n\n"))
    assert all(block.reason for block in result.blocks if block.kind != "body")


def test_too_little_evidence_gets_no_label(model: Model) -> None:
    """A text with no known word is not labelled: no answer is better than the prior."""
    [result] = score([article_from_text("Qwxz vbrtk plmnk zzrtw kkpqx vvnmz.")], model)
    assert all(passage.label is None for passage in result.passages)
    assert result.label is None
    assert result.editorial_share is None


def test_strip_of_stripped_text_keeps_it(model: Model, results: list[Result]) -> None:
    """Stripping twice is stripping once, but for blocks whose neighbours decided them: essays in the first person lose most."""
    texts = [own_text(result) for result in results]
    again = [own_text(result) for result in score([Article(text) for text in texts], model)]
    kept = sum(len(text) for text in again) / sum(len(text) for text in texts)
    assert kept > 0.93


@pytest.mark.parametrize(("unit", "most"), [("The pier was closed on Monday. ", 21), ("a", 20), ("1", 20)], ids=["sentences", "one word", "one number"])
def test_a_long_text_takes_memory_by_its_length(model: Model, unit: str, most: int) -> None:
    """Of one paragraph, one word or one number of 2 MB, no more is held at any time than so many times its size."""
    article = article_from_text(f"{NEWS}\n\n{unit * (2_000_000 // len(unit))}")
    score([article_from_text(NEWS)], model)
    tracemalloc.start()
    score([article], model)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < most * len(article.text)
