"""An unfinished window as it is kept for a restart: tallies and periods, and nothing else.

A tally is counts, histograms and sums. No visit, party or track is in it, and no moment but
the bounds of windows and of what was seen. `edge.checkpoint` encrypts what is written here.
Instants are milliseconds since 1970, durations milliseconds.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from edge.visits.values import Outcome, Pattern, PointId
from edge.windows.calendar import EPOCH, Period, Unit
from edge.windows.coverage import Seen
from edge.windows.join import JoinedCell, OpenUnit
from edge.windows.keeper import Unfinished
from edge.windows.tally import Tally
from edge.windows.week import OpenWeeks, WeekPart
from firmware_cfg.histogram import Fate, Histogram
from firmware_cfg.messages import Level, Message

_MS = timedelta(milliseconds=1)
_LENGTHS = ("observed", "bridged", "unknown", "present", "attended")
_COUNTS = (
    *("left_censored", "passers_by", "flawless", "broken", "recovered", "interrupted"),
    *("served_interrupted", "greeted_in_time", "left_early", "early_greeted"),
)
_HISTOGRAMS = ("waiting", "greeting", "interaction", "stay")
Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Standing:
    """Everything of a reporter that a restart would lose.

    Attributes:
        at: when it was so, by the stamp.
        windows: those that have not closed.
        units: by point, those that have not ended.
        weeks: those being gathered.
    """

    at: datetime
    windows: Unfinished
    units: Mapping[PointId, tuple[OpenUnit, ...]]
    weeks: OpenWeeks


class _Tally(Message):
    outcomes: dict[Outcome, int]
    patterns: dict[Pattern, int]
    counts: tuple[int, int, int, int, int, int, int, int, int, int]
    lengths_ms: tuple[int, int, int, int, int]
    histograms: tuple[dict[Fate, dict[int, int]], ...]
    scales: tuple[int, int, int, int]


class _Joined(Message):
    level: Level
    span: Span
    tally: _Tally


class _Unit(Message):
    level: Level
    span: Span
    cells: tuple[_Joined, ...]
    pending: _Joined | None


class _Window(Message):
    span: Span
    tallies: dict[str, _Tally]


class _Unseen(Message):
    span: Span
    reason: Literal["no_frames", "restart"]


class _Week(Message):
    week: Span
    point: str
    span: Span
    tally: _Tally
    cells: int
    largest: int
    scale: int
    seconds: tuple[int, int, int]
    longest_ms: int


class _Standing(Message):
    at_ms: int
    following: Span | None
    windows: tuple[_Window, ...]
    since_ms: int | None
    until_ms: int | None
    unseen: tuple[_Unseen, ...]
    units: dict[str, tuple[_Unit, ...]]
    begun_ms: int | None
    weeks: tuple[_Week, ...]


def to_bytes(standing: Standing) -> bytes:
    """As it is kept; the same standing gives the same bytes."""
    windows, seen, weeks = standing.windows, standing.windows.seen, standing.weeks
    kept = _Standing(
        at_ms=_ms(standing.at),
        following=None if windows.following is None else _span(windows.following),
        windows=tuple(
            _Window(span=_span(window), tallies={point: _tally(t) for point, t in of.items()})
            for window, of in windows.tallies.items()
        ),
        since_ms=None if seen.since is None else _ms(seen.since),
        until_ms=None if seen.until is None else _ms(seen.until),
        unseen=tuple(_Unseen(span=_span(span), reason=why) for span, why in seen.unseen),
        units={point: tuple(map(_unit, units)) for point, units in standing.units.items()},
        begun_ms=None if weeks.begun is None else _ms(weeks.begun),
        weeks=tuple(_week(*key, part) for key, part in (weeks.parts or {}).items()),
    )
    return kept.model_dump_json().encode()


def from_bytes(kept: bytes) -> Standing:
    """What was kept.

    Raises:
        ValueError: it is nothing that `to_bytes` wrote.
    """
    read = _Standing.model_validate_json(kept, strict=True)
    seen = Seen(
        None if read.since_ms is None else _at(read.since_ms),
        None if read.until_ms is None else _at(read.until_ms),
        tuple((_period(one.span), one.reason) for one in read.unseen),
    )
    windows = Unfinished(
        None if read.following is None else _period(read.following),
        {
            _period(one.span): {PointId(p): _read_tally(t) for p, t in one.tallies.items()}
            for one in read.windows
        },
        seen,
    )
    units = {PointId(p): tuple(map(_read_unit, units)) for p, units in read.units.items()}
    weeks = OpenWeeks(
        None if read.begun_ms is None else _at(read.begun_ms),
        {(_period(one.week), PointId(one.point)): _read_week(one) for one in read.weeks},
    )
    return Standing(_at(read.at_ms), windows, units, weeks)


def _ms(at: datetime) -> int:
    return (at - EPOCH) // _MS


def _at(milliseconds: int) -> datetime:
    return EPOCH + milliseconds * _MS


def _span(period: Period) -> Span:
    return _ms(period.start), _ms(period.end)


def _period(span: Span) -> Period:
    return Period(_at(span[0]), _at(span[1]))


def _tally(tally: Tally) -> _Tally:
    histograms: list[Histogram] = [getattr(tally, name) for name in _HISTOGRAMS]
    return _Tally.model_validate(
        {
            "outcomes": dict(tally.outcomes),
            "patterns": dict(tally.patterns),
            "counts": tuple(getattr(tally, name) for name in _COUNTS),
            "lengths_ms": tuple(getattr(tally, name) // _MS for name in _LENGTHS),
            "histograms": tuple(one.counts for one in histograms),
            "scales": tuple(one.scale for one in histograms),
        }
    )


def _read_tally(read: _Tally) -> Tally:
    scaled = zip(_HISTOGRAMS, read.scales, read.histograms, strict=True)
    waiting, greeting, interaction, stay = (Histogram(scale, counts) for _, scale, counts in scaled)
    observed, bridged, unknown, present, attended = (n * _MS for n in read.lengths_ms)
    return Tally(
        outcomes=Counter(read.outcomes),
        waiting=waiting,
        greeting=greeting,
        interaction=interaction,
        stay=stay,
        observed=observed,
        bridged=bridged,
        unknown=unknown,
        present=present,
        attended=attended,
        patterns=Counter(read.patterns),
        **dict(zip(_COUNTS, read.counts, strict=True)),
    )


def _joined(cell: JoinedCell) -> _Joined:
    return _Joined(level=cell.level, span=_span(cell.period), tally=_tally(cell.tally))


def _read_joined(read: _Joined) -> JoinedCell:
    return JoinedCell(read.level, _period(read.span), _read_tally(read.tally))


def _unit(one: OpenUnit) -> _Unit:
    return _Unit(
        level=one.unit.level,
        span=_span(one.unit.period),
        cells=tuple(map(_joined, one.cells)),
        pending=None if one.pending is None else _joined(one.pending),
    )


def _read_unit(read: _Unit) -> OpenUnit:
    return OpenUnit(
        Unit(read.level, _period(read.span)),
        tuple(map(_read_joined, read.cells)),
        None if read.pending is None else _read_joined(read.pending),
    )


def _week(week: Period, point: PointId, part: WeekPart) -> _Week:
    return _Week(
        week=_span(week),
        point=point,
        span=_span(part.span),
        tally=_tally(part.tally),
        cells=part.cells,
        largest=part.largest,
        scale=part.scale,
        seconds=part.seconds,
        longest_ms=part.longest // _MS,
    )


def _read_week(read: _Week) -> WeekPart:
    return WeekPart(
        _period(read.span),
        _read_tally(read.tally),
        read.cells,
        read.largest,
        read.scale,
        read.seconds,
        read.longest_ms * _MS,
    )
