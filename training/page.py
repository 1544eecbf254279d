"""Page -> blocks: one pass over the source of an HTML page.

The scanner is our own because the result needs what no parser gives: the place of every block in the source, and no loss on pages that
a tree builder damages. It follows the HTML standard where that decides which text is seen (tags, attributes, raw text, comments, implied
ends) and keeps for each block the chain of elements it stands in. No text is dropped for the tag it stands in; that is for `kinds`.
"""

from __future__ import annotations

import re
from html import unescape
from typing import NamedTuple

from training.article import MAX_BLOCKS, Block, Element, folded, too_many_blocks

RAW = ("script", "style", "title", "textarea", "iframe", "xmp")
"""Elements whose content is text up to their own end tag, whatever it looks like."""
SEEN_RAW = ("textarea", "xmp")
"""Those of them whose content a reader of the page sees."""
DECLARING = frozenset(("meta", "link", "title", "script"))

INLINE = frozenset(
    "a abbr acronym b bdi bdo big br cite code data del dfn em font i img ins kbd label mark q s samp small span strike strong sub sup time tt u var wbr"
    " area base col embed link meta param source track".split()
)
"""Elements that do not end a block of themselves; all others do. `br` does when it stands twice."""

VOID = frozenset("hr input area base br col embed img link meta param source track wbr".split())

ENDED_BY = {
    **dict.fromkeys(
        "address article aside blockquote center details dialog div dl fieldset figcaption figure footer form"
        " h1 h2 h3 h4 h5 h6 header hr main menu nav ol p pre section table ul".split(),
        frozenset({"p"}),
    ),
    "li": frozenset({"li", "p"}),
    "dt": frozenset({"dt", "dd", "p"}),
    "dd": frozenset({"dt", "dd", "p"}),
    "tr": frozenset({"td", "th", "tr", "p"}),
    "td": frozenset({"td", "th", "p"}),
    "th": frozenset({"td", "th", "p"}),
    "option": frozenset({"option"}),
    "body": frozenset({"head"}),
}
"""Which open elements a start tag ends without a word (HTML standard, 13.1.2.4, optional tags)."""

_ATTRIBUTES = r"""(?:[^>=]++|=\s*+(?:"[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z))?+)*+"""
_RAW = "|".join(rf"{tag}(?=[\s/>]){_ATTRIBUTES}(?:>[^<]*+(?:<(?!/{tag}\b)[^<]*+)*+(?:<[^>]*+>|\Z)|\Z)" for tag in RAW)
_COMMENT = r"!--(?:-?>|[^-]*+(?:-(?!-!?>)[^-]*+)*+(?:--!?>|\Z))"
MARKUP = re.compile(rf"(<(?:{_RAW}|/?[a-z]{_ATTRIBUTES}(?:>|\Z)|{_COMMENT}|[!?/][^>]*+(?:>|\Z)))", re.IGNORECASE | re.ASCII)
"""A tag, a raw element as a whole, a comment or a declaration. Every alternative takes what it began, to the end of the source if need be,
and never goes back: the scan is linear."""

_TAG = re.compile(rf"</?[a-z]{_ATTRIBUTES}>", re.IGNORECASE | re.ASCII)
_RAW_END = {tag: re.compile(rf"</{tag}\b", re.IGNORECASE | re.ASCII) for tag in RAW}
_NAME = re.compile(r"</?([a-z][^\s/>]*)", re.IGNORECASE)
_HINTS = re.compile(r"""[\s"'](?:class|id|role|itemprop|data-testid|aria-label)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]+))""")
_HIDDEN = re.compile(r"""\s(?:hidden(?=[\s=/>])|style\s*=\s*["'][^"']*display:\s*none|aria-hidden\s*=\s*["']?true)""")
_HINTS_LIMIT = 200
RESCUES = 8
"""How often a construct that is never closed may be taken back to its first `>`; each costs one more scan of what follows."""


class Page(NamedTuple):
    """A page's blocks in reading order, and the markup that may declare what it is: its meta, link, title and script elements."""

    blocks: list[Block]
    declarations: list[str]


def read_page(source: str) -> Page:
    """Read a page; the blocks' places are character offsets into `source`. Raises InputError (`too-large`)."""
    reader = _Reader()
    position = 0
    for _ in range(RESCUES):
        position = reader.read(source, position)
        if position == len(source):
            break
    else:
        reader.read(source, position, rescue=False)
    reader.end_block()
    return Page(reader.blocks, reader.declarations)


