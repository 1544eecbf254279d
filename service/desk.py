"""Articles as callers send them -> answers as the contract has them, within the limits, each article counted."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, NamedTuple

from pydantic import ValidationError

from service.current import CurrentModel
from service.deadline import Clock
from service.limits import Limits
from service.metrics import Metrics
from service.problems import invalid
from service.schema import PARTS, ArticleRequest, Wanted
from service.turns import Queue
from training.article import TEXT_KINDS, Article
from training.batch import BATCH_ARTICLES
from training.compare import Comparison, compare
from training.errors import CopydeskError, InputError
from training.model import Model
from training.reading import article_from_text
from training.score import Result, explained, score

log = logging.getLogger("copydesk.desk")

Answer = dict[str, Any]


class Failure(NamedTuple):
    """An article of a batch that could not even be read."""

    id: str
    source: str | None
    error: CopydeskError


class ScoringError(CopydeskError):
    """An article that broke the scoring: a fault of Copydesk's, not of the caller's."""

    code = "internal"
    status = HTTPStatus.INTERNAL_SERVER_ERROR


@dataclass(frozen=True, slots=True)
class Desk:
    """One process's desk: the model that answers now, the limits, the counts."""

    current: CurrentModel
    limits: Limits
    metrics: Metrics
    clock: Clock = field(default_factory=Clock)
    queue: Queue = field(default_factory=Queue)

    def answer(self, article: Article, wanted: Wanted) -> Answer:
        """One article's answer; raises CopydeskError where it cannot be scored."""
        model = self.current.model
        [result] = self._results([article], model)
        if result.error:
            raise result.error
        return _answer(result, model, wanted)

    def answers(self, asked: Sequence[Article | Failure], wanted: Wanted) -> list[Answer]:
        """An answer for each article, in order; where one cannot be scored, its answer says why."""
        model = self.current.model
        results: list[Result] = []
        for start in range(0, len(asked), BATCH_ARTICLES):
            results += self._results(asked[start : start + BATCH_ARTICLES], model)
        return [_answer(result, model, wanted) for result in results]

    def compared(self, answers: Sequence[Answer]) -> Comparison:
        """Whole answers beside each other; raises CopydeskError where fewer than two articles could be scored, or it takes too long."""
        try:
            with self.clock.limit(self.limits.seconds):
                found = compare(answers)
        except TimeoutError:
            raise self.limits.refusal("seconds", "comparing the articles takes too long", HTTPStatus.UNPROCESSABLE_ENTITY) from None
        if found.too_few:
            first = found.failures[0]
            raise InputError(f"{len(found.failures)} of {len(answers)} articles could not be scored, the first because {first['message']}", first["code"])
        return found

    def read(self, asked: ArticleRequest | Any) -> Article | Failure:
        """The article of a batch's entry, or why there is none, under the id and the source that the entry gives."""
        try:
            return article_of(ArticleRequest.model_validate(asked))
        except ValidationError as error:
            return Failure(_said(asked, "id") or "", _said(asked, "source"), invalid(error))
        except CopydeskError as error:
            return Failure(asked.id, asked.source, error)

    def _results(self, asked: Sequence[Article | Failure], model: Model) -> list[Result]:
        checked = [each if isinstance(each, Failure) else self._checked(each) for each in asked]
        scored = iter(self._scored([each for each in checked if isinstance(each, Article)], model))
        results = [next(scored) if isinstance(each, Article) else Result(each.id, each.source, model.identity, error=each.error) for each in checked]
        self.metrics.scored(results)
        return results

    def _checked(self, article: Article) -> Article | Failure:
        try:
            self.limits.check("characters", len(article.text), f"the article has {len(article.text):,} characters")
        except CopydeskError as error:
            return Failure(article.id, article.source, error)
        return article

    def _scored(self, articles: Sequence[Article], model: Model) -> list[Result]:
        """Score together; where that fails or takes too long, one by one, so that one bad article costs no other its answer."""
        try:
            return self.queue.score(articles, model, self._within_time)
        except Exception as cause:  # the outermost door of one article
            if len(articles) > 1:
                return [result for article in articles for result in self._scored([article], model)]
            return [Result(articles[0].id, articles[0].source, model.identity, error=self._refusal(cause))]

    def _refusal(self, cause: Exception) -> CopydeskError:
        """What is said of an article that could not be scored."""
        if isinstance(cause, CopydeskError):
            return cause
        if isinstance(cause, TimeoutError):
            return self.limits.refusal("seconds", "scoring the article takes too long", HTTPStatus.UNPROCESSABLE_ENTITY)
        log.error("an article could not be scored", extra={"event": "failure"}, exc_info=cause)
        return ScoringError("the article could not be scored, by a fault of the server; its log has the cause")

    def _within_time(self, articles: Sequence[Article], model: Model) -> list[Result]:
        with self.clock.limit(self.limits.seconds):
            return score(articles, model)


def _said(asked: Any, name: str) -> str | None:
    """What an entry that is not as it should be has under a name."""
    said = asked.get(name) if isinstance(asked, dict) else None
    return said if isinstance(said, str) else None


def article_of(asked: ArticleRequest) -> Article:
    """The article of a request that names its text or page; raises InputError."""
    media_type = "text/plain" if asked.html is None else "text/html"
    return article_from_text(asked.html or asked.text or "", name=asked.id, media_type=media_type, source=asked.source)


def _answer(result: Result, model: Model, wanted: Wanted) -> Answer:
    if wanted.explain and not result.error:
        result = explained(result, model)
    answer = result.as_dict()
    if len(wanted.include) < len(PARTS):
        _leave_out(answer, wanted)
    return answer


def _leave_out(answer: Answer, wanted: Wanted) -> None:
    answer["blocks"] = [block for block in answer["blocks"] if ("article" if block["kind"] in TEXT_KINDS else "boilerplate") in wanted.include]
    if "text" not in wanted.include:
        for block in answer["blocks"]:
            del block["text"]
