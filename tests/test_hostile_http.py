"""Connections that are broken, slow, lying or many: each ends as it should, and the server answers others before and after."""

from __future__ import annotations

import json
import re
import resource
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import requests

from service.problems import MEDIA_TYPE
from service.server import GRACE
from tests.serving import NEWS, PATIENCE, PROGRAM, Served, served

TOKEN = "a-token-that-no-log-may-ever-hold-0123456789"
SECRET = "Quoxel"
"""A word that stands in every text, path, query and header that is sent here, and in no line of the log."""
IDLE = 1_000
HOST = f"Host: pier.example\r\nAuthorization: Bearer {TOKEN}\r\n".encode()
TEXT = b"Content-Type: text/plain\r\n"
LINE = json.dumps({"text": f"{SECRET} {NEWS}"}).encode() + b"\n"


def post(headers: bytes, body: bytes = b"", path: bytes = b"/v1/classify") -> bytes:
    return b"POST " + path + b" HTTP/1.1\r\n" + HOST + headers + b"\r\n" + body


def get(path: bytes, headers: bytes = b"") -> bytes:
    return b"GET " + path + b" HTTP/1.1\r\n" + HOST + headers + b"\r\n"


BODY = f"{SECRET}. {NEWS}".encode()
LENGTH = b"Content-Length: %d\r\n" % len(BODY)
CHUNKED = b"Transfer-Encoding: chunked\r\n"


class Sent(NamedTuple):
    """Bytes on one connection, whose sending side is closed after them, and what is answered: a tuple has the statuses of all answers in order, a
    frozenset those that the only answer may have. `or_closed`: or there is no answer at all."""

    name: str
    content: bytes
    statuses: tuple[int, ...] | frozenset[int]
    or_closed: bool = False


