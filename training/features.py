"""Blocks -> features: what can be seen of each block by itself, for a whole batch of articles at once, as arrays.

A bare line and a block of a page have the same features; a bare line stands in no element and has no links.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from training.article import Block, Element
from training.tokens import CAPITALISED, LOWER, MARK, NUMBER, UPPER, Lexicon, Tokens, among, grouped

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
UNCASED = "\u0590"
"""From here on stand the scripts without capitals: their letters open a sentence as well as a capital does."""
UNSPACED, UNSPACED_WORD = 0x2E80, 2
"""From this code point on stand the scripts that do not set words apart; a word has about so many of their characters."""
SALUTATIONS = ("dear", "hello", "hi", "greetings")
"""What a salutation begins with, with a capital; it ends its block, which may hold a sender's name and address before it. English alone: of letters in other
languages the training data have none."""
SIGNATURES = ("sincerely", "yours", "regards", "respectfully", "cordially", "gratefully", "warmly", "truly", "faithfully", "wishes", "gratitude", "thanks")
"""What stands in the line above the name of who wrote it."""
LONGEST_SALUTATION, LONGEST_SIGNATURE = 12, 5
"""Tokens of a salutation at most, and words of the line with a signature."""
SALUTED = ",:;!—–-"
"""What a salutation ends with."""
EDGE = -1
"""Stands for the beginning and the end of a block among its words."""


@dataclass(frozen=True, slots=True)
class Look:
    """The blocks of a batch of articles, (blocks,) long unless said otherwise.

    `article` is the index of the article each stands in, `words` its number of words, `salutes` and `signs` say which look like the first and the
    last line of a letter, `shape` holds its line features (blocks, features), `repeats` the share of its shingles that stand elsewhere in the article and
    `echoes` of those that stood there before, `elements` tells what there is of elements, `inside` (blocks, levels) in which of them a block stands, the
    innermost first and -1 beyond the outermost, `groups` (blocks, 3) who shares its parent, its grandparent and its sort of element, -1 for a bare line.
    """

    article: Ints
    articles: int
    tokens: Tokens
    words: Floats
    salutes: NDArray[np.bool_]
    signs: NDArray[np.bool_]
    shape: Floats
    repeats: Floats
    echoes: Floats
    linked: Floats
    elements: Elements
    inside: Ints
    groups: Ints

    @property
    def on_page(self) -> NDArray[np.bool_]:
        """Which blocks stand in an element of a page."""
        return self.groups[:, 0] >= 0

    @property
    def edges(self) -> Ints:
        """Where articles begin and end, (articles + 1,): the blocks of article n stand at `edges[n]` up to `edges[n + 1]`."""
        return np.searchsorted(self.article, np.arange(self.articles + 1))


class Elements(NamedTuple):
    """The elements of a batch: `sort` (elements,) is the index of each one's tag and hints in `sorts`, `alike` (elements,) how many of its
    parent's children are of its sort."""

    sort: Ints
    sorts: list[str]
    alike: Ints


