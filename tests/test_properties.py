"""What holds for every input, over the whole way from text or page to a result: searched for counterexamples with generated articles."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate, pairwise
from pathlib import Path
from random import Random

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.test_page import ENTITY, TAG, TEXT, TEXTAREA, UNCLOSED, UNSEEN_PIECE, Piece, bare
from tests.timing import best_of_three
from training.article import Article, Block, folded
from training.errors import InputError
from training.model import Model
from training.reading import article_from_bytes, article_from_text, read
from training.score import Result, own_text, score

SEEDS = Path(__file__).resolve().parent.parent / "seeds"

SENTENCES = [
    "The harbour board voted 5-2 on Monday to close the east pier for repairs until October.",
    "“We found cracks in eleven of the forty piles,” the harbour master, Ulla Brandis, told reporters.",
    "This is a shameful decision, taken by people who should know better, and we will all pay for their cowardice.",
    "Why must the fishermen always be the ones who make way?",
    "Skip to content",
    "© 2026 The Pier Gazette. All rights reserved.",
    "By Ines Tavener",
    "Please consider making a monthly donation to our newsroom.",
]
POINTERS = [
    "(RELATED: Board Quits)",
    "[Read more: Ferries (And Tugs)]",
    "(Sign up for our letter)",
    "(Photo: Ines Tavener)",
    "Read more: Ferry owner speaks",
    "(",
]
HOSTILE_CHARACTERS = "\0\x01\x1b\x7f\x85\xad\u200b\u200d\u2028\u202e\u2066\ufeff\ufffd\ufffe\u0301\u0489\u3000\ud800\udfff\U000e0001\U0010ffff😀ﷺİßǅ"
SPACES = [" ", "\n", "\n\n", "\r\n", "\t", "\u00a0", "\x0c", "  \n"]

PLAIN = st.lists(
    st.one_of(st.sampled_from(SENTENCES), st.sampled_from(SPACES), st.sampled_from(SPACES), st.sampled_from(POINTERS), st.text(max_size=12)), max_size=25
).map("".join)
"""Plain text: prose, furniture, pointers, any characters, and white space of every kind."""

PROSE: st.SearchStrategy[list[Piece]] = st.sampled_from([*SENTENCES, *POINTERS]).map(lambda text: [(text, text)])
MARKED_POINTER: st.SearchStrategy[list[Piece]] = st.sampled_from(
    [
        [(" ", " "), ("(", "("), ("<b title='a>b'>", ""), ("RELATED:", "RELATED:"), ("</b>", ""), (" One &", " One &"), ("&#41;", ")")],
        [(" ", " "), ("&#40;", "("), ("Photo:", "Photo:"), ("<!-- (no) -->", ""), (" Zoë", " Zoë"), ("<br>", ""), (" x)", " x)")],
        [("[", "["), ("<script>(a)</script>", ""), ("Donate now", "Donate now"), ("&#x5D;", "]")],
    ]
)
PAGES: st.SearchStrategy[list[Piece]] = st.builds(
    lambda groups, end: [piece for group in (*groups, end) for piece in group],
    st.lists(st.one_of(PROSE, PROSE, MARKED_POINTER, TEXT, TAG, TAG, ENTITY, UNSEEN_PIECE, TEXTAREA), max_size=25),
    st.one_of(st.just([]), UNCLOSED),
)
"""Malformed pages, piece by piece, each with what a reader of the page sees of it."""

ANY_TEXT = st.lists(
    st.one_of(st.sampled_from(SENTENCES), st.text(HOSTILE_CHARACTERS, max_size=6), st.text(max_size=30), st.sampled_from(SPACES)), max_size=20
).map("".join)
MARKUP = st.text("<>/!-=\"'&;# \nabpdiv", max_size=80)
ARTICLES = st.one_of(
    PLAIN.map(Article),
    PAGES.map(lambda pieces: Article("".join(markup for markup, _ in pieces), True)),
    MARKUP.map(lambda source: Article(source, True)),
)

properties = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def answer(result: Result) -> bytes:
    return orjson.dumps(result.as_dict())


def without_numbers(result: Result) -> Result:
    blocks = tuple(scored._replace(kind_probability=0.0, probability=scored.probability and 0.0) for scored in result.blocks)
    return replace(result, blocks=blocks, share_interval=None, error=None)


def numbers(result: Result) -> list[float]:
    return [number for scored in result.blocks for number in (scored.kind_probability, scored.probability or 0.0)] + [*(result.share_interval or ())]


def seen(pieces: Sequence[Piece], start: int, end: int) -> str:
    """What a reader of the page sees of the source between two offsets."""
    begins = accumulate((len(markup) for markup, _ in pieces), initial=0)
    shown = ""
    for begin, (markup, visible) in zip(begins, pieces, strict=False):
        if markup == visible:
            shown += markup[max(0, start - begin) : max(0, end - begin)]
        elif start <= begin < end:
            shown += visible
    return shown


def parts(block: Block) -> list[tuple[int, int]]:
    """The places of a block without its cuts. Each must be told, and they must lie in order and apart."""
    edges = [block.start, *(edge for span in block.cut for edge in (span.start, span.end)), block.end]
    told = [edge for edge in edges if edge is not None]
    assert told == sorted(edges)  # type: ignore[type-var]
    assert told[0] < told[-1]
    assert all(start < end for start, end in zip(told[1:-1:2], told[2:-1:2], strict=True))
    return list(zip(told[::2], told[1::2], strict=True))


def assert_in_order(blocks: Sequence[Block], length: int) -> None:
    for block in blocks:
        assert block.text == folded(block.text) != ""
        assert block.start is not None
        assert block.end is not None
        assert 0 <= block.start < block.end <= length
    for before, after in pairwise(blocks):
        assert before.end is not None
        assert after.start is not None
        assert before.end <= after.start


def assert_whole(text: str, blocks: Sequence[Block]) -> None:
    """Of a plain text nothing stands between its blocks, and what stands between a block's offsets, without its cuts, is its text."""
    assert_in_order(blocks, len(text))
    at = 0
    for block in blocks:
        assert block.start is not None
        assert block.end is not None
        assert not text[at : block.start].strip()
        assert folded("".join(text[start:end] for start, end in parts(block))) == block.text
        at = block.end
    assert not text[at:].strip()


