"""The page as people meet it: in a real Chromium, and as plain HTML where there is none."""

from __future__ import annotations

import importlib.util
import json
import os
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from bs4 import BeautifulSoup
from click.testing import CliRunner
from flask.testing import FlaskClient

from service.app import create_app
from service.cli import main
from service.current import CurrentModel
from service.limits import Limits
from tests.serving import PATIENCE, ROOT, Served, served
from tests.test_stories import ROWS, of_row
from training.model import default_model

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SEEDS = ROOT / "seeds" / "articles"
ESSAY, STORY = SEEDS / "northledger" / "opinion-barrage.txt", SEEDS / "saltmarket" / "water-rates.html"
TOLD = "Households in Vellmark will pay an average of 14 percent more for water from 1 May"
"""What the story says."""
HOSTILE = (
    "The board met on Monday <script>window.hacked = 1</script> and voted <img src=x onerror='window.hacked = 1'> five to two.\n\n"
    "It is a shameful decision, {{ 7 * 7 }}, and </textarea></pre><script>window.hacked = 1</script> we will all pay dearly for it."
)
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
AXE = next((path for path in (Path(os.environ.get("AXE", "")), ROOT / "node_modules/axe-core/axe.min.js") if path.is_file()), None)
LOOKS: dict[str, dict[str, Any]] = {
    "desktop": {"viewport": {"width": 1280, "height": 900}},
    "dark": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 360, "height": 740}, "is_mobile": True, "has_touch": True},
}

in_browser = pytest.mark.skipif(
    not CHROMIUM or not importlib.util.find_spec("playwright"),
    reason="no Chromium or no playwright; `apt-get install chromium` and `pip install playwright`",
)


@pytest.fixture(scope="module")
def current() -> CurrentModel:
    return CurrentModel(default_model())


@pytest.fixture
def client(current: CurrentModel) -> FlaskClient:
    return create_app(current).test_client()


def test_the_page_reads_without_javascript(client: FlaskClient) -> None:
    """A form that is sent gives the article with its passages marked in words, what was left out with kind and reason, and the share."""
    page = BeautifulSoup(client.post("/", data={"article": ESSAY.read_text("utf-8")}).data, "html.parser")
    result = client.post("/v1/classify", json={"text": ESSAY.read_text("utf-8")}).json
    marks = [mark.strong.get_text() for mark in page.select(".passage .mark")]
    labels = [block["label"] for block in result["blocks"] if block["kind"] == "body"]
    assert marks == [{"editorial": "Editorial", "reporting": "Reporting", None: "Too little to say"}[label] for label in labels]
    assert f"{result['editorial_share']:.0%}" in page.select_one(".share").get_text()
    assert len(page.select(".folded li")) == sum(block["kind"] not in ("body", "subheading") for block in result["blocks"])
    assert page.select(".folded .reason")


def test_files_and_two_articles_are_read(client: FlaskClient) -> None:
    """A file is read as what it is; two articles stand side by side."""
    form = {"article_file": (BytesIO(STORY.read_bytes()), STORY.name), "other": ESSAY.read_text("utf-8")}
    page = BeautifulSoup(client.post("/", data=form).data, "html.parser")
    assert len(page.select(".readings.two > article")) == 2
    assert TOLD in page.article.get_text()


def test_two_articles_on_one_event_say_what_they_share(client: FlaskClient) -> None:
    """Beside a passage that stands in both articles it says so, in each; beside one that only one tells, that. Articles with nothing in common say nothing."""
    shared = "The harbour board voted 5-2 on Monday evening to close the east pier of Ostrand for repairs until October."
    own = "Fishmongers in Net Street, who were not asked, will take the matter to the mayor on Friday, their guild said."
    form = {"article": f"{shared}\n\n{own}", "other": shared.replace("on Monday evening", "late on Monday")}
    page = BeautifulSoup(client.post("/", data=form).data, "html.parser")
    said = [[note.get_text() for note in article.select(".beside")] for article in page.select("article")]
    assert said[0][0].startswith("In the other article too, as passage 1:") and said[0][1] == "Told only here."
    assert [note[:38] for note in said[1]] == ["In the other article too, as passage 1"]
    apart = client.post("/", data={"article": ESSAY.read_text("utf-8"), "other": own}).data
    assert not BeautifulSoup(apart, "html.parser").select(".beside")


