"""Labelled data -> a model folder with its card: fit, measure on data held out, save, and say in words what it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set, Sized
from pathlib import Path
from typing import Any, NamedTuple

from training.evaluate import Evaluation, evaluate
from training.fit import fit
from training.labelled import Corpus, appeals, read_corpus
from training.model import CARD, Model, load_model, only_writer, save_model, write_whole
from training.smoke import answers, sound_model

CARD_FORM = """\
# {name}

A model of Copydesk: it tells, of each block of a news article, what kind of block it is, and of each passage whether the
writer's own voice speaks (`editorial`) or something is reported (`reporting`).

| | |
|---|---|
| digest | `{digest}` |
| size | {megabytes:.1f} MB of plain arrays and strings |
| fitted with | {versions} |
| refit | `{command}` |

## What it was fitted on

{data}

## How good it is

{figures}

## What it is not

- It tells who is speaking, not who is right, and nothing of left and right.
{note}
- A digest proves that a file is the one that was published, not that it is good.

Texts and pages it was fitted on belong to their publishers; only weights and counts of words were kept.
"""
NOT_MEASURED = "Not measured: name labelled data of other sources with `--evaluate`."

NOT_SAID = """\
- It knows the language of its data and no other, and sees what its labels systematically miss no better than they do. Which language that is, and who
  labelled, was not said: name a text that says it with `--note`."""


class DataFiles(NamedTuple):
    """Files and folders of labelled data: for both classifiers, for kinds alone, letters that are appeals throughout, and what to measure on; the
    model that gives what they cannot teach; and a text for the card, which says of the data what they do not."""

    data: Sequence[Path]
    for_kinds: Sequence[Path] = ()
    letters: Sequence[Path] = ()
    held_out: Sequence[Path] = ()
    base: Path | None = None
    note: Path | None = None


def train(files: DataFiles, folder: Path, seed: int = 0) -> Model:
    """Fit a model, measure it on what is held out, and write its folder; the same data and seed give the same bytes."""
    note = files.note.read_text("utf-8", errors="replace").strip() if files.note else NOT_SAID
    base = sound_model(files.base) if files.base else None
    corpus = read_corpus(files.data)
    furniture = read_corpus(files.for_kinds) if files.for_kinds else Corpus()
    if files.letters:
        letters = read_corpus(files.letters)
        furniture.articles += appeals(letters)
        furniture.files += letters.files
    held = read_corpus(files.held_out) if files.held_out else None
    with only_writer(folder):
        kinds, labels = fit(corpus, seed, base, furniture)
        about: dict[str, Any] = {"data": corpus.files, "for_kinds": furniture.files, "seed": seed, "base": base and base.identity.digest, "figures": {}}
        save_model(folder, kinds, labels, about)
        model = load_model(folder)
        about["smoke"] = answers(model)
        if held:
            about["held_out"] = held.files
            about["figures"] = _figures(evaluate(held, model))
        model = save_model(folder, kinds, labels, about)
        write_whole(folder / CARD, _card(model, folder, files, (corpus, furniture), held, note).encode())
    return model


def _figures(evaluation: Evaluation) -> dict[str, Any]:
    return {
        figure.name: {"value": round(figure.value, 4), "interval": figure.interval and [round(bound, 4) for bound in figure.interval]}
        for figure in evaluation.overall()
    }


def _card(model: Model, folder: Path, files: DataFiles, fitted_on: tuple[Corpus, Corpus], held: Corpus | None, note: str) -> str:
    manifest = model.manifest
    base, noted = ((path,) if path else () for path in (files.base, files.note))
    named = (("--kinds", files.for_kinds), ("--appeals", files.letters), ("--evaluate", files.held_out), ("--from", base), ("--note", noted))
    command = ["copydesk train", *map(str, files.data), *(f"{option} {path}" for option, paths in named for path in paths), f"-o {folder}"]
    return CARD_FORM.format(
        name=model.identity.name,
        digest=model.identity.digest,
        megabytes=manifest["bytes"] / 1e6,
        versions=", ".join(f"{name} {number}" for name, number in manifest["versions"].items()),
        command=" ".join(command) + (f" --seed {manifest['seed']}" if manifest["seed"] else ""),
        data=_data_table(*fitted_on, manifest["base"]),
        figures=_figures_table(manifest["figures"], held, {article.source for corpus in fitted_on for article in corpus.articles}) if held else NOT_MEASURED,
        note=note,
    )


def _data_table(corpus: Corpus, furniture: Corpus, base: str | None) -> str:
    def both(of: Callable[[Corpus], Sized]) -> str:
        return f"{len(of(corpus)) + len(of(furniture)):,}"

    sources = len({article.source for article in corpus.articles})
    blocks = sum(len(article.blocks) for article in corpus.articles)
    passages = sum(block.kind == "body" for article in corpus.articles for block in article.blocks)
    counts = [
        f"{len(corpus.articles):,} labelled articles or excerpts of {sources:,} sources: {blocks:,} blocks, {passages:,} of them passages with a label",
        f"{both(lambda data: data.flattened)} pages flattened to lines, each line with its kind",
        f"{both(lambda data: data.pages)} pages with the article's true text",
        f"{both(lambda data: data.line_kinds_apart)} of those pages with kinds of lines told apart from their texts",
        f"{len(corpus.unlabelled):,} articles without labels, for vocabulary, word vectors and lists of teasers",
        f"{both(lambda data: data.kinds_apart)} of those articles with kinds told apart from their texts",
        f"{len(furniture.articles):,} articles, excerpts and letters and pieces of what stands round articles, for kinds alone",
        *([f"a part that these do not teach is that of the model `{base}`"] if base else []),
    ]
    files = "\n".join(f"| {file['file']} | {file['rows']:,} | `{file['sha256'][:16]}…` |" for file in corpus.files + furniture.files)
    return "\n".join(f"- {count}" for count in counts if not count.startswith("0 ")) + f"\n\n| file | rows | sha256 |\n|---|---|---|\n{files}"


def _figures_table(figures: dict[str, Any], held: Corpus, known: Set[str]) -> str:
    sources = {article.source for article in held.articles}
    of = f"{len(sources & known)} of whose {len(sources)} sources it was fitted on" if sources & known else "of sources that it was not fitted on"
    rows = "\n".join(f"| {name} | {figure['value']:.3f} | {_interval(figure['interval'])} |" for name, figure in figures.items())
    named = ", ".join(f"{file['file']} ({file['rows']:,} rows)" for file in held.files)
    return f"On {named}, {of}; intervals from resampling sources.\n\n| measure | value | 95 % interval |\n|---|---|---|\n{rows}"


def _interval(bounds: Sequence[float] | None) -> str:
    return "{:.3f} to {:.3f}".format(*bounds) if bounds else ""
