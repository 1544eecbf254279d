"""Web archives, made with another library than the one that reads them."""

from __future__ import annotations

import gzip
import io
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from training.entry import Entry
from training.inputs import Choice, find_files, read_article, read_entries

pytest.importorskip("fastwarc")
pytest.importorskip("warcio")
pytestmark = pytest.mark.filterwarnings("ignore:Unclosed file:ResourceWarning")  # warcio's own temporary files

PAGE = "<html><head><meta charset='iso-8859-2'></head><body><p>Page {number}. {prose}</p></body></html>"
PROSE = "The weir at Lower Tarn was opened on Friday, and the reeve called it a fine day for the valley. "


def record(
    writer: object, number: int, status: str = "200 OK", media_type: str = "text/html; charset=utf-8", body: bytes | None = None, **headers: str
) -> None:
    body = PAGE.format(number=number, prose=PROSE * (number + 20)).encode() if body is None else body
    from warcio.statusandheaders import StatusAndHeaders

    http = StatusAndHeaders(status, [("Content-Type", media_type), *headers.items()], protocol="HTTP/1.1")
    writer.write_record(writer.create_warc_record(f"https://tarn{number}.example/a", "response", payload=io.BytesIO(body), http_headers=http))  # type: ignore[attr-defined]


def archive(path: Path, count: int = 6) -> list[int]:
    """Write pages; return the offset of each record."""
    from warcio.warcwriter import WARCWriter

    offsets = []
    with open(path, "wb") as stream:
        writer = WARCWriter(stream, gzip=path.suffix == ".gz")
        for number in range(count):
            offsets.append(stream.tell())
            record(writer, number)
    return offsets


def entries(path: Path) -> list[Entry]:
    return list(read_entries(find_files([str(path)])))


@pytest.mark.parametrize("name", ["crawl.warc", "crawl.warc.gz"])
def test_pages_come_with_offset_and_host(name: str, tmp_path: Path) -> None:
    """A page's id is the file and the offset of its record, its source the host it came from, its encoding the one its header tells."""
    offsets = archive(tmp_path / name)
    found = entries(tmp_path / name)
    assert [entry.id for entry in found] == [f"{tmp_path / name}#{offset}" for offset in offsets]
    assert [entry.source for entry in found] == [f"tarn{number}.example" for number in range(6)]
    article = read_article(found[3])
    assert article.is_html
    assert article.text.count(PROSE.strip()) == 23


def test_only_successful_pages_and_texts_are_read(tmp_path: Path) -> None:
    """Errors, redirects, images and requests are no articles; packed bodies are unpacked."""
    from warcio.warcwriter import WARCWriter

    path = tmp_path / "mixed.warc.gz"
    with open(path, "wb") as stream:
        writer = WARCWriter(stream, gzip=True)
        record(writer, 0, status="404 Not Found")
        record(writer, 1, status="301 Moved Permanently")
        record(writer, 2, media_type="image/png")
        record(writer, 3, media_type="text/plain; charset=utf-8", body=PROSE.encode())
        record(writer, 4, body=gzip.compress(PAGE.format(number=4, prose=PROSE).encode()), **{"Content-Encoding": "gzip"})
        writer.write_record(writer.create_warcinfo_record("mixed.warc.gz", {"software": "hand"}))
    found = [read_article(entry) for entry in entries(path)]
    assert [(article.source, article.is_html) for article in found] == [("tarn3.example", False), ("tarn4.example", True)]
    assert all(PROSE.strip() in article.text for article in found)


def test_wet_files_are_texts(tmp_path: Path) -> None:
    """The text records of a WET file are articles."""
    from warcio.warcwriter import WARCWriter

    path = tmp_path / "crawl.wet.gz"
    with open(path, "wb") as stream:
        writer = WARCWriter(stream, gzip=True)
        writer.write_record(
            writer.create_warc_record("https://tarn.example/a", "conversion", payload=io.BytesIO(PROSE.encode()), warc_content_type="text/plain")
        )
    [article] = [read_article(entry) for entry in entries(path)]
    assert (article.source, article.text, article.is_html) == ("tarn.example", PROSE, False)


def test_an_odd_address_costs_no_other_record(tmp_path: Path) -> None:
    """A page whose address is none has no source; a page's source is the same from an archive and from a folder."""
    path = tmp_path / "crawl.warc"
    archive(path)
    path.write_bytes(path.read_bytes().replace(b"https://tarn2.example/a", b"https://[arn2.example/a").replace(b"//tarn3.example/a", b"//www.t.example/a"))
    found = entries(path)
    assert [entry.error for entry in found] == [None] * 6
    assert [entry.source for entry in found] == ["tarn0.example", "tarn1.example", None, "t.example", "tarn4.example", "tarn5.example"]


