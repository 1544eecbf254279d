"""The whole job: an article in, labelled passages out."""

from __future__ import annotations

import json
import tracemalloc
from collections import Counter
from html import escape
from itertools import product
from pathlib import Path

import pytest

from training.article import KINDS, TEXT_KINDS, Article, folded
from training.labelled import read_corpus
from training.model import Model
from training.reading import CHARACTERS_A_TOKEN, MOST_TOKENS, article_from_bytes, article_from_text
from training.score import Result, own_text, score

SEEDS = Path(__file__).resolve().parent.parent / "seeds"
FILES = sorted((SEEDS / "articles").rglob("*.*"))
STORIES = SEEDS / "stories" / "stories.jsonl"
FRAGMENTS_HURT = 0.01
"""Share of fragments of HTML that may lose a paragraph."""
KEPT_IN_OTHER_LANGUAGES = 0.9
"""Share of the characters of articles."""

NEWS = (
    "The harbour board voted 5-2 on Monday to close the east pier for repairs until October.\n\n"
    "“We found cracks in eleven of the forty piles,” the harbour master, Ulla Brandis, told reporters.\n\n"
    "The repairs will cost 3.1 million crowns, according to a report that the board published on Friday."
)
ARGUMENT = (
    "Let us be honest about the east pier: nobody on the harbour board has walked on it in ten years, and it shows.\n\n"
    "This is a shameful decision, taken by people who should know better, and we will all pay for their cowardice.\n\n"
    "Why must the fishermen always be the ones who make way? The board ought to be ashamed of itself."
)


LETTER = (
    "Dear neighbour,\n\n"
    "When the last ferry of the season comes in, there is one lamp on the quay that is never put out. It burns in the window of the Ostrand lifeboat house.\n\n"
    "Last winter our crew went out thirty-one times. They brought back two trawlers, a kite surfer and a boy of nine who had gone to see a seal.\n\n"
    "The boat is forty years old. Its engine was made for a smaller one, and the doctor of the town has seen more of our mechanic than of his own children.\n\n"
    "A new engine costs 84,000 crowns. Your gift of 20 crowns keeps us at sea for an hour, and 200 for a night.\n\n"
    "Please use the enclosed envelope today. We cannot do it without you.\n\n"
    "With gratitude,\n\n"
    "Hedda Lind, coxswain"
)
ADVICE = (
    "Dear Hedda,\n\n"
    "My brother has borrowed my boat for nine years and now calls it his. Our mother says that I should let him have it, since I never go out.\n\n"
    "Yours,\n\n"
    "Ashore in Ostrand\n\n"
    "Dear Ashore,\n\n"
    "A boat belongs to whoever scrapes it. If he has paid for the paint, you have lost a boat and gained a brother with something to do on Sundays.\n\n"
    "Ask him for one thing: that your name stays on the stern. He will say yes, because he has known all along whose it was."
)

INTRODUCTION = "Few things divide the families of Ostrand as boats do. This spring a reader wrote to Hedda Lind about one that had been lent for nine years."
BIOGRAPHY = "Hedda Lind has answered readers' letters in these pages for eleven years, and has been wrong, by her own count, four times."
OPEN_LETTER = (
    "An open letter from a fisherman of Ostrand to its mayor, which this paper received on Monday, follows in full and as it was written.\n\n"
    "Dear Mayor Brandis,\n\n"
    "You have closed the east pier and told nobody why. I have fished from it for forty years, and I learned of it from a sign.\n\n"
    "A harbour that is run by signs is not run at all. You owe the people who pay for the pier an answer, and not in a letter from your lawyer.\n\n"
    "Please come down to the quay on Sunday. We shall bring coffee, and the piles that fell off, and forty years of tide tables.\n\n"
    "Yours sincerely,\n\n"
    "Otto Hald"
)

