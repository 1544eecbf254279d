"""The token stream."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.tokens import _LONGEST, CAPITALISED, LOWER, MARK, NUMBER, UPPER, Index, Lexicon, count_tokens

PATTERN = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*|\d+(?:[.,:]\d+)*|[^\w\s]|_")
"""What a token is, said another way."""


def written(text: str) -> list[str]:
    tokens = Lexicon([]).read([text])
    return [text[start:end] for start, end in zip(tokens.start, tokens.end, strict=True)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Orla's ferry can’t sail.", ["Orla's", "ferry", "can’t", "sail", "."]),
        ("At 10:30 it cost 1,250.75.", ["At", "10:30", "it", "cost", "1,250.75", "."]),
        ("covid19 well-known", ["covid", "19", "well", "-", "known"]),
        ("students' 'yes'", ["students", "'", "'", "yes", "'"]),
        ("…a_b  \u2003z\n", ["…", "a", "_", "b", "z"]),
        ("", []),
    ],
)
def test_tokens(text: str, expected: list[str]) -> None:
    """Words keep inner apostrophes, numbers inner marks, and every other mark stands alone."""
    assert written(text) == expected


@given(st.text(alphabet=st.one_of(st.characters(), st.sampled_from("aB'’.,:19 \n_")), max_size=60))
def test_any_text_is_cut_as_the_pattern_says(text: str) -> None:
    """No text, however odd, is cut otherwise than the regular expression would."""
    assert written(text) == PATTERN.findall(text)


def test_a_batch_reads_like_its_texts_one_by_one() -> None:
    """Batching changes nothing, not even where a batch is longer than the piece worked on at once."""
    texts = ["The Quay Line pays.", "", "“No,” said Bex. ", "x" * 200_000, "The end"]
    lexicon = Lexicon(["the", "said", "x" * 200_000])
    whole = lexicon.read(texts)
    for number, text in enumerate(texts):
        alone, inside = lexicon.read([text]), whole.text == number
        for name in ("word", "shape", "first", "start", "end"):
            assert np.array_equal(getattr(whole, name)[inside], getattr(alone, name)), name
    assert whole.lengths().tolist() == [5, 0, 7, 1, 2]


@given(st.lists(st.tuples(st.text(alphabet=st.sampled_from("aBé’.,9 "), max_size=30), st.integers(0, 30)), max_size=8))
def test_what_one_lexicon_has_read_another_need_not_read_again(texts: list[tuple[str, int]]) -> None:
    """The beginnings of some of the texts, cut where a space stands, have the tokens and ids that they would have if they were read by themselves."""
    one, other = Lexicon(["a"]), Lexicon(["b", "a", "é"])
    shortened = [(number, text[: text.find(" ", cut)]) for number, (text, cut) in enumerate(texts) if cut % 3 and text.find(" ", cut) >= 0]
    read = one.read([text for text, _ in texts]).beginnings(
        np.array([number for number, _ in shortened], int), np.array([len(text) for _, text in shortened], int)
    )
    again, itself = other.look_up(read), other.read([text for _, text in shortened])
    for name in ("word", "shape", "first", "text", "start", "end", "hash"):
        assert np.array_equal(getattr(again, name), getattr(itself, name)), name
    assert again.texts == itself.texts


@pytest.mark.parametrize("unit", ["Orla's ferry can’t sail: 1,250.75 ", "a’b 3.5\n", "1 . , ' ", "x\u2003\x1f!", "x'", "1.", "日本 "])
def test_a_long_text_is_cut_as_if_it_were_short(unit: str) -> None:
    """A text that is worked on in pieces is cut where the whole would be, and no word of it is lost at a piece's end."""
    text = unit * (300_000 // len(unit))
    tokens = Lexicon(PATTERN.findall(unit.lower().replace("’", "'"))).read([text])
    assert [text[start:end] for start, end in zip(tokens.start, tokens.end, strict=True)] == PATTERN.findall(text)
    assert len(unit.split()) == 1 or tokens.word.all()
    assert count_tokens([text, "", unit]) == len(tokens.word) + len(PATTERN.findall(unit))


def test_shapes() -> None:
    """Case, numbers and marks are told apart; one capital alone is no shouting."""
    assert Lexicon([]).read(["we Met NATO I 12 ! DON’T"]).shape.tolist() == [LOWER, CAPITALISED, UPPER, CAPITALISED, NUMBER, MARK, UPPER]


def test_words_are_looked_up_in_lower_case_with_either_apostrophe() -> None:
    """A word is known however it is written; id 0 is for words that are not."""
    lexicon = Lexicon(["can't", "élan", "."])
    assert lexicon.read(["CAN’T can't Élan mystery ."]).word.tolist() == [1, 1, 2, 0, 3]
    assert lexicon.ids(["élan", "mystery"]).tolist() == [2]


def test_learn_counts_texts_not_tokens() -> None:
    """A word said ten times in one text is no better known than one said once."""
    assert Lexicon.learn(["tide tide tide ferry", "Ferry!", "can’t", "CAN'T"], least_texts=2).words == ("", "can't", "ferry")


@given(st.lists(st.integers(0, 2**64 - 1), unique=True), st.lists(st.integers(0, 2**64 - 1)))
def test_index_finds_what_is_there_and_nothing_else(keys: list[int], others: list[int]) -> None:
    """Every key is found at its place, and no other is."""
    asked = np.array([*keys, *others, 0], np.uint64)
    places = {key: place for place, key in enumerate(keys)}
    assert Index(np.array(keys, np.uint64)).find(asked).tolist() == [places.get(int(key), -1) for key in asked]


def test_a_word_without_end_is_worked_on_in_pieces() -> None:
    """What has no white space for longer than a word can be is cut, and nothing of it is lost; words that white space ends are whole, wherever they stand."""
    lexicon = Lexicon(["pier"])
    for text in ("x" * (3 * _LONGEST + 3), "x" * 2 * _LONGEST, f"{'pier ' * 30_000}{'x' * 2 * _LONGEST} pier"):
        tokens = lexicon.read([text])
        assert "".join(text[start:end] for start, end in zip(tokens.start, tokens.end, strict=True)) == text.replace(" ", "")
        assert np.count_nonzero(tokens.word) == text.count("pier")
        assert (tokens.end - tokens.start).max() <= _LONGEST
