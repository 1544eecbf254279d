"""What a batch costs, and what it survives, measured from outside on the command as people run it.

    python -m tests.bench.bench_batch [MEASURE...] [--articles N] [--pages DIR] [--model DIR]

cost     articles and pages a CPU second, start-up taken off, parent and workers together
size     bytes of results a page, in each form
feed     articles a CPU second that the process which reads the archives can hand to workers
workers  how many times faster two workers are than one, and two runs apart, which is the most that the machine can give
memory   peak memory of the largest process, at N/100, N/10 and N articles
killed   N articles, killed three times with SIGKILL at random moments, then resumed
disk     the same on a disk that fills up (a small tmpfs; needs the right to mount one)
cluster  the same articles on a Dask cluster, one of whose workers is killed
hostile  pipes, loops, unreadable, binary, empty, huge and wrongly encoded files among good ones

Articles are 500 words long and put together from the seeds. Pages are the seeds' own, which are small, unless a folder of others is named.
"""

from __future__ import annotations

import argparse
import gzip
import io
import json
import os
import pickle
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.serving import COMMAND, ROOT
from training.batch import into_shards
from training.inputs import find_files, read_entries

SEEDS = ROOT / "seeds" / "articles"
WORDS = 500
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path[1:]])}


def articles(count: int) -> Iterator[str]:
    """Texts of about 500 words, each of whole paragraphs drawn from the seeds; articles that are not parted by blank lines are no paragraphs."""
    parts = [part for path in sorted(SEEDS.rglob("*.txt")) for part in path.read_text(encoding="utf-8").split("\n\n")]
    paragraphs = [part for part in parts if 20 < len(part.split()) <= 120]
    draw = random.Random(7)
    for number in range(count):
        text, words = [f"Article {number}"], 0
        while words < WORDS:
            text.append(draw.choice(paragraphs))
            words += len(text[-1].split())
        yield "\n\n".join(text)


def as_folder(folder: Path, texts: Iterator[str]) -> Path:
    for number, text in enumerate(texts):
        path = folder / f"{number // 1000:04}" / f"{number:07}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def as_lines(path: Path, texts: Iterator[str]) -> Path:
    with open(path, "w", encoding="utf-8") as lines:
        lines.writelines(json.dumps({"id": str(number), "text": text}) + "\n" for number, text in enumerate(texts))
    return path


def pages_in(folder: Path, count: int) -> Path:
    folder.mkdir()
    sources = sorted(PAGES.rglob("*.html"))
    for number in range(count):
        (folder / f"{number:06}.html").write_bytes(sources[number % len(sources)].read_bytes())
    return folder


