"""Texts -> tokens: flat arrays, made from a whole batch at once without a Python object for any token.

Training and scoring both stand on these arrays, for kinds and for labels alike, so the text path cannot drift apart.
Characters become code points, code points become classes, runs of a class become tokens, and a token is looked up
in the lexicon by a 64-bit hash of its lowercased characters.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

LOWER, CAPITALISED, UPPER, NUMBER, MARK = range(5)
"""The shapes a token can have; one that begins and ends with capitals is UPPER."""

_SPACE, _LETTER, _DIGIT, _MARK = range(4)
_SHAPES = np.array([MARK, LOWER, NUMBER, MARK], np.uint8)
"""The shape that goes with each class, capitals not looked at."""
_APOSTROPHES = "'’"
_IN_NUMBERS = ".,:"
_TABLED = 0x2100
"""Code points below this (Latin to Arabic, and all common punctuation) are classified by table; the few others one by one."""
_CHUNK = 1 << 17
"""Characters worked on at once: the arrays of one chunk stay in the processor's cache."""
_LONGEST = 1 << 19
"""Characters without white space that may still be one word; beyond, it is cut."""
_WHITE = re.compile(r"\s")
_BASE = 0x9E3779B97F4A7C15
"""Odd, so that its powers can be divided out modulo 2**64."""


class Index:
    """Where each key stands in an array of distinct keys: a hash table that is searched for a whole batch at once.

    Keys are sorted by slot, and `first[slot]` tells where a slot's keys begin; with four slots a key, few slots hold more than one."""

    def __init__(self, keys: NDArray[np.uint64]):
        self._shift = np.uint64(64 - (4 * len(keys) + 1).bit_length())
        slots = self._slots(keys)
        self._order = np.append(np.argsort(slots, kind="stable"), -1)
        self._keys = np.append(keys[self._order[:-1]], np.uint64(0))
        counts = np.bincount(slots, minlength=1 << (64 - int(self._shift)))
        self._first = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)

    def __len__(self) -> int:
        return len(self._keys) - 1

    def find(self, keys: NDArray[np.uint64]) -> NDArray[np.int64]:
        """The place of each key, -1 for one that is not there."""
        slots = self._slots(keys)
        at = self._first[slots]
        hit = self._keys[at] == keys
        found = np.where(hit, self._order[at], -1)
        left = np.flatnonzero(~hit)
        at, end = at[left] + 1, self._first[slots[left] + 1]
        while len(left := left[at < end]):
            at, end = at[at < end], end[at < end]
            hit = self._keys[at] == keys[left]
            found[left[hit]] = self._order[at[hit]]
            at += 1
        return found

    def _slots(self, keys: NDArray[np.uint64]) -> NDArray[np.int64]:
        return (keys * np.uint64(_BASE) >> self._shift).astype(np.int64)


def grouped(keys: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.int64], NDArray[np.int64]]:
    """Each key once, in order; what sorts the keys; and where among the sorted ones each begins."""
    order = np.argsort(keys)
    ordered = keys[order]
    first = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1])[: len(keys)])
    return ordered[first], order, first


