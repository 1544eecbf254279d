"""A result for people at a terminal: boilerplate dimmed with its kind and reason, passages marked by who speaks, the share at the end."""

from __future__ import annotations

import shutil
import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import click

from training.article import TEXT_KINDS

COLOURS = {"editorial": "yellow", "reporting": "cyan"}
MARGIN = 20
WIDEST = 110
SHOWN_OF_BOILERPLATE = 60
"""Characters shown of a block that was thrown out."""
_CONTROLS = dict.fromkeys((*range(9), *range(11, 32), *range(127, 160)), "\ufffd")


def harmless(text: str) -> str:
    """A text that moves no cursor and sets no title: control characters, but for line ends and tabs, are replaced."""
    return text.translate(_CONTROLS)


def lines(answer: Mapping[str, Any]) -> Iterator[str]:
    """A result, in the form that the README shows, as lines with colours; `click.echo` takes the colours out where there is no terminal."""
    width = min(WIDEST, shutil.get_terminal_size().columns) - MARGIN
    title = answer.get("title")
    yield click.style(harmless(answer["id"]) or "(standard input)", bold=True) + (f"  {harmless(title)}" if title else "")
    if answer["status"] == "error":
        yield click.style(harmless("  {code}: {message}".format(**answer["error"])), fg="red")
        yield ""
        return
    for block in answer["blocks"]:
        yield from _block(block, max(20, width))
    for note in answer.get("notes", []):
        yield click.style(f"  note: {note}", fg="magenta")
    yield _verdict(answer)
    yield ""


def _block(block: Mapping[str, Any], width: int) -> Iterator[str]:
    text, kind, label, probability = harmless(block.get("text", "")), block["kind"], block.get("label"), block.get("probability")
    if kind not in TEXT_KINDS:
        shown = textwrap.shorten(text, SHOWN_OF_BOILERPLATE, placeholder=" …") or text[:SHOWN_OF_BOILERPLATE]
        reason = block.get("reason")
        yield click.style(f"{'- ' + kind:<{MARGIN}}{shown}" + (f"  [{harmless(reason)}]" if reason else ""), dim=True)
        return
    label_shown = "too little to say" if probability is None else f"{label} {probability:.0%}"
    mark = kind if kind == "subheading" else label_shown
    colour, bar = COLOURS.get(label or ""), "┃ " if label == "editorial" else "│ "
    for number, line in enumerate(textwrap.wrap(text, width) or [text]):
        margin = f"{mark if number == 0 else '':<{MARGIN - 2}}"
        yield click.style(margin, fg=colour) + click.style(bar, fg=colour) + click.style(line, bold=kind == "subheading")


def _verdict(answer: Mapping[str, Any]) -> str:
    kinds = Counter(block["kind"] for block in answer["blocks"])
    dropped = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common() if kind not in TEXT_KINDS) or "nothing"
    share = answer["editorial_share"]
    verdict = "too little evidence to say" if share is None else f"{answer['label']}: {share:.0%} of its words argue"
    return click.style(f"  {verdict}; {kinds['body']} passages; thrown out: {dropped}", bold=True)
