"""Every regular expression of Copydesk takes time in proportion to what it reads. New ones are found and tried by themselves."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
import re._constants as sre
import re._parser as parser
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from time import process_time
from types import ModuleType
from typing import Any, NamedTuple

import pytest

import service
import training
from tests.timing import best_of_three

SHORT, LONG = 1_000, 8_000
MOST_TIMES, LEAST_SECONDS = 16, 0.001
"""Eight times the size may take this many times the time; below so many seconds, time says nothing. What is quadratic takes 64 times."""
SLOWEST = 3
"""Of the strings tried on a pattern, so many are measured with care: those that took longest at a first try."""
MEASURED = 2
"""Times that a string is measured before it fails: what else a machine does can make one long."""
VARIANTS = 6
"""Strings that match a pattern, each made by other choices among its alternatives."""
ANCHORED = {"match", "fullmatch"}
OF_A_CATEGORY = {sre.CATEGORY_SPACE: " ", sre.CATEGORY_DIGIT: "1", sre.CATEGORY_WORD: "a", sre.CATEGORY_NOT_SPACE: "x", sre.CATEGORY_NOT_DIGIT: "x"}


class Named(NamedTuple):
    """A pattern, where it stands, and whether it is only ever tried at one place of a text."""

    place: str
    pattern: re.Pattern[Any]
    anchored: bool


def modules() -> list[ModuleType]:
    names = [found.name for package in (training, service) for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")]
    return [importlib.import_module(name) for name in names]


def held(value: Any, depth: int = 4) -> Iterator[re.Pattern[Any]]:
    """The patterns in a value, through whatever it is made of."""
    if isinstance(value, re.Pattern):
        yield value
    elif depth and isinstance(value, Mapping):
        yield from (found for one in (*value.keys(), *value.values()) for found in held(one, depth - 1))
    elif depth and isinstance(value, list | tuple | set | frozenset):
        yield from (found for one in value for found in held(one, depth - 1))
    elif depth and is_dataclass(value) and not isinstance(value, type):
        yield from (found for field in fields(value) for found in held(getattr(value, field.name, None), depth - 1))
    elif depth and isinstance(value, type) and value.__module__.startswith(("training", "service")):
        yield from (found for one in vars(value).values() for found in held(one, depth - 1))


def inline(tree: ast.AST) -> Iterator[str]:
    """Patterns that are written where they are used, `re.sub(r"...", ...)`."""
    for call in ast.walk(tree):
        match call:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="re"), attr=attribute), args=[ast.Constant(value=str(written)), *_]) if attribute != "escape":
                yield written


def collected() -> list[Named]:
    """Every pattern of both packages once, by the names under which modules hold them, and those in the code itself."""
    sources = {module: Path(module.__file__ or "").read_text("utf-8") for module in modules()}
    calls: dict[str, set[str]] = {}
    for name, method in re.findall(r"\b(\w+)\.(\w+)\(", "\n".join(sources.values())):
        calls.setdefault(name, set()).add(method)
    found: dict[tuple[Any, int], Named] = {}
    for module in sources:
        for name, value in vars(module).items():
            for pattern in held(value):
                used = calls.get(name, set())
                found.setdefault((pattern.pattern, pattern.flags), Named(f"{module.__name__}.{name}", pattern, bool(used) and used <= ANCHORED))
    known = {named.pattern.pattern for named in found.values()}
    for module, source in sources.items():
        for written in sorted(set(inline(ast.parse(source))) - known):
            found[written, 0] = Named(f"{module.__name__}: {written}", re.compile(written), False)
    return [named for named in found.values() if named.place.startswith(("training", "service"))]


def parsed(pattern: re.Pattern[Any]) -> Any:
    text = pattern.pattern if isinstance(pattern.pattern, str) else pattern.pattern.decode("latin-1")
    return parser.parse(text, pattern.flags & ~re.UNICODE if isinstance(pattern.pattern, bytes) else pattern.flags)


def pieces(tree: Any) -> Iterator[str]:
    """The characters and words that a pattern names, and one character for each class and range."""
    word = ""
    for code, argument in tree:
        if code is sre.LITERAL:
            word += chr(argument)
            continue
        if word:
            yield word
            word = ""
        if code is sre.IN:
            yield from (one for inner in argument for one in of_class(inner))
        elif code is sre.NOT_LITERAL:
            yield chr(argument)
        else:
            yield from (piece for part in parts(code, argument) for piece in pieces(part))
    if word:
        yield word


def of_class(inner: tuple[Any, Any]) -> Iterator[str]:
    code, argument = inner
    if code is sre.LITERAL:
        yield chr(argument)
    elif code is sre.RANGE:
        yield chr(argument[0])
    elif code is sre.CATEGORY and argument in OF_A_CATEGORY:
        yield OF_A_CATEGORY[argument]


def parts(code: Any, argument: Any) -> list[Any]:
    """The patterns inside a part of a pattern."""
    if code is sre.BRANCH:
        return list(argument[1])
    if code in (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT):
        return [argument[2]]
    if code in (sre.SUBPATTERN, sre.ASSERT, sre.ASSERT_NOT, sre.GROUPREF_EXISTS):
        return [part for part in argument if isinstance(part, parser.SubPattern)]
    return [argument] if code is sre.ATOMIC_GROUP else []


def example(tree: Any, choice: int) -> str:
    """A string that matches, or nearly: of alternatives the one at `choice`, of what repeats one or two."""
    made = ""
    for code, argument in tree:
        if code is sre.LITERAL:
            made += chr(argument)
        elif code is sre.IN:
            negated = argument[0][0] is sre.NEGATE
            inside = [one for inner in argument for one in of_class(inner)]
            made += next((one for one in "a1 .-" if one not in inside), "a") if negated or not inside else inside[choice % len(inside)]
        elif code in (sre.ANY, sre.NOT_LITERAL):
            made += "a"
        elif code is sre.BRANCH:
            made += example(argument[1][choice % len(argument[1])], choice)
        elif code in (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT):
            least, most, inner = argument
            made += example(inner, choice) * max(least, min(most, 1 + choice % 2))
        elif code not in (sre.ASSERT, sre.ASSERT_NOT):
            made += "".join(example(part, choice) for part in parts(code, argument))
    return made


def hostile(pattern: re.Pattern[Any]) -> Iterator[tuple[str, str]]:
    """Beginnings, and what is repeated after them: each piece of the pattern alone, what matches it without its end, and its own beginnings before
    each of its characters."""
    tree = parsed(pattern)
    named = list(dict.fromkeys(pieces(tree)))
    characters = list(dict.fromkeys([*(character for piece in named for character in piece), "a", " ", "\n", "1", ".", '"']))[:14]
    examples = list(dict.fromkeys(example(tree, choice) for choice in range(VARIANTS)))
    units = [*characters, *named[:14], *(one + other for one in characters[:6] for other in characters[:6]), *(word + " " for word in named[:6])]
    units += [part for one in examples for part in (one, one[:-1], one[1:])]
    yield from (("", unit) for unit in dict.fromkeys(units) if unit)
    beginnings = dict.fromkeys(one[:end] for one in examples[:3] for end in {1, len(one) // 2, len(one) - 1, len(one)} if end > 0)
    yield from ((begin, unit) for begin in beginnings for unit in characters)


def reading(named: Named, begin: str, unit: str, size: int) -> Any:
    """The work of looking for a pattern everywhere in a text of a size; or where it is only ever tried at one place, there."""
    text: Any = (begin + unit * (size // len(unit)))[:size] + "\0"
    if isinstance(named.pattern.pattern, bytes):
        text = text.encode("latin-1", "replace")
    if named.anchored:
        return lambda: named.pattern.match(text)
    return lambda: sum(1 for _ in named.pattern.finditer(text))


def once(work: Any) -> float:
    began = process_time()
    work()
    return process_time() - began


PATTERNS = collected()


def assert_linear(named: Named, strings: Iterable[tuple[str, str]]) -> None:
    slowest = sorted(strings, key=lambda string: -once(reading(named, *string, SHORT)))[:SLOWEST]
    for begin, unit in slowest:
        if once(reading(named, begin, unit, LONG)) <= MOST_TIMES * LEAST_SECONDS:
            continue
        assert any(is_linear(named, begin, unit) for _ in range(MEASURED)), f"{named.place} on {begin!r} + {unit!r} * n"


def is_linear(named: Named, begin: str, unit: str) -> bool:
    short, long = (best_of_three(reading(named, begin, unit, size)) for size in (SHORT, LONG))
    return long <= MOST_TIMES * max(short, LEAST_SECONDS)


@pytest.mark.parametrize("named", PATTERNS, ids=lambda named: named.place)
def test_every_pattern_is_linear(named: Named) -> None:
    """Eight times as much of what a pattern nearly matches takes about eight times the time."""
    assert_linear(named, hostile(named.pattern))


def test_patterns_are_found_wherever_they_stand() -> None:
    """The patterns of a module, in containers and classes, and those in the middle of the code are all tried."""
    places = {named.place.split(":")[0].rsplit(".", 1)[0] for named in PATTERNS}
    assert len(PATTERNS) > 30
    assert {"training.page", "training.spans", "training.lines", "service.wire"} <= places


@pytest.mark.parametrize("pattern", [r"\s+$", r"<a[^>]*>", r"([a-z:-]+)\s*="])
def test_what_is_not_linear_is_found(pattern: str) -> None:
    """Patterns that take quadratic time fail where they would stand among ours."""
    with pytest.raises(AssertionError):
        assert_linear(Named("", re.compile(pattern), False), hostile(re.compile(pattern)))
