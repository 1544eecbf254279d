"""Scoring many articles: order, failures, lost workers, resuming, and the forms results can take."""

from __future__ import annotations

import csv
import gzip
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import training.shard
from service.cli import main
from tests.serving import COMMAND
from training.article import Article
from training.entry import Entry
from training.errors import CopydeskError, InputError
from training.extras import zstd
from training.model import Identity, Model
from training.part import Part, ResumeError
from training.score import score
from training.shard import Task, model_of, score_shard

STORY = "The harbour board voted 5-2 on Monday to close the east pier.\n\nIt is a shabby little decision, and they know it full well.\n"

pytestmark = pytest.mark.usefixtures("model")


def run(*arguments: object, stdin: str | None = None) -> Result:
    return CliRunner().invoke(main, ["score", *(str(argument) for argument in arguments)], input=stdin)


def lines(text: str | bytes) -> list[Any]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two hundred articles: more than a shard holds."""
    folder = tmp_path / "articles"
    folder.mkdir()
    for number in range(200):
        (folder / f"{number:04}.txt").write_text(f"Vote number {number}. {STORY}")
    return folder


@pytest.fixture
def scoring(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[str], None]], None]:
    """Have something happen to every text that is scored, in the workers too."""

    def with_each(happens: Callable[[str], None]) -> None:
        def scored(articles: Sequence[Article], model: Model) -> Any:
            for article in articles:
                happens(article.text)
            return score(articles, model)

        monkeypatch.setattr(training.shard, "score", scored)

    return with_each


def test_order_is_that_of_the_inputs_whatever_the_workers_do(folder: Path, scoring: Any) -> None:
    """Results come in the order of the inputs, also where later shards are done first."""
    scoring(lambda text: time.sleep(0.3 if "number 3." in text else 0))
    ids = [result["id"] for result in lines(run(folder, "--jobs", 3).stdout)]
    assert ids == sorted(str(path) for path in folder.iterdir())


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_article_that_hangs_is_stopped_and_named(jobs: int, folder: Path, scoring: Any) -> None:
    """A worker that hangs is ended from outside; its article fails with `time-limit`, and every other is scored."""
    scoring(lambda text: time.sleep(60) if "number 70." in text else None)
    done = run(folder, "--jobs", jobs, "--time-limit", 1.5)
    found = lines(done.stdout)
    assert {Path(result["id"]).name: result["error"]["code"] for result in found if "error" in result} == {"0070.txt": "time-limit"}
    assert len(found) == 200
    assert done.exit_code == 0


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_article_that_ends_its_worker_is_named(jobs: int, folder: Path, scoring: Any) -> None:
    """A worker that dies is replaced; its article fails with `worker-died`, and every other is scored."""
    scoring(lambda text: os.kill(os.getpid(), signal.SIGKILL) if "number 3." in text or "number 150." in text else None)
    found = lines(run(folder, "--jobs", jobs).stdout)
    assert {Path(result["id"]).name: result["error"]["code"] for result in found if "error" in result} == dict.fromkeys(("0003.txt", "0150.txt"), "worker-died")
    assert len(found) == 200


def test_a_fault_of_ours_is_one_failed_article(folder: Path, scoring: Any) -> None:
    """Whatever scoring raises is that article's failure alone, and its message is one line."""

    def fail(text: str) -> None:
        if "number 9." in text:
            raise RecursionError("too\ndeep")

    scoring(fail)
    [failed] = [result for result in lines(run(folder).stdout) if "error" in result]
    assert (failed["error"]["code"], Path(failed["id"]).name) == ("internal", "0009.txt")
    assert "too deep" in failed["error"]["message"]


def test_a_shard_has_a_line_for_each_entry_in_its_place(scoring: Any) -> None:
    """Whoever hands out shards by other means gets a line for each entry, in order: also for one that could not be read and one that broke the scoring."""

    def fail(text: str) -> None:
        if "lido" in text:
            raise ZeroDivisionError

    scoring(fail)
    gone = InputError("it is gone; look elsewhere", "unreadable")
    entries = [Entry("a", "pier", content=STORY), Entry("b", content="The lido."), Entry("c", "quay", error=gone), Entry("d", source="mole", content=STORY)]
    scored = score_shard(entries, Task(None, model_of(None).identity, with_text=False))
    found = lines(scored.lines)
    assert [(result["id"], result["source"], result.get("error", {}).get("code")) for result in found] == [
        ("a", "pier", None),
        ("b", None, "internal"),
        ("c", "quay", "unreadable"),
        ("d", "mole", None),
    ]
    assert [[block["words"] for block in result["blocks"]] for result in found] == [[12, 12], [], [], [12, 12]]
    assert (scored.tally.articles, scored.tally.failed) == (4, 2)


