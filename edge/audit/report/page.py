"""The report for people: one HTML file, both languages, to be printed; no script, no link out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from html import escape

from edge.audit.finding import Finding, Part, Status, Words
from edge.audit.report import texts
from edge.audit.report.style import STYLE
from edge.audit.report.titles import title
from edge.audit.report.values import Report

MOST_LINES = 12
MOST_CHARACTERS = 400
Say = Callable[[Words], str]
LANGUAGES: tuple[tuple[str, str, Say], ...] = (
    ("en", "English", lambda words: escape(words.en)),
    ("zh-Hans", "中文", lambda words: escape(words.zh)),
)


def as_html(report: Report) -> str:
    """The whole file."""
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(texts.TITLE.en)} · {escape(texts.TITLE.zh)}</title>",
        f"<style>{STYLE}</style></head><body>",
        '<nav><a href="#en">English</a> · <a href="#zh-Hans">中文</a></nav>',
    ]
    for code, _, say in LANGUAGES:
        parts.append(f'<main lang="{code}" id="{code}">')
        parts += _language(report, say)
        parts.append("</main>")
    parts.append("</body></html>")
    return "\n".join(parts) + "\n"


def _language(report: Report, say: Say) -> Iterator[str]:
    yield f"<h1>{say(texts.TITLE)}</h1>"
    yield from _head(report, say)
    yield f"<p>{say(texts.CLAIM)}</p>"
    yield from _summary(report, say)
    for part in Part:
        if report.of(part):
            yield f"<h2>{say(texts.PARTS[part])}</h2><p>{say(texts.PART_WORDS[part])}</p>"
            for finding in report.of(part):
                yield from _finding(finding, say)
    yield f"<h2>{say(texts.OUTSIDE)}</h2><ul>"
    yield from (f"<li>{say(limit)}</li>" for limit in texts.LIMITS)
    yield "</ul>"
    yield from _bound(report, say)


def _head(report: Report, say: Say) -> Iterator[str]:
    label = texts.LABELS
    rows = (
        (label["made"], report.at_utc.strftime("%Y-%m-%d %H:%M:%S UTC")),
        (label["machine"], report.binding.machine),
        (label["rights"], "root" if report.as_root else say(texts.NOT_ROOT)),
        (label["software"], f"encounter {report.binding.version} ({report.binding.kind})"),
    )
    yield '<table class="head">'
    yield from (f"<tr><th>{say(name)}</th><td>{escape(value)}</td></tr>" for name, value in rows)
    yield "</table>"


def _summary(report: Report, say: Say) -> Iterator[str]:
    counts = report.counts()
    verdict = texts.ALL_HOLD if counts[Status.HOLDS] else texts.NOTHING
    verdict = texts.SOME_FAIL if report.fails else verdict
    listed = " · ".join(f"{say(texts.STATUS[one])}: {count}" for one, count in counts.items())
    kind = "fails" if report.fails else "holds"
    yield f'<p class="verdict {kind}"><strong>{say(verdict)}</strong><br>{listed}</p>'
    left_out = say(texts.BETWEEN).join(say(texts.PARTS[one]) for one in Part if not report.of(one))
    if left_out:
        yield f"<p><b>{say(texts.NOT_RUN)}</b> {left_out}{say(texts.STOP)}</p>"
    failing = [one for one in report.findings if one.status is Status.FAILS]
    if failing:
        yield f"<h3>{say(texts.FAILING)}</h3><ul>"
        for one in failing:
            first = "".join(f"<br><code>{escape(line)}</code>" for line in one.evidence[:1])
            yield f"<li><b>{say(title(one))}{say(texts.STOP)}</b> {say(one.found)}{first}</li>"
        yield "</ul>"
    reasons: dict[Words, list[Finding]] = {}
    for one in report.findings:
        if one.status is Status.NOT_CHECKED:
            reasons.setdefault(one.found, []).append(one)
    if reasons:
        yield f"<h3>{say(texts.NOT_CHECKED)}</h3><p>{say(texts.NOT_CHECKED_WORDS)}</p><ul>"
        for why, ones in reasons.items():
            listed = say(texts.BETWEEN).join(say(title(one)) for one in ones)
            yield f"<li><b>{listed}{say(texts.STOP)}</b> {say(why)}</li>"
        yield "</ul>"


def _finding(finding: Finding, say: Say) -> Iterator[str]:
    label = texts.LABELS
    yield f'<section class="{finding.status}"><h3>{say(title(finding))}'
    yield f' <span class="status">{say(texts.STATUS[finding.status])}</span></h3>'
    yield f"<p><b>{say(label['found'])}:</b> {say(finding.found)}</p>"
    yield f"<p><b>{say(label['how'])}:</b> {say(finding.how)}</p>"
    if finding.evidence:
        yield f"<p><b>{say(label['evidence'])}</b> <code>{escape(finding.check)}</code></p>"
        yield from _lines(finding.evidence, say)
    yield "</section>"


def _lines(evidence: Sequence[str], say: Say) -> Iterator[str]:
    yield '<ul class="evidence">'
    for line in evidence[:MOST_LINES]:
        cut = line if len(line) <= MOST_CHARACTERS else line[:MOST_CHARACTERS] + " …"
        yield f"<li>{escape(cut)}</li>"
    more = len(evidence) - MOST_LINES
    if more > 0:
        rest = Words(f"and {more} more, in the JSON report", f"另有 {more} 行，见 JSON 报告")
        yield f"<li>{say(rest)}</li>"
    yield "</ul>"


def _bound(report: Report, say: Say) -> Iterator[str]:
    bound, label = report.binding, texts.LABELS
    yield f"<h2>{say(texts.BOUND)}</h2><p>{say(texts.BOUND_WORDS)}</p>"
    groups: tuple[tuple[Words, dict[str, str]], ...] = (
        (label["software"], {f"encounter {bound.version} ({bound.kind})": bound.tree}),
        (label["packages"], bound.packages),
        (label["models"], bound.models),
        (label["configuration"], dict([bound.configuration] if bound.configuration else [])),
    )
    for name, hashes in groups:
        yield f'<h3>{say(name)}</h3><table class="hashes">'
        for what, digest in hashes.items():
            yield f"<tr><td>{escape(what)}</td><td><code>{escape(digest)}</code></td></tr>"
        yield "</table>"
