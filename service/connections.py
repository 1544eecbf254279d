"""A gunicorn worker in which slow and idle callers cost a connection each, and no thread for long."""

from __future__ import annotations

import socket
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from selectors import EVENT_READ
from typing import Any

from gunicorn.glogging import Logger
from gunicorn.workers.gthread import ThreadWorker

from service.openapi import NDJSON

HEAD_SECONDS = 10
"""From the first byte of a request to the last of its headers."""
BODY_SECONDS = 60
"""From there to the last byte of its body. Lines have no such limit: they are answered while more are sent, for hours if need be."""
LINGERING = 32
"""Connections that are being closed at a time, each for as long as its caller takes to hang up, two seconds at most."""
LAST_WORDS = 2
"""Seconds in which a connection without a request is still listened to when the server is told to stop: one may be on its way."""


class QuietLogger(Logger):  # type: ignore[misc]
    """gunicorn's log without the lines on requests, which the application writes itself: for each gunicorn would put together what no handler takes."""

    def access(self, *_: Any) -> None:
        """Nothing."""


class Worker(ThreadWorker):  # type: ignore[misc]
    """gunicorn's threaded worker. A new connection waits with the idle ones until it says something, where gunicorn gives it a thread for its first
    five seconds; one that has not sent its request in time is read no further, so that its thread is free; and one that is done is closed apart from the
    loop that lets others in, where gunicorn waits for the caller to hang up."""

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.due: dict[Any, float] = {}
        self.stopping: float | None = None
        self.lingering = ThreadPoolExecutor(LINGERING, "closing")

    def finish_request(self, conn: Any, fs: Future[Any]) -> None:
        if self.alive and not fs.cancelled() and fs.exception() is None and fs.result():
            super().finish_request(conn, fs)
        else:
            self.nr_conns -= 1
            self.lingering.submit(conn.close, graceful=True)

    def enqueue_req(self, conn: Any) -> None:
        if conn.initialized or conn.data_ready:
            super().enqueue_req(conn)
            return
        conn.sock.setblocking(False)
        conn.set_timeout()
        self.pending_conns.append(conn)
        self.poller.register(conn.sock, EVENT_READ, partial(self.on_pending_socket_readable, conn))

    def handle(self, conn: Any) -> Any:
        self.due[conn] = time.monotonic() + HEAD_SECONDS
        try:
            return super().handle(conn)
        finally:
            del self.due[conn]

    def handle_request(self, req: Any, conn: Any) -> Any:
        lines = any(name == "CONTENT-TYPE" and value.lower().startswith(NDJSON) for name, value in req.headers)
        self.due[conn] = float("inf") if lines else time.monotonic() + BODY_SECONDS
        return super().handle_request(req, conn)

    def murder_keepalived(self) -> None:
        """Called about once a second."""
        now = time.monotonic()
        for conn in [conn for conn, due in list(self.due.items()) if due < now]:
            with suppress(OSError):
                conn.sock.shutdown(socket.SHUT_RD)  # an answer that is under way still goes out
        if not self.alive:  # nobody waits long for those who say nothing
            if self.stopping is None:
                self.stopping = now + LAST_WORDS
                wake = threading.Timer(LAST_WORDS, self.method_queue.defer, (lambda: None,))
                wake.daemon = True
                wake.start()
            for conn in (*self.keepalived_conns, *self.pending_conns):
                conn.timeout = min(conn.timeout, self.stopping)
        super().murder_keepalived()
