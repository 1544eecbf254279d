"""Pages with their article's true text -> labelled blocks: each block is the article's own when its words stand in that text.

The true text comes as one string, cut otherwise than the page, so blocks are matched by runs of words. A short block can match by chance:
a short run counts only where it follows directly, in the true text, on a run already matched, or leads directly on to one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from difflib import SequenceMatcher
from itertools import pairwise

from training.article import Block

TEXT, BOILERPLATE = "text", "boilerplate"
"""The two verdicts that a page's true text gives; which kind within them is not known."""

SHINGLE = 4
"""Words in a row that are taken for the same place in both texts."""
MATCHED_SHARE = 0.5
"""At least this share of a block's words must be matched."""

_WORD = re.compile(r"\w+")


def align(blocks: Sequence[Block], gold: str) -> list[str]:
    """The verdict on each block of a page, given the article's true text."""
    words = [_WORD.findall(block.text.lower()) for block in blocks]
    matched = _matched([word for block in words for word in block], _WORD.findall(gold.lower()))
    verdicts, at = [], 0
    for block in words:
        share = sum(matched[at : at + len(block)]) / max(1, len(block))
        verdicts.append(TEXT if share > MATCHED_SHARE else BOILERPLATE)
        at += len(block)
    return verdicts


def word_f1(true: str, found: str) -> float:
    """F1 of the bags of words of two texts; 1 when both are empty."""
    a, b = (Counter(_WORD.findall(text.lower())) for text in (true, found))
    return 2 * (a & b).total() / (a.total() + b.total()) if a or b else 1.0


def _matched(page: list[str], gold: list[str]) -> list[bool]:
    """Which words of the page stand in the gold text, in the gold text's order; each gold word is used once."""
    runs = [run for run in SequenceMatcher(None, page, gold, autojunk=False).get_matching_blocks() if run.size]
    sure = [run.size >= SHINGLE for run in runs]
    for near, here in [*pairwise(range(len(runs))), *pairwise(reversed(range(len(runs))))]:
        left, right = sorted((near, here))
        sure[here] |= sure[near] and runs[left].b + runs[left].size == runs[right].b
    done = [False] * len(page)
    for run, taken in zip(runs, sure, strict=True):
        done[run.a : run.a + run.size] = [taken] * run.size
    return done
