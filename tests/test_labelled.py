"""Labelled data: its forms, what is refused, and what a check finds."""

from __future__ import annotations

import gzip
import hashlib
import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.align import BOILERPLATE, TEXT
from training.article import KINDS
from training.errors import DataError
from training.fit import fit, labelled_blocks
from training.labelled import UNKNOWN_SOURCE, Corpus, LabelledArticle, appeals, check, labelled_article_blocks, line_name, read_corpus

BODY = {"text": "The ferry must run again.", "kind": "body", "label": "editorial"}
REPORT = {"text": "The ferry sank on Monday.", "kind": "body", "label": "reporting", "sure": 2}
LINK = {"text": "Subscribe", "kind": "navigation"}
ARTICLE = {"id": "one", "source": "ostrand.example", "title": "Ferry", "blocks": [BODY, REPORT, LINK]}

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes rows as a file of labelled data."""

    def write(*rows: Any, name: str = "rows.jsonl") -> Path:
        path = tmp_path / name
        path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows), encoding="utf-8")
        return path

    return write


def test_article_with_blocks(write: Write) -> None:
    """A row with blocks is a labelled article, with all that the annotators left."""
    (article,) = read_corpus([write(ARTICLE)]).articles
    assert (article.id, article.source, article.title) == ("one", "ostrand.example", "Ferry")
    assert [(block.kind, block.label, block.sure) for block in article.blocks] == [
        ("body", "editorial", 3),
        ("body", "reporting", 2),
        ("navigation", None, 3),
    ]


@pytest.mark.parametrize(
    ("row", "form"),
    [
        (ARTICLE, "articles"),
        ({"text": "The ferry sank.", "label": "reporting"}, "articles"),
        ({"text": "The ferry sank.", "label": "reporting", "source": None, "more": 1}, "articles"),
        ({"id": "p", "site": "x", "lines": [{"text": "Rain", "kind": "article"}, {"text": "", "kind": "legal"}]}, "flattened"),
        ({"id": "p", "site": "x", "html": "<p>Rain", "gold": ""}, "pages"),
        ({"id": "p", "paragraphs": []}, "unlabelled"),
    ],
)
def test_forms(write: Write, row: dict[str, Any], form: str) -> None:
    """The form of a row is known by its fields, and fields that no form has are passed over."""
    corpus = read_corpus([write(row)])
    assert {name: len(getattr(corpus, name)) for name in ("articles", "flattened", "pages", "unlabelled")} == {
        **dict.fromkeys(("articles", "flattened", "pages", "unlabelled"), 0),
        form: 1,
    }


def test_flat_row_is_an_article_of_one_passage(write: Write) -> None:
    """A flat line is an article of one passage, of an unknown source when it names none."""
    (article,) = read_corpus([write({"text": "The ferry sank.", "label": "reporting", "source": None})]).articles
    assert (article.source, [(block.text, block.kind, block.label) for block in article.blocks]) == (
        UNKNOWN_SOURCE,
        [("The ferry sank.", "body", "reporting")],
    )


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.jsonl.gz", "rows.ndjson", "rows.ndjson.gz", "rows.txt"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_plain_or_compressed(tmp_path: Path, name: str, mark: bytes) -> None:
    """Files are read plain or compressed, with blank lines, any line end and a byte order mark."""
    content = mark + b"\r\n\n".join(json.dumps({**ARTICLE, "id": f"{number}"}).encode() for number in range(3)) + b"\n\n"
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    corpus = read_corpus([tmp_path / name])
    assert [article.id for article in corpus.articles] == ["0", "1", "2"]
    assert corpus.files == [{"file": name, "rows": 3, "sha256": hashlib.sha256(content).hexdigest()}]


def test_what_unpacks_without_end_is_refused(tmp_path: Path) -> None:
    """Labelled data that would unpack to gigabytes is refused in a line that names the file, and is not held whole."""
    (tmp_path / "rows.jsonl.gz").write_bytes(gzip.compress(bytes(10_000_000)) * 300)
    tracemalloc.start()
    with pytest.raises(DataError, match=r"rows\.jsonl\.gz grows to more than 250 times its size"):
        read_corpus([tmp_path])
    taken = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert taken < 200_000_000


def test_folder(write: Write, tmp_path: Path) -> None:
    """A folder stands for the labelled files in it, in order of their names; other files are left alone."""
    write({**ARTICLE, "id": "b"}, name="b.jsonl")
    write({**ARTICLE, "id": "a"}, name="a.ndjson")
    write("no labelled data", name="README.md")
    assert [article.id for article in read_corpus([tmp_path]).articles] == ["a", "b"]


WRONG = [
    ("not json", "not JSON"),
    ('{"blocks": ', "not JSON"),
    ("[" * 100_000, "not JSON"),
    ("1" * 10_000, "not JSON"),
    ("[]", "not a JSON object"),
    ("null", "not a JSON object"),
    ("{}", "none of the forms"),
    ('{"text": "no label"}', "none of the forms"),
    ('{"\\ud800": 1}', "none of the forms"),
    ({**ARTICLE, "blocks": []}, "blocks"),
    ({**ARTICLE, "blocks": "body"}, "blocks"),
    ({**ARTICLE, "id": 7}, "id"),
    ({**ARTICLE, "source": None}, "source"),
    ({**ARTICLE, "blocks": [{**BODY, "kind": "poem"}]}, "blocks.0.kind"),
    ({**ARTICLE, "blocks": [LINK, {**BODY, "label": "satire"}]}, "blocks.1.label"),
    ({**ARTICLE, "blocks": [{**BODY, "label": None}]}, "kind body has a label"),
    ({**ARTICLE, "blocks": [{**LINK, "label": "editorial"}]}, "no other block has"),
    ({**ARTICLE, "blocks": [{**BODY, "text": ""}]}, "blocks.0.text"),
    ({**ARTICLE, "blocks": [{**BODY, "text": "half a pair \ud800"}]}, "blocks.0.text"),
    ({**ARTICLE, "blocks": [{**BODY, "sure": 4}]}, "blocks.0.sure"),
    ({"text": "The ferry sank.", "label": "maybe"}, "label"),
    ({"lines": []}, "lines"),
    ({"html": "", "gold": "Rain"}, "html"),
]


@pytest.mark.parametrize(("row", "said"), WRONG)
def test_wrong_rows(write: Write, row: Any, said: str) -> None:
    """A row that is wrong is refused with its file, its line and what is wrong with it, in one line."""
    path = write(ARTICLE, "", row)
    with pytest.raises(DataError) as refused:
        read_corpus([path])
    assert f"{path}, line 3" in refused.value.message
    assert said in refused.value.message
    assert "\n" not in refused.value.message
    assert len(refused.value.message) < 1000


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("rows.jsonl.gz", b"not gzip"),
        ("rows.jsonl.gz", gzip.compress(b'{"text": "x", "label": "reporting"}', mtime=0)[:-9]),
        ("rows.jsonl.gz", b""),
        ("rows.jsonl", b""),
        ("rows.jsonl", b"\n\n"),
    ],
)
def test_wrong_files(tmp_path: Path, name: str, content: bytes) -> None:
    """A file that is damaged or holds no row is refused by name."""
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=name):
        read_corpus([tmp_path / name])


def test_missing(tmp_path: Path) -> None:
    """A file that is not there, a folder without labelled data, and nothing at all are refused."""
    (tmp_path / "empty").mkdir()
    for paths in ([tmp_path / "none.jsonl"], [tmp_path / "empty"], []):
        with pytest.raises(DataError):
            read_corpus(paths)


def test_file_an_article_was_labelled_from(write: Write, tmp_path: Path) -> None:
    """An article whose id names a file beside its labels has that file, and its blocks have their places in it."""
    text = "The ferry must run again.\n\nThe ferry sank on Monday.\n\nSubscribe"
    (tmp_path / "ferry.txt").write_text(text)
    (article,) = read_corpus([write({**ARTICLE, "id": "ferry.txt"})]).articles
    assert article.file == tmp_path / "ferry.txt"
    assert [text[block.start : block.end] for block in labelled_article_blocks(article)] == [block.text for block in article.blocks]


def test_a_file_that_disagrees_is_not_used(write: Write, tmp_path: Path) -> None:
    """Where the file reads otherwise than the labels say, the labelled text stands, without places."""
    (tmp_path / "ferry.txt").write_text("Another story.")
    (article,) = read_corpus([write({**ARTICLE, "id": "ferry.txt"})]).articles
    assert [(block.text, block.start) for block in labelled_article_blocks(article)] == [(block.text, None) for block in article.blocks]


@pytest.mark.parametrize("name", ["../secret.txt", "{tmp}/secret.txt", "data/../../secret.txt", "", ".", "x" * 5000, "a\0b", "no-such-file.txt", "data"])
def test_ids_reach_no_other_file(tmp_path: Path, name: str) -> None:
    """An id never names a file outside the folder of the labels, and one that names none is just an id."""
    (tmp_path / "secret.txt").write_text("The ferry must run again.")
    (tmp_path / "labels" / "data").mkdir(parents=True)
    path = tmp_path / "labels" / "rows.jsonl"
    path.write_text(json.dumps({**ARTICLE, "id": name.replace("{tmp}", str(tmp_path))}))
    assert read_corpus([path]).articles[0].file is None


def test_a_row_names_no_file(write: Write, tmp_path: Path) -> None:
    """Which file an article was labelled from is not for the row to say."""
    (tmp_path / "secret.txt").write_text("The ferry must run again.")
    assert read_corpus([write({**ARTICLE, "file": str(tmp_path / "secret.txt")})]).articles[0].file is None


def found(*articles: dict[str, Any], folder: Path | None = None) -> list[str]:
    rows = [LabelledArticle.model_validate(article) for article in articles]
    return list(check(Corpus(articles=[row.model_copy(update={"file": folder / row.id}) for row in rows] if folder else rows)))


WHOLE = {"id": "whole", "blocks": [BODY, REPORT, *({"text": kind, "kind": kind} for kind in KINDS if kind != "body")]}


def test_nothing_wrong() -> None:
    """A corpus with every kind, both labels and no repetition passes without a word."""
    assert found(WHOLE) == []


@pytest.mark.parametrize(
    ("articles", "said"),
    [
        ([WHOLE, {**ARTICLE, "id": "whole"}], "whole: 2 articles have this id"),
        ([WHOLE, {**ARTICLE, "id": "copy", "blocks": [BODY]}], "copy: a passage stands in whole too: The ferry must run again."),
        ([{**WHOLE, "blocks": WHOLE["blocks"][:-1]}], f"no block of kind {KINDS[-1]}"),
        ([{**WHOLE, "blocks": WHOLE["blocks"][1:]}], "only 0 of 1 passages are editorial"),
    ],
)
def test_check(articles: list[dict[str, Any]], said: str) -> None:
    """A check names repeated ids and passages, kinds without a block and a label that is rare."""
    assert said in found(*articles)


@pytest.mark.parametrize(
    ("text", "blocks", "said"),
    [
        ("Rain fell.\n\nWind rose.", ["Rain fell.", "Wind rose."], None),
        ("Rain fell.\n\nWind rose.", ["Rain fell.", "Wind fell."], "story.txt: block 2 is read as 'Wind rose.', labelled as 'Wind fell.'"),
        ("Rain fell.\n\nWind rose.", ["Rain fell."], "story.txt: 2 blocks are read, 1 are labelled"),
        ("Rain fell. (RELATED: Wind)", ["Rain fell."], "story.txt: block 1 has 1 cut spans, labelled 0"),
        ("Rain fell. (Photo: Tavener)", ["Rain fell."], "story.txt: block 1 has 1 cut spans, labelled 0"),
        ("\0\0\0", ["Rain fell."], "story.txt: this is not text"),
        ("", ["Rain fell."], "story.txt: there is no text in it"),
    ],
)
def test_check_against_the_file(tmp_path: Path, text: str, blocks: list[str], said: str | None) -> None:
    """A check names the first place where an article's file reads otherwise than it was labelled."""
    (tmp_path / "story.txt").write_text(text)
    article = {"id": "story.txt", "blocks": [{"text": block, "kind": "body", "label": "reporting"} for block in blocks]}
    problems = [problem for problem in found(article, folder=tmp_path) if problem.startswith("story.txt")]
    assert len(problems) == (said is not None)
    assert all(problem.startswith(str(said)) for problem in problems)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda held: st.lists(held, max_size=3) | st.dictionaries(st.text(max_size=5), held, max_size=3),
)
FIELDS = st.sampled_from(
    ["id", "source", "title", "blocks", "lines", "html", "gold", "paragraphs", "kinds", "line_kinds", "text", "label", "kind", "site", "file"]
)


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(FIELDS, JSON | st.lists(st.dictionaries(FIELDS, JSON, max_size=4), max_size=3), max_size=6))
def test_any_row(tmp_path_factory: pytest.TempPathFactory, row: dict[str, Any]) -> None:
    """Any JSON object is either a row of labelled data or refused as labelled data that is not what it should be."""
    path = tmp_path_factory.getbasetemp() / "any.jsonl"
    path.write_text(json.dumps(row))
    try:
        corpus = read_corpus([path])
    except DataError as refused:
        assert str(path) in refused.message
    else:
        assert corpus.files[0]["rows"] == 1