def test_a_problem_is_told_and_the_text_kept(current: CurrentModel) -> None:
    """What cannot be read is said on the page, with the right status, and the person's text is still there."""
    client = create_app(current, Limits(characters=50, body=5_000)).test_client()
    answer = client.post("/", data={"article": "word " * 20})
    page = BeautifulSoup(answer.data, "html.parser")
    assert answer.status_code == 413
    assert "--max-characters" in page.select_one("[role=alert]").get_text()
    assert page.textarea.get_text().strip() == ("word " * 20).strip()
    assert client.post("/", data={"article": " "}).status_code == 422
    assert client.post("/", data={"article": "word " * 2_000}).status_code == 413


def test_text_is_never_markup(client: FlaskClient) -> None:
    """Whatever stands in an article comes out as text; no script of it, and none inline at all, is in the page."""
    page = BeautifulSoup(client.post("/", data={"article": HOSTILE, "form": "text"}).data, "html.parser")
    assert [script.get("src") for script in page.select("script")] == ["/static/page.js"]
    assert not page.select("img, [style], [onerror], [onclick], style")
    assert "<img src=x onerror='window.hacked = 1'>" in page.select_one(".copy").get_text()
    assert "{{ 7 * 7 }}" in page.select_one(".copy").get_text()
    policy = client.get("/").headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy


@pytest.mark.skipif(not shutil.which("curl"), reason="no curl; `apt-get install curl`")
def test_the_curl_line_gives_the_json(server: Served) -> None:
    """The command on the page, pasted into a shell, gives the very JSON that the page shows, quotation marks and all."""
    import requests

    text = '\'Tis a $(shameful) decision, "they" said; `we` will all pay dearly for it.\n\n@The board voted 5-2 on Monday & went home at eight.'
    page = BeautifulSoup(requests.post(server.url, data={"article": text}, timeout=PATIENCE).content, "html.parser")
    curl, shown = (code.pre.get_text() for code in page.select(".code"))
    assert shlex.split(curl)[0] == "curl"
    answer = subprocess.run(["sh", "-c", curl], capture_output=True, check=True)
    assert json.loads(answer.stdout) == json.loads(shown)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(params=LOOKS)
def page(request: pytest.FixtureRequest, browser: Browser, server: Served) -> Iterator[Page]:
    """A page that complains about anything on its console and about any request to another host."""
    context = browser.new_context(**LOOKS[request.param])
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda asked: complaints.append(asked.url) if not asked.url.startswith(server.url) else None)
    page.goto(server.url)
    yield page
    context.close()
    assert not complaints


def press(page: Page) -> None:
    """The button is pressed and the answer is there: what a locator lists without waiting (`all`, `evaluate`) would else be the form's page."""
    with page.expect_navigation():
        page.get_by_role("button", name="Read it").click()


@in_browser
def test_an_article_is_read_in_the_browser(page: Page) -> None:
    """Pasting and pressing the button shows the reading; what was left out and what tipped a passage unfold; nothing is cut off at the side."""
    page.get_by_label("The article, as text or HTML").fill(ESSAY.read_text("utf-8"))
    press(page)
    page.locator(".folded summary").first.click()
    page.locator(".why summary").first.click()
    assert page.locator(".folded .kind").first.is_visible()
    assert page.locator(".terms").first.is_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@in_browser
def test_two_articles_stand_side_by_side_where_there_is_room(page: Page) -> None:
    """The second article stands beside the first on a desktop, below it on a phone."""
    page.get_by_label("The article, as text or HTML").fill(ESSAY.read_text("utf-8"))
    page.get_by_text("Compare with a second").click()
    page.get_by_label("The second article").fill(STORY.read_text("utf-8"))
    press(page)
    first, second = (article.bounding_box() for article in page.locator("article").all())
    assert first
    assert second
    wide = (page.viewport_size or {"width": 0})["width"] > 1_000
    assert (second["x"] > first["x"] + first["width"] - 1) if wide else (second["y"] > first["y"])


