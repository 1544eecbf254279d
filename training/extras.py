"""Libraries that only some inputs, outputs and clusters need: imported where they are used, and named where they are missing."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

from training.errors import CopydeskError


class MissingExtraError(CopydeskError):
    """A library that this work needs and that is not installed."""

    code = "missing-extra"


def needed(module: str, extra: str) -> Any:
    """The module; raises MissingExtraError, which names the extra that installs it."""
    try:
        return import_module(module)
    except ImportError as error:
        raise MissingExtraError(f"{module} is not installed, which this needs; run `pip install 'copydesk[{extra}]'`") from error


def zstd() -> Any:
    """Zstandard, in Python itself from 3.14 on."""
    return needed("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd", "zstd")
