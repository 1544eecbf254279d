"""Hostile files among good ones, and floods of every kind by size, from outside on the command as people run it.

    python -m tests.bench.bench_hostile [folder] [size] [--limit GIB] [--megabytes 1 4 16]

folder  hostile files among 20 good ones through `copydesk score --jobs 2`, under a limit on the address space of each process: seconds, peak memory
        of all processes together, and what became of each file
size    for each flood, as text and as page: CPU seconds a MB and peak memory as a multiple of the input, at each size, start-up taken off

Linux alone: memory is read from /proc.
"""

from __future__ import annotations

import argparse
import gzip
import io
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tests.serving import COMMAND, ROOT

ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path[1:]])}
MB = 1_000_000
GOOD = 20
STORY = (
    "The harbour board voted 5-2 on Monday to close the east pier for repairs until October.\n\n“We found cracks in eleven of the forty piles,” the harbour "
    "master, Ulla Brandis, told reporters.\n\nIt is a shameful decision, taken by people who should know better, and we will all pay for their cowardice.\n"
)
SENTENCE = "The pier was closed on Monday. "


def table(row: list[str]) -> bytes:
    import pyarrow
    import pyarrow.parquet

    held = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table({"text": row}), held)
    return held.getvalue()


def warc(body: bytes, said: int | None = None) -> bytes:
    page = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + body
    head = "WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: http://pier.example/\r\nContent-Type: application/http;msgtype=response\r\nContent-Length: "
    return head.encode() + str(said or len(page)).encode() + b"\r\n\r\n" + page + b"\r\n\r\n"


def bomb(begin: bytes, unit: bytes, times: int) -> bytes:
    return gzip.compress(begin) + gzip.compress(unit * MB) * times


