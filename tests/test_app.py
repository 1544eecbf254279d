"""The service as its callers meet it: the contract, the limits, the refusals."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest
import schemathesis
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from openapi_spec_validator import validate
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance, unsupported_method
from werkzeug.test import TestResponse

from service import desk as desk_module
from service.access import AccessError, check_exposure, read_tokens
from service.app import create_app
from service.current import CurrentModel
from service.limits import Limits
from service.schema import ArticleAnswer, BatchAnswer, CompareAnswer, Problem
from training.model import default_model

NEWS = (
    "The harbour board voted 5-2 on Monday to close the east pier for repairs until October.\n\n"
    "“We found cracks in eleven of the forty piles,” the harbour master, Ulla Brandis, told reporters."
)
ARGUMENT = "This is a shameful decision, taken by people who should know better, and we will all pay for their cowardice."
PAGE = f"<!doctype html><title>Pier</title><nav><a href='/'>Home</a></nav><p>{NEWS}</p><p>{ARGUMENT}</p>"
SMALL = Limits(body=4_000, articles=3, characters=1_000, depth=4)
TOKENS = ("a" * 32, "b" * 32)
JSON, NDJSON = "application/json", "application/x-ndjson"
NOT_DESCRIBED = [positive_data_acceptance, unsupported_method]
"""What no document can say: that a text holds no article, and that any bytes at all are a text."""
EMPTY = "<html><body><div id=root></div><script>show()</script></body></html>"
CLASSIFY, BATCH, COMPARE = "/v1/classify", "/v1/classify/batch", "/v1/compare"


@pytest.fixture(scope="module")
def current() -> CurrentModel:
    return CurrentModel(default_model())


@pytest.fixture(scope="module")
def app(current: CurrentModel) -> Flask:
    return create_app(current)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def small(current: CurrentModel) -> FlaskClient:
    return create_app(current, SMALL).test_client()


@pytest.fixture
def guarded(current: CurrentModel) -> FlaskClient:
    return create_app(current, tokens=TOKENS).test_client()


def test_json_text_and_html_are_read_as_what_they_are(client: FlaskClient) -> None:
    """One article, in any of the four forms, gives a result as the contract has it."""
    answers = [
        client.post(CLASSIFY, json={"text": NEWS, "id": "a-1", "source": "harbour.example"}),
        client.post(CLASSIFY, json={"html": PAGE, "id": "a-1", "source": "harbour.example"}),
        client.post(f"{CLASSIFY}?id=a-1&source=harbour.example", data=NEWS.encode(), content_type="text/plain"),
        client.post(f"{CLASSIFY}?id=a-1&source=harbour.example", data=PAGE.encode("cp1252"), content_type="text/html; charset=windows-1252"),
    ]
    for answer in answers:
        assert answer.status_code == 200, answer.text
        result = ArticleAnswer.model_validate_json(answer.data)
        assert (result.id, result.source) == ("a-1", "harbour.example")
        assert result.model.digest.startswith("sha256:")
        assert any("Ulla Brandis" in block.text and "“" in block.text for block in result.blocks)
    assert answers[0].json == answers[2].json


def test_offsets_point_into_what_was_sent(client: FlaskClient) -> None:
    """`start` and `end` find a block in the text that the caller sent."""
    for block in client.post(CLASSIFY, json={"text": NEWS}).json["blocks"]:
        assert NEWS[block["start"] : block["end"]] == block["text"]


def test_include_leaves_out_what_is_not_asked_for(client: FlaskClient) -> None:
    """`include` keeps texts, the article's blocks and boilerplate each in or out; what is left is what it would have been."""
    whole = client.post(CLASSIFY, json={"text": f"Skip to content\n\n{NEWS}"}).json
    bare = client.post(f"{CLASSIFY}?include=article,boilerplate", json={"text": f"Skip to content\n\n{NEWS}"}).json
    assert bare["blocks"] == [{name: said for name, said in block.items() if name != "text"} for block in whole["blocks"]]
    own = client.post(f"{CLASSIFY}?include=article,text", json={"text": f"Skip to content\n\n{NEWS}"}).json
    assert own["blocks"] == [block for block in whole["blocks"] if block["kind"] in ("body", "subheading")]
    assert client.post(f"{CLASSIFY}?include=", json={"text": NEWS}).json["blocks"] == []


