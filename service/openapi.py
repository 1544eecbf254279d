"""The OpenAPI 3.1 document: what `schema` says, and at which address."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from service import schema
from service.problems import MEDIA_TYPE

Json = dict[str, Any]
Content = Mapping[str, type[BaseModel] | None]
"""Media types and the model of what they carry; None for text."""

JSON, NDJSON, HTML, TEXT = "application/json", "application/x-ndjson", "text/html", "text/plain"
MODELS = [held for held in vars(schema).values() if isinstance(held, type) and issubclass(held, BaseModel) and held is not BaseModel]
ABOUT = "Throws out what is not the article, and tells argument from reporting."
REFUSALS = {
    "400": "The body or query is not what it should be.",
    "401": "No token, or not one of the service's.",
    "413": "More than a limit allows.",
    "415": "A media type or content encoding that is not taken.",
    "422": "An article that cannot be scored.",
    "503": "No model that works.",
}


def document() -> Json:
    """The whole document."""
    _, definitions = models_json_schema([(model, "validation") for model in MODELS], ref_template="#/components/schemas/{model}")
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Copydesk",
            "version": version("copydesk"),
            "description": ABOUT,
        },
        "servers": [{"url": "/"}],
        "security": [{}, {"token": []}],
        "paths": _paths(definitions["$defs"]),
        "components": {
            "schemas": {name: definition for name, definition in definitions["$defs"].items() if not name.startswith("Wanted")},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _paths(definitions: Json) -> Json:
    article: Content = {JSON: schema.ArticleRequest, TEXT: None, HTML: None}
    batch: Content = {JSON: schema.BatchRequest, NDJSON: None}
    posted = ("400", "401", "413", "415")
    return {
        "/v1/classify": {
            "post": _operation("Score one article.", {JSON: schema.ArticleAnswer}, (*posted, "422"), article, _query(definitions["WantedOfBody"]))
        },
        "/v1/classify/batch": {
            "post": _operation(
                "Score a batch; as NDJSON, one article and one answer a line.",
                {JSON: schema.BatchAnswer, NDJSON: None},
                posted,
                batch,
                _query(definitions["Wanted"]),
            )
        },
        "/v1/compare": {"post": _operation("Compare articles on one event.", {JSON: schema.CompareAnswer}, (*posted, "422"), {JSON: schema.CompareRequest})},
        "/v1/model": {"get": _operation("What the model is.", {JSON: schema.ModelAnswer}, ("401",))},
        "/healthz": {"get": _operation("Whether the process answers.", {JSON: schema.Health})},
        "/readyz": {"get": _operation("Whether its model works.", {JSON: schema.Readiness}, ("503",))},
        "/metrics": {"get": _operation("Counts for Prometheus.", {TEXT: None}, ("401",))},
        "/openapi.json": {"get": _operation("This document.", {JSON: None})},
        "/": {"get": _operation("The page for people.", {HTML: None}, ("401",))},
        "/predict": {"post": _operation("Suggestions for Label Studio.", {JSON: schema.Suggestions}, posted, {JSON: schema.AnnotationTasks})},
        "/setup": {"post": _operation("Which model Label Studio is served by.", {JSON: schema.AnnotationSetup}, ("401", "413"), {JSON: None})},
        "/health": {"get": _operation("For Label Studio.", {JSON: None}, ("401",))},
    }


def _operation(summary: str, answer: Content, refusals: tuple[str, ...] = (), body: Content | None = None, query: list[Json] | None = None) -> Json:
    problem = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    operation: Json = {"summary": summary, "parameters": query or []}
    if body:
        operation["requestBody"] = {"required": True, "content": _content(body)}
    refused = {status: {"description": REFUSALS[status], "content": problem} for status in refusals}
    return operation | {"responses": {"200": {"description": summary, "content": _content(answer)}, **refused}}


def _content(content: Content) -> Json:
    return {
        media_type: {"schema": {"$ref": f"#/components/schemas/{model.__name__}"} if model else {} if media_type == JSON else {"type": "string"}}
        for media_type, model in content.items()
    }


def _query(wanted: Json) -> list[Json]:
    return [{"name": name, "in": "query", "description": said.get("description", ""), "schema": _plain(said)} for name, said in wanted["properties"].items()]


def _plain(said: Json) -> Json:
    """A field's schema without what OpenAPI says of the parameter, and without null, which a query cannot carry."""
    given = {name: value for name, value in said.items() if name not in ("title", "description", "default")}
    return given["anyOf"][0] if "anyOf" in given else given
