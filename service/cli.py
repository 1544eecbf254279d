"""The command line: `copydesk score`, `strip`, `compare`, `train`, `evaluate`, `check`, `report`, `serve`, `model`. Translates, and nothing more."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Callable
from dataclasses import fields
from functools import wraps
from io import TextIOWrapper
from pathlib import Path, PurePath
from typing import Any

import click
from threadpoolctl import threadpool_limits

from service.limits import LONGEST_WAIT, Amount, Limits, limit_options
from service.scoring import STREAMS, Order, carry_out, check_output, plan, summary
from service.stopping import stoppable
from service.terminal import harmless
from training.entry import Fields
from training.errors import CopydeskError, InputError
from training.inputs import INPUT_FORMS, STANDARD_INPUT, Choice, one_article, read_article, read_entries
from training.model import default_model, load_model
from training.score import own_text, score
from training.shard import Task, model_of, score_shard
from training.smoke import sound_model

log = logging.getLogger("copydesk")

Command = Callable[..., Any]
FAILED = 1
READABLE = click.Path(exists=True, dir_okay=False, path_type=Path)


def one_line_errors(command: Command) -> Command:
    """End with status 1 and one line for whatever goes wrong on purpose; a reader that stopped listening ends it quietly."""

    @wraps(command)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except CopydeskError as error:
            raise click.ClickException(harmless(error.message)) from error
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(FAILED)
        except OSError as error:
            where = harmless(os.fsdecode(error.filename or "input or output"))
            raise click.ClickException(f"{where}: {error.strerror}; check the path and your permissions") from error

    return guarded


model_option = click.option("--model", "folder", envvar="COPYDESK_MODEL", type=click.Path(path_type=Path), help="Model folder; the shipped one unless told.")


def _fields(_context: click.Context, _option: click.Parameter, given: tuple[str, ...]) -> Fields:
    named = dict(one.partition("=")[::2] for one in given)
    wrong = [name for name, column in named.items() if name not in Fields._fields or not column]
    if wrong:
        raise click.BadParameter(f"{wrong[0]!r} is not NAME=COLUMN with a NAME out of {', '.join(Fields._fields)}")
    return Fields(**named)


def _any_there(_context: click.Context, _argument: click.Parameter, given: tuple[str, ...]) -> tuple[str, ...]:
    """One that is not there is an article that failed; none at all is a mistake."""
    if not any(path == STANDARD_INPUT or os.path.lexists(path) for path in given):
        raise click.BadParameter(f"{given[0]!r} does not exist" + (", nor does any other that is named" if len(given) > 1 else "; check the path"))
    return given


def _patterns(_context: click.Context, _option: click.Parameter, given: tuple[str, ...]) -> tuple[str, ...]:
    if not all(PurePath(pattern).parts for pattern in given):
        raise click.BadParameter("a pattern that is empty matches nothing; give one such as '*.txt'")
    return given


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="copydesk")
@click.pass_context
def main(context: click.Context) -> None:
    """Read news articles the way a copy desk does: throw out what is not the article, and tell, passage by passage, reporting from the
    writer's own argument."""
    if None in (sys.stdin, sys.stdout) and context.invoked_subcommand != "serve":
        raise click.ClickException(f"standard input or output is closed; open it, or let it come from or go to {os.devnull}")
    if isinstance(sys.stdout, TextIOWrapper):  # what no terminal shows is UTF-8, whatever the locale; a terminal is shown escapes of what it has not
        sys.stdout.reconfigure(encoding=None if sys.stdout.isatty() else "utf-8", errors="backslashreplace")
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # it tells of the types it finds
    threadpool_limits(1, user_api="blas")  # work is spread over processes; threads inside a product of small matrices only wait for each other


