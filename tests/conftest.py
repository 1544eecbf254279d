"""What all tests share."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from training.model import Model, default_model, load_model

LONGEST = "test_train.py"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The file that takes longest comes first: begun last, it would be waited for alone."""
    items.sort(key=lambda item: item.path.name != LONGEST)


@pytest.fixture(scope="session")
def model() -> Model:
    """The shipped model."""
    return load_model(default_model())


@pytest.fixture
def piped(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[bytes], None]]:
    """Send no more than a pipe holds to standard input."""
    with ExitStack() as opened:

        def send(content: bytes) -> None:
            leaves, enters = os.pipe()
            with open(enters, "wb") as sender:
                sender.write(content)
            monkeypatch.setattr("sys.stdin", opened.enter_context(open(leaves)))

        yield send
