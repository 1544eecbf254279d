"""Page -> what its own markup says of the article: title, author, dates, and the host that published it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from html import unescape
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from training.article import folded

LOOKED_AT = 400_000
"""Characters of a page in which its markup is looked for: it stands at the top, or in one script a little below."""
LONGEST = 400
SCRIPTS = 12

_META = re.compile(r"<(?:meta|link)\b[^<>]*>", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""([a-z:-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE)
_TITLE = re.compile(r"<title\b[^>]*>([^<]*)", re.IGNORECASE)
_JSON_LD = re.compile(r"<script\b[^>]*application/ld\+json[^>]*>", re.IGNORECASE)
_ARTICLE_TYPE = re.compile(r"article|posting|report|review|newsanalysis", re.IGNORECASE)

TITLE = ("og:title", "twitter:title", "dc.title", "headline")
AUTHOR = ("author", "article:author", "parsely-author", "dc.creator", "sailthru.author", "byl")
PUBLISHED = ("article:published_time", "datepublished", "parsely-pub-date", "dc.date", "date", "pubdate", "sailthru.date", "og:published_time")
MODIFIED = ("article:modified_time", "datemodified", "og:updated_time", "last-modified")
ADDRESS = ("canonical", "og:url", "twitter:url", "url")
"""Names under which pages give each of these, the most reliable first."""


class Metadata(NamedTuple):
    """What a page says of its article, as it says it; None where it says nothing. `source` is the host of its address, without `www.`."""

    title: str | None = None
    source: str | None = None
    author: str | None = None
    published: str | None = None
    modified: str | None = None


NOTHING = Metadata()


def read_metadata(source: str) -> Metadata:
    """The metadata in a page's markup: meta and link elements, JSON-LD, the title element."""
    top = source[:LOOKED_AT]
    named: dict[str, str] = {}
    for name, value in (*_meta(top), *_json_ld(top)):
        named.setdefault(name, value)
    title = _TITLE.search(top)
    return Metadata(
        _first(named, TITLE) or (_clean(title[1]) if title else None),
        _host(_first(named, ADDRESS)),
        next((author for author in (named.get(name) for name in AUTHOR) if author and not author.startswith("http")), None),
        _first(named, PUBLISHED),
        _first(named, MODIFIED),
    )


def _meta(top: str) -> Iterator[tuple[str, str]]:
    for match in _META.finditer(top):
        attributes = {name.lower(): double or single or bare for name, double, single, bare in _ATTRIBUTE.findall(match[0])}
        name = attributes.get("property") or attributes.get("name") or attributes.get("itemprop") or attributes.get("rel")
        value = _clean(attributes.get("content") or attributes.get("href") or "")
        if name and value:
            yield name.lower(), value


def _json_ld(top: str) -> Iterator[tuple[str, str]]:
    for _, match in zip(range(SCRIPTS), _JSON_LD.finditer(top), strict=False):
        end = top.find("</", match.end())
        try:
            held = json.loads(top[match.end() : end if end >= 0 else len(top)])
        except (ValueError, RecursionError):
            continue
        for thing in _things(held):
            if _ARTICLE_TYPE.search(str(thing.get("@type"))):
                for name in ("headline", "datePublished", "dateModified", "url"):
                    if isinstance(thing.get(name), str) and _clean(thing[name]):
                        yield name.lower(), str(_clean(thing[name]))
                author = ", ".join(_names(thing.get("author")))
                if author:
                    yield "author", author[:LONGEST]


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


def _host(address: str | None) -> str | None:
    try:
        host = urlsplit(address).hostname if address else None
    except ValueError:
        return None
    return host.removeprefix("www.") if host and "." in host else None


def _clean(value: str) -> str | None:
    return folded(unescape(value[: 2 * LONGEST]))[:LONGEST] or None