def test_explanations_add_up(client: FlaskClient) -> None:
    """With `explain`, a passage's bias and terms sum to its logit, and each term stands where it says."""
    blocks = client.post(f"{CLASSIFY}?explain=true", json={"text": f"{NEWS}\n\n{ARGUMENT}"}).json["blocks"]
    passages = [block for block in blocks if block["kind"] == "body"]
    assert passages
    for passage in passages:
        why = passage["explanation"]
        assert why["bias"] + sum(term["contribution"] for term in why["terms"]) == pytest.approx(why["logit"])
        assert all(0 <= term["start"] < term["end"] <= len(passage["text"]) for term in why["terms"])


def test_a_batch_answers_in_order_and_survives_bad_articles(client: FlaskClient) -> None:
    """Every article of a batch has its answer in its place; one that cannot be read has an error."""
    asked = [{"id": "1", "text": NEWS}, {"id": "2", "text": " "}, {"id": "3", "html": PAGE}, {"id": "4", "text": "\x00" * 50}, {"id": "5", "html": EMPTY}]
    answer = client.post(BATCH, json={"articles": asked})
    results = BatchAnswer.model_validate_json(answer.data).results
    assert [(result.id, result.status) for result in results] == [("1", "ok"), ("2", "error"), ("3", "ok"), ("4", "error"), ("5", "error")]
    alone = client.post(CLASSIFY, json=asked[4])
    assert (alone.status_code, alone.json["code"]) == (422, answer.json["results"][4]["error"]["code"]) == (422, "empty")
    assert answer.json["results"][0] == client.post(CLASSIFY, json=asked[0]).json
    assert client.post(BATCH, json={"articles": []}).json == {"results": []}


def test_an_entry_that_is_no_article_costs_the_others_nothing(client: FlaskClient) -> None:
    """In a batch and among lines alike, what is of another form has its error in its place, under the id and the source that it gives."""
    wrong = [{"txt": "x"}, None, 7, [], {"id": None, "text": NEWS}, {"id": "a-1", "source": "harbour.example", "text": 5}]
    entries = [{"text": NEWS}, *wrong, {"text": ARGUMENT}]
    results = client.post(BATCH, json={"articles": entries}).json["results"]
    assert [result["status"] for result in results] == ["ok", *["error"] * len(wrong), "ok"]
    assert {result["error"]["code"] for result in results[1:-1]} == {"invalid-request"}
    assert [(result["id"], result["source"]) for result in results[1:-1]] == [("", None)] * 5 + [("a-1", "harbour.example")]
    lines = client.post(BATCH, data="\n".join(map(json.dumps, entries)), content_type=NDJSON).data
    assert [json.loads(line) for line in lines.splitlines()] == results


def test_half_surrogate_pairs_and_byte_order_marks_in_json_are_read_as_in_files(client: FlaskClient) -> None:
    """The one becomes a replacement character, the other nothing, in a batch and alone; whole pairs stay what they are."""
    said = b'\xef\xbb\xbf{"id": "\\ud83d\\ude00", "text": "The \\ud83d board \\\\ud83d voted on Monday."}'
    alone = client.post(CLASSIFY, data=said, content_type=JSON).json
    assert (alone["id"], alone["blocks"][0]["text"]) == ("\U0001f600", "The \ufffd board \\ud83d voted on Monday.")
    batch = client.post(BATCH, data=b'\xef\xbb\xbf{"articles": [%s]}' % said[3:], content_type=JSON).json["results"]
    assert batch == [json.loads(line) for line in client.post(BATCH, data=said, content_type=NDJSON).data.splitlines()] == [alone]


