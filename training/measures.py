"""Judged blocks -> shares and scores, each a number, and how far each would move with other sources."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import f1_score, roc_auc_score

from training.article import LABELS, TEXT_KINDS

Bools = NDArray[np.bool_]

NO_ANSWER = -1
BINS = 10
"""Equal-width bins of the calibration error."""
STRICT = 2
"""Strict figures leave out what is less sure than this."""
INTERVAL = 95
LEAST_GROUPS = 5


class Judged(NamedTuple):
    """A true block and what was found in its place: kinds, and for a true passage its label, how sure it is and the probability given (None: not answered)."""

    source: str
    text: str
    kind: str
    found: str | None
    label: str | None = None
    sure: int = 3
    probability: float | None = None

    @property
    def answered(self) -> str | None:
        return None if self.probability is None else LABELS[self.probability < 0.5]


class Judgements(NamedTuple):
    """The same of many blocks, arrays (blocks,): `own` whether it is the article's, `running` whether its running text; `probability` is nan where there was
    no answer; `sure` is 0 where there is no label, and `editorial` the label where there is one."""

    words: NDArray[np.int64]
    own: Bools
    running: Bools
    kept: Bools
    right: Bools
    editorial: Bools
    sure: NDArray[np.int64]
    probability: NDArray[np.float64]

    @classmethod
    def of(cls, judged: Iterable[Judged]) -> Judgements:
        rows = list(judged)
        return cls(
            words=np.array([len(one.text.split()) for one in rows], int),
            own=np.array([one.kind in (*TEXT_KINDS, ARTICLE) for one in rows], bool),
            running=np.array([one.kind in ("body", ARTICLE) for one in rows], bool),
            kept=np.array([one.found in TEXT_KINDS for one in rows], bool),
            right=np.array([one.kind == one.found for one in rows], bool),
            editorial=np.array([one.label == LABELS[0] for one in rows], bool),
            sure=np.array([one.sure if one.label else 0 for one in rows], int),
            probability=np.array([one.probability if one.label else None for one in rows], float),
        )

    def part(self, which: NDArray[np.int64] | Bools) -> Judgements:
        return Judgements._make(column[which] for column in self)


ARTICLE = "article"
"""Stands for body or subheading where nobody told which."""


def calibration_table(judged: Judgements) -> list[tuple[float, float, int]]:
    """For each bin with passages: mean probability given, share truly editorial, passages."""
    y, p = _answers(judged)
    bins = np.minimum((p * BINS).astype(int), BINS - 1)
    held = [bins == place for place in range(BINS)]
    return [(float(p[inside].mean()), float(y[inside].mean()), int(inside.sum())) for inside in held if inside.any()]


def _answers(judged: Judgements, least_sure: int = 1) -> tuple[Bools, NDArray[np.float64]]:
    """Of the passages that were answered the label, True for editorial, and the probability given."""
    answered = (judged.sure >= least_sure) & ~np.isnan(judged.probability)
    return judged.editorial[answered], judged.probability[answered]


def macro_f1(judged: Judgements, least_sure: int = STRICT) -> float:
    """Mean of both labels' F1; a passage without an answer is wrong for its label. nan without passages."""
    passages = judged.part(judged.sure >= least_sure)
    if not len(passages.sure):
        return float("nan")
    answered = np.where(np.isnan(passages.probability), NO_ANSWER, passages.probability >= 0.5)
    return float(f1_score(passages.editorial.astype(int), answered, labels=[1, 0], average="macro", zero_division=0))


def _auc(judged: Judgements) -> float:
    y, p = _answers(judged, STRICT)
    return float(roc_auc_score(y, p)) if y.any() and not y.all() else float("nan")


def _calibration_error(judged: Judgements) -> float:
    table = calibration_table(judged)
    total = sum(count for *_, count in table)
    return sum(abs(given - true) * count for given, true, count in table) / total if total else float("nan")


def _share(found: Bools, weight: NDArray[np.int64]) -> float:
    total = weight.sum()
    return float(weight[found].sum() / total) if total else float("nan")


MEASURES: dict[str, Callable[[Judgements], float]] = {
    "macro F1, strict": macro_f1,
    "macro F1, all": lambda judged: macro_f1(judged, 1),
    "AUC, strict": _auc,
    "calibration error": _calibration_error,
    "body kept": lambda judged: _share(judged.kept, judged.running.astype(int)),
    "article words kept": lambda judged: _share(judged.kept, judged.words * judged.own),
    "boilerplate dropped": lambda judged: _share(~judged.kept, (~judged.own).astype(int)),
    "boilerplate words dropped": lambda judged: _share(~judged.kept, judged.words * ~judged.own),
    "kind right": lambda judged: _share(judged.right, (~judged.own).astype(int)),
}
"""What is measured, each a share or a score; nan where the blocks do not allow it."""


def draws(groups: int, resamples: int) -> NDArray[np.int64]:
    """Groups drawn with replacement, always the same, (resamples, groups); none where there are too few to tell anything."""
    return np.random.default_rng(0).integers(groups, size=(resamples if groups >= LEAST_GROUPS else 0, groups))


def percentiles(values: Sequence[float]) -> tuple[float, float] | None:
    """The 95 % interval of resampled values; None where there are none."""
    told = [value for value in values if not np.isnan(value)]
    outside = (100 - INTERVAL) / 2
    return (float(np.percentile(told, outside)), float(np.percentile(told, 100 - outside))) if told else None
