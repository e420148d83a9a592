"""A store's weeks as the API gives them. Times are in the store's zone; durations seconds."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from server.periods import Period, StoreTime
from server.queries import StoreView
from server.suppression import PlainShare, Suppressed
from server.web.figure_shapes import CutOut, PeriodOut, SuppressedOut
from server.web.shapes import CoverageOut
from server.weeks import Attended, Bounds, DeviceWeeks, PatternShares, StoreWeek


class PlainShareOut(BaseModel):
    """A share in [0, 1] without an interval; in steps of 5 points below 50 visits."""

    suppressed: Literal[False] = False
    value: float
    of: Annotated[int, Field(description="visits, to 5 % of the week's below 50, else to 1 %")]


class BoundsOut(BaseModel):
    """Bounds of a median."""

    suppressed: Literal[False] = False
    low_s: float
    high_s: float


class AttendedWeekOut(BaseModel):
    """A share of time in steps of 5 points."""

    suppressed: Literal[False] = False
    value: float
    at_most: Annotated[bool, Field(description="it may be less than `value`")]
    at_least: Annotated[bool, Field(description="it may be more than `value`")]


class PatternsOut(BaseModel):
    """Of the greeted visits the share of each service pattern."""

    suppressed: Literal[False] = False
    interactive: PlainShareOut
    proactive: PlainShareOut
    reactive: PlainShareOut


AnyPlainShare = PlainShareOut | SuppressedOut
AnyBounds = BoundsOut | SuppressedOut


class StoreWeekOut(BaseModel):
    """What may be told of staff about one week; the suppressed may not be told."""

    period: PeriodOut
    k: Annotated[int, Field(description="in force when the week was released")]
    visits: int
    greeted_in_time: AnyPlainShare
    left_greeted: Annotated[
        AnyPlainShare, Field(description="of those who left unserved, greeted before")
    ]
    flawless: AnyPlainShare
    recovered: AnyPlainShare
    interrupted: AnyPlainShare
    greeting_median: AnyBounds
    interaction_median: AnyBounds
    attended_share: AttendedWeekOut | SuppressedOut
    patterns: PatternsOut | SuppressedOut
    coverage: CoverageOut | None
    observed: float
    bridged: float
    unknown: float

    @classmethod
    def of(cls, week: StoreWeek, time: StoreTime) -> "StoreWeekOut":
        """A week on the store's clock."""
        return cls(
            period=PeriodOut.of(week.period, time),
            k=week.k,
            visits=week.visits,
            greeted_in_time=_share(week.greeted_in_time),
            left_greeted=_share(week.left_greeted),
            flawless=_share(week.flawless),
            recovered=_share(week.recovered),
            interrupted=_share(week.interrupted),
            greeting_median=_bounds(week.greeting_median),
            interaction_median=_bounds(week.interaction_median),
            attended_share=_attended(week.attended),
            patterns=_patterns(week.patterns),
            coverage=CoverageOut.of(week.coverage),
            observed=week.certainty.observed,
            bridged=week.certainty.bridged,
            unknown=week.certainty.unknown,
        )


class DeviceWeeksOut(BaseModel):
    """The weeks of one device, in order."""

    device: str
    weeks: tuple[StoreWeekOut, ...]
    cuts: tuple[CutOut, ...]


class StoreWeeksOut(BaseModel):
    """A store's whole weeks inside a period. Unions of its cells: add them to nothing."""

    store_id: UUID
    asked: PeriodOut
    devices: tuple[DeviceWeeksOut, ...]

    @classmethod
    def of(cls, store: StoreView, asked: Period, found: tuple[DeviceWeeks, ...]) -> "StoreWeeksOut":
        """Weeks with the store's times."""
        time = store.time
        return cls(
            store_id=store.store_id,
            asked=PeriodOut.of(asked, time),
            devices=tuple(
                DeviceWeeksOut(
                    device=one.device,
                    weeks=tuple(StoreWeekOut.of(week, time) for week in one.weeks),
                    cuts=tuple(
                        CutOut(at=time.local(cut.at), changed=cut.changed) for cut in one.cuts
                    ),
                )
                for one in found
            ),
        )


def _plain(one: PlainShare) -> PlainShareOut:
    return PlainShareOut(value=one.value, of=one.of)


def _share(one: PlainShare | Suppressed) -> AnyPlainShare:
    return SuppressedOut() if isinstance(one, Suppressed) else _plain(one)


def _bounds(one: Bounds | Suppressed) -> AnyBounds:
    if isinstance(one, Suppressed):
        return SuppressedOut()
    return BoundsOut(low_s=one.low_s, high_s=one.high_s)


def _attended(one: Attended | Suppressed) -> AttendedWeekOut | SuppressedOut:
    if isinstance(one, Suppressed):
        return SuppressedOut()
    return AttendedWeekOut(value=one.value, at_most=one.at_most, at_least=one.at_least)


def _patterns(one: PatternShares | Suppressed) -> PatternsOut | SuppressedOut:
    if isinstance(one, Suppressed):
        return SuppressedOut()
    return PatternsOut(
        interactive=_plain(one.interactive),
        proactive=_plain(one.proactive),
        reactive=_plain(one.reactive),
    )
