"""From labelled data to answers: train, save, load, evaluate, score."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from service.cli import main
from tests.serving import COMMAND, ROOT
from tests.test_machine import FEW
from training.errors import DataError
from training.fit import fit
from training.labelled import read_corpus
from training.model import MANIFEST, load_model

SEEDS = ROOT / "seeds"


HELD_OUT = {"commonground.example", "ostrandwire.example"}


def rows_of(name: str) -> list[dict[str, Any]]:
    """The rows of one file of the seeds."""
    return [json.loads(line) for line in (SEEDS / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The labelled articles of the seeds and every tenth row of all else, which is learnt in a third of the time."""
    folder = tmp_path_factory.mktemp("seeds")
    for file in SEEDS.glob("*.jsonl"):
        rows = file.read_text(encoding="utf-8").splitlines(keepends=True)
        (folder / file.name).write_text("".join(rows[:: 1 if file.name == "labelled.jsonl" else 10]), encoding="utf-8")
    shutil.copytree(SEEDS / "articles", folder / "articles")
    return folder


@pytest.fixture(scope="module")
def trained(seeds: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model fitted on seeds alone, by the documented command."""
    folder = tmp_path_factory.mktemp("models") / "mine"
    done = CliRunner().invoke(main, ["train", str(seeds), "-o", str(folder), "--evaluate", str(seeds)])
    assert done.exit_code == 0, done.output
    return folder


def test_the_seeds_give_a_usable_model(trained: Path, seeds: Path) -> None:
    """A model fitted on seeds knows them: it keeps the articles, drops what is not theirs, and tells the labels."""
    done = CliRunner().invoke(main, ["evaluate", str(seeds), "--model", str(trained), "--json"])
    figures = {name: figure["value"] for name, figure in json.loads(done.stdout).items()}
    assert figures["macro F1, strict"] > 0.9
    assert figures["body kept"] > 0.96
    assert figures["boilerplate dropped"] > 0.82


def test_the_card_and_manifest_say_what_the_model_is(trained: Path) -> None:
    """Digest, data and figures stand on the card, and the digest is that of the arrays."""
    manifest = json.loads((trained / MANIFEST).read_text())
    assert manifest["digest"] == "sha256:" + hashlib.sha256((trained / "model.joblib").read_bytes()).hexdigest()
    card = (trained / "README.md").read_text()
    assert manifest["digest"] in card
    assert "labelled.jsonl" in card
    assert "macro F1, strict" in card


def test_a_model_answers_as_it_did_where_it_was_fitted(trained: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(trained, copy)
    assert CliRunner().invoke(main, ["model", "verify", "--model", str(copy)]).exit_code == 0
    manifest = json.loads((copy / "manifest.json").read_text("utf-8"))
    manifest["smoke"][1]["probability"] += 0.001
    (copy / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    done = CliRunner().invoke(main, ["model", "verify", "--model", str(copy)])
    assert done.exit_code == 1 and "does not answer here as it did where it was fitted" in done.stderr


@pytest.fixture(scope="module")
def of_some_outlets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every second labelled article of some outlets, some letters and furniture among them, those of the others, and a model fitted on
    the former."""
    folder = tmp_path_factory.mktemp("outlets")
    rows = [{**row, "id": ""} for row in rows_of("labelled")]
    held = [row for row in rows if row["source"] in HELD_OUT]
    rest = [row for row in rows if row not in held][::2] + rows_of("letters")[::10] + rows_of("furniture")[::10]
    for name, chosen in (("rest", rest), ("held", held)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in chosen), encoding="utf-8")
    done = CliRunner().invoke(main, ["train", str(folder / "rest.jsonl"), "-o", str(folder / "model")])
    assert done.exit_code == 0, done.output
    return folder


def test_the_same_data_and_seed_give_the_same_bytes(of_some_outlets: Path, tmp_path: Path) -> None:
    """A refit in another process with another hash seed is the same file."""
    environment = {**os.environ, "PYTHONHASHSEED": "7", "OMP_NUM_THREADS": "1"}
    command = [*COMMAND, "train", str(of_some_outlets / "rest.jsonl"), "-o", str(tmp_path / "again")]
    subprocess.run(command, check=True, env=environment, cwd=ROOT, capture_output=True)
    assert (tmp_path / "again" / "model.joblib").read_bytes() == (of_some_outlets / "model" / "model.joblib").read_bytes()


def test_a_held_out_outlet_is_scored_as_well_as_can_be(of_some_outlets: Path) -> None:
    """A model that has not seen an outlet does worse on it than one that has: figures on seen outlets are memory, and are not shown as skill."""
    done = CliRunner().invoke(main, ["evaluate", str(of_some_outlets / "held.jsonl"), "--model", str(of_some_outlets / "model"), "--json"])
    unseen = json.loads(done.stdout)["macro F1, strict"]["value"]
    assert 0.55 < unseen < 0.97


