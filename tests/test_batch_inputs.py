"""What a batch reads: folders, archives and standard input, each article with an id that stays."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from training import archives
from training.archives import READERS
from training.article import Article
from training.entry import FIELDS, Entry, Fields
from training.errors import InputError
from training.inputs import Choice, Found, find_files, read_article, read_entries

STORY = "The harbour board voted 5-2 on Monday to close the east pier.\n\nRepairs will cost 3.1 million crowns, the board said in a report.\n"
PAGE = f"<!doctype html><html><body><article><p>{STORY}</p></article></body></html>"
ROWS = [{"id": f"n-{number}", "text": f"{STORY} It was vote number {number}.", "source": "harrow.example"} for number in range(5)]


def entries(*paths: object, fields: Fields = FIELDS, **choice: Any) -> list[Entry]:
    return list(read_entries(find_files([str(path) for path in paths], Choice(**choice)), fields))


def articles(*paths: object, **choice: Any) -> list[Article]:
    return [read_article(entry) for entry in entries(*paths, **choice)]


def codes(found: list[Entry]) -> list[str | None]:
    return [entry.error and entry.error.code for entry in found]


def test_folders_are_read_in_sorted_order_with_paths_as_ids(tmp_path: Path) -> None:
    """Every text, page and Markdown file below a folder is an article; its id is its path, its folder what to call its source."""
    for name in ("b/2.txt", "a/1.html", "a/0.md", "b/notes.csv", "b/gold.jsonl", "b/.hidden.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(STORY)
    found = entries(tmp_path)
    assert [(entry.id, entry.folder) for entry in found] == [(str(tmp_path / name), name[0]) for name in ("a/0.md", "a/1.html", "b/2.txt")]


def test_patterns_choose_what_a_folder_gives(tmp_path: Path) -> None:
    """`--include` reads what it names, of any form; `--exclude` goes before it."""
    for name in ("keep.txt", "draft-1.txt", "rows.jsonl"):
        (tmp_path / name).write_text(json.dumps(ROWS[0]))
    assert [Path(entry.id).name for entry in entries(tmp_path, exclude=("draft-*",))] == ["keep.txt"]
    assert [entry.id for entry in entries(tmp_path, include=("*.jsonl",))] == ["n-0"]
    assert [Path(entry.id).name for entry in entries(tmp_path, include=("*.txt",), exclude=("keep.*",))] == ["draft-1.txt"]


def test_markdown_with_tags_in_it_is_text(tmp_path: Path) -> None:
    """A Markdown file is read as text even where it holds enough tags to look like a page."""
    (tmp_path / "note.md").write_text(STORY + "<p>One</p><p>Two</p><p>Three</p>")
    assert [article.is_html for article in articles(tmp_path)] == [False]


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.jsonl.gz", "rows.jsonl.zst", "rows.json", "rows.csv", "rows.tsv", "rows.parquet", "rows.parquet.gz"])
def test_archives_give_their_rows_in_order(name: str, tmp_path: Path) -> None:
    """JSON, JSON Lines, CSV, TSV and Parquet give the same articles, ids and sources."""
    write_rows(tmp_path / name, ROWS)
    found = articles(tmp_path / name)
    assert [(article.id, article.source, article.text, article.is_html) for article in found] == [
        (row["id"], row["source"], row["text"], False) for row in ROWS
    ]


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.csv", "rows.parquet"])
def test_fields_can_have_any_names(name: str, tmp_path: Path) -> None:
    """Columns are found by the names given; a row without an id is called after its place in the file."""
    write_rows(tmp_path / name, [{"url": f"u{number}", "content": PAGE, "outlet": "Saltmarket"} for number in range(2)])
    found = entries(tmp_path / name, fields=Fields(html="content", source="outlet"))
    assert [(entry.id, entry.source, entry.media_type) for entry in found] == [(f"{tmp_path / name}#{number}", "Saltmarket", "text/html") for number in (1, 2)]
    assert [entry.id for entry in entries(tmp_path / name, fields=Fields(id="url", html="content"))] == ["u0", "u1"]


def test_a_bad_row_costs_no_other(tmp_path: Path) -> None:
    """What is not JSON, not an object or has no text is one failed article in its place."""
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'{"text": "It rained."}\n\nnot json\n[1]\n{"id": "x"}\n{"id": "\\ud800", "text": "It snowed."}\n' + b"[" * 99_999)
    found = entries(path)
    assert codes(found) == [None, "bad-json", "bad-json", "no-text", None, "bad-json"]
    assert [entry.id for entry in found][:2] == [f"{path}#1", f"{path}#3"]
    assert found[4].id.encode() == b"\\ud800"


def test_a_bad_value_in_a_table_of_columns_costs_no_other_row(tmp_path: Path) -> None:
    """A string in a Parquet file that is no UTF-8 is one failed article in its place."""
    arrow = pytest.importorskip("pyarrow")
    texts = [STORY.encode()] * 600
    texts[300] = b"It rained in Malm\xf6."
    write_table(tmp_path / "rows.parquet", text=arrow.array(texts).cast("string", safe=False))
    found = entries(tmp_path / "rows.parquet")
    assert codes(found) == [None] * 300 + ["not-text"] + [None] * 299
    assert found[300].id == f"{tmp_path / 'rows.parquet'}#301"


def test_columns_of_bytes_and_of_times_are_read(tmp_path: Path) -> None:
    """Bytes in a Parquet file are read as those of a file are; a time that Python has not is text, and left out within a list."""
    arrow = pytest.importorskip("pyarrow")
    page = "<html><head><meta charset='iso-8859-2'></head><body><p>Žluťoučký kůň.</p></body></html>"
    times = arrow.array([1_700_000_000_000_000_001, 5], arrow.timestamp("ns"))
    titles = arrow.array([b"Kettle", b"\xff"])
    write_table(tmp_path / "pages.parquet", id=titles, html=arrow.array([page.encode("iso-8859-2"), page.encode("iso-8859-2")]), title=titles)
    write_table(tmp_path / "times.parquet", id=times, text=[STORY] * 2, title=arrow.array([[5], [1]], arrow.list_(arrow.timestamp("ns"))))
    found = articles(tmp_path / "pages.parquet", tmp_path / "times.parquet")
    assert [(article.id, article.title) for article in found] == [
        ("Kettle", "Kettle"),
        (r"\xff", r"\xff"),
        ("2023-11-14 22:13:20.000000001", None),
        ("1970-01-01 00:00:00.000000005", None),
    ]
    assert found[0].text == page


@pytest.mark.parametrize("name", ["rows.jsonl.gz", "rows.jsonl.zst", "rows.parquet", "rows.json"])
def test_an_archive_that_is_cut_off_says_so(name: str, tmp_path: Path) -> None:
    """What comes before the break is read; the break is one failed article, named after the file."""
    path = tmp_path / name
    write_rows(path, [{"text": os.urandom(300).hex()} for _ in range(200)])
    path.write_bytes(path.read_bytes()[:-2000])
    found = entries(path)
    assert codes(found)[-1] in ("damaged", "unreadable")
    assert found[-1].id == str(path)
    assert not any(codes(found)[:-2])


@pytest.mark.parametrize("name", ["rows.jsonl.gz", "rows.jsonl.zst"])
def test_what_was_never_compressed_is_named(name: str, tmp_path: Path) -> None:
    """A file whose name promises what its bytes do not keep costs no other its result."""
    if name.endswith(".zst"):
        pytest.importorskip("backports.zstd")
    (tmp_path / name).write_bytes(b"neither of the two")
    (tmp_path / "good.txt").write_text("The board voted on Monday to close the pier, the harbour master said.")
    found = list(read_entries([Found(str(tmp_path / name), "jsonl", 0), Found(str(tmp_path / "good.txt"), "article", 0)]))
    assert [entry.error and entry.error.code for entry in found] == ["damaged", None]


@pytest.mark.parametrize("filling", [b" ", b"[", b",", b'"', b"\0"])
@pytest.mark.parametrize("name", ["bomb.jsonl.gz", "bomb.json.gz", "bomb.csv.gz", "bomb.tsv.gz", "bomb.jsonl.zst"])
def test_what_unpacks_without_end_is_stopped(name: str, filling: bytes, tmp_path: Path) -> None:
    """A small file that would unpack to gigabytes is one failed article that says why, and takes no more memory than a large article does."""
    pack = gzip.compress if name.endswith(".gz") else pytest.importorskip("backports.zstd").compress
    (tmp_path / name).write_bytes(pack(filling * 10_000_000) * 300)
    tracemalloc.start()
    found = entries(tmp_path / name)
    taken = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert codes(found)[-1] == "too-large"
    assert len(found) == 1
    assert found[0].error is not None
    assert "grows to more than 250 times its size" in found[0].error.message
    assert taken < 300_000_000


def test_what_comes_before_the_growth_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Articles that stand before the part without end are scored like any others."""
    monkeypatch.setattr(archives, "GROWTH_FREE", 1_000_000)
    rows = "".join(json.dumps(row) + "\n" for row in ROWS).encode()
    (tmp_path / "rows.jsonl.gz").write_bytes(gzip.compress(rows) + gzip.compress(b"\n" * 10_000_000) * 10)
    assert codes(entries(tmp_path / "rows.jsonl.gz")) == [None] * len(ROWS) + ["too-large"]


