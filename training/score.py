"""Articles -> results: read into blocks, tell their kinds, cut what is not theirs, label the passages. The one path for every door."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import isnan
from typing import Any, NamedTuple

import numpy as np

from training.article import LABELS, Article, Block, words_in
from training.errors import CopydeskError, InputError
from training.kinds import Verdicts
from training.labels import Explanation
from training.metadata import NOTHING, Metadata
from training.model import Identity, Model
from training.reading import Copy, read
from training.spans import EVERYWHERE, IN_BODY, cut
from training.tokens import Tokens

TOO_LITTLE = "too little evidence to say"
FALLBACK = "hardly any of the prose here looks like an article; what comes nearest to one was kept"
NO_TEXT = "no text was found in it; where scripts make the text of a page, save the page after they ran"
DECIMALS = 4


class ScoredBlock(NamedTuple):
    """A block with what was found of it. `label` and `probability` (of `editorial`, calibrated) are None for all but passages, and for
    passages with too little evidence."""

    block: Block
    words: int
    kind: str
    kind_probability: float
    reason: str | None = None
    label: str | None = None
    probability: float | None = None
    explanation: Explanation | None = None

    def as_dict(self) -> dict[str, Any]:
        """The block as CONTRACT has it: `label` and `probability` for passages only, `cut` and `reason` where there are any."""
        block = self.block
        out: dict[str, Any] = {"start": block.start, "end": block.end, "kind": self.kind, "kind_probability": round(self.kind_probability, DECIMALS)}
        if self.reason:
            out["reason"] = self.reason
        out["text"] = block.text
        if self.kind == "body":
            out["label"] = self.label
            out["probability"] = None if self.probability is None else round(self.probability, DECIMALS)
        if block.cut:
            out["cut"] = [span._asdict() for span in block.cut]
        if self.explanation:
            why = self.explanation
            out["explanation"] = {"logit": why.logit, "bias": why.bias, "context": why.context, "terms": [term._asdict() for term in why.terms]}
        return out


@dataclass(frozen=True)
class Result:
    """One article's result; `error` holds code and message where it could not be scored, and then there are no blocks."""

    id: str
    source: str | None
    model: Identity
    title: str | None = None
    metadata: Metadata = NOTHING
    blocks: tuple[ScoredBlock, ...] = ()
    share_interval: tuple[float, float] | None = None
    notes: tuple[str, ...] = ()
    error: CopydeskError | None = None

    @property
    def passages(self) -> list[ScoredBlock]:
        return [block for block in self.blocks if block.kind == "body"]

    @cached_property
    def editorial_share(self) -> float | None:
        """Share of the labelled passages' words that stand in editorial passages; None when no passage could be labelled."""
        return _share(self.blocks)

    @property
    def label(self) -> str | None:
        """The verdict on the whole: what most of its words are."""
        return _verdict(self.editorial_share)

    def as_dict(self) -> dict[str, Any]:
        """The result as CONTRACT has it, ready for JSON."""
        model = self.model._asdict()
        if self.error:
            error = {"code": self.error.code, "message": self.error.message}
            return {"id": self.id, "source": self.source, "status": "error", "error": error, "blocks": [], "model": model}
        share = self.editorial_share
        out: dict[str, Any] = {"id": self.id, "source": self.source, "status": "ok", "title": self.title}
        out |= {name: said for name in ("author", "published", "modified") if (said := getattr(self.metadata, name))}
        out["label"] = _verdict(share)
        out["editorial_share"] = None if share is None else round(share, DECIMALS)
        out["editorial_share_interval"] = None if self.share_interval is None else [round(bound, DECIMALS) for bound in self.share_interval]
        out["blocks"] = [block.as_dict() for block in self.blocks]
        if self.notes:
            out["notes"] = list(self.notes)
        return out | {"model": model}


def _share(blocks: Sequence[ScoredBlock]) -> float | None:
    words = dict.fromkeys(LABELS, 0)
    for block in blocks:
        if block.label:
            words[block.label] += block.words
    return words["editorial"] / sum(words.values()) if any(words.values()) else None


def _verdict(share: float | None) -> str | None:
    return None if share is None else LABELS[share < 0.5]


