"""HTTP -> library: the contract's addresses, the page, and what operators ask."""

from __future__ import annotations

import logging
import re
import time
import uuid
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, TypeVar

from flask import Flask, Response, g, request
from pydantic import BaseModel, ValidationError
from werkzeug.wsgi import get_input_stream

from service import openapi, page
from service.access import is_admitted
from service.current import CurrentModel
from service.desk import Answer, Desk, article_of
from service.label_studio import suggest
from service.limits import Limits
from service.metrics import Metrics
from service.ndjson import answer_lines
from service.openapi import HTML, JSON, NDJSON, TEXT
from service.problems import RefusedError, answer_with_problems, invalid
from service.schema import AnnotationTasks, ArticleRequest, BatchRequest, CompareRequest, Wanted, WantedOfBody
from service.wire import checked_json, to_json, whole_body
from training.article import Article
from training.errors import ModelError
from training.reading import article_from_bytes
from training.smoke import smoke_test

log = logging.getLogger("copydesk.requests")

OPEN = ("healthy", "ready", "show_openapi", "static")
"""Addresses that need no token: probes have none, and these tell nothing of any article."""
WHOLE = Wanted()
REQUEST_ID = re.compile(r"[\w.:+/=-]{1,128}", re.ASCII)
SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self';"
    " base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}

Asked = TypeVar("Asked", bound=BaseModel)


def create_app(current: CurrentModel, limits: Limits | None = None, tokens: Sequence[str] = ()) -> Flask:
    """The application, answering with whichever model is current; without tokens it asks nobody who they are."""
    limits = limits or Limits()
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = app.config["MAX_FORM_MEMORY_SIZE"] = limits.body
    desk = Desk(current, limits, Metrics())
    app.extensions["copydesk"] = desk
    _observe(app, desk.metrics)
    _admit(app, tokens)
    answer_with_problems(app, limits)
    _answer_articles(app, desk)
    _answer_operators(app, desk)
    _answer_annotators(app, desk)
    page.add(app, desk)
    return app


def _answer_articles(app: Flask, desk: Desk) -> None:
    @app.post("/v1/classify")
    def classify() -> Response:
        return _json(_classify(desk))

    @app.post("/v1/classify/batch")
    def classify_batch() -> Response:
        _take(JSON, NDJSON)
        if request.mimetype == NDJSON:
            body = get_input_stream(request.environ)  # the limit on bodies holds for each line of this one, not for the whole
            lines = answer_lines(body, request.content_length or 0, desk, _query(Wanted))
            return Response(lines, mimetype=NDJSON, headers={"X-Accel-Buffering": "no"})
        wanted, asked = _query(Wanted), _body(BatchRequest, desk.limits).articles
        desk.limits.check("articles", len(asked), f"the batch has {len(asked):,} articles")
        return _json({"results": desk.answers([desk.read(each) for each in asked], wanted)})

    @app.post("/v1/compare")
    def compare_articles() -> Response:
        _take(JSON)
        asked = _body(CompareRequest, desk.limits).articles
        desk.limits.check("articles", len(asked), f"the request has {len(asked):,} articles")
        answers = desk.answers([desk.read(each) for each in asked], WHOLE)
        return _json(desk.compared(answers).as_dict())


def _classify(desk: Desk) -> Answer:
    _take(JSON, TEXT, HTML)
    if request.mimetype == JSON:
        return desk.answer(article_of(_body(ArticleRequest, desk.limits)), _query(Wanted))
    wanted = _query(WantedOfBody)
    return desk.answer(_bare_article(wanted), wanted)


def _bare_article(wanted: WantedOfBody) -> Article:
    charset = request.mimetype_params.get("charset")
    return article_from_bytes(whole_body(), name=wanted.id, media_type=request.mimetype, source=wanted.source, charset=charset)


