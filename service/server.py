"""The application under a server: gunicorn, whose workers share one loaded model copy on write, or waitress where gunicorn cannot run."""

from __future__ import annotations

import ctypes
import gc
import json
import logging
import logging.config
import os
import re
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

from service.access import check_exposure
from service.limits import Limits
from training.errors import CopydeskError

if TYPE_CHECKING:
    from flask import Flask

THREADS = 16
"""Requests under way in one process; those that wait at the same time are scored together."""
GRACE = 30
"""Seconds that requests under way have to finish when the server is told to stop."""
KEEP_ALIVE = 30
"""Seconds that an idle connection is kept for a caller's next request."""
CONNECTIONS = 4_000
"""Connections that one process keeps open, most of them idle; others wait to be let in."""
SPARE_FILES = 200
"""Files that a process needs beside its connections."""
COUNTS = "PROMETHEUS_MULTIPROC_DIR"
"""Set before `metrics` is imported, whose library looks for it then."""
M_ARENA_MAX, ARENAS = -8, 2
"""mallopt(3): threads share so many heaps. With one each, every thread comes to hold as much as the largest article it met."""
M_MMAP_THRESHOLD, LARGE = -3, 8 << 20
"""mallopt(3): what is as large as this is given back as soon as it is let go; glibc would come to keep up to 32 MB of it in its heaps. From 1 MB on, batches
would cost a tenth more."""
M_TRIM_THRESHOLD, SPARE = -1, 16 << 20
"""mallopt(3): so much is kept at the end of a heap. By itself glibc keeps twice the above; where that is set it keeps 128 KB, and a tenth of a batch's time
goes into taking the same pages again and again."""
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "service.server.JsonLines"}},
    "filters": {"unquoted": {"()": "service.server.Unquoted"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json", "filters": ["unquoted"]}},
    "root": {"level": "INFO", "handlers": ["console"]},
    "loggers": {"gunicorn.error": {"level": "INFO", "propagate": True}},
}
"""Everything that is logged goes to standard error, a JSON object a line; the application logs requests itself, without what they hold."""
_QUOTING = re.compile(r"(Invalid request from ip=\S+?|Error handling request)[:\s].*", re.DOTALL)
"""What gunicorn logs of requests that it cannot read, with words of theirs at the end."""
RECORD_FIELDS = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


@dataclass(frozen=True, slots=True)
class Serving:
    """How to serve: where, with how many processes, who may ask how much, how often to look for a new model (0: never), and the digest that a
    model must have to be taken (None: any)."""

    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    limits: Limits = field(default_factory=Limits)
    tokens: Sequence[str] = ()
    anonymous: bool = False
    reload: float = 2.0
    expect: str | None = None

    @property
    def bind(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def serve(folder: Path, serving: Serving) -> None:
    """Serve until told to stop (SIGTERM, SIGINT). Raises CopydeskError where it cannot start. A host may stand in brackets, as in a URL."""
    serving = replace(serving, host=serving.host.strip("[]"))
    check_exposure(serving.host, serving.tokens, serving.anonymous)
    _check_address(serving.host, serving.port)
    logging.config.dictConfig(LOGGING)
    with suppress(OSError, TypeError, AttributeError):  # only the GNU library has it
        library = ctypes.CDLL(None)
        library.mallopt(M_ARENA_MAX, ARENAS)
        library.mallopt(M_MMAP_THRESHOLD, LARGE)
        library.mallopt(M_TRIM_THRESHOLD, SPARE)
    if sys.platform == "win32":
        _serve_with_waitress(folder, serving)
    else:
        _serve_with_gunicorn(folder, serving)


def _check_address(host: str, port: int) -> None:
    """Raise CopydeskError where nothing can listen there: the server itself would try for seconds, and say less."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        with socket.socket(family, kind, protocol) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind(address)
    except (OSError, UnicodeError) as error:
        raise CopydeskError(
            f"cannot listen at {host}, port {port} ({getattr(error, 'strerror', None) or error}); choose others with --host and --port", "address"
        ) from error


class JsonLines(logging.Formatter):
    """One JSON object a record: time, level, logger, message, and what the record was given beside it."""

    def format(self, record: logging.LogRecord) -> str:
        time_of = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z"
        said = {"time": time_of, "level": record.levelname.lower(), "logger": record.name, "message": record.getMessage()}
        given = {name: value for name, value in vars(record).items() if name not in RECORD_FIELDS}
        cause = {"cause": self.formatException(record.exc_info)} if record.exc_info else {}
        return json.dumps(said | given | cause, ensure_ascii=False, default=str)


class Unquoted(logging.Filter):
    """Takes what callers sent, a token perhaps, out of what gunicorn says of it."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name == "gunicorn.error":
            record.msg, record.args = _QUOTING.sub(r"\1", record.getMessage()), ()
        return True


def _serve_with_gunicorn(folder: Path, serving: Serving) -> None:
    import gunicorn.util
    from gunicorn.app.base import BaseApplication

    shared = os.environ[COUNTS] = tempfile.mkdtemp(prefix="copydesk-")
    app = _create_app(folder, serving)  # before any fork: workers share what is loaded here
    gc.freeze()  # and the collector leaves it as it is, for what it touches is copied
    starter = os.getpid()

    class Server(BaseApplication):  # type: ignore[misc]
        def load_config(self) -> None:
            for name, value in _gunicorn_options(app, serving).items():
                if name in self.cfg.settings:  # older releases have no control socket to leave out
                    self.cfg.set(name, value)

        def load(self) -> Flask:
            return app

    gunicorn.util.write_error = _write_problem
    try:
        Server().run()
    finally:
        if os.getpid() == starter:
            shutil.rmtree(shared, ignore_errors=True)


def _gunicorn_options(app: Flask, serving: Serving) -> dict[str, Any]:
    from prometheus_client.multiprocess import mark_process_dead

    from service.connections import QuietLogger, Worker

    def begin(_worker: Any) -> None:
        _watch(app, serving)

    def end(_server: Any, worker: Any) -> None:
        with suppress(OSError):
            mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]

    return {
        "bind": serving.bind,
        "workers": serving.workers,
        "worker_class": Worker,
        "worker_connections": _connections(),
        "threads": THREADS,
        "preload_app": True,
        "graceful_timeout": GRACE,
        "keepalive": KEEP_ALIVE,
        "control_socket_disable": True,
        "logger_class": QuietLogger,
        "logconfig_dict": LOGGING,
        "post_worker_init": begin,
        "child_exit": end,
    }


def _connections() -> int:
    """How many connections a process may keep: no more than the system lets it have files, of which as many as needed are asked for first."""
    import resource

    files, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CONNECTIONS + SPARE_FILES
    if 0 <= files < wanted:  # below 0 stands for no limit
        files = wanted if most < 0 else min(wanted, most)
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, most))
    return max(THREADS + 1, min(CONNECTIONS, files - SPARE_FILES)) if files >= 0 else CONNECTIONS


