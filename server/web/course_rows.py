"""The rows of a course's table, as texts: there are hundreds on a page, so each is written once."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from server.course import Brief, Step
from server.figures import changes
from server.periods import StoreTime
from server.released_week import Comparability
from server.statistics import Quantile
from server.suppression import Suppressed
from server.web.words import Words


@dataclass(frozen=True, slots=True)
class Written:
    """A figure, and its interval without brackets; both empty: suppressed."""

    value: str = ""
    within: str = ""


@dataclass(frozen=True, slots=True)
class CourseRow:
    """A released cell of a course, or a gap in it.

    Attributes:
        start_s, end_s: its period, seconds since 1970.
        drawn: what the chart draws, by the name of the attribute: seconds.
        when: its period on the store's clock.
        visits: how many; none: a gap.
        gap: why there are no figures.
        figures: in the order of the table's columns.
        seen: coverage and certainty.
        cut: what changed before it, so that it is not strictly comparable with the cell before;
            empty: nothing.
    """

    start_s: int
    end_s: int
    drawn: tuple[tuple[str, float], ...]
    when: str
    visits: int | None
    gap: str | None
    figures: tuple[Written, ...] = ()
    seen: str = ""
    cut: str = ""


def course_rows(
    words: Words, steps: Iterable[Step], time: StoreTime, *, dated: bool
) -> Iterator[CourseRow]:
    """The rows of these steps, in their order."""
    before: Comparability | None = None
    for step in steps:
        brief = step.brief
        period = step.period
        made = before if step.cell is None else step.cell.comparability
        yield CourseRow(
            start_s=int(period.start.timestamp()),
            end_s=int(period.end.timestamp()),
            drawn=() if brief is None else _drawn(brief.time),
            when=words.spans([period], time, dated=dated),
            visits=None if brief is None else brief.visits,
            gap=None if step.gap is None else step.gap.value,
            figures=() if brief is None else tuple(_figures(words, brief)),
            seen="" if brief is None else _seen(words, step, brief),
            cut=_cut(words, before, made),
        )
        before = made


def _cut(words: Words, before: Comparability | None, made: Comparability | None) -> str:
    if before is None or made is None or before == made:
        return ""
    return words("time.comma").join(words(f"cut.{name}") for name in changes(before, made))


def _drawn(time: Quantile | Suppressed) -> tuple[tuple[str, float], ...]:
    if isinstance(time, Suppressed):
        return ()
    low_s = time.more_than_s if time.value_s is None else time.low_s
    named = {"value": time.value_s, "low": low_s, "high": time.high_s}
    return tuple((name, round(at_s, 1)) for name, at_s in named.items() if at_s is not None)


def _figures(words: Words, brief: Brief) -> Iterator[Written]:
    if isinstance(brief.time, Suppressed):
        yield Written()
    else:
        yield Written(words.quantile(brief.time), words.quantile_range(brief.time))
    if brief.served_within is None:
        return
    for share in (brief.served_within, brief.left_unserved):
        if isinstance(share, Suppressed):
            yield Written()
        else:
            yield Written(words.percent(share.value), words.percent_range(share))


def _seen(words: Words, step: Step, brief: Brief) -> str:
    certain = brief.certainty
    parts = words(
        "table.parts",
        bridged=words.percent(certain.bridged),
        unknown=words.percent(certain.unknown),
    )
    if step.coverage is None:
        return parts
    return words.percent_range(step.coverage) + words("time.semicolon") + parts
