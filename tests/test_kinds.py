"""Promises of the kinds classifier, kept on a small invented corpus that is fitted once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.ensemble import GradientBoostingClassifier

from tests.timing import best_of_three
from training.align import BOILERPLATE, TEXT, align
from training.appeals import Plea, runs_of_appeals
from training.arrangements import arrange, pleading
from training.article import KINDS, Block
from training.errors import ModelError
from training.features import Look, look, said_before, words_of
from training.first_stage import FirstAnswers, columns
from training.kinds import UNKNOWN, KindClassifier, LabelledBlocks, carry_appeals, counts_for
from training.kinds_fit import fit_kinds, knots_of, trees_of
from training.labelled import UnlabelledArticle
from training.openings import APPEAL, BEGUN, Openings, Pleas, carry_letters, give_back
from training.page import read_page
from training.page_context import best_runs, letters, shared_words, text_probability, voices
from training.teasers import lists_of_teasers
from training.tokens import Lexicon
from training.trees import SURE, Trees

PLACES = ("Marsk", "Orsel", "Tarnholt", "Pellworth", "Brenn", "Kessel")
ACTS = ("voted to close the harbor", "approved the new school budget", "asked the court to stop the mine", "agreed to repair the old bridge")
MENU = ("Home", "News", "Sport", "Log in", "Skip to content", "Share on social media")
APPEALS = (
    "Our reporting depends on readers, so please donate what you can today.",
    "A small monthly gift keeps this newsroom independent and free for everyone.",
    "Support us now: every donation doubles until midnight.",
)


def blocks_of(*texts: str) -> list[Block]:
    return [Block(text, None, None) for text in texts]


def paragraph(number: int) -> str:
    place, act = PLACES[number % len(PLACES)], ACTS[number // 2 % len(ACTS)]
    return f"The council of {place} {act} on Tuesday, after a debate that lasted {number % 7 + 2} hours and drew a crowd to the hall, officials said."


def article(number: int) -> LabelledBlocks:
    place = PLACES[number % len(PLACES)]
    body = [paragraph(number + step) for step in range(4 + number % 4)]
    named = [
        *((text, "navigation") for text in MENU[: 2 + number % 4]),
        (f"{place} council takes its vote", "headline"),
        (f"By Ina Moll, {place} correspondent", "byline"),
        *((text, "body") for text in body),
        *((APPEALS[(number + step) % 3], "appeal") for step in range(number % 4)),
        ("© 2025 All rights reserved", "legal"),
    ]
    return LabelledBlocks(blocks_of(*(text for text, _ in named)), [kind for _, kind in named], f"outlet{number % 12}.example")


def page(number: int) -> LabelledBlocks:
    told = article(number)
    tags = {"body": "p", "headline": "h1", "navigation": "li"}
    named = list(zip(told.blocks, (tags.get(kind, "div") for kind in told.kinds), strict=True))
    blocks = read_page("".join(f"<{tag} class={tag}>{block.text}</{tag}>" for block, tag in named)).blocks
    gold = "\n".join(block.text for block, tag in named if tag == "p")
    return LabelledBlocks(blocks, align(blocks, gold), told.source)


@pytest.fixture(scope="module")
def classifier() -> KindClassifier:
    return fit_kinds([*map(article, range(36)), *map(page, range(12))])


def test_an_article_keeps_its_body_and_loses_what_stands_round_it(classifier: KindClassifier) -> None:
    """Menu, byline, appeal and copyright line go; every paragraph stays."""
    told = article(53)
    [verdict] = classifier.classify([told.blocks])
    assert [name == "body" for name in verdict.names] == [kind == "body" for kind in told.kinds]
    assert verdict.names[0] == "navigation" and verdict.names[-1] == "legal"


def test_every_dropped_block_has_a_reason_and_no_kept_one_does(classifier: KindClassifier) -> None:
    """A person can always ask why."""
    [verdict] = classifier.classify([article(31).blocks])
    assert all((reason is None) == (name in ("body", "subheading")) for name, reason in zip(verdict.names, verdict.reasons, strict=True))
    assert all(reason != "" for reason in verdict.reasons)


def test_a_reason_names_what_decided(classifier: KindClassifier) -> None:
    """Links and a text that stood there before are named as such."""
    told = article(31)
    menu = told.blocks[0]
    linked = menu._replace(linked=len(menu.text))
    [verdict] = classifier.classify([[linked, *told.blocks[1:], menu]])
    assert verdict.reasons[0] == "mostly links"
    assert verdict.reasons[-1] == "same words as an earlier block"


def test_a_batch_gives_what_each_article_gives_alone(classifier: KindClassifier) -> None:
    """No article's verdict depends on what else is in the batch, an empty one included."""
    batch = [article(3).blocks, [], page(7).blocks, blocks_of("One sentence stands alone here, and it is short.")]
    together = classifier.classify(batch)
    for blocks, verdict in zip(batch, together, strict=True):
        [alone] = classifier.classify([blocks])
        assert alone.names == verdict.names and alone.reasons == verdict.reasons
        np.testing.assert_allclose(alone.probability, verdict.probability, rtol=1e-4)


