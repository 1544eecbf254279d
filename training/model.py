"""A model folder: `model.joblib` (plain arrays and strings), `manifest.json` (what it is and where it came from) and `README.md`, its card.

A joblib file is a pickle, and a pickle can run code. Ours holds nothing but arrays and strings, and loading allows nothing else, so that a
model file is data. The digest in the manifest is of the very bytes that are then loaded.
"""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import pickle
import platform
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import version
from math import isfinite
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, NoReturn

import joblib
import numpy as np
from joblib.numpy_pickle import NumpyArrayWrapper, NumpyUnpickler

from training.errors import ModelError
from training.kinds import KindClassifier
from training.labels import Labeller

FORMAT = 7
"""Raised when the arrays' names or meanings change."""
ARRAYS, MANIFEST, CARD = "model.joblib", "manifest.json", "README.md"
NEXT = ".manifest.json.next"
"""The manifest of arrays that are being written. Where a save was cut short between arrays and manifest, it is the one that fits."""
MAX_BYTES, MAX_MANIFEST_BYTES = 200_000_000, 10_000_000
MOST_DIGITS = 18
"""Digits of a whole number in a manifest; a longer one counts nothing that there is, and does not fit where numbers go."""
DEEPEST = 20
"""Lists and objects in one another in a manifest. Ours has four."""
FILES = ("data", "for_kinds", "held_out")
"""Where a manifest names the files that a model was fitted and measured on."""
NUMBERS = ("b1", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8")
"""The types of numbers that an array may hold, as NumPy names them."""
INSTRUCTIONS = (
    "PROTO FRAME MARK STOP MEMOIZE BINGET LONG_BINGET EMPTY_DICT SETITEM SETITEMS EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3 NONE NEWTRUE NEWFALSE"
    " BININT BININT1 BININT2 LONG1 SHORT_BINUNICODE BINUNICODE GLOBAL STACK_GLOBAL NEWOBJ REDUCE BUILD"
)
"""The pickle instructions that joblib needs for such dictionaries; a file with another is refused."""


class Identity(NamedTuple):
    """What every result says of the model that made it: its folder's name and the sha256 of its arrays."""

    name: str
    digest: str


@dataclass(frozen=True, slots=True)
class Model:
    """The two classifiers, who they are, and what the manifest says of them."""

    identity: Identity
    kinds: KindClassifier
    labels: Labeller
    manifest: Mapping[str, Any]


def default_model() -> Path:
    """Folder of the shipped model: inside the installed package, or beside it in a clone."""
    here = Path(__file__).resolve().parent
    inside = here / "models" / "default"
    return inside if inside.is_dir() else here.parent / "models" / "default"


def save_model(folder: Path, kinds: KindClassifier, labels: Labeller, about: Mapping[str, Any]) -> Model:
    """Write a model folder; ended at any moment, it leaves the model that was there or the new one.

    `about` goes into the manifest as it is (training data, parameters, figures)."""
    content = io.BytesIO()
    joblib.dump({"kinds": _plain(kinds.arrays()), "labels": _plain(labels.arrays())}, content)
    digest = "sha256:" + hashlib.sha256(content.getvalue()).hexdigest()
    manifest = {
        "format": FORMAT,
        "name": folder.resolve().name,
        "digest": digest,
        "bytes": len(content.getvalue()),
        "versions": {"python": platform.python_version(), **{name: version(name) for name in ("numpy", "scikit-learn", "joblib", "copydesk")}},
        **about,
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / NEXT, (json.dumps(manifest, indent=1, ensure_ascii=False) + "\n").encode())
        write_whole(folder / ARRAYS, content.getvalue())
        os.replace(folder / NEXT, folder / MANIFEST)
    except OSError as error:
        raise ModelError(f"cannot write the model to {folder}: {error.strerror}; choose a folder that you may write to") from error
    return Model(Identity(manifest["name"], digest), kinds, labels, manifest)


def load_model(folder: Path, expect: str | None = None) -> Model:
    """Load a model folder; raises ModelError where it is missing, damaged, of another format, or holds anything but data.

    `expect` is the digest that it must have, known from elsewhere than the folder; another model is refused (`another-model`) before it is unpickled."""
    manifest = _manifest(folder, MANIFEST)
    try:
        content = _read(folder / ARRAYS, MAX_BYTES)
    except OSError as error:
        raise ModelError(f"cannot read {folder / ARRAYS}: {error.strerror}; refit with `copydesk train` or name another folder with --model") from error
    digest = "sha256:" + hashlib.sha256(content).hexdigest()
    if expect is not None and digest.removeprefix("sha256:") != expect.strip().lower().removeprefix("sha256:"):
        raise ModelError(f"{folder / ARRAYS} is {digest}, not the {expect} that is expected; restore the model, or expect the new one", "another-model")
    if digest != manifest.get("digest") and (folder / NEXT).exists():
        manifest = _manifest(folder, NEXT)
    if digest != manifest.get("digest"):
        raise ModelError(f"{folder / ARRAYS} is not the file that its manifest names (sha256 differs); restore the folder or refit with `copydesk train`")
    try:
        arrays = _strings(_DataUnpickler(content).load())
        kinds, labels = KindClassifier.from_arrays(arrays["kinds"]), Labeller.from_arrays(arrays["labels"])
    except ModelError:
        raise
    except Exception as error:  # a damaged pickle can raise nearly anything
        raise ModelError(f"{folder / ARRAYS} is damaged ({type(error).__name__}); restore the folder or refit with `copydesk train`") from error
    return Model(Identity(manifest.get("name") or folder.name, digest), kinds, labels, manifest)


@contextmanager
def only_writer(folder: Path) -> Iterator[None]:
    """Make a model folder and keep other fits out of it: two at once would mix their models. The lock (`flock`, the only one that a folder can have)
    ends with this process; some systems have none."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        import fcntl
    except ImportError:
        yield
        return
    held = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ModelError(f"another fit is writing {folder}; wait for it, or name another folder") from None
        except OSError:
            pass  # not every file system has them either
        yield
    finally:
        os.close(held)
        with suppress(OSError):
            folder.rmdir()  # where nothing was written


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that a reader sees the old one or the new one, never a part."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with open(temporary, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def _read(path: Path, most: int) -> bytes:
    """A file's bytes. Never waits, and never reads without end: what is not a regular file, or holds more than `most` bytes, is refused unopened."""
    status = os.stat(path)
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "not a regular file")
    if status.st_size > most:
        raise OSError(errno.EFBIG, f"{status.st_size:,} bytes, and {most:,} are the most")
    return path.read_bytes()


