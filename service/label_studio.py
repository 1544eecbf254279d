"""Label Studio's machine-learning backend: suggestions for annotators. README.md has the labelling configuration that these names belong to."""

from __future__ import annotations

import logging
from typing import Any

from service.desk import Answer, Desk, Failure
from service.schema import AnnotationTask, ArticleRequest, Wanted
from training.article import Article
from training.errors import CopydeskError

log = logging.getLogger("copydesk.label_studio")

LABELS, TEXT = "label", "text"
"""Names of the `Labels` and the `Text` (or `HyperText`) of the labelling configuration."""


class TaskError(CopydeskError):
    """A task that holds no article."""

    code = "no-article"


def suggest(tasks: list[AnnotationTask], desk: Desk) -> list[dict[str, Any]]:
    """A prediction for each task: every block that has a place, marked with its label where it has one, else with its kind."""
    answers = desk.answers([_article(task, desk) for task in tasks], Wanted())
    return [_prediction(answer) for answer in answers]


def _article(task: AnnotationTask, desk: Desk) -> Article | Failure:
    said = {name: task.data[name] for name in ("html", "text") if isinstance(task.data.get(name), str)}
    if len(said) != 1:
        return Failure(str(task.id), None, TaskError("the task's data needs one of text and html; name the field so in Label Studio"))
    return desk.read(ArticleRequest(id=str(task.id), **said))


def _prediction(answer: Answer) -> dict[str, Any]:
    """One without regions says so in the log alone: Label Studio shows annotators no message of a backend's."""
    if error := answer.get("error"):
        log.warning("task %s has no suggestions: %s", answer["id"], error["message"], extra={"event": "no-suggestions"})
    regions = [_region(block) for block in answer["blocks"] if block["start"] is not None]
    share = answer.get("editorial_share")
    return {"result": regions, "score": 0.0 if share is None else share, "model_version": answer["model"]["digest"]}


def _region(block: dict[str, Any]) -> dict[str, Any]:
    value = {"start": block["start"], "end": block["end"], "text": block["text"], "labels": [block.get("label") or block["kind"]]}
    probability = block.get("probability")
    sure = block["kind_probability"] if probability is None else max(probability, 1 - probability)
    return {"from_name": LABELS, "to_name": TEXT, "type": "labels", "value": value, "score": sure}
