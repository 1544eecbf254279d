"""What goes in and what comes out, as pydantic models: the one source of validation and of the OpenAPI document."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from training.article import KINDS, LABELS
from training.compare import LEAST_ARTICLES, MOST_ARTICLES

Kind = Annotated[str, Field(json_schema_extra={"enum": list(KINDS)})]
Label = Annotated[str, Field(json_schema_extra={"enum": list(LABELS)})]
Offset = Annotated[int | None, Field(ge=0)]
Probability = Annotated[float, Field(ge=0, le=1)]
Part = Literal["article", "boilerplate", "text"]
PARTS: tuple[Part, ...] = ("article", "boilerplate", "text")
ONE_OF_TWO: list[Any] = [
    {"required": [given], "properties": {given: {"type": "string"}, other: {"type": "null"}}} for given, other in (("text", "html"), ("html", "text"))
]


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class ArticleRequest(_Asked):
    """One article: exactly one of `text` and `html`, and what the caller wants to find again in the result."""

    model_config = ConfigDict(json_schema_extra={"oneOf": ONE_OF_TWO})

    text: str | None = Field(default=None, description="The article as plain text, also text that has lost its HTML.")
    html: str | None = Field(default=None, description="The whole page.")
    id: str = Field(default="", description="Comes back as it is.")
    source: str | None = Field(default=None, description="Who published it; else what the page says of its host.")

    @model_validator(mode="after")
    def _exactly_one(self) -> ArticleRequest:
        if (self.text is None) == (self.html is None):
            raise ValueError("give exactly one of text and html")
        return self


Entry = Annotated[ArticleRequest | Any, Field(union_mode="left_to_right")]
"""An article of a batch, or what stands in its place and is none."""


class BatchRequest(_Asked):
    """Articles; where one is not as it should be, its answer says why, and the others are scored."""

    articles: list[Entry]


class CompareRequest(_Asked):
    """Articles on one event."""

    articles: list[ArticleRequest] = Field(min_length=LEAST_ARTICLES, max_length=MOST_ARTICLES)


def _parted(value: Any) -> Any:
    return (value.split(",") if value else []) if isinstance(value, str) else value


Parts = Annotated[
    frozenset[Part],
    BeforeValidator(_parted),
    WithJsonSchema({"type": "string", "pattern": "^({0}(,{0})*)?$".format(f"({'|'.join(PARTS)})")}),
]


class Wanted(BaseModel):
    """The query: what an answer is to hold."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    explain: bool = Field(default=False, description="Give each passage the terms that tipped it.")
    include: Parts = Field(
        default=frozenset(PARTS),
        description="Parts of the answer, parted by commas: `article` (blocks of the article's own text), `boilerplate` (blocks thrown out),"
        " `text` (the blocks' text, without which offsets remain). All of them unless told.",
    )


class WantedOfBody(Wanted):
    """The query beside a bare body, which has no room for more than the article."""

    id: str = Field(default="", description="For a bare `text/plain` or `text/html` body.")
    source: str | None = Field(default=None, description="For a bare `text/plain` or `text/html` body.")


class ModelIdentity(BaseModel):
    name: str
    digest: str = Field(pattern="^sha256:", description="Of the model's arrays.")


class CutSpan(BaseModel):
    """A span inside a block that is not the article's and was left out of its text."""

    start: Offset
    end: Offset
    kind: Kind


class TermShare(BaseModel):
    """A term, where it stands in the passage's `text`, and what it adds to the logit."""

    start: int
    end: int
    term: str
    contribution: float


class PassageExplanation(BaseModel):
    """`bias` and the terms' contributions sum to `logit`, what the passage says by itself; `context` is what its article adds; the probability
    is the logistic function of logit and context together."""

    logit: float
    bias: float
    terms: list[TermShare]
    context: float


class BlockAnswer(BaseModel):
    """A paragraph, list item, heading or stray line. `label` and `probability` stand on passages (kind `body`) alone, null where there is
    too little evidence."""

    start: Offset = Field(description="Offset in characters into the decoded input; null where the place cannot be told with certainty.")
    end: Offset = Field(description="End of the block, exclusive.")
    kind: Kind
    kind_probability: Probability
    reason: str = Field(default="", description="Why the block was thrown out, or why it has no label.")
    text: str = ""
    label: Label | None = None
    probability: Annotated[Probability | None, Field(description="That the passage is editorial.")] = None
    cut: list[CutSpan] = []
    explanation: PassageExplanation | None = None


