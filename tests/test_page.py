"""The reader of pages: which text it sees, where it cuts blocks, and where in the source they stand."""

from __future__ import annotations

from itertools import accumulate, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.timing import best_of_three
from training.article import Block, Element, folded
from training.page import MARKUP, RESCUES, read_page

Piece = tuple[str, str]
"""A piece of page source and the text of it that a reader of the page sees."""


def texts(source: str) -> list[str]:
    return [block.text for block in read_page(source).blocks]


def places(source: str) -> list[str]:
    """What stands in the source where each block says it does."""
    return [source[block.start : block.end] for block in read_page(source).blocks]


def chain(block: Block) -> list[str]:
    tags, element = [], block.element
    while element is not None:
        tags.append(element.tag)
        element = element.parent
    return tags


BLOCKS = [
    ("<p>Rain fell.</p><p>Wind rose.</p>", ["Rain fell.", "Wind rose."]),
    ("<p>Rain fell.<p>Wind rose.", ["Rain fell.", "Wind rose."]),
    ("<P>Rain fell.</P><DIV>Wind rose.</DIV>", ["Rain fell.", "Wind rose."]),
    ("<ul><li>Rain<li>Wind</ul>", ["Rain", "Wind"]),
    ("<table><tr><td>Rain<td>Wind<tr><td><table><tr><td>Snow</table>Ice</table>", ["Rain", "Wind", "Snow", "Ice"]),
    ("Loose text<hr>more of it", ["Loose text", "more of it"]),
    ("<p>Rain <b>fell</b> on <a href=/o>Ostrand</a>.</p>", ["Rain fell on Ostrand."]),
    ("<p>One line<br>and the next</p>", ["One line and the next"]),
    ("<p>One line<br> <br/>another block</p>", ["One line", "another block"]),
    ("<p>Over<!-- unseen -->board</p>", ["Overboard"]),
    ("<p>Hard\n  wrapped\ttext&nbsp;here</p>", ["Hard wrapped text here"]),
    ("<p>Tavener &amp; Sons &lt;grain&gt; &#8220;today&#8221;</p>", ["Tavener & Sons <grain> “today”"]),
    ("<p>&nbsp;</p><p> \n </p><p></p>", []),
    ("", []),
    ("no markup at all", ["no markup at all"]),
    ("<p>5 < 6 and 7 > 6 and <3</p>", ["5 < 6 and 7 > 6 and <3"]),
    ("<option>Rain<option>Wind", ["Rain", "Wind"]),
]


@pytest.mark.parametrize(("source", "expected"), BLOCKS)
def test_blocks(source: str, expected: list[str]) -> None:
    """A block ends where a browser would begin a new paragraph, and nowhere else."""
    assert texts(source) == expected


UNSEEN = [
    "<script>document.write('<p>no</p>')</script>",
    "<SCRIPT type='a>b'>if (a<b) no()</SCRIPT >",
    "<style>p > b { content: '<p>no</p>' }</style>",
    "<title>no</title>",
    "<iframe src=x><p>no</p></iframe>",
    "<!-- <p>no</p> -->",
    "<!-- no -- no --!>",
    "<!-->",
    "<!--->",
    "<!doctype html>",
    "<?php no ?>",
    "</ no>",
    '<img alt="5 > 3">',
    "<img alt='it is > no'>",
    '<a title="> <p>no</p> ">',
    "<a href=no>",
]


@pytest.mark.parametrize("markup", UNSEEN)
def test_unseen(markup: str) -> None:
    """Markup, comments, scripts and what attributes say are never read as text, and what follows them is."""
    assert texts(f"<p>Rain{markup}</p><p>Wind</p>") == ["Rain", "Wind"]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("<textarea>Write to us</textarea>", ["Write to us"]),
        ('<p>Before<textarea placeholder="a>b">Dear <b>editor</b></textarea>after', ["Before", "Dear <b>editor</b>", "after"]),
        ("<xmp><p>Rain</p></xmp>", ["<p>Rain</p>"]),
        ("<textarea></textarea><p>Rain", ["Rain"]),
    ],
)
def test_seen_raw_text(source: str, expected: list[str]) -> None:
    """What stands in a text area is text, whatever it looks like, and begins after its start tag."""
    assert texts(source) == expected
    assert places(source) == expected


@pytest.mark.parametrize(
    "unclosed",
    [
        '<a href="x>',
        "<a href='x>",
        "<!-- <i>",
        "<script>",
        "<style media=print>",
        "<title>",
        "<textarea>",
        '<script src="x.js>',
        "<textarea name='x>",
        '<div title="<!-- > ',
    ],
)
@pytest.mark.parametrize("end", ["Wind rose.", "Wind rose.</p>", "<p>Wind rose.</p></body></html>\n"])
def test_unclosed_markup(unclosed: str, end: str) -> None:
    """What is opened and never closed swallows no text: reading goes on after its first `>`."""
    assert [text for text in texts(f"<p>Rain fell.</p>{unclosed}{end}") if text] == ["Rain fell.", "Wind rose."]


