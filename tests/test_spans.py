"""Spans inside a block that are not the article's."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.article import Article, Block, folded
from training.reading import read
from training.spans import EVERYWHERE, IN_BODY, cut

BEFORE, AFTER = "The ferry sank off Ostrand.", "Nobody was hurt."


def both(article: Article) -> Block:
    """The only block of an article, cut as that of a body is."""
    (block,) = read(article).blocks
    return cut(cut(block, EVERYWHERE, article), IN_BODY, article)


def gone(source: str, is_html: bool = False) -> tuple[str, list[tuple[str | None, str]]]:
    """What is left of a block, and what stands in the source where each cut says it was, with its kind."""
    article = Article(source, is_html)
    block = both(article)
    return block.text, [(None if span.start is None else source[span.start : span.end], span.kind) for span in block.cut]


POINTERS = [
    "(RELATED: Auditors Board Second Ferry)",
    "(Related: Why Ferries (And Tugs) Sink)",
    "[RELATED: Why Ferries (And Tugs) [Sometimes] Sink]",
    "(Read more: ferries)",
    "(READ ALSO: Harbour Board Resigns; Mayor Next?)",
    "( WATCH: Salvage in two minutes )",
    "[See also: our ferry pages]",
    "(More on this: The Tavener papers)",
    "(Related stories | Ferries)",
    "[RELATED » Everything on ferries » ostrand.example/ferries]",
    "(Read more – Ferry Owner Speaks)",
    "(Don’t miss: the ferry quiz)",
]


@pytest.mark.parametrize("pointer", POINTERS)
def test_pointer_in_brackets(pointer: str) -> None:
    """A pointer in brackets is cut wherever in a paragraph it stands, and its place is its very characters."""
    assert gone(f"{pointer} {BEFORE}") == (BEFORE, [(pointer, "related")])
    assert gone(f"{BEFORE} {pointer} {AFTER}") == (f"{BEFORE} {AFTER}", [(pointer, "related")])
    assert gone(f"{BEFORE} {pointer}") == (BEFORE, [(pointer, "related")])


@pytest.mark.parametrize(
    "pointer",
    [
        "Read more: Ferry owner speaks",
        "READ MORE: Why do ferries sink?",
        "Related: Ferry owner speaks",
        "See also: “Salvage” in pictures",
        "More: Ferry quiz",
    ],
)
def test_pointer_at_the_end(pointer: str) -> None:
    """A pointer after the last sentence is cut up to the end, and only there."""
    assert gone(f"{BEFORE} {pointer}") == (BEFORE, [(pointer, "related")])
    assert gone(f"{BEFORE} {pointer}. {AFTER}") == (f"{BEFORE} {pointer}. {AFTER}", [])


@pytest.mark.parametrize("plea", ["(Sign up for our letter here.)", "[Subscribe to The Ostrand Hour]", "(Donate today (it helps))", "( Click here to join )"])
def test_plea_in_brackets(plea: str) -> None:
    """A plea in brackets is cut as an appeal."""
    assert gone(f"{BEFORE} {plea} {AFTER}") == (f"{BEFORE} {AFTER}", [(plea, "appeal")])


@pytest.mark.parametrize(
    "credit",
    [
        "(Photo: Ines Tavener)",
        "(AP Photo/Ines Tavener, File)",
        "[Image: Harbour Board]",
        "(Courtesy of the Kestrel family)",
        "(Staff photo by I. Tavener)",
    ],
)
def test_credit(credit: str) -> None:
    """A picture's credit is cut at the end of a body paragraph, and nowhere else."""
    assert gone(f"{BEFORE} {credit}") == (BEFORE, [(credit, "caption")])
    assert gone(f"{BEFORE} {credit} {AFTER}")[1] == []
    caption = Article(f"{BEFORE} {credit}")
    (block,) = read(caption).blocks
    assert cut(block, EVERYWHERE, caption) == block


PROSE = [
    "He wanted more: a desk, a lamp and a window.",
    "He had one wish. More: he had a plan.",
    "The cousins (related only by marriage) did not speak.",
    "Doctors chose to wait (watch-and-wait) and were right.",
    "It cost ten crowns (more – or less – than planned) that year.",
    "It cost ten crowns (more than planned) that year.",
    "The two (related – if only by marriage) did not speak.",
    "She told the board (the old one) to read more and talk less.",
    "The law (see section 4) and the ferry (built in 1961) are old.",
    "Read more books, she told them. They did.",
    "Donate your coat, it said [sic] on the door.",
    "The photo (taken on Monday) shows the ferry.",
    "Three things are related: rain, wind and rates.",
    "An unclosed bracket (related: never ends",
]


@pytest.mark.parametrize("prose", PROSE)
def test_prose_stays(prose: str) -> None:
    """Ordinary brackets and colons are prose, and no character of prose is cut."""
    assert gone(prose) == (prose, [])


@pytest.mark.parametrize("block", ["(RELATED: Ferry owner speaks)", "[Sign up for our letter]", "(RELATED: One) (RELATED: Two)", "— (Related: One) —"])
def test_nothing_but_spans(block: str) -> None:
    """A block that is nothing but such spans stays whole, for its kind to be decided."""
    assert gone(block) == (block, [])


