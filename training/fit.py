"""Labelled data -> model: what each of the two classifiers learns from, and the fitting itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from training.align import TEXT, align, word_f1
from training.article import KINDS, TEXT_KINDS, Block, folded
from training.errors import DataError
from training.kinds import KindClassifier, LabelledBlocks
from training.kinds_fit import fit_kinds
from training.labelled import UNSURE, Corpus, labelled_article_blocks, line_name
from training.labels import Labeller
from training.model import Model
from training.page import read_page
from training.teasers import lists_of_teasers

SURE_WEIGHT = {1: 0.3, 2: 0.8, 3: 1.0}
"""What a passage counts for, by how sure its label is."""
VOICE = {"editorial": 1, "reporting": -1}
BOILERPLATE_KINDS = frozenset(KINDS) - frozenset(TEXT_KINDS) - {"headline"}
"""Kinds that tell what boilerplate looks like; headlines alone do not."""
LEAST_PASSAGES = 50
LEAST_SOURCES = 5
"""Both stages of the labels hold out whole sources while they learn; with fewer they would remember outlets."""
TITLED = 2
"""One article of text in so many has its title before it; the titles of articles are mostly kept elsewhere."""
AGREEMENT = 0.9
"""Least word F1 between the true text and the blocks taken for it for a page to be learned from."""


@dataclass(frozen=True, slots=True)
class Passages:
    """Labelled passages in reading order: text, index of the article, source, 1.0 for editorial, and weight."""

    texts: list[str]
    article: list[int]
    source: list[str]
    editorial: list[float]
    weight: list[float]


def fit(corpus: Corpus, seed: int = 0, base: Model | None = None, for_kinds: Corpus | None = None) -> tuple[KindClassifier, Labeller]:
    """Fit both classifiers, that of kinds to the blocks of `for_kinds` as well; a part that the data cannot teach is taken from `base`, and
    without one, or where they teach neither, DataError is raised."""
    blocks = [*labelled_blocks(corpus), *labelled_blocks(for_kinds or Corpus())]
    passages = labelled_passages(corpus)
    known = kinds_known, labels_known = _teaches_kinds(blocks), _teaches_labels(passages)
    if not (any(known) if base else all(known)):
        of_labels = f"passages with both labels ({LEAST_PASSAGES} from {LEAST_SOURCES} sources are the least)"
        missing = of_labels if kinds_known else "boilerplate blocks (from 2 sources are the least)"
        raise DataError(f"too few labelled {missing} to fit a model; add data{'' if base else ', or take that part from another model with --from'}")
    try:
        kinds = base.kinds if base and not kinds_known else fit_kinds(blocks, [*lists_of_teasers(corpus.unlabelled, seed)], seed)
        labels = base.labels if base and not labels_known else fit_labels(corpus, passages, seed)
    except ValueError as error:  # scikit-learn's, where some sources hold all that differs
        raise DataError(f"the labelled data are too few or too much alike to learn from ({error}); add articles of other sources") from error
    return kinds, labels


def _teaches_kinds(articles: Sequence[LabelledBlocks]) -> bool:
    """Whether articles' own text and boilerplate of named kinds are there, of more than one source."""
    said = {kind for article in articles for kind in article.kinds}
    return bool(said & {TEXT, "body"} and said & BOILERPLATE_KINDS) and len({article.source for article in articles}) > 1


def _teaches_labels(passages: Passages) -> bool:
    enough = len(passages.texts) >= LEAST_PASSAGES and len(set(passages.source)) >= LEAST_SOURCES
    return enough and len(set(passages.editorial)) > 1


def fit_labels(corpus: Corpus, passages: Passages, seed: int) -> Labeller:
    unlabelled = [article.paragraphs for article in corpus.unlabelled]
    return Labeller.fit(passages.texts, passages.article, passages.source, passages.editorial, passages.weight, unlabelled=unlabelled, seed=seed)


def labelled_passages(corpus: Corpus) -> Passages:
    """The passages of all labelled articles."""
    rows = [
        (block.text, number, article.source, float(block.label == "editorial"), SURE_WEIGHT[block.sure])
        for number, article in enumerate(corpus.articles)
        for block in article.blocks
        if block.kind == "body"
    ]
    return Passages(*(list(column) for column in zip(*rows, strict=True))) if rows else Passages([], [], [], [], [])


def labelled_blocks(corpus: Corpus) -> Iterator[LabelledBlocks]:
    """Every article and page as blocks with their kinds; a page with its true text as HTML and, unless its lines were labelled, as bare lines too."""
    for number, (title, article) in enumerate([*_told_together(corpus), *_told_apart(corpus)]):
        yield article if number % TITLED else _titled(article, title)
    told: dict[str, dict[str, str]] = {}
    for flattened in corpus.flattened:
        lines = [(folded(line.text), TEXT if line.kind == "article" else line.kind) for line in flattened.lines if line.text.strip()]
        yield LabelledBlocks([Block(text, None, None) for text, _ in lines], [kind for _, kind in lines], flattened.site)
        told[flattened.id] = dict(reversed(lines))
    for page in corpus.pages:
        blocks = read_page(page.html).blocks
        verdicts = align(blocks, page.gold)
        kinds = told.get(page.id) or _line_kinds(corpus, page.id, blocks)
        as_page = LabelledBlocks(blocks, [kinds.get(block.text, verdict) for block, verdict in zip(blocks, verdicts, strict=True)], page.site)
        if page.id in told:
            yield as_page
        elif _agrees(blocks, verdicts, page.gold):
            yield as_page
            yield as_page._replace(blocks=[block._replace(element=None, linked=0) for block in blocks])


def _line_kinds(corpus: Corpus, page: str, blocks: Sequence[Block]) -> dict[str, str]:
    """The kinds of a page's lines that were told apart from their texts, by text."""
    apart = corpus.line_kinds_apart.get(page, {})
    kinds = {block.text: apart.get(line_name(block.text), UNSURE) for block in blocks} if apart else {}
    return {text: kind for text, kind in kinds.items() if kind != UNSURE}


def _titled(article: LabelledBlocks, title: str | None) -> LabelledBlocks:
    """The article under its title, as people paste it, where it is text and its headline is not among its blocks already."""
    headline = folded(title or "")
    if not headline or "headline" in article.kinds or "body" not in article.kinds or any(block.element for block in article.blocks):
        return article
    return LabelledBlocks([Block(headline, None, None), *article.blocks], ["headline", *article.kinds], article.source, article.voices and [0, *article.voices])


def _told_together(corpus: Corpus) -> Iterator[tuple[str | None, LabelledBlocks]]:
    """Articles labelled block by block, with their titles."""
    for article in corpus.articles:
        voices = [VOICE[block.label] * SURE_WEIGHT[block.sure] if block.label else 0.0 for block in article.blocks]
        yield article.title, LabelledBlocks(labelled_article_blocks(article), [block.kind for block in article.blocks], article.source, voices)


def _told_apart(corpus: Corpus) -> Iterator[tuple[str | None, LabelledBlocks]]:
    """Articles whose kinds stand apart from their paragraphs, with their titles and without the paragraphs that nobody was sure of."""
    for article in corpus.unlabelled:
        kinds = corpus.kinds_apart.get(article.id)
        if kinds is not None:
            told = [(folded(text), kinds.get(number, "body")) for number, text in enumerate(article.paragraphs) if text.strip()]
            sure = [(Block(text, None, None), kind) for text, kind in told if kind != UNSURE]
            yield article.title, LabelledBlocks([block for block, _ in sure], [kind for _, kind in sure], article.source)


def _agrees(blocks: Sequence[Block], verdicts: Sequence[str], gold: str) -> bool:
    """Whether the blocks found give the true text again: on some pages it is cut otherwise, or is not there."""
    return word_f1(gold, "\n".join(block.text for block, verdict in zip(blocks, verdicts, strict=True) if verdict == TEXT)) >= AGREEMENT