@pytest.mark.parametrize("name", ["crawl.warc", "crawl.warc.gz"])
@pytest.mark.parametrize("place", ["start", "middle", "header"])
def test_a_damaged_record_costs_no_other(name: str, place: str, tmp_path: Path) -> None:
    """Whatever is destroyed in one record, the others are read, and one failed article stands in the place of the damage."""
    path = tmp_path / name
    offsets = archive(path)
    content = bytearray(path.read_bytes())
    begin = {"start": offsets[0], "middle": (offsets[2] + offsets[3]) // 2, "header": offsets[2]}[place]
    content[begin : begin + 40] = bytes(40)
    path.write_bytes(content)
    found = entries(path)
    lost = 0 if place == "start" else 2
    if name == "crawl.warc" and place == "middle":  # without compression, bytes inside a page are but other characters
        assert not any(entry.error for entry in found)
        return
    assert [entry.id for entry in found if not entry.error] == [f"{path}#{offset}" for offset in offsets if offset != offsets[lost]]
    assert [entry.error.code for entry in found if entry.error] == ["damaged"]


@pytest.mark.parametrize("kind", [b"response", b"metadata"])
@pytest.mark.parametrize("length", [b"99999999", b"9" * 5_000], ids=["long", "longer than numbers are"])
def test_a_record_that_claims_too_much_costs_no_other(kind: bytes, length: bytes, tmp_path: Path) -> None:
    """One that would be longer than all that is left, of whatever type, is one failed article; those that follow are read."""
    path = tmp_path / "crawl.warc"
    offsets = archive(path)
    content = path.read_bytes()
    claims = re.sub(rb"(?<=WARC-Type: )\w+|(?<=\nContent-Length: )\d+", lambda found: length if found[0].isdigit() else kind, content[offsets[2] :], count=2)
    grown = len(claims) - len(content[offsets[2] :])
    path.write_bytes(content[: offsets[2]] + claims)
    found = entries(path)
    assert [entry.error and entry.error.code for entry in found] == [None, None, "damaged", None, None, None]
    assert [entry.id for entry in found[3:]] == [f"{path}#{offset + grown}" for offset in offsets[3:]]


@pytest.mark.parametrize("name", ["crawl.warc.gz", "crawl.warc.zst"])
def test_records_that_are_compressed_together_have_ids_of_their_own(name: str, tmp_path: Path) -> None:
    """An archive that was compressed as one gives each of its pages, under an id that no other has, and again the same."""
    pack = gzip.compress if name.endswith(".gz") else pytest.importorskip("backports.zstd").compress
    archive(tmp_path / "crawl.warc", 200)
    (tmp_path / name).write_bytes(pack((tmp_path / "crawl.warc").read_bytes()))
    ids = [entry.id for entry in entries(tmp_path / name)]
    assert len(set(ids)) == 200
    assert ids == [entry.id for entry in entries(tmp_path / name)]


@pytest.mark.parametrize("name", ["crawl.warc", "crawl.warc.gz"])
@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9])
def test_an_archive_that_is_cut_off_says_so(name: str, kept: float, tmp_path: Path) -> None:
    """Wherever a download broke off, the whole records are read and the torn one is named."""
    path = tmp_path / name
    offsets = archive(path)
    path.write_bytes(path.read_bytes()[: offsets[4] + int(kept * (offsets[5] - offsets[4]))])
    found = entries(path)
    assert [entry.id for entry in found if not entry.error] == [f"{path}#{offset}" for offset in offsets[:4]]
    assert [entry.error.code for entry in found if entry.error] == ["damaged"]


@pytest.mark.parametrize("name", ["crawl.warc", "crawl.warc.gz"])
def test_a_pipe_is_read_as_a_file_is(name: str, tmp_path: Path, piped: Callable[[bytes], None]) -> None:
    """A web archive that comes through a pipe gives each whole record, also behind a damaged one."""
    offsets = archive(tmp_path / name)
    content = bytearray((tmp_path / name).read_bytes())
    content[offsets[2] : offsets[2] + 40] = bytes(40)
    piped(bytes(content))
    found = list(read_entries(find_files(["-"], Choice("warc"))))
    assert [entry.id for entry in found if not entry.error] == [f"-#{offset}" for offset in offsets if offset != offsets[2]]
    assert [entry.error.code for entry in found if entry.error] == ["damaged"]


def test_what_is_no_archive_says_so(tmp_path: Path) -> None:
    """A file that only has the name of a web archive is one failed article."""
    for name, content in (("crawl.warc.gz", PROSE.encode() * 50), ("crawl.warc", b"WARC/1.0\r\nfoo"), ("none.warc", b""), ("none.warc.gz", b"")):
        (tmp_path / name).write_bytes(content)
        assert [entry.error and entry.error.code for entry in entries(tmp_path / name)] == ["damaged"], name
