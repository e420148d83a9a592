"""What needs attention, and why: pure rules over the weeks of stores and the state of devices.

A figure is held against that of the middle store, where at least five stores are seen, and
against the middle of the store's own four weeks before. It is named where it is worse by at
least `NOTEWORTHY` and its 95 % range does not hold the other figure. It is *sure* where the two
ranges do not meet, and else *likely*. A device that is silent or was never heard of, a week
without figures after weeks that had some, and a trial are facts.

Reasons are ranked by how sure they are, then by how many parties of a week they concern; a trial
comes last, since nothing is wrong with it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from uuid import UUID

from server.queries import StoreView
from server.web.standings import NO_WEEK, NO_WEEKS, Figure, Week, Weeks
from server.web.working import Sign

NOTEWORTHY = 0.05
SLOWER = 1.25
LOW_COVERAGE = 0.9
FEWEST_STORES = 5
FEWEST_WEEKS = 2
NINTH_DECILE = 0.1


class Kind(StrEnum):
    """What a reason is about."""

    GREETED = "greeted_within"
    SERVED = "served_within"
    LEFT = "left_unserved"
    WAITING = "waiting_p90"
    SILENT = "silent"
    NEVER_SEEN = "never_seen"
    EMPTY = "empty"
    COVERAGE = "coverage"
    TRIAL = "trial"


COMPARED = (Kind.GREETED, Kind.SERVED, Kind.LEFT, Kind.WAITING)
MORE_IS_BETTER = frozenset({Kind.GREETED, Kind.SERVED})


class Against(StrEnum):
    """What a figure was held against."""

    STORES = "stores"
    EARLIER = "earlier"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a store needs attention.

    Attributes:
        kind: what it is about.
        sure: whether the ranges do not meet, or it is a fact.
        concerned: parties of a week that it concerns, about.
        figure: the store's figure.
        other: the figure that it was held against.
        against: whose that is.
        devices: labels of devices that are silent, or were never heard of.
    """

    kind: Kind
    sure: bool
    concerned: float
    figure: Figure | None = None
    other: Figure | None = None
    against: Against | None = None
    devices: tuple[str, ...] = ()

    @property
    def order(self) -> tuple[bool, bool, float, str]:
        """The first of all is the most pressing."""
        return self.kind is Kind.TRIAL, not self.sure, -self.concerned, self.kind


@dataclass(frozen=True, slots=True)
class Note:
    """A store that needs attention, the most pressing reason first."""

    store: StoreView
    reasons: tuple[Reason, ...]


def notes(
    stores: Sequence[StoreView],
    weeks: Mapping[UUID, Weeks],
    devices: Sequence[Sign],
    shown: date,
    earlier: Sequence[date],
) -> list[Note]:
    """The stores that need attention in the week `shown`, the most pressing first."""
    middles = _middles(stores, weeks, shown)
    of_store: dict[UUID, list[Sign]] = {}
    for one in devices:
        of_store.setdefault(one.store_id, []).append(one)
    found = []
    for store in stores:
        mine = weeks.get(store.store_id, NO_WEEKS)
        reasons = _facts(store, mine, of_store.get(store.store_id, []), shown)
        if not store.is_trial:
            reasons += _figures(mine.get(shown, NO_WEEK), _before(mine, earlier), middles)
        if reasons:
            found.append(Note(store, tuple(sorted(reasons, key=lambda one: one.order))))
    return sorted(found, key=lambda note: (note.reasons[0].order, note.store.name))


def _middles(
    stores: Sequence[StoreView], weeks: Mapping[UUID, Weeks], shown: date
) -> dict[tuple[Kind, float | None], Figure]:
    """The middle store's figure of each kind, by the limit that it is asked for."""
    found: dict[tuple[Kind, float | None], list[Figure]] = {}
    for store in stores:
        week = weeks.get(store.store_id, NO_WEEKS).get(shown, NO_WEEK)
        for kind in COMPARED:
            one = week.get(kind)
            if one is not None and one.value is not None:
                found.setdefault((kind, one.expected_s), []).append(one)
    return {key: _middle(ones) for key, ones in found.items() if len(ones) >= FEWEST_STORES}


