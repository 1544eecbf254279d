"""Figures as tables for the terminal."""

from __future__ import annotations

from collections.abc import Iterator

from training.evaluate import Evaluation, calibration_table

SHOWN = ("macro F1, strict", "AUC, strict", "body kept", "boilerplate dropped", "kind right")
"""The measures that a row of the table by source has room for."""


def evaluation_tables(evaluation: Evaluation) -> Iterator[str]:
    """Each source's figures, the calibration, and the overall figures last, where a terminal shows them."""
    yield f"{'source':<28}{'passages':>9}" + "".join(f"{name:>21}" for name in SHOWN)
    for source in evaluation.sources:
        figures = evaluation.of_source(source)
        passages = sum(judged.source == source and judged.label is not None for judged in evaluation.judged)
        yield f"{source[:27]:<28}{passages:>9}" + "".join(f"{_number(figures[name]):>21}" for name in SHOWN)
    calibration = calibration_table(evaluation.judged)
    if calibration:
        yield ""
        yield f"{'probability given':<28}{'truly editorial':>16}{'passages':>10}"
        for given, true, passages in calibration:
            yield f"{given:<28.3f}{true:>16.3f}{passages:>10}"
    yield ""
    yield f"{'overall':<28}{'value':>9}{'95 % interval':>21}"
    for figure in evaluation.overall():
        interval = "{:.3f} to {:.3f}".format(*figure.interval) if figure.interval else ""
        yield f"{figure.name:<28}{figure.value:>9.3f}{interval:>21}"


def _number(value: float) -> str:
    return f"{value:.3f}" if value == value else "-"
