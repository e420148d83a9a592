"""The report's appendix: every check with its evidence, set small, and the packages' hashes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from html import escape

from edge.audit.finding import Finding, Part, Status, Words
from edge.audit.report import texts
from edge.audit.report.titles import title
from edge.audit.report.values import Report

MOST_LINES, MOST_LINES_OF_FAILURE = 4, 24
MOST_CHARACTERS = 240
Say = Callable[[Words], str]


def anchor(one: Finding, code: str) -> str:
    """Where a finding stands in the appendix of a language."""
    return f"{code}-{one.part}-{one.check}"


def appendix(report: Report, say: Say, code: str) -> Iterator[str]:
    """Every check in the order in which it was made, and what else was hashed."""
    yield f'<div class="appendix"><h2>{say(texts.APPENDIX)}</h2>'
    yield f"<p>{say(texts.APPENDIX_WORDS)}</p>"
    for part in Part:
        if report.of(part):
            yield f'<h3>{say(texts.PARTS[part])}</h3><table class="checks">'
            for one in report.of(part):
                yield from _row(one, say, code)
            yield "</table>"
    yield from hashes(texts.LABELS["packages"], report.binding.packages, say)
    yield "</div>"


def hashes(name: Words, digests: Mapping[str, str], say: Say) -> Iterator[str]:
    """A table of hashes under its name; nothing where there is none."""
    if not digests:
        return
    yield f'<h3>{say(name)}</h3><table class="hashes">'
    for what, digest in digests.items():
        yield f"<tr><td>{escape(what)}</td><td><code>{escape(digest)}</code></td></tr>"
    yield "</table>"


def _row(one: Finding, say: Say, code: str) -> Iterator[str]:
    label = texts.LABELS
    yield f'<tr class="{one.status}" id="{escape(anchor(one, code))}">'
    yield f"<th>{say(title(one))}<br><code>{escape(one.check)}</code>"
    yield f'<br><span class="status">{say(texts.STATUS[one.status])}</span></th>'
    yield f"<td><p><b>{say(label['found'])}:</b> {say(one.found)}</p>"
    if one.part is not Part.LEAKS:  # what leaks stands on the first pages
        yield f"<p><b>{say(label['how'])}:</b> {say(one.how)}</p>"
    if one.evidence:
        yield from _lines(one, say)
    yield "</td></tr>"


def _lines(one: Finding, say: Say) -> Iterator[str]:
    most = MOST_LINES_OF_FAILURE if one.status is Status.FAILS else MOST_LINES
    yield '<ul class="evidence">'
    for line in one.evidence[:most]:
        cut = line if len(line) <= MOST_CHARACTERS else line[:MOST_CHARACTERS] + " …"
        yield f"<li>{escape(cut)}</li>"
    more = len(one.evidence) - most
    if more > 0:
        rest = Words(f"and {more} more, in the JSON report", f"另有 {more} 行，见 JSON 报告")
        yield f"<li>{say(rest)}</li>"
    yield "</ul>"
