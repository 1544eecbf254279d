"""Blocks -> features: what can be seen of each block by itself, for a whole batch of articles at once, as arrays.

A bare line and a block of a page have the same features; a bare line stands in no element and has no links.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from training.article import Block, Element
from training.tokens import CAPITALISED, LOWER, MARK, NUMBER, UPPER, Lexicon, Tokens

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

SENTENCE_ENDS = ".!?…。！？।؟"
CLOSING_MARKS = "\"'”’»)]"
ENDS = (SENTENCE_ENDS, CLOSING_MARKS, ":", ",;-–—", "0123456789")
"""What the last character of a block can be; anything else is a sixth case."""
LENGTHS = (1, 2, 3, 5, 8, 13, 21, 36, 61)
"""Bounds, in words, between the classes of length."""
MARKS = ",;:|/@#$©•?!\"“”'’()[]–—-…&%+="
SHINGLE = 4
"""Words in a row that two blocks must share to say the same."""
NUMBERS = 8
"""Numbers are told apart by their length only, up to this many characters."""
TAGS = ("p", "li", "h1", "h2", "h3", "h4", "h5", "h6", "div", "td", "th", "dd", "blockquote", "figcaption", "pre", "button", "span", "section", "a")
"""Elements that a block can stand in directly, told apart by name."""
CONTAINERS = (
    "article", "main", "aside", "nav", "footer", "header", "form", "figure", "table", "ul", "ol", "noscript", "section", "blockquote", "button", "dialog",
)  # fmt: skip
"""Elements that say something of all that stands in them."""
PAIRS = 1 << 15
"""Columns into which pairs of neighbouring words are hashed."""
UNSPACED, UNSPACED_WORD = 0x2E80, 2
"""From this code point on stand the scripts that do not set words apart; a word has about so many of their characters."""
EDGE = -1
"""Stands for the beginning and the end of a block among its words."""


@dataclass(frozen=True, slots=True)
class Look:
    """The blocks of a batch of articles, (blocks,) long unless said otherwise.

    `article` is the index of the article each stands in, `words` its number of words, `shape` its line features (blocks, features),
    `repeats` the share of its shingles that stand elsewhere in the article and `echoes` of those that stood there before,
    `elements` the elements of the batch as texts and `own`, `parent`, `around` (blocks, elements) which of them a block stands in,
    `groups` (blocks, 3) who shares its parent, its grandparent and its kind of element, -1 for a bare line."""

    article: Ints
    articles: int
    tokens: Tokens
    words: Floats
    shape: Floats
    repeats: Floats
    echoes: Floats
    linked: Floats
    elements: list[str]
    own: sparse.csr_array
    parent: sparse.csr_array
    around: sparse.csr_array
    groups: Ints


def look(lexicon: Lexicon, articles: Sequence[Sequence[Block]]) -> Look:
    """Read a batch."""
    blocks = [block for article in articles for block in article]
    article = np.repeat(np.arange(len(articles)), [len(article) for article in articles])
    texts = [block.text for block in blocks]
    tokens = lexicon.read(texts)
    words = np.bincount(tokens.text[tokens.shape != MARK], minlength=len(blocks)).astype(np.float32) + _unspaced_words(texts)
    repeats, echoes = _shared(tokens, article)
    same, before = _same(texts, article)
    linked = np.array([block.linked / max(1, len(block.text)) for block in blocks], np.float32)
    elements, own, parent, around, groups = _structure(blocks)
    shape = np.column_stack([_line(texts, lexicon, tokens, words), repeats, echoes, same, before, linked, linked > 0.5, groups[:, 0] >= 0, _named(elements, own, around)])
    return Look(
        article, len(articles), tokens, words, shape.astype(np.float32), np.maximum(repeats, same), np.maximum(echoes, before),
        linked, elements, own, parent, around, groups,
    )  # fmt: skip


def words_of(seen: Look, known: int) -> tuple[Ints, Ints]:
    """Word columns below `known + NUMBERS` and the block each stands in: numbers become their lengths, unknown words stay at column 0."""
    tokens = seen.tokens
    number = tokens.shape == NUMBER
    length = np.minimum(tokens.end - tokens.start, NUMBERS) - 1
    return np.where(number, known + length, tokens.word).astype(np.int64), tokens.text


def pairs_of(column: Ints, block: Ints) -> tuple[Ints, Ints]:
    """Hashed columns of pairs of neighbouring words, the block's edges included, and the block each stands in."""
    if not len(column):
        return column, block
    starts = np.flatnonzero(np.diff(block, prepend=-1))
    left = np.insert(column, starts, EDGE)
    within = np.insert(block, starts, block[starts])
    right = np.append(left[1:], EDGE)
    mixed = (left + 1).astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + (right + 1).astype(np.uint64) * np.uint64(0xC2B2AE3D27D4EB4F)
    return ((mixed >> np.uint64(40)) % np.uint64(PAIRS)).astype(np.int64), within