def _manifest(folder: Path, name: str) -> dict[str, Any]:
    path = folder / name
    try:
        manifest = json.loads(_read(path, MAX_MANIFEST_BYTES), parse_int=_whole_number, parse_float=_fraction, parse_constant=_fraction)
        json.dumps(manifest, ensure_ascii=False).encode()  # half a surrogate pair can be read and not written
    except FileNotFoundError:
        raise ModelError(f"{folder} is not a model folder (no {MANIFEST}); name one with --model or fit one with `copydesk train`") from None
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"cannot read {path} ({type(error).__name__}); restore the folder or refit with `copydesk train`") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise ModelError(f"{path} is not of format {FORMAT}, the one this version of Copydesk reads; refit with `copydesk train`")
    wrong = _misshapen(manifest)
    if wrong:
        raise ModelError(f"{path} says {wrong!r} in a form that is not a manifest's; restore the folder or refit with `copydesk train`")
    return manifest


def _whole_number(digits: str) -> int:
    if len(digits) > MOST_DIGITS:
        raise ValueError("a number of too many digits")
    return int(digits)


def _fraction(digits: str) -> float | None:
    """A number as JSON writes it; None for nan, which stands where a figure cannot be told, and for what is no finite number either."""
    return number if isfinite(number := float(digits)) else None


def _misshapen(manifest: Mapping[str, Any]) -> str | None:
    """The first entry of a manifest that is there and cannot be used as `copydesk train` writes it; None where there is none. Others may hold anything,
    as long as they are not too deep to be written again."""
    name, figures = manifest.get("name"), manifest.get("figures")
    if name is not None and not (isinstance(name, str) and name.isprintable()):
        return "name"
    if figures is not None and not (isinstance(figures, dict) and all(map(_is_figure, figures.values()))):
        return "figures"
    for files in FILES:
        named = manifest.get(files)
        if named is not None and not (isinstance(named, list) and all(map(_is_file, named))):
            return files
    return next((entry for entry, held in manifest.items() if not _is_shallow(held)), None)


