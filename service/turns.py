"""One article is scored at a time in a process, or many at once: what requests bring while another is scored is then scored together.

Threads that score side by side only hinder each other, Python being what it is, and a batch costs a fraction of its articles one by one."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from training.article import Article
from training.batch import BATCH_ARTICLES
from training.model import Model
from training.score import Result

Scoring = Callable[[Sequence[Article], Model], list[Result]]


@dataclass(slots=True, eq=False)
class _Waiting:
    """What one request wants scored, and by which model; the results once it is."""

    articles: Sequence[Article]
    model: Model
    results: list[Result] | None = None


class Queue:
    """Requests that wait for their turn."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._waiting: deque[_Waiting] = deque()

    def score(self, articles: Sequence[Article], model: Model, scoring: Scoring) -> list[Result]:
        """Wait for this request's turn and score its articles, with those of others that wait for the same model; raises what `scoring` does with
        these articles alone."""
        mine = _Waiting(articles, model)
        self._waiting.append(mine)
        with self._turn:
            if mine.results is None:
                group = self._group(mine)
                if len(group) > 1:
                    _score_together(group, scoring)
            return scoring(articles, model) if mine.results is None else mine.results

    def _group(self, mine: _Waiting) -> list[_Waiting]:
        """All that waits, as far as it fits into one batch; the others score theirs when their turn comes."""
        group, size = [mine], len(mine.articles)
        while self._waiting:
            other = self._waiting.popleft()
            if other is not mine and other.model is mine.model and size + len(other.articles) <= BATCH_ARTICLES:
                group.append(other)
                size += len(other.articles)
        return group


def _score_together(group: list[_Waiting], scoring: Scoring) -> None:
    """Give each its results; none where one article spoils it for all, and then each scores its own."""
    try:
        scored = iter(scoring([article for waiting in group for article in waiting.articles], group[0].model))
    except Exception:  # what went wrong comes up again, with the request that it belongs to
        return
    for waiting in group:
        waiting.results = [next(scored) for _ in waiting.articles]
