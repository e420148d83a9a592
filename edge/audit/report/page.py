"""The report for people: one HTML file, both languages, to be printed; no script, no link out.

The first pages are the whole answer: what was checked and how, what was found, what the report
does not cover, and the hashes of what it is about. Every check with its evidence follows in an
appendix, `edge.audit.report.appendix`. One language is shown, and printed, at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from html import escape

from edge.audit.finding import Finding, Part, Status, Words
from edge.audit.report import texts
from edge.audit.report.appendix import anchor, appendix, hashes
from edge.audit.report.style import STYLE
from edge.audit.report.titles import title
from edge.audit.report.values import Report

Say = Callable[[Words], str]
LANGUAGES: tuple[tuple[str, str, Say], ...] = (
    ("en", "English", lambda words: escape(words.en)),
    ("zh-Hans", "中文", lambda words: escape(words.zh)),
)
MARKS = {Status.HOLDS: "✓", Status.FAILS: "✗", Status.NOT_CHECKED: "–"}


def as_html(report: Report) -> str:
    """The whole file."""
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(texts.TITLE.en)} · {escape(texts.TITLE.zh)}</title>",
        f"<style>{STYLE}</style></head><body>",
        *_choice(),
    ]
    for code, _, say in LANGUAGES:
        parts.append(f'<main lang="{code}" id="{code}">')
        parts += _answer(report, say, code)
        parts += appendix(report, say, code)
        parts.append("</main>")
    parts.append("</body></html>")
    return "\n".join(parts) + "\n"


def _choice() -> Iterator[str]:
    """Which language is shown, and printed: two buttons, of which one is pressed."""
    for code, _, _ in LANGUAGES:
        checked = " checked" if code == LANGUAGES[0][0] else ""
        yield f'<input type="radio" name="language" id="choose-{code}"{checked}>'
    yield '<nav aria-label="Language · 语言">'
    for code, name, _ in LANGUAGES:
        yield f'<label for="choose-{code}" lang="{code}">{name}</label>'
    yield "</nav>"


def _answer(report: Report, say: Say, code: str) -> Iterator[str]:
    yield f"<h1>{say(texts.TITLE)}</h1>"
    yield from _head(report, say)
    yield f"<p>{say(texts.CLAIM)}</p>"
    yield from _verdict(report, say)
    yield from _failing(report, say)
    yield from _not_checked(report, say)
    yield f"<h2>{say(texts.AT_A_GLANCE)}</h2>"
    marks = (f"{mark} {say(texts.STATUS[status])}" for status, mark in MARKS.items())
    yield f'<p class="marks">{" · ".join(marks)}</p>'
    for part in Part:
        if report.of(part):
            yield f"<h3>{say(texts.PARTS[part])}</h3><p>{say(texts.PART_WORDS[part])}</p>"
            kind = "glance leaks" if part is Part.LEAKS else "glance"
            yield f'<ul class="{kind}">'
            yield from (_line(one, say, code) for one in report.of(part))
            yield "</ul>"
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


def _verdict(report: Report, say: Say) -> Iterator[str]:
    counts = report.counts()
    verdict = texts.ALL_HOLD if counts[Status.HOLDS] else texts.NOTHING
    verdict = texts.SOME_FAIL if report.fails else verdict
    listed = " · ".join(f"{say(texts.STATUS[one])}: {count}" for one, count in counts.items())
    kind = "fails" if report.fails else "holds"
    yield f'<p class="verdict {kind}"><strong>{say(verdict)}</strong><br>{listed}</p>'
    left_out = say(texts.BETWEEN).join(say(texts.PARTS[one]) for one in Part if not report.of(one))
    if left_out:
        yield f"<p><b>{say(texts.NOT_RUN)}</b> {left_out}{say(texts.STOP)}</p>"


def _failing(report: Report, say: Say) -> Iterator[str]:
    failing = [one for one in report.findings if one.status is Status.FAILS]
    if not failing:
        return
    yield f"<h3>{say(texts.FAILING)}</h3><ul>"
    for one in failing:
        first = "".join(f"<br><code>{escape(line)}</code>" for line in one.evidence[:1])
        yield f"<li><b>{say(title(one))}{say(texts.STOP)}</b> {say(one.found)}{first}</li>"
    yield "</ul>"


def _not_checked(report: Report, say: Say) -> Iterator[str]:
    """What was not checked, by the reason for it."""
    reasons: dict[Words, list[Finding]] = {}
    for one in report.findings:
        if one.status is Status.NOT_CHECKED:
            reasons.setdefault(one.found, []).append(one)
    if not reasons:
        return
    yield f"<h3>{say(texts.NOT_CHECKED)}</h3><p>{say(texts.NOT_CHECKED_WORDS)}</p><ul>"
    for why, ones in reasons.items():
        listed = say(texts.BETWEEN).join(say(title(one)) for one in ones)
        yield f"<li><b>{listed}{say(texts.STOP)}</b> {say(why)}</li>"
    yield "</ul>"


def _line(one: Finding, say: Say, code: str) -> str:
    """One check at a glance: its mark, its name or what leaks, and the way to its evidence."""
    mark = f'<span title="{say(texts.STATUS[one.status])}">{MARKS[one.status]}</span>'
    words = one.how if one.part is Part.LEAKS else title(one)
    link = f'<a href="#{escape(anchor(one, code))}">{say(words)}</a>'
    return f'<li class="{one.status}">{mark} {link}</li>'


def _bound(report: Report, say: Say) -> Iterator[str]:
    bound, label = report.binding, texts.LABELS
    yield f"<h2>{say(texts.BOUND)}</h2><p>{say(texts.BOUND_WORDS)}</p>"
    groups: tuple[tuple[Words, dict[str, str]], ...] = (
        (label["software"], {f"encounter {bound.version} ({bound.kind})": bound.tree}),
        (label["configuration"], dict([bound.configuration] if bound.configuration else [])),
        (label["models"], bound.models),
    )
    for name, digests in groups:
        yield from hashes(name, digests, say)
