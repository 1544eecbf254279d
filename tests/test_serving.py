"""The service as a whole: a real server, its models, its end."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import gunicorn
import pytest
import requests

from service.app import create_app
from service.current import CurrentModel
from service.problems import MEDIA_TYPE
from service.schema import Problem
from service.server import Serving, _serve_with_waitress
from tests.serving import COMMAND, NEWS, PATIENCE, ROOT, Served, served
from training.errors import CopydeskError, ModelError
from training.model import ARRAYS, Model, default_model, load_model, save_model

SWAPS = 6
LINE_TOO_LONG = 414 if gunicorn.version_info >= (27,) else 400
CHUNK = b"fff\r\n" + b"a" * 4095 + b"\r\n"
NDJSON = {"Content-Type": "application/x-ndjson"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("server"), "--workers", "2", "--max-body", "100000") as server:
        yield server


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory, model: Model) -> tuple[Path, Path]:
    """Two folders with models that differ in next to nothing."""
    folder = tmp_path_factory.mktemp("models")
    calibration = replace(model.labels.calibration, offset=model.labels.calibration.offset + 0.001)
    save_model(folder / "one", model.kinds, model.labels, {})
    save_model(folder / "two", model.kinds, replace(model.labels, calibration=calibration), {})
    return folder / "one", folder / "two"


def test_requests_and_curl_get_answers(server: Served) -> None:
    """Callers in the field get what the contract says from a real server: one article, a batch, lines, the page."""
    asked = {"text": NEWS, "id": "é-1"}
    one = requests.post(f"{server.url}/v1/classify", json=asked, timeout=PATIENCE)
    assert (one.status_code, one.json()["id"]) == (200, "é-1")
    batch = requests.post(f"{server.url}/v1/classify/batch", json={"articles": [asked] * 100}, timeout=PATIENCE)
    assert batch.json()["results"] == [one.json()] * 100
    curl = ["curl", "-sS", f"{server.url}/v1/classify", "-H", "Content-Type: text/plain", "--data-binary", "@-"]
    answer = subprocess.run(curl, input=NEWS.encode(), capture_output=True, check=True)
    assert json.loads(answer.stdout)["blocks"] == one.json()["blocks"]
    assert "Copydesk" in requests.get(server.url, timeout=PATIENCE).text


def test_lines_come_back_to_a_client_that_sends_everything_first(server: Served) -> None:
    """Megabytes of lines neither lock client and server into waiting for each other nor meet the limit on bodies; each has its answer."""
    line = json.dumps({"text": NEWS * 20}).encode() + b"\n"
    answer = requests.post(f"{server.url}/v1/classify/batch", data=(line for _ in range(2_000)), headers=NDJSON, timeout=PATIENCE)
    results = [json.loads(line) for line in answer.content.splitlines()]
    assert [result["status"] for result in results] == ["ok"] * 2_000


def test_the_first_answer_comes_before_the_last_line_is_sent(server: Served) -> None:
    """Lines are answered as they come, not when all are there."""
    line = json.dumps({"text": NEWS * 20}).encode() + b"\n"
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
    connection.putrequest("POST", "/v1/classify/batch")
    for name, value in {**NDJSON, "Transfer-Encoding": "chunked"}.items():
        connection.putheader(name, value)
    connection.endheaders()
    for _ in range(2):
        connection.send(f"{len(line):x}\r\n".encode() + line + b"\r\n")
    answer = connection.getresponse()
    assert json.loads(answer.readline())["status"] == "ok"
    connection.send(b"0\r\n\r\n")
    assert json.loads(answer.readline())["status"] == "ok"
    assert answer.read() == b""
    connection.close()


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"NONSENSE\r\n\r\n", 400),
        (b"GET / HTTP/9.9\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nbad header\r\n\r\n", 400),
        (b"GET /" + b"a" * 5_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", LINE_TOO_LONG),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 9_000 + b"\r\n\r\n", 431),
        (b"POST /v1/classify HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: 99999999\r\n\r\n", 413),
        (b"POST /v1/classify HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNK * 30 + b"0\r\n\r\n", 413),
    ],
)
def test_the_server_itself_answers_with_problems(server: Served, sent: bytes, status: int) -> None:
    """What never reaches the application is refused in the same form as all else."""
    with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as connection:
        connection.sendall(sent)
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        assert (answer.status, answer.headers.get_content_type()) == (status, MEDIA_TYPE)
        assert Problem.model_validate_json(answer.read()).status == status


def test_a_body_that_is_too_large_is_refused_before_it_is_lost(server: Served) -> None:
    """A client that sends first and reads then gets the 413, not a broken connection."""
    answer = requests.post(f"{server.url}/v1/classify", data=b"a" * 5_000_000, headers={"Content-Type": "text/plain"}, timeout=PATIENCE)
    assert (answer.status_code, answer.json()["code"]) == (413, "body-too-large")


def test_metrics_cover_all_processes(server: Served) -> None:
    """Counts are those of all workers together, and each worker shows its model."""
    for _ in range(20):
        requests.get(f"{server.url}/healthz", timeout=PATIENCE)
    lines = dict(line.rsplit(" ", 1) for line in requests.get(f"{server.url}/metrics", timeout=PATIENCE).text.splitlines() if line[0] != "#")
    assert float(lines['copydesk_requests_total{endpoint="/healthz",method="GET",status="200"}']) == 20
    assert sum(float(value) for name, value in lines.items() if name.startswith("copydesk_model_processes")) == 2


def test_a_stopped_server_finishes_what_is_under_way(tmp_path: Path) -> None:
    """After SIGTERM a request under way is still answered, and the process ends with status 0."""
    with served(tmp_path) as server:
        lines = json.dumps({"text": NEWS * 20}).encode() + b"\n"

        def slowly() -> Iterator[bytes]:
            for number in range(20):
                yield lines
                if number == 5:
                    server.process.send_signal(signal.SIGTERM)
                time.sleep(0.05)

        answer = requests.post(f"{server.url}/v1/classify/batch", data=slowly(), headers=NDJSON, timeout=PATIENCE)
        assert len(answer.content.splitlines()) == 20
        assert server.process.wait(PATIENCE) == 0


def test_models_are_swapped_under_load(tmp_path: Path, models: tuple[Path, Path]) -> None:
    """While the link to the model is moved again and again, no request fails, each answer is one model's, and every worker follows."""
    link, digests = tmp_path / "current", {load_model(folder).identity.digest for folder in models}
    _point(link, models[0])
    with served(tmp_path, "--workers", "2", "--model", str(link), "--reload", "0.05") as server, ThreadPoolExecutor(4) as callers:
        stop = threading.Event()
        answers = [callers.submit(_ask_until, stop, server.url) for _ in range(4)]
        try:
            for swap in range(1, SWAPS + 1):
                _point(link, models[swap % 2])
                _wait_for(server.url, load_model(models[swap % 2]).identity.digest)
        finally:
            stop.set()
        seen = [answer for caller in answers for answer in caller.result(PATIENCE)]
    assert {status for status, _ in seen} == {200}
    assert {digest for _, digest in seen} == digests