def look(lexicon: Lexicon, articles: Sequence[Sequence[Block]]) -> Look:
    """Read a batch."""
    blocks = [block for article in articles for block in article]
    article = np.repeat(np.arange(len(articles)), [len(article) for article in articles])
    texts = [block.text for block in blocks]
    tokens = lexicon.read(texts)
    spoken = tokens.shape != MARK
    words = np.bincount(tokens.text[spoken], minlength=len(blocks)).astype(np.float32) + _unspaced_words(texts)
    repeats, echoes = _shared(tokens.word[spoken], tokens.text[spoken], article)
    same, before = _same(texts, article)
    linked = np.array([block.linked / max(1, len(block.text)) for block in blocks], np.float32)
    elements, inside = _elements(blocks)
    groups = _groups(elements, inside)
    salutes, signs = _letter_lines(lexicon, tokens, words)
    shape = np.column_stack(
        [_line(texts, lexicon, tokens, words), salutes, signs, repeats, echoes, same, before, linked, linked > 0.5, groups[:, 0] >= 0, _named(elements, inside)]
    )
    return Look(
        article, len(articles), tokens, words, salutes, signs, shape.astype(np.float32), np.maximum(repeats, same), np.maximum(echoes, before),
        linked, elements, inside, groups,
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
    within = np.insert(block, starts, block[starts])
    mixed = np.insert(column, starts, EDGE).view(np.uint64)  # worked on in place: a long text has as many pairs as words
    mixed += np.uint64(1)
    right = np.append(mixed[1:], np.uint64(EDGE + 1))
    mixed *= np.uint64(0x9E3779B97F4A7C15)
    right *= np.uint64(0xC2B2AE3D27D4EB4F)
    mixed += right
    mixed >>= np.uint64(40)
    mixed %= np.uint64(PAIRS)
    return mixed.view(np.int64), within


def _line(texts: list[str], lexicon: Lexicon, tokens: Tokens, words: Floats) -> Floats:
    """Length, case, marks, first and last character: nothing that depends on the language."""
    count = len(texts)
    chars = np.array([len(text) for text in texts], np.float32)
    at_least_one = np.maximum(words, 1)
    shapes = _counts(tokens.text, tokens.shape, (count, 5))
    first = np.searchsorted(tokens.text, np.arange(count))
    last_character = np.array([ord(text[-1]) if text else 32 for text in texts])
    ends = np.stack([np.isin(last_character, [ord(mark) for mark in marks]) for marks in ENDS], axis=1)
    opening = np.full(count, -1)
    filled = shapes.sum(axis=1) > 0
    opening[filled] = tokens.shape[first[filled]]
    opening[[text[:1] >= UNCASED and text[:1].isalpha() for text in texts]] = CAPITALISED
    column = np.full(len(lexicon), -1)
    column[lexicon.each(MARKS + SENTENCE_ENDS)] = np.arange(len(MARKS + SENTENCE_ENDS))
    column[0] = -1
    mark = np.flatnonzero(tokens.shape == MARK)
    marked = column[tokens.word[mark]]
    marks = _counts(tokens.text[mark[marked >= 0]], marked[marked >= 0], (count, len(MARKS + SENTENCE_ENDS)))
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


def _letter_lines(lexicon: Lexicon, tokens: Tokens, words: Floats) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which blocks end in a salutation, `Dear reader,`, and which are the line above a letter writer's name, `Sincerely yours,`."""
    last = np.searchsorted(tokens.text, np.arange(len(words)), side="right") - 1
    salutes, signs = np.zeros((2, len(words)), np.bool_)
    at = np.flatnonzero(np.isin(tokens.word, lexicon.ids(SALUTATIONS)) & (tokens.shape > LOWER))
    end = last[tokens.text[at]]
    salutes[tokens.text[at[(end > at) & (end - at < LONGEST_SALUTATION) & among(tokens.first[end], SALUTED)]]] = True
    signs[tokens.text[np.isin(tokens.word, lexicon.ids(SIGNATURES))]] = True
    return salutes, signs & (words <= LONGEST_SIGNATURE)


def _counts(row: NDArray[Any], column: NDArray[Any], shape: tuple[int, int]) -> Floats:
    """How often each pair of a row and a column comes."""
    return np.bincount(row.astype(np.int64) * shape[1] + column, minlength=shape[0] * shape[1]).reshape(shape).astype(np.float32)


def _unspaced_words(texts: list[str]) -> Floats:
    """Words that no space sets apart, (texts,)."""
    if not texts or all(map(str.isascii, texts)):
        return np.zeros(len(texts), np.float32)
    unspaced = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), np.uint32) >= UNSPACED
    edges = np.cumsum([0, *map(len, texts)])
    words: Floats = (np.diff(np.searchsorted(np.flatnonzero(unspaced), edges)) / UNSPACED_WORD).astype(np.float32)
    return words


def _shared(word: NDArray[np.int32], text: Ints, article: Ints) -> tuple[Floats, Floats]:
    """Share of each block's shingles of known words that other places of the article have, and that earlier places have. `word` are the words of
    the batch, marks left out, `text` the block each stands in, `article` the article of each block."""
    whole = text[: 1 - SHINGLE] == text[SHINGLE - 1 :]
    for place in range(SHINGLE):
        whole &= word[place : place + len(whole)] > 0
    begin = np.flatnonzero(whole)
    block = text[begin]
    key = article[block].astype(np.uint64)
    for place in range(SHINGLE):
        key *= np.uint64(0x9E3779B97F4A7C15)
        key += word[begin + place].view(np.uint32)
    del begin, whole  # a long text has as many shingles as words
    _, order, starts = grouped(key)
    times = np.diff(starts, append=len(key))
    first = np.minimum.reduceat(block[order], starts) if len(starts) else starts
    same = np.empty(len(key), np.int64)
    same[order] = np.repeat(np.arange(len(starts)), times)
    counts = np.maximum(np.bincount(block, minlength=len(article)), 1)
    elsewhere = np.bincount(block, times[same] > 1, minlength=len(article)) / counts
    earlier = np.bincount(block, first[same] < block, minlength=len(article)) / counts
    return elsewhere.astype(np.float32), earlier.astype(np.float32)


