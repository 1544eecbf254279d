"""The models that made results -> the card of the one that is at hand: what it was fitted on, and how often it is right on sources it has not seen."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from training.errors import ModelError
from training.model import Identity, default_model, load_model

IN_WORDS = {
    "macro F1, strict": "labels: mean of both labels' F1, where the true label is sure",
    "macro F1, all": "labels: mean of both labels' F1, all passages",
    "AUC, strict": "labels: how often an editorial passage has the higher probability of two, where the true label is sure",
    "calibration error": "labels: how far probabilities are from how often they come true, on the average",
    "body kept": "kinds: passages of the article that are kept",
    "article words kept": "kinds: words of the article that are kept",
    "boilerplate dropped": "kinds: blocks round the article that are thrown out",
    "boilerplate words dropped": "kinds: words round the article that are thrown out",
    "kind right": "kinds: blocks round the article whose very kind is right",
}
"""What the card's measures are, for people who did not make it; another is shown by its name."""


class Figure(NamedTuple):
    """A measure of the model, with its 95 % interval from resampling sources where there is one."""

    name: str
    value: float
    interval: tuple[float, float] | None

    @property
    def in_words(self) -> str:
        return IN_WORDS.get(self.name, self.name)


class Card(NamedTuple):
    """What a model's manifest says: the files it was fitted on and measured on, each with its rows, and the figures."""

    model: Identity
    fitted_on: tuple[tuple[str, int], ...]
    measured_on: tuple[tuple[str, int], ...]
    figures: tuple[Figure, ...]

    def as_dict(self) -> dict[str, Any]:
        files = {name: [{"file": file, "rows": rows} for file, rows in getattr(self, name)] for name in ("fitted_on", "measured_on")}
        return {**self.model._asdict(), **files, "figures": [figure._asdict() for figure in self.figures]}


def card_of(models: Collection[Identity], folder: Path | None = None) -> Card | None:
    """The card of the model in a folder, the shipped one unless told, if that model made any of the results; None where it did not, or where no model
    was named and the shipped one is not to be had. Raises ModelError where the one that was named cannot be loaded."""
    try:
        model = load_model(folder or default_model())
    except ModelError:
        if folder:
            raise
        return None
    made = next((identity for identity in models if identity.digest == model.identity.digest), None)
    return made and _card(made, model.manifest)


def _card(model: Identity, manifest: Mapping[str, Any]) -> Card:
    fitted_on, measured_on = (
        tuple((file["file"], file["rows"]) for name in names for file in manifest.get(name) or ()) for names in (("data", "for_kinds"), ("held_out",))
    )
    figures = (manifest.get("figures") or {}).items()
    return Card(model, fitted_on, measured_on, tuple(_figure(name, said) for name, said in figures if said.get("value") is not None))


def _figure(name: str, said: Mapping[str, Any]) -> Figure:
    interval = said.get("interval")
    return Figure(name, float(said["value"]), (float(interval[0]), float(interval[1])) if interval else None)