class Lexicon:
    """The known words in a fixed order; id 0 means unknown. `words[0]` is empty."""

    def __init__(self, words: Sequence[str]):
        self.words = ("", *words)
        self._index = Index(_hashes(self.words[1:]))
        self._asked: dict[tuple[str, ...], NDArray[np.int32]] = {}

    def __len__(self) -> int:
        return len(self.words)

    @classmethod
    def learn(cls, texts: Sequence[str], least_texts: int) -> Lexicon:
        """Every lowercased token that stands in at least `least_texts` of the texts, sorted."""
        found: Counter[str] = Counter()
        for chunk in _chunks(texts):
            runs = _cut("\n".join(chunk))
            text = np.searchsorted(_starts(chunk), runs.start, side="right") - 1
            once = np.unique(np.stack([runs.hash, text.astype(np.uint64)]), axis=1)[0]
            hashes, first = np.unique(runs.hash, return_index=True)
            counts = np.diff(np.searchsorted(once, hashes), append=len(once))
            joined = "\n".join(chunk)
            for start, end, count in zip(runs.start[first].tolist(), runs.end[first].tolist(), counts.tolist(), strict=True):
                found[_folded(joined[start:end])] += count
        return cls(sorted(word for word, count in found.items() if count >= least_texts))

    def each(self, words: Iterable[str]) -> NDArray[np.int32]:
        """The id of each of the lowercased words. It remembers what it was asked, which is always the same few lists."""
        asked = tuple(words)
        if asked not in self._asked:
            self._asked[asked] = self._ids(_hashes(asked))
            self._asked[asked].setflags(write=False)
        return self._asked[asked]

    def ids(self, words: Iterable[str]) -> NDArray[np.int32]:
        """Ids of those of the lowercased words that are known."""
        found = self.each(words)
        return found[found > 0]

    def read(self, texts: Sequence[str]) -> Tokens:
        """Tokenise a batch."""
        parts = [self._read(chunk) for chunk in _chunks(texts)] or [self._read([])]
        if len(parts) == 1:
            return parts[0]
        before = np.cumsum([0, *(part.texts for part in parts)])
        numbered = [replace(part, text=part.text + shift) for part, shift in zip(parts, before, strict=False)]
        columns = {name: np.concatenate([getattr(part, name) for part in numbered]) for name in _COLUMNS}
        return replace(parts[0], **columns, texts=len(texts))

    def look_up(self, tokens: Tokens) -> Tokens:
        """The same tokens with the ids that their words have here, whichever lexicon read them."""
        return replace(tokens, word=self._ids(tokens.hash))

    def _ids(self, hashes: NDArray[np.uint64]) -> NDArray[np.int32]:
        return (self._index.find(hashes) + 1).astype(np.int32)

    def _read(self, texts: Sequence[str]) -> Tokens:
        runs = _cut("\n".join(texts))
        starts = _starts(texts)
        text = np.repeat(np.arange(len(texts)), np.diff(np.searchsorted(runs.start, starts), append=len(runs.start)))
        begin = starts[text]
        start, end = (runs.start - begin).astype(np.int32), (runs.end - begin).astype(np.int32)
        return Tokens(self._ids(runs.hash), runs.shape, runs.first, text, start, end, runs.hash, len(texts))


def count_tokens(texts: Sequence[str]) -> int:
    """How many tokens the texts have, without holding them."""
    return sum(len(_cut_piece(piece).start) for chunk in _chunks(texts) for piece in _pieces("\n".join(chunk)))


@dataclass(frozen=True, slots=True)
class Tokens:
    """All tokens of a batch in reading order, arrays of shape (tokens,): `word` ids, `shape`, index of the `text` each stands in,
    `first` its first code point as written, `start` and `end` its character offsets into that text, end exclusive, and `hash` of its folded
    characters."""

    word: NDArray[np.int32]
    shape: NDArray[np.uint8]
    first: NDArray[np.uint32]
    text: NDArray[np.int64]
    start: NDArray[np.int32]
    end: NDArray[np.int32]
    hash: NDArray[np.uint64]
    texts: int

    def beginnings(self, texts: NDArray[np.int64], characters: NDArray[np.int64]) -> Tokens:
        """The tokens of some of the texts, in rising order, of each no more than so many characters."""
        place = np.full(self.texts, -1)
        place[texts] = np.arange(len(texts))
        longest = np.zeros(self.texts, np.int64)
        longest[texts] = characters
        chosen = self.picked(self.start < longest[self.text])
        return replace(chosen, text=place[chosen.text], texts=len(texts))

    def picked(self, which: NDArray[np.bool_] | slice) -> Tokens:
        """Some of the tokens, of the same texts."""
        return replace(self, **{name: getattr(self, name)[which] for name in _COLUMNS})

    def lengths(self) -> NDArray[np.int64]:
        """Tokens of each text, shape (texts,)."""
        return np.bincount(self.text, minlength=self.texts)