@properties
@given(PLAIN)
def test_plain_text_between_offsets_is_the_block(model: Model, text: str) -> None:
    """Of a plain text no block is lost or doubled, and what stands between a block's offsets, without its cuts, is its text."""
    [result] = score([Article(text)], model)
    assert_whole(text, [scored.block for scored in result.blocks])


@properties
@given(PAGES)
def test_page_between_offsets_is_the_block(model: Model, pieces: list[Piece]) -> None:
    """Of a page, however malformed, all that can be seen stands in one block each, in order, and what can be seen between a block's offsets, without
    its cuts, is its text."""
    article = Article("".join(markup for markup, _ in pieces), True)
    [result] = score([article], model)
    blocks = [scored.block for scored in result.blocks]
    assert_in_order(blocks, len(article.text))
    assert "".join(bare(seen(pieces, block.start or 0, block.end or 0)) for block in blocks) == bare("".join(visible for _, visible in pieces))
    for block in blocks:
        assert bare("".join(seen(pieces, start, end) for start, end in parts(block))) == bare(block.text)


@properties
@given(st.lists(ARTICLES, min_size=1, max_size=5))
def test_a_batch_gives_what_each_article_gives(model: Model, articles: list[Article]) -> None:
    """Scored again, articles give the same bytes; who else is in a batch changes nothing but what a sum in another order does to the sixth decimal; and
    every block that was read has a verdict, in its place."""
    together = score(articles, model)
    assert [answer(result) for result in together] == [answer(result) for result in score(articles, model)]
    for article, result in zip(articles, together, strict=True):
        [alone] = score([article], model)
        assert without_numbers(alone) == without_numbers(result)
        assert alone.as_dict().get("error") == result.as_dict().get("error")
        assert numbers(alone) == pytest.approx(numbers(result), abs=1e-5)
        assert [(block.start, block.end) for block in read(article).blocks] == [(scored.block.start, scored.block.end) for scored in result.blocks]


