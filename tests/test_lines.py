"""The reader of plain text: which lines belong together."""

from __future__ import annotations

import sys
from random import Random
from textwrap import wrap

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.timing import best_of_three
from training.article import folded
from training.lines import read_lines

VOCABULARY = (
    "harbour council ferry winter school grain measure bridge slowly against report members quiet old the of a and in with for budget morning river"
    " said would keepers lantern Ostrand Tavener Kestrel whose nine warehouse committee's half-finished"
)
WORDS = VOCABULARY.split()


def texts(source: str) -> list[str]:
    return [block.text for block in read_lines(source)]


def wrapped(paragraphs: list[str], width: int, between: str) -> str:
    return between.join("\n".join(wrap(paragraph, width, break_long_words=False, break_on_hyphens=False)) for paragraph in paragraphs)


def sentence(words: list[str], end: str = ".") -> str:
    return " ".join([words[0].capitalize(), *words[1:]]) + end


SENTENCES = st.builds(sentence, st.lists(st.sampled_from(WORDS), min_size=6, max_size=25), st.sampled_from(".....?!"))
PARAGRAPHS = st.lists(SENTENCES, min_size=1, max_size=6).map(" ".join)


SEPARATE = [
    ("Rain fell.\n\nWind rose.", ["Rain fell.", "Wind rose."]),
    ("Rain fell.\nWind rose.", ["Rain fell.", "Wind rose."]),
    ("Rain fell.\r\nWind rose.\r\n", ["Rain fell.", "Wind rose."]),
    ("Rain fell.\rWind rose.", ["Rain fell.", "Wind rose."]),
    ("Rain fell.\u2028Wind rose.", ["Rain fell.", "Wind rose."]),
    ("Rain fell.\x0cWind rose.", ["Rain fell.", "Wind rose."]),
    ("\n\n  Rain \t fell.\u00a0 \n", ["Rain fell."]),
    ("Rain fell.", ["Rain fell."]),
    (" \n\t\n", []),
    ("", []),
]


@pytest.mark.parametrize(("source", "expected"), SEPARATE)
def test_a_line_is_a_paragraph(source: str, expected: list[str]) -> None:
    """Where nothing is wrapped every line is a block, whatever ends it."""
    assert texts(source) == expected


def test_all_white_space_is_folded() -> None:
    """Every character that is white space, between words or at the ends, becomes one space or none."""
    for character in filter(str.isspace, map(chr, range(sys.maxunicode + 1))):
        assert folded(f"{character}rain{character}fell") == folded(f"rain fell{character}") == "rain fell"
        assert folded(f"rain {character}fell") == folded(f"rain{character}{character}fell") == "rain fell"


WRAPPED = """Ferry service to Ostrand will
stop on the first of March, the
harbour board said on Monday.
"We have no crew," said Ines
Tavener, who chairs the board
and has run the line for years.
"""


def test_wrapped_speech_is_a_paragraph_of_its_own() -> None:
    """A full line that ends a sentence ends the paragraph when a quotation begins the next line."""
    assert texts(WRAPPED) == [
        "Ferry service to Ostrand will stop on the first of March, the harbour board said on Monday.",
        '"We have no crew," said Ines Tavener, who chairs the board and has run the line for years.',
    ]


NAMED = """The harbour board met on Monday. It
voted to close the east pier of
Ostrand, which the ferries of the
Tavener line have used for years.
Repairs will take until May, the
chairman said. It rained. At Port
Kessel, where the other ferry is,
nobody had heard of the decision.
"""


def test_a_sentence_is_not_split_before_a_name() -> None:
    """However many sentences a wrapped paragraph has, one that goes on in the next line with a name goes on in the paragraph."""
    first, second = texts(NAMED)
    assert first.endswith("of the Tavener line have used for years.")
    assert second.startswith("Repairs") and "At Port Kessel, where" in second


def test_a_heading_over_wrapped_text_is_a_block_of_its_own() -> None:
    """Whatever word it ends with, a line that is longer than the wrap is not wrapped."""
    heading = "why the board of the harbour cannot pay for what the keepers of its lanterns ask for"
    assert texts(f"{heading}\n{WRAPPED}")[0] == heading


