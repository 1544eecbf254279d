"""Who is speaking."""

from __future__ import annotations

import numpy as np
import pytest

from training.quotation import CLOSES, OPENS, quotations
from training.terms import Reader
from training.tokens import Lexicon


def marked(text: str) -> str:
    """The text's tokens, what is quoted in brackets."""
    tokens = Lexicon([]).read([text])
    quoted = np.concatenate([[False], quotations(tokens).quoted, [False]])
    out = []
    for number, (start, end) in enumerate(zip(tokens.start, tokens.end, strict=True), start=1):
        opens, closes = quoted[number] and not quoted[number - 1], quoted[number] and not quoted[number + 1]
        out.append("<" * int(opens) + text[start:end] + ">" * int(closes))
    return " ".join(out)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('"Not now," said Orla.', '<" Not now , "> said Orla .'),
        ("“Not now,” said Orla.", "<“ Not now , ”> said Orla ."),
        ("«Pas encore», dit Orla.", "<« Pas encore »> , dit Orla ."),
        ("He called it “a gift” and left.", "He called it <“ a gift ”> and left ."),
        ('”Late," he said.', '<” Late , "> he said .'),
        ("She said—“Never”—and went.", "She said — <“ Never ”> — and went ."),
        ('The (so-called "expert") spoke.', 'The ( so - called <" expert "> ) spoke .'),
    ],
)
def test_double_marks(text: str, expected: str) -> None:
    """Straight, curly, wrong-way and French marks, glued to brackets and dashes or not."""
    assert marked(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("'Not now,' said Orla.", "<' Not now , '> said Orla ."),
        ("‘It’s late,’ said Orla.", "<‘ It’s late , ’> said Orla ."),
        ("The dockers' pay is the city's worry.", "The dockers ' pay is the city's worry ."),
        ("Back in the '90s it rained.", "Back in the ' 90 s it rained ."),
    ],
)
def test_single_marks_and_apostrophes(text: str, expected: str) -> None:
    """A single mark quotes only when it opens before a word and is closed later; an apostrophe never does."""
    assert marked(text) == expected


def test_nested_marks() -> None:
    """A quotation inside a quotation belongs to the outer one."""
    assert marked("“He told me ‘never’ twice,” she said.") == "<“ He told me ‘ never ’ twice , ”> she said ."
    assert marked("‘He said “no” twice,’ she said.") == "<‘ He said “ no ” twice , ’> she said ."


def test_a_quotation_over_paragraphs() -> None:
    """The opening mark is repeated and the closing one stands at the very end: all of it is quoted."""
    tokens = Lexicon([]).read(["“The tide is early.", "“The tide is late,” he said."])
    assert quotations(tokens).quoted.tolist() == [True] * 6 + [True] * 7 + [False] * 3


def test_lost_marks() -> None:
    """Without its closing mark a quotation ends with its paragraph, without its opening one it begins there."""
    assert marked("He said: “The tide is early.") == "He said : <“ The tide is early .>"
    assert marked("The tide is late,” he said.") == "<The tide is late , ”> he said ."


def test_inches_are_no_quotation() -> None:
    """A straight mark after a number measures."""
    assert marked('The plank is 10" wide.') == 'The plank is 10 " wide .'


def test_roles() -> None:
    """Each mark's part is told; an apostrophe has none."""
    quotation = quotations(Lexicon([]).read(['The "expert" isn\'t.']))
    assert quotation.role.tolist() == [0, OPENS, 0, CLOSES, 0, 0]


def test_attribution_reaches_over_its_sentence() -> None:
    """What somebody is said to say is attributed to the end of the sentence, and no further; a speech verb inside a quotation hands over nothing."""
    reader = Reader(Lexicon(["said", "according"]), np.zeros(3, np.bool_))
    reading = reader.read(["The plan is mad, Orla said. It is not.", "“He said so.” It is.", "It fell, according to Bex."])
    sentences = [bool(reading.attributed[reading.sentence == number].all()) for number in range(int(reading.sentence[-1]) + 1)]
    assert sentences == [True, False, False, False, True]


def test_no_text() -> None:
    """An empty batch and empty texts have no quotations."""
    assert not quotations(Lexicon([]).read([])).quoted.size
    assert not quotations(Lexicon([]).read(["", ""])).quoted.size