@properties
@given(ARTICLES)
def test_results_are_within_bounds(model: Model, article: Article) -> None:
    """Probabilities, shares and intervals are between 0 and 1, passages alone have labels, and what is thrown out has a reason."""
    [result] = score([article], model)
    if result.share_interval:
        low, high = result.share_interval
        assert 0 <= low <= (result.editorial_share or 0) <= high <= 1
    for scored in result.blocks:
        assert 0 <= scored.kind_probability <= 1
        assert scored.probability is None or 0 <= scored.probability <= 1
        assert (scored.label is None) == (scored.probability is None)
        assert scored.kind == "body" or scored.label is None
        assert scored.kind in ("body", "subheading") or scored.reason


@properties
@given(ANY_TEXT, st.sampled_from(["text/plain", "text/html", ""]), ANY_TEXT)
def test_any_characters_give_an_answer_or_a_named_error(model: Model, text: str, media_type: str, title: str) -> None:
    """NUL, half surrogate pairs, changes of direction and characters without width give JSON in UTF-8, or an error of one line with a code."""
    try:
        article = article_from_text(text, media_type=media_type, title=title, source=title)
    except InputError as refused:
        assert refused.code in ("empty", "not-text")
        assert "\n" not in refused.message
        return
    [result] = score([article], model)
    assert json.loads(answer(result))["status"] == "ok"


@properties
@given(st.binary(max_size=300), st.sampled_from(["", "utf-8", "utf-7", "utf-16", "shift_jis"]), st.sampled_from(["", "text/html"]))
def test_any_bytes_give_an_answer_or_a_named_error(model: Model, content: bytes, charset: str, media_type: str) -> None:
    """So do any bytes, whatever they are said to be."""
    try:
        article = article_from_bytes(content, charset=charset, media_type=media_type)
    except InputError as refused:
        assert refused.code in ("empty", "not-text")
        return
    [result] = score([article], model)
    answer(result)


def test_strip_of_stripped_text_keeps_it(model: Model) -> None:
    """What is kept of an article is kept when it is stripped again: nearly all, whichever of its paragraphs were there."""
    random = Random(8)
    texts = [path.read_text("utf-8").split("\n\n") for path in sorted((SEEDS / "articles").rglob("*.txt"))]
    articles = [Article("\n\n".join(paragraph for paragraph in text if random.random() < 0.8)) for text in texts]
    once = [own_text(result) for result in score(articles, model)]
    twice = [own_text(result) for result in score([Article(text) for text in once], model)]
    assert sum(map(len, twice)) > 0.97 * sum(map(len, once)) > 0


ONE_CHARACTER = ['"', "“", "'", "’", "(", ")", "[", "1", "a", "A", ".", "-", "&", "<", "\u200b", "\u202e", "\u0301", "日"]
FLOODS = [*ONE_CHARACTER, "“a” ", "(related: ", "Read more: ", ". (Photo ", "said ", "a.\n", "1,1", "a'"]
MARKED_FLOODS = ["&amp;", "&#", "<p>“a", "a<br><br>", "(related: a) ", "(related: <b>"]


@pytest.mark.parametrize(("unit", "is_html"), [*((unit, False) for unit in FLOODS), *((unit, True) for unit in MARKED_FLOODS)])
def test_linear(model: Model, unit: str, is_html: bool) -> None:
    """Twice as much of the same takes about twice the time, on the whole way to a result."""

    def best(size: int) -> float:
        article = Article(SENTENCES[0] + unit * (size // len(unit)), is_html)
        return best_of_three(lambda: score([article], model))

    assert best(40_000) <= 4 * max(best(20_000), 0.05)


@pytest.mark.parametrize("character", ['"', "(", " ", "\n", "1", "\0", "\u200b"])
def test_a_megabyte_of_one_character(model: Model, character: str) -> None:
    """A million times the same character after a sentence gives an answer, or an error that says why."""
    try:
        [result] = score([article_from_text(SENTENCES[0] + character * 1_000_000)], model)
    except InputError as refused:
        assert refused.code == "not-text"
        return
    assert "".join(scored.block.text for scored in result.blocks).startswith(SENTENCES[0][:60])
