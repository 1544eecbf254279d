"""What `copydesk score` does with its options: inputs in, results out, progress and a summary on standard error."""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import click

from service import terminal
from training.batch import ShardDone, score_entries
from training.crew import Cluster, Crew, Processes
from training.entry import Entry
from training.errors import CopydeskError, InputError
from training.inputs import STANDARD_INPUT, Choice, Found, find_files, read_entries
from training.outputs import OTHER_TABLES, TABLES, compression, compressor, form_of, result_files, temporary_files, write_csv
from training.part import Part, begun, part_files
from training.shard import Task, model_of
from training.tally import Tally

COMPRESSED_THEMSELVES = ("parquet", "sqlite")
"""Tables whose files are never compressed as a whole."""


@dataclass(frozen=True, slots=True)
class Order:
    """What to score and where to, who does it, and when to give up. `output` is None for standard output; `form` None: by the file's name."""

    paths: tuple[str, ...]
    choice: Choice
    folder: str | None = None
    output: Path | None = None
    form: str | None = None
    resume: bool = False
    with_text: bool = True
    jobs: int = 1
    cluster: str | None = None
    seconds: float = 60
    max_failures: int | None = None

    @property
    def written_as(self) -> str:
        if self.form or self.output:
            return self.form or form_of(self.output or Path())
        return "people" if sys.stdout.isatty() else "jsonl"

    def task(self) -> Task:
        return Task(self.folder, model_of(self.folder).identity, self.with_text and self.written_as not in TABLES)

    def written(self) -> tuple[list[Path], list[Path]]:
        """Every file that the run writes: those that hold its results, and those that it needs on the way and takes away."""
        if self.output is None:
            return [], []
        results = result_files(self.output, self.written_as)
        tables = results if self.written_as in TABLES else []
        return results, [*part_files(self.output), *(path for table in tables for path in temporary_files(table))]

    def files(self) -> Iterator[Found]:
        """What there is to read, without what the run itself writes."""
        own = {path.name: path for paths in self.written() for path in paths}
        for file in find_files(self.paths, self.choice):
            path = own.get(os.path.basename(file.path))
            if path is None or _first_of([path], [file.path]) is None:
                yield file

    def entries(self) -> Iterator[Entry]:
        return read_entries(self.files(), self.choice.fields)


def check_output(order: Order, output: Path) -> None:
    """Raise UsageError where a file that the run writes must not be written: what is there now is the user's."""
    instead = "{} is {}, and results would take its place; {}"
    if not output.name:
        raise click.UsageError("-o names no file; name one")
    if not order.form and output.suffix.lower() in OTHER_TABLES:
        raise click.UsageError(f"results are not written as {output.suffix}; name a .csv, .parquet, .sqlite or .jsonl file, or tell the form with --format")
    if compression(output) and order.written_as in COMPRESSED_THEMSELVES:
        raise click.UsageError(f"{order.written_as} is not compressed again; leave {output.suffix} out of {output}")
    results, on_the_way = order.written()
    for path in (*results, *on_the_way):
        if path.is_symlink():
            raise click.UsageError(instead.format(path, "a link", "name the file it leads to" if path == output else "choose another name"))
        if path.exists() and not path.is_file():
            raise click.UsageError(instead.format(path, "not a regular file", "leave -o out to write to standard output"))
    found = _first_of(results, (file.path for file in find_files(order.paths, order.choice))) or _first_of(on_the_way, order.paths)
    if found:
        raise click.UsageError(instead.format(found, "one of the articles to score", "choose another name"))
    for path in on_the_way:
        if path.exists() and path.stat().st_size and not begun(output):
            raise click.UsageError(instead.format(path, "there already and no unfinished run's", "move it away, or choose another name"))


def _first_of(outputs: Iterable[Path], inputs: Iterable[str]) -> Path | None:
    """The first output that is one of the inputs, under whatever name."""
    there = {_identity(path): path for path in outputs if path.exists()}
    return next((there[found] for path in inputs if (found := _identity(path)) in there), None) if there else None


def _identity(path: str | Path) -> tuple[int, int] | None:
    try:
        status = os.stat(0 if path == STANDARD_INPUT else path)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def carry_out(order: Order) -> Tally:
    """Score everything, and tell what was done."""
    task = order.task()
    with Cluster(order.cluster, task) if order.cluster else Processes(order.jobs, task) as crew:
        tally = _to_stream(order, task, crew) if order.output is None else _to_file(order, task, crew, order.output)
    if not tally.articles:
        raise InputError("no article was found there; name files, or folders that hold text, HTML, Markdown or web archives", "no-article")
    return tally


def plan(order: Order) -> Iterator[str]:
    """What would be done, as lines: the files by form, the model, the output."""
    files, sizes = Counter[str](), Counter[str]()
    for file in order.files():
        files[file.form] += 1
        sizes[file.form] += file.size
    for form, count in sorted(files.items()):
        yield f"{form:<12}{count:>10,} files{sizes[form]:>18,} bytes"
    task = order.task()
    yield f"{'model':<12}{task.model.name} {task.model.digest}"
    yield f"{'output':<12}{order.output or 'standard output'} as {order.written_as}"
    yield f"{'workers':<12}{order.cluster or f'{order.jobs} processes'}"


def summary(tally: Tally) -> Iterator[str]:
    """A run in figures, as lines."""
    share = tally.editorial_share
    yield f"{'articles':<12}{tally.articles:>10,}"
    yield f"{'passages':<12}{tally.passages:>10,}" + ("" if share is None else f"   {share:.0%} of their words argue")
    for title, counts in (("dropped", tally.dropped), ("failed", tally.failures)):
        yield f"{title:<12}{counts.total():>10,}   {', '.join(f'{count:,} {name}' for name, count in counts.most_common())}".rstrip()


def _to_stream(order: Order, task: Task, crew: Crew) -> Tally:
    """Results to standard output as they come."""
    total = Tally()

    def lines() -> Iterator[bytes]:
        nonlocal total
        for done in _watched(order, score_entries(order.entries(), crew, task, order.seconds)):
            yield from done.scored.lines.splitlines(keepends=True)
            total += done.scored.tally
            if _too_many(order, total):
                raise _gave_up(total)

    STREAMS[order.written_as](lines())
    sys.stdout.flush()
    return total


def _to_file(order: Order, task: Task, crew: Crew, output: Path) -> Tally:
    """Results to a part on disk, which becomes the output once it is whole."""
    table = TABLES.get(order.written_as)
    about = {
        "copydesk": version("copydesk"),
        "model": task.model.digest,
        "written as": "table" if table else f"{order.written_as}{compression(output)}",
        "texts": task.with_text,
        "input": order.choice.form,
        "fields": order.choice.fields,
    }
    with Part(output, about, bytes if table else compressor(output), order.resume) as part:
        for done in _watched(order, score_entries(part.left(order.entries()), crew, task, order.seconds)):
            part.add(done)
            if _too_many(order, part.tally):
                part.save()
                raise _gave_up(part.tally)
        part.save()
        if not part.tally.articles:
            part.discard()
        elif table:
            table(part.lines(), output)
            part.discard()
        else:
            part.become(output)
    return part.tally


def _too_many(order: Order, tally: Tally) -> bool:
    return order.max_failures is not None and tally.failed > order.max_failures


def _gave_up(tally: Tally) -> CopydeskError:
    failures = ", ".join(f"{count} {code}" for code, count in tally.failures.most_common())
    return CopydeskError(f"{tally.failed} of {tally.articles} articles failed ({failures}); look at them, or raise --max-failures")


def _watched(order: Order, shards: Iterable[ShardDone]) -> Iterator[ShardDone]:
    """The shards as they come, with progress on a terminal: in bytes of input, as nobody knows how many articles an archive holds."""
    if not sys.stderr.isatty() or order.written_as == "people":
        yield from shards
        return
    from tqdm import tqdm

    total = sum(file.size for file in order.files())
    with tqdm(total=total or None, unit="B", unit_scale=True, dynamic_ncols=True) as bar:
        articles = 0
        for done in shards:
            yield done
            articles += len(done.entries)
            bar.set_postfix_str(f"{articles:,} articles, {articles / max(bar.format_dict['elapsed'], 0.1):,.0f}/s", refresh=False)
            bar.update(sum(entry.read for entry in done.entries))


def _stream_lines(lines: Iterable[bytes]) -> None:
    for line in lines:
        sys.stdout.buffer.write(line)


def _stream_csv(lines: Iterable[bytes]) -> None:
    sys.stdout.reconfigure(encoding="utf-8", newline="")  # type: ignore[union-attr]
    write_csv(lines, sys.stdout)


def _stream_for_people(lines: Iterable[bytes]) -> None:
    for answer in map(json.loads, lines):
        for line in terminal.lines(answer):
            click.echo(line)


STREAMS: Mapping[str, Callable[[Iterable[bytes]], None]] = {"jsonl": _stream_lines, "csv": _stream_csv, "people": _stream_for_people}
"""The forms that standard output can take."""
