"""Blocks -> kinds: is a block the article's own text, and if not, what is it?

1. Each block by itself: words, pairs of words, line features and the elements it stands in, in linear models (`features`, `first_stage`).
2. Each block in its article: the first answers of its neighbours, of its relatives on the page and of the best run of text
   (`page_context`). Boosted trees say whether it is the article's own, one set of them for pages and one for bare text, which begins with
   what the block says by itself; small networks of which kind it then is. They learn from arrangements of the training blocks as well (`arrangements`).
3. Nothing lost: where hardly any of an article's prose would be kept, the likeliest is (`fallback`). Nothing said twice at length.
   In bare text an appeal is one from its first plea to its last (`appeals`), and what leads up to a plea goes with it: trees of their own say where it
   begins (`openings`). Where none may begin, what only sounds like one is given back.

Both stages answer two questions. Whether a block is the article's own is learnt from all labelled blocks, of which kind it then is from
those whose kind was told. The first answers a third one: whose voice is heard, the reporter's or the writer's own, learnt from labelled passages. A plea that
argues is told from the report before it by that. A bare line is a block that stands in no element.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.appeals import leaves_text, runs_of_appeals
from training.article import KINDS, Block
from training.errors import ModelError
from training.features import NUMBERS, PAIRS, Floats, Ints, Look, look, said_before
from training.first_stage import ANSWERS, IS_TEXT, FirstAnswers, columns, probabilities
from training.openings import APPEAL, Openings, Pleas, carry_letters, give_back
from training.page_context import by_itself, context, text_probability
from training.reasons import Grounds, reasons, telling
from training.tokens import Lexicon
from training.trees import Trees

AT_ONCE = 128
"""Blocks that the networks answer for at a time: their features stay in the processor's cache."""
UNKNOWN = -1
"""Stands for a kind, or for whether a block is the article's own, that nobody told."""


class LabelledBlocks(NamedTuple):
    """An article's blocks, for each its kind, or TEXT or BOILERPLATE where no more is known, and who published it. Where passages were labelled, `voices` holds
    for each block what its label counts for: above 0 for `editorial`, below for `reporting`, 0 where it has none."""

    blocks: Sequence[Block]
    kinds: Sequence[str]
    source: str
    voices: Sequence[float] = ()


@dataclass(frozen=True)
class Verdicts:
    """What was decided of one article's blocks: arrays (blocks,) of indices into KINDS and of the probability of that kind, why each
    was dropped (None where it was not), and whether text was kept against the model's word because hardly anything would have been left."""

    kind: Ints
    probability: Floats
    reasons: list[str | None]
    fallback: bool

    @cached_property
    def names(self) -> list[str]:
        """The kind of each block by name."""
        return [KINDS[kind] for kind in self.kind.tolist()]