def test_every_paragraph_of_a_letter_is_an_appeal(write: Write) -> None:
    letter = {"id": "a", "paragraphs": ["Dear friend,", "The marsh froze early this year.", " "]}
    [found] = appeals(read_corpus([write(letter, {"id": "b", "paragraphs": [""]})]))
    assert [(block.text, block.kind) for block in found.blocks] == [("Dear friend,", "appeal"), ("The marsh froze early this year.", "appeal")]
    assert found.source == "a"


PARAGRAPHS = {
    "id": "quay",
    "source": "ostrand.example",
    "title": "Ferry sinks",
    "paragraphs": ["By Ulla Brandis", "The ferry sank.", " ", "Write to us", "See below"],
}


def test_kinds_told_apart_from_the_text(write: Write) -> None:
    """Kinds may come without the texts, which are others': they are told of the article of that id, and what nobody was sure of is left out."""
    corpus = read_corpus([write({"id": "quay", "kinds": {"0": "byline", "3": "appeal", "4": "?"}}, name="a.jsonl"), write(PARAGRAPHS, name="b.jsonl")])
    [article] = labelled_blocks(corpus)
    assert list(zip([block.text for block in article.blocks], article.kinds, strict=True)) == [
        ("Ferry sinks", "headline"),
        ("By Ulla Brandis", "byline"),
        ("The ferry sank.", "body"),
        ("Write to us", "appeal"),
    ]
    assert article.source == "ostrand.example"


