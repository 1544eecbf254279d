"""What labelling a passage costs beside fastText's own predict on the same passages, in one run: CPU milliseconds a passage.

    python tests/bench/bench_labels.py [TRAIN.jsonl.gz [TEST.jsonl.gz]]        labelled articles; the seeds unless told

fastText (pip install fasttext-wheel 'numpy<2') is trained on the same passages with bigrams, as for a quick baseline; without it only our cost is printed.
With an environment that cannot hold both, name its Python: FASTTEXT_PYTHON=... (it is run as a child and times its own predict calls).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from threadpoolctl import threadpool_limits

from training.labelled import read_corpus
from training.model import default_model, load_model

ROUNDS = 5
BATCH_ARTICLES = 64

FASTTEXT = r"""
import json, sys, time
import fasttext
train, test = json.load(open(sys.argv[1]))
with open(sys.argv[1] + ".txt", "w") as out:
    out.writelines(f"__label__{label} {text}\n" for text, label in train)
model = fasttext.train_supervised(sys.argv[1] + ".txt", wordNgrams=2, epoch=10, thread=1, verbose=0)
best = 1e9
for _ in range(5):
    begin = time.process_time()
    for text in test:
        model.f.predict(text + "\n", 1, 0.0, "strict")
    best = min(best, time.process_time() - begin)
print(json.dumps(1000 * best / len(test)))
"""


def main() -> None:
    threadpool_limits(1)  # as every process of `copydesk score` does, and fastText's own
    seeds = Path(__file__).resolve().parents[2] / "seeds"
    train = read_corpus([Path(sys.argv[1]) if len(sys.argv) > 1 else seeds])
    test = read_corpus([Path(sys.argv[2])]) if len(sys.argv) > 2 else train
    labeller = load_model(default_model()).labels
    passages = [(block.text, number) for number, article in enumerate(test.articles) for block in article.blocks if block.kind == "body"]
    batches = [[pair for pair in passages if begin <= pair[1] < begin + BATCH_ARTICLES] for begin in range(0, len(test.articles), BATCH_ARTICLES)]
    best = float("inf")
    for _ in range(ROUNDS):
        begin = time.process_time()
        for batch in batches:
            labeller.label([text for text, _ in batch], [number for _, number in batch])
        best = min(best, time.process_time() - begin)
    ours = 1000 * best / len(passages)
    print(f"{len(passages)} passages in batches of {BATCH_ARTICLES} articles; CPU milliseconds a passage\ncopydesk  {ours:.4f}")
    pairs = [(" ".join(block.text.split()), block.label) for article in train.articles for block in article.blocks if block.kind == "body"]
    with tempfile.TemporaryDirectory() as folder:
        exchanged = Path(folder) / "passages.json"
        exchanged.write_text(json.dumps([pairs, [" ".join(text.split()) for text, _ in passages]]), encoding="utf-8")
        python = os.environ.get("FASTTEXT_PYTHON", sys.executable)
        done = subprocess.run([python, "-c", FASTTEXT, str(exchanged)], capture_output=True, text=True, check=False)
    if done.returncode:
        print("fastText  not installed here; see the top of this file")
        return
    theirs = float(done.stdout)
    print(f"fastText  {theirs:.4f}\nratio     {ours / theirs:.2f}")


if __name__ == "__main__":
    main()
