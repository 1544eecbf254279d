"""From bytes to an article: encodings, what is refused, and whether it is a page."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training import reading
from training.article import MAX_BLOCKS, Article
from training.errors import InputError
from training.metadata import Metadata
from training.reading import CHARACTERS_A_TOKEN, MOST_TOKENS, NEVER, article_from_bytes, article_from_text, decode, is_html, read

STORY = "The café on Ostrand’s quay closed. “Never again,” said Zoë Tavener."
JAPANESE = "港の市議会は水曜日、古い橋の修理に関する予算を承認した。市長は来年の春までに工事が終わると述べ、住民に理解を求めた。"


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (codecs.BOM_UTF32_BE, "utf-32-be"),
    ],
)
def test_byte_order_mark(mark: bytes, encoding: str) -> None:
    """A byte order mark decides the encoding, over every declaration, and is no part of the text."""
    text = f'<meta charset="iso-8859-1">{STORY}'
    assert decode(mark + text.encode(encoding), "windows-1252") == text


@pytest.mark.parametrize(
    "declaration",
    [
        "<meta charset={}>",
        '<META CHARSET="{}">',
        '<meta http-equiv="Content-Type" content="text/html; charset={}">',
        '<?xml version="1.0" encoding="{}"?>',
    ],
)
@pytest.mark.parametrize("encoding", ["windows-1252", "macintosh", "cp1250", "UTF-8"])
def test_declared(declaration: str, encoding: str) -> None:
    """A page is read in the encoding that it declares."""
    text = declaration.format(encoding) + STORY.replace("ë", "é")
    assert decode(text.encode(encoding)) == text


@pytest.mark.parametrize(
    ("label", "encoding"),
    [
        ("iso-8859-1", "windows-1252"),
        ("latin1", "windows-1252"),
        ("us-ascii", "windows-1252"),
        ("iso-8859-9", "windows-1254"),
        ("gb2312", "gbk"),
        ("shift_jis", "cp932"),
        ("euc-kr", "cp949"),
    ],
)
def test_declared_as_browsers_read_it(label: str, encoding: str) -> None:
    """A label stands for the encoding that browsers read under it: curly quotes in "iso-8859-1" come out as quotes."""
    inside = {"gbk": "朱镕基说", "cp932": "①髙橋", "cp949": "똠방각하"}.get(encoding, "“don’t”")
    text = f"<meta charset={label}><p>{inside}"
    assert decode(text.encode(encoding)) == text


def test_header_over_declaration() -> None:
    """What the HTTP header says goes before what the page says."""
    text = "<meta charset=koi8-r>Zoë"
    assert decode(text.encode("windows-1252"), "windows-1252") == text


@pytest.mark.parametrize("charset", ["", "no-such-encoding", "utf\0-8", "rot13", "hex", "ascii\n", "x" * 10_000])
def test_useless_charset(charset: str) -> None:
    """A charset that means nothing is passed over."""
    assert decode(STORY.encode(), charset) == STORY


def test_utf_8_over_a_false_declaration() -> None:
    """A page that declares another encoding but is UTF-8 is read as UTF-8."""
    text = f"<meta charset=windows-1252>{STORY}"
    assert decode(text.encode()) == text


@pytest.mark.parametrize("padding", ["", " "])
def test_declared_utf_16_is_not_believed(padding: str) -> None:
    """A declaration that can be read byte by byte cannot be of UTF-16."""
    text = f"<meta charset=utf-16><p>The café closed on Monday.</p>{padding}"
    assert decode(text.encode("windows-1252")) == text


@pytest.mark.parametrize("label", ["utf-7", "UTF7", "utf_7", "utf 7", "u7", "unicode-1-1-utf-7", "unicode_escape", "raw-unicode-escape", "punycode", "idna"])
def test_never_obeyed(label: str) -> None:
    """No header and no page, under any name, brings in an encoding in which plain text can mean markup."""
    content = b"+ADw-script+AD4- \\u003cscript\\u003e"
    assert decode(content, label) == content.decode()
    assert decode(f"<meta charset='{label}'>".encode() + content + b"\xe9").count("<") == 1
    assert codecs.lookup(label).name in NEVER


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (JAPANESE, "shift_jis"),
        (JAPANESE, "euc_jp"),
        (JAPANESE, "iso2022_jp"),
        (f"{JAPANESE}\n" * 1500, "shift_jis"),
        (f"a{JAPANESE}\n" * 1500, "euc_jp"),
    ],
)
def test_guessed(text: str, encoding: str) -> None:
    """Text that is not UTF-8 and declares nothing is read in the encoding that it looks like."""
    assert decode(text.encode(encoding)) == text


@pytest.mark.parametrize("damage", [b"\xff", b"\xe2", b"\xe2\x80", b"\x80\x80"])
def test_damaged_utf8_is_utf8(damage: bytes) -> None:
    """A stray byte, or a file that was cut inside a character, costs that character and no other, whatever is declared."""
    text = "“It’s a café,” she said, “and it’s ours – nobody else’s.”"
    for content in (text, f'<meta charset="utf-8"><p>{text}', f'<meta charset="iso-8859-1"><p>{text}'):
        assert decode(content.encode() + damage).rstrip("\ufffd") == content
        assert decode(damage + content.encode(), "utf-8").lstrip("\ufffd") == content


def test_windows_1252_without_declaration() -> None:
    """Western text in the old encoding of Windows keeps its letters."""
    story = "The café on the quay closed after thirty years. Its owner, Zoé, said she would miss the crème brûlée."
    assert decode(story.encode("windows-1252")) == story


@pytest.mark.parametrize("content", [b"", b" \n\t\r\n", codecs.BOM_UTF8, codecs.BOM_UTF8 + b" ", "\u00a0\u2003".encode()])
def test_empty(content: bytes) -> None:
    """What holds nothing but white space is refused as empty."""
    with pytest.raises(InputError) as refused:
        article_from_bytes(content)
    assert refused.value.code == "empty"


@pytest.mark.parametrize(
    "content",
    [
        b"\0",
        b"\0\0\0\0",
        b"The ferry\0\0\0 sank.",
        bytes(range(256)) * 20,
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x10\0\0\0\x10\x08\x06\0\0\0",
        b"PK\x03\x04\x14\0\x06\0\x08\0\0\0!\0",
        b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0>\0",
        b"%PDF-1.7\n" + bytes(range(0, 256, 3)) * 50,
    ],
)
def test_not_text(content: bytes) -> None:
    """A binary file is refused as not being text."""
    with pytest.raises(InputError) as refused:
        article_from_bytes(content)
    assert refused.value.code == "not-text"


def test_a_stray_control_character_is_no_binary() -> None:
    """A control character or two among much text do not make it binary."""
    assert article_from_bytes(b"The ferry sank off Ostrand. " * 40 + b"\0").text.endswith("\0")


def test_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """An input beyond the limit is refused before it is decoded or read, with its size and the limit in the message."""
    monkeypatch.setattr(reading, "MAX_CHARACTERS", 10)
    for refuse in (lambda: article_from_text("a" * 11), lambda: article_from_bytes(b"a" * 11), lambda: article_from_bytes(b"\xff" * 41)):
        with pytest.raises(InputError, match="(characters are more than the 10|bytes are more than the 40) ") as refused:
            refuse()
        assert refused.value.code == "too-large"
    assert article_from_text("a" * 10).text == "a" * 10


@pytest.mark.parametrize(("line", "media_type"), [("a\n\n", "text/plain"), ("a\n", "text/plain"), ("<li>a", "text/html")])
def test_too_many_blocks(line: str, media_type: str) -> None:
    """An article cut into more blocks than any has is refused, as each costs some kilobytes however short it is; one block less is read."""
    article = article_from_text(line * MAX_BLOCKS, media_type=media_type)
    assert len(read(article).blocks) == MAX_BLOCKS
    with pytest.raises(InputError, match="may have 100,000 paragraphs, or ten times as many lines, and this has more; split it") as refused:
        read(article_from_text(line * (MAX_BLOCKS + 1), media_type=media_type))
    assert refused.value.code == "too-large"


@pytest.mark.parametrize("media_type", ["text/plain", "text/html"])
def test_too_many_marks(media_type: str) -> None:
    """A text that is all marks is refused before it takes memory for each; prose of the same size, and a few marks less, are read."""
    flood = '"' * (MOST_TOKENS + MOST_TOKENS // 2)
    with pytest.raises(InputError, match=r"3,000,00\d words and marks are more than the 2,60\d,\d{3} that one article may have; split it") as refused:
        read(article_from_text(f"Harrow\n\n{flood}", media_type=media_type))
    assert refused.value.code == "too-large"
    for text in (flood[:MOST_TOKENS], "The ferry sank off Ostrand. " * (len(flood) // 28)):
        assert read(article_from_text(text, media_type=media_type)).blocks
    most = round(MOST_TOKENS / (3 / 4 - 1 / CHARACTERS_A_TOKEN) / 4)  # times that “a” and its space may stand, three tokens in four characters
    assert read(article_from_text("“a” " * (most - 2), media_type=media_type)).blocks
    with pytest.raises(InputError, match="words and marks are more than"):
        read(article_from_text("“a” " * (most + 2), media_type=media_type))


def test_lone_surrogates() -> None:
    """Half a surrogate pair becomes a replacement character, so that every place after it stays where it was."""
    article = article_from_text("rain \ud83d wind \udc00", source="\ud800", title="a\udfff")
    assert (article.text, article.source, article.title) == ("rain \ufffd wind \ufffd", "\ufffd", "a\ufffd")


def test_lone_surrogates_in_a_page_s_own_words() -> None:
    """What a page says of itself in JSON, where half a pair can be written, comes out as text."""
    said = r'{"@type": "NewsArticle", "headline": "Rain \ud800", "author": {"name": "Zoë \udfff"}}'
    metadata = read(article_from_text(f'<script type="application/ld+json">{said}</script><p>Rain fell.', media_type="text/html")).metadata
    assert (metadata.title, metadata.author) == ("Rain \ufffd", "Zoë \ufffd")


def test_a_long_title_is_cut_without_a_space_at_its_end() -> None:
    """What a page says of itself is cut to its limit as folded text, also where a word ends just there."""
    authors = ", ".join(['"Zoë Ta"'] * 99)
    page = f'<title>{"rain " * 100}</title><script type="application/ld+json">{{"@type": "Report", "author": [{authors}]}}</script><p>Rain fell.'
    metadata = read(article_from_text(page, media_type="text/html")).metadata
    assert metadata.title == "rain " * 79 + "rain"
    assert metadata.author == ("Zoë Ta, " * 50).rstrip()


@pytest.mark.parametrize(
    "said",
    [
        '{"@type": "NewsArticle", "headline": ',
        "[" * 100_000,
        '["NewsArticle", 7, null]',
        '{"@type": "NewsArticle", "headline": ["a"], "author": {"name": 7}, "datePublished": " "}',
        '{"@type": "WebPage", "headline": "No article"}',
        '{"@graph": "none", "@type": null}',
    ],
)
def test_nonsense_that_a_page_says_of_itself_is_passed_over(said: str) -> None:
    """JSON that is broken or of another form, an address without a host and empty titles cost neither the text nor what the page says elsewhere."""
    head = '<title> </title><meta name="author" content=" "><meta content="no name"><link rel="canonical" href="https://[pier/a">'
    page = f'{head}<script type="application/ld+json">{said}</script><meta property="og:title" content="Rain"><p>Rain fell.'
    copy = read(article_from_text(page, media_type="text/html"))
    assert [block.text for block in copy.blocks] == ["Rain fell."]
    assert copy.metadata == Metadata(title="Rain")


def test_a_link_to_the_author_is_no_author() -> None:
    """Of what a page links to, its own address alone says something of the article."""
    head = '<link rel="author" href="/people/7"><link rel="Canonical" href="https://www.gannet.example/rain"><meta name="author" content="By Ines Tavener">'
    metadata = read(article_from_text(f"{head}<p>Rain fell.", media_type="text/html")).metadata
    assert (metadata.author, metadata.source) == ("Ines Tavener", "gannet.example")
    told = '<link rel="author" href="/canonical/7"><link itemprop="url" href="https://gannet.example/rain">'
    metadata = read(article_from_text(f"{told}<p>Rain fell.", media_type="text/html")).metadata
    assert (metadata.author, metadata.source) == (None, "gannet.example")


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ('<link rel="canonical" href="/rain"><meta property="og:url" content="https://www.gannet.example/rain">', Metadata(source="gannet.example")),
        (
            '<meta name="author" content="https://gannet.example/people/7">'
            '<script type="application/ld+json">{"@type": "Report", "author": {"name": "Ines Tavener"}}</script>',
            Metadata(author="Ines Tavener"),
        ),
    ],
    ids=["address", "author"],
)
def test_what_says_nothing_hides_nothing(head: str, expected: Metadata) -> None:
    """An address without a host and a link in an author's place leave room for what the page says better elsewhere."""
    assert read(article_from_text(f"{head}<p>Rain fell.", media_type="text/html")).metadata == expected