@dataclass(frozen=True)
class KindClassifier:
    """Each stage answers with the logit of being the article's own, then a score for each kind; the first also with the logit of the writer's own voice.

    `weights` (columns, answers) and `bias` belong to the first stage. In the second, `on_pages` and `in_bare_text` say whether a block is the
    article's own, `knots` spread the features out for the networks, which stand side by side in `hidden` and `output` (weights and bias each). What
    `of_openings` says comes after both: how likely a plea in bare text begins with a block."""

    words: Lexicon
    hints: Lexicon
    idf: Floats
    weights: Floats
    bias: Floats
    on_pages: Trees
    in_bare_text: Trees
    of_openings: Trees
    knots: Knots
    hidden: tuple[Floats, Floats]
    output: tuple[Floats, Floats]

    def classify(self, articles: Sequence[Sequence[Block]]) -> list[Verdicts]:
        """The kind of each block of a batch of articles."""
        return self.verdicts(self.look(articles))

    def look(self, articles: Sequence[Sequence[Block]]) -> Look:
        """Read a batch of articles, each its blocks."""
        return look(self.words, articles)

    def verdicts(self, seen: Look) -> list[Verdicts]:
        """The kind of each block of a batch that was read with `look`."""
        if not len(seen.words):
            return [Verdicts(np.zeros(0, np.int64), np.zeros(0, np.float32), [], False) for _ in range(seen.articles)]
        matrix = columns(seen, self.hints, self.idf)
        first = FirstAnswers.of(matrix @ self.weights + self.bias)
        p = self.second(seen, first)
        text = text_probability(p)
        rescued = fallback(seen, text)
        own = (text >= OWN) | rescued
        again = own & (seen.words >= SAID_WORDS) & (seen.echoes >= SAID_SHARE)
        if again.any():  # in few articles
            there = np.isin(seen.article, seen.article[again])
            again &= said_before(seen, own & there) >= SAID_SHARE
        kind = np.where(again, OTHER, np.where(own[:, None] == IS_TEXT, p, -1).argmax(axis=1))
        probability = np.where(again, seen.echoes, p[np.arange(len(p)), kind])
        carry_appeals(seen, first.kinds, text, kind, probability)
        appeal = (kind == APPEAL) & ~seen.on_page
        if appeal.any() and self._knows_openings:
            pleas = self._pleas(seen, first, appeal & (first.kinds[:, APPEAL] >= ASKS) & ~(seen.salutes | seen.signs))
            give_back(pleas, seen, p, kind, probability)
            carry_letters(pleas, seen, kind, probability)
        why = reasons(seen, kind, Grounds(text_probability(first.kinds), matrix, self.telling, self.words, self.hints))
        return [
            Verdicts(kind[begin:end], probability[begin:end], why[begin:end], bool((rescued & IS_TEXT[kind])[begin:end].any()))
            for begin, end in pairwise(seen.edges.tolist())
        ]  # fmt: skip

    def _pleas(self, seen: Look, first: FirstAnswers, asks: NDArray[np.bool_]) -> Pleas:
        """Where the plea of each article begins whose last block that asks is among `asks` (blocks,)."""
        found = Openings.of(seen, first, self.idf, asks)
        return Pleas.of(found, self.of_openings.score(found.values, np.zeros(len(found.values), np.float32)), seen.edges)

    @cached_property
    def _knows_openings(self) -> bool:
        return bool(self.of_openings.value.any())

    @cached_property
    def telling(self) -> Floats:
        """What each column of the first stage speaks for, (columns, kinds)."""
        return telling(self.weights)

    def second(self, seen: Look, first: FirstAnswers) -> Floats:
        """Probability of each kind in context, (blocks, kinds)."""
        values = context(seen, first, self.idf)
        own = np.zeros(len(values), np.float32)
        on_page = seen.on_page
        if on_page.any():
            own[on_page] = self.on_pages.score(values[on_page], own[on_page])
        if not on_page.all():
            bare = values[~on_page]
            own[~on_page] = self.in_bare_text.score(bare, by_itself(bare))
        as_own, as_other = counts_for(seen.words)
        own -= np.log(as_own / as_other)
        scores = [self._networks(values[begin : begin + AT_ONCE]) for begin in range(0, len(values), AT_ONCE)]
        return probabilities(np.column_stack([own, np.concatenate(scores)]))

    def _networks(self, values: Floats) -> NDArray[np.float64]:
        """A score for each kind, (blocks, kinds). Products of float32 would depend on the batch."""
        hidden, output = self._weights
        inner = np.maximum(self.knots.spread(values).astype(np.float64) @ hidden + self.hidden[1], 0)
        scores: NDArray[np.float64] = inner @ output + self.output[1]
        return scores

    @cached_property
    def _weights(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return self.hidden[0].astype(np.float64), self.output[0].astype(np.float64)

    def arrays(self) -> dict[str, Any]:
        """Everything that was learnt, as arrays and strings."""
        plain = {name: getattr(self, name) for name in ("idf", "weights", "bias")}
        parts: dict[str, Trees | Knots] = {"pages": self.on_pages, "bare": self.in_bare_text, "openings": self.of_openings, "knots": self.knots}
        for part, held in parts.items():
            plain |= {f"{part}_{name}": array for name, array in held._asdict().items()}
        networks = {"hidden": self.hidden[0], "hidden_bias": self.hidden[1], "output": self.output[0], "output_bias": self.output[1]}
        return {"words": self.words.words[1:], "hints": self.hints.words[1:], "kinds": KINDS, **plain, **networks}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Any]) -> KindClassifier:
        """The classifier that `arrays` came from; ModelError when they do not fit together."""
        words, hints = Lexicon(arrays["words"]), Lexicon(arrays["hints"])
        trees = {part: Trees(*(arrays[f"{part}_{name}"] for name in Trees._fields)) for part in ("pages", "bare", "openings")}
        classifier = cls(
            words, hints, arrays["idf"], arrays["weights"], arrays["bias"], trees["pages"], trees["bare"], trees["openings"],
            Knots(*(arrays[f"knots_{name}"] for name in Knots._fields)),
            (arrays["hidden"], arrays["hidden_bias"]), (arrays["output"], arrays["output_bias"]),
        )  # fmt: skip
        width = len(words) + NUMBERS + PAIRS + 3 * len(hints)
        fits = arrays["kinds"] == KINDS and len(classifier.idf) == len(words) + NUMBERS and len(classifier.weights) > width
        fits = fits and classifier.weights.shape[1] == ANSWERS and all(tree.is_whole for tree in trees.values())
        if not fits:
            raise ModelError("the kinds part of the model was made by another version of copydesk; fit it again with `copydesk train`")
        return classifier


