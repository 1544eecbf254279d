"""Results -> figures of each source: how much of it is editorial, how sure that is, how it is spread over articles and months, what stands round it.

Results are read as a stream. Of each article a few whole numbers are added up, and sums of whole numbers are the same in any order; of its text nothing
is kept but the titles of a few articles of each source."""

from __future__ import annotations

import json
import re
from array import array
from bisect import insort
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.special import betaincinv, stdtrit

from training.archives import DAMAGE, decompressed
from training.article import KINDS, LABELS, TEXT_KINDS, folded
from training.entry import readable
from training.errors import DataError, InputError
from training.extras import zstd
from training.labelled import UNKNOWN_SOURCE
from training.model import Identity

LEAST_ARTICLES = 20
"""Below this a source gets no share. From here on 95 % intervals held the truth 93 to 98 times in 100, on generated sources of six sorts; with 10 articles,
two of which are opinion pieces and the others news, it was 90 times."""
LEVEL = 0.95
SPREAD = ("below_10", "from_10_to_50", "from_50_to_90", "above_90")
"""Articles by the editorial share of each, in per cent: 10 itself is in the second, 50 and 90 are in the third."""
BOILERPLATE = tuple(kind for kind in KINDS if kind not in TEXT_KINDS)
EXAMPLES = 3
"""Articles named for each source: those that hold most of its editorial words."""
LONGEST_NAME = 200
"""Characters kept of a title."""

_MONTHS = "jan(?:uary)? feb(?:ruary)? mar(?:ch)? apr(?:il)? may june? july? aug(?:ust)? sept?(?:ember)? oct(?:ober)? nov(?:ember)? dec(?:ember)?".split()
_IN_FIGURES = re.compile(r"\s*((?:19|20)\d\d)([-/.]?)(0[1-9]|1[0-2])(?:\2(?:0[1-9]|[12]\d|3[01]))?(?!\d)")
_IN_WORDS = re.compile(rf"\b({'|'.join(_MONTHS)})\b\.?\s+(?:\d{{1,2}}(?:st|nd|rd|th)?,?\s+)?((?:19|20)\d\d)\b", re.IGNORECASE)


class Counted(NamedTuple):
    """One article's result in numbers. `words` and `editorial` count the words of labelled passages alone, `round_it` those of boilerplate by kind;
    `text_words` are those of the article's own text. `failure` is the code of its error, and then all else is 0."""

    id: str
    source: str
    title: str
    model: Identity
    published: str | None = None
    failure: str | None = None
    passages: int = 0
    unlabelled: int = 0
    words: int = 0
    editorial: int = 0
    text_words: int = 0
    round_it: Mapping[str, int] = {}


class Example(NamedTuple):
    """An article that holds many of its source's editorial words; ordered from the one that holds most."""

    fewer_editorial: int
    words: int
    id: str
    title: str

    @property
    def editorial(self) -> int:
        return -self.fewer_editorial