def _serve_with_waitress(folder: Path, serving: Serving) -> None:
    try:
        import waitress
    except ImportError as error:
        raise CopydeskError("gunicorn does not run here and waitress is not installed; `pip install waitress`", "no-server") from error
    app = _create_app(folder, serving)
    _watch(app, serving)
    waitress.serve(app, host=serving.host, port=serving.port, threads=THREADS, max_request_body_size=2**40, ident=None)


def _create_app(folder: Path, serving: Serving) -> Flask:
    from service.app import create_app
    from service.current import CurrentModel

    return create_app(CurrentModel(folder, serving.expect), serving.limits, serving.tokens)


def _watch(app: Flask, serving: Serving) -> None:
    desk = app.extensions["copydesk"]
    if serving.reload:
        desk.current.watch(serving.reload, desk.metrics.model)
    else:
        desk.metrics.model(desk.current)


def _write_problem(sock: Any, status: int, reason: str, message: str) -> None:
    """What gunicorn answers by itself, to requests that never reach the application, as a problem too."""
    from gunicorn.util import write_nonblock

    from service.problems import MEDIA_TYPE, problem

    detail = " ".join(f"{message or reason}; send a well-formed HTTP/1.1 request within the server's limits".split())
    body = problem(HTTPStatus(status), detail, "http", "")
    head = f"HTTP/1.1 {status} {reason}\r\nConnection: close\r\nContent-Type: {MEDIA_TYPE}\r\nContent-Length: {len(body)}\r\n\r\n"
    write_nonblock(sock, head.encode("latin-1") + body)
