"""The command line: `copydesk score`, `strip`, `train`, `evaluate`, `check`, `serve`, `model`. Translates, and nothing more."""

from __future__ import annotations

import csv
import json
import logging
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from functools import wraps
from pathlib import Path
from typing import Any, TextIO

import click

from service import terminal
from service.limits import Limits, limit_options
from training.batch import find_files, score_files
from training.errors import CopydeskError, InputError
from training.model import Model, default_model, load_model
from training.reading import article_from_bytes
from training.score import Result, own_text, score

log = logging.getLogger("copydesk")

Command = Callable[..., Any]
FAILED = 1
READABLE = click.Path(exists=True, dir_okay=False, path_type=Path)
CSV_COLUMNS = ("id", "source", "passage", "start", "end", "label", "probability", "words", "status", "error")


def one_line_errors(command: Command) -> Command:
    """End with status 1 and one line for whatever goes wrong on purpose; a reader that stopped listening ends it quietly."""

    @wraps(command)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except CopydeskError as error:
            raise click.ClickException(error.message) from error
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(FAILED)
        except OSError as error:
            raise click.ClickException(f"{error.filename or 'input or output'}: {error.strerror}; check the path and your permissions") from error

    return guarded


model_option = click.option("--model", "folder", type=click.Path(path_type=Path), help="Model folder; the shipped one unless told.")


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="copydesk")
def main() -> None:
    """Read news articles the way a copy desk does: throw out what is not the article, and tell, passage by passage, reporting from the
    writer's own argument."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)


@main.command("score")
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, allow_dash=True))
@click.option("--jobs", default=1, show_default=True, type=click.IntRange(1), help="Processes.")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write here instead of to standard output.")
@click.option("--format", "form", type=click.Choice(["jsonl", "csv"]), help="One article a line, or one passage a row.  [default: jsonl; a view for people on a terminal]")
@click.option("--strict", is_flag=True, help="End with status 1 when any file failed.")
@model_option
@one_line_errors
def score_command(paths: tuple[str, ...], jobs: int, output: Path | None, form: str | None, strict: bool, folder: Path | None) -> None:
    """Score files and folders of text and HTML (`-` is standard input), recursively and in sorted order.

    \b
    copydesk score article.txt                 on a terminal: a view for people
    copydesk score articles/ > results.jsonl   one article a line
    copydesk score articles/ --jobs 4 -o results.csv --format csv
    """
    folder = folder or default_model()
    model = load_model(folder)
    form = form or ("jsonl" if output or not sys.stdout.isatty() else "people")
    failed = 0
    with _opened(output) as stream:
        for result in _counted(_results(paths, model, folder, jobs), write=WRITERS[form](stream)):
            failed += result.error is not None
    if strict and failed:
        sys.exit(FAILED)


@main.command("strip")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@model_option
@one_line_errors
def strip_command(file: str, folder: Path | None) -> None:
    """Print the article's own text, and nothing else (`-` is standard input)."""
    model = load_model(folder or default_model())
    result = next(iter(_results((file,), model, folder or default_model(), 1)))
    if result.error:
        raise result.error
    text = own_text(result)
    if not text:
        raise InputError("no article text was found in it; `copydesk score` shows what each block was taken for", "no-article")
    click.echo(text)