def test_nothing_at_all_gives_no_verdicts(classifier: KindClassifier) -> None:
    """An empty batch and a batch of empty articles are no mistakes."""
    assert classifier.classify([]) == []
    assert [len(verdict.kind) for verdict in classifier.classify([[], []])] == [0, 0]


def test_text_that_the_model_would_lose_whole_is_kept_and_said_so(classifier: KindClassifier) -> None:
    """When all prose of an article would go, the likeliest of it stays and `fallback` is set."""
    never = Trees(np.zeros((1, 1, 1), np.int32), np.zeros((1, 1, 1), np.float32), np.full((1, 1, 2), -9, np.float32))
    deaf = replace(classifier, in_bare_text=never)
    [verdict] = deaf.classify([article(5).blocks])
    assert verdict.fallback and "body" in verdict.names
    assert not classifier.classify([article(5).blocks])[0].fallback


def test_context_adds_to_what_a_block_says_by_itself(classifier: KindClassifier) -> None:
    """Where context has nothing to say, a block that is surely boilerplate by itself is dropped, and one that is surely text is kept."""
    silent = Trees(np.zeros((1, 1, 1), np.int32), np.zeros((1, 1, 1), np.float32), np.zeros((1, 1, 2), np.float32))
    blocks = blocks_of("Subscribe", *[block.text for block in article(5).blocks])
    seen = classifier.look([blocks])
    first = np.full((len(blocks), len(KINDS)), 1e-9, np.float32)
    first[:, 0], first[0, 0], first[0, -1] = 1, 0, 1
    own = text_probability(replace(classifier, in_bare_text=silent).second(seen, FirstAnswers(first, np.zeros(len(blocks), np.float32))))
    assert own[0] < 0.1 and (own[1:] > 0.95).all()


@pytest.mark.parametrize(
    "sentence",
    [
        "市議会は火曜日に港を閉鎖することを決めた、と市の職員が記者団に語った。",
        "Совет города проголосовал во вторник за закрытие старой гавани, сообщили чиновники.",
    ],
)
def test_other_languages_do_not_come_out_empty(classifier: KindClassifier, sentence: str) -> None:
    """Paragraphs of unknown words are still paragraphs."""
    [verdict] = classifier.classify([blocks_of("Menu", *[f"{sentence} {sentence} {number}." for number in range(5)])])
    assert verdict.names.count("body") >= 2


def test_the_same_data_and_seed_give_the_same_arrays() -> None:
    """Fitting is deterministic to the byte."""
    told = [*map(article, range(12)), *map(page, range(2))]
    first, second = (fit_kinds(told, seed=4).arrays() for _ in range(2))
    assert all(np.array_equal(first[name], second[name]) for name in first)


def test_a_classifier_survives_its_arrays(classifier: KindClassifier) -> None:
    """What is saved as plain arrays and strings decides as the original did."""
    again = KindClassifier.from_arrays(classifier.arrays())
    told, before = classifier.classify([article(9).blocks]), again.classify([article(9).blocks])
    assert told[0].names == before[0].names and np.array_equal(told[0].probability, before[0].probability)


def test_an_article_that_a_page_holds_twice_is_kept_once(classifier: KindClassifier) -> None:
    """At length only: a short line may be said again."""
    told = article(5)
    body = [block for block, kind in zip(told.blocks, told.kinds, strict=True) if kind == "body"]
    once, twice = classifier.classify([body, [*body, blocks_of(" ".join(block.text for block in body))[0], body[0]]])
    assert set(once.names) == {"body"}
    assert twice.names == [*once.names, "other", "body"]
    assert twice.reasons[-2] == "same words as an earlier block"


def test_arrays_that_do_not_fit_are_refused(classifier: KindClassifier) -> None:
    """A model of other kinds is an error with a remedy, never a wrong answer."""
    with pytest.raises(ModelError, match="copydesk train"):
        KindClassifier.from_arrays({**classifier.arrays(), "kinds": "body other"})


def test_blocks_are_aligned_by_runs_of_words() -> None:
    """A paragraph of the true text is the article's; a menu that shares a word with it is not; a short heading between two of its paragraphs is."""
    gold = "The ferry sank in the night off Kessel.\nWhat is known\nNobody was hurt, the harbor master said."
    blocks = blocks_of("The ferry", "The ferry sank in the night off Kessel.", "What is known", "Nobody was hurt, the harbor master said.", "Night")
    assert align(blocks, gold) == [BOILERPLATE, TEXT, TEXT, TEXT, BOILERPLATE]


def test_the_best_run_goes_over_a_dip_but_not_into_another_article() -> None:
    """Runs are found for each article by itself."""
    score = np.array([-1, 2, -1, 2, -3, 1, 4, -1], np.float32)
    _, inside = best_runs(score, np.array([0, 0, 0, 0, 0, 0, 1, 1]))
    assert inside.tolist() == [False, True, True, True, False, False, True, False]


def test_repeats_are_told_from_first_sayings() -> None:
    """A caption that stands twice echoes the second time only."""
    caption = "The mayor of Brenn speaks to reporters in front of the old town hall"
    seen = look(Lexicon.learn([caption], 1), [blocks_of(caption, "Something else was said by the mayor.", caption)])
    assert seen.repeats.tolist() == [1, 0, 1] and seen.echoes.tolist() == [0, 0, 1]


