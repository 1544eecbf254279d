"""Manifests of models that others made: whatever they say, each door uses the model or refuses it in one line."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from service.cli import main
from service.made_by import card_of
from service.wire import to_json
from tests.serving import ROOT
from training.errors import ModelError
from training.model import ARRAYS, MANIFEST, Model, default_model, load_model, save_model
from training.smoke import smoke_test

ARRAYS_OF_THEIRS = b"arrays"
MANIFEST_OF_OURS: dict[str, Any] = {
    **json.loads((default_model() / MANIFEST).read_bytes()),
    "digest": "sha256:" + hashlib.sha256(ARRAYS_OF_THEIRS).hexdigest(),
}
DELETED = object()
DEEP = json.loads("[" * 500 + "]" * 500)
OTHERS = [DELETED, None, "", "a\nb\x1b[2J", "\ud800", -1, 10**400, 1e15, True, [], {}, [None], {"a": None}, [[]], {"value": "much"}, DEEP]
"""What may stand in the place of any part of a manifest."""


def places(held: Any, *above: Any) -> Iterator[tuple[Any, ...]]:
    """Where something stands in a manifest, as keys and indices; of lists and figures, the first."""
    inside = held.items() if isinstance(held, dict) else enumerate(held) if isinstance(held, list) else ()
    for key, value in list(inside)[: 1 if above in (("figures",), ("versions",)) or isinstance(held, list) else None]:
        yield (*above, key)
        yield from places(value, *above, key)


def changed(place: tuple[Any, ...], other: Any) -> dict[str, Any]:
    """Our manifest with something else, or nothing, at one place."""
    manifest = json.loads(json.dumps(MANIFEST_OF_OURS))
    held = manifest
    for key in place[:-1]:
        held = held[key]
    if other is DELETED:
        del held[place[-1]]
    else:
        held[place[-1]] = other
    return dict(manifest)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("theirs") / "model"
    folder.mkdir()
    (folder / ARRAYS).write_bytes(ARRAYS_OF_THEIRS)
    return folder


@pytest.fixture
def results(folder: Path) -> Path:
    """Results of that model."""
    answer = {"id": "a", "source": "pier.example", "status": "ok", "blocks": [], "model": {"name": "x", "digest": MANIFEST_OF_OURS["digest"]}}
    path = folder.parent / "results.jsonl"
    path.write_text(json.dumps(answer) + "\n")
    return path


@pytest.fixture
def same_arrays(monkeypatch: pytest.MonkeyPatch, model: Model) -> None:
    """Whatever the file of arrays holds, it is the shipped model: to unpack and try it hundreds of times would take minutes."""
    monkeypatch.setattr("training.model._DataUnpickler", lambda content: type("Same", (), {"load": lambda self: {}})())
    monkeypatch.setattr("training.model._strings", lambda held: {"kinds": {}, "labels": {}})
    monkeypatch.setattr("training.model.KindClassifier.from_arrays", lambda arrays: model.kinds)
    monkeypatch.setattr("training.model.Labeller.from_arrays", lambda arrays: model.labels)
    monkeypatch.setattr("training.smoke.answers", lambda model: MANIFEST_OF_OURS["smoke"])


@pytest.mark.usefixtures("same_arrays")
@pytest.mark.parametrize("place", list(places(MANIFEST_OF_OURS)), ids=lambda place: ".".join(map(str, place)))
def test_each_part_of_a_manifest_may_be_anything(folder: Path, place: tuple[Any, ...]) -> None:
    """With any part of it gone, or of another type, size or depth, a model is used by every door or refused in one line."""
    for other in OTHERS:
        (folder / MANIFEST).write_text(json.dumps(changed(place, other)))
        try:
            theirs = load_model(folder)
            json.loads(to_json(dict(theirs.manifest)), parse_constant=pytest.fail)
            json.dumps(dict(theirs.manifest), indent=1)
            card = card_of([theirs.identity], folder)
            assert card and to_json(card.as_dict())
            assert theirs.identity.name.isprintable()
            smoke_test(theirs)
        except ModelError as refused:
            assert "\n" not in refused.message
            assert "`copydesk train`" in refused.message or "restore it" in refused.message


@pytest.mark.usefixtures("same_arrays")
@pytest.mark.parametrize("place", [(key,) for key in MANIFEST_OF_OURS], ids=lambda place: ".".join(map(str, place)))
@pytest.mark.parametrize("other", [DELETED, {"a": [10**400]}], ids=["gone", "huge"])
def test_the_commands_answer_or_end_with_one_line(folder: Path, results: Path, place: tuple[Any, ...], other: Any) -> None:
    """`copydesk model show`, `model verify` and `report --model` with a manifest that somebody broke: an answer, or status 1 and one line."""
    (folder / MANIFEST).write_text(json.dumps(changed(place, other)))
    for command in (["model", "show"], ["model", "verify"], ["report", results, "-o", folder.parent / "report.html"]):
        done = CliRunner().invoke(main, [*map(str, command), "--model", str(folder)])
        assert done.exception is None or isinstance(done.exception, SystemExit)
        assert done.exit_code == 0 or (done.exit_code, done.stderr.count("\n"), done.stderr[:7]) == (1, 1, "Error: ")


@pytest.mark.parametrize(
    ("place", "other"),
    [
        (("name",), 7),
        (("name",), "a\nb"),
        (("figures",), []),
        (("figures", "AUC, strict", "value"), "high"),
        (("figures", "AUC, strict", "interval"), [1]),
        (("figures", "AUC, strict"), None),
        (("data", 0), "passages.jsonl"),
        (("data", 0, "rows"), "many"),
        (("held_out", 0, "file"), None),
        (("for_kinds",), {"file": "a", "rows": 1}),
        (("anything",), DEEP),
        (("anything",), 10**400),
        (("anything",), "\ud800"),
    ],
)
def test_what_cannot_be_used_is_refused_when_it_is_loaded(folder: Path, place: tuple[Any, ...], other: Any) -> None:
    """A part that a report or an answer would stumble over is found when the model is loaded, and the message says where it stands."""
    (folder / MANIFEST).write_text(json.dumps(changed(place, other)))
    with pytest.raises(ModelError, match=str(place[0]) if other not in (10**400, "\ud800") else "cannot read") as refused:
        load_model(folder)
    assert "\n" not in refused.value.message


@pytest.mark.usefixtures("same_arrays")
def test_a_figure_that_could_not_be_told_is_none(folder: Path) -> None:
    """Where a manifest says nan, JSON that programs read says null, and the report's card leaves the figure out."""
    (folder / MANIFEST).write_text(json.dumps(changed(("figures", "AUC, strict", "value"), float("nan"))))
    theirs = load_model(folder)
    assert theirs.manifest["figures"]["AUC, strict"]["value"] is None
    card = card_of([theirs.identity], folder)
    assert card and "AUC, strict" not in {figure.name for figure in card.figures} and len(card.figures) > 3


