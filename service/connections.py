"""A gunicorn worker in which slow and idle callers cost a connection each, and no thread for long."""

from __future__ import annotations

import socket
import time
from contextlib import suppress
from functools import partial
from selectors import EVENT_READ
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

from service.openapi import NDJSON

HEAD_SECONDS = 10
"""From the first byte of a request to the last of its headers."""
BODY_SECONDS = 60
"""From there to the last byte of its body. Lines have no such limit: they are answered while more are sent, for hours if need be."""


class Worker(ThreadWorker):  # type: ignore[misc]
    """gunicorn's threaded worker. A new connection waits with the idle ones until it says something, where newer gunicorns give it a thread for its first
    five seconds; and one that has not sent its request in time is read no further, so that its thread is free."""

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.due: dict[Any, float] = {}

    def enqueue_req(self, conn: Any) -> None:
        if conn.initialized or getattr(conn, "data_ready", True):
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
        lines = any(name == "CONTENT-TYPE" and value.startswith(NDJSON) for name, value in req.headers)
        self.due[conn] = float("inf") if lines else time.monotonic() + BODY_SECONDS
        return super().handle_request(req, conn)

    def murder_keepalived(self) -> None:
        """Called about once a second."""
        now = time.monotonic()
        for conn in [conn for conn, due in list(self.due.items()) if due < now]:
            with suppress(OSError):
                conn.sock.shutdown(socket.SHUT_RD)  # an answer that is under way still goes out
        if not self.alive:  # nobody waits for those who say nothing
            for conn in (*getattr(self, "keepalived_conns", ()), *getattr(self, "pending_conns", ())):
                conn.timeout = now
        super().murder_keepalived()