@main.command("score")
@click.argument("paths", nargs=-1, required=True, type=click.Path(allow_dash=True), callback=_any_there)
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write here, not to standard output; .gz, .zst compress.")
@click.option("--format", "form", type=click.Choice(["jsonl", "csv", "parquet", "sqlite"]), help="By the output's name unless told; else jsonl.")
@click.option("--resume", is_flag=True, help="Go on with a run to the same output that was cut short.")
@click.option("--no-text", "with_text", is_flag=True, default=True, flag_value=False, help="Leave the texts of blocks out.")
@click.option("--jobs", default=1, show_default=True, type=click.IntRange(1), help="Processes.")
@click.option("--cluster", metavar="tcp://HOST:PORT", help="Score on this Dask cluster instead.")
@click.option("--input", "input_form", type=click.Choice(INPUT_FORMS), help="What the inputs are; told from their names and by looking unless given.")
@click.option("--include", metavar="GLOB", multiple=True, callback=_patterns, help="In folders, read only what matches, of any form.")
@click.option("--exclude", metavar="GLOB", multiple=True, callback=_patterns, help="In folders, read nothing that matches.")
@click.option("--field", "fields", metavar="NAME=COLUMN", multiple=True, callback=_fields, help=f"Where archives keep {', '.join(Fields._fields)}.")
@click.option("--time-limit", "seconds", default=60.0, show_default=True, type=Amount(0.001, LONGEST_WAIT), help="Seconds for one article.")
@click.option("--max-failures", metavar="N", type=click.IntRange(0), help="Stop once more articles than this have failed.")
@click.option("--strict", is_flag=True, help="End with status 1 when any article failed.")
@click.option("--dry-run", is_flag=True, help="Say what would be read and written, and do nothing.")
@click.option("-q", "--quiet", is_flag=True, help="No summary.")
@model_option
@one_line_errors
def score_command(folder: Path | None, *, strict: bool, dry_run: bool, quiet: bool, **given: Any) -> None:
    """Score articles: files and folders of text, HTML, Markdown, and WARC or WET archives; JSON, JSON Lines, CSV and Parquet files that are
    named or included; `-` is standard input. Results come in the order of the inputs, folders sorted.

    \b
    copydesk score article.txt                           on a terminal: a view for people
    copydesk score articles/ > results.jsonl             one article a line
    copydesk score articles/ --jobs 4 -o results.csv     one passage a row
    copydesk score crawl/ --include '*.warc.gz' --jobs 16 --no-text -o results.jsonl.zst --resume
    copydesk score export.csv --field text=content --field id=url -o results.parquet
    """
    choice = Choice(*(given.pop(name) for name in ("input_form", "include", "exclude", "fields")))
    order = Order(choice=choice, folder=str(folder) if folder else None, **given)
    if order.output is None and (order.resume or order.written_as not in STREAMS):
        raise click.UsageError(f"{'--resume' if order.resume else order.written_as} needs a file to write; name one with -o")
    if order.output is not None:
        check_output(order, order.output)
    if dry_run:
        for line in plan(order):
            click.echo(line)
        return
    with stoppable("go on with --resume" if order.output else "results end with the last that was written; with -o a run can be gone on with"):
        tally = carry_out(order)
    if not quiet:
        for line in summary(tally):
            click.echo(line, err=True)
    if strict and tally.failed:
        sys.exit(FAILED)


@main.command("strip")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@model_option
@one_line_errors
def strip_command(file: str, folder: Path | None) -> None:
    """Print the article's own text, and nothing else (`-` is standard input)."""
    model = sound_model(folder)
    [entry] = read_entries([one_article(file)])
    [result] = score([read_article(entry)], model)
    if result.error:
        raise result.error
    text = own_text(result)
    if not text:
        raise InputError("no article text was found in it; `copydesk score` shows what each block was taken for", "no-article")
    click.echo(harmless(text) if sys.stdout.isatty() else text, color=True)  # else it would take out what looks like colours