def test_ndjson_answers_line_by_line(small: FlaskClient) -> None:
    """Every line has its answer in its place, whatever is wrong with it; blank lines have none; the end needs no newline."""
    first, last = (json.dumps({"id": name, "text": NEWS}) for name in ("1", "6"))
    lines = [first, "", "nonsense", json.dumps({"text": "x" * 9_000}), '{"id": "5", "text": ""}', last]
    answer = small.post(BATCH, data="\r\n".join(lines).encode(), content_type=NDJSON)
    assert (answer.status_code, answer.mimetype) == (200, NDJSON)
    results = [json.loads(line) for line in answer.data.splitlines()]
    assert [result.get("error", {}).get("code") for result in results] == [None, "invalid-request", "body-too-large", "empty", None]
    assert [results[0]["id"], results[-1]["id"]] == ["1", "6"]


def test_articles_are_compared(client: FlaskClient) -> None:
    """Two articles come back with what was taken over at its place in each, what only one tells, and who came first where both pages say their dates."""
    own = (
        "Fishmongers in Net Street, who were not asked, will take the matter to the mayor on Friday, their guild said.",
        "The ferry to Ostrand will leave from the west pier at six, an hour later than now, the harbour board said on Monday.",
    )
    told = ((NEWS.replace("Monday", "late on Monday"), "2031-05-07T08:00:00Z", own[0]), (NEWS, "2031-05-06T08:00:00Z", own[1]))
    pages = [
        f"<title>Pier</title><meta property='article:published_time' content='{date}'><article><p>{'</p><p>'.join([*text.splitlines(), more])}</p></article>"
        for text, date, more in told
    ]
    asked = [{"id": "late", "source": "a.example", "html": pages[0]}, {"id": "early", "source": "b.example", "html": pages[1]}]
    answer = client.post(COMPARE, json={"articles": asked})
    assert answer.status_code == 200, answer.text
    found = CompareAnswer.model_validate_json(answer.data)
    [between] = found.taken_over
    assert (between.articles, between.first) == ([0, 1], 1)
    for pair in between.passages:
        for page, place in zip(pages, pair.places, strict=True):
            assert page[place.start : place.end] == place.text
    assert [article.id for article in found.articles] == ["late", "early"]
    assert found.articles[0].editorial_share == client.post(CLASSIFY, json=asked[0]).json["editorial_share"]
    assert [[place.text for place in article.only_here] for article in found.articles] == [[own[0]], [own[1]]]


def test_an_article_that_cannot_be_compared_costs_the_others_nothing(client: FlaskClient) -> None:
    """One that cannot be read stands in its place with its error, and the others are compared."""
    asked = [{"id": "1", "text": NEWS, "source": "a.example"}, {"id": "2", "text": " "}, {"id": "3", "text": NEWS, "source": "b.example"}]
    found = CompareAnswer.model_validate_json(client.post(COMPARE, json={"articles": asked}).data)
    assert [article.status for article in found.articles] == ["ok", "error", "ok"]
    assert [between.articles for between in found.taken_over] == [[0, 2]]


class Bad(NamedTuple):
    """A request that must be refused, and how."""

    status: int
    code: str
    body: bytes | str = "{}"
    headers: Mapping[str, str] = MappingProxyType({})
    path: str = CLASSIFY
    method: str = "POST"


