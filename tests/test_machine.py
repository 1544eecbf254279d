"""The machine under Copydesk: clocks that jump, disks that cannot be written, processes that are ended."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from io import FileIO
from itertools import count
from pathlib import Path

import pytest
import requests
from click.testing import CliRunner

from service.app import create_app
from service.cli import main
from service.current import CurrentModel
from service.limits import Limits
from tests.serving import NEWS, PATIENCE, PROGRAM, ROOT, served
from training import part
from training.model import ARRAYS, MANIFEST, Model, default_model, load_model, save_model

FUTURE, PAST = 7_000_000_000, 0
FEW = "".join(
    json.dumps(
        {
            "text": f"The board {('met on Monday', 'must resign in shame')[n % 2]}, {n}.",
            "label": ("reporting", "editorial")[n % 2],
            "source": f"{n % 7}.example",
        }
    )
    + "\n"
    for n in range(70)
)
"""Passages that teach the labels, in about a second."""
SLOW_DISK = f"import os, time; replace = os.replace; os.replace = lambda *paths: (time.sleep(1), replace(*paths)); {PROGRAM}"
"""The command where each file that is written takes a second until it is in its place."""
SLOW_SCORING = f"""import signal, time
from training import part, shard
signal.signal(signal.SIGINT, signal.default_int_handler)
part.EVERY_BYTES, score = 1, shard.score
shard.score = lambda *given: (time.sleep(0.2), score(*given))[1]
{PROGRAM}"""
"""The command where a shard takes a fifth of a second longer, and its results are made safe at once."""


def test_a_model_is_swapped_whatever_its_files_say_of_the_time(tmp_path: Path, model: Model) -> None:
    """A new model is taken also where its files are dated in the far future or before the old one's."""
    folder = tmp_path / "model"
    save_model(folder, model.kinds, model.labels, {})
    current = CurrentModel(folder)
    for when, offset in ((FUTURE, 0.001), (PAST, 0.002)):
        calibration = replace(model.labels.calibration, offset=model.labels.calibration.offset + offset)
        made = save_model(folder, model.kinds, replace(model.labels, calibration=calibration), {})
        for name in (ARRAYS, MANIFEST):
            os.utime(folder / name, (when, when))
        assert [current.refresh(), current.refresh()] == [False, True]
        assert current.model.identity.digest == made.identity.digest


def test_a_clock_that_goes_back_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """While the time of day goes back by an hour at each look, or forward, articles are answered within their limits and requests are counted."""
    for step in (-3600, 3600):
        moments = count(time.time(), step)
        with monkeypatch.context() as context:
            context.setattr(time, "time", lambda moments=moments: float(next(moments)))
            client = create_app(CurrentModel(default_model()), Limits(seconds=PATIENCE)).test_client()
            assert client.post("/v1/classify", json={"text": NEWS}).json["status"] == "ok"
            assert client.get("/readyz").status_code == 200


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Path]:
    """A folder that nobody may write to, not even root."""
    folder = tmp_path / "read-only"
    folder.mkdir()
    if os.geteuid():
        folder.chmod(0o500)
        yield folder
        folder.chmod(0o700)
        return
    if not shutil.which("mount") or subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", folder], check=False, capture_output=True).returncode:
        pytest.skip("root may write to any folder, and here it may not mount one that is read-only")
    yield folder
    subprocess.run(["umount", folder], check=True)


