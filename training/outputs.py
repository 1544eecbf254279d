"""Results as tables: CSV and Parquet (a row for each passage), SQLite. None copies a text: `id`, `start` and `end` lead back to it."""

from __future__ import annotations

import csv
import gzip
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import orjson

from training.article import words_in
from training.errors import CopydeskError
from training.extras import needed, zstd

PASSAGES = {
    "id": "string",
    "source": "string",
    "passage": "int32",
    "start": "int64",
    "end": "int64",
    "label": "string",
    "probability": "float64",
    "words": "int32",
}
"""A passage: its article's id and source, its number in it from 1, its offsets, its label and probability, its words."""
ARTICLES = {
    "id": "string",
    "source": "string",
    "status": "string",
    "title": "string",
    "label": "string",
    "editorial_share": "float64",
    "passages": "int32",
    "error": "string",
    "message": "string",
    "model": "string",
}
"""An article: its verdict, or the code and message of its error, and the digest of the model."""
CSV_COLUMNS = (*PASSAGES, "status", "error")
SQL_TYPES = {"string": "TEXT", "float64": "REAL", "int32": "INTEGER", "int64": "INTEGER"}
SUFFIXES = {".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl", ".csv": "csv", ".parquet": "parquet", ".sqlite": "sqlite", ".db": "sqlite"}
OTHER_TABLES = frozenset({".xlsx", ".xls", ".ods", ".tsv", ".feather", ".arrow", ".orc", ".avro"})
"""Names of forms that results are not written in; whoever asks for one must not be given another under its name."""
AT_ONCE = 2_000
"""Articles whose rows are in memory at a time, and in one group of rows of a Parquet file."""

Row = dict[str, Any]
Compress = Callable[[bytes], bytes]


def form_of(path: Path) -> str:
    """The form that a file's name asks for, also below .gz or .zst; JSON Lines where it asks for none."""
    name = path.with_suffix("") if compression(path) else path
    return SUFFIXES.get(name.suffix.lower(), "jsonl")


def compression(path: Path) -> str:
    """`.gz` or `.zst` where a file's name asks for it, in letters of whatever case, else nothing."""
    suffix = path.suffix.lower()
    return suffix if suffix in (".gz", ".zst") else ""


def compressor(path: Path) -> Compress:
    """What makes blocks of bytes that, one after the other, are a file of the kind its name asks for."""
    if compression(path) == ".gz":
        return lambda content: gzip.compress(content, 6, mtime=0)
    if compression(path) == ".zst":
        compress: Compress = zstd().compress
        return compress
    return bytes


def result_files(path: Path, form: str) -> list[Path]:
    """The files that results in a form take: what is at `path`, and of a Parquet file also the one beside it."""
    return [path, path.with_suffix(".articles.parquet")] if form == "parquet" else [path]


def temporary_files(path: Path) -> list[Path]:
    """What stands beside a table while it is made: the file that takes its place, and what a database keeps beside that."""
    return [path.with_name(f".{path.name}.tmp"), path.with_name(f".{path.name}.tmp-journal")]


def write_csv(lines: Iterable[bytes], stream: IO[str]) -> None:
    """A row for each passage, and one for each article that failed."""
    rows = csv.DictWriter(stream, CSV_COLUMNS)
    rows.writeheader()
    for answer in map(orjson.loads, lines):
        if answer["status"] == "error":
            rows.writerow({"id": answer["id"], "source": answer["source"], "status": "error", "error": answer["error"]["code"]})
        rows.writerows({**row, "status": "ok"} for row in _passages(answer))


def write_csv_file(lines: Iterable[bytes], path: Path) -> None:
    """A CSV file, compressed where its name says so."""
    with _whole(path) as temporary, _text(temporary, compression(path)) as stream:
        write_csv(lines, stream)