@pytest.mark.parametrize(
    "line",
    [
        "- a net",
        "• a net",
        "* a net",
        "1. a net",
        "(2) a net",
        "a) a net",
        "14/03/2021",
        "By Ines Tavener",
        "(OW/Kestrel)",
        "nets | ropes",
        "(a longer line in brackets)",
    ],
)
def test_own_lines(line: str) -> None:
    """List items, dates, bylines, table rows and bracketed lines never join the wrapped paragraph before them, nor the one after."""
    wrapped = "the board of the harbour met with\nthe keepers of the old lantern and\nwith the men who still run the old"
    assert texts(f"{wrapped}\n{line}")[-1] == line
    assert texts(f"{line}\n{wrapped}")[0] == line


def test_mixed_widths_keep_long_lines_whole() -> None:
    """A line longer than any wrap is a paragraph by itself even in a wrapped text."""
    paragraph = " ".join(["harbour"] * 40) + "."
    assert texts(f"{WRAPPED}{paragraph}\n{WRAPPED}")[2] == paragraph


HOSTILE = [
    "harbour board said and the old keepers of it\n",
    " \n",
    "\n",
    "a",
    "(",
    '"We.\n',
    "a b c d e f g h i j k l m n. o\n",
    "| \n",
    "\x0c",
    "\u2028a",
    "- \n",
    "by the\n",
    "A. B. C. D. E. F. G. H. I\n",
]


@pytest.mark.parametrize("unit", HOSTILE)
def test_linear(unit: str) -> None:
    """Twice the text takes about twice the time, whatever the text."""

    def best(size: int) -> float:
        source = unit * (size // len(unit))
        return best_of_three(lambda: read_lines(source))

    assert best(100_000) <= 4 * max(best(50_000), 0.05)


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(max_size=200), st.text('ab ."(\n\r\t\x0b\x0c\x85\u2028\u00a0-|1A', max_size=200)))
def test_blocks_cover_the_text(source: str) -> None:
    """Every character that is not white space stands in exactly one block, and a block's text is what stands in its place."""
    end = 0
    for block in read_lines(source):
        assert block.start is not None
        assert block.end is not None
        assert block.start >= end
        assert not source[end : block.start].strip()
        assert block.text == folded(source[block.start : block.end]) != ""
        end = block.end
    assert not source[end:].strip()


@settings(max_examples=200, deadline=None)
@given(st.integers(0), st.integers(30, 120))
def test_wrapped_with_blank_lines(seed: int, width: int) -> None:
    """Paragraphs wrapped at any width, with blank lines between them, are read back as they were. Their words are drawn as chance has it: lines of one
    word over and over can be as long as each other at more than one width."""
    random = Random(seed)
    paragraphs = [
        " ".join(sentence(random.choices(WORDS, k=random.randint(6, 25)), random.choice(".....?!")) for _ in range(random.randint(1, 6)))
        for _ in range(random.randint(3, 8))
    ]
    assume(sum(len(wrap(paragraph, width)) >= 4 for paragraph in paragraphs) >= 3)
    assert texts(wrapped(paragraphs, width, "\n\n")) == paragraphs


@settings(max_examples=200, deadline=None)
@given(st.integers(0), st.integers(30, 120))
def test_wrapped_without_blank_lines(seed: int, width: int) -> None:
    """Paragraphs wrapped at any width, each ending in a short line, are read back as they were without blank lines too."""
    random = Random(seed)
    paragraphs = []
    for _ in range(random.randint(2, 6)):
        words = random.choices(WORDS, k=random.randint(60, 110))
        while len(wrap(sentence(words), width, break_on_hyphens=False)[-1]) > width / 2:
            words.pop()
        paragraphs.append(sentence(words))
    assert texts(wrapped(paragraphs, width, "\n")) == paragraphs


@settings(max_examples=80, deadline=None)
@given(st.lists(PARAGRAPHS, max_size=20), st.sampled_from(["\n", "\n\n", "\r\n"]))
def test_one_paragraph_a_line(paragraphs: list[str], between: str) -> None:
    """Paragraphs that stand one to a line are never joined."""
    assert texts(between.join(paragraphs)) == paragraphs


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(st.sampled_from(WORDS), min_size=2, max_size=12), max_size=30))
def test_headlines(lists: list[list[str]]) -> None:
    """Lines of a list of headlines are never joined, however near their lengths are to one another."""
    headlines = [sentence(words, "") for words in lists]
    assert texts("\n".join(headlines)) == headlines