def test_a_worker_that_has_another_model_scores_nothing() -> None:
    """Results of two models are never mixed, wherever the workers are."""
    with pytest.raises(CopydeskError, match=r"another model in the shipped model than the run began with; give all the same") as refused:
        score_shard([Entry("a", content=STORY)], Task(None, Identity("default", "sha256:1")))
    assert refused.value.code == "bad-model"


@pytest.mark.parametrize(
    ("missing", "extra", "arguments"),
    [
        ("pyarrow.parquet", "parquet", ["rows.parquet"]),
        ("fastwarc.warc", "warc", ["crawl.warc"]),
        ("backports.zstd" if sys.version_info < (3, 14) else "compression.zstd", "zstd", ["rows.jsonl.zst"]),
        ("distributed", "dask", ["one.txt", "--cluster", "tcp://127.0.0.1:1"]),
    ],
)
def test_a_library_that_is_not_installed_is_named(missing: str, extra: str, arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What needs an extra that is not there ends with the command that installs it."""
    (tmp_path / arguments[0]).write_text(STORY)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, missing, None)  # which is how Python marks what cannot be imported
    done = run(*arguments)
    assert done.exit_code == 1
    assert done.stderr == f"Error: {missing} is not installed, which this needs; run `pip install 'copydesk[{extra}]'`\n"


def test_a_cluster_that_does_not_answer_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no worker answers, the run ends with one line that says how to start some."""
    pytest.importorskip("distributed")
    monkeypatch.setattr("training.crew.PATIENCE", 0.1)
    (tmp_path / "one.txt").write_text(STORY)
    done = run(tmp_path, "--cluster", "tcp://127.0.0.1:1")
    assert done.exit_code == 1
    assert re.fullmatch(r"Error: no Dask workers at tcp://127\.0\.0\.1:1 \(.*\); start some with `dask worker tcp://127\.0\.0\.1:1`\n", done.stderr)


def test_what_the_readers_refuse_is_named_as_they_name_it(folder: Path) -> None:
    """An article that turns out to have too many lines only when it is read is refused by that name, and costs no other its result."""
    (folder / "0009.txt").write_text("a\n" * 100_001)
    [failed] = [result for result in lines(run(folder).stdout) if "error" in result]
    assert (failed["error"]["code"], Path(failed["id"]).name) == ("too-large", "0009.txt")
    assert "split it" in failed["error"]["message"]


def test_failures_can_end_a_run(tmp_path: Path) -> None:
    """`--max-failures` ends the run once there are more; `--strict` ends with status 1 after all is done."""
    for number in range(200):
        (tmp_path / f"{number:03}.txt").write_text("" if number % 2 else STORY)
    out = tmp_path / "results.jsonl"
    stopped = run(tmp_path, "--max-failures", 20, "-o", out)
    assert stopped.exit_code == 1
    assert "raise --max-failures" in stopped.stderr
    assert not out.exists()
    assert run(tmp_path, "--strict", "-o", out, "--resume").exit_code == 1
    assert len(lines(out.read_text())) == 200


def test_the_summary_counts_what_was_done(folder: Path) -> None:
    """At the end standard error says how many articles, passages, dropped blocks and failures there were; `--quiet` says nothing."""
    (folder / "empty.txt").write_text("")
    done = run(folder)
    assert "articles           201" in done.stderr
    assert "failed               1   1 empty" in done.stderr
    assert run(folder, "--quiet").stderr == ""


def test_dry_run_reads_and_writes_nothing(folder: Path) -> None:
    """`--dry-run` says what there is, and leaves no file."""
    done = run(folder, "--dry-run", "-o", folder.parent / "out.csv")
    assert "200 files" in done.stdout
    assert "out.csv as csv" in done.stdout
    assert os.listdir(folder.parent) == ["articles"]


def test_texts_can_be_left_out(folder: Path) -> None:
    """`--no-text` leaves ids, offsets and the number of words, and no text."""
    blocks = [block for result in lines(run(folder, "--no-text").stdout) for block in result["blocks"]]
    assert not any("text" in block for block in blocks)
    assert {"start", "end", "words"} <= blocks[0].keys()


@pytest.mark.parametrize("name", ["out.jsonl", "out.jsonl.gz", "out.jsonl.zst"])
def test_lines_are_the_same_however_they_are_written(name: str, folder: Path) -> None:
    """A file holds, byte for byte, what standard output would show."""
    out = folder.parent / name
    assert run(folder, "-o", out).exit_code == 0
    content = out.read_bytes()
    if name.endswith(".gz"):
        content = gzip.decompress(content)
    if name.endswith(".zst"):
        content = zstd().decompress(content)
    assert content.decode() == run(folder).stdout
    assert sorted(os.listdir(folder.parent)) == ["articles", name]


@pytest.mark.parametrize("name", ["out.csv", "out.csv.gz", "out.csv.zst", "out.parquet", "out.sqlite"])
def test_tables_hold_what_the_lines_hold(name: str, folder: Path) -> None:
    """CSV, Parquet and SQLite have a row for each passage; Parquet and SQLite a row for each article, the failed ones too."""
    (folder / "empty.txt").write_text("")
    out = folder.parent / name
    assert run(folder, "-o", out).exit_code == 0
    results = lines(run(folder).stdout)
    expected = [
        (result["id"], block["start"], block["end"], block["label"], block["probability"], len(block["text"].split()))
        for result in results
        for block in result["blocks"]
        if block["kind"] == "body"
    ]
    passages, articles = read_tables(out)
    assert passages == expected
    if articles is not None:
        assert articles == [(result["id"], result["status"], result.get("editorial_share")) for result in results]


def read_tables(path: Path) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]] | None]:
    """Passages and articles, by other means than ours."""
    passages, articles = 'SELECT id, "start", "end", label, probability, words FROM {}', "SELECT id, status, editorial_share FROM {}"
    if path.suffix == ".sqlite":
        with sqlite3.connect(path) as database:
            found = [database.execute(query.format(table)).fetchall() for query, table in ((passages, "passages"), (articles, "articles"))]
        database.close()
        return found[0], found[1]
    if path.suffix == ".parquet":
        duckdb = pytest.importorskip("duckdb")
        beside = path.with_suffix(".articles.parquet")
        return tuple(duckdb.sql(query.format(f"'{file}'")).fetchall() for query, file in ((passages, path), (articles, beside)))  # type: ignore[return-value]
    unpack: Callable[..., Any] = zstd().open if path.suffix == ".zst" else gzip.open if path.suffix == ".gz" else open
    with unpack(path, "rt", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["status"] == "ok"]
    return [
        (row["id"], int(row["start"]), int(row["end"]), row["label"] or None, float(row["probability"]) if row["probability"] else None, int(row["words"]))
        for row in rows
    ], None