@main.command("compare")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option("--format", "form", default="text", show_default=True, type=click.Choice(["text", "json"]), help="For people, or everything for programs.")
@model_option
@one_line_errors
def compare_command(files: tuple[str, ...], form: str, folder: Path | None) -> None:
    """Compare articles on one event: who argues how much, who took over whose passages, what only one tells, the same fact in other words.

    \b
    copydesk compare wire.html herald.html weekly.txt
    copydesk compare wire.html herald.html --format json > comparison.json
    """
    from service import side_by_side  # scipy's sparse products, which only comparing needs, take a moment to import
    from training.compare import LEAST_ARTICLES, MOST_ARTICLES, compare

    if not LEAST_ARTICLES <= len(files) <= MOST_ARTICLES:
        raise click.UsageError(f"{len(files)} given to compare; name {LEAST_ARTICLES} to {MOST_ARTICLES} files, one article each")
    entries = list(read_entries(map(one_article, files)))
    if len({entry.folder for entry in entries}) == 1:  # a folder that they all lie in tells no source from another
        entries = [entry._replace(folder=entry.id) for entry in entries]
    named = str(folder) if folder else None
    task = Task(named, model_of(named).identity)
    found = compare([json.loads(line) for line in score_shard(entries, task).lines.splitlines()])
    if form == "json":
        click.echo(json.dumps(found.as_dict(), ensure_ascii=False))
    else:
        for line in side_by_side.lines(found):
            click.echo(line)
    if found.too_few:
        raise InputError(f"{len(found.failures)} of {len(files)} articles could not be read; name others to compare", "no-article")


