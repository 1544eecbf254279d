"""What a run has done so far, in counts that add up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from training.article import TEXT_KINDS
from training.score import Result


@dataclass(frozen=True, slots=True)
class Tally:
    """Articles (the failed ones too), passages, the words in labelled and in editorial passages, blocks dropped by kind, failures by code."""

    articles: int = 0
    passages: int = 0
    words: int = 0
    editorial_words: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)

    def __add__(self, other: Tally) -> Tally:
        return Tally(*(getattr(self, name) + getattr(other, name) for name in self.__slots__))

    @property
    def editorial_share(self) -> float | None:
        """Share of the labelled passages' words that stand in editorial passages; None where none was labelled."""
        return self.editorial_words / self.words if self.words else None

    @property
    def failed(self) -> int:
        return self.failures.total()

    def as_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_dict(cls, held: Mapping[str, Any]) -> Tally:
        return cls(**{**held, "dropped": Counter(held["dropped"]), "failures": Counter(held["failures"])})


def tally(results: Sequence[Result]) -> Tally:
    """The counts of some results."""
    blocks = [block for result in results for block in result.blocks]
    labelled = [block for block in blocks if block.label]
    return Tally(
        articles=len(results),
        passages=sum(block.kind == "body" for block in blocks),
        words=sum(block.words for block in labelled),
        editorial_words=sum(block.words for block in labelled if block.label == "editorial"),
        dropped=Counter(block.kind for block in blocks if block.kind not in TEXT_KINDS),
        failures=Counter(result.error.code for result in results if result.error),
    )
