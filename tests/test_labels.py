"""The labels, on a small invented world: six papers whose writers argue in one way and report in another."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from sklearn.feature_extraction.text import TfidfTransformer

from training.evidence import Evidence
from training.labels import LEAST_WORDS, Labeller
from training.labels_fit import count, fit_evidence, mean_vectors, normalised, word_vectors
from training.terms import Reader

TOWNS = ("Marsk", "Ostrand", "Tarnholt", "Wenna", "Dunmere", "Pellworth")
OPINIONS = (
    "It is a disgrace that the ferry to {town} still costs so much, and we should all be ashamed.",
    "Surely the mayor of {town} must know how foolish this plan is. Why pretend otherwise?",
    "Let us be honest: the harbour deal is an insult to everyone in {town}.",
)
REPORTS = (
    "The council of {town} voted 7 to 2 on Tuesday to extend the ferry line, officials said.",
    "“It is a disgrace that we should all be ashamed of,” the mayor of {town} told reporters.",
    "The harbour deal was signed in {town} in 2019, according to the transport department.",
)
TEXTS = [form.format(town=town) for town in TOWNS for _ in range(4) for forms in (OPINIONS, REPORTS) for form in forms]
ARTICLE = [number // 3 for number in range(len(TEXTS))]
EDITORIAL = [float(number // 3 % 2 == 0) for number in range(len(TEXTS))]
SOURCE = [TOWNS[number // 24] for number in range(len(TEXTS))]


@pytest.fixture(scope="module")
def labeller() -> Labeller:
    return Labeller.fit(TEXTS, ARTICLE, SOURCE, EDITORIAL, [1.0] * len(TEXTS))


def test_the_writer_is_told_from_the_quoted(labeller: Labeller) -> None:
    """The same fierce words are opinion in the writer's voice and reporting in a mayor's."""
    own, quoted = labeller.label([OPINIONS[0].format(town="Brightvale"), REPORTS[1].format(town="Brightvale")], [0, 1])
    assert own > 0.5 > quoted


def test_names_and_numbers_weigh_nothing_of_their_own(labeller: Labeller) -> None:
    """Who and how many are masked: another town or figure gives the very same probability."""
    assert np.ptp(labeller.label([form.format(town=town) for town in ("Marsk", "Zanzibar") for form in REPORTS[:1]], [0, 1])) == 0


def test_evidence_equals_the_fitted_pipeline(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the flat arrays say of unseen text is what scikit-learn's own model says, to 1e-9."""
    fitted = []
    from sklearn.linear_model import LogisticRegression

    original = LogisticRegression.fit
    monkeypatch.setattr(LogisticRegression, "fit", lambda self, *rows, **more: fitted.append(original(self, *rows, **more)) or self)
    reader = Reader.learn(TEXTS, 1)
    reading, unseen = reader.read(TEXTS), reader.read([OPINIONS[1].format(town="Bex") + " " + REPORTS[1], "Nothing known", ""])
    vectors = word_vectors(reading, seed=0)
    evidence = fit_evidence(reading, vectors, np.array(EDITORIAL), np.ones(len(TEXTS)))
    idf = TfidfTransformer(norm=None).fit(count(reading, evidence.grams)).idf_
    features = sparse.hstack([normalised(count(unseen, evidence.grams), idf), mean_vectors(unseen, vectors)], format="csr")
    ours = evidence.bias + np.bincount(unseen.tokens.text, evidence.added(unseen), minlength=3)
    assert np.abs(ours - fitted[0].decision_function(features)).max() < 1e-9