COLUMN = (
    "My grandmother kept a tin on the window sill for the lifeboat, and every child who came for plums had to put something in it.\n\n"
    "I thought of that tin on Monday, when the harbour board closed the east pier and spent the money on a fountain for the square instead.\n\n"
    "A fountain is a fine thing. But a town that can pay for one and lets forty volunteers row out in a boat older than themselves has lost its wits.\n\n"
    "The board says that the crew should ask the public for help. The public is the board's employer, and it has already paid once.\n\n"
    "So I shall do what my grandmother did. There is a tin on my sill again, and you may put something in it when you pass. Give what you can."
)
COLLECTION = (
    "Aid groups in Ostrand appealed on Tuesday for blankets and money after the flood that left 300 families without a roof.\n\n"
    "“We need donations, and we need them this week,” said Karin Moll, who runs the shelter in the old customs house.\n\n"
    "The groups have raised 40,000 crowns so far, according to the town treasurer, about a third of what the repairs will cost.\n\n"
    "People who want to give can do so at the town hall until Friday, the treasurer said."
)


@pytest.fixture(scope="module")
def results(model: Model) -> list[Result]:
    articles = [article_from_bytes(path.read_bytes(), name=path.name) for path in FILES]
    return score(articles, model)


def test_every_block_stands_where_it_says(results: list[Result]) -> None:
    """Blocks come in reading order, do not overlap, and bare text between the offsets is the block's text and its cuts."""
    for path, result in zip(FILES, results, strict=True):
        source = path.read_bytes().decode()
        at = 0
        for block in (scored.block for scored in result.blocks):
            assert block.start is not None
            assert block.end is not None
            assert at <= block.start < block.end <= len(source)
            at = block.end
            if path.suffix == ".txt":
                edges = [block.start, *(edge for cut in block.cut for edge in (cut.start, cut.end)), block.end]
                kept = "".join(source[begin:end] for begin, end in zip(edges[::2], edges[1::2], strict=True))
                assert folded(kept) == block.text


def test_results_are_what_the_contract_says(results: list[Result]) -> None:
    """Kinds and labels are the contract's, probabilities are probabilities, and passages alone have labels."""
    for result in results:
        answer = json.loads(json.dumps(result.as_dict()))
        assert answer["status"] == "ok"
        assert answer["model"]["digest"].startswith("sha256:")
        assert 0 <= answer["editorial_share"] <= 1
        for block in answer["blocks"]:
            assert block["kind"] in KINDS
            assert 0 <= block["kind_probability"] <= 1
            assert ("label" in block) == ("probability" in block) == (block["kind"] == "body")
            assert block["kind"] in ("body", "subheading") or block["reason"]


def test_a_batch_answers_as_its_articles_do_alone(model: Model, results: list[Result]) -> None:
    """Who else is in a batch changes nothing."""
    for path, together in list(zip(FILES, results, strict=True))[::8]:
        [alone] = score([article_from_bytes(path.read_bytes(), name=path.name)], model)
        assert alone.as_dict() == together.as_dict()


def test_reporting_and_argument_are_told_apart(model: Model) -> None:
    """A plain news story is reporting, a plain argument is editorial."""
    news, argument = score([Article(NEWS), Article(ARGUMENT)], model)
    assert (news.label, argument.label) == ("reporting", "editorial")
    assert news.editorial_share == 0
    assert argument.editorial_share == 1


def test_a_fierce_word_in_quotation_marks_is_reporting(model: Model) -> None:
    """What somebody else says, however fierce, is reported."""
    fierce = "This is a shameful decision by cowards who should be thrown out of office, and we will all pay for it."
    quoted = f"“{fierce}” the union's chairman, Per Aldous, said in a statement on Tuesday."
    said, own = score([Article(quoted), Article(fierce)], model)
    assert (said.passages[0].label, own.passages[0].label) == ("reporting", "editorial")


def test_boilerplate_goes_and_the_article_stays(model: Model) -> None:
    """Navigation, a headline list and an appeal round an article are thrown out with a reason; every paragraph stays."""
    page = "\n\n".join(
        [
            "Skip to content",
            "News Sport Weather Subscribe",
            NEWS,
            "More harbour news",
            "Ferry Timetable Changes From Monday",
            "Crab Season Opens Late For Third Year",
            "If you value our reporting, please consider making a monthly donation. Every crown goes to our newsroom.",
            "© 2026 The Pier Gazette. All rights reserved.",
        ]
    )
    [result] = score([Article(page)], model)
    assert own_text(result) == "\n\n".join(folded(paragraph) for paragraph in NEWS.split("\n\n"))
    assert all(block.reason for block in result.blocks if block.kind != "body")