def test_short_repeats_count_too() -> None:
    """A line of too few words for shingles is the same as another where it is the very same text, twice as much as three times."""
    seen = look(Lexicon.learn(["Share this"], 1), [blocks_of("Share this", "Rain fell.", "Share this", "Log in", "Log in", "Log in"), blocks_of("Rain fell.")])
    assert seen.repeats.tolist() == [1, 0, 1, 1, 1, 1, 0] and seen.echoes.tolist() == [0, 0, 1, 0, 1, 1, 0]


def test_the_first_and_the_last_line_of_a_letter_are_seen() -> None:
    """A salutation begins with its word and ends its block with a mark, a signature is short; long prose that has the same words is neither, a short line
    with them may be taken for one."""
    lines = {
        "Dear Reader,": (True, False),
        "Hi Ada!": (True, False),
        "Dear Provost: I write to decline, with joy, your invitation to serve on the committee.": (False, False),
        "Dear old Harrow.": (False, False),
        "Oh dear:": (False, False),
        "Harrow Animal Shelter, 14 Quay Street Dear Friend:": (True, False),
        "Dear Ada, dear Grace, come home:": (True, False),
        "Sincerely yours,": (False, True),
        "He said so and meant it sincerely, both times.": (False, False),
        "The board spoke to Dear:": (True, False),
        "No thanks.": (False, True),
        "--": (False, False),
    }
    seen = look(Lexicon(["dear", "hi", "sincerely", "thanks", "yours"]), [blocks_of(*lines), blocks_of("Dear Reader,")])
    assert list(zip(seen.salutes.tolist(), seen.signs.tolist(), strict=True)) == [*lines.values(), (True, False)]


def test_a_letter_goes_from_its_salutation_to_the_end_of_its_article() -> None:
    """Of each block: whether it stands after a salutation, before a signature, both; for those in the letter, how much of it is an appeal and how much the
    article's own; its length, and its share of the article. Other articles know nothing of it."""
    articles = [blocks_of("Rain fell.", "Dear Ada,", "We need you.", "Yours,"), blocks_of("Rain fell.", "Snow fell.")]
    seen = look(Lexicon(["dear", "yours"]), articles)
    p = np.zeros((6, len(KINDS)), np.float32)
    p[:, KINDS.index("appeal")] = (0.1, 0.2, 0.4, 0.9, 0.5, 0.5)
    p[:, KINDS.index("body")] = (0.9, 0.3, 0.6, 0.0, 0.5, 0.5)
    long = np.log(4)
    expected = [
        [0, 1, 0, 0, 0, long, 0.75],
        [1, 1, 1, 0.5, 0.3, long, 0.75],
        [1, 1, 1, 0.5, 0.3, long, 0.75],
        [1, 1, 1, 0.5, 0.3, long, 0.75],
        [0] * 7,
        [0] * 7,
    ]
    assert letters(seen, p) == pytest.approx(np.array(expected))


def test_a_voice_is_compared_with_what_stands_before_and_after() -> None:
    """Of each block: its own voice, that of all before and of all after it, how much it changes here and has changed so far, how far the block's is from the
    opening's, the opening's, and those of windows near it. Short lines have no voice that others hear, other articles none at all."""
    told, short = "one two three four five six seven eight nine ten", "Share this"
    seen = look(Lexicon([]), [blocks_of(told, told, short, told, told), blocks_of(told)])
    found = voices(seen, np.array([-2, -2, 9, 3, 3, 1], np.float32))
    own, before, after, change, greatest, from_opening, opening, *near = found.T
    assert own.tolist() == [-2, -2, 4, 3, 3, 1]
    assert before == pytest.approx([0, -2, -2, -2, -1 / 3, 0])
    assert after == pytest.approx([0.5, 4 / 3, 3, 3, 3, 1])
    assert change == pytest.approx(np.array([0, 10 / 3 * 7.5**0.5, 5 * 10**0.5, 5 * 10**0.5, 10 / 3 * 7.5**0.5, 0]) / 20)
    assert greatest == pytest.approx([0, *[change[1]], *[change[2]] * 3, 0])
    assert opening == pytest.approx([-1 / 3] * 5 + [1]) and from_opening == pytest.approx(own - opening)
    assert [window[1] for window in near] == pytest.approx([-2, 3, -2, 3]) and [window[5] for window in near] == [0] * 4


def test_words_that_nobody_knows_are_not_shared() -> None:
    """Of each block: the share of its rare words that other prose of the article has, how many it has, and whether it has none; only words that the model
    knows are rare."""
    told = "The ferry and the heron went by while {} stood at the window of it all."
    seen = look(Lexicon(["ferry", "heron"]), [blocks_of(told.format("Ina"), told.format("Otto"), "Heron qwxz", "Vbrtk plmnk")])
    found = shared_words(seen, np.ones(4, np.float32), np.full(3, 9, np.float32))
    assert found == pytest.approx(np.array([[1, np.log(3) / 3, 0], [1, np.log(3) / 3, 0], [1, np.log(2) / 3, 0], [0, 0, 1]]))