@pytest.mark.parametrize("command", ["score", "report", "save"])
def test_a_folder_that_cannot_be_written_is_one_line(read_only: Path, tmp_path: Path, model: Model, command: str) -> None:
    """Where results, a report or a model cannot be written, the work ends with status 1 and a line that says where."""
    (tmp_path / "one.txt").write_text(NEWS)
    answer = {"id": "a", "source": "pier.example", "status": "ok", "blocks": [], "model": {"name": "x", "digest": "y"}}
    (tmp_path / "results.jsonl").write_text(json.dumps(answer) + "\n")
    if command == "save":
        with pytest.raises(Exception, match="choose a folder that you may write to") as refused:
            save_model(read_only / "model", model.kinds, model.labels, {})
        assert "\n" not in str(refused.value)
        return
    given = {"score": [tmp_path / "one.txt", "-o", read_only / "out.jsonl"], "report": [tmp_path / "results.jsonl", "-o", read_only / "out.html"]}[command]
    done = CliRunner().invoke(main, [command, *map(str, given)])
    assert (done.exit_code, done.stderr.count("\n")) == (1, 1)
    assert "read-only" in done.stderr
    assert isinstance(done.exception, SystemExit)


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGKILL], ids=lambda sent: sent.name)
def test_a_fit_that_is_ended_leaves_the_model_that_was_there(tmp_path: Path, model: Model, sent: signal.Signals) -> None:
    """Whenever `copydesk train` is ended, politely or not, while it begins, while it fits or while it saves, the model in its folder is the old one, whole."""
    folder, few = tmp_path / "model", tmp_path / "few.jsonl"
    few.write_text(FEW)
    calibration = replace(model.labels.calibration, offset=model.labels.calibration.offset + 0.001)
    before = save_model(folder, model.kinds, replace(model.labels, calibration=calibration), {}).identity.digest
    for seconds in (0.3, 4):
        until = time.monotonic() + seconds
        end_fit(sent, lambda until=until: time.monotonic() > until, PROGRAM, ROOT / "seeds", "-o", folder)
        assert load_model(folder).identity.digest == before
    end_fit(sent, lambda: any(folder.glob(f".{ARRAYS}.*.tmp")), SLOW_DISK, few, "--from", default_model(), "-o", folder)
    assert load_model(folder).identity.digest == before


@pytest.mark.parametrize(("sent", "jobs", "send"), [(signal.SIGTERM, 1, os.kill), (signal.SIGTERM, 2, os.killpg), (signal.SIGINT, 2, os.killpg)])
def test_a_run_that_is_told_to_stop(tmp_path: Path, sent: signal.Signals, jobs: int, send: Callable[[int, int], None]) -> None:
    """SIGTERM and Ctrl-C, to the command alone or to its workers too, end a run at once with one line, the status that shells give, and no worker left;
    `--resume` ends it with the bytes of a run that was not stopped."""
    articles, out, whole = tmp_path / "articles", tmp_path / "out.jsonl", tmp_path / "whole.jsonl"
    articles.mkdir()
    for number in range(400):
        (articles / f"{number:03}.txt").write_text(f"Vote number {number}. {NEWS}")
    with scored_slowly(articles, "--jobs", jobs, "-o", out) as process:
        workers = children(process.pid)
        send(process.pid, sent)
        said = process.communicate(timeout=PATIENCE)[1]
    assert (process.returncode, said) == (128 + sent, f"Error: stopped by {sent.name}; go on with --resume\n")
    assert len(workers) == jobs
    assert not any(Path(f"/proc/{worker}").exists() for worker in workers)
    assert sorted(os.listdir(tmp_path)) == ["articles", "out.jsonl.part", "out.jsonl.part.ledger"]
    for path in (out, whole):
        assert CliRunner().invoke(main, ["score", str(articles), "-o", str(path), "--resume"]).exit_code == 0
    assert out.read_bytes() == whole.read_bytes()


@contextmanager
def scored_slowly(articles: Path, *options: object) -> Iterator[subprocess.Popen[str]]:
    """`copydesk score`, in a session of its own, once some of its results are safe and others are not."""
    command, ledger = [sys.executable, "-c", SLOW_SCORING, "score", str(articles), *map(str, options)], Path(f"{options[-1]}.part.ledger")
    with subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
        while process.poll() is None and not (ledger.exists() and ledger.read_bytes().count(b"\n") > 2):
            time.sleep(0.01)
        assert process.poll() is None, "it has ended by itself"
        yield process


