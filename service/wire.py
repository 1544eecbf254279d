"""Bodies, and JSON, as they come off and go onto the wire."""

from __future__ import annotations

import codecs
import json
import re
from http import HTTPStatus
from typing import Any

import orjson
from flask import request
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wsgi import get_input_stream

from service.limits import Limits
from service.problems import RefusedError
from training.article import whole_characters

_NESTING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[{]|[\]}]', re.DOTALL)
"""A string, which is passed over, or a bracket. Takes time in proportion to the body, whatever is in it."""
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
"""What half a surrogate pair is written with, and a whole one too."""


def checked_json(body: bytes, limits: Limits) -> bytes:
    """The body without a byte order mark and with half surrogate pairs replaced, as files are read, if it is nested no deeper than allowed; raises LimitError.
    Comes before parsing, which needs stack for each level."""
    body = body.removeprefix(codecs.BOM_UTF8)
    if body.count(b"[") + body.count(b"{") > limits.depth:
        level = 0
        for found in _NESTING.finditer(body):
            level += {b"[": 1, b"{": 1, b"]": -1, b"}": -1}.get(found[0], 0)
            if level > limits.depth:
                raise limits.refusal("depth", "the JSON is nested too deep", HTTPStatus.BAD_REQUEST)
    return _without_halves(body) if _SURROGATE.search(body) else body


def _without_halves(body: bytes) -> bytes:
    """The same, or as it is where it is no JSON: who reads it next says so better."""
    try:
        return whole_characters(json.dumps(json.loads(body), ensure_ascii=False)).encode()
    except (ValueError, RecursionError):
        return body


def to_json(value: Any) -> bytes:
    return orjson.dumps(value)


def whole_body() -> bytes:
    """The whole body of the request under way; raises RefusedError and RequestEntityTooLarge. One that comes in chunks would end at the limit without a
    word, so what is left after that is looked for; and one that breaks off would be taken for a shorter one."""
    content = request.get_data(parse_form_data=False)
    if len(content) < (request.content_length or 0):
        message = f"the body breaks off after {len(content):,} of {request.content_length:,} bytes; send all that Content-Length says"
        raise RefusedError(HTTPStatus.BAD_REQUEST, message, "cut-off")
    if request.content_length is None and get_input_stream(request.environ).read(1):
        raise RequestEntityTooLarge
    return content