@dataclass(slots=True)
class Measured:
    """Articles that have labelled passages, in sums: of their words, of their editorial words, of squares and products of the two."""

    articles: int = 0
    words: int = 0
    editorial: int = 0
    words_squared: int = 0
    editorial_squared: int = 0
    product: int = 0
    spread: list[int] = field(default_factory=lambda: [0] * len(SPREAD))

    def add(self, words: int, editorial: int) -> None:
        """Take in an article with `words` > 0 words in labelled passages, `editorial` of them in editorial ones."""
        self.articles += 1
        self.words += words
        self.editorial += editorial
        self.words_squared += words * words
        self.editorial_squared += editorial * editorial
        self.product += words * editorial
        self.spread[(10 * editorial >= words) + (2 * editorial >= words) + (10 * editorial > 9 * words)] += 1

    @property
    def too_few(self) -> bool:
        return self.articles < LEAST_ARTICLES

    @property
    def share(self) -> float | None:
        """Editorial words by words; None where there are too few articles to say."""
        return None if self.too_few else self.editorial / self.words

    @property
    def effective_articles(self) -> float:
        """How many articles of one length would tell as much (Kish 1965): long ones count for more, and so all together for less."""
        return self.words**2 / self.words_squared

    @property
    def variance(self) -> float:
        """Of the editorial share as a ratio of sums over articles, each article one cluster (Cochran 1977, chapter 6), articles >= 2.

        Linearised: the residuals `editorial - share * words` of articles, squared. In whole numbers until the last step, so that nothing cancels."""
        e, w = self.editorial, self.words
        squares = w * w * self.editorial_squared - 2 * e * w * self.product + e * e * self.words_squared
        return self.articles / (self.articles - 1) * (squares / w**4)

    @property
    def interval(self) -> tuple[float, float] | None:
        """95 % interval of the editorial share for articles like these; None for fewer than two.

        Korn and Graubard (1998): the exact binomial interval of the number of independent words that would be as uncertain as these articles are, cut down
        by the t distribution. It stays between 0 and 1, and is not empty where no word, or every word, is editorial. Degrees of freedom are those of the
        effective articles, because articles differ in length."""
        if self.articles < 2:
            return None
        share, spread = self.editorial / self.words, self.variance
        independent = share * (1 - share) / spread if spread else 0.0
        independent = min(independent, self.words) if independent else self.effective_articles if self.editorial in (0, self.words) else self.words
        outside = (1 - LEVEL) / 2
        degrees = max(1.0, self.effective_articles - 1)
        independent *= (stdtrit(np.inf, outside) / stdtrit(degrees, outside)) ** 2
        met, other = share * independent, (1 - share) * independent
        low = float(betaincinv(met, other + 1, outside)) if self.editorial else 0.0
        high = float(betaincinv(met + 1, other, 1 - outside)) if self.editorial < self.words else 1.0
        return low, high


@dataclass(slots=True)
class Source:
    """All that is known of one source. `articles` were scored, `measured` are those of them with labelled passages; failed ones are in neither."""

    name: str
    articles: int = 0
    passages: int = 0
    unlabelled: int = 0
    undated: int = 0
    text_words: int = 0
    measured: Measured = field(default_factory=Measured)
    months: dict[str, Measured] = field(default_factory=dict)
    round_it: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    examples: list[Example] = field(default_factory=list)

    def add(self, article: Counted, by_month: bool) -> None:
        """Take in one article."""
        if article.failure:
            self.failures[article.failure] += 1
            return
        self.articles += 1
        self.passages += article.passages
        self.unlabelled += article.unlabelled
        self.text_words += article.text_words
        for kind, words in article.round_it.items():
            self.round_it[kind] += words
        if article.words:
            self.measured.add(article.words, article.editorial)
            if by_month:
                self._add_to_month(article)
        if article.editorial:
            insort(self.examples, Example(-article.editorial, article.words, article.id, article.title))
            del self.examples[EXAMPLES:]

    def _add_to_month(self, article: Counted) -> None:
        month = month_of(article.published) if article.published else None
        if month is None:
            self.undated += 1
        else:
            self.months.setdefault(month, Measured()).add(article.words, article.editorial)

    @property
    def all_words(self) -> int:
        """The words of all blocks, the article's own and those round it."""
        return self.text_words + self.round_it.total()

    def share_round_it(self, *kinds: str) -> float | None:
        """The share of all words that stand in boilerplate of these kinds; None where there are no words."""
        return sum(self.round_it[kind] for kind in kinds) / self.all_words if self.all_words else None


@dataclass(frozen=True, slots=True)
class Profile:
    """Sources by name, how many results each model made, and how many results have the id of another."""

    sources: tuple[Source, ...]
    models: Mapping[Identity, int]
    repeated: int
    by_month: bool

    @property
    def ranked(self) -> list[Source]:
        """Sources with enough articles, the largest editorial share first."""
        return sorted((source for source in self.sources if not source.measured.too_few), key=lambda source: -(source.measured.share or 0))

    @property
    def too_few(self) -> list[Source]:
        return [source for source in self.sources if source.measured.too_few]


def profile(results: Iterable[Counted], by_month: bool = False) -> Profile:
    """Add up results. Memory grows with sources and their months, and by 8 bytes an article, which tell repeated ids."""
    sources: dict[str, Source] = {}
    models: Counter[Identity] = Counter()
    ids = array("Q")
    for article in results:
        if article.source not in sources:
            sources[article.source] = Source(article.source)
        sources[article.source].add(article, by_month)
        models[article.model] += 1
        if article.id:
            ids.append(int.from_bytes(blake2b(article.id.encode(), digest_size=8).digest(), "little"))
    repeated = len(ids) - len(np.unique(np.frombuffer(ids, np.uint64))) if ids else 0
    return Profile(tuple(sources[name] for name in sorted(sources)), dict(sorted(models.items())), repeated, by_month)


