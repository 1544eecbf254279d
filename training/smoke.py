"""Whether a model answers here as it did where it was fitted: a report and an argument, and what they came out as, kept in its manifest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from training.article import TEXT_KINDS
from training.errors import ModelError
from training.model import Model, default_model, load_model
from training.reading import article_from_text
from training.score import score

REPORT = "The harbour board voted 5-2 on Monday to close the east pier for repairs, the harbour master, Ulla Brandis, told reporters."
ARGUMENT = "It is a shameful decision, taken by people who should know better, and we will all pay dearly for their cowardice."
SAME = 1e-5
"""Probabilities that differ by less are the same: another processor adds up in another order."""


def answers(model: Model) -> list[dict[str, Any]]:
    """What the model makes of both texts, one after the other: the kind of each, its probability, and that of being editorial."""
    [result] = score([article_from_text(f"{REPORT}\n\n{ARGUMENT}")], model)
    return [
        {"text": block.block.text, "kind": block.kind, "kind_probability": block.kind_probability, "probability": block.probability}
        for block in result.blocks
    ]  # fmt: skip


def sound_model(folder: Path | None = None, expect: str | None = None) -> Model:
    """The model in a folder, the shipped one where none is named, loaded and tried: what every door that scores takes. Raises ModelError as both do."""
    model = load_model(folder or default_model(), expect)
    smoke_test(model)
    return model


def smoke_test(model: Model) -> None:
    """Raise ModelError unless one comes out as text, the argument not as the less editorial of the two where both have a label, and both as the manifest
    says: what was fitted on few articles has little evidence, and gives none."""
    try:
        given = answers(model)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:  # arrays that do not fit together
        raise ModelError(f"{model.identity.name} cannot score ({type(error).__name__}): its arrays do not fit together; refit or restore it") from error
    editorial = [answer["probability"] for answer in given if answer["probability"] is not None]
    kept = any(answer["kind"] in TEXT_KINDS for answer in given)
    if not kept or not all(0 <= probability <= 1 for probability in editorial) or editorial != sorted(editorial):
        raise ModelError(f"{model.identity.name} fails the smoke test: it does not tell a plain argument from a plain report; refit or restore it")
    told = model.manifest.get("smoke")
    if told is not None and not _same(given, told):
        versions = model.manifest.get("versions")
        fitted = ", ".join(f"{name} {number}" for name, number in versions.items()) if isinstance(versions, dict) else "others"
        raise ModelError(f"{model.identity.name} does not answer here as it did where it was fitted, with {fitted}; restore it, or install these versions")


def _same(given: list[dict[str, Any]], told: Any) -> bool:
    try:
        return len(given) == len(told) and all(
            answer["kind"] == there["kind"]
            and all(_near(answer[name], there[name]) for name in ("kind_probability", "probability"))
            for answer, there in zip(given, told, strict=True)
        )  # fmt: skip
    except (TypeError, KeyError):
        return False


def _near(one: float | None, other: float | None) -> bool:
    return one is other if one is None or other is None else abs(one - other) < SAME