def test_all_articles_of_a_graph_are_looked_at() -> None:
    """A page's words on itself may be one of several things, in a list or a graph, with one author or many."""
    article = '{"@type": ["Thing", "OpinionNewsArticle"], "headline": "Rain", "author": ["Zoë", {"name": "Ines Tavener"}, 7]}'
    for said in (article, f'[{{"@type": "WebSite"}}, {article}]', f'{{"@graph": [7, {{"@type": "WebSite"}}, {article}]}}'):
        metadata = read(article_from_text(f'<script type="application/ld+json">{said}</script><p>Rain fell.', media_type="text/html")).metadata
        assert (metadata.title, metadata.author) == ("Rain", "Zoë, Ines Tavener")


@pytest.mark.parametrize(
    ("text", "name", "media_type", "expected"),
    [
        ("Rain fell.", "", "", False),
        ("<!DOCTYPE html><p>Rain", "", "", True),
        ("\n <!-- saved --> <html lang=en>", "", "", True),
        ("<?xml version='1.0'?><html>", "", "", True),
        ("<p>Rain</p><p>Wind", "", "", True),
        ("Use <b>rain</b> sparingly", "", "", False),
        ("He wrote <p> and stopped", "", "", False),
        ("a < b > c <d> <e> <f>", "", "", False),
        ("Rain fell.", "story.html", "", True),
        ("Rain fell.", "a.b/STORY.HTM", "", True),
        ("<!doctype html><p>", "story.txt", "", False),
        ("<!doctype html><p>", "story.md", "", True),
        ("<!doctype html><p>", "story.html", "text/plain", False),
        ("Rain fell.", "story.txt", "text/html", True),
        ("Rain fell.", "", "Text/HTML; charset=utf-8", True),
        ("Rain fell.", "", "application/xhtml+xml", True),
    ],
)
def test_is_html(text: str, name: str, media_type: str, expected: bool) -> None:
    """The media type tells a page from plain text, else the file's name does, else its looks."""
    assert is_html(text, name=name, media_type=media_type) is expected