def test_what_data_cannot_teach_comes_from_another_model(trained: Path, tmp_path: Path) -> None:
    """Flat passages teach labels alone; the kinds are taken from the model named with --from."""
    rows = rows_of("labelled")
    flat = [{"text": block["text"], "label": block["label"], "source": row["source"]} for row in rows for block in row["blocks"] if block["kind"] == "body"]
    (tmp_path / "flat.jsonl").write_text("".join(json.dumps(row) + "\n" for row in flat), encoding="utf-8")
    corpus = read_corpus([tmp_path / "flat.jsonl"])
    with pytest.raises(DataError, match="--from"):
        fit(corpus)
    base = load_model(trained)
    kinds, labels = fit(corpus, base=base)
    assert kinds is base.kinds and labels is not base.labels


REPORTED = {"text": "The board met.", "kind": "body", "label": "reporting", "sure": 3}


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ([{"text": "The board met.", "label": "reporting", "source": "a.example"}], "boilerplate"),
        ([{"text": f"The board met {n} times.", "label": "reporting", "source": f"{n % 6}.example"} for n in range(60)], "boilerplate"),
        ([{"id": "a", "source": "a.example", "blocks": [REPORTED, {"text": "Log in", "kind": "navigation"}]}], "2 sources"),
        ([{"id": "a", "html": "<p>The board met on Monday.</p><p>Log in</p>", "gold": "The board met on Monday."}], "boilerplate"),
    ],
)  # fmt: skip
def test_data_that_teach_nothing_make_no_model(told: list[dict[str, object]], said: str, trained: Path, tmp_path: Path) -> None:
    """Neither by themselves nor beside another model, which would come out as it was under a card that says otherwise."""
    (tmp_path / "told.jsonl").write_text("".join(json.dumps(row) + "\n" for row in told))
    for base in ([], ["--from", str(trained)]):
        done = CliRunner().invoke(main, ["train", str(tmp_path / "told.jsonl"), "-o", str(tmp_path / "model"), *base])
        assert (done.exit_code, done.stdout) == (1, "")
        assert said in done.stderr and done.stderr.count("\n") == 1
        assert not (tmp_path / "model").exists() or not any((tmp_path / "model").iterdir())


def test_labels_that_one_source_alone_has_are_refused_in_one_line(trained: Path, tmp_path: Path) -> None:
    """What cannot be learnt when that source is held out is an error of the data, not of the fit."""
    rows = [{"text": f"The board met {n} times.", "label": "editorial" if n % 6 == 0 else "reporting", "source": f"{n % 6}.example"} for n in range(60)]
    (tmp_path / "flat.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = CliRunner().invoke(main, ["train", str(tmp_path / "flat.jsonl"), "-o", str(tmp_path / "model"), "--from", str(trained)])
    assert (done.exit_code, done.stdout) == (1, "")
    assert "add articles of other sources" in done.stderr and done.stderr.count("\n") == 1


def test_a_card_says_what_a_model_was_made_of(trained: Path, tmp_path: Path) -> None:
    """The model that gave a part is named, in the command too; figures on sources that were learnt from say so; of who labelled it, and in what language,
    the card says what it was told and nothing else."""
    flat, folder, note = tmp_path / "flat.jsonl", tmp_path / "model", tmp_path / "note.md"
    flat.write_text(FEW)
    note.write_text("- Two {editors} labelled it.\n")
    done = CliRunner().invoke(main, ["train", str(flat), "-o", str(folder), "--from", str(trained), "--evaluate", str(flat), "--note", str(note)])
    assert done.exit_code == 0, done.output
    card = (folder / "README.md").read_text()
    assert f"--from {trained} --note {note} -o {folder}" in card
    untold = (trained / "README.md").read_text()
    assert "\n- Two {editors} labelled it.\n" in card and "was not said" not in card
    assert "was not said" in untold and not {"English", "kappa"} & set(re.findall(r"\w+", untold))
    assert load_model(trained).identity.digest in card
    assert "7 of whose 7 sources it was fitted on" in card


def test_the_shipped_card_says_what_is_known_of_its_data() -> None:
    """What its command gives as `--note` stands on it whole."""
    card = (ROOT / "models" / "default" / "README.md").read_text("utf-8")
    assert "--note models/default.md" in card
    assert (ROOT / "models" / "default.md").read_text("utf-8") in card


def test_too_little_data_is_refused_in_one_line(tmp_path: Path) -> None:
    """A handful of passages gives a message, not a model."""
    (tmp_path / "few.jsonl").write_text('{"text": "The board met on Monday.", "label": "reporting", "source": "a.example"}\n')
    done = CliRunner().invoke(main, ["train", str(tmp_path / "few.jsonl"), "-o", str(tmp_path / "model")])
    assert done.exit_code == 1
    assert "too few labelled" in done.stderr
    assert not (tmp_path / "model").exists()
