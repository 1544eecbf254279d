"""Figures as tables for the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from math import isnan

from training.evaluate import Evaluation, Figure
from training.measures import Judged, Judgements, calibration_table
from training.model import Model

SHOWN = ("macro F1, strict", "AUC, strict", "body kept", "boilerplate dropped", "kind right")
"""The measures that a row of the table by source has room for."""
TERMS_SHOWN = 6
NAME = 28


def evaluation(found: Evaluation) -> Iterator[str]:
    """Each source's figures, the calibration, and the overall figures last, where a terminal shows them."""
    yield f"{'source':<{NAME}}{'passages':>9}" + "".join(f"{name:>21}" for name in SHOWN)
    for source in found.sources:
        of_source = found.of_source(source)
        passages = sum(judged.source == source and judged.label is not None for judged in found.judged)
        yield f"{source[: NAME - 1]:<{NAME}}{passages:>9}" + "".join(f"{_number(of_source[name]):>21}" for name in SHOWN)
    calibration = calibration_table(Judgements.of(found.judged))
    if calibration:
        yield ""
        yield f"{'probability given':<{NAME}}{'truly editorial':>16}{'passages':>10}"
        for given, true, passages in calibration:
            yield f"{given:<{NAME}.3f}{true:>16.3f}{passages:>10}"
    yield from figures("overall", found.overall())


def figures(title: str, rows: Iterable[Figure]) -> Iterator[str]:
    """Measures with their intervals."""
    yield ""
    yield f"{title:<{NAME}}{'value':>9}{'95 % interval':>21}"
    for figure in rows:
        interval = "{:.3f} to {:.3f}".format(*figure.interval) if figure.interval else ""
        yield f"{figure.name:<{NAME}}{figure.value:>9.3f}{interval:>21}"


def mistakes(worst: Sequence[Judged], model: Model) -> Iterator[str]:
    """Wrong labels, each with the passage by itself and the terms that tipped it most."""
    for one, explanation in zip(worst, model.labels.explain([one.text for one in worst], range(len(worst))), strict=True):
        yield ""
        yield f"{one.source}: is {one.label}, was given {one.probability:.3f} of editorial"
        yield f"    {one.text}"
        tipping = sorted(explanation.terms, key=lambda term: -abs(term.contribution))[:TERMS_SHOWN]
        yield "    " + ", ".join(f"{term.term} {term.contribution:+.2f}" for term in tipping)


def curve(points: Iterable[tuple[int, int, float]]) -> Iterator[str]:
    """Sources and passages learned from, and the strict macro F1 they give."""
    yield ""
    yield f"{'sources':<{NAME}}{'passages':>9}{'macro F1, strict':>21}"
    for sources, passages, score in points:
        yield f"{sources:<{NAME}}{passages:>9}{score:>21.3f}"


def _number(value: float) -> str:
    return "-" if isnan(value) else f"{value:.3f}"
