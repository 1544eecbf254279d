"""Stopping a run: what SIGTERM and Ctrl-C do to it."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

SIGNALS = (signal.SIGINT, signal.SIGTERM)
STATUS = 128
"""A run that a signal stopped ends with this and the signal's number, as shells say it: 130, 143."""


@contextmanager
def stoppable(remedy: str) -> Iterator[None]:
    """SIGINT and SIGTERM, unless they are ignored, end what is done here at once, by way of its `finally` clauses, with one line; a second is not heard."""

    def stop(number: int, _frame: object) -> None:
        for each in SIGNALS:
            signal.signal(each, signal.SIG_IGN)
        raise KeyboardInterrupt(number)

    before = {each: signal.signal(each, stop) for each in SIGNALS if signal.getsignal(each) != signal.SIG_IGN}
    try:
        yield
    except KeyboardInterrupt as stopped:
        [number] = stopped.args
        click.echo(f"Error: stopped by {signal.Signals(number).name}; {remedy}", err=True)
        sys.exit(STATUS + number)
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
