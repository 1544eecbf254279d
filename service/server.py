"""The application under gunicorn: the model is loaded once and shared by the workers, copy on write."""

from __future__ import annotations

from typing import Any

from gunicorn.app.base import BaseApplication

from service.app import create_app
from training.model import Model

THREADS = 4
GRACE = 30
"""Seconds that requests under way have to finish when the server is told to stop."""


class _Server(BaseApplication):  # type: ignore[misc]
    def __init__(self, model: Model, options: dict[str, Any]):
        self.model, self.options = model, options
        super().__init__()

    def load_config(self) -> None:
        for name, value in self.options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        return create_app(self.model)


def serve(model: Model, host: str, port: int, workers: int) -> None:
    """Serve until told to stop (SIGTERM, SIGINT)."""
    bind = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    options = {"bind": bind, "workers": workers, "worker_class": "gthread", "threads": THREADS, "preload_app": True, "graceful_timeout": GRACE}
    _Server(model, options).run()