def test_article_keeps_what_the_caller_says() -> None:
    """Name, source and title of an article are the caller's, and its reader is the one for its form."""
    page = article_from_bytes(b"<p>Rain<p>Wind", name="a/1.html", source="ostrand.example")
    assert page == Article("<p>Rain<p>Wind", True, "a/1.html", "ostrand.example")
    assert [block.text for block in read(page).blocks] == ["Rain", "Wind"]
    text = article_from_text("<p>Rain<p>Wind", media_type="text/plain", title="Weather")
    assert (text.title, [block.text for block in read(text).blocks]) == ("Weather", ["<p>Rain<p>Wind"])


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200), st.sampled_from(["", "utf-8", "utf-16", "shift_jis", "utf-7", "nonsense"]))
def test_any_bytes(content: bytes, charset: str) -> None:
    """Any bytes under any charset are either an article whose text can be written as UTF-8, or refused in words."""
    try:
        article = article_from_bytes(content, charset=charset)
    except InputError as refused:
        assert refused.code in ("empty", "not-text")
    else:
        article.text.encode()
        read(article)


@settings(max_examples=100, deadline=None)
@given(st.text(min_size=1))
def test_utf_8_is_read_as_it_is(text: str) -> None:
    """Text in UTF-8, without the escape character, is decoded to the very same characters."""
    if "\x1b" not in text and not text.startswith("\ufeff"):
        assert decode(text.encode()) == text
