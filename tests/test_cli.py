"""The command line as people and programs use it."""

from __future__ import annotations

import csv
import json
import os
import pty
import re
import shutil
import subprocess
import termios
from contextlib import suppress
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from service.cli import main
from tests.serving import COMMAND, ROOT
from training import labels_fit
from training.model import default_model

SEEDS = ROOT / "seeds"
ARTICLES = SEEDS / "articles"
STORY = "The harbour board voted 5-2 on Monday to close the east pier.\n\nThe repairs will cost 3.1 million crowns, the board said in a report.\n"


def run(*arguments: object, stdin: str | None = None) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments], input=stdin)


def test_score_answers_one_line_an_article_in_sorted_order() -> None:
    """`score` walks folders recursively and sorted, and prints one result a line."""
    done = run("score", ARTICLES)
    results = [json.loads(line) for line in done.stdout.splitlines()]
    ids = [result["id"] for result in results]
    assert done.exit_code == 0
    assert ids == sorted(str(path) for path in ARTICLES.rglob("*.*"))
    assert {result["status"] for result in results} == {"ok"}


def test_more_processes_answer_the_same() -> None:
    """`--jobs` changes the time it takes and nothing else."""
    assert run("score", ARTICLES, "--jobs", 2).stdout == run("score", ARTICLES).stdout


def test_csv_has_a_row_for_each_passage(tmp_path: Path) -> None:
    """`--format csv -o` writes the passages of all articles, whole or not at all."""
    out = tmp_path / "passages.csv"
    assert run("score", ARTICLES / "saltmarket", "--format", "csv", "-o", out).exit_code == 0
    with out.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    results = [json.loads(line) for line in run("score", ARTICLES / "saltmarket").stdout.splitlines()]
    assert len(rows) == sum(block["kind"] == "body" for result in results for block in result["blocks"])
    assert os.listdir(tmp_path) == ["passages.csv"]


def test_bad_files_among_good_ones_are_named_and_skipped(tmp_path: Path) -> None:
    """One bad file is one result with a code; the good ones are scored, and nothing hangs."""
    (tmp_path / "good.txt").write_text(STORY)
    (tmp_path / "empty.txt").write_text(" \n")
    (tmp_path / "binary.txt").write_bytes(bytes(range(256)) * 20)
    (tmp_path / "latin.txt").write_bytes("Le café est fermé, a dit la mairie de Valbrune mardi.".encode("latin-1"))
    (tmp_path / "gone.txt").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe.txt")
    (tmp_path / "loop").symlink_to(tmp_path, target_is_directory=True)
    done = run("score", tmp_path)
    found = {Path(result["id"]).name: result for result in map(json.loads, done.stdout.splitlines())}
    assert {name: result.get("error", {}).get("code") for name, result in found.items()} == {
        "good.txt": None,
        "latin.txt": None,
        "empty.txt": "empty",
        "binary.txt": "not-text",
        "gone.txt": "unreadable",
        "pipe.txt": "not-a-file",
    }
    assert done.exit_code == 0
    assert re.search(r"^failed +4 ", done.stderr, re.MULTILINE)
    assert run("score", tmp_path, "--strict").exit_code == 1


def test_standard_input_is_an_article() -> None:
    """`-` reads an article from standard input."""
    [line] = run("score", "-", stdin=STORY).stdout.splitlines()
    assert json.loads(line)["id"] == "-"


def test_strip_prints_the_article_and_nothing_else() -> None:
    """`strip` prints the article's own text on standard output."""
    done = run("strip", "-", stdin="Skip to content\n\n" + STORY + "\n\nRELATED: Crab Season Opens Late\n")
    assert done.stdout == STORY.strip() + "\n"


def test_markdown_is_read_as_markdown_by_every_command(tmp_path: Path) -> None:
    """A Markdown file with a few tags in it is no page."""
    noted = tmp_path / "note.md"
    noted.write_text(f"<a id='top'></a>\n<b>Pier</b><br>\n\n{STORY}\n\n<p>{STORY}</p>\n")
    whole = "\n\n".join(block["text"] for block in json.loads(run("score", noted).stdout)["blocks"] if block["kind"] in ("body", "subheading"))
    assert run("strip", noted).stdout == whole + "\n"