_COLUMNS = tuple(field.name for field in fields(Tokens) if field.name != "texts")
"""The names of its arrays."""


def among(codes: NDArray[np.uint32], characters: str) -> NDArray[np.bool_]:
    """Whether each code point is one of a few characters."""
    found = np.zeros(len(codes), np.bool_)
    for character in characters:
        found |= codes == ord(character)
    return found


class _Runs(NamedTuple):
    """The tokens of one string: character offsets, shape, and hash of the folded characters."""

    start: NDArray[np.int64]
    end: NDArray[np.int64]
    shape: NDArray[np.uint8]
    first: NDArray[np.uint32]
    hash: NDArray[np.uint64]


class _Alphabet(NamedTuple):
    """What is to be known of each code point below `_TABLED`."""

    kind: NDArray[np.uint8]
    lowered: NDArray[np.uint64]
    upper: NDArray[np.bool_]


def _cut(joined: str) -> _Runs:
    """The tokens of a string, however long."""
    if len(joined) <= _CHUNK:
        return _cut_piece(joined)
    cut: list[_Runs] = []
    before = 0
    for piece in _pieces(joined):
        runs = _cut_piece(piece)
        cut.append(runs._replace(start=before + runs.start, end=before + runs.end))
        before += len(piece)
    return _Runs(*(np.concatenate(columns) for columns in zip(*cut, strict=True)))


def _pieces(joined: str) -> Iterator[str]:
    """A string in pieces that end at white space, as no token holds any, or where there is none for long."""
    begin = 0
    while (least := begin + _CHUNK) < len(joined):
        most = min(begin + _LONGEST, len(joined))
        space = _WHITE.search(joined, least, most)
        end = space.start() if space else most
        yield joined[begin:end]
        begin = end
    yield joined[begin:]


def _cut_piece(joined: str) -> _Runs:
    """A token is a word with its inner apostrophes, a number with its inner marks (3.5, 10:30), or one punctuation mark."""
    codes = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), np.uint32)
    kind, lowered = _classify(codes)
    _join_marks(kind, lowered, codes)

    written, mark = kind != _SPACE, kind == _MARK
    other = kind[1:] != kind[:-1]
    begins, ends = written.copy(), written
    begins[1:] &= other | mark[1:]
    ends[:-1] &= other | mark[:-1]
    start, end = np.flatnonzero(begins), np.flatnonzero(ends) + 1

    power, inverse = _powers(len(codes))
    lowered *= power
    sums = np.empty(len(codes) + 1, np.uint64)
    sums[0] = 0
    np.cumsum(lowered, out=sums[1:])
    hashes = (sums[end] - sums[start]) * inverse[start]

    first = codes[start]
    shape = _SHAPES[kind[start]]
    capital = _upper(first)
    shape[capital] = CAPITALISED
    longer = np.flatnonzero(capital & (end - start > 1))
    shape[longer[_upper(codes[end[longer] - 1])]] = UPPER
    return _Runs(start, end, shape, first, hashes)


def _classify(codes: NDArray[np.uint32]) -> tuple[NDArray[np.uint8], NDArray[np.uint64]]:
    """Kind and lowercased code point of each character: those of one byte, nearly all in most texts, by a table of bytes."""
    alphabet = _alphabet()
    of_byte, lowered_byte = _of_bytes()
    byte = codes.astype(np.uint8).tobytes()
    kind = np.frombuffer(bytearray(byte).translate(of_byte), np.uint8)
    lowered = np.frombuffer(byte.translate(lowered_byte), np.uint8).astype(np.uint64)
    wide = np.flatnonzero(codes > 0xFF)
    far = codes[wide]
    kind[wide], lowered[wide] = alphabet.kind.take(far, mode="clip"), alphabet.lowered.take(far, mode="clip")
    rare = wide[far >= _TABLED]
    for at, code in zip(rare.tolist(), codes[rare].tolist(), strict=True):
        kind[at], lowered[at], _ = _character(code)
    return kind, lowered