@pytest.mark.parametrize("cut_short", ["<", "<p", '<p class="lead', "<!-", "<!-- no", "</p", "<a href=", "<script", "&am"])
def test_cut_short(cut_short: str) -> None:
    """A page cut off in the middle of a tag keeps every block before it."""
    assert texts(f"<p>Rain fell.</p>{cut_short}")[0] == "Rain fell."


def test_many_unclosed() -> None:
    """However many constructs are left unclosed, reading ends and the text before them is kept."""
    source = "<p>Rain fell.</p>" + '<a href="x> word ' * 21 + "<!-- <textarea><script> " * 21
    assert texts(source)[0] == "Rain fell."


def test_all_text_before_what_swallows_the_rest_is_kept() -> None:
    """Constructs that are never closed are taken back a number of times; what stands before the first that is not is read to the last word."""
    unclosed = [f"<!-- > <p>Wind {number}." for number in range(RESCUES + 2)]
    assert texts("".join(unclosed)) == [f"Wind {number}." for number in range(RESCUES)]


@pytest.mark.parametrize(
    ("source", "chain_of_second"),
    [
        ("<ul><li>Rain<li>Wind", "li ul"),
        ("<dl><dt>Rain<dd>Wind", "dd dl"),
        ("<dl><dd>Rain<dt>Wind", "dt dl"),
        ("<table><tr><td>Rain<th>Wind", "th tr table"),
        ("<table><tr><th>Rain<tr><td>Wind", "td tr table"),
        ("<select><option>Rain<option>Wind", "option select"),
        ("<head>Rain<body><p>Wind", "p body"),
        ("<div><p>Rain<ul>Wind", "ul div"),
    ],
)
def test_a_start_tag_ends_what_it_cannot_stand_in(source: str, chain_of_second: str) -> None:
    """Elements whose end tags may be left out do not come to stand in one another."""
    assert chain(read_page(source).blocks[1]) == chain_of_second.split()


def test_chain_of_elements() -> None:
    """A block knows the elements it stands in, innermost first, ended ones left out, and their hints in lower case."""
    source = '<body><article class="Main-Story"><h1>Ferry sinks</h1><p>Rain fell.<p id=second>Wind rose.<aside role=Note>Buy'
    headline, first, second, aside = read_page(source).blocks
    assert chain(headline) == ["h1", "article", "body"]
    assert chain(first) == chain(second) == ["p", "article", "body"]
    assert chain(aside) == ["aside", "article", "body"]
    assert isinstance(second.element, Element)
    assert second.element.parent is not None
    assert (second.element.hints, second.element.parent.hints) == ("second", "main-story")
    assert aside.element is not None
    assert (aside.element.hints, aside.element.depth) == ("note", 2)


@pytest.mark.parametrize("attribute", ["hidden", "hidden=''", 'style="color: red; display: none"', "aria-hidden=true", 'aria-hidden="true"'])
def test_hidden_is_a_hint(attribute: str) -> None:
    """Hidden text is read, and its element says that it is hidden."""
    (block,) = read_page(f"<div {attribute}>Rain fell.</div>").blocks
    assert block.element is not None
    assert "hidden" in block.element.hints.split()


@pytest.mark.parametrize(
    ("source", "linked"),
    [
        ("<p>Rain <a href=/x>fell</a> here", [4]),
        ("<p><a href=/x>Rain fell</a>", [9]),
        ("<p><a href=/x>Rain<p>fell</a> here", [4, 4]),
        ("<p>Rain</p>", [0]),
    ],
)
def test_linked(source: str, linked: list[int]) -> None:
    """A block knows how many of its characters stand in links."""
    assert [block.linked for block in read_page(source).blocks] == linked


@pytest.mark.parametrize("tag", ["div", "blockquote", "ul", "span", "table", "b", "p"])
def test_deep_nesting(tag: str) -> None:
    """Elements nested fifty thousand deep are read like any others."""
    source = f"<{tag}>" * 50_000 + "Rain fell." + f"</{tag}>" * 50_000 + "<p>Wind rose."
    assert texts(source)[0].startswith("Rain fell.")
    assert places(source)[-1].endswith("Wind rose.")


def test_every_character_is_scanned_once() -> None:
    """The scanner splits a source into text and markup without losing or moving a character."""
    source = "<p title='>'>a<!-- b --><script>c</script>&amp;<br>< d <textarea>e"
    assert "".join(MARKUP.split(source)) == source


HOSTILE = [
    "<",
    "<a ",
    "<p>",
    "</p>",
    "<!--",
    "<!-",
    "<!-- --",
    '<a href="',
    "<a x='",
    "<a =",
    "<script>",
    "</script",
    "<script",
    "<textarea>",
    "<title>a",
    "<br>",
    "&amp",
    "<div class=",
    '<p style="',
    "<p hidden class ",
    "<td><table>",
    "<li>a</ul>",
    "<?",
    "</",
    '"',
]