def test_the_first_stage_hears_the_writers_own_voice_where_passages_were_labelled() -> None:
    """An argument is louder than a report by an outlet it has not seen; without labels all voices are the same."""
    argues, reports = "Nobody should put up with this shabby plan, number {}.", "The board voted on plan {} on Monday, officials said."
    articles = [
        LabelledBlocks(
            blocks_of(*(text.format(number + place) for place in range(4)), "Log in"), ["body"] * 4 + ["navigation"], f"{number % 6}.example", [sign] * 4 + [0]
        )
        for number in range(24)
        for text, sign in ((argues, 1.0), (reports, -1.0))
    ]
    unseen = [blocks_of("Nobody should put up with the mayor.", "Officials said the mayor voted on Monday.")]
    for told, differ in ((articles, True), ([article._replace(voices=()) for article in articles], False)):
        fitted = fit_kinds(told)
        answers = FirstAnswers.of(columns(fitted.look(unseen), fitted.hints, fitted.idf) @ fitted.weights + fitted.bias)
        argued, reported = answers.voice.tolist()
        assert argued > reported + 1 if differ else argued == reported


def test_two_known_kinds_are_told_apart() -> None:
    """By both stages, also where all else is known to be text alone and both are boilerplate."""
    two = ("navigation", "legal")
    told = [known._replace(kinds=[kind if kind in two else TEXT for kind in known.kinds]) for known in map(article, range(37))]
    fitted = fit_kinds(told[:36])
    seen = fitted.look([told[36].blocks])
    first = FirstAnswers.of(columns(seen, fitted.hints, fitted.idf) @ fitted.weights + fitted.bias)
    known = np.flatnonzero(np.isin(told[36].kinds, two))
    for p in (first.kinds, fitted.second(seen, first)):
        likelier = p[known][:, [KINDS.index(name) for name in two]].argmax(axis=1)
        assert [two[which] for which in likelier] == [told[36].kinds[at] for at in known]


def test_what_was_not_kept_was_not_said() -> None:
    """Words that stood before in a block that is dropped are not said twice; nor are those of another article."""
    text = "The mayor of Brenn speaks to reporters in front of the old town hall"
    seen = look(Lexicon.learn([text], 1), [blocks_of(text, text, text), blocks_of(text)])
    assert said_before(seen, np.array([True, True, False, True])).tolist() == [0, 1, 0, 0]
    assert said_before(seen, np.array([False, True, False, True])).tolist() == [0, 0, 0, 0]


def test_a_block_is_known_by_the_elements_it_stands_in() -> None:
    """The one it stands in directly and, of those that say something of all they hold, each one round it."""
    tags = "p li h1 h2 h3 h4 h5 h6 div td th dd blockquote figcaption pre button span section a".split()
    containers = "article main aside nav footer header form figure table ul ol noscript section blockquote button dialog".split()
    own = [tag for tag in tags if tag not in ("span", "a")]
    page = read_page("".join(f"<{tag}>Rain fell.</{tag}>" for tag in own) + "".join(f"<{tag}><p>Rain fell.</p></{tag}>" for tag in containers))
    named = look(Lexicon([]), [page.blocks]).shape[:, -len(tags) - len(containers) :]
    stands = [({tag}, {tag} & set(containers)) for tag in own] + [({"p"}, {tag}) for tag in containers]
    assert named.tolist() == [[float(tag in direct) for tag in tags] + [float(tag in around) for tag in containers] for direct, around in stands]


def test_numbers_are_known_by_their_length() -> None:
    """Each length has its column after those of the words; from eight characters on, they are one."""
    seen = look(Lexicon(["rain"]), [blocks_of("rain 1 12 1234567 12345678 123456789 fell")])
    assert words_of(seen, 2)[0].tolist() == [1, 2, 3, 8, 9, 9, 0]


@pytest.mark.parametrize(("likely", "kept"), [(0.45, False), (0.55, True)])
def test_what_is_likelier_the_articles_than_not_is_kept_on_pages(classifier: KindClassifier, likely: float, kept: bool) -> None:
    """A block is kept at even odds, once what blocks of its length counted for in training is divided out of what was learnt; where none is, the likeliest
    is kept, and said so."""
    blocks = page(5).blocks
    longest = max(range(len(blocks)), key=lambda number: len(blocks[number].text))
    as_own, as_other = counts_for(classifier.look([blocks]).words[longest])
    learnt = np.log(likely / (1 - likely) * as_own / as_other)
    even = Trees(np.zeros((1, 1, 1), np.int32), np.zeros((1, 1, 1), np.float32), np.full((1, 1, 2), learnt, np.float32))
    [verdict] = replace(classifier, on_pages=even).classify([blocks])
    assert verdict.fallback is not kept