def _line(texts: list[str], lexicon: Lexicon, tokens: Tokens, words: Floats) -> Floats:
    """Length, case, marks, first and last character: nothing that depends on the language."""
    count = len(texts)
    chars = np.array([len(text) for text in texts], np.float32)
    at_least_one = np.maximum(words, 1)
    shapes = np.zeros((count, 5), np.float32)
    np.add.at(shapes, (tokens.text, tokens.shape), 1)
    first = np.searchsorted(tokens.text, np.arange(count))
    last_character = np.array([ord(text[-1]) if text else 32 for text in texts])
    ends = np.stack([np.isin(last_character, [ord(mark) for mark in marks]) for marks in ENDS], axis=1)
    opening = np.full(count, -1)
    filled = words_or_marks = shapes.sum(axis=1) > 0
    opening[filled] = tokens.shape[first[words_or_marks]]
    number_of = {word: number for number, word in enumerate(lexicon.words) if len(word) == 1}
    column = np.full(len(lexicon), -1)
    for place, mark in enumerate(MARKS + SENTENCE_ENDS):
        if mark in number_of:
            column[number_of[mark]] = place
    marked = column[tokens.word]
    marks = np.zeros((count, len(MARKS + SENTENCE_ENDS)), np.float32)
    np.add.at(marks, (tokens.text[marked >= 0], marked[marked >= 0]), 1)
    sentences = marks[:, len(MARKS) :].sum(axis=1)
    return np.column_stack(
        [
            np.log1p(chars) / 5,
            np.log1p(words) / 4,
            np.searchsorted(LENGTHS, words, side="right")[:, None] == np.arange(len(LENGTHS) + 1),
            chars / (at_least_one * 8),
            shapes[:, [LOWER, CAPITALISED, UPPER, NUMBER]] / at_least_one[:, None],
            np.log1p(shapes[:, NUMBER]),
            shapes[:, MARK] / (at_least_one + shapes[:, MARK]),
            opening[:, None] == np.arange(5),
            ends,
            ~ends.any(axis=1),
            np.minimum(sentences, 6) / 3,
            sentences / at_least_one * 5,
            np.log1p(marks[:, : len(MARKS)]),
            words == 0,
        ]
    ).astype(np.float32)


def _unspaced_words(texts: list[str]) -> Floats:
    """Words that no space sets apart, (texts,)."""
    if not texts or all(map(str.isascii, texts)):
        return np.zeros(len(texts), np.float32)
    unspaced = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), np.uint32) >= UNSPACED
    edges = np.cumsum([0, *map(len, texts)])
    total = np.concatenate([[0], np.cumsum(unspaced)])
    return (np.diff(total[edges]) / UNSPACED_WORD).astype(np.float32)