def test_strip_of_what_is_no_article_says_so() -> None:
    """Where nothing of the article's own is found, `strip` prints nothing and ends with status 1: an empty answer is no answer."""
    assert "save the page after they ran" in run("strip", "-", stdin="<html><body><script>show()</script></body></html>").stderr
    done = run("strip", "-", stdin="Skip to content\n")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "`copydesk score` shows what each block was taken for" in done.stderr


def test_what_goes_into_a_pipe_is_utf_8(tmp_path: Path) -> None:
    """Whatever the locale: an article's text is the same everywhere."""
    (tmp_path / "one.txt").write_text(f"“We are much worse off,” said Zoë Łuk, 62, of the harbour board. {STORY}", "utf-8")
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "latin-1"}
    done = subprocess.run([*COMMAND, "strip", str(tmp_path / "one.txt")], env=environment, capture_output=True, check=True)
    assert done.stdout.decode().startswith("“We are much worse off,” said Zoë Łuk")


def on_terminal(*arguments: object) -> str:
    """What `copydesk` shows where both standard output and standard error are a terminal."""
    shown, terminal = pty.openpty()
    termios.tcsetwinsize(terminal, (24, 100))
    with subprocess.Popen([*COMMAND, *map(str, arguments)], stdout=terminal, stderr=terminal, env=os.environ | {"PYTHONPATH": str(ROOT)}) as process:
        os.close(terminal)
        parts = []
        with suppress(OSError):  # how a terminal says that nobody writes to it any more
            while part := os.read(shown, 65_536):
                parts.append(part)
    os.close(shown)
    assert process.returncode == 0
    return b"".join(parts).decode()


def test_on_a_terminal_people_see_what_became_of_each_article() -> None:
    """On a terminal `score` shows a view for people, no JSON: what was thrown out and why, who speaks, and the error of what could not be read."""
    shown = on_terminal("score", ARTICLES / "northledger" / "ferry-contract.txt", os.devnull)
    assert "of its words argue; " in shown
    assert f"{os.devnull}\x1b[0m\r\n" in shown and "not-a-file: " in shown
    assert '{"id"' not in shown


