"""HTTP -> library: `POST /v1/classify` and its neighbours."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from flask import Flask, Response, json, request
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from werkzeug.exceptions import HTTPException

from training.article import Article
from training.errors import CopydeskError
from training.model import Model
from training.reading import article_from_bytes, article_from_text
from training.score import score

MAX_BODY = 16_000_000
"""Bytes of one request's body."""


class ClassifyRequest(BaseModel):
    """One article: exactly one of `text` and `html`, and what the caller wants to find again in the result."""

    model_config = ConfigDict(extra="forbid", strict=True)

    text: str | None = None
    html: str | None = None
    id: str = ""
    source: str | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> ClassifyRequest:
        if (self.text is None) == (self.html is None):
            raise ValueError("give exactly one of text and html")
        return self


def create_app(model: Model) -> Flask:
    """The application, serving one loaded model."""
    app = Flask("copydesk", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    app.json.sort_keys = False  # type: ignore[attr-defined]

    @app.post("/v1/classify")
    def classify() -> dict[str, Any]:
        return score([_article()], model)[0].as_dict()

    @app.get("/v1/model")
    def show_model() -> dict[str, Any]:
        return dict(model.manifest)

    @app.get("/healthz")
    def healthy() -> dict[str, str]:
        return {"status": "ok"}

    @app.errorhandler(CopydeskError)
    def refused(error: CopydeskError) -> Response:
        return _problem(HTTPStatus.UNPROCESSABLE_ENTITY, error.message, error.code)

    @app.errorhandler(HTTPException)
    def failed(error: HTTPException) -> Response:
        if error.code is None or error.code < 400:
            return error.get_response()  # type: ignore[return-value]
        response = _problem(HTTPStatus(error.code), _remedy(error), "http")
        for name, value in error.get_headers(request.environ):
            if name.lower() not in ("content-type", "content-length"):
                response.headers[name] = value
        return response

    @app.errorhandler(Exception)
    def broken(error: Exception) -> Response:
        app.logger.exception("an article could not be scored")
        return _problem(HTTPStatus.INTERNAL_SERVER_ERROR, "the article could not be scored; the log says why", "internal")

    return app


def _article() -> Article:
    """The article of the request's body; its media type says how to read it."""
    if request.headers.get("Content-Encoding", "identity") != "identity":
        raise _Refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "the body is compressed; send it with Content-Encoding identity")
    if request.mimetype in ("text/plain", "text/html"):
        charset = request.mimetype_params.get("charset")
        return article_from_bytes(request.get_data(), media_type=request.mimetype, charset=charset)
    if request.mimetype != "application/json":
        raise _Refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "send application/json, text/plain or text/html")
    try:
        asked = ClassifyRequest.model_validate_json(request.get_data())
    except ValidationError as error:
        first = error.errors()[0]
        raise _Refusal(HTTPStatus.BAD_REQUEST, f"{'.'.join(map(str, first['loc'])) or 'body'}: {first['msg']}") from None
    if asked.html is not None:
        return article_from_text(asked.html, name=asked.id, media_type="text/html", source=asked.source)
    return article_from_text(asked.text or "", name=asked.id, media_type="text/plain", source=asked.source)


class _Refusal(HTTPException):
    def __init__(self, status: HTTPStatus, detail: str):
        super().__init__(detail)
        self.code = status


def _remedy(error: HTTPException) -> str:
    if error.code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return f"the body is larger than {MAX_BODY:,} bytes; send fewer or shorter articles"
    return " ".join((error.description or "").split())


def _problem(status: HTTPStatus, detail: str, code: str) -> Response:
    """RFC 9457."""
    problem = {"type": "about:blank", "title": status.phrase, "status": int(status), "detail": detail, "code": code}
    return Response(json.dumps(problem), int(status), mimetype="application/problem+json")
