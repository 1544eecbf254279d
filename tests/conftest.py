"""What all tests share."""

from __future__ import annotations

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