@main.command("train")
@click.argument("data", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("-o", "--output", required=True, type=click.Path(file_okay=False, path_type=Path), help="Model folder to write.")
@click.option("--from", "base", type=click.Path(path_type=Path), help="Model folder that gives what DATA cannot teach.")
@click.option("--evaluate", "held_out", multiple=True, type=click.Path(exists=True, path_type=Path), help="Labelled data of other sources, for the figures on the card.")
@click.option("--seed", default=0, show_default=True, type=int)
@one_line_errors
def train_command(data: tuple[Path, ...], output: Path, base: Path | None, held_out: tuple[Path, ...], seed: int) -> None:
    """Fit a model to labelled data (see the README for its form).

    \b
    copydesk train seeds/ -o models/mine
    """
    from training.card import train  # scikit-learn takes a second to import, which only fitting needs

    model = train(data, output, base and load_model(base), held_out, seed)
    log.info("%s  %s", output, model.identity.digest)


@main.command("evaluate")
@click.argument("data", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--compare", "other", type=click.Path(path_type=Path), help="Another model folder: differences, in pairs, with intervals.")
@click.option("--worst", default=0, metavar="N", type=click.IntRange(0), help="Show the N surest wrong labels with the terms that tipped them.")
@click.option(
    "--learning-curve", "taught", multiple=True, type=click.Path(exists=True, path_type=Path), help="Training data: refit the labels on growing parts of its sources."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of tables.")
@model_option
@one_line_errors
def evaluate_command(data: tuple[Path, ...], other: Path | None, worst: int, taught: tuple[Path, ...], as_json: bool, folder: Path | None) -> None:
    """Measure a model on labelled data, overall with 95 % intervals and for each source."""
    from service import tables
    from training.evaluate import compare, evaluate, learning_curve
    from training.labelled import read_corpus

    model = load_model(folder or default_model())
    corpus = read_corpus(data)
    evaluation = evaluate(corpus, model)
    if as_json:
        click.echo(json.dumps({figure.name: {"value": figure.value, "interval": figure.interval} for figure in evaluation.overall()}))
        return
    for line in tables.evaluation(evaluation):
        click.echo(line)
    if worst:
        for line in tables.mistakes(evaluation.worst(worst), model):
            click.echo(line)
    if other:
        for line in tables.figures(f"better than {other}", compare(evaluation, evaluate(corpus, load_model(other)))):
            click.echo(line)
    if taught:
        for line in tables.curve(learning_curve(read_corpus(taught), corpus, model)):
            click.echo(line)


@main.command("check")
@click.argument("data", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@one_line_errors
def check_command(data: tuple[Path, ...]) -> None:
    """Check labelled data: ids, labels, and that each article's file is read into the very blocks that are labelled."""
    from training.labelled import check, read_corpus

    corpus = read_corpus(data)
    problems = list(check(corpus))
    for problem in problems:
        click.echo(problem)
    if problems:
        raise click.ClickException(f"{len(problems)} problems; mend the labels or the files they were made from")
    click.echo(f"{len(corpus.articles)} articles, {sum(len(article.blocks) for article in corpus.articles)} blocks: nothing wrong")


@main.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True, envvar="COPYDESK_HOST", show_envvar=True)
@click.option("--port", default=8000, show_default=True, envvar="COPYDESK_PORT", show_envvar=True, type=click.IntRange(0, 65535))
@click.option("--workers", default=1, show_default=True, envvar="COPYDESK_WORKERS", show_envvar=True, type=click.IntRange(1), help="Processes.")
@click.option("--token-file", envvar="COPYDESK_TOKEN_FILE", show_envvar=True, type=READABLE, help="Tokens, one a line, beside those in COPYDESK_TOKENS.")
@click.option("--allow-anonymous", "anonymous", is_flag=True, envvar="COPYDESK_ALLOW_ANONYMOUS", show_envvar=True, help="Serve other machines without.")
@click.option("--reload", default=2.0, show_default=True, envvar="COPYDESK_RELOAD", show_envvar=True, help="Seconds between looks for a new model; 0: never.")
@limit_options
@model_option
@one_line_errors
def serve_command(folder: Path | None, token_file: Path | None, **given: Any) -> None:
    """Serve the model over HTTP, with a page for people at /."""
    from service.access import read_tokens  # a web server takes a moment to import, which no other command needs
    from service.server import Serving, serve

    limits = Limits(**{limit.name: given.pop(limit.name) for limit in fields(Limits)})
    serve(folder or default_model(), Serving(limits=limits, tokens=read_tokens(token_file), **given))


@main.group("model")
def model_group() -> None:
    """Look at a model folder."""


@model_group.command("show")
@model_option
@one_line_errors
def show_command(folder: Path | None) -> None:
    """Print the manifest: what the model is, what it was fitted on, its figures."""
    click.echo(json.dumps(dict(load_model(folder or default_model()).manifest), indent=1, ensure_ascii=False))


@model_group.command("verify")
@model_option
@one_line_errors
def verify_command(folder: Path | None) -> None:
    """Load the model as scoring would, checking digest and contents."""
    model = load_model(folder or default_model())
    click.echo(f"{model.identity.name}: {model.identity.digest} as its manifest says")


def _results(paths: tuple[str, ...], model: Model, folder: Path, jobs: int) -> Iterator[Result]:
    files = [path for path in paths if path != "-"]
    if "-" in paths:
        yield _standard_input(model)
    yield from score_files(find_files(files), model, folder, jobs)


def _standard_input(model: Model) -> Result:
    try:
        article = article_from_bytes(sys.stdin.buffer.read(), name="-")
    except InputError as error:
        return Result("-", None, model.identity, error=error)
    return score([article], model)[0]


def _counted(results: Iterable[Result], write: Callable[[Result], None]) -> Iterator[Result]:
    """Write each result, and say at the end what failed."""
    failures: dict[str, int] = {}
    articles = 0
    for result in results:
        write(result)
        articles += 1
        if result.error:
            failures[result.error.code] = failures.get(result.error.code, 0) + 1
        yield result
    if not articles:
        raise InputError("no article was found there; name files, or folders that hold .txt, .md or .html files", "no-article")
    if failures:
        log.warning("%d of %d articles failed: %s", sum(failures.values()), articles, ", ".join(f"{count} {code}" for code, count in sorted(failures.items())))


@contextmanager
def _opened(path: Path | None) -> Iterator[TextIO]:
    """Standard output in UTF-8, or a file that appears only once it is whole."""
    if path is None:
        sys.stdout.reconfigure(encoding="utf-8", newline="\n")  # type: ignore[union-attr]
        yield sys.stdout
        sys.stdout.flush()
        return
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with open(temporary, "w", encoding="utf-8", newline="") as stream:
            yield stream
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _write_jsonl(stream: TextIO) -> Callable[[Result], None]:
    def write(result: Result) -> None:
        stream.write(json.dumps(result.as_dict(), ensure_ascii=False) + "\n")

    return write


def _write_csv(stream: TextIO) -> Callable[[Result], None]:
    rows = csv.writer(stream)
    rows.writerow(CSV_COLUMNS)

    def write(result: Result) -> None:
        if result.error:
            rows.writerow([result.id, result.source, *[None] * 6, "error", result.error.code])
        for number, passage in enumerate(result.passages, 1):
            block, probability = passage.block, passage.as_dict()["probability"]
            rows.writerow([result.id, result.source, number, block.start, block.end, passage.label, probability, passage.words, "ok", None])

    return write


def _write_for_people(stream: TextIO) -> Callable[[Result], None]:
    def write(result: Result) -> None:
        for line in terminal.lines(result):
            click.echo(line, file=stream)

    return write


WRITERS = {"jsonl": _write_jsonl, "csv": _write_csv, "people": _write_for_people}