def _is_figure(said: Any) -> bool:
    if not isinstance(said, dict) or not isinstance(said.get("value"), float | int | None):
        return False
    interval = said.get("interval")
    return interval is None or (isinstance(interval, list) and len(interval) == 2 and all(isinstance(bound, float | int) for bound in interval))


def _is_file(said: Any) -> bool:
    return isinstance(said, dict) and isinstance(said.get("file"), str) and isinstance(said.get("rows"), int)


def _is_shallow(held: Any, levels: int = DEEPEST) -> bool:
    inside = held.values() if isinstance(held, dict) else held if isinstance(held, list) else ()
    return levels > 0 and all(_is_shallow(one, levels - 1) for one in inside)


def _plain(value: Any) -> Any:
    """Tuples of strings become one array of bytes: what is saved is arrays and the names of arrays."""
    if isinstance(value, Mapping):
        return {f"{name}": _plain(held) for name, held in value.items()}
    if isinstance(value, tuple):
        if any("\n" in text for text in value):
            raise ValueError("a stored string holds a newline")
        return {"strings": np.frombuffer("\n".join(value).encode(), np.uint8).copy(), "count": np.array(len(value))}
    return np.asarray(value, order="C")


def _strings(value: Any) -> Any:
    """The way back from `_plain`."""
    if not isinstance(value, dict):
        return value.item() if value.ndim == 0 else value
    if value.keys() == {"strings", "count"}:
        return tuple(value["strings"].tobytes().decode().split("\n")) if value["count"] else ()
    return {name: _strings(held) for name, held in value.items()}


_PLAIN_ARRAY = object()
"""What stands for `numpy.ndarray` in the file: something to compare with and nothing to call."""


class _NumberType:
    """What stands for `numpy.dtype` in the file: the name and the byte order of a type of numbers, and no state that could make it another."""

    def __init__(self, name: object, *_: object):
        self.name, self.order = name, "="

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.order = state[1]

    def dtype(self) -> np.dtype[Any]:
        if self.name not in NUMBERS or self.order not in ("<", ">", "|", "="):
            _refuse(f"an array of {self.name}")
        return np.dtype(f"{self.order}{self.name}")


class _Array(NumpyArrayWrapper):  # type: ignore[misc]
    """joblib's stand-in for an array, read only when it is one of numbers and no larger than the file it comes from."""

    def read(self, unpickler: Any, *args: Any) -> Any:
        numbers: object = self.dtype
        if not isinstance(numbers, _NumberType) or self.subclass is not _PLAIN_ARRAY:
            _refuse("an array of something other than numbers")
        self.dtype: Any = numbers.dtype()
        self.subclass: Any = np.ndarray
        self.allow_mmap = False
        if int(np.prod(self.shape, dtype=object)) * self.dtype.itemsize > unpickler.size:
            _refuse("an array larger than the file")
        return super().read(unpickler, *args)


class _DataUnpickler(NumpyUnpickler):  # type: ignore[misc]
    """Loads dictionaries, strings and arrays of numbers; a file that names anything else is refused before anything of it runs."""

    ALLOWED: ClassVar = {("joblib.numpy_pickle", "NumpyArrayWrapper"): _Array, ("numpy", "ndarray"): _PLAIN_ARRAY, ("numpy", "dtype"): _NumberType}

    def __init__(self, content: bytes):
        self.size = len(content)
        super().__init__("model", io.BytesIO(content), ensure_native_byte_order=True)

    def load_build(self) -> None:
        if not isinstance(self.stack[-2], _Array | _NumberType):
            _refuse("a state for something that is no array")
        super().load_build()

    dispatch: ClassVar = {code: NumpyUnpickler.dispatch[code] for code in (getattr(pickle, name)[0] for name in INSTRUCTIONS.split())}
    dispatch[pickle.BUILD[0]] = load_build

    def find_class(self, module: str, name: str) -> Any:
        try:
            return self.ALLOWED[module, name]
        except KeyError:
            _refuse(f"{module}.{name}")


def _refuse(what: str) -> NoReturn:
    raise ModelError(f"the model file holds {what}, which no Copydesk model does; do not use it, take one from a source that you trust", "hostile-model")