def test_furniture_and_letters_are_put_round_the_text_of_articles_never_into_pages() -> None:
    """Blocks 0 to 5 are an article, 6 to 8 captions of another outlet, 9 to 13 a letter, 14 to 17 a page; the text keeps its order without a gap."""
    body, caption, appeal = (KINDS.index(name) for name in ("body", "caption", "appeal"))
    kind = np.array([body] * 6 + [caption] * 3 + [appeal] * 5 + [body] * 4)
    edges = np.array([0, 6, 9, 14, 18])
    bare = np.arange(18) < 14
    arranged = [order for seed in range(20) for order in arrange(edges, kind == body, kind, bare, seed)]
    assert any((kind[order] == caption).any() for order in arranged)
    assert any((kind[order[-5:]] == appeal).all() for order in arranged)
    assert any((order >= 14).all() for order in arranged)
    for order in arranged:
        own = order[kind[order] == body]
        assert (np.diff(own) == 1).all()
        assert (len(own) >= 2 and own.max() < 6) or (order >= 14).all()


def test_of_a_page_some_paragraphs_come_alone_and_a_stretch_as_it_stands() -> None:
    """Blocks 0 to 39 are a page, its own text with a caption inside in the middle."""
    body, caption, other = (KINDS.index(name) for name in ("body", "caption", "other"))
    kind = np.array([other] * 15 + [body] * 5 + [caption] + [body] * 5 + [other] * 14)
    arranged = [order for seed in range(20) for order in arrange(np.array([0, 40]), kind == body, kind, np.zeros(40, bool), seed)]
    alone = [order for order in arranged if (kind[order] == body).all()]
    stretches = [order for order in arranged if (np.diff(order) == 1).all()]
    assert len(arranged) == 80 and all((kind[order] == body).all() or (np.diff(order) == 1).all() for order in arranged)
    assert any((np.diff(order) == 2).any() for order in alone), "the caption is left out"
    assert any(order[0] < 15 for order in stretches) and any(order[-1] > 25 for order in stretches)
    assert all((kind[order] == body).any() for order in arranged)


def test_a_list_of_teasers_stands_whole_and_outside_the_text() -> None:
    """Blocks 0 to 4 are a page with its own text in the middle, 5 to 8 a list, 9 to 11 an excerpt."""
    body, related, other = (KINDS.index(name) for name in ("body", "related", "other"))
    kind = np.array([other, UNKNOWN, UNKNOWN, UNKNOWN, other] + [related] * 4 + [body] * 3)
    own = (kind == UNKNOWN) | (kind == body)
    arranged = [order.tolist() for seed in range(20) for order in arrange(np.array([0, 5, 9, 12]), own, kind, np.ones(12, bool), seed)]
    on_page = [order for order in arranged if 5 in order and 0 in order]
    with_text = [order for order in arranged if 5 in order and 0 not in order]
    assert on_page and with_text
    for order in on_page:
        assert sorted(order) == list(range(9))
        assert order[order.index(1) :][:3] == [1, 2, 3] and order[order.index(5) :][:4] == [5, 6, 7, 8]
    for order in with_text:
        assert order[-4:] == [5, 6, 7, 8] and min(order[:-4]) >= 9


def test_lists_of_teasers_are_made_of_one_sources_articles() -> None:
    """They hold titles and openings but nothing further on, are the same each time, and a source of too few articles has none."""

    def article(source: str, number: int) -> UnlabelledArticle:
        return UnlabelledArticle(source=source, title=f"Harbor {source} {number}", paragraphs=(paragraph(number), "It rained. It rained again."))

    articles = [article(source, number) for source in ("A", "B") for number in range(5)] + [article("C", 1)]
    lists = list(lists_of_teasers(articles, 0))
    assert lists == list(lists_of_teasers(articles, 0))
    assert {made.source for made in lists} == {"A", "B"} and not list(lists_of_teasers([article("C", 1)], 0))
    for made in lists:
        assert set(made.kinds) == {"related"}
        assert not any("rained" in block.text for block in made.blocks)
        assert not any(f"Harbor {other}" in block.text for block in made.blocks for other in {"A", "B"} - {made.source})


def test_what_stands_between_two_pleas_is_part_of_the_plea() -> None:
    """Up to a distance, which is further where all between could be one too; a plea by itself draws nothing in."""
    appeal = np.array([0, 0, 0, 0, 0, 1, 0, 0, 1, 1, 0, 0, 0], bool)
    nowhere = np.zeros(13, bool)
    assert list(runs_of_appeals(appeal, appeal, nowhere, nowhere)) == [Plea(slice(5, 10), False)]
    assert list(runs_of_appeals(np.array([1] + [0] * 9 + [1], bool), *np.zeros((3, 11), bool))) == []
    assert list(runs_of_appeals(np.array([1] + [0] * 9 + [1], bool), np.ones(11, bool), *np.zeros((2, 11), bool))) == [Plea(slice(0, 11), False)]
    assert list(runs_of_appeals(appeal & (np.arange(13) < 6), appeal, nowhere, nowhere)) == []


@pytest.mark.parametrize(("lines", "begin"), [([2], 2), ([2, 4], 2), ([0], 5), ([5, 7], 5), ([11], 5)])
def test_a_letter_asks_from_its_salutation_on(lines: list[int], begin: int) -> None:
    """A salutation a few blocks before the first plea opens the plea; one further away, or after that, does not."""
    appeal, salutes = np.zeros((2, 13), bool)
    appeal[[5, 8, 9]], salutes[lines] = True, True
    assert list(runs_of_appeals(appeal, appeal, salutes, np.zeros(13, bool))) == [Plea(slice(begin, 10), False)]