def test_explanations_add_up(labeller: Labeller) -> None:
    """The terms' contributions and the bias are the first stage's logit, and with the context's part the probability."""
    texts = [OPINIONS[1].format(town="Bex"), REPORTS[0].format(town="Bex")]
    told = labeller.explain(texts, [0, 0])
    probability = labeller.label(texts, [0, 0])
    for explanation, expected in zip(told, probability, strict=True):
        assert abs(1 / (1 + np.exp(-explanation.logit - explanation.context)) - expected) < 1e-9
    reading = labeller.reader.read(texts)
    logits = labeller.evidence.bias + np.bincount(reading.tokens.text, labeller.evidence.added(reading))
    assert np.abs(logits - [explanation.logit for explanation in told]).max() < 1e-9


def test_explanations_point_into_the_text(labeller: Labeller) -> None:
    """Offsets are those of the characters that made the term; what is quoted is named as quoted."""
    text = "Surely “we should,” he said."
    spans = {(term.term, text[term.start : term.end]) for term in labeller.explain([text], [0])[0].terms}
    assert {("surely", "Surely"), ("«should»", "should"), ("meaning", "he")} <= spans


def test_too_little_evidence_is_no_answer(labeller: Labeller) -> None:
    """A passage of fewer known words than the rule asks for gets nan, not the prior."""
    texts = ["", "???", "Zyx qwv brr plk", " ".join(["ferry"] * (LEAST_WORDS - 1)), " ".join(["ferry"] * LEAST_WORDS)]
    assert np.isnan(labeller.label(texts, [0] * 5)).tolist() == [True, True, True, True, False]


def test_a_batch_is_its_articles(labeller: Labeller) -> None:
    """An article's probabilities do not depend on what else is in the batch."""
    batch = labeller.label(TEXTS[:12], ARTICLE[:12])
    assert np.abs(batch[3:6] - labeller.label(TEXTS[3:6], [0, 0, 0])).max() < 1e-12
    assert labeller.label([], []).shape == (0,)


def test_what_is_looked_at_in_parts_is_the_same(labeller: Labeller, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a batch is too long to look for its terms at once, every term and pair is found all the same, once, those across the parts' edges too."""
    whole = labeller.evidence.occurrences(reading := labeller.reader.read(TEXTS[:9]))
    for at_once in (1, 7, 50):
        monkeypatch.setattr("training.evidence.AT_ONCE", at_once)
        parts = labeller.evidence.occurrences(reading)
        assert sorted(zip(*parts, strict=True)) == sorted(zip(*whole, strict=True))


def test_the_article_is_heard(labeller: Labeller) -> None:
    """The same passage is likelier opinion among opinions than among reports, and context says so."""
    doubtful = "The ferry line is in the harbour of Bex."
    parts = [labeller.explain([form.format(town="Bex") for form in forms] + [doubtful], [0] * 4)[-1].context for forms in (OPINIONS, REPORTS)]
    assert parts[0] > parts[1]


def test_plain_arrays_hold_everything(labeller: Labeller) -> None:
    """Nothing but arrays, strings and numbers is saved, and what is read back answers the same."""
    arrays = labeller.arrays()
    assert all(isinstance(value, np.ndarray | float | tuple) for value in arrays.values())
    assert np.array_equal(Labeller.from_arrays(arrays).label(TEXTS, ARTICLE), labeller.label(TEXTS, ARTICLE))


def test_the_same_data_and_seed_give_the_same_arrays(labeller: Labeller) -> None:
    """Fitting is deterministic to the last bit."""
    again = Labeller.fit(TEXTS, ARTICLE, SOURCE, EDITORIAL, [1.0] * len(TEXTS)).arrays()
    assert all(np.array_equal(value, again[name]) for name, value in labeller.arrays().items())


def test_evidence_is_data() -> None:
    """The first stage is arrays with one entry a gram, and meaning one a term."""
    evidence = fit_evidence(Reader.learn(TEXTS, 1).read(TEXTS), np.eye(len(Reader.learn(TEXTS, 1).words)), np.array(EDITORIAL), np.ones(len(TEXTS)))
    assert isinstance(evidence, Evidence)
    assert len(evidence.grams) == len(evidence.idf) == len(evidence.weight)
