"""Who may ask: bearer tokens, and no door to other machines without one."""

from __future__ import annotations

import hmac
import ipaddress
import os
from collections.abc import Sequence
from pathlib import Path

from werkzeug.datastructures import Authorization

from training.errors import CopydeskError

TOKENS = "COPYDESK_TOKENS"
SHORTEST = 16
"""Characters of a token; a shorter one can be guessed over the network."""


class AccessError(CopydeskError):
    """A server that must not start as it was asked to: `exposed`, `weak-token`."""


def read_tokens(file: Path | None) -> tuple[str, ...]:
    """The tokens of the environment and of a file, parted by white space or commas; several at once let callers change one after another."""
    try:
        said = os.environ.get(TOKENS, "") + " " + (file.read_text("utf-8") if file else "")
    except UnicodeDecodeError as error:
        raise AccessError(f"{file} is not UTF-8; write it anew as plain text", "weak-token") from error
    tokens = tuple(said.replace(",", " ").split())
    if any(len(token) < SHORTEST or not token.isascii() for token in tokens):
        raise AccessError(f"a token is shorter than {SHORTEST} characters or not ASCII; make one with `openssl rand -hex 32`", "weak-token")
    if file and not tokens:
        raise AccessError(f"{file} holds no token; put one on each line, or leave the option out", "weak-token")
    return tokens


def check_exposure(host: str, tokens: Sequence[str], anonymous: bool) -> None:
    """Raise AccessError when other machines could reach the service and nobody would be asked who they are."""
    if not (tokens or anonymous or _is_loopback(host)):
        raise AccessError(
            f"other machines can reach {host} and no token is set; set {TOKENS} or --token-file,"
            " or say --allow-anonymous if something in front of the service asks who calls",
            "exposed",
        )


def is_admitted(presented: Authorization | None, tokens: Sequence[str]) -> bool:
    """Whether a request carries one of the tokens, as a bearer token or, for browsers, as the password of any user. Takes as long for a wrong
    token as for a right one."""
    if not tokens:
        return True
    if presented is None:
        return False
    token = (presented.token if presented.type == "bearer" else presented.password if presented.type == "basic" else "") or ""
    return sum(hmac.compare_digest(token.encode(), known.encode()) for known in tokens) > 0


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
