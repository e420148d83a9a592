"""Figures as rows of a table, for exports: the same figures as in JSON, an empty field suppressed.

Texts that a spreadsheet would take for a formula get an apostrophe in front.
"""

import csv
import io
from collections.abc import Iterable, Sequence

from server.answers import PointAnswer
from server.course import Step
from server.figures import PointFigures
from server.periods import Period, StoreTime
from server.queries import CoverageRange, PointView, StoreView
from server.standings import Standing
from server.statistics import Quantile, Share
from server.suppression import Suppressed
from server.totals import StoreTotal

Field = str | int | float | None
SHARES = (
    *("served_within", "greeted_within", "left_unserved", "abandoned"),
    *("flawless", "recovered"),
)
QUANTILES = (
    *("waiting_median", "waiting_p90", "greeting_median", "greeting_p90"),
    "interaction_median",
)
NOT_OF_A_QUEUE = frozenset(
    {
        *("served_within", "greeted_within", "waiting_median", "waiting_p90"),
        *("flawless", "recovered"),
    }
)
OF_SHARES = ("", "_low", "_high", "_of")
OF_QUANTILES = ("_s", "_low_s", "_high_s", "_more_than_s", "_of")
PLACE = ("store", "store_id", "point", "point_id", "kind", "from", "to")
COUNTS = ("visits", "already_there", "unfinished", "passers_by")
LIMITS = ("greet_within_s", "serve_within_s")
FIGURES = (
    *COUNTS,
    *LIMITS,
    *(name + part for name in SHARES for part in OF_SHARES),
    *(name + part for name in QUANTILES for part in OF_QUANTILES),
    *("attended_share", "observed", "bridged", "unknown", "coverage_low", "coverage_high"),
)
HEADER = (*PLACE, *FIGURES)
STANDING_HEADER = (
    *("store", "store_id", "week", "figure"),
    *("value", "low", "high", "rests_on", "expected_s"),
)
FORMULAS = ("=", "+", "-", "@", "\t", "\r")


def lines_of(rows: Iterable[Sequence[Field]]) -> str:
    r"""Rows as CSV (RFC 4180).

    >>> lines_of([("a,b", 1, None), ("=1+1", 0.5, "x")])
    '"a,b",1,\r\n\'=1+1,0.5,x\r\n'
    """
    text = io.StringIO()
    csv.writer(text).writerows([[_safe(one) for one in row] for row in rows])
    return text.getvalue()


def _safe(one: Field) -> Field:
    return f"'{one}" if isinstance(one, str) and one.startswith(FORMULAS) else one


def point_row(store: StoreView, found: PointAnswer) -> tuple[Field, ...]:
    """The figures of a point over the period asked for."""
    point = found.point
    place = _place(store, point, found.asked)
    return (*place, *_figures(found.figures, found.coverage, is_queue=point.is_queue))


def cell_row(store: StoreView, point: PointView, step: Step) -> tuple[Field, ...]:
    """The figures of one released cell."""
    place = _place(store, point, step.period)
    return (*place, *_figures(step.figures, step.coverage, is_queue=point.is_queue))


def total_row(store: StoreView, asked: Period, total: StoreTotal) -> tuple[Field, ...]:
    """The figures of all points of a store together."""
    times = _times(asked, store.time)
    place = (store.name, str(store.store_id), "", "", "store", *times)
    return (*place, *_figures(total.figures, total.coverage, is_queue=False))


def standing_rows(one: Standing) -> list[tuple[Field, ...]]:
    """The weeks of a store, a row a figure."""
    subject = one.subject
    return [
        (
            *(subject.name, str(subject.subject_id), week.monday.isoformat(), each.figure),
            *(each.value, each.low, each.high, each.rests_on, each.expected_s),
        )
        for week in one.weeks
        for each in week.figures
    ]


def _place(store: StoreView, point: PointView, period: Period) -> tuple[Field, ...]:
    times = _times(period, store.time)
    named = (point.label, str(point.ref.point_id), point.kind)
    return (store.name, str(store.store_id), *named, *times)


def _times(period: Period, time: StoreTime) -> tuple[str, str]:
    return time.local(period.start).isoformat(), time.local(period.end).isoformat()


def _figures(
    found: PointFigures | Suppressed, seen: CoverageRange | None, *, is_queue: bool
) -> tuple[Field, ...]:
    coverage = (None, None) if seen is None else (seen.low, seen.high)
    if isinstance(found, Suppressed):
        return (*(None,) * (len(FIGURES) - len(coverage)), *coverage)
    left_out = NOT_OF_A_QUEUE if is_queue else frozenset()
    shares = (part for name in SHARES for part in _share(found, name, left_out))
    quantiles = (part for name in QUANTILES for part in _quantile(found, name, left_out))
    attended = None if isinstance(found.attended_share, Suppressed) else found.attended_share
    certain = found.certainty
    return (
        *(getattr(found, name) for name in COUNTS),
        *found.expectations.limits_s,
        *shares,
        *quantiles,
        *(attended, certain.observed, certain.bridged, certain.unknown, *coverage),
    )


def _share(found: PointFigures, name: str, left_out: frozenset[str]) -> tuple[Field, ...]:
    one: Share | Suppressed = getattr(found, name)
    if isinstance(one, Suppressed) or name in left_out:
        return (None,) * len(OF_SHARES)
    return one.value, one.low, one.high, found.counts[name].of


def _quantile(found: PointFigures, name: str, left_out: frozenset[str]) -> tuple[Field, ...]:
    one: Quantile | Suppressed = getattr(found, name)
    if isinstance(one, Suppressed) or name in left_out:
        return (None,) * len(OF_QUANTILES)
    times = (one.value_s, one.low_s, one.high_s, one.more_than_s)
    return (*(None if at is None else round(at, 1) for at in times), found.counts[name].of)
