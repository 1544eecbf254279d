"""JSON as it comes off and goes onto the wire."""

from __future__ import annotations

import json
import re
from http import HTTPStatus
from typing import Any

from service.limits import Limits

_NESTING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[{]|[\]}]', re.DOTALL)
"""A string, which is passed over, or a bracket. Takes time in proportion to the body, whatever is in it."""


def checked_json(body: bytes, limits: Limits) -> bytes:
    """The body, if it is nested no deeper than allowed; raises LimitError. Comes before parsing, which needs stack for each level."""
    if body.count(b"[") + body.count(b"{") > limits.depth:
        level = 0
        for found in _NESTING.finditer(body):
            level += {b"[": 1, b"{": 1, b"]": -1, b"}": -1}.get(found[0], 0)
            if level > limits.depth:
                raise limits.refusal("depth", "the JSON is nested too deep", HTTPStatus.BAD_REQUEST)
    return body


def to_json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
