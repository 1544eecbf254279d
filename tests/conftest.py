"""What all tests share."""

from __future__ import annotations

import pytest

from training.model import Model, default_model, load_model


@pytest.fixture(scope="session")
def model() -> Model:
    """The shipped model."""
    return load_model(default_model())
