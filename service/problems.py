"""Errors -> RFC 9457 `application/problem+json`: what went wrong, why, and the remedy, from every layer."""

from __future__ import annotations

import json
from http import HTTPStatus

from flask import Flask, Response, g, request
from pydantic import ValidationError
from werkzeug.exceptions import HTTPException

from service.limits import LimitError, Limits
from training.errors import CopydeskError

MEDIA_TYPE = "application/problem+json"
OWN_WORDS = {
    HTTPStatus.NOT_FOUND: "there is nothing at this address; /openapi.json lists what there is",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "the body is of a type that this address does not take; /openapi.json lists those it takes",
    HTTPStatus.METHOD_NOT_ALLOWED: "this address does not take that method; the Allow header lists those it takes",
}
OWN_MESSAGES = {"model_type": "Input should be an object"}
"""For pydantic's kinds of error: of what is parsed already, it would name classes of Python."""


class RefusedError(CopydeskError):
    """A request that is turned down, with the status that says so and headers that help."""

    def __init__(self, status: HTTPStatus, message: str, code: str, headers: dict[str, str] | None = None):
        super().__init__(message, code)
        self.status, self.headers = status, headers or {}


def invalid(error: ValidationError) -> RefusedError:
    """What a body or query does not say as it should, each place by name."""
    found = [(".".join(map(str, each["loc"])) or "body", OWN_MESSAGES.get(each["type"], each["msg"])) for each in error.errors(include_input=False)[:3]]
    message = "; ".join(f"{place}: {said.removeprefix('Value error, ')}" for place, said in found)
    return RefusedError(HTTPStatus.BAD_REQUEST, f"{message}; /openapi.json has the form", "invalid-request")


def status_of(error: CopydeskError) -> HTTPStatus:
    return getattr(error, "status", HTTPStatus.UNPROCESSABLE_ENTITY)


def problem(status: HTTPStatus, detail: str, code: str, request_id: str) -> bytes:
    """The body of a problem."""
    said = {"type": "about:blank", "title": status.phrase, "status": int(status), "detail": detail, "code": code, "request_id": request_id}
    return json.dumps(said, ensure_ascii=False).encode()


def answer_with_problems(app: Flask, limits: Limits) -> None:
    """Make every error of the application a problem."""

    @app.errorhandler(CopydeskError)
    def refused(error: CopydeskError) -> Response:
        response = _response(status_of(error), error.message, error.code)
        response.headers.extend(getattr(error, "headers", {}))
        return response

    @app.errorhandler(HTTPException)
    def failed(error: HTTPException) -> Response:
        if error.code is None or error.code < HTTPStatus.BAD_REQUEST:
            return error.get_response()  # type: ignore[return-value]
        if error.code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            return refused(body_too_large(limits))
        status = HTTPStatus(error.code)
        response = _response(status, OWN_WORDS.get(status, error.description or status.phrase), status.name.lower().replace("_", "-"))
        response.headers.extend((name, value) for name, value in error.get_headers(request.environ) if name == "Allow")
        return response

    @app.errorhandler(Exception)
    def broken(error: Exception) -> Response:
        app.logger.error("a request failed", exc_info=error, extra={"event": "failure", "request_id": g.request_id})
        detail = "the server failed; its log has the cause under this request's id"
        return _response(HTTPStatus.INTERNAL_SERVER_ERROR, detail, "internal")


def body_too_large(limits: Limits) -> LimitError:
    return limits.refusal("body", f"the body has {request.content_length:,} bytes" if request.content_length else "the body goes on too long")


def _response(status: HTTPStatus, detail: str, code: str) -> Response:
    return Response(problem(status, detail, code, g.request_id), int(status), mimetype=MEDIA_TYPE)