def _middle(figures: Sequence[Figure]) -> Figure:
    ordered = sorted(figures, key=lambda one: one.value or 0.0)
    return ordered[len(ordered) // 2]


def is_comparable(
    stores: Sequence[StoreView], weeks: Mapping[UUID, Weeks], shown: date, earlier: Sequence[date]
) -> bool:
    """Whether any figure of the week `shown` can be held against another."""
    middles = _middles(stores, weeks, shown)
    mine = (weeks.get(one.store_id, NO_WEEKS) for one in stores if not one.is_trial)
    return any(
        True
        for each in mine
        for _ in _pairs(each.get(shown, NO_WEEK), _before(each, earlier), middles)
    )


def _before(weeks: Weeks, earlier: Sequence[date]) -> list[Week]:
    return [weeks.get(monday, NO_WEEK) for monday in earlier]


def _figures(
    week: Week, before: Sequence[Week], middles: Mapping[tuple[Kind, float | None], Figure]
) -> list[Reason]:
    """What is clearly worse, of each kind the more pressing reason."""
    found: dict[Kind, Reason] = {}
    for kind, one, other, against in _pairs(week, before, middles):
        reason = _compared(kind, one, other, against)
        if reason is not None and (kind not in found or reason.order < found[kind].order):
            found[kind] = reason
    return list(found.values())


def _pairs(
    week: Week, before: Sequence[Week], middles: Mapping[tuple[Kind, float | None], Figure]
) -> Iterator[tuple[Kind, Figure, Figure, Against]]:
    """The figures of a week, each with one that it can be held against."""
    for kind in COMPARED:
        one = week.get(kind)
        if one is None:
            continue
        past = [
            each
            for old in before
            if (each := old.get(kind)) is not None
            and each.value is not None
            and each.expected_s == one.expected_s
        ]
        middle = middles.get((kind, one.expected_s))
        if middle is not None:
            yield kind, one, middle, Against.STORES
        if len(past) >= FEWEST_WEEKS:
            yield kind, one, _middle(past), Against.EARLIER


def _compared(kind: Kind, one: Figure, other: Figure, against: Against) -> Reason | None:
    """The reason that a figure gives beside another, if it is worse."""
    if one.low is None or other.value is None:
        return None
    rests_on = one.rests_on or 0
    if kind is Kind.WAITING:
        mine = one.low if one.value is None else one.value
        worse, concerned = mine >= SLOWER * other.value, NINTH_DECILE * rests_on
    else:
        if one.value is None:
            return None
        less = other.value - one.value if kind in MORE_IS_BETTER else one.value - other.value
        worse, concerned = less >= NOTEWORTHY, less * rests_on
    if not worse:
        return None
    if kind in MORE_IS_BETTER:
        if one.high is None or other.low is None or one.high >= other.value:
            return None
        sure = one.high < other.low
    else:
        if one.low <= other.value:
            return None
        sure = other.high is not None and one.low > other.high
    return Reason(kind, sure, concerned, one, other, against)


def _facts(store: StoreView, weeks: Weeks, devices: Sequence[Sign], shown: date) -> list[Reason]:
    visits = max((_visits(week) for week in weeks.values()), default=0.0)
    found = []
    for kind, some in (
        (Kind.SILENT, [one.label for one in devices if one.is_gone]),
        (Kind.NEVER_SEEN, [one.label for one in devices if one.is_unheard]),
    ):
        if some:
            concerned = visits * len(some) / len(devices)
            found.append(Reason(kind, sure=True, concerned=concerned, devices=tuple(some)))
    if store.is_trial:
        return [*found, Reason(Kind.TRIAL, sure=True, concerned=0.0)]
    week = weeks.get(shown, NO_WEEK)
    seen = week.get(Kind.COVERAGE)
    if seen is not None and seen.high is not None and seen.high < LOW_COVERAGE:
        missed = (1 - seen.high) * _visits(week)
        found.append(Reason(Kind.COVERAGE, sure=True, concerned=missed, figure=seen))
    if not week and visits > 0 and _was_open(store, shown):
        found.append(Reason(Kind.EMPTY, sure=True, concerned=visits))
    return found


def _was_open(store: StoreView, monday: date) -> bool:
    """Whether a store should have figures of a week."""
    week = store.time.week_of(monday)
    gone = store.ended_at is not None and store.ended_at < week.end
    return not gone and bool(store.time.open_times(week))


def _visits(week: Week) -> float:
    """About how many parties a week is about."""
    return max((float(one.rests_on or 0) for one in week.values()), default=0.0)