def _upper(codes: NDArray[np.uint32]) -> NDArray[np.bool_]:
    """Which code points are capitals."""
    upper: NDArray[np.bool_] = _alphabet().upper.take(codes, mode="clip")
    for at in np.flatnonzero(codes >= _TABLED).tolist():
        upper[at] = chr(codes[at]).isupper()
    return upper


def _join_marks(kind: NDArray[np.uint8], lowered: NDArray[np.uint64], codes: NDArray[np.uint32]) -> None:
    """Make, in place, apostrophes between letters letters, all of one form, and the marks inside numbers digits."""
    mark = np.flatnonzero(kind[1:-1] == _MARK) + 1
    code, before, after = codes[mark], kind[mark - 1], kind[mark + 1]
    in_word = mark[(before == _LETTER) & (after == _LETTER) & among(code, _APOSTROPHES)]
    kind[in_word], lowered[in_word] = _LETTER, ord(_APOSTROPHES[0])
    kind[mark[(before == _DIGIT) & (after == _DIGIT) & among(code, _IN_NUMBERS)]] = _DIGIT


def _character(code: int) -> tuple[int, int, bool]:
    character = chr(code)
    if character.isspace():
        kind = _SPACE
    elif character.isdecimal():
        kind = _DIGIT
    else:
        kind = _LETTER if character.isalnum() else _MARK
    lowered = character.lower()
    return kind, ord(lowered) if len(lowered) == 1 else code, character.isupper()


@cache
def _alphabet() -> _Alphabet:
    kind, lowered, upper = zip(*map(_character, range(_TABLED)), strict=True)
    return _Alphabet(np.array(kind, np.uint8), np.array(lowered, np.uint64), np.array(upper))


@cache
def _of_bytes() -> tuple[bytes, bytes]:
    """Kind and lowercased character of each of the first 256, as tables of bytes."""
    kind, lowered, _ = _alphabet()
    return kind[:256].tobytes(), lowered[:256].astype(np.uint8).tobytes()


def _powers_to(length: int) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    bases = np.full((2, length), _BASE, np.uint64)
    bases[1] = pow(_BASE, -1, 1 << 64)
    bases[:, :1] = 1
    power, inverse = np.multiply.accumulate(bases, axis=1)
    return power, inverse


@cache
def _powers_of_chunk() -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    return _powers_to(_CHUNK)


def _powers(length: int) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """The powers of `_BASE` and of its inverse modulo 2**64, from 0 up to a length. Those of a chunk are kept, which nearly all texts do with."""
    if length > _CHUNK:
        return _powers_to(length)
    power, inverse = _powers_of_chunk()
    return power[:length], inverse[:length]


def _hashes(words: Sequence[str]) -> NDArray[np.uint64]:
    """The hash each folded word has as a token, whatever its characters."""
    codes = np.frombuffer("".join(words).encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)
    end = np.cumsum([len(word) for word in words], dtype=np.int64)
    power, inverse = _powers(len(codes))
    sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(codes * power, dtype=np.uint64)])
    start = np.concatenate([np.zeros(1, np.int64), end[:-1]])[: len(words)]
    hashes: NDArray[np.uint64] = (sums[end] - sums[start]) * inverse[start]
    return hashes


def _folded(token: str) -> str:
    lowered = "".join(chr(_character(ord(character))[1]) for character in token)
    return lowered.replace("’", "'") if len(lowered) > 1 else lowered


def _chunks(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    starts = _starts(texts)
    ends = np.append(starts[1:], 0) - 1
    begin = 0
    while begin < len(texts):
        end = max(begin + 1, int(np.searchsorted(ends[:-1], starts[begin] + _CHUNK, side="right")))
        yield texts[begin:end]
        begin = end


def _starts(texts: Sequence[str]) -> NDArray[np.int64]:
    """Where each text begins in the texts joined by one character."""
    lengths = np.fromiter(map(len, texts), np.int64, len(texts)) + 1
    return np.cumsum(lengths) - lengths
