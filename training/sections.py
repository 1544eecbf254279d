"""A result -> the section its publisher put the article in: as the result says, or as the address says that is its id.

A section is the publisher's word, and is shown beside what the model found; it makes no difference to any label."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from training.article import folded
from training.entry import readable

MOST_SECTIONS = 1_000
"""Sections of one source. Where addresses give more, they are names of articles: then none is told, whatever order the articles come in."""
LONGEST_SECTION = 80
"""Characters kept of a section's name."""


def section_of(answer: Mapping[str, Any]) -> str:
    """The section of a result, empty where it is not known."""
    said = answer.get("section")
    if not isinstance(said, str) or not said.strip():
        said = _in_address(answer.get("id"))
    return readable(folded(said))[:LONGEST_SECTION]


def _in_address(id: Any) -> str:
    """The first part of an address's path that others follow: the last is the article. A year is no section."""
    if not isinstance(id, str) or not id.startswith(("http://", "https://")):
        return ""
    try:
        path = urlsplit(id).path
    except ValueError:
        return ""
    first, _, rest = path.lstrip("/").partition("/")
    said = unquote(first).strip().lower()
    return said if rest.strip("/") and any(character.isalpha() for character in said) else ""
