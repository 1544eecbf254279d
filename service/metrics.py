"""What the service counts, for Prometheus.

prometheus_client decides when it is imported whether processes share their counts (PROMETHEUS_MULTIPROC_DIR), so `server` sets that first."""

from __future__ import annotations

import os
from collections import Counter as Tally
from collections.abc import Iterable
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from service.current import CurrentModel
from training.article import TEXT_KINDS
from training.model import Identity
from training.score import Result

SHARED = "PROMETHEUS_MULTIPROC_DIR"
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """The counts of this process, and, where processes share them, the sum of all."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        own: dict[str, Any] = {"registry": self._registry, "namespace": "copydesk"}
        self.requests = Counter("requests", "Requests answered.", ["method", "endpoint", "status"], **own)
        self.seconds = Histogram("request_seconds", "Seconds from a request's head to its answer's.", ["endpoint"], buckets=SECONDS, **own)
        self.articles = Counter("articles", "Articles scored, and those that failed by error code.", ["outcome"], **own)
        self.passages = Counter("passages", "Passages by label.", ["label"], **own)
        self.dropped = Counter("blocks_dropped", "Blocks thrown out by kind.", ["kind"], **own)
        self.swaps = Counter("model_changes", "Changes of the model folder that were taken or refused.", ["outcome"], **own)
        self.processes = Gauge("model_processes", "Processes that answer with this model.", ["name", "digest"], multiprocess_mode="livesum", **own)
        self.refused = Gauge("model_refused", "Processes that refuse what lies in the model folder now.", multiprocess_mode="livesum", **own)
        self._shown: Identity | None = None

    def scored(self, results: Iterable[Result]) -> None:
        """Count results: first here, since each count that processes share costs a write."""
        counts: Tally[tuple[Counter, str]] = Tally()
        for result in results:
            counts[self.articles, result.error.code if result.error else "ok"] += 1
            for block in result.blocks:
                if block.kind not in TEXT_KINDS:
                    counts[self.dropped, block.kind] += 1
                elif block.kind == "body":
                    counts[self.passages, block.label or "none"] += 1
        for (counter, label), count in counts.items():
            counter.labels(label).inc(count)

    def model(self, current: CurrentModel) -> None:
        """Show which model this process answers with, and whether it refuses another."""
        identity = current.model.identity
        if self._shown:
            self.processes.labels(*self._shown).set(0)
            self.swaps.labels("refused" if current.refused else "taken").inc()
        self.processes.labels(*identity).set(1)
        self.refused.set(current.refused is not None)
        self._shown = identity

    def exposition(self) -> bytes:
        """The text that Prometheus reads."""
        if SHARED not in os.environ:
            return generate_latest(self._registry)
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)
