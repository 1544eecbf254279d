"""Files of results -> results in numbers, one at a time: what is counted of an article, and its passages' texts for as long as they are looked at."""

from __future__ import annotations

import json
from collections.abc import Container, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import orjson

from training.archives import CHUNK, DAMAGE, decompressed
from training.article import KINDS, LABELS, TEXT_KINDS, folded, words_in
from training.entry import readable
from training.errors import DataError, InputError
from training.labelled import UNKNOWN_SOURCE
from training.model import Identity
from training.sections import section_of

BOILERPLATE = tuple(kind for kind in KINDS if kind not in TEXT_KINDS)
LONGEST_NAME = 200
"""Characters kept of a title."""
CHANGED = "the results changed while they were read; make the report again when nothing writes to them"


class Counted(NamedTuple):
    """One article's result in numbers. `words` and `editorial` count the words of labelled passages alone, `round_it` those of boilerplate by kind;
    `text_words` are those of the article's own text. `labels` and `texts` are of its passages, where the result holds texts.
    `failure` is the code of its error, and then all else is 0 or None."""

    id: str
    source: str
    title: str
    model: Identity
    published: str | None = None
    section: str = ""
    failure: str | None = None
    passages: int = 0
    unlabelled: int = 0
    words: int = 0
    editorial: int = 0
    text_words: int = 0
    round_it: Mapping[str, int] = {}
    labels: tuple[str | None, ...] = ()
    texts: tuple[str, ...] = ()


class Answer(NamedTuple):
    """One result as it was written, its number among all in the files, and where it stands."""

    number: int
    place: str
    answer: dict[str, Any]


def read_results(paths: Sequence[Path]) -> Iterator[Counted]:
    """The results in files of JSON Lines, plain, .gz or .zst, in numbers; raises DataError with file and line of the first that is none."""
    found = False
    for path in paths:
        for number, line in _lines(path):
            try:
                yield counted(line)
            except (ValueError, RecursionError) as error:
                message = f"{path}, line {number} is not a result ({error}); give JSON Lines as `copydesk score` writes them"
                raise DataError(message) from None
            found = True
    if not found:
        raise DataError(f"no result in {', '.join(map(str, paths))}; give JSON Lines as `copydesk score` writes them")


def read_answers(paths: Sequence[Path], only: Container[int] | None = None) -> Iterator[Answer]:
    """The results that are no failures as they are, in files that `read_results` has read before; if told so, only those of certain numbers."""
    lines = ((f"{path}, line {number}", line) for path in paths for number, line in _lines(path))
    for number, (place, line) in enumerate(lines):
        if only is None or number in only:
            try:
                answer = _parsed(line)
                _counted(answer)
            except (ValueError, RecursionError):
                raise DataError(CHANGED) from None
            if answer["status"] == "ok":
                yield Answer(number, place, answer)


def counted(line: bytes) -> Counted:
    """One line of results in numbers; raises ValueError where it is no result."""
    return _counted(_parsed(line))


def _parsed(line: bytes) -> Any:
    """A line of JSON; raises ValueError or RecursionError. What orjson refuses is read again: it may hold half a surrogate pair, which results of other
    programs have, and if it is broken, `json` says where."""
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        return json.loads(line, parse_constant=_refused)


def _refused(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number of JSON")


def _counted(answer: Any) -> Counted:
    if not isinstance(answer, dict):
        raise ValueError("not a JSON object")
    model = _held(answer, "model", dict)
    identity = Identity(_name(model, "name"), _name(model, "digest"))
    name = _name(answer, "id"), _name(answer, "source") or UNKNOWN_SOURCE, _name(answer, "title")[:LONGEST_NAME], identity
    status = answer.get("status")
    if status == "error":
        return Counted(*name, failure=_name(_held(answer, "error", dict), "code") or "unknown")
    if status != "ok":
        raise ValueError(f"status is {status!r:.40}")
    return _counted_blocks(_held(answer, "blocks", list), Counted(*name, _name(answer, "published") or None, section_of(answer)))


def _counted_blocks(blocks: Sequence[Any], article: Counted) -> Counted:
    by_kind = dict.fromkeys(KINDS, 0)
    by_label = {"editorial": 0, "reporting": 0, None: 0}
    labels: list[str | None] = []
    texts: list[Any] = []
    number = 0
    try:
        for number, block in enumerate(blocks, 1):
            kind, words = block["kind"], block["words"] if "words" in block else words_in(block["text"])
            if type(words) is not int or words < 0:
                raise ValueError(f"words of block {number} are {words!r:.40}")
            by_kind[kind] += words
            if kind == "body":
                label = block["label"]
                by_label[label] += words
                labels.append(label)
                texts.append(block.get("text"))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"block {number} has no kind, label, or words or text that is known: {error!s:.40}") from None
    found = article._replace(
        passages=len(labels),
        unlabelled=labels.count(None),
        words=sum(by_label[label] for label in LABELS),
        editorial=by_label["editorial"],
        text_words=sum(by_kind[kind] for kind in TEXT_KINDS),
        round_it={kind: words for kind in BOILERPLATE if (words := by_kind[kind])},
    )
    return found._replace(labels=tuple(labels), texts=tuple(texts)) if {*map(type, texts)} == {str} else found


def _held(fields: Mapping[str, Any], name: str, form: type) -> Any:
    value = fields.get(name)
    if not isinstance(value, form):
        raise ValueError(f"{name} is {'missing' if value is None else f'{value!r:.40}'}")
    return value


def _name(fields: Mapping[str, Any], name: str) -> str:
    """A field that is a text or null, as it can be written."""
    value = fields.get(name)
    if value is not None and not isinstance(value, str):
        raise ValueError(f"{name} is {value!r:.40}")
    return readable(folded(value)) if value else ""


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """The lines that are not blank, numbered from 1; a part that a run has left is read as the file it was to become."""
    name = str(path).removesuffix(".part")
    number = 0
    try:
        with open(path, "rb", CHUNK) as raw:
            for number, line in enumerate(decompressed(raw, name), 1):
                if not line.isspace():
                    yield number, line
    except InputError as error:
        raise DataError(f"{path} {error.message}") from error
    except (OSError, *DAMAGE) as error:
        raise DataError(f"{path} cannot be read after line {number} ({error}); get a whole copy") from error