def test_what_an_article_holds_does_nothing_to_a_terminal(tmp_path: Path) -> None:
    """Control characters of a text, a title or a file's name are shown as replaced on a terminal, by `score`, `strip` and `compare` alike; what is no
    terminal gets the text as it is."""
    sly = "\x1b]0;mine\x07\x1b[2J\x9b5m\x7f"
    file = tmp_path / f"{sly}.txt"
    file.write_text("\n\n".join(f"{STORY.strip()} It was vote number {number}." for number in range(9)) + f" {sly} said the harbour master.", "utf-8")
    for shown in (on_terminal("score", file, f"{file}.gone"), on_terminal("strip", file), on_terminal("compare", file, file)):
        assert "\ufffd]0;mine\ufffd\ufffd[2J\ufffd5m\ufffd" in shown
        assert re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]", re.sub(r"\x1b\[\d+m", "", shown)) is None
    assert sly in run("strip", file).stdout


def test_on_a_terminal_a_long_run_shows_how_far_it_is(tmp_path: Path) -> None:
    """While results go to a file, a terminal shows the share of the bytes that are behind, and articles a second."""
    shown = on_terminal("score", ARTICLES, "-o", tmp_path / "out.jsonl")
    count = len((tmp_path / "out.jsonl").read_text("utf-8").splitlines())
    assert re.search(rf"100%.* {count} articles, \d+/s", shown)


def test_a_reader_that_stops_listening_ends_the_run_quietly() -> None:
    """`copydesk score ... | head` ends with the reader, and without a word on standard error."""
    with subprocess.Popen(
        [*COMMAND, "score", str(ARTICLES), "--quiet"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ | {"PYTHONPATH": str(ROOT)}
    ) as process:
        assert process.stdout and process.stderr
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1


def written(folder: Path, story: str) -> list[Path]:
    """A story of seeds/stories as pages with their dates, a file an outlet."""
    rows = [json.loads(line) for line in (SEEDS / "stories" / "stories.jsonl").read_text("utf-8").splitlines()]
    files = []
    for row in (row for row in rows if row["story"] == story):
        head = f'<title>{row["title"]}</title><link rel="canonical" href="https://{row["source"]}/a">'
        dated = f'<meta property="article:published_time" content="{row["published"]}">' if row["published"] else ""
        paragraphs = "".join(f"<p>{text}</p>" for text in row["paragraphs"])
        files.append(folder / f"{row['source']}.html")
        files[-1].write_text(f"<html><head>{head}{dated}</head><body><article><h1>{row['title']}</h1>{paragraphs}</article></body></html>", "utf-8")
    return files


def test_compare_shows_articles_side_by_side(tmp_path: Path) -> None:
    """`compare` names each article with its source and share, who took over from whom, and what only one tells; as JSON it says the same and everything."""
    files = written(tmp_path, "budget")
    shown, done = run("compare", *files), run("compare", *files, "--format", "json")
    assert shown.exit_code == done.exit_code == 0
    found = json.loads(done.stdout)
    assert [article["id"] for article in found["articles"]] == [str(file) for file in files]
    for article in found["articles"]:
        assert f"{article['source']}, {article['published'] or 'undated'}, {article['words']} words, {article['editorial_share']:.0%} editorial" in shown.stdout
    assert found["taken_over"] and any(article["only_here"] for article in found["articles"])
    assert "1 (meridianwire.example) came first" in shown.stdout
    pages = [file.read_text("utf-8") for file in files]
    for between in found["taken_over"]:
        assert between["first"] == 0
        for pair in between["passages"]:
            for number, place in zip(between["articles"], pair["places"], strict=True):
                assert place["text"] in pages[number][place["start"] : place["end"]]


def test_compare_takes_files_of_one_folder_for_sources_of_their_own(tmp_path: Path) -> None:
    """Articles that do not say who published them are told apart by their folders, and where they lie in one, by their names: what is found is the same."""
    rows = [json.loads(line) for line in (SEEDS / "stories" / "stories.jsonl").read_text("utf-8").splitlines()]
    texts = ["\n\n".join([row["title"], *row["paragraphs"]]) for row in rows if row["story"] == "budget"]
    beside, apart = [], []
    for number, text in enumerate(texts):
        (tmp_path / str(number)).mkdir()
        beside.append(tmp_path / f"{number}.txt")
        apart.append(tmp_path / str(number) / "a.txt")
        beside[-1].write_text(text, "utf-8")
        apart[-1].write_text(text, "utf-8")
    found, other = (json.loads(run("compare", *files, "--format", "json").stdout) for files in (beside, apart))
    assert [article["source"] for article in found["articles"]] == [str(file) for file in beside]
    assert [article["source"] for article in other["articles"]] == [str(number) for number in range(len(texts))]
    assert [article["only_here"] for article in found["articles"]] == [article["only_here"] for article in other["articles"]]
    assert found["same_fact"] == other["same_fact"] and any(article["only_here"] for article in found["articles"])


def test_compare_names_what_cannot_be_read(tmp_path: Path) -> None:
    """An article that cannot be read stands in its place with its error, and the others are compared; with fewer than two left, the status is 1."""
    files = written(tmp_path, "budget")
    (tmp_path / "empty.txt").write_text(" \n")
    done = run("compare", tmp_path / "empty.txt", *files, "--format", "json")
    found = json.loads(done.stdout)
    assert done.exit_code == 0
    assert [article["status"] for article in found["articles"]] == ["error", "ok", "ok", "ok"]
    assert found["articles"][0]["error"]["code"] == "empty"
    assert all(0 not in between["articles"] for between in found["taken_over"])
    left = run("compare", tmp_path / "empty.txt", files[0])
    assert left.exit_code == 1
    assert "empty: there is no text in it" in left.stdout
    assert left.stderr == "Error: 1 of 2 articles could not be read; name others to compare\n"


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["score", "nowhere.txt"], 2, "does not exist"),
        (["score", "nowhere.txt", "elsewhere"], 2, "nor does any other"),
        (["score"], 2, "Missing argument"),
        (["score", str(ARTICLES), "--include", ""], 2, "a pattern that is empty"),
        (["score", str(ARTICLES), "--exclude", "."], 2, "a pattern that is empty"),
        (["score", str(ARTICLES), "-o", "all.PARQUET.GZ"], 2, "leave .GZ out"),
        (["score", str(SEEDS / "labelled.jsonl"), "--format", "xml"], 2, "Invalid value for '--format'"),
        (["score", str(ARTICLES), "-o", ""], 2, "-o names no file"),
        (["score", str(ARTICLES), "-o", "results.xlsx"], 2, "results are not written as .xlsx; name a .csv, .parquet, .sqlite or .jsonl file"),
        (["score", str(ARTICLES), "-o", "/dev/../dev/null"], 2, "is not a regular file"),
        (["score", str(ARTICLES), "-o", "all.parquet.gz"], 2, "leave .gz out"),
        (["score", str(ARTICLES), "--time-limit", "inf"], 2, "is not in the range"),
        (["check", os.devnull], 1, "is not a regular file"),
        (["serve", "--reload", "nan"], 2, "is not a number"),
        (["serve", "--reload", "-1"], 2, "is not in the range"),
        (["serve", "--max-seconds", "nan"], 2, "is not a number"),
        (["evaluate", str(SEEDS), "--json", "--worst", "3"], 2, "--json gives the overall figures alone"),
        (["compare", str(ARTICLES / "saltmarket" / "rate-hold.html")], 2, "1 given to compare; name 2 to 8 files"),
        (["compare", *[str(ARTICLES / "saltmarket" / "rate-hold.html")] * 9], 2, "9 given to compare"),
        (["compare", "nowhere.txt", "elsewhere.txt"], 2, "does not exist"),
        (["compare", str(ARTICLES / "saltmarket" / "rate-hold.html"), str(SEEDS / "labelled.jsonl")], 1, "labelled.jsonl is an archive of articles"),
        (["strip", str(SEEDS / "labelled.jsonl")], 1, "which `copydesk score` reads; name a file of one article"),
        (["score", str(ARTICLES), "--model", "nowhere"], 1, "is not a model folder"),
        (["strip", str(SEEDS / "labelled.jsonl"), "--model", str(SEEDS)], 1, "is not a model folder"),
        (["evaluate", str(ARTICLES)], 1, "holds no .jsonl"),
        (["model", "verify", "--model", str(SEEDS)], 1, "is not a model folder"),
        (["train", str(ARTICLES / "saltmarket" / "rate-hold.html"), "-o", "out"], 1, "is not JSON"),
        (["score", str(ARTICLES), "-o", "nowhere/out.jsonl"], 1, "nowhere/out.jsonl.part: No such file or directory; check the path"),
        (["score", ".", "-o", "out.jsonl"], 1, "no article was found there; name files"),
    ],
)
def test_errors_are_one_line_that_names_the_remedy(arguments: list[str], status: int, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is wrong ends with a status and one line, never with a traceback."""
    monkeypatch.chdir(tmp_path)
    done = run(*arguments)
    assert done.exit_code == status
    assert words in done.stderr
    assert "Traceback" not in done.output
    assert len([line for line in done.stderr.splitlines() if line.startswith("Error")]) == 1


def test_results_never_take_the_place_of_an_article_or_a_link(tmp_path: Path) -> None:
    """What `-o` names by mistake is as it was."""
    article, rows, folder = tmp_path / "a" / "one.txt", tmp_path / "rows.jsonl", tmp_path / "a"
    folder.mkdir()
    article.write_text(STORY)
    rows.write_text(json.dumps({"text": STORY}) + "\n")
    link = tmp_path / "latest.jsonl"
    link.symlink_to(rows)
    for scored, output in ((article, article), (rows, rows), (folder, article), (article, link)):
        held = output.read_bytes()
        done = run("score", scored, "-o", output)
        assert (done.exit_code, done.stdout) == (2, "")
        assert "results would take its place" in done.stderr
        assert output.read_bytes() == held
    assert link.is_symlink() and sorted(os.listdir(tmp_path)) == ["a", "latest.jsonl", "rows.jsonl"]


@pytest.mark.parametrize(
    ("held", "output"),
    [
        ("c.articles.parquet", "c.parquet"),
        ("c.jsonl.part", "c.jsonl"),
        ("c.jsonl.part.ledger", "c.jsonl"),
        (".c.csv.tmp", "c.csv"),
        (".c.sqlite.tmp-journal", "c.sqlite"),
        (".c.articles.parquet.tmp", "c.parquet"),
    ],
)
def test_no_file_that_a_run_needs_is_taken_from_the_user(held: str, output: str, tmp_path: Path) -> None:
    """What results are put into on the way, or beside, is refused where it is an article to score, a link, or there already and no unfinished run's."""
    (tmp_path / "one.txt").write_text(STORY)
    mine, out = tmp_path / held, tmp_path / output
    mine.write_text(STORY)
    done = run("score", mine, "--input", "text", "-o", out)
    assert (done.exit_code, done.stdout, mine.read_text()) == (2, "", STORY)
    assert f"{mine} is one of the articles to score, and results would take its place" in done.stderr
    if held.partition(".")[2] != "articles.parquet":
        assert run("score", tmp_path / "one.txt", "-o", out).exit_code == 2
        assert mine.read_text() == STORY
    mine.unlink()
    mine.symlink_to(tmp_path / "one.txt")
    assert "a link, and results would take its place" in run("score", tmp_path / "one.txt", "-o", out).stderr
    assert mine.is_symlink() and sorted(os.listdir(tmp_path)) == sorted([held, "one.txt"])


def test_a_run_never_reads_what_it_writes(tmp_path: Path) -> None:
    """Where results go into the folder that is scored, and a pattern includes everything, there is a result for each article and no other; so after
    `--resume`."""
    (tmp_path / "one.txt").write_text(STORY)
    (tmp_path / "two.txt").write_text("")
    out = tmp_path / "out.jsonl"
    assert run("score", tmp_path, "--include", "*", "-o", out, "--max-failures", 0).exit_code == 1
    assert out.with_name("out.jsonl.part").exists()
    assert run("score", tmp_path, "--include", "*", "-o", out, "--resume").exit_code == 0
    assert [json.loads(line)["id"] for line in out.read_text("utf-8").splitlines()] == [str(tmp_path / name) for name in ("one.txt", "two.txt")]


def test_a_file_that_is_not_there_is_one_failed_article(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name without a file, or a link that leads nowhere, stands in its place with its error, and the others are scored."""
    monkeypatch.chdir(tmp_path)
    Path("a.txt").write_text(STORY)
    Path("m.txt").symlink_to("gone.txt")
    done = run("score", "a.txt", "gone.jsonl", "m.txt", "-q")
    assert [(found["id"], found.get("error", {}).get("code")) for found in map(json.loads, done.stdout.splitlines())] == [
        ("a.txt", None),
        ("gone.jsonl", "unreadable"),
        ("m.txt", "unreadable"),
    ]
    assert (done.exit_code, done.stderr) == (0, "")
    assert run("score", "a.txt", "m.txt", "--strict").exit_code == 1


@pytest.mark.parametrize("closed", [0, 1])
def test_a_closed_standard_stream_is_said(closed: int) -> None:
    """Nothing is read from it, and no results are lost in it."""
    command = [*COMMAND, "score", "-" if closed == 0 else str(ARTICLES)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(command, env=environment, stderr=subprocess.PIPE, text=True, check=False, preexec_fn=lambda: os.close(closed))
    assert ended.returncode == 1
    assert ended.stderr.startswith("Error: standard input or output is closed") and ended.stderr.count("\n") == 1


def test_a_damaged_model_is_refused(tmp_path: Path) -> None:
    """A model whose bytes are not those its manifest names is not loaded."""
    shutil.copytree(default_model(), tmp_path / "model")
    arrays = tmp_path / "model" / "model.joblib"
    arrays.write_bytes(arrays.read_bytes()[:-1] + b"!")
    done = run("score", ARTICLES, "--model", tmp_path / "model")
    assert done.exit_code == 1
    assert "sha256 differs" in done.stderr


def test_the_seed_corpus_is_sound() -> None:
    """`check` finds nothing wrong with the seeds, files, labels and kinds agree, and says what it read."""
    for folder, read in ((SEEDS, "articles, "), (SEEDS / "languages", "52 flattened pages")):
        done = run("check", folder)
        assert done.exit_code == 0, done.output
        assert read in done.stdout and "nothing wrong" in done.stdout


def test_single_passages_need_no_kinds(tmp_path: Path) -> None:
    """`check` misses no kinds of blocks where passages alone are given, and no labels where both are there; what such data has wrong is named."""
    rows = [{"text": f"{STORY} Vote {number}.", "label": ("editorial", "reporting")[number % 2], "source": "pier.example"} for number in range(9)]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert "9 articles, 9 blocks: nothing wrong" in run("check", tmp_path).stdout
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows[::2]))
    assert run("check", tmp_path).stdout == "only 0 of 5 passages are reporting\n"


def test_check_names_each_problem(tmp_path: Path) -> None:
    """`check` prints a line for each thing that is wrong, and ends with status 1 and their number."""
    row = {"id": "twice", "source": "pier-gazette.example", "blocks": [{"text": "The ferry sank.", "kind": "body", "label": "reporting"}]}
    (tmp_path / "rows.jsonl").write_text(f"{json.dumps(row)}\n{json.dumps(row)}\n")
    done = run("check", tmp_path)
    assert done.exit_code == 1
    assert "twice: 2 articles have this id" in done.stdout
    assert f"Error: {len(done.stdout.splitlines())} problems; mend the labels" in done.stderr


def test_evaluate_shows_figures_for_people(tmp_path: Path) -> None:
    """`evaluate` has a row for each source, the overall figures with intervals, also of flattened pages and of pages with their true text, the surest
    mistakes with the terms that tipped them, and the differences from another model; a model is no better than itself."""
    rows = [json.loads(line) for line in (SEEDS / "labelled.jsonl").read_text("utf-8").splitlines()]
    of_source = {row["source"]: row for row in rows}
    for block in of_source["saltmarket.example"]["blocks"]:
        if block["kind"] == "body":
            block["label"] = "reporting" if block["label"] == "editorial" else "editorial"
    body = "The harbour board voted 5-2 on Monday to close the east pier for repairs until October."
    page = {"html": f"<nav><a href=/>Home</a></nav><article><p>{body}</p></article>", "gold": body, "site": "pier.example"}
    flattened = {"lines": [{"text": "Skip to content", "kind": "navigation"}, {"text": body, "kind": "article"}], "site": "quay.example"}
    rows = [*({**row, "id": ""} for row in of_source.values()), page, flattened]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    done = run("evaluate", tmp_path, "--worst", 1, "--compare", default_model())
    assert done.exit_code == 0
    by_source, _, overall, mistake, better = done.stdout.split("\n\n")
    assert [line.split()[0] for line in by_source.splitlines()[1:]] == sorted([*of_source, "quay.example"])
    assert re.search(r"^pages, word F1 +1\.000 *$", overall, re.MULTILINE)
    assert re.search(r"^macro F1, strict +0\.\d{3} +0\.\d{3} to [01]\.\d{3}$", overall, re.MULTILINE)
    assert re.fullmatch(r"saltmarket.example: is (editorial|reporting), was given [01]\.\d{3} of editorial\n .*\n .* [+-]\d\.\d\d", mistake)
    assert re.search(r"^macro F1, strict +0\.000 +0\.000 to 0\.000$", better, re.MULTILINE)


def test_a_learning_curve_has_a_row_for_each_share_of_the_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`evaluate --learning-curve` refits the labels on growing parts of the sources, each number of them once, and says what each part gives; too few
    sources to learn from are one line."""
    monkeypatch.setattr(labels_fit, "NETWORKS", 1)
    monkeypatch.setattr(labels_fit, "EPOCHS", 1)
    rows = [{**json.loads(line), "id": ""} for line in (SEEDS / "labelled.jsonl").read_text("utf-8").splitlines()]
    of_source = {row["source"]: row for row in rows}
    for name, chosen in (("taught", list(of_source.values())[:6]), ("few", list(of_source.values())[:4]), ("held", rows[:4])):
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in chosen), "utf-8")
    done = run("evaluate", tmp_path / "held.jsonl", "--learning-curve", tmp_path / "taught.jsonl")
    assert done.exit_code == 0
    title, *points = done.stdout.split("\n\n")[-1].splitlines()
    assert title.split() == ["sources", "passages", "macro", "F1,", "strict"]
    sources, passages, scores = zip(*(map(float, point.split()) for point in points), strict=True)
    body = [sum(block["kind"] == "body" for block in row["blocks"]) for row in list(of_source.values())[:6]]
    assert sources == (5, 6)
    assert passages[0] in {sum(body) - of_one for of_one in body} and passages[1] == sum(body)
    assert all(0 <= score <= 1 for score in scores)
    done = run("evaluate", tmp_path / "held.jsonl", "--learning-curve", tmp_path / "few.jsonl")
    assert (done.exit_code, done.stderr.count("\n")) == (1, 1)
    assert "5 sources at least, and --learning-curve names 4; add" in done.stderr


def test_show_prints_the_manifest() -> None:
    """`model show` prints what the manifest says."""
    assert json.loads(run("model", "show").stdout) == json.loads((default_model() / "manifest.json").read_bytes())


def test_the_view_for_people_says_what_happened() -> None:
    """On a terminal each block shows its kind or its label, and the share stands at the end."""
    from service.terminal import lines

    [line] = run("score", ARTICLES / "northledger" / "ferry-contract.txt").stdout.splitlines()
    shown = "\n".join(lines(json.loads(line)))
    assert "reporting" in shown
    assert "caption" in shown
    assert "of its words argue" in shown
