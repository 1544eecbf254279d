"""A shard of entries -> lines of JSON: what one worker does at a time, wherever it runs. One bad article is one result with an error."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from training.article import Article
from training.entry import Entry
from training.errors import CopydeskError
from training.inputs import read_article
from training.model import Identity, Model
from training.score import Result, score
from training.smoke import sound_model
from training.tally import Tally, tally

_loading = threading.Lock()


class Task(NamedTuple):
    """What a worker must know beside its shard: the model's folder (None: the shipped one), which model that is, whether results hold texts."""

    folder: str | None
    model: Identity
    with_text: bool = True


class Scored(NamedTuple):
    """A shard's results: a line of JSON for each entry, in order, and what they count."""

    lines: bytes
    tally: Tally


def score_shard(entries: Sequence[Entry], task: Task) -> Scored:
    """Read, score and write down a shard of entries."""
    model = _model(task)
    articles: list[Article] = []
    errors: dict[int, CopydeskError] = {}
    for number, entry in enumerate(entries):
        try:
            articles.append(read_article(entry))
        except CopydeskError as error:
            errors[number] = error
    scored = iter(_score(articles, model))
    results = [failure(entry, errors[number], task) if number in errors else _named(next(scored), entry) for number, entry in enumerate(entries)]
    return written(results, task)


def written(results: Sequence[Result], task: Task) -> Scored:
    """Results as lines of JSON, with their counts."""
    return Scored(b"".join(orjson.dumps(_answer(result, task.with_text), option=orjson.OPT_APPEND_NEWLINE) for result in results), tally(results))


def failure(entry: Entry, error: CopydeskError, task: Task) -> Result:
    """The result of an entry that could not be scored."""
    return Result(entry.id, entry.source or entry.folder, task.model, error=error)


def model_of(folder: str | None) -> Model:
    """A model, loaded and tried once in a process; processes that are forked from this one share it."""
    with _loading:
        return _loaded(folder)


@lru_cache(maxsize=1)
def _loaded(folder: str | None) -> Model:
    return sound_model(Path(folder) if folder else None)


def _model(task: Task) -> Model:
    model = model_of(task.folder)
    if model.identity.digest != task.model.digest:
        where = task.folder or "the shipped model"
        raise CopydeskError(f"a worker found another model in {where} than the run began with; give all the same model and start again", "bad-model")
    return model


def _score(articles: Sequence[Article], model: Model) -> list[Result]:
    """Score together; where that fails, one by one, so that no article costs another its result."""
    try:
        return score(articles, model)
    except Exception as cause:  # the outermost door of a worker
        if len(articles) > 1:
            return [result for article in articles for result in _score([article], model)]
        message = f"could not be scored, by a fault of Copydesk's ({type(cause).__name__}: {cause}); please report it with the article"
        error = cause if isinstance(cause, CopydeskError) else CopydeskError(message, "internal")
        return [Result(articles[0].id, articles[0].source, model.identity, error=error)]


def _named(result: Result, entry: Entry) -> Result:
    """What the page says of its host goes before the folder it lies in."""
    return result if result.source else replace(result, source=entry.folder)


def _answer(result: Result, with_text: bool) -> dict[str, Any]:
    answer = result.as_dict()
    if not with_text:
        for block, scored in zip(answer["blocks"], result.blocks, strict=True):
            del block["text"]
            block["words"] = scored.words
    return answer