def test_a_bad_model_is_refused_and_the_old_one_stays(tmp_path: Path, models: tuple[Path, Path]) -> None:
    """A damaged model does not come into use, the reason is there to be read, and a good one ends the matter."""
    folder = tmp_path / "model"
    shutil.copytree(models[0], folder)
    current = CurrentModel(folder)
    client = create_app(current).test_client()
    before = current.model
    (folder / ARRAYS).write_bytes(b"damaged")
    assert [current.refresh(), current.refresh(), current.refresh()] == [False, True, False]
    assert current.model is before
    assert "sha256" in client.get("/readyz").json["refused"]
    assert client.post("/v1/classify", json={"text": NEWS}).json["model"]["digest"] == before.identity.digest
    for file in models[1].iterdir():
        shutil.copy(file, folder / file.name)
    assert [current.refresh(), current.refresh()] == [False, True]
    assert client.get("/readyz").json["model"]["digest"] == load_model(models[1]).identity.digest
    assert client.get("/readyz").json["refused"] is None


def test_only_the_expected_model_is_taken(tmp_path: Path, models: tuple[Path, Path]) -> None:
    """Where the operator pins a digest, no other model comes into use, neither at the start nor by a swap."""
    folder = tmp_path / "model"
    shutil.copytree(models[0], folder)
    digest = load_model(folder).identity.digest
    with pytest.raises(ModelError, match="that is expected"):
        CurrentModel(models[1], digest)
    current = CurrentModel(folder, digest)
    for file in models[1].iterdir():
        shutil.copy(file, folder / file.name)
    assert [current.refresh(), current.refresh()] == [False, True]
    assert current.model.identity.digest == digest
    assert "that is expected" in (current.refused or "")


