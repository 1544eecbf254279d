"""The model file is data: what it may hold, and that a hostile or damaged one is refused before anything of it runs."""

from __future__ import annotations

import hashlib
import io
import json
import os
import pickle
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joblib.numpy_pickle import NumpyArrayWrapper

from training import model
from training.errors import ModelError
from training.model import ARRAYS, MANIFEST, _DataUnpickler, _plain, _strings, load_model, save_model, write_whole

HELD = {
    "weights": np.arange(6, dtype=np.float32).reshape(2, 3),
    "words": ("ferry", "", "Zoë"),
    "none": (),
    "more": {"bias": 0.5, "kept": np.array([True, False])},
}


class Fake:
    """A classifier that is nothing but its arrays."""

    def __init__(self, arrays: dict[str, Any]):
        self.held = arrays

    def arrays(self) -> dict[str, Any]:
        return self.held

    @classmethod
    def from_arrays(cls, arrays: dict[str, Any]) -> Fake:
        return cls(arrays)


class Call:
    """Pickles as a call of any function."""

    def __init__(self, function: Callable[..., Any], *arguments: Any):
        self.call = function, arguments

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return self.call


class State:
    """Pickles as something made by a call and then given a state."""

    def __init__(self, function: Callable[..., Any], arguments: tuple[Any, ...], state: Any):
        self.made = function, arguments, state

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...], Any]:
        return self.made


