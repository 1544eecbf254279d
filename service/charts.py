"""Figures of a report -> drawings: SVG by matplotlib that stands inside the page, in the page's own colours, with words for those who do not see it.

The same figures give the same bytes. All of them stand in a table beside the drawing."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from importlib import import_module
from io import StringIO
from typing import Any
from warnings import catch_warnings, simplefilter

from markupsafe import Markup

from training.extras import needed
from training.ratio import Ratio

MOST_DRAWN, TOGETHER = 100, 20
"""Sources drawn, the first of them, and those of one drawing, which a printed page has room for; tables have all."""
LONGEST_NAME = 28
"""Characters of a source's name in a drawing."""
WIDTH, ROW, EDGE = 4.4, 0.42, 0.27
"""Inches: the width of a drawing, that of a telephone's page and half that of a printed one; the height of a row; that of the scale above and below."""
MONTHS_HEIGHT, MOST_MONTH_NAMES = 1.6, 5
SMALL = 10
"""Points of letters."""
_GRID = (0, 25, 50, 75, 100)
_INK, _QUIET, _RULE, _EDITORIAL = "#010101", "#020202", "#030303", "#040404"
_PARTS = ("#050505", "#060606", "#070707", "#080808")
_COLOURS = {_INK: "ink", _QUIET: "quiet", _RULE: "rule", _EDITORIAL: "editorial", **dict(zip(_PARTS, ("one", "two", "three", "four"), strict=True))}
"""What stands for a colour in the drawing, and the page's variable that has it, light and dark."""


def rankings(rows: Sequence[tuple[str, Ratio]]) -> list[Markup]:
    """Sources in the order given, each with a bar and the 95 % interval across it; without a bar and with a dashed line where there is no share."""
    return [_ranking(some, f"ranking-{number}") for number, some in enumerate(_parts(rows), 1)]


def spreads(rows: Sequence[tuple[str, Sequence[int]]], names: Sequence[str]) -> list[Markup]:
    """Of each source the articles in parts, which have names, as shares of all that it has."""
    return [_spread(some, names, f"spread-{number}") for number, some in enumerate(_parts(rows), 1)]