@pytest.mark.parametrize(
    ("options", "said"),
    [(["--host", "0.0.0.0"], "--allow-anonymous"), (["--model", "nowhere"], "--model"), (["--token-file", os.devnull], "no token")],
)
def test_a_server_that_cannot_start_says_why_in_one_line(tmp_path: Path, options: list[str], said: str) -> None:
    """`copydesk serve` ends with a line that names the remedy, and status 1."""
    command = [*COMMAND, "serve", "--port", "0", *options]
    ended = subprocess.run(command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False, timeout=PATIENCE)
    assert ended.returncode == 1
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_port_that_is_taken_is_said_at_once(tmp_path: Path) -> None:
    """And so is a host that is none."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with socket.create_server(("127.0.0.1", 0)) as taken:
        for options in (("--port", str(taken.getsockname()[1])), ("--host", "nowhere.invalid", "--allow-anonymous")):
            command = [*COMMAND, "serve", *options]
            ended = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=PATIENCE)
            assert ended.returncode == 1
            assert "choose others with --host and --port" in ended.stderr
            assert ended.stderr.count("\n") == 1


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="no IPv6 here")
def test_a_host_may_stand_in_brackets(tmp_path: Path) -> None:
    """As an IPv6 address does in a URL."""
    with served(tmp_path, "--host", "[::]", "--allow-anonymous") as server:
        assert requests.get(f"{server.url}/healthz", timeout=PATIENCE).json() == {"status": "ok"}


def test_waitress_serves_the_same(tmp_path: Path) -> None:
    """Where gunicorn cannot run, waitress serves the same application, lines included, and logs the same."""
    code = "from service import cli, server; server._serve_with_gunicorn = server._serve_with_waitress; cli.main()"
    lines = (json.dumps({"text": NEWS}).encode() + b"\n" for _ in range(100))
    with served(tmp_path, program=code) as server:
        answer = requests.post(f"{server.url}/v1/classify/batch", data=lines, headers=NDJSON, timeout=PATIENCE)
        assert "waitress" not in answer.headers.get("Server", "")
        assert len(answer.content.splitlines()) == 100
        assert default_model().name in requests.get(f"{server.url}/metrics", timeout=PATIENCE).text
        assert all(line["level"] == "info" for line in server.logged())


def test_without_waitress_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where neither server is there, starting ends with the command that installs one."""
    monkeypatch.setitem(sys.modules, "waitress", None)
    with pytest.raises(CopydeskError, match="`pip install waitress`"):
        _serve_with_waitress(default_model(), Serving())


def _point(link: Path, folder: Path) -> None:
    """Make a link lead to a folder, in one step."""
    new = link.with_name("next")
    new.symlink_to(folder)
    os.replace(new, link)


def _ask_until(stop: threading.Event, url: str) -> list[tuple[int, str]]:
    seen = []
    with requests.Session() as session:
        while not stop.is_set():
            answer = session.post(f"{url}/v1/classify", json={"text": NEWS}, timeout=PATIENCE)
            seen.append((answer.status_code, answer.json()["model"]["digest"]))
    return seen


def _wait_for(url: str, digest: str) -> None:
    """Until both workers answer with a model."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        counts = requests.get(f"{url}/metrics", timeout=PATIENCE).text
        if any(digest in line and line.endswith(" 2.0") for line in counts.splitlines() if line.startswith("copydesk_model_processes")):
            return
    raise AssertionError(f"not every worker took {digest}")