def copydesk(*arguments: object) -> subprocess.Popen[bytes]:
    """The command in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen([*COMMAND, "score", *map(str, arguments)], env=environment, stderr=subprocess.PIPE)


@pytest.mark.parametrize("name", ["out.jsonl", "out.jsonl.gz", "out.csv"])
def test_a_run_that_was_killed_is_finished_by_resume(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After kill -9, at whatever moment, `--resume` ends with every article once, and with the bytes of a run that was not killed."""
    for number in range(200, 1500):
        (folder / f"{number:04}.txt").write_text(f"Vote number {number}. {STORY}" * 3)
    out, whole = folder.parent / name, folder.parent / f"whole-{name}"
    for seconds in (0.9, 1.6, 2.3):
        with copydesk(folder, "-o", out, "--resume", "--jobs", 2) as process:
            time.sleep(seconds)
            process.kill()
    assert run(folder, "-o", out, "--resume", "--jobs", 2).exit_code == 0
    assert run(folder, "-o", whole).exit_code == 0
    read = gzip.decompress if name.endswith("gz") else bytes
    assert read(out.read_bytes()) == read(whole.read_bytes())
    assert sorted(os.listdir(folder.parent)) == sorted(["articles", name, whole.name])


@pytest.mark.parametrize("name", ["out.csv", "out.sqlite"])
def test_what_a_killed_run_left_of_a_table_is_made_anew(name: str, folder: Path) -> None:
    """Beside its ledger, half a table is a run's own, and the next run's table is what it would have been."""
    (folder.parent / f"{name}.part.ledger").write_text("{}\n")
    for left in (f".{name}.tmp", f".{name}.tmp-journal"):
        (folder.parent / left).write_bytes(b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7" + b"half a table" * 100)
    assert run(folder, "-o", folder.parent / name).exit_code == 0
    assert sorted(os.listdir(folder.parent)) == ["articles", name]
    assert run(folder, "-o", folder.parent / f"again-{name}").exit_code == 0
    assert (folder.parent / name).read_bytes() == (folder.parent / f"again-{name}").read_bytes()


def test_workers_end_with_the_process_that_started_them(folder: Path, tmp_path: Path) -> None:
    """After kill -9 no worker is left behind."""
    with copydesk(folder, "-", "-o", tmp_path / "out.jsonl", "--jobs", 2, "--input", "text") as process:
        time.sleep(2)
        workers = subprocess.run(["ps", "-o", "pid=", "--ppid", str(process.pid)], capture_output=True, text=True, check=False).stdout.split()
        process.kill()
    deadline = time.monotonic() + 10
    while any(Path(f"/proc/{worker}").exists() for worker in workers) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(Path(f"/proc/{worker}").exists() for worker in workers)


@pytest.mark.parametrize("name", ["OUT.JSONL.GZ", "OUT.CSV.Gz"])
def test_the_case_of_a_name_changes_nothing(name: str, folder: Path) -> None:
    """A suffix asks for the same in large letters as in small ones."""
    for out in (name, name.lower()):
        assert run(folder, "-o", folder.parent / out).exit_code == 0
    packed, small = (gzip.decompress((folder.parent / out).read_bytes()) for out in (name, name.lower()))
    assert packed == small


def unfinished(folder: Path, out: Path, *options: object) -> None:
    """A run that stops after some articles, at the failures it is told to stop at."""
    (folder / "0100.txt").write_text("")
    assert run(folder, "-o", out, "--max-failures", 0, *options).exit_code == 1
    assert out.with_name(out.name + ".part").exists()


@pytest.mark.parametrize(
    ("began", "goes_on", "named"), [(["--no-text"], [], "texts"), ([], ["--field", "text=body"], "fields"), ([], ["--format", "csv"], "written as")]
)
def test_a_run_with_other_options_is_not_gone_on_with(began: list[str], goes_on: list[str], named: str, folder: Path) -> None:
    """Results of two kinds are never mixed: what differs is named, with the remedy."""
    out = folder.parent / "out.jsonl"
    unfinished(folder, out, *began)
    done = run(folder, "-o", out, "--resume", *goes_on)
    assert done.exit_code == 1
    assert f"began with {named}" in done.stderr
    assert "leave --resume out" in done.stderr
    assert not out.exists()


def test_another_model_is_not_gone_on_with(tmp_path: Path) -> None:
    """A part that another model began is refused."""
    Part(tmp_path / "out.jsonl", {"model": "sha256:1"}).__exit__()
    with pytest.raises(ResumeError, match=r"began with model sha256:1.*leave --resume out"):
        Part(tmp_path / "out.jsonl", {"model": "sha256:2"}, resume=True)


@pytest.mark.parametrize("content", ["[]", "null\n", "7"])
def test_what_is_no_ledger_is_not_gone_on_with(content: str, tmp_path: Path) -> None:
    """A file in the ledger's place that says something else is refused, with the remedy, and left as it is."""
    (tmp_path / "out.jsonl.part.ledger").write_text(content)
    with pytest.raises(ResumeError, match=r"out.jsonl.part.ledger is not the ledger of a run; leave --resume out"):
        Part(tmp_path / "out.jsonl", {"model": "sha256:1"}, resume=True)
    assert (tmp_path / "out.jsonl.part.ledger").read_text() == content


def test_inputs_that_changed_are_scored_again_from_there(folder: Path) -> None:
    """Where a file was added, or has another size, results from there on are made anew: every article once, none of an old text."""
    out = folder.parent / "out.jsonl"
    unfinished(folder, out)
    (folder / "0100.txt").write_text(STORY)
    (folder / "0005-late.txt").write_text(STORY)
    assert run(folder, "-o", out, "--resume").exit_code == 0
    assert out.read_text() == run(folder).stdout


def test_a_torn_part_is_cut_back_to_what_is_whole(folder: Path) -> None:
    """Half a line, half a checkpoint, or a part shorter than its checkpoint says, or a line that is no checkpoint: none of it reaches the results."""
    out = folder.parent / "out.jsonl"
    part, ledger = (out.with_name(f"out.jsonl.part{end}") for end in ("", ".ledger"))
    for tear in (
        lambda: part.write_bytes(part.read_bytes() + b'{"id": "torn'),
        lambda: ledger.write_bytes(ledger.read_bytes()[:-9]),
        lambda: part.write_bytes(part.read_bytes()[:-9]),
        lambda: ledger.write_bytes(b'{"mod'),
        lambda: ledger.write_bytes(ledger.read_bytes() + b"[]\n"),
    ):
        unfinished(folder, out)
        tear()
        assert run(folder, "-o", out, "--resume").exit_code == 0
        assert out.read_text() == run(folder).stdout


def test_two_runs_do_not_write_one_file(tmp_path: Path) -> None:
    """The second run is told that the first is at work."""
    (tmp_path / "one.txt").write_text(STORY)
    with Part(tmp_path / "out.jsonl", {}), copydesk(tmp_path / "one.txt", "-o", tmp_path / "out.jsonl") as second:
        assert b"another run is writing" in second.communicate()[1]
    assert second.returncode == 1


def test_resume_and_tables_need_a_file() -> None:
    """What standard output cannot be is refused as wrong usage."""
    for arguments in (["-", "--resume"], ["-", "--format", "parquet"], ["-", "--field", "body"]):
        assert run(*arguments, stdin=STORY).exit_code == 2


def test_a_full_disk_ends_with_one_line_and_resume(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the disk is full, the error names the remedy; once there is room, `--resume` ends with every article once."""
    out = folder.parent / "out.jsonl"
    fsync, calls = os.fsync, iter(range(99))

    def full(descriptor: int) -> None:
        if next(calls) == 3:
            raise OSError(28, "No space left on device")
        fsync(descriptor)

    monkeypatch.setattr("training.part.EVERY_BYTES", 1)
    monkeypatch.setattr("training.part.os.fsync", full)
    done = run(folder, "-o", out)
    assert done.exit_code == 1
    assert "make room, and go on with --resume" in done.stderr
    assert run(folder, "-o", out, "--resume").exit_code == 0
    assert out.read_text() == run(folder).stdout


@pytest.mark.parametrize("name", ["out.csv", "out.sqlite"])
def test_a_disk_that_is_full_once_the_table_is_made(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Results are not lost where only the table finds no room: the error names the remedy, nothing half made is left, and `--resume` has nothing to score."""
    out = folder.parent / name

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as context:
        context.setattr("training.outputs.os.replace", full)
        done = run(folder, "-o", out)
    assert done.exit_code == 1
    assert re.fullmatch(rf"Error: cannot write {re.escape(str(out))} \(.*No space left.*\); make room .* go on with --resume\n", done.stderr)
    assert sorted(os.listdir(folder.parent)) == ["articles", f"{name}.part", f"{name}.part.ledger"]
    monkeypatch.setattr("service.scoring.Processes.submit", None)
    assert run(folder, "-o", out, "--resume").exit_code == 0
    assert sorted(os.listdir(folder.parent)) == ["articles", name]


def test_where_files_cannot_be_locked_runs_work_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some systems have no locks."""
    monkeypatch.setitem(sys.modules, "fcntl", None)
    (tmp_path / "one.txt").write_text(STORY)
    assert run(tmp_path / "one.txt", "-o", tmp_path / "out.jsonl").exit_code == 0


def test_a_dask_cluster_gives_the_same_results(folder: Path) -> None:
    """`--cluster` scores on a cluster's workers: same lines, same order."""
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        assert run(folder, "--cluster", cluster.scheduler_address).stdout == run(folder).stdout