def test_html_of_an_article_without_its_page_keeps_its_paragraphs(model: Model) -> None:
    """Feeds and archives hold an article's paragraphs as HTML with nothing round them, which looks like no page that there is."""
    stories = [json.loads(line) for line in STORIES.read_text("utf-8").splitlines()]
    hurt = fragments = 0
    for headed, most in product((False, True), (2, 4)):
        headlines = [f"<h1>{escape(story['title'])}</h1>" if headed else "" for story in stories]
        texts = [story["paragraphs"][:most] for story in stories]
        pages = [headline + "".join(f"<p>{escape(text)}</p>\n" for text in told) for headline, told in zip(headlines, texts, strict=True)]
        for result, told in zip(score([Article(page, True) for page in pages], model), texts, strict=True):
            fragments += 1
            hurt += not {folded(text) for text in told} <= set(own_text(result).split("\n\n"))
    assert hurt <= fragments * FRAGMENTS_HURT


def test_articles_in_other_languages_are_kept(model: Model) -> None:
    """Pages that have lost their markup, in 22 languages that the model was hardly taught: none comes out empty, next to nothing of the articles is lost."""
    pages = read_corpus([SEEDS / "languages"]).flattened
    articles = [Article("\n".join(line.text for line in page.lines)) for page in pages]
    own = kept = 0
    for result, page in zip(score(articles, model), pages, strict=True):
        left = own_text(result)
        texts = [folded(line.text) for line in page.lines if line.kind == "article"]
        here = sum(len(text) for text in texts if text in left)
        assert here > 0, page.id
        own, kept = own + sum(map(len, texts)), kept + here
    assert kept / own >= KEPT_IN_OTHER_LANGUAGES


def test_too_little_evidence_gets_no_label(model: Model) -> None:
    """A text with no known word is not labelled: no answer is better than the prior."""
    [result] = score([article_from_text("Qwxz vbrtk plmnk zzrtw kkpqx vvnmz.")], model)
    assert all(passage.label is None for passage in result.passages)
    assert result.label is None
    assert result.editorial_share is None


@pytest.mark.parametrize("page", ["<html><body><div id=root></div><script>show()</script></body></html>", "<title>Pier closed</title>"])
def test_a_page_without_text_is_an_error(page: str, model: Model) -> None:
    """A page whose text is made by scripts is no article without passages: its result says what to do, and the others of its batch have theirs."""
    empty, news = score([Article(page, True), Article(NEWS)], model)
    assert empty.error and (empty.error.code, "save the page after they ran" in empty.error.message) == ("empty", True)
    assert empty.as_dict()["status"] == "error" and news.as_dict() == score([Article(NEWS)], model)[0].as_dict()
    assert score([Article(page, True)], model)[0].as_dict() == empty.as_dict()


def test_a_letter_that_asks_for_support_goes_as_a_whole(model: Model) -> None:
    """Also its paragraphs that tell a story; the article before it stays, and so do letters that ask for nothing."""
    for article in (NEWS, ARGUMENT):
        blocks = score([Article(f"{article}\n\n{LETTER}")], model)[0].blocks
        assert [block.kind for block in blocks if block.block.start < len(article)] == ["body"] * 3
        assert {block.kind for block in blocks if block.block.start > len(article)} & {"body", "subheading"} == set()
    for article in (ADVICE, f"{INTRODUCTION}\n\n{ADVICE}", OPEN_LETTER):
        prose = [block for block in score([Article(article)], model)[0].blocks if block.words > 20]
        assert [block.kind for block in prose] == ["body"] * len(prose)
    after = [block for block in score([Article(f"{BIOGRAPHY}\n\n{ADVICE}")], model)[0].blocks if block.words > 20 and block.block.start > len(BIOGRAPHY)]
    assert after and {block.kind for block in after} == {"body"}


def test_a_letter_without_salutation_and_signature_goes_with_what_leads_up_to_it(model: Model) -> None:
    """From where it speaks for those who ask, and nothing of the article before it."""
    paragraphs = LETTER.split("\n\n")
    for article in (NEWS, ARGUMENT):
        blocks = score([Article("\n\n".join([article, *paragraphs[1:-2]]))], model)[0].blocks
        assert [block.kind for block in blocks[:3]] == ["body"] * 3
        assert [block.kind for block in blocks[4:]] == ["appeal"] * 4