def over_time(name: str, source: str, months: Mapping[str, Ratio], top: float) -> Markup:
    """A source's share of each month as a mark with its interval, up to `top` per cent; without a mark and dashed where there is no share."""
    figure = _figure(MONTHS_HEIGHT)
    axes = figure.add_axes((0.12, 0.2, 0.86, 0.72))
    places = {month: 12 * int(month[:4]) + int(month[5:]) for month in sorted(months)}
    first, last = min(places.values()), max(places.values())
    axes.set(xlim=(first - 0.7, last + 0.7), ylim=(0, top))
    axes.set_axis_off()
    for percent in _GRID:
        if percent <= top:
            axes.plot([first - 0.7, last + 0.7], [percent] * 2, color=_RULE, lw=0.7, clip_on=False)
            _write(axes, first - 0.8, percent, f"{percent} %" if percent else "0", "right", va="center")
    for place in range(first, last + 1, -(-(last - first + 1) // MOST_MONTH_NAMES)):
        _write(axes, place, -0.05 * top, f"{(place - 1) // 12}-{(place - 1) % 12 + 1:02}", "center", va="top")
    told = [(places[month], 100 * found.share) for month, found in sorted(months.items()) if found.share is not None]
    axes.plot([place for place, _ in told], [share for _, share in told], color=_EDITORIAL, lw=1, clip_on=False)
    for month, place in places.items():
        found = months[month]
        if found.interval:
            axes.plot([place] * 2, [min(top, 100 * bound) for bound in found.interval], color=_INK, lw=1.2, ls=_line(found), clip_on=False)
    for place, share in told:
        axes.plot([place - 0.12, place + 0.12], [share] * 2, color=_EDITORIAL, lw=4, clip_on=False)
    words = "; ".join(f"{month}: {_in_words(found)}" for month, found in sorted(months.items()))
    return _svg(figure, name, f"{source}: editorial share by month, with 95 % intervals", words)


def top_of(months: Sequence[Mapping[str, Ratio]]) -> float:
    """The least quarter that all the months' intervals are below, in per cent: what is drawn beside each other has one scale."""
    highest = max((100 * found.interval[1] for source in months for found in source.values() if found.interval and not found.too_few), default=100.0)
    return next((float(percent) for percent in _GRID[1:] if highest <= percent), 100.0)


def _parts(rows: Sequence[Any]) -> list[Any]:
    drawn = rows[:MOST_DRAWN]
    return [drawn[at : at + TOGETHER] for at in range(0, len(drawn), TOGETHER)]


def _ranking(rows: Sequence[tuple[str, Ratio]], name: str) -> Markup:
    told = [(source, _in_words(found)) for source, found in rows]
    figure, axes = _rows(told)
    for place, (_, found) in enumerate(rows):
        if found.share is not None:
            axes.barh(place + 0.28, 100 * found.share, 0.3, color=_EDITORIAL, clip_on=False)
        if found.interval:
            low, high = (100 * bound for bound in found.interval)
            axes.plot([low, high], [place + 0.28] * 2, color=_INK, lw=1.4, ls=_line(found), clip_on=False)
            for end in (low, high):
                axes.plot([end, end], [place + 0.15, place + 0.41], color=_INK, lw=1.4, clip_on=False)
    return _svg(figure, name, "Editorial share of each source, with its 95 % interval", "; ".join(f"{source}: {said}" for source, said in told))


def _spread(rows: Sequence[tuple[str, Sequence[int]]], names: Sequence[str], name: str) -> Markup:
    figure, axes = _rows([(source, f"{sum(parts):,} {'article' if sum(parts) == 1 else 'articles'}") for source, parts in rows])
    for place, (_, parts) in enumerate(rows):
        left = 0.0
        for part, colour in zip(parts, _PARTS, strict=True):
            axes.barh(place + 0.28, 100 * part / sum(parts), 0.3, left=left, color=colour, edgecolor=_QUIET, lw=0.5, clip_on=False)
            left += 100 * part / sum(parts)
    words = (f"{source}: {', '.join(f'{part:,} {said}' for part, said in zip(parts, names, strict=True))}" for source, parts in rows)
    return _svg(figure, name, "Articles of each source by the editorial share of each", "; ".join(words))


def _line(found: Ratio) -> Any:
    return "-" if found.share is not None else (0, (3, 3))


def _rows(rows: Sequence[tuple[str, str]]) -> tuple[Any, Any]:
    """A figure whose rows, from the top, have a name and a word above what is to be drawn, on a scale from 0 to 100 %."""
    height = ROW * len(rows) + 2 * EDGE
    figure = _figure(height)
    axes = figure.add_axes((0.03, EDGE / height, 0.94, 1 - 2 * EDGE / height))
    axes.set(xlim=(0, 100), ylim=(len(rows) - 0.45, -0.45))
    axes.set_axis_off()
    for percent in _GRID:
        axes.plot([percent] * 2, [-0.45, len(rows) - 0.45], color=_RULE, lw=0.7, clip_on=False)
        for edge, above in ((-0.5, "bottom"), (len(rows) - 0.4, "top")):
            _write(axes, percent, edge, f"{percent} %", "left" if not percent else "right" if percent == 100 else "center", va=above)
    for place, (name, told) in enumerate(rows):
        _write(axes, 0.6, place + 0.04, name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…", "left", _INK)
        _write(axes, 99.4, place + 0.04, told, "right", _INK)
    return figure, axes


def _figure(height: float) -> Any:
    needed("matplotlib", "report")
    return import_module("matplotlib.figure").Figure(figsize=(WIDTH, height))


def _write(axes: Any, x: float, y: float, text: str, anchor: str, colour: str = _QUIET, va: str = "baseline") -> None:
    axes.text(x, y, text, ha=anchor, va=va, color=colour, fontsize=SMALL, parse_math=False, clip_on=False)


def _in_words(found: Ratio) -> str:
    """A share and its interval beside a name: `12.0 % (9.1 to 15.3)`."""
    bounds = found.interval and "{:.1f} to {:.1f}".format(*(100 * bound for bound in found.interval))
    return f"too few articles ({found.articles:,})" if found.share is None else f"{100 * found.share:.1f} % ({bounds})"


def _svg(figure: Any, name: str, title: str, words: str) -> Markup:
    """The drawing to be put into a page: ids of its own, nothing that names another host, no date, letters in the page's type."""
    drawn = StringIO()
    with needed("matplotlib", "report").rc_context({"svg.fonttype": "none", "svg.hashsalt": name}), catch_warnings():
        simplefilter("ignore", UserWarning)  # letters that its own type lacks: the page's type draws them
        figure.savefig(drawn, format="svg", transparent=True, metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    whole = drawn.getvalue()
    inside = re.sub(r"<[^<>]*>", lambda tag: _in_page_style(tag[0]), " ".join(whole[whole.index("</defs>") + len("</defs>") :].split()))
    box = re.search(r'viewBox="[^"]*"', whole)
    name = f"chart-{name}"
    opening = Markup('<svg class="chart" role="img" aria-labelledby="{0}-title {0}-words" {1}><title id="{0}-title">{2}</title><desc id="{0}-words">{3}</desc>')
    return opening.format(name, Markup(box[0] if box else ""), title, words) + Markup(inside)


def _in_page_style(tag: str) -> str:
    """A tag without groups, types and rotations by nothing, and with the page's colours."""
    if re.match(r"</?g\b", tag):
        return ""
    tag = re.sub(r"font: ([\d.]+px)[^;\"]*", r"font-size: \1", tag)
    tag = re.sub(r"font-family: [^;\"]*;? ?|(?<=\") transform=\"rotate\(-0 [^\"]*\"", "", tag)
    for stand_in, variable in _COLOURS.items():
        tag = tag.replace(stand_in, f"var(--{variable})")
    return tag