def said_before(seen: Look, kept: NDArray[np.bool_]) -> Floats:
    """Share of the shingles of each kept block that stood in kept blocks before it; 0 for the others."""
    spoken = (seen.tokens.shape != MARK) & kept[seen.tokens.text]
    return _shared(seen.tokens.word[spoken], seen.tokens.text[spoken], seen.article)[1]


def _same(texts: list[str], article: Ints) -> tuple[Floats, Floats]:
    """Whether the very same text stands elsewhere in the article, and whether it stood there before."""
    number: dict[str, int] = {}
    text = np.array([number.setdefault(text, len(number)) for text in texts], np.int64)
    _, first, place, times = np.unique(article * len(number) + text, return_index=True, return_inverse=True, return_counts=True)
    return (times[place] > 1).astype(np.float32), (first[place] < np.arange(len(texts))).astype(np.float32)


ANCESTORS = 24
"""Levels of elements looked at round a block: pages are nested thousands deep only by mistake."""


def _elements(blocks: list[Block]) -> tuple[Elements, Ints]:
    """The elements of a batch, and which of them each block stands in, (blocks, levels)."""
    number: dict[Element | None, int] = {None: -1}
    parent: list[int] = []
    sorts: dict[tuple[str, str], int] = {}
    sort: list[int] = []
    for block in blocks:
        element = block.element
        unseen: list[Element] = []
        while element is not None and element not in number:
            unseen.append(element)
            element = element.parent
        for inner in reversed(unseen):
            parent.append(number[inner.parent])
            number[inner] = len(sort)
            sort.append(sorts.setdefault((inner.tag, inner.hints), len(sorts)))
    own = np.fromiter(map(number.__getitem__, [block.element for block in blocks]), np.int64, len(blocks))
    outer = np.array([*parent, -1])
    levels = [own]
    while len(levels) < ANCESTORS and (levels[-1] >= 0).any():
        levels.append(outer[levels[-1]])
    kinship = (outer[:-1] + 1) * len(sorts) + sort
    _, place, count = np.unique(kinship, return_inverse=True, return_counts=True)
    alike = np.where(outer[:-1] >= 0, count[place], 1)
    return Elements(np.array(sort, np.int64), [f"{tag} {hints}" for tag, hints in sorts], alike), np.stack(levels, axis=1)


def _groups(elements: Elements, inside: Ints) -> Ints:
    own, parent, grandparent = (inside[:, min(level, inside.shape[1] - 1)] for level in range(3))
    parent = np.where(parent >= 0, parent, own)
    grandparent = np.where(grandparent >= 0, grandparent, parent)
    sort = np.append(elements.sort, -1)
    sorts = np.where(own >= 0, sort[own] * len(elements.sorts) + sort[parent], -1)
    return np.stack([parent, grandparent, sorts], axis=1)


def standing(inside: Ints, columns: Ints, width: int) -> sparse.csr_array:
    """Which columns the blocks have by the elements they stand in, counted, (blocks, width); an element's column -1 stands for none."""
    column = np.append(columns, -1)[inside]
    known = column >= 0
    edges = np.concatenate([[0], np.cumsum(known.sum(axis=1))])
    counts = sparse.csr_array((np.ones(edges[-1], np.float32), column[known], edges), shape=(len(inside), width))
    counts.sum_duplicates()
    return counts


def sums(mass: NDArray[Any]) -> NDArray[np.float64]:
    """What the blocks before each block, and at last all of them, add up to, (blocks + 1, ...): from `a` up to `b` it is `total[b] - total[a]`."""
    total = np.zeros((len(mass) + 1, *mass.shape[1:]))
    np.cumsum(mass, axis=0, dtype=np.float64, out=total[1:])
    return total


def _named(elements: Elements, inside: Ints) -> Floats:
    """Which of TAGS a block stands in directly, and which of CONTAINERS at any distance."""
    tags = [sort[: sort.index(" ")] for sort in elements.sorts]
    tag, container = (np.array([names.index(tag) if tag in names else -1 for tag in tags], np.int64)[elements.sort] for names in (TAGS, CONTAINERS))
    direct = standing(inside[:, :1], tag, len(TAGS)).toarray()
    return np.concatenate([direct, np.minimum(standing(inside, container, len(CONTAINERS)).toarray(), 1)], axis=1)