def test_two_fits_do_not_write_one_folder(tmp_path: Path) -> None:
    """While one `copydesk train` writes a folder, another is refused in one line; what the first leaves is its model, whole."""
    folder, few = tmp_path / "model", tmp_path / "few.jsonl"
    few.write_text(FEW)
    given = ["train", str(few), "--from", str(default_model()), "-o", str(folder)]
    with subprocess.Popen([sys.executable, "-c", SLOW_DISK, *given], env={**os.environ, "PYTHONPATH": str(ROOT)}) as first:
        while first.poll() is None and not any(folder.glob("*")):
            time.sleep(0.01)
        second = CliRunner().invoke(main, [*given, "--seed", "1"])
        assert first.poll() is None, "it ended before the second began"
    assert (second.exit_code, second.stderr) == (1, f"Error: another fit is writing {folder}; wait for it, or name another folder\n")
    assert first.returncode == 0
    assert load_model(folder).manifest["seed"] == 0
    assert CliRunner().invoke(main, ["model", "verify", "--model", str(folder)]).exit_code == 0
    assert CliRunner().invoke(main, [*given, "--seed", "1"]).exit_code == 0


def test_two_runs_to_one_output_leave_that_of_the_first(tmp_path: Path) -> None:
    """While one `copydesk score` writes a file, another is refused in one line, and the first ends as if it had been alone."""
    articles, out, whole = tmp_path / "articles", tmp_path / "out.jsonl", tmp_path / "whole.jsonl"
    articles.mkdir()
    for number in range(300):
        (articles / f"{number:03}.txt").write_text(f"Vote number {number}. {NEWS}")
    with scored_slowly(articles, "--quiet", "-o", out) as first:
        for options in ([], ["--resume"]):
            second = CliRunner().invoke(main, ["score", str(articles), "-o", str(out), *options])
            assert (second.exit_code, second.stderr) == (1, f"Error: another run is writing {out}; wait for it, or choose another file\n")
        assert first.communicate(timeout=PATIENCE)[1] == ""
    assert CliRunner().invoke(main, ["score", str(articles), "-o", str(whole)]).exit_code == 0
    assert out.read_bytes() == whole.read_bytes()
    assert sorted(os.listdir(tmp_path)) == ["articles", "out.jsonl", "whole.jsonl"]


def test_a_run_that_begins_as_another_ends_leaves_its_output_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the part became the output after this run had opened it, the run is refused, and nothing is cut off the output."""
    out, lock = tmp_path / "out.jsonl", part._lock
    out.with_name("out.jsonl.part").write_bytes(b"whole\n")

    def late(ledger: FileIO, output: Path) -> None:
        os.replace(out.with_name("out.jsonl.part"), out)
        lock(ledger, output)

    monkeypatch.setattr(part, "_lock", late)
    with pytest.raises(part.ResumeError, match="start it again"):
        part.Part(out, {})
    assert out.read_bytes() == b"whole\n"


def end_fit(sent: signal.Signals, reached: Callable[[], bool], program: str, *arguments: object) -> None:
    """Start `copydesk train` and send it a signal as soon as something is reached, which it must live to see."""
    command = [sys.executable, "-c", program, "train", *map(str, arguments)]
    with tempfile.TemporaryFile() as said:  # a pipe would stay open as long as its workers live
        process = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=said)
        while process.poll() is None and not reached():
            time.sleep(0.01)
        assert process.poll() is None, "it has ended by itself"
        process.send_signal(sent)
        assert process.wait(PATIENCE) == -sent
        said.seek(0)
        assert b"Traceback" not in said.read()


def test_a_worker_that_is_killed_is_replaced(tmp_path: Path) -> None:
    """After kill -9 of a process that serves, another takes its place and answers."""
    with served(tmp_path) as server:
        [worker] = children(server.process.pid)
        os.kill(int(worker), signal.SIGKILL)
        answer = requests.post(f"{server.url}/v1/classify", json={"text": NEWS}, timeout=PATIENCE)
        assert answer.json()["status"] == "ok"
        assert children(server.process.pid) != [worker]


def children(process: int) -> list[str]:
    """The processes that a process started, as numbers."""
    listed = Path(f"/proc/{process}/task/{process}/children")
    if not listed.exists():
        pytest.skip("which processes are at work is read from /proc")
    return listed.read_text().split()