@main.command("train")
@click.argument("data", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("-o", "--output", required=True, type=click.Path(file_okay=False, path_type=Path), help="Model folder to write.")
@click.option("--from", "base", type=click.Path(path_type=Path), help="Model folder that gives what DATA cannot teach.")
@click.option(
    "--evaluate", "held_out", multiple=True, type=click.Path(exists=True, path_type=Path), help="Labelled data of other sources, for the figures on the card."
)
@click.option("--kinds", "for_kinds", multiple=True, type=click.Path(exists=True, path_type=Path), help="More labelled data, for kinds and not for labels.")
@click.option(
    "--appeals", "letters", multiple=True, type=click.Path(exists=True, path_type=Path), help="Letters that ask for support, as articles without labels."
)
@click.option("--note", type=READABLE, help="Markdown for the card: what to know of DATA, such as its language and who labelled it.")
@click.option("--seed", default=0, show_default=True, type=int)
@one_line_errors
def train_command(output: Path, seed: int, **files: Any) -> None:
    """Fit a model to labelled data (see the README for its form).

    \b
    copydesk train seeds/ -o models/mine
    """
    from training.card import DataFiles, train  # scikit-learn takes a second to import, which only fitting needs

    model = train(DataFiles(**files), output, seed)
    log.info("%s  %s", output, model.identity.digest)


@main.command("evaluate")
@click.argument("data", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--compare", "other", type=click.Path(path_type=Path), help="Another model folder: differences, in pairs, with intervals.")
@click.option("--worst", default=0, metavar="N", type=click.IntRange(0), help="Show the N surest wrong labels with the terms that tipped them.")
@click.option(
    "--learning-curve",
    "taught",
    multiple=True,
    type=click.Path(exists=True, path_type=Path),
    help="Training data: refit the labels on growing parts of its sources.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of tables.")
@model_option
@one_line_errors
def evaluate_command(data: tuple[Path, ...], other: Path | None, worst: int, taught: tuple[Path, ...], as_json: bool, folder: Path | None) -> None:
    """Measure a model on labelled data, overall with 95 % intervals and for each source."""
    from service import tables
    from training.evaluate import compare, evaluate, learning_curve
    from training.labelled import read_corpus

    if as_json and (other or worst or taught):
        raise click.UsageError("--json gives the overall figures alone; leave it out, or --compare, --worst and --learning-curve")
    model = sound_model(folder)
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
        for line in tables.figures(f"better than {other}", compare(evaluation, evaluate(corpus, sound_model(other)))):
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
        click.echo(harmless(problem))
    if problems:
        raise click.ClickException(f"{len(problems)} problems; mend the labels or the files they were made from")
    blocks = sum(len(article.blocks) for article in corpus.articles)
    read = {"articles": len(corpus.articles), "blocks": blocks, "pages": len(corpus.pages), "flattened pages": len(corpus.flattened)}
    read |= {
        "articles without labels": len(corpus.unlabelled),
        "articles or pages with kinds told apart": len(corpus.kinds_apart) + len(corpus.line_kinds_apart),
    }
    click.echo(f"{', '.join(f'{count:,} {what}' for what, count in read.items() if count)}: nothing wrong")


@main.command("report")
@click.argument("results", nargs=-1, required=True, type=READABLE)
@click.option(
    "-o",
    "--output",
    required=True,
    metavar="FILE.html",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Page to write; .csv, .json (and .stories.csv) beside it.",
)
@click.option("--by", type=click.Choice(["month"]), help="Follow each source over time too, by what its pages say of their dates.")
@click.option("--stories", "with_stories", is_flag=True, help="Lay side by side what several sources tell; takes results with texts, and more memory.")
@click.option("--model", "folder", envvar="COPYDESK_MODEL", type=click.Path(path_type=Path), help="Whose card the page shows; the shipped one's unless told.")
@one_line_errors
def report_command(results: tuple[Path, ...], output: Path, by: str | None, with_stories: bool, folder: Path | None) -> None:
    """Say of each source in RESULTS, JSON Lines that `score` wrote, how much of it is editorial: one page for people, every figure as CSV and JSON.

    \b
    copydesk score archive/ --no-text -o results.jsonl.gz
    copydesk report results.jsonl.gz -o report.html --by month
    copydesk score archive/ -o results.jsonl && copydesk report results.jsonl -o report.html --stories
    """
    from service.made_by import card_of
    from service.report import outputs, write_report
    from training.counted import read_results
    from training.profile import profile
    from training.retold import retold

    if output.suffix.lower() != ".html":
        raise click.UsageError(f"{output} is to be a page; give a name that ends in .html")
    written = outputs(output, with_stories)
    for path in written:
        if any(path.exists() and path.samefile(given) for given in results):
            raise click.UsageError(f"{path} would be written over, and it is one of the results; choose another name with -o")
    if with_stories and (pipes := [path for path in results if not path.is_file()]):
        raise click.UsageError(f"{pipes[0]} is no file, and --stories reads results twice; write them to a file")
    found = profile(read_results(results), by_month=by == "month")
    write_report(found, output, retold(results) if with_stories else None, card_of(found.models, folder))
    log.info("%s: %d sources", ", ".join(map(str, written)), len(found.sources))


@main.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True, envvar="COPYDESK_HOST", show_envvar=True)
@click.option("--port", default=8000, show_default=True, envvar="COPYDESK_PORT", show_envvar=True, type=click.IntRange(0, 65535))
@click.option("--workers", default=1, show_default=True, envvar="COPYDESK_WORKERS", show_envvar=True, type=click.IntRange(1), help="Processes.")
@click.option("--token-file", envvar="COPYDESK_TOKEN_FILE", show_envvar=True, type=READABLE, help="Tokens, one a line, beside those in COPYDESK_TOKENS.")
@click.option("--allow-anonymous", "anonymous", is_flag=True, envvar="COPYDESK_ALLOW_ANONYMOUS", show_envvar=True, help="Serve other machines without a token.")
@click.option(
    "--reload",
    default=2.0,
    show_default=True,
    envvar="COPYDESK_RELOAD",
    show_envvar=True,
    type=Amount(0, LONGEST_WAIT),
    help="Seconds between looks for a new model; 0: never.",
)
@click.option("--expect-digest", "expect", envvar="COPYDESK_EXPECT_DIGEST", show_envvar=True, help="Serve no model of another digest (`copydesk model show`).")
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
@click.option("--expect-digest", "expect", envvar="COPYDESK_EXPECT_DIGEST", show_envvar=True, help="Accept no model of another digest.")
@model_option
@one_line_errors
def verify_command(folder: Path | None, expect: str | None) -> None:
    """Load the model as scoring would, checking digest and contents, and that it answers as it did where it was fitted."""
    model = sound_model(folder, expect)
    click.echo(f"{model.identity.name}: {model.identity.digest} as its manifest says")