def _shared(tokens: Tokens, article: Ints) -> tuple[Floats, Floats]:
    """Share of each block's shingles of known words that other places of the article have, and that earlier places have."""
    spoken = tokens.shape != MARK
    word, text = tokens.word[spoken].astype(np.uint64), tokens.text[spoken]
    blocks = tokens.texts
    if len(word) < SHINGLE:
        return np.zeros(blocks, np.float32), np.zeros(blocks, np.float32)
    whole = text[: len(text) - SHINGLE + 1] == text[SHINGLE - 1 :]
    for place in range(SHINGLE):
        whole &= word[place : place + len(whole)] > 0
    key = article[text[: len(whole)]].astype(np.uint64)
    for place in range(SHINGLE):
        key = key * np.uint64(0x9E3779B97F4A7C15) + word[place : place + len(whole)]
    key, block = key[whole], text[: len(whole)][whole]
    _, first, place, times = np.unique(key, return_index=True, return_inverse=True, return_counts=True)
    counts = np.maximum(np.bincount(block, minlength=blocks), 1)
    elsewhere = np.bincount(block, times[place] > 1, minlength=blocks) / counts
    earlier = np.bincount(block, block[first[place]] < block, minlength=blocks) / counts
    return elsewhere.astype(np.float32), earlier.astype(np.float32)


def _same(texts: list[str], article: Ints) -> tuple[Floats, Floats]:
    """Whether the very same text stands elsewhere in the article, and whether it stood there before."""
    number: dict[tuple[int, str], int] = {}
    keys = np.array([number.setdefault(key, len(number)) for key in zip(article.tolist(), texts, strict=True)], np.int64)
    first = np.full(len(number), len(texts))
    np.minimum.at(first, keys, np.arange(len(texts)))
    return (np.bincount(keys)[keys] > 1).astype(np.float32), (first[keys] < np.arange(len(texts))).astype(np.float32)


def _structure(blocks: list[Block]) -> tuple[list[str], sparse.csr_array, sparse.csr_array, sparse.csr_array, Ints]:
    number: dict[Element, int] = {}
    chains: dict[Element | None, tuple[int, ...]] = {None: ()}
    signatures: dict[tuple[str, str, str, str], int] = {}
    elements: list[str] = []
    chain_of: list[tuple[int, ...]] = []
    groups = np.full((len(blocks), 3), -1)
    for place, block in enumerate(blocks):
        element = block.element
        if element not in chains:
            _enter(element, number, chains, elements)
        chain = chains[element]
        chain_of.append(chain)
        if element is not None:
            parent = element.parent or element
            signature = (element.tag, element.hints, parent.tag, parent.hints)
            groups[place] = chain[-2:][0], chain[-3:][0], signatures.setdefault(signature, len(signatures))
    around = _incidence([chain[:-1] for chain in chain_of], len(elements))
    own = _incidence([chain[-1:] for chain in chain_of], len(elements))
    parent_of = _incidence([chain[-2:-1] for chain in chain_of], len(elements))
    return elements, own, parent_of, around, groups


def _named(elements: list[str], own: sparse.csr_array, around: sparse.csr_array) -> Floats:
    """Which of TAGS a block stands in directly, and which of CONTAINERS at any distance."""
    tags = [element[: element.index(" ")] for element in elements]
    tag = sparse.csr_array(_incidence([(TAGS.index(tag),) if tag in TAGS else () for tag in tags], len(TAGS)))
    container = sparse.csr_array(_incidence([(CONTAINERS.index(tag),) if tag in CONTAINERS else () for tag in tags], len(CONTAINERS)))
    return np.concatenate([(own @ tag).toarray(), np.minimum(((own + around) @ container).toarray(), 1)], axis=1)


ANCESTORS = 24
"""Elements looked at round a block: pages are nested thousands deep only by mistake."""


def _enter(
    element: Element | None, number: dict[Element, int], chains: dict[Element | None, tuple[int, ...]], elements: list[str]
) -> None:
    path = []
    while element is not None and element not in chains:
        path.append(element)
        element = element.parent
    for new in reversed(path):
        number[new] = len(elements)
        elements.append(f"{new.tag} {new.hints}")
        chains[new] = (*chains[new.parent][1 - ANCESTORS :], number[new])


def _incidence(rows: list[tuple[int, ...]], columns: int) -> sparse.csr_array:
    lengths = [len(row) for row in rows]
    indices = np.fromiter((column for row in rows for column in row), np.int32, sum(lengths))
    return sparse.csr_array((np.ones(len(indices), np.float32), indices, np.cumsum([0, *lengths])), shape=(len(rows), columns))
