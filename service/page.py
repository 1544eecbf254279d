"""The page for people: one or two articles pasted or dropped in, and how Copydesk reads them. Works without JavaScript."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from itertools import groupby
from typing import Any, NamedTuple

from flask import Flask, Response, render_template, request
from werkzeug.exceptions import RequestEntityTooLarge

from service.desk import Answer, Desk
from service.problems import RefusedError, body_too_large, status_of
from service.schema import Wanted
from service.wire import whole_body
from training.article import TEXT_KINDS, Article
from training.errors import CopydeskError
from training.reading import article_from_bytes, article_from_text

EXPLAINED = Wanted(explain=True)
MARKED_TERMS = 4
"""Terms marked in a passage: those that speak most for its label. More, and nothing stands out."""
LISTED_TERMS = 12
"""Terms listed below it, for either label."""
LEAST_CONTRIBUTION = 0.02
LONGEST_COMMAND = 60_000
"""Characters of an article that the curl line holds itself; Linux allows 131,072 bytes."""
ONLY_HERE = "Told only here"
WHO_SPEAKS = {"editorial": "Editorial", "reporting": "Reporting", None: "Too little to say"}


class Piece(NamedTuple):
    """A stretch of a passage's text, and the label that its term speaks for, if it is one that tipped the passage."""

    text: str
    towards: str = ""


@dataclass(frozen=True, slots=True)
class Form:
    """What a person gave, to be shown again."""

    texts: tuple[str, str] = ("", "")
    form: str = "auto"


@dataclass(frozen=True, slots=True)
class Reading:
    """One article as it is shown."""

    name: str
    answer: Answer
    curl: str
    notes: Mapping[int, str]
    """What is said beside a passage of the other article, by the passage's number."""

    @property
    def json(self) -> str:
        return json.dumps(self.answer, ensure_ascii=False, indent=1)

    @property
    def passages(self) -> int:
        return sum(block["kind"] == "body" for block in self.answer["blocks"])

    @property
    def thrown_out(self) -> int:
        return sum(block["kind"] not in TEXT_KINDS for block in self.answer["blocks"])

    @property
    def runs(self) -> list[tuple[bool, list[dict[str, Any]]]]:
        """The blocks in reading order, those thrown out one after another taken together."""
        return [(own, list(run)) for own, run in groupby(self.answer["blocks"], key=lambda block: block["kind"] in TEXT_KINDS)]


def add(app: Flask, desk: Desk) -> None:
    """Put the page at `/`."""
    app.jinja_env.globals.update(pieces=pieces, tipping=tipping, who_speaks=WHO_SPEAKS)
    app.jinja_env.filters["percent"] = "{:.0%}".format

    @app.route("/", methods=["GET", "POST"])
    def show_page() -> Response:
        form = Form()
        if request.method != "POST":
            return _page(form)
        try:
            whole_body()
            form = Form((_pasted("article"), _pasted("other")), request.form.get("form", "auto"))
            return _page(form, _beside_each_other(desk, [_reading(desk, *found) for found in _articles(form)]))
        except RequestEntityTooLarge:
            return _page(form, problem=body_too_large(desk.limits))
        except CopydeskError as error:
            return _page(form, problem=error)


def pieces(block: dict[str, Any]) -> Iterator[Piece]:
    """A passage's text in stretches, the terms marked that speak most for its label; where two overlap, the stronger is."""
    text, at = block["text"], 0
    for term in sorted(_strongest(block), key=lambda term: term["start"]):
        yield Piece(text[at : term["start"]])
        yield Piece(text[term["start"] : (at := term["end"])], block["label"])
    yield Piece(text[at:])


def tipping(block: dict[str, Any]) -> list[dict[str, Any]]:
    """The terms that tipped a passage, strongest first, each once, with what they add together."""
    together: dict[str, float] = {}
    for term in _terms(block):
        said = block["text"][term["start"] : term["end"]].lower()
        together[said] = together.get(said, 0.0) + term["contribution"]
    ranked = sorted(together.items(), key=lambda item: -abs(item[1]))[:LISTED_TERMS]
    return [{"term": term, "contribution": added} for term, added in ranked if abs(added) >= LEAST_CONTRIBUTION]


def _terms(block: dict[str, Any]) -> list[dict[str, Any]]:
    terms: list[dict[str, Any]] = (block.get("explanation") or {}).get("terms", [])
    return terms


def _strongest(block: dict[str, Any]) -> list[dict[str, Any]]:
    side = 1 if block["label"] == "editorial" else -1 if block["label"] else 0
    marked: list[dict[str, Any]] = []
    for term in sorted(_terms(block), key=lambda term: -side * term["contribution"]):
        if len(marked) == MARKED_TERMS or side * term["contribution"] < LEAST_CONTRIBUTION:
            break
        if all(term["end"] <= other["start"] or other["end"] <= term["start"] for other in marked):
            marked.append(term)
    return marked


def _articles(form: Form) -> list[tuple[Article, str]]:
    """The one or two articles of the form, each with the name of the file it came in, if any. A file goes before pasted text."""
    found = []
    for field, pasted in zip(("article", "other"), form.texts, strict=True):
        file = request.files.get(f"{field}_file")
        if file and file.filename:
            found.append((article_from_bytes(file.read(), name=file.filename, media_type=_media_type(form)), file.filename))
        elif pasted.strip():
            found.append((article_from_text(pasted, media_type=_media_type(form)), ""))
    if not found:
        raise RefusedError(HTTPStatus.UNPROCESSABLE_ENTITY, "there is no article yet; paste one, or choose a file", "empty")
    return found


def _reading(desk: Desk, article: Article, file: str) -> Reading:
    return Reading(file, desk.answer(article, EXPLAINED), _curl(article, file), {})


def _beside_each_other(desk: Desk, readings: list[Reading]) -> list[Reading]:
    """Two readings, with what the passages of each have to do with the other; nothing is said of articles that have nothing in common."""
    if len(readings) < 2:
        return readings
    found = desk.compared([reading.answer for reading in readings])
    if not found.taken_over and not found.same_fact:
        return readings
    notes: list[dict[int, str]] = [{passage.number: ONLY_HERE for passage in article.only_here} for article in found.articles]
    for between in found.taken_over:
        for pair in between.passages:
            for here, there in ((0, 1), (1, 0)):
                order = "" if between.first is None else ", where it came later" if between.first == here else ", where it came first"
                said = f"In the other article too, as passage {pair.passages[there].number}{order}: {pair.share:.0%} of the words are the same"
                notes[here].setdefault(pair.passages[here].number, said)
    return [replace(reading, notes=noted) for reading, noted in zip(readings, notes, strict=True)]


def _curl(article: Article, file: str) -> str:
    media_type = "text/html" if article.is_html else "text/plain"
    inline = not file and len(article.text) <= LONGEST_COMMAND
    body = f"--data-raw {shlex.quote(article.text)}" if inline else f"--data-binary @{shlex.quote(file or 'article.txt')}"
    return f"curl -s '{request.host_url}v1/classify?explain=true' -H 'Content-Type: {media_type}' {body}"


def _pasted(field: str) -> str:
    return request.form.get(field, "").replace("\r\n", "\n")


def _media_type(form: Form) -> str:
    return {"text": "text/plain", "html": "text/html"}.get(form.form, "")


def _page(form: Form, readings: list[Reading] | None = None, problem: CopydeskError | None = None) -> Response:
    content = render_template("page.html", form=form, readings=readings or [], problem=problem)
    return Response(content, status_of(problem) if problem else HTTPStatus.OK, mimetype="text/html")