class _Reader:
    """The state between two pieces of markup: what is open, and the runs of text of the block under way."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.element: Element | None = None
        self.open: dict[str, int] = {}
        self.runs: list[tuple[int, str]] = []
        self.linked = 0
        self.in_link = False
        self.linking: Element | None = None
        self.declarations: list[str] = []
        self.broken = False
        self.known: dict[str, tuple[str, bool, bool, str]] = {}

    def read(self, source: str, position: int, rescue: bool = True) -> int:
        """Read on from `position`; the end of the source, or where to read on after a construct that would swallow the rest."""
        known = self.known
        parts = MARKUP.split(source[position:] if position else source)
        if rescue and len(parts) > 1 and not parts[-1]:
            resume = swallowed(parts[-2])
            if resume:
                parts[-2:] = [parts[-2][:resume]]
        runs = self.runs
        for text, markup in zip(parts[::2], parts[1::2], strict=False):
            if text:
                if not text.isspace():
                    self.text(position, text)
                elif runs:
                    runs.append((position, " "))
                position += len(text)
            tag = known.get(markup)
            if tag is None:
                tag = known[markup] = _tag(markup)
            name, opens, inline, hints = tag
            if not inline:
                if runs:
                    self.end_block()
                if opens:
                    self.start(name, hints)
                elif self.open.get(name):
                    self.end(name)
            elif name:
                self.inline(name, opens and bool(hints), position, markup)
            position += len(markup)
        if len(parts) % 2 and parts[-1]:
            if not parts[-1].isspace():
                self.text(position, parts[-1])
            position += len(parts[-1])
        return position

    def text(self, position: int, text: str) -> None:
        self.runs.append((position, text))
        self.broken = False
        if self.in_link:
            self.linked += len(text)

    def inline(self, name: str, links: bool, position: int, markup: str) -> None:
        """What stands inside a block and is more than its text."""
        if name == "a":
            self.linking = self.element if links else None
            self.in_link = links
        elif name == "br":
            self.line_break(position)
        elif name in DECLARING:
            self.declarations.append(markup)
        elif name in SEEN_RAW and markup[1] != "/":
            self.raw_text(position, markup, name)

    def line_break(self, position: int) -> None:
        """One `<br>` is white space, the second in a row ends the block."""
        if self.broken and self.runs:
            self.end_block()
        elif self.runs:
            self.runs.append((position, " "))
        self.broken = True

    def raw_text(self, position: int, markup: str, name: str) -> None:
        tag = _TAG.match(markup)
        begin = tag.end() if tag else len(markup)
        ending = _RAW_END[name].search(markup, begin)
        content = markup[begin : ending.start() if ending else len(markup)]
        self.end_block()
        if content and not content.isspace():
            self.runs.append((position + begin, content))
            self.end_block()

    def start(self, name: str, hints: str) -> None:
        element, ended = self.element, ENDED_BY.get(name)
        if ended:
            while element is not None and element.tag in ended:
                self.open[element.tag] -= 1
                element = element.parent
        if name not in VOID:
            element = Element(name, hints, element, element.depth + 1 if element else 0)
            self.open[name] = self.open.get(name, 0) + 1
        self.element = element

    def end(self, name: str) -> None:
        """Close up to the innermost open element of that name; there is one."""
        element = self.element
        while element is not None:
            self.open[element.tag] -= 1
            found = element.tag == name
            if element is self.linking:
                self.linking, self.in_link = None, False
            element = element.parent
            if found:
                break
        self.element = element

    def end_block(self) -> None:
        runs = self.runs
        if not runs:
            return
        while runs[-1][1] == " ":
            runs.pop()
        begin, first = runs[0]
        position, final = runs[-1]
        raw = first if len(runs) == 1 else "".join([text for _, text in runs])
        text = folded(unescape(raw) if "&" in raw else raw)
        if text:
            start = begin + len(first) - len(first.lstrip())
            end = position + len(final.rstrip())
            self.blocks.append(Block(text, start, end, (), self.element, min(self.linked, len(text))))
            if len(self.blocks) > MAX_BLOCKS:
                raise too_many_blocks()
        runs.clear()
        self.linked = 0
        self.broken = False


def _tag(markup: str) -> tuple[str, bool, bool, str]:
    """Name, whether it opens, whether it stands inside a block (as raw elements, comments and declarations do), and its hints
    (of an `a`: whether it links)."""
    match = _NAME.match(markup)
    if match is None:
        return "", False, True, ""
    name = match[1].lower()
    opens = markup[1] != "/"
    inline = name in INLINE or (opens and name in RAW)
    if name == "a":
        return name, opens, inline, "link" if opens and ("href" in markup or "HREF" in markup) else ""
    return name, opens, inline, _hints(markup) if opens and not inline else ""


def _hints(markup: str) -> str:
    if "=" not in markup and "hidden" not in markup:
        return ""
    markup = markup.lower()
    hints = " ".join([double or single or bare for double, single, bare in _HINTS.findall(markup)])[:_HINTS_LIMIT]
    return f"{hints} hidden" if ("hidden" in markup or "none" in markup) and _HIDDEN.search(markup) else hints


def swallowed(markup: str) -> int:
    """Where to read on inside a construct that took the rest of the source without being closed, 0 when it was closed."""
    if markup.startswith("<!--"):
        closed = markup.endswith(("-->", "--!>")) or len(markup) < 6
    elif match := _NAME.match(markup):
        tag = _TAG.match(markup)
        raw = markup[1] != "/" and match[1].lower() in RAW
        closed = tag is not None and not (raw and (_RAW_END[match[1].lower()].search(markup, tag.end()) is None or not markup.endswith(">")))
    else:
        closed = markup.endswith(">")
    return 0 if closed else markup.find(">") + 1