@pytest.mark.parametrize("unit", HOSTILE)
def test_linear(unit: str) -> None:
    """Twice the source takes about twice the time, whatever the source."""

    def best(size: int) -> float:
        source = unit * (size // len(unit))
        return best_of_three(lambda: read_page(source))

    assert best(200_000) <= 4 * max(best(100_000), 0.05)


WORDS = st.integers(0, 999).map("word{}".format)
TEXT: st.SearchStrategy[list[Piece]] = st.one_of(
    WORDS,
    st.sampled_from([" ", "\n", "  \t", " < ", " <3 ", " > ", ' " ', " ' ", " & ", "é", "日本", " = "]),
).map(lambda text: [(text, text)])
ENTITY: st.SearchStrategy[list[Piece]] = st.sampled_from(
    [
        ("&amp;", "&"),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&nbsp;", " "),
        ("&#8217;", "’"),
        ("&#x2014;", "—"),
        ("&eacute;", "é"),
        ("&copy ", "©"),
        ("&quot;", '"'),
    ]
).map(lambda piece: [piece])
NAMES = "p P div DIV span b i a A em li ul h1 table tr td th blockquote section br BR hr img figure pre form option x-card svg font"
TAG: st.SearchStrategy[list[Piece]] = st.builds(
    lambda close, name, attributes, end: [(f"<{close}{name}{attributes}{end}", "")],
    st.sampled_from(["", "", "/"]),
    st.sampled_from(NAMES.split()),
    st.sampled_from(
        [
            "",
            " ",
            ' class="lead"',
            " class=lead",
            " title='a > b'",
            ' title="<p>no</p>"',
            ' data-x = "it\'s >"',
            " hidden",
            ' alt=""x"',
            " href=/a?b=c&d",
            "\n id='x'\n",
        ]
    ),
    st.sampled_from([">", ">", "/>", " >"]),
)
UNSEEN_PIECE: st.SearchStrategy[list[Piece]] = st.sampled_from([*UNSEEN[:12], "<script></script>", "<![CDATA[no]]>", "<!-- <script> -->"]).map(
    lambda markup: [(markup, "")]
)
TEXTAREA: st.SearchStrategy[list[Piece]] = st.builds(
    lambda begin, word, end: [(begin, ""), (word, word), (end, "")],
    st.sampled_from(["<textarea>", '<TEXTAREA title="a>b">', "<textarea\nrows=2>"]),
    st.one_of(WORDS, st.sampled_from(["<b>bold</b>", "", " ", "<!-- seen -->", "<script>seen()</script>", "a</b>"])),
    st.sampled_from(["</textarea>", "</TEXTAREA >"]),
)
UNCLOSED: st.SearchStrategy[list[Piece]] = st.builds(
    lambda markup, word: [(markup, ""), (word, word)],
    st.sampled_from(['<a href="x>', "<p class='x>", "<!-- <i>", "<script>", "<textarea>", "<style>", '<script src="x>']),
    WORDS,
)
PAGES: st.SearchStrategy[list[Piece]] = st.builds(
    lambda pieces, end: [piece for group in (*pieces, end) for piece in group],
    st.lists(st.one_of(TEXT, TEXT, TAG, TAG, ENTITY, UNSEEN_PIECE, TEXTAREA), max_size=40),
    st.one_of(st.just([]), UNCLOSED),
)


def bare(text: str) -> str:
    return "".join(text.split())


@settings(max_examples=300, deadline=None)
@given(PAGES)
def test_blocks_hold_the_text_of_their_places(pieces: list[Piece]) -> None:
    """Of any page, every piece of visible text stands in exactly one block, and what is visible between a block's offsets is its text."""
    source = "".join(markup for markup, _ in pieces)
    blocks = read_page(source).blocks
    assert bare("".join(block.text for block in blocks)) == bare("".join(seen for _, seen in pieces))
    begins = list(accumulate((len(markup) for markup, _ in pieces), initial=0))
    for block in blocks:
        assert block.start is not None
        assert block.end is not None
        seen = ""
        for begin, (markup, visible) in zip(begins, pieces, strict=False):
            if markup == visible:
                seen += markup[max(0, block.start - begin) : max(0, block.end - begin)]
            elif block.start <= begin < block.end:
                seen += visible
        assert bare(seen) == bare(block.text)


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text("<>/!-=\"'&; \nabp", max_size=60), st.lists(st.sampled_from([*HOSTILE, *UNSEEN, "word", " ", ">"]), max_size=15).map("".join)))
def test_any_source_has_ordered_places(source: str) -> None:
    """Whatever the source, blocks are folded and not empty, and their places lie in it, in order, apart, and touch text at both ends."""
    blocks = read_page(source).blocks
    for block in blocks:
        assert block.text
        assert block.text == folded(block.text)
        assert block.start is not None
        assert block.end is not None
        assert 0 <= block.start < block.end <= len(source)
        assert not source[block.start].isspace()
        assert not source[block.end - 1].isspace()
        assert 0 <= block.linked <= len(block.text)
    for before, after in pairwise(blocks):
        assert before.end is not None
        assert after.start is not None
        assert before.end <= after.start
