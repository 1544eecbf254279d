"""The command and a real server in processes of their own, for tests and benches that need them."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.error import URLError
from urllib.request import urlopen

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 60
PROGRAM = "from service.cli import main; main()"
COMMAND = [sys.executable, "-c", PROGRAM]
"""`copydesk`, where this clone is on the PYTHONPATH."""
NEWS = "The harbour board voted 5-2 on Monday to close the east pier for repairs, the harbour master, Ulla Brandis, told reporters."


class Served(NamedTuple):
    """A server under way: where it answers, its process, and the file that its log goes to."""

    url: str
    port: int
    process: subprocess.Popen[bytes]
    log: Path

    def logged(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.log.read_text("utf-8").splitlines()]


@contextmanager
def served(folder: Path, *options: str, program: str = PROGRAM, **environment: str) -> Iterator[Served]:
    """`copydesk serve` with these options, ready to answer; stopped, gracefully, at the end. `folder` takes its log."""
    port = free_port()
    command = [sys.executable, "-c", program, "serve", "--port", str(port), *options]
    with open(folder / "server.log", "wb") as log:
        process = subprocess.Popen(command, cwd=folder, stderr=log, env={**os.environ, "PYTHONPATH": str(ROOT), **environment})
    try:
        server = Served(f"http://127.0.0.1:{port}", port, process, folder / "server.log")
        _wait_until_ready(server)
        yield server
    finally:
        process.terminate()
        process.wait(PATIENCE)


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def _wait_until_ready(server: Served) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and server.process.poll() is None:
        try:
            urlopen(server.url + "/readyz", timeout=PATIENCE).close()
            return
        except (URLError, ConnectionError):
            time.sleep(0.05)
    raise RuntimeError(f"the server did not start: {server.log.read_text('utf-8')}")
