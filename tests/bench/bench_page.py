"""Where a page's time goes, step by step: CPU milliseconds a page, in batches as `copydesk score` makes them.

python tests/bench/bench_page.py [PAGES.jsonl.gz]        rows with `html`; the seed pages, many times over, unless told
"""

from __future__ import annotations

import gzip
import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from threadpoolctl import threadpool_limits

from training.article import Article
from training.features import look
from training.metadata import read_metadata
from training.model import default_model, load_model
from training.page import MARKUP, read_page
from training.reading import decode
from training.score import score
from training.spans import EVERYWHERE, cut

BATCH = 32
Answer = TypeVar("Answer")
spent: dict[str, float] = defaultdict(float)


def timed(step: str, work: Callable[[], Answer]) -> Answer:
    begin = time.process_time()
    answer = work()
    spent[step] += time.process_time() - begin
    return answer


def pages() -> list[bytes]:
    if len(sys.argv) > 1:
        with gzip.open(sys.argv[1], "rt", encoding="utf-8") as rows:
            return [json.loads(row)["html"].encode("utf-8", "replace") for row in rows]
    seeds = Path(__file__).resolve().parents[2] / "seeds" / "articles"
    return [path.read_bytes() for path in sorted(seeds.rglob("*.html"))] * 10


def main() -> None:
    threadpool_limits(1)  # as every process of `copydesk score` does: NumPy's threads that wait for each other cost as much again
    model = load_model(default_model())
    contents = pages()
    score([Article(contents[0].decode(), is_html=True)], model)
    for begin in range(0, len(contents), BATCH):
        batch = contents[begin : begin + BATCH]
        sources = timed("decode", lambda batch=batch: [decode(content) for content in batch])
        timed("parse (part of blocks)", lambda sources=sources: [MARKUP.split(source) for source in sources])
        read = timed("blocks", lambda sources=sources: [read_page(source) for source in sources])
        timed("metadata", lambda read=read: [read_metadata(page.declarations) for page in read])
        articles = [Article(source, is_html=True) for source in sources]
        blocks = timed(
            "spans", lambda read=read, articles=articles: [[cut(b, EVERYWHERE, a) for b in page.blocks] for page, a in zip(read, articles, strict=True)]
        )
        timed("features (part of kinds)", lambda blocks=blocks: look(model.kinds.words, blocks))
        verdicts = timed("kinds", lambda blocks=blocks: model.kinds.classify(blocks))
        passages = [
            (block.text, number)
            for number, (page, verdict) in enumerate(zip(blocks, verdicts, strict=True))
            for block, kind in zip(page, verdict.names, strict=True)
            if kind == "body"
        ]
        timed("labels", lambda passages=passages: model.labels.label([text for text, _ in passages], [number for _, number in passages]))
        results = timed("whole job, from text", lambda articles=articles: score(articles, model))
        timed("JSON", lambda results=results: [json.dumps(result.as_dict(), ensure_ascii=False) for result in results])
    print(f"{len(contents)} pages, mean {sum(map(len, contents)) / len(contents) / 1000:.0f} kB; CPU milliseconds a page")
    for step, seconds in spent.items():
        print(f"{step:<28}{1000 * seconds / len(contents):>8.2f}")


if __name__ == "__main__":
    main()