def _answer_operators(app: Flask, desk: Desk) -> None:
    document = to_json(openapi.document())

    @app.get("/v1/model")
    def show_model() -> Response:
        return _json(dict(desk.current.model.manifest))

    @app.get("/healthz")
    def healthy() -> Response:
        return _json({"status": "ok"})

    @app.get("/readyz")
    def ready() -> Response:
        model = desk.current.model
        try:
            smoke_test(model)
        except ModelError as error:
            raise RefusedError(HTTPStatus.SERVICE_UNAVAILABLE, error.message, error.code) from error
        return _json({"status": "ready", "model": model.identity._asdict(), "refused": desk.current.refused})

    @app.get("/metrics")
    def show_metrics() -> Response:
        return Response(desk.metrics.exposition(), content_type="text/plain; version=0.0.4; charset=utf-8")

    @app.get("/openapi.json")
    def show_openapi() -> Response:
        return Response(document, mimetype=JSON)


def _answer_annotators(app: Flask, desk: Desk) -> None:
    @app.post("/predict")
    def predict() -> Response:
        _take(JSON)
        tasks = _body(AnnotationTasks, desk.limits).tasks
        desk.limits.check("articles", len(tasks), f"the request has {len(tasks):,} tasks")
        return _json({"results": suggest(tasks, desk)})

    @app.post("/setup")
    def set_up() -> Response:
        return _json({"model_version": desk.current.model.identity.digest})

    @app.get("/health")
    def annotators_health() -> Response:
        return _json({"status": "UP", "model_class": "Copydesk"})


def _take(*media_types: str) -> None:
    """Turn down a body that is compressed or of another type."""
    codings = {coding.strip().lower() for name in ("Content-Encoding", "Transfer-Encoding") for coding in request.headers.get(name, "").split(",")}
    if not codings <= {"", "identity", "chunked"}:
        message = "the body is compressed; send it as it is, with Content-Encoding identity or none"
        raise RefusedError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, message, "compressed", {"Accept-Encoding": "identity"})
    if request.mimetype not in media_types:
        message = f"the body is {request.mimetype or 'of no stated type'}; send {' or '.join(media_types)} and say so in Content-Type"
        raise RefusedError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, message, "media-type", {"Accept": ", ".join(media_types)})


def _body(form: type[Asked], limits: Limits) -> Asked:
    try:
        return form.model_validate_json(checked_json(whole_body(), limits))
    except ValidationError as error:
        raise invalid(error) from None


def _query(form: type[Asked]) -> Asked:
    try:
        return form.model_validate({name: ",".join(values) for name, values in request.args.lists()})
    except ValidationError as error:
        raise invalid(error) from None


def _json(value: Any) -> Response:
    return Response(to_json(value), mimetype=JSON)


def _admit(app: Flask, tokens: Sequence[str]) -> None:
    @app.before_request
    def ask_for_token() -> None:
        if request.endpoint in OPEN or is_admitted(request.authorization, tokens):
            return
        scheme = "Basic" if request.endpoint == "show_page" else "Bearer"  # a browser asks for a password: the token
        message = "no token, or not one of this service's; send Authorization: Bearer and a token (in a browser: any name, the token as password)"
        raise RefusedError(HTTPStatus.UNAUTHORIZED, message, "no-token", {"WWW-Authenticate": f'{scheme} realm="Copydesk"'})


def _observe(app: Flask, metrics: Metrics) -> None:
    """Give every request an id, count it, and log it without a word of what it holds."""

    @app.before_request
    def begin() -> None:
        g.started = time.perf_counter()
        given = request.headers.get("X-Request-ID", "")
        g.request_id = given if REQUEST_ID.fullmatch(given) else uuid.uuid4().hex

    @app.after_request
    def finish(response: Response) -> Response:
        seconds = time.perf_counter() - g.started
        endpoint = request.url_rule.rule if request.url_rule else "none"
        response.headers["X-Request-ID"] = g.request_id
        for name, value in SECURITY_HEADERS.items():
            response.headers.setdefault(name, value)
        method = request.method if request.url_rule else "other"  # callers invent methods without end
        metrics.requests.labels(method, endpoint, response.status_code).inc()
        metrics.seconds.labels(endpoint).observe(seconds)
        told = {"request_id": g.request_id, "method": request.method, "endpoint": endpoint, "status": response.status_code}
        log.info("request", extra={"event": "request", **told, "seconds": round(seconds, 4)})
        return response
