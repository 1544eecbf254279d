"""Searches for input that breaks the readers or the model loader, led by the coverage of their code (atheris, which `pip install atheris` brings).

    python -m tests.bench.fuzz_reading reading CORPUS -max_total_time=1800 -max_len=2000
    python -m tests.bench.fuzz_reading model CORPUS -max_total_time=1800 -max_len=4000

reading  bytes under a media type and a charset -> article -> blocks -> cuts. The first two bytes of an input choose both (or text in UTF-8).
model    bytes as the arrays of a model folder, under a manifest that names them

CORPUS is a folder that is begun with examples where it is empty, and kept, so that the next run goes on. Options are libFuzzer's. What breaks a
promise ends the run and is written to `crash-...` in the working folder; the same command with that file instead of CORPUS runs it again.
"""

from __future__ import annotations

import hashlib
import io
import json
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["training", "joblib.numpy_pickle"]):
    import joblib
    import numpy as np

    from tests.serving import ROOT
    from tests.test_model_file import HELD, HOSTILE
    from tests.test_properties import assert_in_order, assert_whole, parts
    from training.article import Block, folded
    from training.errors import InputError, ModelError
    from training.model import ARRAYS, FORMAT, MANIFEST, _plain, load_model
    from training.page import MARKUP
    from training.reading import article_from_bytes, article_from_text, read
    from training.spans import EVERYWHERE, IN_BODY, cut

from html import unescape

MEDIA_TYPES = ("", "text/plain", "text/html", "text/markdown")
CHARSETS = (None, "utf-8", "windows-1252", "utf-16", "shift_jis", "iso-2022-jp", "gb18030", "utf-7", "x-unknown")
FORBIDDEN = ("exec", "compile", "os.", "subprocess.", "socket.", "shutil.", "ctypes.", "pickle.find_class", "import")
"""What a model must not make Python do, as audit events name it."""
SEEDS = ROOT / "seeds" / "articles"
PIECES = (
    "<!-- -- --!> <![CDATA[ ]]> <? <script> </script> <style> <title> </title> <textarea> </textarea> <xmp> <iframe> <plaintext> <p> </p> <br> <br/>"
    ' <a href=x> </a> <li> <td> <b> </b> <p class="a>b"> <p hidden> &amp; &#40; &#x5D; &nbsp &notit; &#0; (RELATED: [Donate (Photo: Read\\x20more:\\x20'
    ' “ ” \\x00 \\x0c \\x85 \\x1e \\xef\\xbb\\xbf \\xff\\xfe \\xed\\xa0\\x80 charset= <meta\\x20charset="utf-7"> application/ld+json @graph'
).split()
ran: list[str] = []


def read_one(content: bytes) -> None:
    """Any bytes are an article or are refused with a code and one line; no text is lost, doubled or moved."""
    media_type, how, content = MEDIA_TYPES[content[0] % len(MEDIA_TYPES)] if content else "", content[1] if content[1:] else 0, content[2:]
    try:
        if how < len(CHARSETS):
            article = article_from_bytes(content, name="a", media_type=media_type, charset=CHARSETS[how])
        else:  # a guess of the encoding takes a hundred times as long as all else
            article = article_from_text(content.decode("utf-8", "replace"), name="a", media_type=media_type)
    except InputError as refused:
        assert refused.code in ("empty", "not-text"), refused.code
        assert "\n" not in refused.message
        return
    article.text.encode()
    copy = read(article)
    for said in copy.metadata:
        assert said is None or said == folded(said)
        (said or "").encode()
    assert all(0 <= block.linked <= len(block.text) for block in copy.blocks)
    check = check_page if article.is_html else assert_whole
    check(article.text, copy.blocks)
    check(article.text, [cut(cut(block, EVERYWHERE, article), IN_BODY, article) for block in copy.blocks])


def check_page(source: str, blocks: list[Block]) -> None:
    """Blocks stand in order and apart, what stands between them has no text, and what was cut stands in order inside them. A text area's content must be
    a block, so only its tags are taken as markup."""
    assert_in_order(blocks, len(source))
    edges = [0, *(edge for block in blocks for edge in (block.start, block.end)), len(source)]
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        between = unescape(MARKUP.sub("", source[start:end]))
        assert not folded(between), f"lost: {between!r}"
    for block in blocks:
        parts(block)


def load_one(content: bytes) -> None:
    """Any bytes load as a model's arrays or are refused as a model, and nothing is run, opened or imported for them."""
    (FOLDER / ARRAYS).write_bytes(content)
    manifest = {"format": FORMAT, "name": "fuzzed", "digest": "sha256:" + hashlib.sha256(content).hexdigest()}
    (FOLDER / MANIFEST).write_text(json.dumps(manifest))
    ran.clear()
    WATCHING.append(True)
    try:
        load_model(FOLDER)
    except ModelError as refused:
        assert refused.code in ("bad-model", "hostile-model"), refused.code
        assert "\n" not in refused.message
    finally:
        WATCHING.clear()
    assert not ran, ran


def listen(event: str, arguments: tuple[object, ...]) -> None:
    if WATCHING and event.startswith(FORBIDDEN):
        ran.append(f"{event} {arguments!r:.200}")


def examples_of_reading() -> list[bytes]:
    texts = [path.read_bytes()[:1500] for path in sorted(SEEDS.rglob("*.*"))[::6]]
    return [bytes((media, 255)) + text for text in texts for media in (0, 2)] + [b"\2\0" + "".join(PIECES).encode()]


def examples_of_models() -> list[bytes]:
    whole, one = io.BytesIO(), io.BytesIO()
    joblib.dump(_plain({"kinds": HELD, "labels": HELD}), whole)
    joblib.dump({"a": np.arange(3.0)}, one)
    return [whole.getvalue(), one.getvalue(), *(make("true") for make in HOSTILE.values())]


WATCHING: list[bool] = []
FOLDER = Path(tempfile.mkdtemp(prefix="copydesk-fuzz-"))
MEASURES = {"reading": (read_one, examples_of_reading), "model": (load_one, examples_of_models)}

if __name__ == "__main__":
    what = sys.argv.pop(1)
    test, examples = MEASURES[what]
    corpus = Path(sys.argv[1])
    if not corpus.is_file():
        corpus.mkdir(parents=True, exist_ok=True)
        if not any(corpus.iterdir()):
            for number, example in enumerate(examples()):
                (corpus / f"{number:03}").write_bytes(example)
    words = FOLDER / "words"
    words.write_text("".join(f'"{piece.replace(chr(34), chr(92) + chr(34))}"\n' for piece in PIECES if piece.isascii()))
    for example in examples():  # what Python itself imports at first use is imported before anybody listens
        test(example)
    sys.addaudithook(listen)
    atheris.Setup([*sys.argv, *([f"-dict={words}"] if what == "reading" else [])], test)
    atheris.Fuzz()