def test_articles_may_be_as_alike_as_they_like(tmp_path: Path) -> None:
    """A compressed archive of one article again and again under other ids is read to its end."""
    rows = b"".join(b'{"id": "%d", "text": "%s"}\n' % (number, STORY.replace("\n", " ").encode() * 30) for number in range(10_000))
    assert len(rows) > archives.GROWTH_FREE
    (tmp_path / "rows.jsonl.gz").write_bytes(gzip.compress(rows))
    assert codes(entries(tmp_path / "rows.jsonl.gz")) == [None] * 10_000


@pytest.mark.parametrize("opened", ["", '"', '"a","b\n', "a,b\n", '"\n",'])
def test_a_row_without_end_is_stopped(opened: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A table whose row never ends, over one line or many, is refused before it is held whole; many rows are not one."""
    monkeypatch.setattr(archives, "LONGEST", 10_000)
    path = tmp_path / "rows.csv"
    path.write_text("text\n" + "Rain fell.\n" * 2_000)
    assert codes(entries(path)) == [None] * 2_000
    path.write_text("text\nRain fell.\n" + (opened * 10_000 if "\n" in opened and '"' in opened else opened + "a" * 50_000))
    found = codes(entries(path))
    assert found[0] is None
    assert found[-1] in ("too-large", "damaged")
    assert len(found) == 2 + (opened == "a,b\n")


@pytest.mark.parametrize("name", ["rows.csv", "rows.tsv", "rows.csv.gz"])
@pytest.mark.parametrize("at", [0, 3])
def test_a_quotation_mark_left_open_is_an_error(name: str, at: int, tmp_path: Path) -> None:
    """Where a mark that nothing closes makes the rest of a table one row, or all of it the names, that is one failed article which names the line."""
    lines = ["id\ttext", *(f"r{number}\tIt rained." for number in range(9)), "\n\n"]
    lines[at] = lines[at].replace("\t", '\t"')
    content = "\n".join(lines).replace("\t", "\t" if ".tsv" in name else ",").encode()
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    *rows, last = entries(tmp_path / name)
    assert [(entry.id, entry.error) for entry in rows] == [("r0", None), ("r1", None)][:at]
    assert last.error is not None
    assert (last.error.code, f"begins in line {at + 1}," in last.error.message) == ("damaged", True)


def test_empty_lines_at_the_end_leave_nothing_open(tmp_path: Path) -> None:
    """A table may end in quotation marks, in empty lines, or below its names."""
    path = tmp_path / "rows.csv"
    for end in ("", "\n", "\r\n\r\n\n"):
        path.write_bytes(f'text\n\n"It\nrained."{end}'.encode())
        assert codes(entries(path)) == [None]
        path.write_bytes(f"text{end}".encode())
        assert not entries(path)


def test_another_encoding_is_named(tmp_path: Path) -> None:
    """Rows and lines that are not UTF-8 are failed articles whose remedy is to save the file as UTF-8; a table's other columns are not looked at."""
    (tmp_path / "rows.csv").write_bytes("id,text,note\na,It rained.,Malmö\nb,It rained in Malmö.,\n".encode("latin-1"))
    (tmp_path / "rows.jsonl").write_bytes('{"text": "It rained."}\n{"text": "It rained in Malmö."}\n'.encode("latin-1"))
    (tmp_path / "rows.json").write_bytes('{"text": "It rained in Malmö."}'.encode("latin-1"))
    (tmp_path / "wide.jsonl").write_bytes('{"text": "It rained."}\n{"text": "It rained in Malmö."}\n'.encode("utf-16"))
    for name, expected in (("rows.csv", [None, "not-text"]), ("rows.jsonl", [None, "not-text"]), ("rows.json", ["not-text"]), ("wide.jsonl", ["not-text"])):
        found = entries(tmp_path / name)
        assert codes(found) == expected, name
        assert "save the file as UTF-8" in str(found[-1].error)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_table_may_begin_with_the_mark_of_its_encoding(encoding: str, tmp_path: Path, piped: Callable[[bytes], None]) -> None:
    """As spreadsheets save them: UTF-8 or UTF-16, from a file and through a pipe."""
    content = "text\tid\nIt rained in Malmö.\ta\n".encode(encoding)
    (tmp_path / "rows.tsv").write_bytes(content)
    piped(content)
    assert [article.text for article in [*articles(tmp_path / "rows.tsv"), *articles("-", form="tsv")]] == ["It rained in Malmö."] * 2


def test_half_a_surrogate_pair_in_a_name_costs_nothing(tmp_path: Path) -> None:
    """Title, source and folder come out as text that can be written, whatever stands in the archive or the file system."""
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'{"text": "It rained.", "title": "a\\ud800", "source": "\\udfff"}')
    [article] = articles(path)
    assert (article.title, article.source) == (r"a\ud800", r"\udfff")
    folder = os.fsencode(tmp_path) + b"/caf\xe9"
    Path(os.fsdecode(folder)).mkdir()
    Path(os.fsdecode(folder), "one.txt").write_text(STORY)
    assert [entry.folder for entry in entries(os.fsdecode(folder))] == [r"caf\udce9"]