@pytest.mark.parametrize(
    ("greets", "signs", "found"),
    [
        (2, 19, [Plea(slice(2, 20), True)]),
        (2, 18, [Plea(slice(2, 19), True), Plea(slice(19, 20), False)]),
        (16, 18, [Plea(slice(16, 19), True), Plea(slice(19, 20), False)]),
        (2, 12, [Plea(slice(16, 20), False)]),
        (1, 18, [Plea(slice(16, 20), False)]),
        (17, 18, [Plea(slice(16, 20), False)]),
    ],
)
def test_a_signed_letter_goes_from_a_salutation_that_is_an_appeal_to_its_signature(greets: int, signs: int, found: list[Plea]) -> None:
    """However much it tells between the two, and what follows it is a plea of its own; not where the salutation is the article's own, as an open letter's is,
    or the signature somebody else's."""
    appeal = np.isin(np.arange(20), (2, 16, 17, 18, 19))
    likely, salutes, signatures = np.zeros((3, 20), bool)
    salutes[greets] = signatures[signs] = True
    assert list(runs_of_appeals(appeal, likely, salutes, signatures)) == found


def test_all_of_a_signed_letter_goes() -> None:
    """Also what is quite likely an article's by itself, and nothing of the article before it."""
    body, appeal = KINDS.index("body"), KINDS.index("appeal")
    texts = [paragraph(0), "Dear Ada,", *map(paragraph, range(1, 8)), "Help us.", "Sincerely,"]
    seen = look(Lexicon.learn([*texts, "dear sincerely"], 1), [blocks_of(*texts)])
    kind = np.array([body, appeal, *[body] * 7, appeal, appeal])
    carry_appeals(seen, np.zeros((11, len(KINDS)), np.float32), np.full(11, 0.99, np.float32), kind, np.ones(11, np.float32))
    assert kind.tolist() == [body] + [appeal] * 10


def test_a_letter_goes_also_where_another_plea_stands_in_it() -> None:
    """Blocks that two pleas hold count once of what would be left of the article."""
    body, appeal = KINDS.index("body"), KINDS.index("appeal")
    texts = [*map(paragraph, range(2)), "Dear Ada,", *map(paragraph, range(2, 15)), "Sincerely,"]
    seen = look(Lexicon.learn([*texts, "dear sincerely"], 1), [blocks_of(*texts)])
    asks = np.isin(np.arange(17), (2, 5, 7, 15, 16))
    assert list(runs_of_appeals(asks, asks, seen.salutes, seen.signs)) == [Plea(slice(2, 8), False), Plea(slice(2, 17), True)]
    kind = np.where(asks, appeal, body)
    carry_appeals(seen, np.zeros((17, len(KINDS)), np.float32), np.full(17, 0.99, np.float32), kind, np.ones(17, np.float32))
    assert kind.tolist() == [body] * 2 + [appeal] * 15


def test_a_run_of_appeals_takes_neither_the_whole_article_nor_what_is_quite_likely_its_own() -> None:
    """Where nothing would be left, what stood between the pleas is kept; where something is, that alone is kept which is quite likely the article's own."""
    body, appeal = KINDS.index("body"), KINDS.index("appeal")
    texts = [paragraph(number) for number in range(8)]
    seen = look(Lexicon.learn(texts, 1), [blocks_of(*texts)])
    likely = np.ones((8, len(KINDS)), np.float32)
    for own, rather, left in (([2, 3, 4, 5], [], [2, 3, 4, 5]), ([0, 1, 3, 4], [], [0, 1]), ([0, 1, 3, 4], [4], [0, 1, 4])):
        kind = np.full(8, appeal)
        kind[own] = body
        text = np.full(8, 0.6, np.float32)
        text[rather] = 0.95
        carry_appeals(seen, likely, text, kind, np.ones(8, np.float32))
        assert np.flatnonzero(kind == body).tolist() == left


def test_a_long_text_full_of_pleas_takes_no_longer_than_its_length_allows() -> None:
    """Eight times the blocks take no more than twenty times as long."""

    def seconds(blocks: int) -> float:
        pleas, nowhere = np.arange(blocks) % 10 == 0, np.zeros(blocks, bool)
        return best_of_three(lambda: list(runs_of_appeals(pleas, nowhere, pleas, nowhere)))

    assert seconds(160_000) < 20 * seconds(20_000)


STORIES = (
    "Old Marten has mended nets on the quay since he was nine, and this winter his hands have begun to fail him.",
    "When the frost came in, he burned the chair his father had made, and then the table.",
    "Nobody should have to choose between a warm stove and a full plate, and yet there are forty like him in our parish.",
    "Our volunteers carry soup up those stairs each evening, and they carry coal.",
    "We have the kettles, the carts and the boots; what we lack is the coal.",
)


def letter(number: int) -> LabelledBlocks:
    told = [STORIES[(number + step) % len(STORIES)].replace("forty", str(30 + number)) for step in range(4)]
    texts = [*told, *(APPEALS[(number + step) % 3] for step in range(2))]
    return LabelledBlocks(blocks_of(*texts), ["appeal"] * len(texts), f"charity{number}.example")


@pytest.fixture(scope="module")
def classifier_of_letters() -> KindClassifier:
    return fit_kinds([*map(article, range(36)), *map(letter, range(24))])