SENT = [
    Sent("nothing", b"", ()),
    Sent("half a line", b"GET /heal", ()),
    Sent("half of the headers", b"GET /healthz HTTP/1.1\r\nHost: a\r\nX-", ()),
    Sent("a length that is too long", post(TEXT + b"Content-Length: %d\r\n" % (len(BODY) + 99), BODY), (400,)),
    Sent("a length that is too short", post(TEXT + b"Content-Length: 20\r\n", BODY), (200,)),
    Sent("a length below zero", post(TEXT + b"Content-Length: -5\r\n", BODY), (400,)),
    Sent("a length that is no number", post(TEXT + b"Content-Length: many\r\n", BODY), (400,)),
    Sent("a length with a sign", post(TEXT + b"Content-Length: +%d\r\n" % len(BODY), BODY), (400,)),
    Sent("a length beyond all numbers", post(TEXT + b"Content-Length: " + b"9" * 5_000 + b"\r\n", BODY), (400,), or_closed=True),
    Sent("two lengths", post(TEXT + LENGTH + b"Content-Length: 3\r\n", BODY), (400,)),
    Sent("a length and chunks", post(TEXT + LENGTH + CHUNKED, b"0\r\n\r\n" + get(b"/healthz")), (400,)),
    Sent("chunks and a length", post(TEXT + CHUNKED + LENGTH, b"5\r\nhello\r\n0\r\n\r\n"), (400,)),
    Sent("chunks twice", post(TEXT + CHUNKED * 2, b"0\r\n\r\n"), (400,), or_closed=True),
    Sent("chunks of what is compressed", post(TEXT + b"Transfer-Encoding: gzip, chunked\r\n", b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)), (415,)),
    Sent("chunks in disguise", post(TEXT + b"Transfer-Encoding: xchunked\r\n", b"0\r\n\r\n"), (501,)),
    Sent("chunks behind a tab", post(TEXT + b"Transfer-Encoding:\x0bchunked\r\n", b"0\r\n\r\n"), (400,)),
    Sent("chunks before a space", post(TEXT + b"Transfer-Encoding : chunked\r\n", b"0\r\n\r\n"), (400,)),
    Sent("chunks in HTTP/1.0", post(TEXT + CHUNKED, b"0\r\n\r\n").replace(b"HTTP/1.1", b"HTTP/1.0"), (400,), or_closed=True),
    Sent("a chunk without a size", post(TEXT + CHUNKED, b"zz\r\nhello\r\n0\r\n\r\n"), (400,)),
    Sent("a chunk that is too short", post(TEXT + CHUNKED, b"ff\r\nhello"), (400,)),
    Sent("a chunk that is too long", post(TEXT + CHUNKED, b"2\r\nhello\r\n0\r\n\r\n"), (400,)),
    Sent("a chunk of more than there is", post(TEXT + CHUNKED, b"ffffffffffffffff\r\nhello\r\n0\r\n\r\n"), frozenset({400, 413}), or_closed=True),
    Sent("a chunk below zero", post(TEXT + CHUNKED, b"-5\r\nhello\r\n0\r\n\r\n"), (400,)),
    Sent("a chunk's extension without end", post(TEXT + CHUNKED, b"5;" + b"a" * 200_000 + b"\r\nhello\r\n0\r\n\r\n"), frozenset({400, 200}), or_closed=True),
    Sent("trailers without end", post(TEXT + CHUNKED, b"0\r\n" + b"A: b\r\n" * 20_000), (400,), or_closed=True),
    Sent("a header of 64 KB", get(b"/healthz", b"X-" + SECRET.encode() + b": " + b"a" * 65_536 + b"\r\n"), (431,)),
    Sent("10,000 headers", get(b"/healthz", b"".join(b"X-%d: a\r\n" % number for number in range(10_000))), (431,)),
    Sent("a header on two lines", get(b"/healthz", b"X-A: b\r\n c\r\n"), (400,)),
    Sent("a NUL in a header", get(b"/healthz", b"X-A: b\0c\r\n"), (400,)),
    Sent("line feeds alone", get(b"/healthz").replace(b"\r\n", b"\n"), frozenset({200, 400}), or_closed=True),
    Sent("two hosts", get(b"/healthz", b"Host: other.example\r\n"), frozenset({200, 400})),
    Sent("HTTP/0.9", b"GET /healthz\r\n\r\n", (400,)),
    Sent("HTTP/2 out of the blue", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", frozenset({400, 505}), or_closed=True),
    Sent("TLS", bytes.fromhex("16030100a5010000a10303") + bytes(range(150)), (400,), or_closed=True),
    Sent("a proxy's greeting", b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n" + get(b"/healthz"), (400,)),
    Sent("a whole address", get(b"http://pier.example/healthz"), (200,)),
    Sent("another host's address", get(f"http://{SECRET}.example/healthz".encode()), (200,)),
    Sent("an address without a path", get(b"http://pier.example"), frozenset({200, 308, 404})),
    Sent("another machine's port", b"CONNECT pier.example:22 HTTP/1.1\r\n" + HOST + b"\r\n", frozenset({400, 404, 405})),
    Sent("all addresses", b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n", frozenset({200, 400, 404})),
    *(
        Sent(f"a path like {path[:30]!r}", get(path.encode("latin-1")), frozenset({400, 404, 308, 301}))
        for path in (
            f"/../../etc/passwd?{SECRET}", f"/static/../../{SECRET}", "/static/%2e%2e/%2e%2e/app.py", "/static/..%2f..%2fapp.py", "/static//etc/passwd",
            "/static/%00", f"/{SECRET}%00.html", f"//{SECRET}.example/", "/\\evil.example", "/static/..%5c..%5capp.py", "/%ff%fe", "/%",
            "/static/%c0%ae%c0%ae/app.py",
        )
    ),
    Sent("a path above the root", get(b"/v1/../healthz"), frozenset({200, 404})),
    Sent("a query without end", get(b"/healthz?" + SECRET.encode() + b"&a=b" * 900), (200,)),
    Sent("a token in the query", get(f"/v1/model?token={TOKEN}".encode()), (200,)),
    Sent("three requests at once", get(b"/healthz") + post(TEXT + LENGTH, BODY) + get(b"/healthz"), (200, 200, 200)),
    Sent("a hundred requests at once", get(b"/healthz") * 100, (200,) * 100),
    Sent("a request in the body of another", post(TEXT + b"Content-Length: %d\r\n" % len(get(b"/v1/model")), get(b"/v1/model")), (200,)),
    Sent("a body with a GET", get(b"/healthz", LENGTH) + BODY + get(b"/healthz"), (200, 200)),
    Sent("a promise to wait", post(TEXT + LENGTH + b"Expect: 100-continue\r\n", BODY), (100, 200)),
]  # fmt: skip


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("server"), "--workers", "1", "--max-body", "100000", COPYDESK_TOKENS=TOKEN) as server:
        yield server


def statuses(server: Served, content: bytes) -> tuple[list[int], bytes]:
    """The statuses of what comes back on one connection until the server closes it, and all of it."""
    with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as connection:
        answer = b""
        try:
            connection.sendall(content)
            connection.shutdown(socket.SHUT_WR)
            while received := connection.recv(65_536):
                answer += received
        except (ConnectionResetError, BrokenPipeError):
            pass
    return [int(status) for status in re.findall(rb"(?:^|\n|\})HTTP/1\.[01] (\d{3})", answer)], answer


def assert_well(server: Served) -> None:
    """The server answers as ever."""
    assert requests.get(f"{server.url}/healthz", timeout=PATIENCE).json() == {"status": "ok"}
    answer = requests.post(f"{server.url}/v1/classify", json={"text": f"{SECRET} {NEWS}"}, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=PATIENCE)
    assert (answer.status_code, answer.json()["status"]) == (200, "ok")


@pytest.mark.parametrize("sent", SENT, ids=lambda sent: sent.name)
def test_what_is_sent_gets_its_answer(server: Served, sent: Sent) -> None:
    """Broken, lying and tricky requests are refused as such or answered as what they are; nothing that follows a lie on its connection is answered as
    if it were a request of its own; and the server is well."""
    found, answer = statuses(server, sent.content)
    as_said = len(found) == 1 and found[0] in sent.statuses if isinstance(sent.statuses, frozenset) else tuple(found) == sent.statuses
    assert as_said or (sent.or_closed and not found), answer[:500]
    assert b"root:" not in answer and b"Traceback" not in answer and b"import " not in answer
    assert MEDIA_TYPE.encode() in answer or not found or found[-1] < 400
    assert_well(server)


def test_a_body_that_breaks_off_is_taken_for_a_whole_one_at_no_door(server: Served) -> None:
    """Text, form and lines alike: what was promised and did not come is said to be missing. Lines that came whole have their answers before that."""
    form, lines = b"Content-Type: application/x-www-form-urlencoded\r\n", b"Content-Type: application/x-ndjson\r\n"
    length = b"Content-Length: %d\r\n" % (len(LINE) + len(BODY))
    assert b"breaks off after" in statuses(server, post(TEXT + length, BODY))[1]
    assert b"breaks off after" in statuses(server, post(form + length, b"article=" + BODY.replace(b" ", b"+"), b"/"))[1]
    for came in (LINE, LINE + LINE[:9]):
        found, answer = statuses(server, post(lines + length, came, b"/v1/classify/batch"))
        assert found == [200]
        assert re.findall(rb'"status":"(\w+)"', answer) == [b"ok", b"error"] and b'"cut-off"' in answer


def test_nothing_that_was_sent_is_in_the_log(server: Served) -> None:
    """No token, text, path, query or header of any request stands in the log, whatever was wrong with it."""
    statuses(server, get(f"/{SECRET}?token={TOKEN}&q={SECRET}".encode(), f"X-Request-ID: {SECRET} {TOKEN}\r\nX-A: {SECRET}\r\n".encode()))
    statuses(server, f"{SECRET} /{TOKEN} HTTP/1.1\r\n{SECRET}\r\n\r\n".encode())
    statuses(server, post(TEXT + f"Transfer-Encoding: {SECRET}\r\n{SECRET}: {TOKEN}\r\n".encode(), BODY))
    assert_well(server)
    log = server.log.read_text("utf-8")
    assert TOKEN not in log
    assert SECRET.lower() not in log.lower()
    assert "Traceback" not in log


@pytest.fixture
def many_files() -> Iterator[None]:
    """This process may have as many files open as the system lets it, which is often more than the thousand that it begins with."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("many_files")
def test_idle_connections_are_no_hindrance(server: Served) -> None:
    """A thousand connections that say nothing are held while others are answered, and cost nobody else a wait."""
    idle = [socket.create_connection(("127.0.0.1", server.port), PATIENCE) for _ in range(IDLE)]
    try:
        for _ in range(3):
            assert_well(server)
        assert statuses(server, get(b"/healthz"))[0] == [200]
        last = idle[-1]  # the only one that is sure to be kept for as long as this took
        last.sendall(get(b"/healthz"))
        assert last.recv(100).startswith(b"HTTP/1.1 200")
    finally:
        for connection in idle:
            connection.close()
    assert_well(server)


def test_callers_who_do_not_hang_up_cost_nobody_a_wait(tmp_path: Path) -> None:
    """Callers who ask for the connection to be closed and then keep their side of it open are all answered, and so is the next one while they hold on,
    however long a server waits for each to hang up."""
    program = f"from gunicorn import util; util.close_graceful.__defaults__ = (3600, 65536); {PROGRAM}"
    with served(tmp_path, "--workers", "1", program=program) as server:
        callers = [socket.create_connection(("127.0.0.1", server.port), PATIENCE) for _ in range(20)]
        try:
            for caller in callers:
                caller.sendall(post(TEXT + LENGTH + b"Connection: close\r\n", BODY))
            for caller in callers:
                assert caller.recv(100).startswith(b"HTTP/1.1 200")
            assert_well(server)
        finally:
            for caller in callers:
                caller.close()


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server that waits a second for headers and two for a body."""
    folder = tmp_path_factory.mktemp("hasty")
    program = f"from service import connections as c; c.HEAD_SECONDS, c.BODY_SECONDS = 1, 2; {PROGRAM}"
    with served(folder, "--workers", "1", program=program) as server:
        yield server


@pytest.mark.parametrize("begin", [b"GET /healthz HTTP/1.1\r\nHost: a\r\n", post(TEXT + LENGTH), post(TEXT + CHUNKED)], ids=["headers", "body", "chunks"])
def test_slow_callers_hold_no_thread_for_long(hasty: Served, begin: bytes) -> None:
    """More callers than there are threads, who send a byte now and then, are cut off when their time is up, and others are answered."""
    slow = [socket.create_connection(("127.0.0.1", hasty.port), PATIENCE) for _ in range(40)]
    piece = b"1\r\na\r\n" if b"chunked" in begin else b"X-A: b\r\n" if b"POST" not in begin else b"a"
    for connection in slow:
        connection.sendall(begin)
    until = time.monotonic() + PATIENCE
    left = list(slow)
    while left and time.monotonic() < until:
        time.sleep(0.2)
        left = [connection for connection in left if still_sending(connection, piece)]
    assert not left, "some were never cut off"
    assert_well(hasty)
    for connection in slow:
        connection.close()


def still_sending(connection: socket.socket, piece: bytes) -> bool:
    """Send one more piece; whether the server still listens, which has said nothing so far."""
    connection.setblocking(False)
    try:
        connection.send(piece)
        connection.recv(1)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def test_slow_lines_are_answered_for_as_long_as_they_come(hasty: Served) -> None:
    """A caller who sends lines over longer than a body may take gets every answer."""

    def slowly() -> Iterator[bytes]:
        for _ in range(8):
            yield LINE
            time.sleep(0.5)

    answer = requests.post(f"{hasty.url}/v1/classify/batch", data=slowly(), headers={"Content-Type": "application/x-ndjson"}, timeout=PATIENCE)
    assert [json.loads(line)["status"] for line in answer.content.splitlines()] == ["ok"] * 8


def test_a_server_that_is_told_to_stop_does_not_wait_for_the_idle(tmp_path: Path) -> None:
    """SIGTERM ends a server at once where every connection that is open says nothing, new ones and those between two requests alike."""
    with served(tmp_path) as server, requests.Session() as session:
        session.get(f"{server.url}/healthz", timeout=PATIENCE)
        idle = socket.create_connection(("127.0.0.1", server.port), PATIENCE)
        time.sleep(0.5)
        with idle:
            server.process.terminate()
            try:
                assert server.process.wait(GRACE - 5) == 0
            except subprocess.TimeoutExpired:
                pytest.fail("it waits for connections that say nothing")
