"""The printed report: its first pages are the whole answer, in one language at a time."""

from __future__ import annotations

import re
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from edge.audit.binding import Binding
from edge.audit.finding import Finding, Part, Status, Words
from edge.audit.report import texts
from edge.audit.report.page import as_html
from edge.audit.report.style import STYLE
from edge.audit.report.values import Report

CHROMIUM = shutil.which("chromium")
MOST_PAGES = 14  # a report had 52
BINDING = Binding(
    "0.1.0",
    "installed",
    "ab" * 32,
    {f"package-{number}": "cd" * 32 for number in range(8)},
    {f"model-{number}.onnx": "ef" * 32 for number in range(8)},
    ("/etc/encounter/site.toml", "01" * 32),
    "Linux 6.18 x86_64, Python 3.11.7",
)
HOW = Words("Each thing that it has open was looked up in the kernel's tables. " * 3, "查看。" * 30)
FOUND = Words("Each thing that it has open is one that it may have.", "均为其可打开的内容。")


def a_report() -> Report:
    """As large as a whole audit's, each check with ten lines of evidence."""
    lines = tuple(
        f"{number}: /dev/null (read, write) pipe:[{number * 977}]" for number in range(10)
    )
    parts = [Part.RUNNING] * 45 + [Part.CANARY] * 25 + [Part.LEAKS] * 38
    names = ("subject", "canary", "leak")
    findings = tuple(
        Finding(f"{names[tuple(Part).index(part)]}.n{number}", part, status, HOW, FOUND, lines)
        for number, part in enumerate(parts)
        for status in (Status.HOLDS if number % 9 else Status.NOT_CHECKED,)
    )
    return Report(datetime(2027, 3, 1, 9, tzinfo=UTC), True, BINDING, findings)


def test_one_language_is_shown_at_a_time() -> None:
    page = as_html(a_report())
    assert page.count(" checked>") == 1
    for chosen, other in (("en", "zh-Hans"), ("zh-Hans", "en")):
        assert f'<input type="radio" name="language" id="choose-{chosen}"' in page
        assert f'<label for="choose-{chosen}"' in page
        assert f"#choose-{chosen}:checked ~ #{other}" in STYLE


def test_the_answer_comes_first_and_leads_to_the_evidence() -> None:
    page = as_html(a_report())
    main = page[page.index('<main lang="en"') : page.index('<main lang="zh-Hans"')]
    answer, _, appendix = main.partition('<div class="appendix">')
    for words in (texts.ALL_HOLD, texts.NOT_CHECKED, texts.AT_A_GLANCE, texts.OUTSIDE, texts.BOUND):
        assert words.en in answer
    for digest in ("ab" * 32, "ef" * 32, "01" * 32):
        assert digest in answer
    assert "cd" * 32 in appendix
    links, places = (
        re.findall(r'href="#([^"]+)"', answer),
        re.findall(r'<tr[^>]* id="([^"]+)"', main),
    )
    assert links == places
    assert len(links) == len(a_report().findings)


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium, which prints as a reader would")
def test_it_is_short_on_paper(tmp_path: Path) -> None:
    assert CHROMIUM is not None
    (tmp_path / "audit.html").write_text(as_html(a_report()), "utf-8")
    paper = tmp_path / "audit.pdf"
    words = (CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", f"--print-to-pdf={paper}")
    subprocess.run(
        [*words, (tmp_path / "audit.html").as_uri()], check=True, capture_output=True, timeout=120
    )
    pages = len(re.findall(rb"/Type\s*/Page[^s]", paper.read_bytes()))
    assert 4 <= pages <= MOST_PAGES