@pytest.fixture(autouse=True)
def _fakes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model, "KindClassifier", Fake)
    monkeypatch.setattr(model, "Labeller", Fake)
    monkeypatch.setattr(model, "version", lambda name: "0")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model folder as it is saved."""
    save_model(tmp_path / "fitted", Fake(HELD), Fake(HELD), {"seed": 7})  # type: ignore[arg-type]
    return tmp_path / "fitted"


def dumped(value: Any) -> bytes:
    content = io.BytesIO()
    joblib.dump(value, content)
    return content.getvalue()


def loaded(content: bytes) -> Any:
    return _strings(_DataUnpickler(content).load())


def put(folder: Path, content: bytes) -> None:
    """Put other arrays into a model folder, with a manifest that names them."""
    (folder / ARRAYS).write_bytes(content)
    manifest = json.loads((folder / MANIFEST).read_text())
    (folder / MANIFEST).write_text(json.dumps({**manifest, "digest": "sha256:" + hashlib.sha256(content).hexdigest()}))


def same(left: Any, right: Any) -> bool:
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(left[name], right[name]) for name in left)
    if isinstance(left, np.ndarray):
        return left.dtype == right.dtype and left.shape == right.shape and bool((left == right).all())
    return bool(left == right)


def test_saved_and_loaded(folder: Path) -> None:
    """A saved model is loaded as it was, under the name and the digest that the manifest gives it."""
    fitted = load_model(folder)
    assert same(HELD, fitted.kinds.held)  # type: ignore[attr-defined]
    assert same(HELD, fitted.labels.held)  # type: ignore[attr-defined]
    assert fitted.identity == ("fitted", "sha256:" + hashlib.sha256((folder / ARRAYS).read_bytes()).hexdigest())
    assert fitted.manifest["seed"] == 7


def test_saving_is_repeatable(folder: Path) -> None:
    """The same model makes the same bytes, and so the same digest."""
    again = save_model(folder.parent / "again", Fake(HELD), Fake(HELD), {})  # type: ignore[arg-type]
    assert again.identity.digest == load_model(folder).identity.digest


@pytest.mark.parametrize("dtype", ["?", "i1", "u1", "<i2", ">u2", "<i4", ">u4", "<i8", ">u8", "<f4", ">f4", "<f8", ">f8"])
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3), (0, 4)])
def test_numbers(dtype: str, shape: tuple[int, ...]) -> None:
    """Numbers and arrays of numbers of every size, shape and byte order come back as they were."""
    array = np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(dtype)
    for form in (array, np.array(array, order="F")):
        back = loaded(dumped({"a": form}))["a"]
        assert np.shape(back) == shape
        assert np.all(back == array)


@pytest.mark.parametrize("protocol", [4, 5])
def test_protocols(protocol: int) -> None:
    """Files of every pickle protocol that a supported Python writes by default are read."""
    content = io.BytesIO()
    joblib.dump(_plain(HELD), content, protocol=protocol)
    assert same(HELD, loaded(content.getvalue()))


@settings(max_examples=50, deadline=None)
@given(
    st.dictionaries(
        st.text(max_size=5), st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\n"), max_size=5), max_size=5).map(tuple), max_size=4
    )
)
def test_any_strings(held: dict[str, tuple[str, ...]]) -> None:
    """Any strings that hold no newline come back as they were."""
    assert loaded(dumped(_plain(held))) == held


def test_newlines_are_not_stored() -> None:
    """A string with a newline is refused when it is stored, not split when it is read."""
    with pytest.raises(ValueError, match="newline"):
        _plain({"words": ("a\nb",)})


HIDDEN_OBJECTS = State(np.dtype, ("V8", False, True), (3, "|", None, ("a",), {"a": (np.dtype("O"), 0)}, 8, 1, 0))
"""A type that holds objects and says that it does not: its values would be pointers out of the file."""


def wrapper(shape: Any = (1,), dtype: Any = None, subclass: Any = np.ndarray) -> bytes:
    """The header of an array as joblib pickles it, alone."""
    return pickle.dumps({"a": NumpyArrayWrapper(subclass, shape, "C", np.dtype("f8") if dtype is None else dtype)}, 4) + bytes(200)


HOSTILE = {
    "a call": lambda run: pickle.dumps(Call(os.system, run), 4),
    "a call under a key": lambda run: dumped({"kinds": Call(os.system, run)}),
    "an old pickle": lambda run: pickle.dumps(Call(os.system, run), 0),
    "a call by hand": lambda run: b"cos\nsystem\n(V" + run.encode() + b"\ntR.",
    "an instance": lambda run: b"(V" + run.encode() + b"\nios\nsystem\n.",
    "eval": lambda run: pickle.dumps(Call(eval, f"__import__('os').system({run!r})"), 4),
    "objects": lambda run: dumped({"a": np.array([Call(os.system, run)], dtype=object)}),
    "objects in a field": lambda run: dumped({"a": np.array([(Call(os.system, run),)], dtype=[("x", "O")])}),
    "another kind of array": lambda run: wrapper(subclass=Call(os.system, run)),
    "a dotted name": lambda run: b"\x80\x04\x8c\x05numpy\x8c\x10ndarray.__init__\x93.",
    "a module inside": lambda run: b"\x80\x04\x8c\x14joblib.numpy_pickle\x8c\x02os\x93.",
    "another wrapper": lambda run: b"\x80\x04\x8c\x13joblib.numpy_pickle\x8c\x0eNDArrayWrapper\x93.",
    "an extension": lambda run: b"\x80\x04\x82\x01.",
    "a persistent name": lambda run: b"\x80\x04\x8c\x02osQ.",
    "an array by call": lambda run: pickle.dumps(Call(np.ndarray, (10**6,), "u1"), 4),
    "hidden objects": lambda run: wrapper(dtype=HIDDEN_OBJECTS),
    "hidden objects in a buffer": lambda run: pickle.dumps(Call(np.ndarray, (1,), HIDDEN_OBJECTS, b"AAAAAAAA"), 4),
    "a state for the class": lambda run: b"\x80\x04\x8c\x13joblib.numpy_pickle\x8c\x11NumpyArrayWrapper\x93N}\x8c\x04readK\x01s\x86b.",
    "a name for a type": lambda run: wrapper(dtype="f8"),
    "strings": lambda run: dumped({"a": np.array(["ferry"])}),
    "dates": lambda run: dumped({"a": np.array(["2021-03-01"], dtype="M8[D]")}),
    "complex numbers": lambda run: dumped({"a": np.array([1j])}),
    "a masked array": lambda run: wrapper(subclass=np.ma.MaskedArray),
    "more than the file": lambda run: wrapper(shape=(10**13,)),
    "more than memory": lambda run: wrapper(shape=(2**40, 2**40)),
    "less than nothing": lambda run: wrapper(shape=(-1,)),
    "twice less than nothing": lambda run: wrapper(shape=(-2, -3)),
    "no shape": lambda run: wrapper(shape="long"),
    "a long string": lambda run: b"\x80\x04X\xff\xff\xff\xff.",
    "a long array of bytes": lambda run: b"\x80\x05\x96" + (10**11).to_bytes(8, "little") + b".",
    "a long frame": lambda run: b"\x80\x04\x95" + (10**11).to_bytes(8, "little") + b".",
    "itself": lambda run: b"\x80\x04}\x94\x8c\x05kindsh\x00s.",
    "many in one another": lambda run: b"\x80\x04" + b"}\x8c\x01a" * 5000 + b"N" + b"s" * 5000 + b".",
    "a list": lambda run: pickle.dumps([1, 2], 4),
    "nothing": lambda run: b"",
    "text": lambda run: b"The ferry sank off Ostrand.",
    "a zip": lambda run: b"PK\x03\x04" + bytes(50),
    "no labels": lambda run: dumped({"kinds": {}}),
    "half a table of strings": lambda run: dumped({"kinds": {"strings": np.zeros(2, np.uint8), "count": np.zeros(3)}, "labels": {}}),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile(folder: Path, name: str) -> None:
    """No file makes loading run, call or allocate anything: it is refused in one line, and the next good file is loaded."""
    good = (folder / ARRAYS).read_bytes()
    ran = folder / "ran"
    put(folder, HOSTILE[name](f"touch {ran}"))
    tracemalloc.start()
    with pytest.raises(ModelError) as refused:
        load_model(folder)
    taken = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert not ran.exists()
    assert taken < 20_000_000
    assert refused.value.code in ("bad-model", "hostile-model")
    assert "\n" not in refused.value.message
    put(folder, good)
    assert same(HELD, load_model(folder).kinds.held)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "name",
    [
        "a call",
        "a call under a key",
        "an old pickle",
        "a call by hand",
        "objects",
        "objects in a field",
        "hidden objects",
        "another kind of array",
        "strings",
        "more than the file",
    ],
)
def test_hostile_is_named(folder: Path, name: str) -> None:
    """A file that holds more than data is called hostile, not damaged, and the message says what it holds and what to do."""
    put(folder, HOSTILE[name]("true"))
    with pytest.raises(ModelError, match=r"the model file holds .*; do not use it") as refused:
        load_model(folder)
    assert refused.value.code == "hostile-model"


def test_too_many_bytes(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """A file beyond the limit is refused before it is unpickled."""
    monkeypatch.setattr(model, "MAX_BYTES", 10)
    with pytest.raises(ModelError, match="bytes"):
        load_model(folder)


def test_swapped_arrays(folder: Path) -> None:
    """Arrays other than those that the manifest names are refused, and not even unpickled."""
    (folder / ARRAYS).write_bytes(HOSTILE["a call"](f"touch {folder / 'ran'}"))
    with pytest.raises(ModelError, match="sha256 differs"):
        load_model(folder)
    assert not (folder / "ran").exists()


@pytest.mark.parametrize("digest", [None, "", "sha256:", "sha256:" + "0" * 64, 7, {}])
def test_swapped_digest(folder: Path, digest: Any) -> None:
    """A manifest without the right digest is refused."""
    manifest = json.loads((folder / MANIFEST).read_text())
    (folder / MANIFEST).write_text(json.dumps({**manifest, "digest": digest}))
    with pytest.raises(ModelError, match="sha256 differs"):
        load_model(folder)


def test_the_expected_digest(folder: Path) -> None:
    """A model whose digest the operator knows from elsewhere is loaded, in whichever way the digest is written."""
    digest = load_model(folder).identity.digest
    for expected in (digest, digest.removeprefix("sha256:"), digest.upper(), f" {digest}\n"):
        assert load_model(folder, expected).identity.digest == digest


@pytest.mark.parametrize("expected", ["", "sha256:", "sha256:" + "0" * 64, "latest"])
def test_another_than_the_expected_digest(folder: Path, expected: str) -> None:
    """A model that was exchanged together with its manifest is refused by the digest kept outside of the folder, and not even unpickled."""
    put(folder, HOSTILE["a call"](f"touch {folder / 'ran'}"))
    with pytest.raises(ModelError, match="that is expected") as refused:
        load_model(folder, expected)
    assert refused.value.code == "another-model"
    assert not (folder / "ran").exists()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b'"text"', b"{}", b'{"format": 0}', b'{"format": "1"}', b"\xff\xfe\x00", b"[" * 100_000])
def test_wrong_manifest(folder: Path, content: bytes) -> None:
    """A manifest that is no manifest, or of another format, is refused with the remedy."""
    (folder / MANIFEST).write_bytes(content)
    with pytest.raises(ModelError, match="refit with `copydesk train`"):
        load_model(folder)


def test_missing(folder: Path) -> None:
    """A folder without a manifest is no model, one without arrays is incomplete, and one that is a file neither."""
    for missing in (folder / "none", folder / ARRAYS):
        with pytest.raises(ModelError):
            load_model(missing)
    (folder / ARRAYS).unlink()
    with pytest.raises(ModelError, match="cannot read"):
        load_model(folder)
    (folder / ARRAYS).mkdir()
    with pytest.raises(ModelError, match="cannot read"):
        load_model(folder)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.1, 0.3, 0.5, 0.9, 0.999])
def test_truncated(folder: Path, share: float) -> None:
    """A file cut short anywhere is refused as damaged."""
    content = (folder / ARRAYS).read_bytes()
    put(folder, content[: int(share * len(content))])
    with pytest.raises(ModelError, match="damaged"):
        load_model(folder)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_damaged(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """A file with any bytes changed either loads as arrays and strings or is refused as a model, and nothing else happens."""
    folder = tmp_path_factory.getbasetemp() / "damaged"
    save_model(folder, Fake(HELD), Fake({}), {})  # type: ignore[arg-type]
    content = bytearray((folder / ARRAYS).read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    put(folder, bytes(content))
    try:
        load_model(folder)
    except ModelError as refused:
        assert refused.code in ("bad-model", "hostile-model")


def test_not_writable(tmp_path: Path) -> None:
    """A model that cannot be written is an error that names the folder."""
    (tmp_path / "file").write_text("")
    with pytest.raises(ModelError, match="cannot write the model"):
        save_model(tmp_path / "file", Fake({}), Fake({}), {})  # type: ignore[arg-type]


@pytest.mark.parametrize("moment", range(6))
def test_ended_while_it_saves(folder: Path, monkeypatch: pytest.MonkeyPatch, moment: int) -> None:
    """Whenever a save over another model is killed, the folder holds the one or the other."""

    class Killed(BaseException):
        pass

    steps = iter(range(100))

    def ended(step: Callable[..., Any]) -> Callable[..., Any]:
        def or_killed(*args: Any) -> Any:
            if next(steps) == moment:
                raise Killed
            return step(*args)

        return or_killed

    other = {"other": np.arange(3)}
    with monkeypatch.context() as context:
        for name in ("fsync", "replace"):
            context.setattr(os, name, ended(getattr(os, name)))
        if moment < 5:
            with pytest.raises(Killed):
                save_model(folder, Fake(other), Fake(HELD), {})  # type: ignore[arg-type]
        else:
            save_model(folder, Fake(other), Fake(HELD), {})  # type: ignore[arg-type]
    found = load_model(folder)
    assert same(found.kinds.held, other if moment > 3 else HELD)  # type: ignore[attr-defined]
    assert found.manifest["digest"] == "sha256:" + hashlib.sha256((folder / ARRAYS).read_bytes()).hexdigest()


def test_write_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file is written whole or stays as it was, and nothing else is left beside it."""
    path = tmp_path / "file"
    write_whole(path, b"old")
    write_whole(path, b"newer")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    for step in ("fsync", "replace"):
        with monkeypatch.context() as context:
            context.setattr(os, step, full)
            with pytest.raises(OSError, match="No space"):
                write_whole(path, b"newest")
    assert path.read_bytes() == b"newer"
    assert list(tmp_path.iterdir()) == [path]
