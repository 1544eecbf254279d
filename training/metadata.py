"""Page -> what its own markup says of the article: title, author, dates, and the host that published it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from html import unescape
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from training.article import folded, whole_characters

LONGEST = 400
"""Characters of each value."""
MOST = 400
"""Declarations looked at."""

_ATTRIBUTE = re.compile(r"""(?<![a-z:-])([a-z:-]++)\s*+=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE)
_BY = re.compile(r"^by\s+", re.IGNORECASE)
_ARTICLE_TYPE = re.compile(r"article|posting|report|review|newsanalysis", re.IGNORECASE)

TITLE = ("og:title", "twitter:title", "dc.title", "headline", "title")
AUTHOR = ("author", "article:author", "parsely-author", "dc.creator", "sailthru.author", "byl")
PUBLISHED = ("article:published_time", "datepublished", "parsely-pub-date", "dc.date", "date", "pubdate", "sailthru.date", "og:published_time")
MODIFIED = ("article:modified_time", "datemodified", "og:updated_time", "last-modified")
ADDRESS = ("canonical", "og:url", "twitter:url", "url")
"""Names under which pages give each of these, the most reliable first."""

_LOOKED_FOR = frozenset((*TITLE, *AUTHOR, *PUBLISHED, *MODIFIED, *ADDRESS))


class Metadata(NamedTuple):
    """What a page says of its article, as it says it; None where it says nothing. `source` is the host of its address, without `www.`."""

    title: str | None = None
    source: str | None = None
    author: str | None = None
    published: str | None = None
    modified: str | None = None


NOTHING = Metadata()


def read_metadata(declarations: Sequence[str]) -> Metadata:
    """The metadata in a page's meta, link, title and JSON-LD script elements."""
    named: dict[str, str] = {}
    for markup in declarations[:MOST]:
        for name, value in _declared(markup):
            if _is_meant(name, value):
                named.setdefault(name, value)
    author = _first(named, AUTHOR)
    return Metadata(
        _first(named, TITLE), host_of(_first(named, ADDRESS)), author and _BY.sub("", author), _first(named, PUBLISHED), _first(named, MODIFIED)
    )  # fmt: skip


def _is_meant(name: str, value: str) -> bool:
    """Whether a value can be what its name asks for: an author's name is no link, and the address of a page has a host."""
    return not value.startswith("http") if name in AUTHOR else name not in ADDRESS or host_of(value) is not None


def _declared(markup: str) -> Iterator[tuple[str, str]]:
    """Names and values that one element declares."""
    kind = markup[1:3].lower()
    if kind in ("me", "li"):
        attributes = {name.lower(): double or single or bare for name, double, single, bare in _ATTRIBUTE.findall(markup)}
        relations = attributes.get("rel", "").lower().split()  # what else is linked to is not the article, and its address no author's name
        name = attributes.get("property") or attributes.get("name") or attributes.get("itemprop") or ("canonical" if "canonical" in relations else "")
        value = _clean(attributes.get("content") or attributes.get("href") or "") if name.lower() in _LOOKED_FOR else None
        if value:
            yield name.lower(), value
        return
    opened = markup.find(">") + 1
    if kind == "ti":
        title = _clean(markup[opened:].partition("<")[0])
        if title:
            yield "title", title
    elif markup.find("ld+json", 0, opened) > 0:
        yield from _json_ld(markup[opened:].rpartition("</")[0])


def _json_ld(content: str) -> Iterator[tuple[str, str]]:
    try:
        held = json.loads(content)
    except (ValueError, RecursionError):
        return
    for thing in _things(held):
        if _ARTICLE_TYPE.search(str(thing.get("@type"))):
            for name in ("headline", "datePublished", "dateModified", "url"):
                value = thing.get(name)
                text = _clean(value) if isinstance(value, str) else None
                if text:
                    yield name.lower(), text
            author = ", ".join(_names(thing.get("author")))
            if author:
                yield "author", author[:LONGEST].rstrip()


def _things(held: Any) -> Iterator[Mapping[str, Any]]:
    things = held if isinstance(held, list) else [held]
    for thing in things:
        if isinstance(thing, dict):
            yield thing
            graph = thing.get("@graph")
            yield from (part for part in graph if isinstance(part, dict)) if isinstance(graph, list) else ()


def _names(author: Any) -> Iterator[str]:
    for one in author if isinstance(author, list) else [author]:
        name = one.get("name") if isinstance(one, dict) else one
        if isinstance(name, str) and _clean(name):
            yield str(_clean(name))


def _first(named: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    return next((named[name] for name in names if name in named), None)


def host_of(address: str | None) -> str | None:
    """The host that an address names, without `www.`: a page's source. None where it names none."""
    try:
        host = urlsplit(address).hostname if address else None
    except ValueError:
        return None
    return host.removeprefix("www.") if host and "." in host else None


def _clean(value: str) -> str | None:
    return folded(whole_characters(unescape(value[: 2 * LONGEST])))[:LONGEST].rstrip() or None