BAD = [
    Bad(400, "invalid-request", ""),
    Bad(400, "invalid-request", "{"),
    Bad(400, "invalid-request", "null"),
    Bad(400, "invalid-request", "NaN"),
    Bad(400, "invalid-request", "[]"),
    Bad(400, "invalid-request", '"text"'),
    Bad(400, "invalid-request", "{}"),
    Bad(400, "invalid-request", '{"text": "a", "html": "b"}'),
    Bad(400, "invalid-request", '{"text": null}'),
    Bad(400, "invalid-request", '{"text": 1}'),
    Bad(400, "invalid-request", '{"text": NaN}'),
    Bad(400, "invalid-request", '{"text": ["a"]}'),
    Bad(400, "invalid-request", '{"text": "a", "id": 7}'),
    Bad(400, "invalid-request", '{"text": "a", "source": false}'),
    Bad(400, "invalid-request", '{"text": "a", "explain": true}'),
    Bad(400, "invalid-request", '{"text": "a"} {"text": "b"}'),
    Bad(400, "invalid-request", '{"text": "\\ud800'),
    Bad(400, "invalid-request", '{"text": "\\x"}'),
    Bad(400, "invalid-request", '{"text": "a'),
    Bad(400, "invalid-request", b'{"text": "\xff\xfe"}'),
    Bad(400, "invalid-request", '{"text": "a"}'.encode("utf-16")),
    Bad(400, "too-deep", "[" * 1_000),
    Bad(400, "too-deep", '{"a":' * 500 + "1" + "}" * 500),
    Bad(400, "too-deep", '{"text": "\\"[", "x": [[[[1]]]]}'),
    Bad(400, "invalid-request", '{"text": "a"}', path=f"{CLASSIFY}?explain=perhaps"),
    Bad(400, "invalid-request", '{"text": "a"}', path=f"{CLASSIFY}?include=everything"),
    Bad(400, "invalid-request", '{"text": "a"}', path=f"{CLASSIFY}?explian=true"),
    Bad(400, "invalid-request", '{"text": "a"}', path=f"{CLASSIFY}?id=a-1"),
    Bad(400, "invalid-request", "{}", path=BATCH),
    Bad(400, "invalid-request", '{"articles": {}}', path=BATCH),
    Bad(400, "invalid-request", '{"articles": [{"text": "a"}', path=BATCH),
    Bad(400, "invalid-request", '{"tasks": [{"data": "a"}]}', path="/predict"),
    Bad(400, "invalid-request", '{"articles": [{"text": "a"}]}', path=COMPARE),
    Bad(400, "invalid-request", '{"articles": [' + ",".join(['{"text": "a"}'] * 9) + "]}", path=COMPARE),
    Bad(400, "invalid-request", '{"articles": [{"text": "a"}, {"text": "a", "html": "b"}]}', path=COMPARE),
    Bad(413, "too-many-articles", '{"articles": [' + ",".join(['{"text": "a"}'] * 4) + "]}", path=COMPARE),
    Bad(413, "body-too-large", json.dumps({"articles": [{"text": "a" * 5_000}]}), path=COMPARE),
    Bad(415, "media-type", "a", {"Content-Type": "text/plain"}, path=COMPARE),
    Bad(422, "empty", '{"articles": [{"text": "a"}, {"text": " "}]}', path=COMPARE),
    Bad(413, "too-many-articles", '{"articles": [' + ",".join(['{"text": "a"}'] * 4) + "]}", path=BATCH),
    Bad(413, "too-many-articles", '{"tasks": [' + ",".join(['{"data": {}}'] * 4) + "]}", path="/predict"),
    Bad(413, "too-many-characters", json.dumps({"text": "a " * 600})),
    Bad(413, "too-many-characters", "a " * 600, {"Content-Type": "text/plain"}),
    Bad(413, "body-too-large", json.dumps({"text": "a" * 5_000})),
    Bad(413, "body-too-large", "a" * 5_000, {"Content-Type": "text/html"}),
    Bad(413, "body-too-large", json.dumps({"articles": [{"text": "a" * 5_000}]}), path=BATCH),
    Bad(415, "media-type", "a", {"Content-Type": ""}),
    Bad(415, "media-type", "a", {"Content-Type": "application/xml"}),
    Bad(415, "media-type", "a", {"Content-Type": "multipart/form-data; boundary=b"}),
    Bad(415, "media-type", "text=a", {"Content-Type": "application/x-www-form-urlencoded"}),
    Bad(415, "media-type", '{"text": "a"}', {"Content-Type": NDJSON}),
    Bad(415, "media-type", "a", {"Content-Type": "text/plain"}, path=BATCH),
    Bad(415, "compressed", b"\x1f\x8b", {"Content-Encoding": "gzip"}),
    Bad(415, "compressed", b"\x1f\x8b", {"Content-Encoding": "br"}, path=BATCH),
    Bad(415, "compressed", b"\x1f\x8b", {"Content-Encoding": "gzip", "Content-Type": NDJSON}, path=BATCH),
    Bad(422, "empty", '{"text": ""}'),
    Bad(422, "empty", '{"html": " \\n"}'),
    Bad(422, "empty", "", {"Content-Type": "text/plain"}),
    Bad(422, "empty", "\ufeff", {"Content-Type": "text/plain; charset=nonsense"}),
    Bad(422, "not-text", b"\x00\x01\x02\x03" * 40, {"Content-Type": "text/plain"}),
    Bad(405, "method-not-allowed", method="GET"),
    Bad(405, "method-not-allowed", method="PUT"),
    Bad(405, "method-not-allowed", method="DELETE", path=BATCH),
    Bad(405, "method-not-allowed", method="POST", path="/v1/model"),
    Bad(405, "method-not-allowed", method="PATCH", path="/healthz"),
    Bad(405, "method-not-allowed", method="BREW", path="/"),
    Bad(404, "not-found", path="/v1/classify/"),
    Bad(404, "not-found", path="/v2/classify"),
    Bad(404, "not-found", method="GET", path="/static/../app.py"),
]


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: f"{bad.code}: {bad.method} {bad.path} {bad.body[:30]!r} {bad.headers}")
def test_what_is_wrong_is_refused(small: FlaskClient, bad: Bad) -> None:
    """Every refusal has the right status, is a problem by RFC 9457, and is one line that says what to do."""
    answer = small.open(bad.path, method=bad.method, data=bad.body, headers={"Content-Type": JSON, **bad.headers})
    problem = _problem(answer)
    assert (answer.status_code, problem.status, problem.code) == (bad.status, bad.status, bad.code)
    assert "\n" not in problem.detail