def test_a_plea_begins_where_other_things_are_told(classifier_of_letters: KindClassifier) -> None:
    """The likeliest opening of a letter that follows an article is its first block; of a plea that stands alone, the plea."""
    report = blocks_of(*(paragraph(number) for number in range(4)))
    for plea in (letter(27).blocks, letter(27).blocks[-2:]):
        seen = classifier_of_letters.look([[*report, *plea]])
        first = FirstAnswers.of(
            columns(seen, classifier_of_letters.hints, classifier_of_letters.idf) @ classifier_of_letters.weights + classifier_of_letters.bias
        )
        found = Openings.of(seen, first, classifier_of_letters.idf, np.arange(len(seen.words)) == len(seen.words) - 1)
        score = classifier_of_letters.of_openings.score(found.values, np.zeros(len(found.values), np.float32))
        assert found.block[score.argmax()] == len(report)


def openings_of(*appeals: list[int]) -> tuple[Look, Openings]:
    """Those of articles of ten blocks each, of which some are appeals."""
    seen = look(Lexicon(["rain"]), [blocks_of(*["Rain fell."] * 10) for _ in appeals])
    appeal = np.zeros(10 * len(appeals), bool)
    appeal[[10 * number + at for number, places in enumerate(appeals) for at in places]] = True
    p = np.full((len(appeal), len(KINDS)), 1 / len(KINDS), np.float32)
    return seen, Openings.of(seen, FirstAnswers(p, np.zeros(len(p), np.float32)), np.ones(2, np.float32), appeal)


def test_a_plea_could_begin_with_any_block_but_the_first_up_to_its_last() -> None:
    """Articles without an appeal, or with none but their first block, have no openings."""
    _, found = openings_of([3, 5], [], [0], [1])
    assert found.block.tolist() == [1, 2, 3, 4, 5, 31] and found.plea.tolist() == [0] * 5 + [1]
    assert np.isfinite(found.values).all()
    assert len(openings_of([], [0])[1].values) == 0


@pytest.mark.parametrize(
    ("asks", "opening", "carried"),
    [([6, 8, 9], 5, [5, 7]), ([7, 8, 9], 1, [1, 2, 3, 4, 5, 6]), ([3, 5, 6], 2, [2, 4]), ([7, 8, 9], 7, []), ([8, 9], 6, []), ([0, 8, 9], 6, [])],
)
def test_what_leads_up_to_a_plea_goes_with_it(asks: list[int], opening: int, carried: list[int]) -> None:
    """From the block by which it has begun, as probable as that; what follows the plea stays, and what stands before one that asks once or twice."""
    seen, found = openings_of(asks)
    kind, probability = np.zeros(10, np.int64), np.ones(10, np.float32)
    kind[asks] = APPEAL
    carry_letters(pleas_of(found, opening, seen), seen, kind, probability)
    assert np.flatnonzero(kind == APPEAL).tolist() == sorted([*carried, *asks])
    assert all(BEGUN <= one <= 1 for one in probability[carried])


def test_nothing_leads_up_to_a_plea_that_is_a_small_part_of_the_text_or_where_no_text_would_be_left() -> None:
    """Round a whole page pleas stand for themselves, and an article that only its menu would be left of is an article."""
    seen = look(Lexicon(["rain"]), [blocks_of(*["Rain fell."] * 40)])
    p = np.full((40, len(KINDS)), 1 / len(KINDS), np.float32)
    for last, opening, menu in ((11, 8, 0), (39, 2, 2)):
        asks = np.isin(np.arange(40), (last - 2, last - 1, last))
        found = Openings.of(seen, FirstAnswers(p, np.zeros(40, np.float32)), np.ones(2, np.float32), asks)
        kind = np.where(asks, APPEAL, np.zeros(40, np.int64))
        kind[:menu] = KINDS.index("navigation")
        carry_letters(pleas_of(found, opening, seen), seen, kind, np.ones(40, np.float32))
        assert (kind == APPEAL).tolist() == asks.tolist()


@pytest.mark.parametrize(
    ("asks", "opening", "sure", "own", "given_back"),
    [
        ([1, 2, 8, 9], 7, 9, 0.4, [1, 2]),  # a plea begins, and what was taken before it is no part of it
        ([1, 2, 8, 9], 7, 9, 0.1, []),  # unless it can hardly be the article's own
        ([4, 6, 8, 9], 4, -9, 0.4, [4, 6, 8, 9]),  # none begins
        ([4, 6, 8, 9], 4, 9, 0.4, []),
        ([9], 9, -9, 0.4, []),  # one line is a small part of the text
    ],
)
def test_what_only_sounds_like_an_appeal_is_given_back(asks: list[int], opening: int, sure: float, own: float, given_back: list[int]) -> None:
    """Where hardly any plea may have begun: as the kind of text it is likeliest, as probable as that it stands in no plea."""
    seen, found = openings_of(asks)
    second = np.full((10, len(KINDS)), 0, np.float32)
    second[:, APPEAL], second[:, KINDS.index("body")], second[:, KINDS.index("subheading")] = 1 - own, 0.7 * own, 0.3 * own
    kind, probability = np.zeros(10, np.int64), np.ones(10, np.float32)
    kind[asks] = APPEAL
    give_back(pleas_of(found, opening, seen, sure), seen, second, kind, probability)
    assert np.flatnonzero(kind == APPEAL).tolist() == sorted({*asks} - {*given_back})
    assert {KINDS[one] for one in kind[given_back]} <= {"body"}
    assert all(0.7 < one <= 1 for one in probability[given_back])