class Used:
    """What a run took: wall and CPU seconds of all its processes, and the peak memory of the largest, in MB."""

    def __init__(self, *arguments: object):
        before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        subprocess.run([*COMMAND, "score", "--quiet", *map(str, arguments)], env=ENVIRONMENT, check=True, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.wall = time.monotonic() - begin
        self.cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        self.peak = after.ru_maxrss / 1000


def cost(work: Path, count: int, model: list[str]) -> None:
    folder = as_folder(work / "folder", articles(count))
    one = Used(next(folder.rglob("*.txt")), *model)
    lines = as_lines(work / "rows.jsonl", articles(count))
    pages = pages_in(work / "pages", count // 10)
    print(f"start-up: {one.cpu:.2f} CPU seconds")
    for name, path, many in (("articles in files", folder, count), ("articles in JSON Lines", lines, count), ("pages in files", pages, count // 10)):
        out = work / "out.jsonl"
        used = Used(path, "-o", out, *model)
        print(f"{name}: {many / (used.cpu - one.cpu):,.0f} a CPU second; {out.stat().st_size / many:,.0f} bytes of results each")


def size(work: Path, count: int, model: list[str]) -> None:
    pages = pages_in(work / "pages", count // 10)
    for name, options in (("out.jsonl", []), ("out.jsonl.gz", []), ("out.jsonl", ["--no-text"]), ("out.jsonl.gz", ["--no-text"]), ("out.parquet", [])):
        Used(pages, "-o", work / name, *options, *model)
        written = sum(path.stat().st_size for path in work.glob("out.*"))
        print(f"{name} {' '.join(options)}: {written / (count // 10):,.0f} bytes a page")
        for path in work.glob("out.*"):
            path.unlink()


def feed(work: Path, count: int, _: list[str]) -> None:
    from fastwarc.warc import WarcRecord, WarcRecordType

    lines = as_lines(work / "rows.jsonl", articles(count))
    page = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n" + sorted(PAGES.rglob("*.html"))[0].read_bytes()
    with open(work / "crawl.warc.gz", "wb") as raw:
        for _number in range(count):
            record = WarcRecord()
            record.init_headers(record_type=WarcRecordType.response)
            record.is_http = True
            record.set_bytes_content(page)
            plain = io.BytesIO()
            record.write(plain)
            raw.write(gzip.compress(plain.getvalue()))
    for path in (lines, work / "crawl.warc.gz"):
        begin = time.process_time()
        read_in = sum(len(pickle.dumps(shard)) for shard in into_shards(read_entries(find_files([str(path)]))))
        print(f"{path.name}: {count / (time.process_time() - begin):,.0f} articles a CPU second, {read_in / count:,.0f} bytes each")


def workers(work: Path, count: int, model: list[str]) -> None:
    folder = as_folder(work / "folder", articles(count))
    one, two = (Used(folder, "--jobs", jobs, "-o", work / "out.jsonl", *model) for jobs in (1, 2))
    print(f"two workers: {one.wall / two.wall:.2f} times one ({one.wall:.1f} and {two.wall:.1f} seconds)")
    print(f"CPU seconds: {one.cpu:.1f} and {two.cpu:.1f}; load average {os.getloadavg()[0]:.1f}")
    with ThreadPoolExecutor(2) as pool:
        apart = list(pool.map(lambda name: Used(folder, "--jobs", 1, "-o", work / name, *model), ("this.jsonl", "that.jsonl")))
    most = 2 * one.wall / max(used.wall for used in apart)
    print(f"two runs that know nothing of each other: {most:.2f} times one, which is what the two cores can do")


def memory(work: Path, count: int, model: list[str]) -> None:
    for many in (count // 100, count // 10, count):
        used = Used(as_lines(work / "rows.jsonl", articles(many)), "--jobs", 2, "-o", work / "out.jsonl", *model)
        print(f"{many:,} articles: peak {used.peak:,.0f} MB, {many / used.wall:,.0f} a second")


def killed(work: Path, count: int, model: list[str]) -> None:
    folder, out = as_folder(work / "folder", articles(count)), work / "out.jsonl"
    for _ in range(3):
        process = start(folder, "-o", out, "--resume", "--jobs", 2, *model)
        time.sleep(random.uniform(1.0, 5.0))
        process.send_signal(signal.SIGKILL)
        process.wait()
        part = out.with_name("out.jsonl.part")
        print(f"killed; {part.stat().st_size if part.exists() else 0:,} bytes in the part")
    Used(folder, "-o", out, "--resume", "--jobs", 2, *model)
    verify(out, folder)


def disk(work: Path, count: int, model: list[str]) -> None:
    folder, small = as_folder(work / "folder", articles(count)), work / "small"
    small.mkdir()
    with mounted(small, "4m"):
        process = start(folder, "-o", small / "out.jsonl", *model)
        print(f"disk full: status {process.wait()}, {process.communicate()[1].decode().strip()}")
        subprocess.run(["mount", "-o", "remount,size=4g", small], check=True)
        Used(folder, "-o", small / "out.jsonl", "--resume", *model)
        verify(small / "out.jsonl", folder)


def cluster(work: Path, count: int, model: list[str]) -> None:
    from distributed import LocalCluster

    folder, out = as_folder(work / "folder", articles(count)), work / "out.jsonl"
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as dask:
        process = start(folder, "-o", out, "--cluster", dask.scheduler_address, *model)
        time.sleep(6)
        victim = next(iter(dask.workers.values())).process.process.pid
        os.kill(victim, signal.SIGKILL)
        print(f"killed worker {victim}; status {process.wait()}, {process.communicate()[1].decode().strip()}")
    verify(out, folder)


def hostile(work: Path, count: int, model: list[str]) -> None:
    folder = as_folder(work / "folder", articles(count))
    os.mkfifo(folder / "pipe.txt")
    (folder / "loop").symlink_to(folder, target_is_directory=True)
    (folder / "gone.txt").symlink_to(folder / "nowhere")
    (folder / "locked.txt").write_text("locked")
    (folder / "locked.txt").chmod(0)  # root reads it all the same
    (folder / "binary.txt").write_bytes(os.urandom(100_000))
    (folder / "empty.txt").touch()
    (folder / "line.txt").write_text("The pier was closed. " * 1_000_000)
    (folder / "tags.html").write_text("<a" * 500_000)
    (folder / "latin.txt").write_bytes("La mairie de Valbrune a fermé le marché couvert mardi. ".encode("latin-1") * 40)
    used = Used(folder, "-o", work / "out.jsonl", *model)
    print(f"{used.wall:.1f} seconds, peak {used.peak:,.0f} MB")
    results = read(work / "out.jsonl")
    print(Counter(result.get("error", {}).get("code", "ok") for result in results))
    good = {str(path) for path in folder.glob("0*/*.txt")}
    print(f"{sum(result['id'] in good and result['status'] == 'ok' for result in results)} of {len(good)} good ones scored")


def start(*arguments: object) -> subprocess.Popen[bytes]:
    return subprocess.Popen([*COMMAND, "score", "--quiet", *map(str, arguments)], env=ENVIRONMENT, stderr=subprocess.PIPE)


def read(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.read_bytes().splitlines()]


def verify(out: Path, folder: Path) -> None:
    ids, expected = [result["id"] for result in read(out)], sorted(str(path) for path in folder.rglob("*.txt"))
    print(f"{len(ids):,} results, {len(set(ids)):,} ids, {'every article once, in order' if ids == expected else 'NOT every article once'}")


@contextmanager
def mounted(folder: Path, size: str) -> Iterator[None]:
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


MEASURES = {measure.__name__: measure for measure in (cost, size, feed, workers, memory, killed, disk, cluster, hostile)}

if __name__ == "__main__":
    told = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    told.add_argument("measures", nargs="*", choices=[[], *MEASURES])
    told.add_argument("--articles", type=int, default=6000)
    told.add_argument("--pages", type=Path, default=SEEDS)
    told.add_argument("--model")
    given = told.parse_args()
    PAGES = given.pages
    for name in given.measures or MEASURES:
        print(f"\n{name}")
        with tempfile.TemporaryDirectory() as work:
            MEASURES[name](Path(work), given.articles, ["--model", given.model] if given.model else [])
