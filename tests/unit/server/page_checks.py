"""What a page owes to people with a keyboard, a screen reader, or weak eyes; our own checks.

The rules are those of WCAG 2.2 that markup and style sheet can show: names of controls (4.1.2),
heads of tables (1.3.1), one main heading and no level left out (1.3.1), ids that occur once,
a language (3.1.1), names of pictures and regions (1.1.1), and contrast (1.4.3: 4.5 to 1 for
text; 1.4.11: 3 to 1 for what must be seen).
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

STYLES = Path(__file__).parents[3] / "server" / "static" / "pages.css"
VOID = frozenset(
    [
        *("meta", "link", "input", "br", "img", "hr"),
        *("rect", "circle", "polygon", "polyline", "path", "source"),
    ]
)
SCOPES = frozenset({"col", "row", "rowgroup"})
CONTROLS = frozenset({"input", "select", "textarea"})


@dataclass(eq=False)
class Element:
    """An element of a page, with what is in it."""

    name: str
    attributes: dict[str, str]
    parent: "Element | None" = None
    inside: list["Element | str"] = field(default_factory=list)

    def all(self, *names: str) -> Iterator["Element"]:
        """The elements of these names below it, in order."""
        for one in self.inside:
            if isinstance(one, Element):
                if one.name in names:
                    yield one
                yield from one.all(*names)

    @property
    def text(self) -> str:
        """What a screen reader reads of it."""
        if self.attributes.get("aria-hidden") == "true":
            return ""
        return "".join(one if isinstance(one, str) else one.text for one in self.inside)

    @property
    def above(self) -> Iterator["Element"]:
        """What it is in."""
        one = self.parent
        while one is not None:
            yield one
            one = one.parent


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.root = Element("root", {})
        self._at = self.root

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = Element(tag, {name: value or "" for name, value in attrs}, self._at)
        self._at.inside.append(found)
        if tag not in VOID:
            self._at = found

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = Element(tag, {name: value or "" for name, value in attrs}, self._at)
        self._at.inside.append(found)

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        one: Element | None = self._at
        while one is not None and one.name != tag:
            one = one.parent
        assert one is not None, f"</{tag}> ends nothing"
        assert one is self._at, f"</{tag}> ends <{self._at.name}>"
        assert one.parent is not None
        self._at = one.parent

    def handle_data(self, data: str) -> None:
        self._at.inside.append(data)


def parsed(html: str) -> Element:
    """A page as a tree; whatever is opened is closed."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.root


def faults(html: str) -> list[str]:
    """What a page lacks."""
    page = parsed(html)
    every = list(page.all(*{one.name for one in _every(page)}))
    ids = Counter(one.attributes["id"] for one in every if "id" in one.attributes)
    found = [f"id {name} occurs {count} times" for name, count in ids.items() if count > 1]
    found += _whole(page)
    for one in every:
        found += _element(one, set(ids))
    return found


def _every(of: Element) -> Iterator[Element]:
    for one in of.inside:
        if isinstance(one, Element):
            yield one
            yield from _every(one)


def _whole(page: Element) -> list[str]:
    found = []
    (root,) = page.all("html")
    if not root.attributes.get("lang"):
        found.append("html: no language")
    levels = [int(one.name[1]) for one in page.all("h1", "h2", "h3", "h4", "h5", "h6")]
    if levels.count(1) != 1 or levels[0] != 1:
        found.append(f"headings: expected one h1, first; found {levels}")
    found += [
        f"headings: h{after} comes after h{before}"
        for before, after in pairwise(levels)
        if after > before + 1
    ]
    first = next((one for one in page.all("a", "button", "input")), None)
    if first is None or first.attributes.get("href") != "#main":
        found.append("the first link does not skip to the figures")
    return found


def _element(one: Element, ids: set[str]) -> list[str]:
    where = f"<{one.name} {' '.join(f'{k}={v[:30]!r}' for k, v in one.attributes.items())}>"
    found = []
    named = bool(one.attributes.get("aria-label"))
    for reference in ("aria-labelledby", "aria-describedby"):
        wanted = one.attributes.get(reference, "").split()
        found += [f"{where}: {reference} names nothing" for name in wanted if name not in ids]
        named = named or bool(wanted)
    rules = {
        "no label": _is_control(one) and not (named or _has_label(one)),
        "says nothing": one.name in {"a", "button", "summary"} and not (one.text.strip() or named),
        "no scope": one.name == "th" and one.attributes.get("scope") not in SCOPES,
        "no heads": one.name == "table" and not list(one.all("th")),
        "no name": not named
        and (one.name == "nav" or one.attributes.get("role") in {"img", "region"}),
        "neither named nor hidden": one.name == "svg"
        and "img" not in one.attributes.get("role", "")
        and one.attributes.get("aria-hidden") != "true",
        "the keyboard cannot scroll it": "scroll" in one.attributes.get("class", "").split()
        and "tabindex" not in one.attributes,
        "scripts and styles do not stand in pages": "style" in one.attributes
        or any(name.startswith("on") for name in one.attributes),
    }
    return found + [f"{where}: {fault}" for fault, holds in rules.items() if holds]


def _is_control(one: Element) -> bool:
    hidden = one.attributes.get("type") == "hidden" or "hidden" in one.attributes
    return one.name in CONTROLS and not hidden


def _has_label(one: Element) -> bool:
    return any(each.name == "label" and each.text.strip() for each in one.above)


def palettes(css: str) -> dict[str, dict[str, str]]:
    """The colours of light, dark by choice of the machine, dark by hand, and print."""
    found = {}
    for name, start in (
        ("light", ':root:not([data-theme="dark"])'),
        ("dark of the machine", ":root:not([data-theme]) {"),
        ("dark by hand", '\n[data-theme="dark"] {'),
        ("print", "@media print"),
    ):
        block = css[css.index(start) :]
        block = block[block.index("--ground") : block.index("}", block.index("--ground"))]
        found[name] = dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{6})", block))
    return found


def contrast(one: str, other: str) -> float:
    """The contrast of two colours, 1 to 21, as WCAG 2 defines it.

    >>> round(contrast("#000000", "#ffffff"), 1)
    21.0
    """
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