def test_what_cannot_be_read_never_hangs(tmp_path: Path) -> None:
    """Archives that are pipes, folders' loops and missing files are failed articles."""
    os.mkfifo(tmp_path / "pipe.warc")
    (tmp_path / "loop").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "gone.warc.gz").symlink_to(tmp_path / "nowhere")
    assert codes(entries(tmp_path)) == ["unreadable", "not-a-file"]
    (tmp_path / "itself.txt").symlink_to(tmp_path / "itself.txt")
    [itself] = entries(tmp_path, include=("itself.txt",))
    with pytest.raises(InputError, match="cannot be read: Too many levels of symbolic links"):
        read_article(itself)


def test_a_folder_that_may_not_be_opened_is_one_failed_article(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What stands beside it is read."""
    (tmp_path / "closed").mkdir()
    (tmp_path / "open.txt").write_text(STORY)
    scandir = os.scandir

    def refused(path: str) -> Any:
        if path.endswith("closed"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr("training.inputs.os.scandir", refused)
    closed, opened = entries(tmp_path)
    assert (closed.id, read_article(opened).text) == (str(tmp_path / "closed"), STORY)
    with pytest.raises(InputError, match="folder cannot be opened; check that you may read it") as refused:
        read_article(closed)
    assert refused.value.code == "unreadable"


def test_a_file_too_large_for_an_article_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its size alone: it may have terabytes."""
    (tmp_path / "huge.txt").write_text(STORY)
    os.truncate(tmp_path / "huge.txt", 10**12)
    [huge] = entries(tmp_path)
    with pytest.raises(InputError, match="1,000,000,000,000 bytes are more than one article can have; split the file") as refused:
        read_article(huge)
    assert refused.value.code == "too-large"


@pytest.mark.parametrize(
    ("content", "code", "said"),
    [
        ("7", "bad-json", "neither an article nor a list"),
        ("[" * 9_000, "bad-json", "nested deeper"),
        ('{"text": "It rained."}\n' * 2, "bad-json", "say --input jsonl"),
        (json.dumps([STORY] * 100), "too-large", "make it JSON Lines"),
    ],
)
def test_a_json_file_that_holds_no_articles_says_so(content: str, code: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Something else, or more than can be read whole, is one failed article that names the remedy."""
    monkeypatch.setattr(archives, "LONGEST", 10_000)
    (tmp_path / "rows.json").write_text(content)
    [failed] = entries(tmp_path / "rows.json")
    assert failed.error is not None
    assert (failed.error.code, said in failed.error.message) == (code, True)


@pytest.mark.parametrize("form", [None, "jsonl"])
def test_standard_input_is_an_article_or_an_archive(form: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """`-` is one article unless `--input` says what is sent."""
    sent = (STORY if form is None else "".join(json.dumps(row) + "\n" for row in ROWS)).encode()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(sent)))
    assert [article.id for article in articles("-", form=form)] == (["-"] if form is None else [row["id"] for row in ROWS])


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.json", "rows.csv", "rows.parquet"])
def test_a_pipe_is_read_as_a_file_is(name: str, tmp_path: Path, piped: Callable[[bytes], None]) -> None:
    """An archive that comes through a pipe, which cannot be sought, gives what it gives as a file."""
    write_rows(tmp_path / name, ROWS)
    piped((tmp_path / name).read_bytes())
    assert [article.text for article in articles("-", form=name.split(".")[1])] == [row["text"] for row in ROWS]


def test_progress_counts_every_byte_of_the_input(tmp_path: Path) -> None:
    """The bytes that articles say lie behind them add up to the size of the files."""
    write_rows(tmp_path / "rows.jsonl.gz", ROWS)
    write_rows(tmp_path / "rows.csv", ROWS)
    (tmp_path / "one.txt").write_text(STORY)
    paths = sorted(tmp_path.iterdir())
    assert sum(entry.read for entry in entries(*paths)) == sum(path.stat().st_size for path in paths)


def test_archives_are_streams(tmp_path: Path) -> None:
    """The first article comes before the rest of the archive is read."""
    for form in ("jsonl", "csv"):
        rows = io.StringIO()
        write_text(rows, form, [{"text": STORY * 100}] * 200)
        stream = io.BufferedReader(io.BytesIO(rows.getvalue().encode()))  # type: ignore[arg-type]
        next(iter(READERS[form](stream, "a", FIELDS)))
        assert stream.tell() < len(rows.getvalue()) / 4


def write_text(stream: io.StringIO, form: str, rows: list[dict[str, str]]) -> None:
    if form == "jsonl":
        stream.writelines(json.dumps(row) + "\n" for row in rows)
    elif form == "json":
        json.dump(rows, stream)
    else:
        table = csv.DictWriter(stream, list(rows[0]), delimiter="\t" if form == "tsv" else ",")
        table.writeheader()
        table.writerows(rows)


def write_table(path: Path, **columns: Any) -> None:
    """A Parquet file of these columns."""
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    parquet.write_table(arrow.table(columns), path)


def write_rows(path: Path, rows: list[dict[str, str]]) -> None:
    """Rows as a file of the form that its name tells."""
    form = path.name.split(".")[1]
    if form == "parquet":
        arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
        table = io.BytesIO()
        parquet.write_table(arrow.Table.from_pylist(rows), table)
        content = table.getvalue()
    else:
        text = io.StringIO()
        write_text(text, form, rows)
        content = text.getvalue().encode()
    if path.suffix == ".gz":
        content = gzip.compress(content)
    if path.suffix == ".zst":
        content = pytest.importorskip("backports.zstd").compress(content)
    path.write_bytes(content)