def score(articles: Sequence[Article], model: Model) -> list[Result]:
    """Score a batch of articles, in order. One in which there is no text is a result with an error (`empty`). Larger batches cost less an article;
    memory grows with the batch."""
    copies = [read(article) for article in articles]
    pages = [[cut(block, EVERYWHERE, article) for block in copy.blocks] for article, copy in zip(articles, copies, strict=True)]
    seen = model.kinds.look(pages)
    verdicts = model.kinds.verdicts(seen)
    pages = [
        [cut(block, IN_BODY, article) if kind == "body" else block for block, kind in zip(page, verdict.names, strict=True)]
        for article, page, verdict in zip(articles, pages, verdicts, strict=True)
    ]
    places = [(number, place) for number, verdict in enumerate(verdicts) for place, kind in enumerate(verdict.names) if kind == "body"]
    passages = _passages(pages, places, seen.tokens)
    del seen  # a long article's tokens are the most that is held
    probabilities = _label(pages, places, passages, model)
    return [
        _result(article, copy, page, verdict, probability, model)
        for article, copy, page, verdict, probability in zip(articles, copies, pages, verdicts, probabilities, strict=True)
    ]


def explained(result: Result, model: Model) -> Result:
    """The result with an explanation for each passage: which terms tipped it, at which offsets of the block's text, and what the article added.

    `model` must be the one that made the result."""
    passages = result.passages
    whys = iter(model.labels.explain([passage.block.text for passage in passages], [0] * len(passages)))
    return replace(result, blocks=tuple(block._replace(explanation=next(whys)) if block.kind == "body" else block for block in result.blocks))


def own_text(result: Result) -> str:
    """The article's own text: its blocks of kind body and subheading, blank lines between."""
    return "\n\n".join(block.block.text for block in result.blocks if block.kind in ("body", "subheading"))


def _passages(pages: Sequence[Sequence[Block]], places: Sequence[tuple[int, int]], tokens: Tokens) -> Tokens:
    """The tokens of the passages at `places`, article and block. `tokens` are those of the blocks as they were before rules for passages cut off
    their ends."""
    first = np.cumsum([0, *map(len, pages)])
    passages = np.array([first[number] + place for number, place in places], int)
    characters = np.array([len(pages[number][place].text) for number, place in places], int)
    return tokens.beginnings(passages, characters)


def _label(pages: Sequence[Sequence[Block]], places: Sequence[tuple[int, int]], passages: Tokens, model: Model) -> list[list[float | None]]:
    """For each block of each article P(editorial): None where it is no passage, nan where there is too little evidence."""
    labelled = model.labels.label(passages, [number for number, _ in places])
    probabilities: list[list[float | None]] = [[None] * len(page) for page in pages]
    for (number, place), probability in zip(places, labelled.tolist(), strict=True):
        probabilities[number][place] = probability
    return probabilities


def _result(article: Article, copy: Copy, page: Sequence[Block], verdict: Verdicts, probability: Sequence[float | None], model: Model) -> Result:
    source = article.source or copy.metadata.source
    if not page:
        return Result(article.id, source, model.identity, error=InputError(NO_TEXT, "empty"))
    blocks = tuple(_scored(*found) for found in zip(page, verdict.names, verdict.probability.tolist(), verdict.reasons, probability, strict=True))
    return Result(
        article.id,
        source,
        model.identity,
        article.title or _headline(page, verdict.names) or copy.metadata.title,
        copy.metadata,
        blocks,
        _share_interval(blocks, model),
        (FALLBACK,) if verdict.fallback else (),
    )


def _share_interval(blocks: Sequence[ScoredBlock], model: Model) -> tuple[float, float] | None:
    share = _share(blocks)
    if share is None:
        return None
    told = [(block.probability, block.words) for block in blocks if block.probability is not None]
    low, high = model.labels.share_interval([p for p, _ in told], [words for _, words in told])
    return min(low, share), max(high, share)


def _scored(block: Block, kind: str, kind_probability: float, reason: str | None, probability: float | None) -> ScoredBlock:
    if block.element is not None:  # a result is kept, and sent between processes, without the page it came from
        block = Block(block.text, block.start, block.end, block.cut, None, block.linked)
    words = words_in(block.text)
    if probability is None:
        return ScoredBlock(block, words, kind, kind_probability, reason)
    if isnan(probability):
        return ScoredBlock(block, words, kind, kind_probability, TOO_LITTLE)
    return ScoredBlock(block, words, kind, kind_probability, None, LABELS[probability < 0.5], probability)


def _headline(page: Sequence[Block], kinds: Sequence[str]) -> str | None:
    return next((block.text for block, kind in zip(page, kinds, strict=True) if kind == "headline"), None)