@pytest.mark.parametrize(
    ("name", "path", "body"),
    [
        ("body", CLASSIFY, {"text": "a" * 5_000}),
        ("characters", CLASSIFY, {"text": "a " * 600}),
        ("articles", BATCH, {"articles": [{"text": "a"}] * 4}),
        ("depth", CLASSIFY, [[[[[]]]]]),
    ],
)
def test_a_refusal_names_the_limit_and_how_to_raise_it(small: FlaskClient, name: str, path: str, body: Any) -> None:
    """Whoever runs into a limit learns which, how much it allows, and the option and variable that raise it."""
    detail = _problem(small.post(path, json=body)).detail
    assert f"{getattr(SMALL, name):,}" in detail
    assert f"--max-{name}" in detail
    assert f"COPYDESK_MAX_{name.upper()}" in detail


def test_an_article_that_takes_too_long_is_stopped(current: CurrentModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work over its time is ended, whatever it is doing, and costs the others of its batch nothing."""
    _break_scoring(monkeypatch, lambda: [None for _ in iter(int, 1)])
    client = create_app(current, Limits(seconds=0.3)).test_client()
    alone = client.post(CLASSIFY, json={"text": "broken"})
    assert (alone.status_code, _problem(alone).code) == (422, "too-slow")
    assert "--max-seconds" in _problem(alone).detail
    together = client.post(BATCH, json={"articles": [{"text": NEWS}, {"text": "broken"}, {"text": NEWS}]}).json["results"]
    assert [result["status"] for result in together] == ["ok", "error", "ok"]


def test_a_comparison_that_takes_too_long_is_stopped(current: CurrentModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """So is laying articles beside each other."""
    monkeypatch.setattr(desk_module, "compare", lambda _: [None for _ in iter(int, 1)])
    answer = create_app(current, Limits(seconds=2)).test_client().post(COMPARE, json={"articles": [{"text": NEWS}, {"text": ARGUMENT}]})
    assert (answer.status_code, _problem(answer).code) == (422, "too-slow")
    assert "--max-seconds" in _problem(answer).detail


def test_an_article_of_too_many_lines_is_refused(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """What turns out to be too large only when it is read is the caller's matter, not a fault, and costs the others of its batch nothing."""
    monkeypatch.setattr("training.lines.MAX_BLOCKS", 3)
    alone = client.post(CLASSIFY, json={"text": "a\n\n" * 4})
    assert (alone.status_code, _problem(alone).code) == (422, "too-large")
    together = client.post(BATCH, json={"articles": [{"text": NEWS}, {"text": "a\n\n" * 4}, {"text": NEWS}]}).json["results"]
    assert [result["status"] for result in together] == ["ok", "error", "ok"]


def test_requests_that_wait_together_keep_their_own_answers(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many ask at once, each gets what it would get alone, and one that breaks the scoring breaks nobody else's."""
    _break_scoring(monkeypatch, lambda: 1 / 0)
    asked = [{"id": str(number), "text": "broken" if number % 5 == 0 else NEWS * (1 + number % 3)} for number in range(40)]
    alone = [app.test_client().post(CLASSIFY, json=each) for each in asked]
    with ThreadPoolExecutor(10) as callers:
        together = list(callers.map(lambda each: app.test_client().post(CLASSIFY, json=each), asked))
    assert [answer.status_code for answer in together] == [answer.status_code for answer in alone]
    assert [answer.json.get("blocks") for answer in together] == [answer.json.get("blocks") for answer in alone]


def test_a_fault_of_ours_says_nothing_of_the_inside(client: FlaskClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """An article that breaks the scoring is a 500 without a traceback, and one error in a batch; the log has the cause."""
    _break_scoring(monkeypatch, lambda: 1 / 0)
    alone = client.post(CLASSIFY, json={"text": "broken"})
    assert (alone.status_code, _problem(alone).code) == (500, "internal")
    assert "ZeroDivisionError" not in alone.text
    assert "ZeroDivisionError" in caplog.text
    together = client.post(BATCH, json={"articles": [{"text": NEWS}, {"text": "broken"}]}).json["results"]
    assert [result["status"] for result in together] == ["ok", "error"]


def test_a_fault_outside_of_articles_says_nothing_of_the_inside_either(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever fails is a problem of one line under the request's id; the log has the cause."""
    monkeypatch.setattr(app.extensions["copydesk"].metrics, "exposition", lambda: 1 / 0)
    answer = client.get("/metrics", headers={"X-Request-ID": "pier-7"})
    assert (answer.status_code, _problem(answer).code) == (500, "internal")
    assert "ZeroDivisionError" not in answer.text
    assert ("ZeroDivisionError" in caplog.text, caplog.records[-1].request_id) == (True, "pier-7")


@pytest.mark.parametrize("told", ["nothing", [], [{}] * 2, [{"kind": "body", "kind_probability": "?", "probability": None}] * 2])
def test_a_model_that_answers_otherwise_is_not_ready(current: CurrentModel, monkeypatch: pytest.MonkeyPatch, told: Any) -> None:
    """Where the model does not answer as its manifest says, or the manifest says no answers, the service takes no work and says why."""
    monkeypatch.setattr(current, "model", replace(current.model, manifest={"smoke": told}))
    answer = create_app(current).test_client().get("/readyz")
    assert (answer.status_code, _problem(answer).code) == (503, "bad-model")
    assert "restore it" in _problem(answer).detail


def test_tokens_admit_and_nothing_else_does(guarded: FlaskClient) -> None:
    """With tokens set, each of them admits, as bearer token or a browser's password; probes need none."""
    asked = {"json": {"text": NEWS}}
    for token in TOKENS:
        assert guarded.post(CLASSIFY, headers={"Authorization": f"Bearer {token}"}, **asked).status_code == 200
    password = base64.b64encode(f"desk:{TOKENS[1]}".encode()).decode()
    assert guarded.get("/", headers={"Authorization": f"Basic {password}"}).status_code == 200
    for wrong in ("", "Bearer ", f"Bearer {TOKENS[0][:-1]}", "Bearer é", TOKENS[0], f"Digest {TOKENS[0]}"):
        refused = guarded.post(CLASSIFY, headers={"Authorization": wrong}, **asked)
        assert (refused.status_code, _problem(refused).code) == (401, "no-token")
        assert refused.headers["WWW-Authenticate"].startswith("Bearer")
    assert guarded.get("/").headers["WWW-Authenticate"].startswith("Basic")
    assert {guarded.get(path).status_code for path in ("/healthz", "/readyz", "/openapi.json")} == {200}
    assert {guarded.get(path).status_code for path in ("/metrics", "/v1/model", "/nowhere")} == {401}


def test_no_door_to_other_machines_stands_open_by_accident() -> None:
    """Beyond loopback a token or the word that none is wanted is needed."""
    for host in ("127.0.0.1", "::1", "localhost", "127.8.8.8"):
        check_exposure(host, (), anonymous=False)
    for host in ("0.0.0.0", "::", "192.168.1.9", "copydesk.example", ""):
        with pytest.raises(AccessError, match="--allow-anonymous"):
            check_exposure(host, (), anonymous=False)
        check_exposure(host, TOKENS, anonymous=False)
        check_exposure(host, (), anonymous=True)


def test_tokens_come_from_environment_and_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Several tokens hold at once, and one that could be guessed is refused."""
    file = tmp_path / "tokens"
    file.write_text(f"{TOKENS[0]}\n")
    monkeypatch.setenv("COPYDESK_TOKENS", f"{TOKENS[1]}, {'c' * 20}")
    assert set(read_tokens(file)) == {*TOKENS, "c" * 20}
    file.write_text(TOKENS[0], "utf-16")
    with pytest.raises(AccessError, match="UTF-8"):
        read_tokens(file)
    monkeypatch.setenv("COPYDESK_TOKENS", "short")
    with pytest.raises(AccessError, match="openssl rand"):
        read_tokens(None)


def test_a_request_keeps_its_id(client: FlaskClient) -> None:
    """X-Request-ID comes back as it was sent, in the header and in problems; one that is long, or has other characters than ids have, is replaced."""
    answer = client.post(CLASSIFY, json={}, headers={"X-Request-ID": "desk-7:ab.c"})
    assert answer.headers["X-Request-ID"] == _problem(answer).request_id == "desk-7:ab.c"
    for forged in ("", "a b", "x" * 200, "é"):
        assert client.get("/healthz", headers={"X-Request-ID": forged}).headers["X-Request-ID"] not in (forged, "")


def test_logs_hold_no_text(client: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    """A request is logged with id, address, status and seconds, and without a word of the article, its id or its source."""
    with caplog.at_level(logging.INFO):
        client.post(f"{CLASSIFY}?id=secret-id", data=NEWS.encode(), content_type="text/plain", headers={"X-Request-ID": "desk-8"})
    [record] = [vars(record) for record in caplog.records if record.name == "copydesk.requests"]
    assert (record["request_id"], record["endpoint"], record["status"]) == ("desk-8", CLASSIFY, 200)
    assert not any(word in str(record) for word in ("Brandis", "harbour", "secret"))


def test_metrics_count_what_was_done(current: CurrentModel) -> None:
    """Requests, articles, passages by label and blocks thrown out by kind are counted."""
    client = create_app(current).test_client()
    result = client.post(CLASSIFY, json={"text": f"Skip to content\n\n{NEWS}\n\n{ARGUMENT}"}).json
    client.post(BATCH, json={"articles": [{"text": ""}]})
    client.open(CLASSIFY, method="BREW")
    lines = client.get("/metrics").text.splitlines()
    assert 'copydesk_requests_total{endpoint="/v1/classify",method="POST",status="200"} 1.0' in lines
    assert 'copydesk_requests_total{endpoint="none",method="other",status="405"} 1.0' in lines
    assert 'copydesk_articles_total{outcome="ok"} 1.0' in lines
    assert 'copydesk_articles_total{outcome="empty"} 1.0' in lines
    for label in {block["label"] for block in result["blocks"] if block["kind"] == "body"}:
        count = sum(block.get("label") == label for block in result["blocks"])
        assert f'copydesk_passages_total{{label="{label}"}} {count}.0' in lines


def test_operators_learn_what_answers(client: FlaskClient, current: CurrentModel) -> None:
    """The model says who it is, and the probes say whether it works."""
    assert client.get("/v1/model").json == dict(current.model.manifest)
    assert client.get("/healthz").json == {"status": "ok"}
    assert client.get("/readyz").json == {"status": "ready", "model": current.model.identity._asdict(), "refused": None}


def test_annotators_get_suggestions(client: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    """Label Studio's tasks come back as regions with a place, a label and a probability; a task without an article has none, and the log says why."""
    tasks = [{"id": 1, "data": {"text": f"{NEWS}\n\n{ARGUMENT}"}}, {"id": 2, "data": {"image": "a.png"}}]
    first, second = client.post("/predict", json={"tasks": tasks, "project": "1", "label_config": "<View/>"}).json["results"]
    assert first["result"]
    assert {region["value"]["labels"][0] for region in first["result"]} <= {"editorial", "reporting", "headline", "dek", "subheading"}
    assert all(region["value"]["start"] < region["value"]["end"] and 0 <= region["score"] <= 1 for region in first["result"])
    assert second["result"] == []
    assert "name the field so in Label Studio" in caplog.text
    assert client.post("/setup", json={"project": "1"}).json["model_version"].startswith("sha256:")
    assert client.get("/health").json["status"] == "UP"


def test_the_openapi_document_is_valid(client: FlaskClient) -> None:
    """/openapi.json is OpenAPI 3.1 and names every address of the contract."""
    document = client.get("/openapi.json").json
    validate(document)
    assert document["openapi"].startswith("3.1")
    assert {CLASSIFY, BATCH, COMPARE, "/v1/model", "/healthz", "/readyz", "/metrics", "/openapi.json", "/"} <= document["paths"].keys()


schemathesis.serializer("text/html")(lambda context, value: str(value).encode("utf-8", "replace"))
schemathesis.serializer("application/x-ndjson")(lambda context, value: str(value).encode("utf-8", "replace"))


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_the_server_does_what_its_document_says(app: Flask, mode: GenerationMode) -> None:
    """Whatever is sent, well formed or not, the answer is one that the OpenAPI document describes."""
    for operation in schemathesis.openapi.from_wsgi("/openapi.json", app).get_all_operations():

        @settings(max_examples=30, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
        @given(case=operation.ok().as_strategy(generation_mode=mode))
        def conforms(case: schemathesis.Case) -> None:
            case.call_and_validate(excluded_checks=NOT_DESCRIBED if case.media_type in (None, JSON) else [*NOT_DESCRIBED, negative_data_rejection])

        with suppress(Unsatisfiable):  # an address that takes nothing cannot be asked wrongly
            conforms()


def _problem(answer: TestResponse) -> Problem:
    assert answer.mimetype == "application/problem+json", answer.text
    return Problem.model_validate_json(answer.data)


def _break_scoring(monkeypatch: pytest.MonkeyPatch, fault: Any) -> None:
    """From now on scoring runs into a fault when it comes to an article whose text is "broken"."""
    sound = desk_module.score

    def score(articles: Any, model: Any) -> Any:
        if any(article.text == "broken" for article in articles):
            fault()
        return sound(articles, model)

    monkeypatch.setattr(desk_module, "score", score)