HOSTILE: dict[str, Callable[[], bytes | str]] = {
    "binary.txt": lambda: os.urandom(MB),
    "empty.txt": lambda: b"",
    "one-line.txt": lambda: SENTENCE * (20 * MB // len(SENTENCE)),
    "one-text-node.html": lambda: "<!doctype html><p>" + SENTENCE * (20 * MB // len(SENTENCE)),
    "one-word.txt": lambda: STORY + "a" * 20 * MB,
    "utf-16-without-mark.txt": lambda: STORY.encode("utf-16-le"),
    "latin-said-to-be-utf-8.html": lambda: b'<meta charset="utf-8"><p>' + "Der Bürgermeister schloß das Café für Fußgänger. ".encode("latin-1") * 99,
    "half-characters.txt": lambda: "日本の港は閉鎖された。".encode() * 9999 + b"\xe6\x97",
    "utf-7.html": lambda: b'<meta charset="utf-7"><p>+ADw-script+AD4-alert(1)+ADw-/script+AD4- The pier is closed, the board said on Monday.',
    "not-gzip.warc.gz": lambda: b"\x1f\x8b" + os.urandom(1000),
    "bomb.warc.gz": lambda: bomb(b"<p>", b"a" * 30, 100),
    "bomb-of-records.warc.gz": lambda: gzip.compress(warc(b"<p>" + b"a" * 190 * MB), 1),
    "deep.html": lambda: "<div>" * MB + STORY,
    "deep-inline.html": lambda: "<b><a href=x>" * MB + STORY,
    "entities.html": lambda: "<p>" + "&amp;" * MB + STORY,
    "half-entities.html": lambda: "<p>" + "&#" * 2 * MB + STORY,
    "attributes.html": lambda: "<p " + " ".join(f"a{number}=b" for number in range(MB)) + ">" + STORY,
    "one-attribute.html": lambda: '<p class="' + "a " * 2 * MB + '">' + STORY,
    "open-attribute.html": lambda: '<p class="' * MB + STORY,
    "comments.html": lambda: "<!--" * MB + STORY,
    "cdata.html": lambda: "<![CDATA[" * MB + STORY,
    "tags.html": lambda: "<" * 4 * MB + STORY,
    "scripts.html": lambda: "<script>" * MB + STORY,
    "json-ld.html": lambda: '<script type="application/ld+json">' + "[" * 2 * MB + "</script><p>" + STORY,
    "meta.html": lambda: "<meta " + "a" * 4 * MB + ">" + STORY,
    "lists.html": lambda: "<ul><li>a" * MB,
    "quotes.txt": lambda: STORY + "“" * 2 * MB,
    "straight-quotes.txt": lambda: STORY + '"a" ' * MB,
    "parentheses.txt": lambda: STORY + "(" * 4 * MB,
    "pointers.txt": lambda: STORY + "(related: " * MB,
    "spaces.txt": lambda: STORY + " " * 8 * MB + "end",
    "newlines.txt": lambda: STORY + "\n" * 8 * MB + "end",
    "lines.txt": lambda: "a\n" * 2 * MB,
    "digits.txt": lambda: STORY + "1" * 4 * MB,
    "dates.txt": lambda: STORY + "1,1.1-" * MB,
    "nuls.txt": lambda: STORY + "\0" * 4 * MB,
    "bidi.txt": lambda: STORY + "\u202e\u2066\u200b" * MB,
    "accents.txt": lambda: STORY + "e" + "\u0301" * 2 * MB,
    "broken.warc": lambda: warc(b"<p>" + STORY.encode(), 10**17)[:-40] + b"WARC/1.0\r\nContent-Length: x\r\n\r\n",
    "lies.warc": lambda: warc(b"<p>" + STORY.encode()) * 2 + b"WARC/1.0\r\nWARC-Type: response\r\nContent-Length: -5\r\n\r\n" + warc(b"<p>" + STORY.encode()),
}
"""What each file in a folder holds. Beside them stand a pipe, a loop of links, links to nothing and to a device, and a file nobody may read."""
NAMED: dict[str, Callable[[], bytes | str]] = {
    "surrogates.jsonl": lambda: r'{"id": "\ud800", "text": "The pier \udfff was closed on Monday, the board said.", "source": "\udc00"}',
    "nested.jsonl": lambda: '{"text": ' + "[" * MB + "\n" + json.dumps({"text": STORY}) + "\n",
    "numbers.jsonl": lambda: '{"text": 1' + "0" * 5 * MB + "}\n" + '{"id": 1e999, "text": "' + STORY.replace("\n", " ") + '"}\nnull\n',
    "broken.json": lambda: '[{"text": "a"}, {"text": ',
    "bomb.jsonl.gz": lambda: bomb(b'{"text": "', b"a" * 30, 100),
    "bomb.csv.gz": lambda: bomb(b"text\n", b"a," * 15, 100),
    "quote.csv": lambda: 'id,text\n1,"' + SENTENCE * 600_000,
    "nul.csv": lambda: "id,text\n1,a\0b\n2," + SENTENCE + "\n",
    "broken.parquet": lambda: table([STORY] * 9)[:-9],
    "damaged.parquet": lambda: (whole := table([STORY * 99] * 99))[:200] + os.urandom(400) + whole[600:],
    "wide.parquet": lambda: table([SENTENCE * 400_000]),
}
"""What each archive holds that is named beside the folder."""

FLOODS = {
    "sentences": SENTENCE, "one word": "a", "words": "a ", "quotes": "“", "quoted": '"a" ', "parentheses": "(", "pointers": "(related: ", "spaces": " ",
    "newlines": "\n", "lines": "a\n", "paragraphs": "Rain fell.\n\n", "digits": "1", "dates": "1,1.1-", "marks": "a.-", "bidi": "\u202e", "accents": "\u0301",
    "ideographs": "日",
}  # fmt: skip
MARKED_FLOODS = {
    "text node": SENTENCE, "entities": "&amp;", "half entities": "&#", "tags": "<", "half tags": "<a", "paragraphs": "<p>Rain fell.", "elements": "<div>",
    "inline": "<b>a", "attributes": '<p class="a">a', "open attributes": '<p class="', "comments": "<!--a-->", "open comments": "<!--", "cdata": "<![CDATA[",
    "scripts": "<script>a</script>", "open scripts": "<script>", "lists": "<li>a", "breaks": "a<br><br>", "meta": '<meta name=a content="b">',
    "spaces": " ", "pointers": "(related: <b>",
}  # fmt: skip


class Used(NamedTuple):
    """What a run took: its status, wall and CPU seconds, the peak memory of all its processes together in MB, and what it said on standard error."""

    status: int
    wall: float
    cpu: float
    peak: float
    said: str


def run(arguments: Sequence[object], output: Path, limit: int | None = None) -> Used:
    """Run `copydesk score`, each of its processes within `limit` GiB of address space, and watch its memory."""
    within = ["sh", "-c", f'ulimit -v {limit << 20}; exec "$@"', "sh"] if limit else []
    output.unlink(missing_ok=True)
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen([*within, *COMMAND, "score", "--quiet", *map(str, arguments), "-o", str(output)], env=ENVIRONMENT, stderr=said)
        peak = 0.0
        while process.poll() is None:
            peak = max(peak, sum(_memory(child) for child in _family(process.pid)))
            time.sleep(0.02)
        said.seek(0)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return Used(process.returncode, time.monotonic() - began, cpu, peak, said.read().strip())


def _family(parent: int) -> list[int]:
    try:
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    except OSError:
        return []
    return [parent, *(one for child in children for one in _family(int(child)))]


def _memory(process: int) -> float:
    """MB that are this process's own, with its part of what it shares."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1000 for line in lines if line.startswith("Pss:")), 0.0)


def write(path: Path, content: bytes | str) -> Path:
    path.write_bytes(content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content)
    return path


def folder(work: Path, limit: int, _: Sequence[int]) -> None:
    mixed, out = work / "mixed", work / "out.jsonl"
    mixed.mkdir()
    for number in range(GOOD):
        write(mixed / f"good-{number:02}.txt", f"Vote number {number}. {STORY}")
    for name, content in HOSTILE.items():
        write(mixed / name, content())
    os.mkfifo(mixed / "pipe.txt")
    (mixed / "loop").symlink_to(mixed, target_is_directory=True)
    (mixed / "itself.txt").symlink_to(mixed / "itself.txt")
    (mixed / "gone.txt").symlink_to(mixed / "nowhere")
    (mixed / "device.txt").symlink_to("/dev/zero")
    write(mixed / "locked.txt", STORY).chmod(0)  # root reads it all the same
    archives = [write(work / name, content()) for name, content in NAMED.items()]
    print(f"{len(list(mixed.iterdir())) - GOOD + len(archives)} hostile files among {GOOD} good ones, {limit} GiB of address space a process")
    used = run(["--jobs", 2, mixed, *archives], out, limit)
    traceback = "a TRACEBACK" if "Traceback" in used.said else "no traceback"
    print(f"status {used.status}, {used.wall:.1f} seconds, {used.cpu:.1f} CPU seconds, peak {used.peak:,.0f} MB, {traceback}")
    print(used.said)
    results: list[dict[str, Any]] = [json.loads(line) for line in out.read_bytes().splitlines()]
    for result in results:
        if "good-" not in result["id"]:
            error = result.get("error", {})
            print(f"{os.path.basename(result['id']):34}{error.get('code', 'ok'):14}{error.get('message', '')[:110]}")
    scored = sum("good-" in result["id"] and result["status"] == "ok" for result in results)
    print(f"{scored} of {GOOD} good ones scored")


def size(work: Path, limit: int, megabytes: Sequence[int]) -> None:
    out = work / "out.jsonl"
    start = run([write(work / "flood.txt", STORY)], out)
    print(f"start-up: {start.cpu:.2f} CPU seconds, {start.peak:.0f} MB")
    print(f"{'flood':28}" + "".join(f"{f'{number} MB':>24}" for number in megabytes))
    for suffix, floods in ((".txt", FLOODS), (".html", MARKED_FLOODS)):
        for name, unit in floods.items():
            figures = []
            for number in megabytes:
                path = write(work / f"flood{suffix}", STORY + unit * (number * MB // len(unit.encode())))
                used = run([path, "--time-limit", 600], out, limit)
                more, bad = (used.peak - start.peak) / number, "" if used.status == 0 and json.loads(out.read_bytes())["status"] == "ok" else "!"
                figures.append(f"{(used.cpu - start.cpu) / number:>9.2f} s/MB {more:>6.1f} x{bad:1}")
            print(f"{name + suffix:28}" + "".join(f"{figure:>24}" for figure in figures), flush=True)


MEASURES = {"folder": folder, "size": size}

if __name__ == "__main__":
    told = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    told.add_argument("measures", nargs="*", choices=[[], *MEASURES])
    told.add_argument("--limit", type=int, default=8, metavar="GIB")
    told.add_argument("--megabytes", type=int, nargs="+", default=[1, 4, 16])
    given = told.parse_args()
    for name in given.measures or MEASURES:
        print(f"\n{name}")
        with tempfile.TemporaryDirectory() as work:
            MEASURES[name](Path(work), given.limit, given.megabytes)
