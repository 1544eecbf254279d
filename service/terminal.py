"""A result for people at a terminal: boilerplate dimmed with its kind and reason, passages marked by who speaks, the share at the end."""

from __future__ import annotations

import shutil
import textwrap
from collections import Counter
from collections.abc import Iterator

import click

from training.score import Result, ScoredBlock

COLOURS = {"editorial": "yellow", "reporting": "cyan"}
MARGIN = 20
WIDEST = 110
SHOWN_OF_BOILERPLATE = 60
"""Characters shown of a block that was thrown out."""


def lines(result: Result) -> Iterator[str]:
    """The result as lines with colours; `click.echo` takes the colours out where there is no terminal."""
    width = min(WIDEST, shutil.get_terminal_size().columns) - MARGIN
    yield click.style(result.id or "(standard input)", bold=True) + (f"  {result.title}" if result.title else "")
    if result.error:
        yield click.style(f"  {result.error.code}: {result.error.message}", fg="red")
        yield ""
        return
    for block in result.blocks:
        yield from _block(block, max(20, width))
    for note in result.notes:
        yield click.style(f"  note: {note}", fg="magenta")
    yield _verdict(result)
    yield ""


def _block(block: ScoredBlock, width: int) -> Iterator[str]:
    text = block.block.text
    if block.kind not in ("body", "subheading"):
        shown = textwrap.shorten(text, SHOWN_OF_BOILERPLATE, placeholder=" …") or text[:SHOWN_OF_BOILERPLATE]
        yield click.style(f"{'- ' + block.kind:<{MARGIN}}{shown}" + (f"  [{block.reason}]" if block.reason else ""), dim=True)
        return
    colour = COLOURS.get(block.label or "")
    if block.kind == "subheading":
        mark = "subheading"
    elif block.probability is None:
        mark = "too little to say"
    else:
        mark = f"{block.label} {block.probability:.0%}"
    for number, line in enumerate(textwrap.wrap(text, width) or [text]):
        bar = "┃ " if block.label == "editorial" else "│ "
        yield click.style(f"{mark if number == 0 else '':<{MARGIN - 2}}", fg=colour) + click.style(bar, fg=colour) + click.style(line, bold=block.kind == "subheading")


def _verdict(result: Result) -> str:
    kinds = Counter(block.kind for block in result.blocks if block.kind not in ("body", "subheading"))
    dropped = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common()) or "nothing"
    share = result.editorial_share
    verdict = "too little evidence to say" if share is None else f"{result.label}: {share:.0%} of its words argue"
    return click.style(f"  {verdict}; {len(result.passages)} passages; thrown out: {dropped}", bold=True)
