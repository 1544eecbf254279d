"""Files and folders -> results: what to score, in which order, and with how many processes. One bad file is one result with an error."""

from __future__ import annotations

import os
import stat
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from training.article import Article
from training.errors import CopydeskError, InputError
from training.model import Model, load_model
from training.reading import HTML_NAMES, MAX_CHARACTERS, TEXT_NAMES, article_from_bytes
from training.score import Result, score

READ_IN_FOLDERS = HTML_NAMES | TEXT_NAMES | {"", ".md", ".markdown"}
"""File name suffixes that are taken for articles inside a folder; a file that is named itself is read whatever it is called."""
BATCH_ARTICLES = 64
BATCH_BYTES = 4_000_000
"""A batch is full at either: large enough that its fixed cost is nothing, small enough that memory stays flat."""
WAITING = 3
"""Batches under way or waiting for each process."""


class Found(NamedTuple):
    """A file to score, the id its result carries, the folder it lies in, and its size in bytes (0 where it cannot be told)."""

    path: str
    id: str
    folder: str | None
    size: int


def find_files(paths: Sequence[str]) -> Iterator[Found]:
    """The files named, and those in the folders named, recursively and sorted. Links to folders are not followed inside folders."""
    for path in paths:
        if os.path.isdir(path):
            yield from _inside(path)
        else:
            yield _found(path)


def score_files(files: Iterable[Found], model: Model, folder: Path, jobs: int = 1) -> Iterator[Result]:
    """Score files in order, in this process or with `jobs` processes that each load the model from `folder`."""
    if jobs == 1:
        for batch in _batches(files):
            yield from score_batch(batch, model)
        return
    with ProcessPoolExecutor(jobs, initializer=_start_worker, initargs=(folder, model.digest)) as executor:
        under_way: deque[Future[list[Result]]] = deque()
        for batch in _batches(files):
            under_way.append(executor.submit(_work, batch))
            if len(under_way) >= WAITING * jobs:
                yield from under_way.popleft().result()
        while under_way:
            yield from under_way.popleft().result()


def score_batch(files: Sequence[Found], model: Model) -> list[Result]:
    """A result for each file, in order, also for those that cannot be read."""
    articles: list[Article] = []
    errors: dict[int, CopydeskError] = {}
    for number, file in enumerate(files):
        try:
            articles.append(read_file(file))
        except CopydeskError as error:
            errors[number] = error
    scored = iter(score(articles, model))
    return [
        Result(file.id, file.folder, model.identity, error=errors[number]) if number in errors else _with_source(next(scored), file)
        for number, file in enumerate(files)
    ]


def read_file(file: Found) -> Article:
    """One file as an article; raises InputError. Never waits: what is not a regular file is refused before it is opened."""
    try:
        status = os.stat(file.path)
        if not stat.S_ISREG(status.st_mode):
            raise InputError("not a regular file; give files of text or HTML", "not-a-file")
        if status.st_size > 4 * MAX_CHARACTERS:
            raise InputError(f"{status.st_size:,} bytes are more than one article can have; split the file", "too-large")
        content = Path(file.path).read_bytes()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}; check that it exists and that you may read it", "unreadable") from error
    article = article_from_bytes(content, name=os.path.basename(file.path))
    return replace(article, id=file.id)


def _with_source(result: Result, file: Found) -> Result:
    """What the page says of its host goes before the folder it lies in."""
    return result if result.source else replace(result, source=file.folder)


def _inside(folder: str) -> Iterator[Found]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        yield _found(folder)
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from _inside(entry.path)
        elif not entry.name.startswith(".") and os.path.splitext(entry.name)[1].lower() in READ_IN_FOLDERS and not _is_folder(entry):
            yield _found(entry.path)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _found(path: str) -> Found:
    try:
        size = os.stat(path).st_size
    except OSError:
        size = 0
    return Found(path, path, os.path.basename(os.path.dirname(os.path.abspath(path))) or None, size)


def _batches(files: Iterable[Found]) -> Iterator[list[Found]]:
    batch: list[Found] = []
    size = 0
    for file in files:
        batch.append(file)
        size += file.size
        if len(batch) >= BATCH_ARTICLES or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


_worker: dict[str, Any] = {}
"""The model of a worker process, loaded once when it starts; never used in any other process."""


def _start_worker(folder: Path, digest: str) -> None:
    model = load_model(folder)
    if model.digest != digest:
        raise CopydeskError(f"{folder} changed while it was in use; start again")
    _worker["model"] = model


def _work(files: Sequence[Found]) -> list[Result]:
    return score_batch(files, _worker["model"])
