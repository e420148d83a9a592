"""The report: for people in two languages, for programs, and nothing in it that runs."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime

import pytest

from edge.audit.binding import Binding
from edge.audit.finding import Finding, Part, Status, Words, failures, judged
from edge.audit.report import texts
from edge.audit.report.appendix import MOST_LINES
from edge.audit.report.machine import as_json
from edge.audit.report.page import as_html
from edge.audit.report.text import as_text
from edge.audit.report.titles import MATTERS, SUBJECTS, WHOLE, title
from edge.audit.report.values import Report

BINDING = Binding(
    "0.1.0",
    "checkout",
    "ab" * 32,
    {"numpy-2": "cd" * 32},
    {"m.onnx": "ef" * 32},
    ("/etc/encounter/site.toml", "01" * 32),
    "Linux 6.18 x86_64, Python 3.11.7",
)
HOW, FOUND = Words("How <it> was", "如何<检查>"), Words("Found “it”", "发现“它”")


def finding(check: str, status: Status, part: Part = Part.RUNNING, lines: int = 1) -> Finding:
    evidence = tuple(f"line {number} <script>alert(1)</script>" for number in range(lines))
    return Finding(check, part, status, HOW, FOUND, evidence)


def report(*findings: Finding, as_root: bool = True) -> Report:
    return Report(datetime(2027, 3, 1, 9, tzinfo=UTC), as_root, BINDING, findings)


WHOLE_REPORT = report(
    finding("vision.seccomp", Status.HOLDS, lines=MOST_LINES + 4),
    finding("edge.sockets", Status.FAILS),
    finding("vision.user", Status.NOT_CHECKED),
    finding("canary.pixels", Status.HOLDS, Part.CANARY),
    finding("leak.socket", Status.HOLDS, Part.LEAKS),
)


def test_both_languages_say_everything() -> None:
    page = as_html(WHOLE_REPORT)
    for words in (*texts.LIMITS, *texts.PARTS.values(), texts.CLAIM, texts.SOME_FAIL):
        assert words.en.replace("'", "&#x27;") in page
        assert words.zh in page
    for digest in ("ab" * 32, "cd" * 32, "ef" * 32, "01" * 32):
        assert page.count(digest) == 2
    assert page.count("How &lt;it&gt; was") == page.count("如何&lt;检查&gt;") == 5
    assert "and 4 more, in the JSON report" in page


def test_it_is_one_file_that_runs_and_fetches_nothing() -> None:
    page = as_html(WHOLE_REPORT)
    assert "<script" not in page
    assert "javascript:" not in page
    assert re.findall(r"(?:src|href)=\"(?!#)", page) == []
    assert re.findall(r"url\(|@import|https?://", page) == []


def test_no_claim_that_is_not_made() -> None:
    said = as_html(WHOLE_REPORT) + as_json(WHOLE_REPORT)
    assert "anonym" not in said.lower()
    assert "匿名" not in said


def test_a_failure_comes_before_all_else() -> None:
    page = as_html(WHOLE_REPORT)
    assert page.index(texts.FAILING.en) < page.index(texts.NOT_CHECKED.en)
    assert page.index(texts.NOT_CHECKED.en) < page.index(texts.PARTS[Part.RUNNING].en)
    assert WHOLE_REPORT.fails
    assert failures(WHOLE_REPORT.findings) == (WHOLE_REPORT.findings[1],)


@pytest.mark.parametrize(
    ("findings", "verdict"),
    [
        ((finding("a.b", Status.HOLDS), finding("a.c", Status.NOT_CHECKED)), texts.ALL_HOLD),
        ((finding("a.c", Status.NOT_CHECKED),), texts.NOTHING),
        ((finding("a.b", Status.HOLDS), finding("a.c", Status.FAILS)), texts.SOME_FAIL),
    ],
)
def test_the_verdict_follows_from_the_findings(
    findings: tuple[Finding, ...], verdict: Words
) -> None:
    assert f"<strong>{verdict.en}</strong>" in as_html(report(*findings))


def test_the_json_holds_every_line() -> None:
    document = json.loads(as_json(WHOLE_REPORT))
    assert document["counts"] == {"holds": 3, "fails": 1, "not_checked": 1}
    assert len(document["findings"][0]["evidence"]) == MOST_LINES + 4
    assert document["audited"]["configuration"]["sha256"] == "01" * 32
    assert document["findings"][1]["found"] == {"en": FOUND.en, "zh": FOUND.zh}


def test_the_terminal_shows_a_failures_evidence() -> None:
    lines = as_text(WHOLE_REPORT).splitlines()
    assert lines[-1] == "3 holds, 1 fails, 1 not_checked"
    assert lines[2].strip().startswith("line 0")


def test_a_report_by_an_ordinary_user_says_so() -> None:
    assert texts.NOT_ROOT.en in as_html(report(finding("a.b", Status.HOLDS), as_root=False))


def test_every_title_has_both_languages() -> None:
    for words in (*SUBJECTS.values(), *MATTERS.values(), *WHOLE.values()):
        assert words.en.isascii()
        assert any(ord(letter) > 0x4E00 for letter in words.zh)
    assert title(finding("relay.swap", Status.HOLDS)).en.startswith("Stream process: ")
    assert title(finding("other.low_bits", Status.HOLDS)).en == "other: low bits"
    planted = finding("leak.frame-to-disk", Status.HOLDS, Part.LEAKS)
    assert title(planted).en == "Planted leak: frame to disk"


def test_problems_make_a_failure_and_stand_first() -> None:
    made = judged("a.b", Part.RUNNING, HOW, ["bad"], holds=FOUND, evidence=["plain"])
    assert (made.status, made.evidence) == (Status.FAILS, ("bad", "plain"))
    assert judged("a.b", Part.RUNNING, HOW, [], holds=FOUND).status is Status.HOLDS


def test_parts_that_were_not_run_are_named() -> None:
    page = as_html(report(finding("vision.seccomp", Status.HOLDS)))
    for words in (texts.NOT_RUN, texts.PARTS[Part.CANARY], texts.PARTS[Part.LEAKS]):
        assert words.en in page
        assert words.zh in page
    assert texts.NOT_RUN.en not in as_html(WHOLE_REPORT)


def test_checks_on_an_auditors_film_say_so() -> None:
    named = title(finding("film.calls", Status.HOLDS, Part.CANARY))
    assert named.en == "With the auditor's film: What the camera process asked for"
    assert title(finding("film.search", Status.HOLDS, Part.CANARY)) == WHOLE["film.search"]
