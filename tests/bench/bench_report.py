"""What a report costs, measured from outside on the command as people run it: CPU seconds and peak memory, at N/10 and at N generated articles.

    python tests/bench/bench_report.py [--articles 100000] [--sources 50] [--text] [--by-month]

Articles have 8 to 40 passages and as many blocks round them as pages have; --text gives blocks their texts, as `score` does without --no-text.
Promised for 100,000 articles: a minute of one core, and less than 1 GiB. Memory that does not grow tenfold from N/10 to N is bounded by sources.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-c", "from service.cli import main; main()", "report"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path[1:]])}
ROUND_IT = ("navigation", "navigation", "headline", "byline", "timestamp", "caption", "related", "related", "appeal", "advert", "legal")
PROSE = ("the board voted on Monday to close the pier and to pay for the repairs out of next year's budget " * 8).split()
MODEL = {"name": "generated", "digest": "sha256:" + "0" * 64}


def results(count: int, sources: int, with_text: bool) -> Iterator[bytes]:
    """Lines of results of sources that argue in 2 to 80 of 100 articles."""
    draw = Random(11)
    for number in range(count):
        source = draw.randrange(sources)
        argues = draw.random() < 0.02 + 0.78 * source / sources
        blocks = [_block(draw, kind, draw.randint(2, 12), with_text) for kind in ROUND_IT]
        for _ in range(draw.randint(8, 40)):
            label = "editorial" if draw.random() < (0.8 if argues else 0.05) else "reporting"
            blocks.append({**_block(draw, "body", draw.randint(15, 70), with_text), "label": label, "probability": 0.5})
        told = {"id": f"{number}.html", "source": f"source-{source}.example", "status": "ok", "title": f"Title {number}"}
        yield json.dumps({**told, "published": f"2024-{1 + number % 12:02}-03", "blocks": blocks, "model": MODEL}).encode() + b"\n"


def _block(draw: Random, kind: str, words: int, with_text: bool) -> dict[str, Any]:
    told = {"start": draw.randrange(9000), "end": draw.randrange(9000), "kind": kind, "kind_probability": 0.98, "reason": "reads like furniture"}
    return {**told, "text": " ".join(PROSE[:words])} if with_text else {**told, "words": words}


def cost(file: Path, options: list[str]) -> tuple[float, float]:
    """CPU seconds and peak memory in MB of one report."""
    page = file.with_name("report.html")
    child = subprocess.Popen([*COMMAND, str(file), "-o", str(page), *options], env=ENVIRONMENT, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"the report ended with status {child.returncode}")
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", type=int, default=100_000)
    parser.add_argument("--sources", type=int, default=50)
    parser.add_argument("--text", action="store_true")
    parser.add_argument("--by-month", action="store_true")
    given = parser.parse_args()
    options = ["--by", "month"] if given.by_month else []
    print(f"{'articles':>10}{'MB in':>10}{'CPU s':>10}{'peak MB':>10}{'page kB':>10}")
    with tempfile.TemporaryDirectory() as folder:
        for count in (given.articles // 10, given.articles):
            file = Path(folder) / "results.jsonl"
            with open(file, "wb") as stream:
                stream.writelines(results(count, given.sources, given.text))
            seconds, memory = cost(file, options)
            page = file.with_name("report.html").stat().st_size
            print(f"{count:>10,}{file.stat().st_size / 1e6:>10.1f}{seconds:>10.2f}{memory:>10.1f}{page / 1e3:>10.0f}")


if __name__ == "__main__":
    main()