@pytest.mark.parametrize(
    ("begin", "pointer", "end"),
    [
        ("<p>The ferry sank. ", '(<b>RELATED:</b> <a href="/x?a=1&b=2">Tavener &amp; Sons &#8220;knew&#8221;</a>)', " Nobody was hurt.</p>"),
        ("<p>The ferry&nbsp;sank. <em>", '(RELATED: <a title="a > b)" href=/x>Tavener\n knew</a>)', "</em> Nobody was hurt.&nbsp; </p>"),
        ("<div>The <!-- (old) -->ferry sank.<br>", "(RELATED: <script>if (a < b) f()</script>Tavener knew)", "<br>Nobody was hurt."),
        ("<p>The ferry sank. ", "&#40;RELATED&colon; Tavener knew&rpar;", " Nobody was hurt."),
        ("<p>The 5 < 6 ferry sank. ", "[Related: 5 < 6 > 4]", " Nobody was hurt."),
    ],
)
def test_places_in_pages(begin: str, pointer: str, end: str) -> None:
    """In a page the place of a cut holds the very characters that went, tags, entities, comments and scripts within them too."""
    text, spans = gone(begin + pointer + end, is_html=True)
    assert spans == [(pointer, "related")]
    assert text.startswith("The ")
    assert text.endswith("ferry sank. Nobody was hurt.")


def test_several_cuts_of_one_block() -> None:
    """All spans of a block are found, each with its own place, also when a later rule cuts what an earlier one left."""
    source = f"{BEFORE} (RELATED: One) {AFTER} [Sign up for our letter] All is well. (Photo: Ines Tavener)"
    assert gone(source) == (
        f"{BEFORE} {AFTER} All is well.",
        [("(RELATED: One)", "related"), ("[Sign up for our letter]", "appeal"), ("(Photo: Ines Tavener)", "caption")],
    )
    assert gone(f"<p>{source}</p>", is_html=True)[1] == gone(source)[1]


def test_a_span_inside_a_span() -> None:
    """Of two spans one inside the other the outer one is cut, once."""
    plea = "(Sign up for our letter (RELATED: Letters) today)"
    assert gone(f"{BEFORE} {plea} {AFTER}") == (f"{BEFORE} {AFTER}", [(plea, "appeal")])


@pytest.mark.parametrize(
    ("tail", "places"),
    [
        ("(Photo: Ines Tavener) (RELATED: One)", [("(Photo: Ines Tavener)", "caption"), ("(RELATED: One)", "related")]),
        ("(Photo: Ines Tavener) Read more: One", [("(Photo: Ines Tavener)", "caption"), ("Read more: One", "related")]),
        ("(Photo: Ines (RELATED: One) Tavener)", [("(Photo: Ines (RELATED: One) Tavener)", "caption")]),
    ],
)
def test_cuts_lie_in_order_and_apart(tail: str, places: list[tuple[str, str]]) -> None:
    """Cuts stand in the order of the text whichever rule found them first, and one that goes round another stands for both."""
    assert gone(f"{BEFORE} {tail}") == (BEFORE, places)
    assert gone(f"<p>{BEFORE} {tail}</p>", is_html=True) == (BEFORE, places)


@pytest.mark.parametrize("odd", ["<style>", '<a href="x>', "<!-- <i>", "</br>", "</BR >"])
def test_places_beside_malformed_markup(odd: str) -> None:
    """A cut has its place also beside markup that is never closed, or that closes what cannot be open."""
    text, spans = gone(f"<p>{BEFORE} (RELATED: One) Nobody{odd}was hurt.", is_html=True)
    assert spans == [("(RELATED: One)", "related")]
    assert text.replace(" ", "") == (BEFORE + "Nobodywas hurt.").replace(" ", "")


def test_places_of_a_later_block() -> None:
    """Offsets count from the beginning of the article, not of the block."""
    source = f"Headline\n\n{BEFORE} (RELATED: One) {AFTER}"
    article = Article(source)
    (span,) = cut(read(article).blocks[1], EVERYWHERE, article).cut
    assert source[span.start : span.end] == "(RELATED: One)"


def test_no_place() -> None:
    """Where a block's place is not certain, or its text is not what stands there, the cut is made and its place is null."""
    text = f"{BEFORE} (RELATED: One) {AFTER}"
    for block in (Block(text, None, None), Block(text, 0, 40)):
        cleaned = cut(block, EVERYWHERE, Article("Something else stands here, and it is not that block."))
        assert cleaned.text == f"{BEFORE} {AFTER}"
        assert cleaned.cut == ((None, None, "related"),)


@pytest.mark.parametrize("tail", ["<!--" * 3000, "<!-- >" * 3000, "<script>" * 3000, "(" * 5000, "(related: " * 2000, "&" * 5000, "<a href='" * 2000])
def test_hostile_blocks(tail: str) -> None:
    """A block full of openings that never close is searched and retraced like any other."""
    source = f"{BEFORE} (RELATED: One) {AFTER} {tail}"
    assert gone(source)[1][0] == ("(RELATED: One)", "related")


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "word",
                "a&amp;b",
                "<b>",
                "</b>",
                "<i title='a>b'>",
                "<!-- x -->",
                " ",
                "&nbsp;",
                "(RELATED: One)",
                "(Related: <i>T</i>wo &lt;)",
                "[Donate now]",
                ".",
                "(old)",
                "<br>",
            ]
        ),
        max_size=25,
    )
)
def test_what_is_left_and_what_is_cut(pieces: list[str]) -> None:
    """What is cut is what its place holds, and with what is left makes the block as it was, in order."""
    article = Article("".join(pieces), True)
    for block in read(article).blocks:
        cleaned = cut(block, EVERYWHERE, article)
        if not cleaned.cut:
            assert cleaned == block
            continue
        rest, position = "", block.start
        for span in cleaned.cut:
            assert position is not None
            assert span.start is not None
            assert span.end is not None
            assert position <= span.start < span.end
            (spoken,) = read(Article(article.text[span.start : span.end], True)).blocks
            assert spoken.text[0] in "(["
            assert spoken.text[-1] in ")]"
            rest, position = rest + article.text[position : span.start], span.end
        rest += article.text[position : block.end]
        assert folded(" ".join(left.text for left in read(Article(rest, True)).blocks)) == cleaned.text