class ArticleAnswer(BaseModel):
    """One article's result."""

    id: str
    source: str | None
    status: Literal["ok"]
    title: str | None
    author: str = ""
    published: str = ""
    modified: str = ""
    label: Label | None = Field(description="The verdict on the whole; null when no passage could be labelled.")
    editorial_share: Probability | None = Field(description="Share of the passages' words in editorial passages.")
    editorial_share_interval: list[Probability] | None = Field(default=None, description="Low and high end of where the share is likely to be.")
    blocks: list[BlockAnswer]
    notes: list[str] = []
    model: ModelIdentity


class WhatFailed(BaseModel):
    code: str
    message: str


class FailedAnswer(BaseModel):
    """An article in a batch that could not be scored; the others are."""

    id: str
    source: str | None
    status: Literal["error"]
    error: WhatFailed
    blocks: list[BlockAnswer] = Field(max_length=0)
    model: ModelIdentity


class BatchAnswer(BaseModel):
    """A result for each article, in order."""

    results: list[ArticleAnswer | FailedAnswer]


class PassagePlace(BaseModel):
    """A passage: its number in its article, from 1, and where it stands in what was sent."""

    passage: int = Field(ge=1)
    start: Offset
    end: Offset
    text: str


Places = Annotated[list[PassagePlace], Field(min_length=2, max_length=2, description="One in each of the two articles.")]
TwoArticles = Annotated[list[int], Field(min_length=2, max_length=2, description="Two articles, by their place in `articles`, from 0.")]


class ComparedArticle(BaseModel):
    """One article beside the others."""

    id: str
    source: str | None
    status: Literal["ok"]
    title: str | None
    published: str | None = Field(description="As the page says it.")
    words: int = Field(description="In its passages.")
    label: Label | None
    editorial_share: Probability | None
    editorial_share_interval: list[Probability] | None
    only_here: list[PassagePlace] = Field(description="Passages that are like no passage of another source.")


class UncomparedArticle(BaseModel):
    """An article that could not be scored; the others are compared."""

    id: str
    source: str | None
    status: Literal["error"]
    error: WhatFailed


class SharedPassage(BaseModel):
    """A passage that stands in two articles in much the same words, and how many words of the shorter one stand in the other in the same order."""

    places: Places
    words: int
    share: Probability


class TakenOver(BaseModel):
    """What two articles have in the same words, taken over by one from the other or by both from an agency."""

    articles: TwoArticles
    first: int | None = Field(description="Which of the two came first; null where their dates do not say.")
    shares: list[Probability] = Field(description="Of each article's words, those in passages that were taken over.")
    passages: list[SharedPassage]


class SameFact(BaseModel):
    """Passages of two sources that tell of the same in words of their own, with the names and numbers that both have."""

    articles: TwoArticles
    places: Places
    alike: Probability
    shared: list[str]


class CompareAnswer(BaseModel):
    """Articles in the order they were sent, and what is between each two of them."""

    articles: list[ComparedArticle | UncomparedArticle]
    taken_over: list[TakenOver]
    same_fact: list[SameFact]


class ModelAnswer(BaseModel):
    """The model's manifest: what it is, what it was fitted on, its figures."""

    model_config = ConfigDict(extra="allow")

    name: str
    digest: str
    format: int


class Health(BaseModel):
    status: Literal["ok"]


class Readiness(BaseModel):
    status: Literal["ready"]
    model: ModelIdentity
    refused: str | None = Field(description="Why what lies in the model folder now is not used; null when it is.")


class Problem(BaseModel):
    """RFC 9457: what went wrong, why, and the remedy."""

    type: str
    title: str
    status: int
    detail: str
    code: str = Field(description="Stable, for programs.")
    request_id: str


class AnnotationTask(BaseModel):
    """A task of Label Studio, whose `data` holds the article under `text` or `html`."""

    model_config = ConfigDict(strict=True)

    id: int | str | None = None
    data: dict[str, Any]


class AnnotationTasks(BaseModel):
    """What Label Studio posts to `/predict`; what else it says of the project is not needed."""

    model_config = ConfigDict(strict=True)

    tasks: list[AnnotationTask]


class AnnotationSetup(BaseModel):
    model_version: str


class Suggestions(BaseModel):
    """One prediction for each task, in Label Studio's own form."""

    results: list[dict[str, Any]]