@pytest.mark.parametrize("door", ["score ARTICLE", "strip ARTICLE", "compare ARTICLE ARTICLE", "evaluate SEEDS", "model verify"])
def test_a_model_that_answers_otherwise_is_refused_at_every_door(tmp_path: Path, door: str) -> None:
    """A whole model whose manifest says other answers than it gives here scores nothing, whichever command is to use it."""
    theirs = tmp_path / "theirs"
    shutil.copytree(default_model(), theirs)
    manifest = json.loads((theirs / MANIFEST).read_bytes())
    manifest["smoke"][0]["kind_probability"] -= 0.001
    (theirs / MANIFEST).write_text(json.dumps(manifest))
    article = next((ROOT / "seeds" / "articles").rglob("*.txt"))
    command = door.replace("ARTICLE", str(article)).replace("SEEDS", str(ROOT / "seeds")).split()
    done = CliRunner().invoke(main, [*command, "--model", str(theirs)])
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "does not answer here as it did where it was fitted" in done.stderr


@pytest.mark.parametrize("name", [MANIFEST, ARRAYS])
@pytest.mark.parametrize("kind", ["pipe", "device", "huge", "itself"])
def test_a_model_folder_is_never_waited_for(folder: Path, tmp_path: Path, name: str, kind: str) -> None:
    """A pipe, a device without end, a file larger than memory or a link to itself in the place of a file is refused at once."""
    (tmp_path / MANIFEST).write_text(json.dumps(MANIFEST_OF_OURS))
    path = tmp_path / name
    path.unlink(missing_ok=True)
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "huge":
        path.touch()
        os.truncate(path, 10**13)
    else:
        path.symlink_to("/dev/zero" if kind == "device" else path)
    with pytest.raises(ModelError, match="cannot read"):
        load_model(tmp_path)


@pytest.mark.parametrize("part", ["kinds", "labels"])
def test_arrays_that_do_not_fit_together_are_one_line(tmp_path: Path, model: Model, part: str) -> None:
    """Each array of a model cut to its first half, under a manifest that names the file: it is refused, when it is loaded or when it is tried."""
    held = getattr(model, part).arrays()
    for name, array in held.items():
        if np.ndim(array) == 0 or isinstance(array, tuple):
            continue
        other = {**held, name: array[: len(array) // 2]}
        parts = {"kinds": model.kinds, "labels": model.labels, part: type("Cut", (), {"arrays": lambda self, other=other: other})()}
        save_model(tmp_path / "cut", parts["kinds"], parts["labels"], {"smoke": MANIFEST_OF_OURS["smoke"]})
        with pytest.raises(ModelError) as refused:
            smoke_test(load_model(tmp_path / "cut"))
        assert "\n" not in refused.value.message, name