def write_parquet(lines: Iterable[bytes], path: Path) -> None:
    """Two files: a row for each passage at `path`, and a row for each article beside it, `NAME.articles.parquet`."""
    arrow, parquet = needed("pyarrow", "parquet"), needed("pyarrow.parquet", "parquet")
    passages, articles = (arrow.schema([(name, getattr(arrow, form)()) for name, form in columns.items()]) for columns in (PASSAGES, ARTICLES))
    of_passages_at, of_articles_at = result_files(path, "parquet")
    with (
        _whole(of_passages_at) as first,
        _whole(of_articles_at) as second,
        parquet.ParquetWriter(first, passages) as of_passages,
        parquet.ParquetWriter(second, articles) as of_articles,
    ):
        for some in _some(lines, AT_ONCE):
            answers = [orjson.loads(line) for line in some]
            of_articles.write_table(arrow.Table.from_pylist([_article(answer) for answer in answers], articles))
            of_passages.write_table(arrow.Table.from_pylist([row for answer in answers for row in _passages(answer)], passages))


def write_sqlite(lines: Iterable[bytes], path: Path) -> None:
    """Two tables, `articles` and `passages`, the second with an index on `id`."""
    with _whole(path) as temporary, closing(sqlite3.connect(temporary)) as database, database:
        for table, columns in (("articles", ARTICLES), ("passages", PASSAGES)):
            typed = ", ".join(f'"{name}" {SQL_TYPES[form]}' for name, form in columns.items())
            database.execute(f"CREATE TABLE {table} ({typed})")
        for some in _some(lines, AT_ONCE):
            for answer in map(orjson.loads, some):
                database.execute(_insert("articles", ARTICLES), _article(answer))
                database.executemany(_insert("passages", PASSAGES), _passages(answer))
        database.execute("CREATE INDEX passages_id ON passages (id)")


def _insert(table: str, columns: Mapping[str, str]) -> str:
    return f"INSERT INTO {table} VALUES ({', '.join(f':{name}' for name in columns)})"


TABLES: Mapping[str, Callable[[Iterable[bytes], Path], None]] = {"csv": write_csv_file, "parquet": write_parquet, "sqlite": write_sqlite}


def _passages(answer: Mapping[str, Any]) -> Iterator[Row]:
    passages = (block for block in answer["blocks"] if block["kind"] == "body")
    for number, block in enumerate(passages, 1):
        yield {
            "id": answer["id"],
            "source": answer["source"],
            "passage": number,
            "start": block["start"],
            "end": block["end"],
            "label": block["label"],
            "probability": block["probability"],
            "words": block["words"] if "words" in block else words_in(block["text"]),
        }


def _article(answer: Mapping[str, Any]) -> Row:
    error = answer.get("error", {})
    known = {name: answer.get(name) for name in ("id", "source", "status", "title", "label", "editorial_share")}
    passages = sum(block["kind"] == "body" for block in answer["blocks"])
    return known | {"passages": passages, "error": error.get("code"), "message": error.get("message"), "model": answer["model"]["digest"]}


def _some(lines: Iterable[bytes], count: int) -> Iterator[list[bytes]]:
    held: list[bytes] = []
    for line in lines:
        held.append(line)
        if len(held) == count:
            yield held
            held = []
    yield held


def _text(path: Path, suffix: str) -> IO[str]:
    """A file to write text to, compressed as the suffix says."""
    if suffix == ".gz":
        return gzip.open(path, "wt", encoding="utf-8", newline="")
    if suffix == ".zst":
        stream: IO[str] = zstd().open(path, "wt", encoding="utf-8", newline="")
        return stream
    return open(path, "w", encoding="utf-8", newline="")


@contextmanager
def _whole(path: Path) -> Iterator[Path]:
    """A file to write that takes its place only once it is whole and on disk. Its name is always the same: what a run that was killed left is made anew."""
    temporary = temporary_files(path)[0]
    try:
        _remove(path)
        yield temporary
        with open(temporary, "rb") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except (OSError, sqlite3.Error) as error:
        raise CopydeskError(f"cannot write {path} ({error}); make room or choose another place, and go on with --resume", "disk") from error
    finally:
        with suppress(OSError):
            _remove(path)


def _remove(path: Path) -> None:
    """Take away what stands beside a table: what a database kept there would be taken for the next one's."""
    for temporary in temporary_files(path):
        temporary.unlink(missing_ok=True)
