"""What one request may ask for. Every limit is an option of `copydesk serve` and an environment variable, and a refusal names both."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from http import HTTPStatus
from math import isnan
from typing import Any, TypeVar

import click

from training.errors import CopydeskError

Command = TypeVar("Command", bound=Callable[..., Any])


class LimitError(CopydeskError):
    """A request that asks for more than a limit allows."""

    def __init__(self, message: str, code: str, status: HTTPStatus):
        super().__init__(message, code)
        self.status = status


LONGEST_WAIT = 86_400
"""Seconds that anything can be told to wait at most: a day."""


class Amount(click.FloatRange):
    """A number in a range; `nan` compares with nothing, and is none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        number = super().convert(value, param, ctx)
        return self.fail(f"{value!r} is not a number.", param, ctx) if isnan(number) else number


def _limit(default: float, unit: str, code: str, what: str) -> Any:
    return field(default=default, metadata={"unit": unit, "code": code, "what": what})


@dataclass(frozen=True, slots=True)
class Limits:
    """The defaults leave room for the longest reads and pages; an ordinary article is 6,000 characters, an ordinary page 150,000 bytes."""

    body: int = _limit(16_000_000, "bytes", "body-too-large", "Bytes of a request's body, or of one NDJSON line.")
    articles: int = _limit(1_000, "articles", "too-many-articles", "Articles in one batch; NDJSON has no such limit.")
    characters: int = _limit(2_000_000, "characters", "too-many-characters", "Characters of one article.")
    depth: int = _limit(8, "levels", "too-deep", "Levels of nesting in a JSON body.")
    seconds: float = _limit(10.0, "seconds", "too-slow", "Seconds that one article may take.")

    def check(self, name: str, count: int, found: str) -> None:
        """Raise LimitError when `count` is over the limit; `found` says in words what was counted."""
        if count > getattr(self, name):
            raise self.refusal(name, found)

    def refusal(self, name: str, found: str, status: HTTPStatus = HTTPStatus.REQUEST_ENTITY_TOO_LARGE) -> LimitError:
        """The error for a limit that was passed: what was found, how much is allowed, and how to raise it."""
        remedy = f"send less, or start the server with a higher --max-{name} (COPYDESK_MAX_{name.upper()})"
        of = next(limit.metadata for limit in fields(self) if limit.name == name)
        return LimitError(f"{found}, more than the {getattr(self, name):,} {of['unit']} allowed; {remedy}", of["code"], status)


def limit_options(command: Command) -> Command:
    """Add `--max-...` for every limit to a command."""
    for limit in reversed(fields(Limits)):
        kind = Amount(0.001, LONGEST_WAIT) if isinstance(limit.default, float) else click.IntRange(1)
        command = click.option(
            f"--max-{limit.name}",
            limit.name,
            type=kind,
            default=limit.default,
            show_default=True,
            envvar=f"COPYDESK_MAX_{limit.name.upper()}",
            show_envvar=True,
            help=limit.metadata["what"],
        )(command)
    return command