@in_browser
def test_the_page_works_from_the_keyboard(page: Page) -> None:
    """Tab reaches the text, the button and what unfolds; Enter does what a click does."""
    page.get_by_label("The article, as text or HTML").focus()
    page.keyboard.insert_text(ESSAY.read_text("utf-8"))
    for _ in range(10):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.type") == "submit":
            break
    page.keyboard.press("Enter")
    page.wait_for_selector("article")
    page.locator(".folded summary").first.focus()
    page.keyboard.press("Enter")
    assert page.locator(".folded .kind").first.is_visible()


@in_browser
def test_a_dropped_file_is_taken(page: Page) -> None:
    """A file dropped on the text becomes the article."""
    page.evaluate(
        """([text, name]) => {
          const held = new DataTransfer();
          held.items.add(new File([text], name));
          document.querySelector(".slot").dispatchEvent(new DragEvent("drop", {dataTransfer: held, bubbles: true, cancelable: true}));
        }""",
        [STORY.read_text("utf-8"), STORY.name],
    )
    press(page)
    assert TOLD in page.locator("article").inner_text()


@in_browser
def test_hostile_text_does_nothing(page: Page) -> None:
    """No script in an article runs, as text or as HTML."""
    for form in ("text", "HTML"):
        page.get_by_label("The article, as text or HTML").fill(HOSTILE)
        page.get_by_label(form, exact=True).check()
        press(page)
        assert page.evaluate("window.hacked === undefined")


@in_browser
@pytest.mark.skipif(not AXE, reason="no axe-core; `npm install axe-core`, or name its axe.min.js in AXE")
@pytest.mark.parametrize("look", LOOKS)
def test_everybody_can_use_it(browser: Browser, server: Served, look: str) -> None:
    """axe finds nothing to object to, contrast included: not in the form, a reading, a comparison, or a problem."""
    assert AXE
    context = browser.new_context(**LOOKS[look], bypass_csp=True)
    page = context.new_page()
    for article, other in (("", ""), (ESSAY.read_text("utf-8"), ""), (ESSAY.read_text("utf-8"), STORY.read_text("utf-8")), (" ", "")):
        page.goto(server.url)
        if article:
            page.get_by_label("The article, as text or HTML").fill(article)
            page.get_by_text("Compare with a second").click()
            page.get_by_label("The second article").fill(other)
            press(page)
        page.evaluate("document.querySelectorAll('details').forEach(details => { details.open = true })")
        page.add_script_tag(path=AXE)
        found = page.evaluate("axe.run().then(report => report.violations.map(broken => [broken.id, broken.nodes.map(node => node.html)]))")
        assert found == []
    context.close()


@in_browser
@pytest.mark.parametrize("look", LOOKS)
def test_the_report_is_read_on_any_screen_and_on_paper(look: str, browser: Browser, tmp_path: Path) -> None:
    """Nothing is cut off at the side, letters in drawings can be read, evidence is three clicks away, and paper shows all that folds."""
    (tmp_path / "results.jsonl").write_text("".join(json.dumps(of_row(row)) + "\n" for row in ROWS), "utf-8")
    made = CliRunner().invoke(main, ["report", str(tmp_path / "results.jsonl"), "-o", str(tmp_path / "report.html"), "--stories", "--by", "month"])
    assert made.exit_code == 0, made.output
    page = browser.new_context(**LOOKS[look]).new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.goto((tmp_path / "report.html").as_uri())
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth") and not complaints
    letters = page.locator(".chart text").first
    assert letters.evaluate("text => text.getBoundingClientRect().height") > 9
    names = page.locator(".chart text", has_text=".example").first
    assert names.evaluate("text => getComputedStyle(text).fill") == page.evaluate("getComputedStyle(document.body).color")
    page.get_by_role("link", name="Stories").click()
    page.locator("#table-stories ~ tbody a").first.click()
    page.locator("#stories ~ details summary").first.click()
    shared = page.locator("#stories ~ details td")
    assert shared.first.is_visible() and not shared.last.is_visible()
    page.emulate_media(media="print")
    assert shared.last.bounding_box()
    page.context.close()
