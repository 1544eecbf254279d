"""What a report costs, measured from outside on the command as people run it: CPU seconds and peak memory, at N/10 and at N generated articles.

    python -m tests.bench.bench_report [--articles 100000] [--sources 50] [--text] [--by-month] [--stories]

Articles have 8 to 40 passages and as many blocks round them as pages have; --text gives blocks their texts, as `score` does without --no-text: words of
an invented vocabulary that is used by Zipf's law, so that there are always new ones, with quotations and attributions. With --stories, which needs texts,
every third article tells what another did in much the same words.
Promised for 100,000 articles: less than a minute of one core without texts, two with --text, and less than 1 GiB. Memory that does not grow tenfold from
N/10 to N is bounded: by sources, and with texts by the words that may be held. Of --stories nothing is promised.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path
from random import Random
from typing import Any

from tests.serving import COMMAND, ROOT

ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path[1:]])}
ROUND_IT = ("navigation", "navigation", "headline", "byline", "timestamp", "caption", "related", "related", "appeal", "advert", "legal")
VOCABULARY = 300_000
LETTERS = "etaoinshrdlu"
TOLD_AGAIN, KEPT = 3, 0.8
"""Of so many articles one tells another's story again, with this share of its passages."""
MODEL = {"name": "generated", "digest": "sha256:" + "0" * 64}


def results(count: int, sources: int, with_text: bool) -> Iterator[bytes]:
    """Lines of results of sources that argue in 2 to 80 of 100 articles."""
    draw = Random(11)
    words, weights = _vocabulary(draw) if with_text else ([], [])
    before: list[str] = []
    for number in range(count):
        source = draw.randrange(sources)
        argues = draw.random() < 0.02 + 0.78 * source / sources
        lengths = [draw.randint(15, 70) for _ in range(draw.randint(8, 40))]
        texts = [_prose(draw.choices(words, cum_weights=weights, k=length), place) if with_text else None for place, length in enumerate(lengths)]
        if before and number % TOLD_AGAIN == 0:
            texts = [old if draw.random() < KEPT else new for old, new in zip(before, texts, strict=False)]
        before = [text for text in texts if text is not None]
        blocks = [_block(draw, kind, draw.randint(2, 12), "word " * 6 if with_text else None) for kind in ROUND_IT]
        for length, text in zip(lengths, texts, strict=False):
            label = "editorial" if draw.random() < (0.8 if argues else 0.05) else "reporting"
            blocks.append({**_block(draw, "body", length, text), "label": label, "probability": 0.5})
        told = {"id": f"{number}.html", "source": f"source-{source}.example", "status": "ok", "title": f"Title {number}"}
        date = f"2024-{1 + number * 12 // count:02}-{1 + number * 336 // count % 28:02}"
        yield json.dumps({**told, "published": date, "blocks": blocks, "model": MODEL}).encode() + b"\n"


def _vocabulary(draw: Random) -> tuple[list[str], list[float]]:
    """Words, a tenth of them names, and how often each is used, added up. In print the hundred most used are 43 in 100 words, those beyond 10,000 5 to 10."""
    words = ["".join(draw.choices(LETTERS, k=draw.randint(3, 10))) for _ in range(VOCABULARY)]
    return [word.title() if draw.random() < 0.1 else word for word in words], list(accumulate((rank + 20) ** -1.3 for rank in range(VOCABULARY)))


def _prose(words: list[str], place: int) -> str:
    """A passage of two sentences; every fourth one is quoted."""
    half = len(words) // 2
    text = f"{' '.join(words[:half]).capitalize()}. {' '.join(words[half:]).capitalize()}."
    return text if place % 4 else f'"{text}" said {words[0].title()}.'


def _block(draw: Random, kind: str, words: int, text: str | None) -> dict[str, Any]:
    told = {"start": draw.randrange(9000), "end": draw.randrange(9000), "kind": kind, "kind_probability": 0.98, "reason": "reads like furniture"}
    return {**told, "words": words} if text is None else {**told, "text": text.strip()}


def cost(file: Path, options: list[str]) -> tuple[float, float]:
    """CPU seconds and peak memory in MB of one report."""
    page = file.with_name("report.html")
    child = subprocess.Popen([*COMMAND, "report", str(file), "-o", str(page), *options], env=ENVIRONMENT, stderr=subprocess.DEVNULL)
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
    parser.add_argument("--stories", action="store_true")
    given = parser.parse_args()
    options = [*(["--by", "month"] if given.by_month else []), *(["--stories"] if given.stories else [])]
    print(f"{'articles':>10}{'MB in':>10}{'CPU s':>10}{'peak MB':>10}{'page kB':>10}")
    with tempfile.TemporaryDirectory() as folder:
        for count in (given.articles // 10, given.articles):
            file = Path(folder) / "results.jsonl"
            with open(file, "wb") as stream:
                stream.writelines(results(count, given.sources, given.text or given.stories))
            seconds, memory = cost(file, options)
            page = file.with_name("report.html").stat().st_size
            print(f"{count:>10,}{file.stat().st_size / 1e6:>10.1f}{seconds:>10.2f}{memory:>10.1f}{page / 1e3:>10.0f}")


if __name__ == "__main__":
    main()