@pytest.mark.parametrize("article", [COLUMN, COLLECTION])
def test_an_article_on_giving_is_no_appeal(model: Model, article: str) -> None:
    """Not even where the writer of a column asks for something."""
    assert {block.kind for block in score([Article(article)], model)[0].blocks} == {"body"}


@pytest.mark.parametrize(
    "plea",
    [
        "Our reporting depends on readers like you. Please donate today to support our newsroom.",
        "Our reporting depends on readers like you.\n\nPlease donate today to support our newsroom.",
        "Before you go: we need 500 new monthly donors by midnight. Donate now.",
        "Sign up for our newsletter\n\nIndependent journalism needs your help. If you value what you read here, please consider making a gift.",
    ],
)
def test_a_plea_takes_nothing_of_the_article_with_it(model: Model, plea: str) -> None:
    """What a newsroom asks for under a short article stands for itself: of articles that nothing was fitted on, one in 25 at most loses a paragraph to it."""
    stories = ["\n\n".join(json.loads(line)["paragraphs"]) for line in STORIES.read_text(encoding="utf-8").splitlines()]
    alone, asked = (score([Article(text) for text in texts], model) for texts in (stories, [f"{story}\n\n{plea}" for story in stories]))
    shortened = [not own_text(longer).startswith(own_text(result)) for result, longer in zip(alone, asked, strict=True)]
    assert sum(shortened) <= 0.04 * len(stories)
    assert all(own_text(result) for result in asked)


def test_essays_keep_their_words(model: Model) -> None:
    """Whole essays and columns with pleas under them, on which nothing was fitted: of their own words nearly all stay, and of all others a seventh."""
    essays = read_corpus([SEEDS / "essays"]).articles
    results = score([Article("\n\n".join(block.text for block in essay.blocks)) for essay in essays], model)
    stayed, words = Counter[bool](), Counter[bool]()
    for essay, result in zip(essays, results, strict=True):
        assert [block.block.text for block in result.blocks] == [block.text for block in essay.blocks]
        for told, found in zip(essay.blocks, result.blocks, strict=True):
            words[told.kind in TEXT_KINDS] += found.words
            stayed[told.kind in TEXT_KINDS] += found.words * (found.kind in TEXT_KINDS)
    assert stayed[True] > 0.95 * words[True]
    assert stayed[False] < 0.15 * words[False]


def test_strip_of_stripped_text_keeps_it(model: Model, results: list[Result]) -> None:
    """Stripping twice is stripping once, but for blocks whose neighbours decided them: essays in the first person lose most."""
    texts = [own_text(result) for result in results]
    again = [own_text(result) for result in score([Article(text) for text in texts], model)]
    kept = sum(len(text) for text in again) / sum(len(text) for text in texts)
    assert kept > 0.93


@pytest.mark.parametrize(("unit", "most"), [("The pier was closed on Monday. ", 21), ("a", 20), ("1", 20)], ids=["sentences", "one word", "one number"])
def test_a_long_text_takes_memory_by_its_length(model: Model, unit: str, most: int) -> None:
    """Of one paragraph, one word or one number of 2 MB, no more is held at any time than so many times its size."""
    article = article_from_text(f"{NEWS}\n\n{unit * (2_000_000 // len(unit))}")
    assert memory_of(article, model) < most * len(article.text)


@pytest.mark.parametrize("unit", ['"', "(", "“a” "])
def test_a_flood_of_marks_takes_bounded_memory(model: Model, unit: str) -> None:
    """Nearly as many marks as an article may have take no more than 20 times their size and 190 MB."""
    tokens = len(unit.strip())
    characters = int(0.999 * MOST_TOKENS / (tokens / len(unit) - 1 / CHARACTERS_A_TOKEN))
    article = article_from_text(f"{NEWS}\n\n{unit * (characters // len(unit))}")
    assert memory_of(article, model) < 20 * len(article.text) + 190_000_000


def memory_of(article: Article, model: Model) -> int:
    """The most bytes that Python and NumPy held at any time while it was scored."""
    score([article_from_text(NEWS)], model)
    tracemalloc.start()
    score([article], model)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak
