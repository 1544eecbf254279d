"""Labelled data: JSON Lines, plain or .gz, one article a line, recognised by its fields.

    blocks            an article, every block with its kind, every passage with its label
                      {"id", "source", "title", "blocks": [{"text", "kind", "label"?, "sure"?, "cut"?}]}
    lines             a page flattened to lines, each with its kind (`article`: body or subheading)
                      {"id", "site", "lines": [{"text", "kind"}]}
    html and gold     a page and the article's true text: {"id", "site", "html", "gold"}
    paragraphs        an article without labels, for vocabulary, word vectors and teasers: {"id", "source", "title", "paragraphs": [text]}
    kinds             kinds told apart from the text, of the article without labels that has this id:
                      {"id", "kinds": {"3": "appeal"}}, paragraphs counted from 0, "?" where nobody could tell, the others `body`
    line_kinds        kinds told apart from the text, of lines of the page with its true text that has this id:
                      {"id", "line_kinds": {"5f70bf18a086": "related"}}, lines named by their digest (`line_name`), the others as the true text says
    text and label    a single passage: {"text", "label", "source"?}

A folder stands for the `.jsonl` and `.jsonl.gz` files in it. An article whose `id` names a file beside its labels was labelled from that file.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from training.archives import DAMAGE, decompressed
from training.article import KINDS, Article, Block, folded
from training.errors import CopydeskError, DataError, InputError
from training.reading import article_from_bytes, read
from training.spans import EVERYWHERE, IN_BODY, cut

SUFFIXES = (".jsonl", ".jsonl.gz", ".ndjson", ".ndjson.gz")
UNKNOWN_SOURCE = "(unknown)"
UNSURE = "?"

Text = Annotated[str, Field(min_length=1)]
Label = Literal["editorial", "reporting"]


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class LabelledBlock(_Row):
    """A block with its true kind, and for a passage its label and how sure it is (3 any careful reader would agree, 1 could go either way)."""

    text: Text
    kind: Literal[KINDS]  # type: ignore[valid-type]
    label: Label | None = None
    sure: Annotated[int, Field(ge=1, le=3)] = 3
    cut: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _passages_alone_have_labels(self) -> LabelledBlock:
        if (self.kind == "body") != (self.label is not None):
            raise ValueError("a block of kind body has a label, no other block has")
        return self


class LabelledArticle(_Row):
    """An article, or an excerpt of one, as the annotators left it. `file` is where its text lies as it was published, if it does."""

    id: str = ""
    source: str = UNKNOWN_SOURCE
    title: str | None = None
    blocks: Annotated[tuple[LabelledBlock, ...], Field(min_length=1)]
    file: Path | None = None


class FlattenedLine(_Row):
    text: str
    kind: Literal[(*KINDS, "article")]  # type: ignore[valid-type]


class FlattenedPage(_Row):
    """A page's lines with their kinds; `article` where it is the article's own text, whether body or subheading."""

    id: str = ""
    site: str = UNKNOWN_SOURCE
    lines: Annotated[tuple[FlattenedLine, ...], Field(min_length=1)]


class TruePage(_Row):
    """A page and the article's true text."""

    id: str = ""
    site: str = UNKNOWN_SOURCE
    html: Text
    gold: str


class UnlabelledArticle(_Row):
    """An article's paragraphs without labels."""

    id: str = ""
    source: str = UNKNOWN_SOURCE
    title: str | None = None
    paragraphs: tuple[str, ...]


class KindsApart(_Row):
    """Kinds of the paragraphs of an article without labels, whose text stands elsewhere: the texts of others may not be passed on, what was
    said of them may. UNSURE where nobody could tell; the paragraphs that are not named are `body`."""

    id: Text
    kinds: dict[Annotated[int, Field(ge=0)], Literal[(*KINDS, UNSURE)]]  # type: ignore[valid-type]


class LineKindsApart(_Row):
    """Kinds of some lines of a page with its true text, which stands elsewhere; lines are known by their digests. UNSURE says no more than the true text."""

    id: Text
    line_kinds: dict[Text, Literal[(*KINDS, UNSURE)]]  # type: ignore[valid-type]


class _FlatRow(_Row):
    id: str = ""
    text: Text
    label: Label
    source: str | None = UNKNOWN_SOURCE


_FORMS: tuple[tuple[frozenset[str], TypeAdapter[Any]], ...] = (
    (frozenset({"blocks"}), TypeAdapter(LabelledArticle)),
    (frozenset({"lines"}), TypeAdapter(FlattenedPage)),
    (frozenset({"html", "gold"}), TypeAdapter(TruePage)),
    (frozenset({"paragraphs"}), TypeAdapter(UnlabelledArticle)),
    (frozenset({"id", "kinds"}), TypeAdapter(KindsApart)),
    (frozenset({"id", "line_kinds"}), TypeAdapter(LineKindsApart)),
    (frozenset({"text", "label"}), TypeAdapter(_FlatRow)),
)


@dataclass(slots=True)
class Corpus:
    """Everything that some files of labelled data hold, by form, and for each file its name, digest and number of rows."""

    articles: list[LabelledArticle] = field(default_factory=list)
    flattened: list[FlattenedPage] = field(default_factory=list)
    pages: list[TruePage] = field(default_factory=list)
    unlabelled: list[UnlabelledArticle] = field(default_factory=list)
    kinds_apart: dict[str, dict[int, str]] = field(default_factory=dict)
    line_kinds_apart: dict[str, dict[str, str]] = field(default_factory=dict)
    files: list[dict[str, Any]] = field(default_factory=list)

    def add(self, row: Any) -> None:
        match row:
            case LabelledArticle():
                self.articles.append(row)
            case FlattenedPage():
                self.flattened.append(row)
            case TruePage():
                self.pages.append(row)
            case UnlabelledArticle():
                self.unlabelled.append(row)
            case KindsApart():
                self.kinds_apart[row.id] = {**self.kinds_apart.get(row.id, {}), **row.kinds}
            case LineKindsApart():
                self.line_kinds_apart[row.id] = {**self.line_kinds_apart.get(row.id, {}), **row.line_kinds}
            case _FlatRow():
                block = LabelledBlock(text=row.text, kind="body", label=row.label)
                self.articles.append(LabelledArticle(id=row.id, source=row.source or UNKNOWN_SOURCE, blocks=(block,)))


def read_corpus(paths: Sequence[Path]) -> Corpus:
    """All rows of the files and folders named; raises DataError with file, line and field of the first row that is wrong."""
    corpus = Corpus()
    for path in _files(paths):
        content = _content(path)
        rows = 0
        for number, line in enumerate(content.split(b"\n"), 1):
            if line.strip():
                corpus.add(_row(line, f"{path}, line {number}", path.parent))
                rows += 1
        corpus.files.append({"file": path.name, "rows": rows, "sha256": hashlib.sha256(content).hexdigest()})
    if not corpus.files or not any((corpus.articles, corpus.flattened, corpus.pages, corpus.unlabelled)):
        raise DataError(f"no labelled article in {', '.join(map(str, paths))}; give .jsonl or .jsonl.gz files of the form that the README shows")
    _meet(corpus)
    return corpus


def _meet(corpus: Corpus) -> None:
    """Raise DataError where kinds are told of paragraphs or pages that are not there: left out, they would be missed by nobody."""
    missing = set(corpus.line_kinds_apart) - {page.id for page in corpus.pages}
    if missing:
        raise DataError(f"kinds are told of lines of {min(missing)}, a page that is in none of the files; name the file that holds it beside this one")
    paragraphs = {article.id: len(article.paragraphs) for article in corpus.unlabelled}
    for name, kinds in corpus.kinds_apart.items():
        if name not in paragraphs:
            raise DataError(f"kinds are told of {name}, whose paragraphs are in none of the files; name the file that holds them beside this one")
        if max(kinds, default=-1) >= paragraphs[name]:
            raise DataError(
                f"kinds are told of paragraph {max(kinds)} of {name}, which has {paragraphs[name]}; count from 0, and take the file they were told of"
            )


def line_name(text: str) -> str:
    """What a line of a page is known by where its text may not be passed on."""
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:12]


def appeals(letters: Corpus) -> Iterator[LabelledArticle]:
    """Articles without labels that are letters asking for support: each another sender's, every paragraph of it an appeal."""
    for letter in letters.unlabelled:
        blocks = [LabelledBlock(text=text, kind="appeal") for text in letter.paragraphs if text.strip()]
        if blocks:
            yield LabelledArticle(id=letter.id, source=letter.id or letter.source, blocks=tuple(blocks))


def labelled_article_blocks(article: LabelledArticle) -> list[Block]:
    """The labelled blocks as a reader would give them: from the file the article was labelled from where it agrees, else from bare text."""
    if article.file:
        blocks = file_blocks(article)
        if [block.text for block in blocks] == [folded(block.text) for block in article.blocks]:
            return blocks
    return [Block(folded(block.text), None, None) for block in article.blocks]


def file_blocks(article: LabelledArticle) -> list[Block]:
    """What is read from the file the article was labelled from, spans cut as its labels say; [] when it has none."""
    if article.file is None:
        return []
    published = _published(article)
    kinds = [block.kind for block in article.blocks]
    blocks = [cut(block, EVERYWHERE, published) for block in read(published).blocks]
    return [cut(block, IN_BODY, published) if kind == "body" else block for block, kind in zip(blocks, kinds, strict=False)] + blocks[len(kinds) :]


def check(corpus: Corpus) -> Iterator[str]:
    """What is wrong with a labelled corpus, in words: what no row by itself can show. Nothing, when it is fit to train on."""
    articles = corpus.articles
    for name, times in Counter(article.id for article in articles if article.id).items():
        if times > 1:
            yield f"{name}: {times} articles have this id"
    seen: dict[str, str] = {}
    for article in articles:
        for block in article.blocks:
            first = seen.setdefault(block.text, article.id)
            if first != article.id and block.kind == "body":
                yield f"{article.id}: a passage stands in {first} too: {block.text[:60]}"
        if article.file:
            if not any(block.kind == "body" for block in article.blocks):
                yield f"{article.id}: no passage"
            yield from _disagreements(article)
    kinds = {block.kind for article in articles for block in article.blocks}
    labels = Counter(block.label for article in articles for block in article.blocks if block.label)
    if any(len(article.blocks) > 1 for article in articles):  # single passages teach the labels alone
        for missing in [kind for kind in KINDS if kind not in kinds]:
            yield f"no block of kind {missing}"
    if articles:
        for label in ("editorial", "reporting"):
            if labels[label] < 0.2 * labels.total():
                yield f"only {labels[label]} of {labels.total()} passages are {label}"


def _disagreements(article: LabelledArticle) -> Iterator[str]:
    try:
        blocks = file_blocks(article)
    except CopydeskError as error:
        yield f"{article.id}: {error.message}"
        return
    for number, (block, labelled) in enumerate(zip(blocks, article.blocks, strict=False), 1):
        if block.text != labelled.text:
            yield f"{article.id}: block {number} is read as {block.text[:60]!r}, labelled as {labelled.text[:60]!r}"
            return
        if len(block.cut) != len(labelled.cut):
            yield f"{article.id}: block {number} has {len(block.cut)} cut spans, labelled {len(labelled.cut)}"
    if len(blocks) != len(article.blocks):
        yield f"{article.id}: {len(blocks)} blocks are read, {len(article.blocks)} are labelled"


def _published(article: LabelledArticle) -> Article:
    assert article.file is not None
    return article_from_bytes(article.file.read_bytes(), name=article.file.name, source=article.source)


def _files(paths: Sequence[Path]) -> list[Path]:
    found: list[Path] = []
    for path in paths:
        inside = sorted(entry for entry in path.iterdir() if entry.name.endswith(SUFFIXES)) if path.is_dir() else [path]
        if not inside:
            raise DataError(f"{path} holds no {' or '.join(SUFFIXES[:2])} file; name the labelled data")
        found += inside
    return found


def _content(path: Path) -> bytes:
    if not path.is_file():
        raise DataError(f"{path} is not a regular file; name a file of labelled data")
    try:
        with path.open("rb") as raw:
            return decompressed(raw, path.name).read()
    except InputError as error:
        raise DataError(f"{path} {error.message}") from error
    except (OSError, *DAMAGE) as error:
        raise DataError(f"cannot read {path}: {error}; name a file of labelled data") from error


def _row(line: bytes, place: str, folder: Path) -> Any:
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{place} is not JSON ({error}); one JSON object a line is expected") from None
    if not isinstance(fields, dict):
        raise DataError(f"{place} is not a JSON object; one JSON object a line is expected")
    for needed, form in _FORMS:
        if needed <= fields.keys():
            try:
                row = form.validate_python({**fields, "file": None})  # which file it was, the data does not say
            except ValidationError as error:
                first = error.errors()[0]
                raise DataError(f"{place}: {'.'.join(map(str, first['loc']))}: {first['msg']}; see the labelled form in the README") from None
            return _with_file(row, folder) if isinstance(row, LabelledArticle) else row
    raise DataError(f"{place} has none of the forms of labelled data (fields: {', '.join(sorted(fields))[:80]}); see the README")


def _with_file(article: LabelledArticle, folder: Path) -> LabelledArticle:
    file = folder / article.id if article.id and "\0" not in article.id else folder
    inside = not Path(article.id).is_absolute() and ".." not in Path(article.id).parts
    return article.model_copy(update={"file": file}) if inside and len(article.id) < 200 and file.is_file() else article