def read_results(paths: Sequence[Path]) -> Iterator[Counted]:
    """The results in files of JSON Lines, plain, .gz or .zst, in numbers; raises DataError with file and line of the first that is none."""
    found = False
    for path in paths:
        for number, line in _lines(path):
            try:
                yield counted(line)
            except (ValueError, RecursionError) as error:
                message = f"{path}, line {number} is not a result ({error}); give JSON Lines as `copydesk score` writes them"
                raise DataError(message) from None
            found = True
    if not found:
        raise DataError(f"no result in {', '.join(map(str, paths))}; give JSON Lines as `copydesk score` writes them")


def counted(line: bytes) -> Counted:
    """One line of results in numbers; raises ValueError where it is no result."""
    answer = json.loads(line)
    if not isinstance(answer, dict):
        raise ValueError("not a JSON object")
    model = _held(answer, "model", dict)
    identity = Identity(_name(model, "name"), _name(model, "digest"))
    name = _name(answer, "id"), _name(answer, "source") or UNKNOWN_SOURCE, _name(answer, "title")[:LONGEST_NAME], identity
    status = answer.get("status")
    if status == "error":
        return Counted(*name, failure=_name(_held(answer, "error", dict), "code") or "unknown")
    if status != "ok":
        raise ValueError(f"status is {status!r:.40}")
    return _counted_blocks(_held(answer, "blocks", list), Counted(*name, _name(answer, "published") or None))


def month_of(published: str) -> str | None:
    """The month, `2024-05`, of a date as a page says it; None where it is not certain which of its numbers is the month."""
    found = _IN_FIGURES.match(published)
    if found:
        return f"{found[1]}-{found[3]}"
    found = _IN_WORDS.search(published)
    return f"{found[2]}-{1 + [month[:3] for month in _MONTHS].index(found[1][:3].lower()):02}" if found else None


def _counted_blocks(blocks: Sequence[Any], article: Counted) -> Counted:
    by_kind = dict.fromkeys(KINDS, 0)
    by_label = {"editorial": 0, "reporting": 0, None: 0}
    passages = unlabelled = 0
    for number, block in enumerate(blocks, 1):
        try:
            kind, words = block["kind"], block["words"] if "words" in block else block["text"].count(" ") + 1
            if type(words) is not int or words < 0:
                raise ValueError(f"words of block {number} are {words!r:.40}")
            by_kind[kind] += words
            if kind == "body":
                by_label[block["label"]] += words
                passages += 1
                unlabelled += block["label"] is None
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"block {number} has no kind, label, or words or text that is known: {error!s:.40}") from None
    return article._replace(
        passages=passages,
        unlabelled=unlabelled,
        words=sum(by_label[label] for label in LABELS),
        editorial=by_label["editorial"],
        text_words=sum(by_kind[kind] for kind in TEXT_KINDS),
        round_it={kind: words for kind in BOILERPLATE if (words := by_kind[kind])},
    )


def _held(fields: Mapping[str, Any], name: str, form: type) -> Any:
    value = fields.get(name)
    if not isinstance(value, form):
        raise ValueError(f"{name} is {'missing' if value is None else f'{value!r:.40}'}")
    return value


def _name(fields: Mapping[str, Any], name: str) -> str:
    """A field that is a text or null, as it can be written."""
    value = fields.get(name)
    if value is not None and not isinstance(value, str):
        raise ValueError(f"{name} is {value!r:.40}")
    return readable(folded(value)) if value else ""


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """The lines that are not blank, numbered from 1; a part that a run has left is read as the file it was to become."""
    name = str(path).removesuffix(".part")
    damage = (*DAMAGE, zstd().ZstdError) if name.endswith(".zst") else DAMAGE
    number = 0
    try:
        with open(path, "rb") as raw:
            for number, line in enumerate(decompressed(raw, name), 1):
                if not line.isspace():
                    yield number, line
    except InputError as error:
        raise DataError(f"{path} {error.message}") from error
    except (OSError, *damage) as error:
        raise DataError(f"{path} cannot be read after line {number} ({error}); get a whole copy") from error