class Knots(NamedTuple):
    """Pieces of the range of each feature, arrays (pieces,): its `column`, where it begins, and one over its width."""

    column: NDArray[np.int32]
    begin: Floats
    slope: Floats

    def spread(self, values: Floats) -> Floats:
        """Features (blocks, features) -> (blocks, pieces): how far each feature has come through each piece, from 0 to 1."""
        come: Floats = np.ascontiguousarray(values.T).take(self.column, axis=0)  # copies whole rows, which is faster
        come -= self.begin[:, None]
        come *= self.slope[:, None]
        return np.clip(come, 0, 1, out=come).T


def carry_appeals(seen: Look, first: Floats, text: Floats, kind: Ints, probability: Floats) -> None:
    """Name appeals, in place, the blocks of bare text that stand in a signed letter, or in a run of appeals and are not quite likely the article's own; as
    probable as the run has appeals in it. Nothing is carried away where it would leave no text: that is an article with pleas, or in a language of which no
    plea is known."""
    appeal = (kind == APPEAL) & ~seen.on_page
    likely = first[:, APPEAL] >= COULD_BE
    own = IS_TEXT[kind]
    could_go = own & ~seen.on_page
    edges = seen.edges.tolist()
    for article in np.unique(seen.article[appeal]).tolist():
        here = slice(*edges[article : article + 2])
        pleas = list(runs_of_appeals(*(lines[here] for lines in (appeal, likely, seen.salutes, seen.signs))))
        taken = np.zeros(here.stop - here.start, np.bool_)
        for blocks, _ in pleas:
            taken[blocks] = True
        if leaves_text(seen.words[here], own[here], taken):
            for blocks, signed in pleas:
                carried = could_go[here][blocks] & (signed | (text[here][blocks] < QUITE_OWN))
                probability[here][blocks][carried] = np.mean((appeal | likely)[here][blocks])
                kind[here][blocks][carried] = APPEAL


def counts_for(words: Floats) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What blocks of so many words count for in training, as the article's own and as boilerplate; of what is learnt from blocks that count unequally,
    probabilities come by dividing that out again."""
    size = np.minimum(words, MOST_COUNTED).astype(np.float64) / COUNTED_AS_ONE
    return OWN_LINE + size, OTHER_LINE + size


def fallback(seen: Look, text: Floats) -> NDArray[np.bool_]:
    """Blocks to keep against the model's word: of every article that would lose nearly all of its prose, the prose that comes nearest to
    being its own."""
    prose = (seen.words >= PROSE_WORDS) & (seen.linked < MOSTLY_LINKS)
    words = seen.words * prose
    of_article = np.bincount(seen.article, words, minlength=seen.articles)
    kept = np.bincount(seen.article, words * (text >= OWN), minlength=seen.articles)
    likeliest = np.zeros(seen.articles, np.float32)
    np.maximum.at(likeliest, seen.article, text * prose)
    poor = (kept < LEAST_KEPT * of_article)[seen.article]
    return poor & prose & (text >= NEAREST * likeliest[seen.article])


OWN = 0.5
"""At least this probability of being the article's own keeps a block."""
OWN_LINE, OTHER_LINE = 0.2, 1.0
"""What a line counts for before its words do. Losing words of the article costs as much as they are; each line of boilerplate kept is one too many."""
COUNTED_AS_ONE, MOST_COUNTED = 20, 60
"""So many words count for as much as a line of boilerplate; so many of a block are counted."""
OTHER = KINDS.index("other")
COULD_BE = 0.1
"""A block that the first stage gives so much of a chance could be an appeal."""
ASKS = 0.5
"""An appeal that by itself is one, this likely, asks, and others can lead up to it; salutations and signatures do not, since open letters have them too."""
QUITE_OWN = 0.9
"""A block that is so likely the article's own stays, also among appeals."""
SAID_WORDS, SAID_SHARE = 30, 0.9
"""A block of so many words of which this share stood in blocks that are kept is not said twice: some pages hold their article a second time, for
other readers or in one lump."""
PROSE_WORDS = 15
MOSTLY_LINKS = 0.5
"""A block of so many words that is not mostly links is prose, whatever it says."""
LEAST_KEPT = 0.02
"""When less than this share of an article's prose would be kept, more is."""
NEAREST = 0.5
"""Beside the likeliest prose of the article, so likely must a block be that is kept then."""