PAGE = {
    "id": "pier",
    "site": "ostrand.example",
    "html": "<h1>Pier shut</h1><p>The board closed the east pier on Monday until October.</p><p>Tide tables</p><p>Ask us anything</p><p>Log in</p>",
    "gold": "The board closed the east pier on Monday until October.\nTide tables",
}


def test_kinds_of_lines_told_apart_from_the_page(write: Write) -> None:
    """What is told of a page's lines, by the digests of their texts, goes before what the true text says; of the others, and of those that nobody was sure of,
    that has the last word. The page is learnt from as it is and as bare lines."""
    told = {line_name("Pier shut"): "headline", line_name("Tide tables"): "related", line_name("Log in"): "?"}
    corpus = read_corpus([write({"id": "pier", "line_kinds": told}, name="a.jsonl"), write(PAGE, name="b.jsonl")])
    as_page, as_lines = labelled_blocks(corpus)
    assert as_page.kinds == as_lines.kinds == ["headline", TEXT, "related", BOILERPLATE, BOILERPLATE]
    assert all(block.element for block in as_page.blocks) and not any(block.element for block in as_lines.blocks)


@pytest.mark.parametrize(
    ("kinds", "said"),
    [
        ({"id": "quay", "line_kinds": {"5f70bf18a086": "appeal"}}, "lines of quay, a page that is in none of the files; name the file"),
        ({"id": "quay", "kinds": {"5": "appeal"}}, "paragraph 5 of quay, which has 5; count from 0"),
        ({"id": "pier", "kinds": {}}, "pier, whose paragraphs are in none of the files; name the file"),
    ],
)
def test_kinds_of_what_is_not_there_are_refused(write: Write, kinds: dict[str, Any], said: str) -> None:
    """Kinds whose paragraph is in none of the files name the article and the remedy."""
    with pytest.raises(DataError, match=said):
        read_corpus([write(kinds, PARAGRAPHS)])


def test_titles_teach_no_kinds(write: Write) -> None:
    """Passages under titles have headlines, and no boilerplate that the kinds could be learnt from: they come from another model, or it is an error."""
    rows = [
        {"id": f"n{n}", "source": f"s{n}", "title": "Ferry", "blocks": [{**BODY, "text": f"{n} must run."}, {**REPORT, "text": f"{n} sank."}]}
        for n in range(40)
    ]
    with pytest.raises(DataError, match="too few labelled boilerplate blocks"):
        fit(read_corpus([write(*rows)]))


def test_every_second_text_is_learnt_under_its_title(write: Write) -> None:
    """Texts come with their headline and without; one that has its headline already, or is a page, stays as it is."""
    headed = {**ARTICLE, "id": "three", "blocks": [{"text": "Sunk", "kind": "headline"}, BODY]}
    articles = list(labelled_blocks(read_corpus([write(ARTICLE, {**ARTICLE, "id": "two"}, headed)])))
    assert [article.blocks[0].text for article in articles] == ["Ferry", BODY["text"], "Sunk"]
    assert [article.kinds[0] for article in articles] == ["headline", "body", "headline"]