def pleas_of(found: Openings, opening: int, seen: Look, sure: float = 9) -> Pleas:
    """Of openings of which one is likelier than the others, by as much, or less likely than all of them usually are."""
    return Pleas.of(found, np.where(found.block == opening, sure, min(0, 2 * sure)).astype(np.float32), seen.edges)


def test_what_stands_inside_a_plea_ends_with_its_article() -> None:
    """From the opening on; blocks of articles that ask nothing stand in none."""
    seen, found = openings_of([3, 5], [], [9])
    inside = pleas_of(found, 3, seen).inside
    assert (inside[3:10] > 0.9).all() and (inside[:3] < 0.1).all() and not inside[10:21].any()


def test_where_no_plea_was_learnt_from_nothing_is_said_of_openings() -> None:
    """As of a model that was fitted on articles without pleas; it is whole all the same."""
    openings = fit_kinds([*map(article, range(0, 144, 4))]).of_openings
    assert openings.is_whole and not openings.value.any()


def test_letters_and_pleas_are_put_to_articles_as_they_stand() -> None:
    """Blocks 0 to 5 are an article with a caption and an appeal of its own, 6 to 10 a letter, 11 and 12 a plea of another outlet, 13 to 15 a page."""
    body, caption, appeal = (KINDS.index(name) for name in ("body", "caption", "appeal"))
    kind = np.array([body, caption, body, body, appeal, body] + [appeal] * 7 + [body] * 3)
    bare, edges = np.arange(16) < 13, np.array([0, 6, 11, 13, 16])
    arranged = [order for seed in range(20) for order in pleading(edges, kind == body, kind, bare, seed)]
    for order in arranged:
        assert not np.isin([4, 13, 14, 15], order).any()
        asking = np.flatnonzero(kind[order] == appeal)
        assert len(asking) and (np.diff(asking) == 1).all() and asking[0] > 0 and order[asking[-1]] in (10, 12)
    assert any((order[-5:] == np.arange(6, 11)).all() for order in arranged), "a whole letter"
    assert any(1 in order for order in arranged) and any(order[-1] == 5 for order in arranged)
    assert not list(pleading(edges[[0, 1]], kind == body, kind, bare, 0)), "without a letter"


def test_trees_as_arrays_answer_as_the_fitted_ones_do() -> None:
    """Rows come to the same logits as scikit-learn gives them, and no rows to none."""
    values = np.random.default_rng(0).normal(size=(600, 7)).astype(np.float32)
    boosting = GradientBoostingClassifier(init="zero", n_estimators=20, max_depth=4, min_samples_leaf=40, random_state=0)
    boosting.fit(values, values[:, 2] + values[:, 5] ** 2 > 1)
    trees, nothing = trees_of(boosting), np.zeros(len(values), np.float32)
    assert np.abs(trees.score(values, nothing) - boosting.decision_function(values)).max() < 1e-5
    assert trees.score(values[:0], nothing[:0]).shape == (0,)


@pytest.mark.parametrize(("inner", "leaves", "whole"), [(15, 16, True), (31, 32, False), (15, 8, False), (0, 1, False), (5, 6, False), (8, 9, False)])
def test_trees_of_a_file_are_whole_or_refused(inner: int, leaves: int, whole: bool) -> None:
    """Deeper trees than fit into the bits of an answer would take memory without end; in those that are not filled up, rows would come to no leaf of theirs."""
    feature = np.zeros((2, 5, inner), np.int32)
    trees = Trees(feature, feature.astype(np.float32), np.zeros((2, 5, leaves), np.float32))
    assert trees.is_whole is whole
    assert not trees._replace(feature=feature[0]).is_whole


def test_sets_of_trees_answer_with_their_mean_unless_the_first_is_sure() -> None:
    """Three sets of one tree each, which answer 0 below and 1, 3 and 5 above a half of the only feature."""
    value = np.array([[[0, 1]], [[0, 3]], [[0, 5]]], np.float32)
    trees = Trees(np.zeros((3, 1, 1), np.int32), np.full((3, 1, 1), 0.5, np.float32), value)
    values = np.array([[0], [1], [1], [1]], np.float32)
    start = np.array([1, 1, SURE, -SURE - 2], np.float32)
    assert trees.score(values, start).tolist() == [1, 4, SURE + 1, -SURE - 1]


def test_knots_spread_a_feature_over_its_range() -> None:
    """From 0 below its range up to one for each piece above it, in proportion to the blocks in between."""
    knots = knots_of(np.arange(100, dtype=np.float32)[:, None], seed=0)
    spread = knots.spread(np.array([[-5], [0], [49.5], [99], [500]], np.float32))
    assert spread.sum(axis=1).tolist() == pytest.approx([0, 0, 2, 4, 4])
