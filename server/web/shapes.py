"""The API's answers. Times are RFC 3339 in the store's zone; durations are seconds."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from server.answers import Gap, PointAnswer, Step
from server.figures import Cut, PointFigures
from server.periods import Period, StoreTime
from server.queries import Alive, DeviceView, PointView, StoreView
from server.statistics import Quantile, Share
from server.suppression import Suppressed


class PeriodOut(BaseModel):
    """[from, to)."""

    start: Annotated[datetime, Field(serialization_alias="from")]
    end: Annotated[datetime, Field(serialization_alias="to")]

    @classmethod
    def of(cls, period: Period, time: StoreTime) -> "PeriodOut":
        """A period on the store's clock."""
        return cls(start=time.local(period.start), end=time.local(period.end))


class SuppressedOut(BaseModel):
    """No figure: fewer than k parties, or nothing released for exactly this."""

    suppressed: Literal[True] = True


class ShareOut(BaseModel):
    """A share in [0, 1] with its 95 % interval, for the time that it covers."""

    suppressed: Literal[False] = False
    value: float
    low: float
    high: float
    covered: tuple[PeriodOut, ...]


class QuantileOut(BaseModel):
    """A percentile, had everyone stayed, with its 95 % interval."""

    suppressed: Literal[False] = False
    value_s: Annotated[float | None, Field(description="none: more than `more_than_s`")]
    low_s: float
    high_s: Annotated[float | None, Field(description="none: beyond what was seen")]
    more_than_s: float | None
    covered: tuple[PeriodOut, ...]


class AttendedOut(BaseModel):
    """Of the time with a party present, the share with staff present too."""

    suppressed: Literal[False] = False
    value: float
    covered: tuple[PeriodOut, ...]


AnyShare = ShareOut | SuppressedOut
AnyQuantile = QuantileOut | SuppressedOut


class CutOut(BaseModel):
    """Where figures before and after are not strictly comparable."""

    at: datetime
    changed: tuple[str, ...]


class FiguresOut(BaseModel):
    """Figures of the whole cells inside the period asked for."""

    suppressed: Literal[False] = False
    covered: tuple[PeriodOut, ...]
    greet_within_s: float
    serve_within_s: float
    visits: int
    passers_by: int
    served_within: AnyShare
    abandoned: AnyShare
    waiting_median: AnyQuantile
    waiting_p90: AnyQuantile
    greeted_within: AnyShare
    greeting_median: AnyQuantile
    greeting_p90: AnyQuantile
    interaction_median: AnyQuantile
    flawless: AnyShare
    recovered: AnyShare
    attended_share: AttendedOut | SuppressedOut
    observed: Annotated[float, Field(description="share of visit seconds seen")]
    bridged: float
    unknown: float
    cuts: tuple[CutOut, ...]

    @classmethod
    def of(cls, figures: PointFigures, time: StoreTime) -> "FiguresOut":
        """Figures with the store's times."""
        here = tuple(PeriodOut.of(one, time) for one in figures.covered)
        staff = tuple(PeriodOut.of(one, time) for one in figures.staff_covered)
        attended = figures.attended_share
        return cls(
            covered=here,
            greet_within_s=figures.expectations.greet_within_s,
            serve_within_s=figures.expectations.serve_within_s,
            visits=figures.visits,
            passers_by=figures.passers_by,
            served_within=_share(figures.served_within, here),
            abandoned=_share(figures.abandoned, here),
            waiting_median=_quantile(figures.waiting_median, here),
            waiting_p90=_quantile(figures.waiting_p90, here),
            greeted_within=_share(figures.greeted_within, staff),
            greeting_median=_quantile(figures.greeting_median, staff),
            greeting_p90=_quantile(figures.greeting_p90, staff),
            interaction_median=_quantile(figures.interaction_median, staff),
            flawless=_share(figures.flawless, staff),
            recovered=_share(figures.recovered, staff),
            attended_share=SuppressedOut()
            if isinstance(attended, Suppressed)
            else AttendedOut(value=attended, covered=staff),
            observed=figures.certainty.observed,
            bridged=figures.certainty.bridged,
            unknown=figures.certainty.unknown,
            cuts=_cuts(figures.cuts, time),
        )


def _share(share: Share | Suppressed, covered: tuple[PeriodOut, ...]) -> AnyShare:
    if isinstance(share, Suppressed):
        return SuppressedOut()
    return ShareOut(value=share.value, low=share.low, high=share.high, covered=covered)


def _quantile(one: Quantile | Suppressed, covered: tuple[PeriodOut, ...]) -> AnyQuantile:
    if isinstance(one, Suppressed):
        return SuppressedOut()
    return QuantileOut(
        value_s=_rounded(one.value_s),
        low_s=round(one.low_s, 1),
        high_s=_rounded(one.high_s),
        more_than_s=_rounded(one.more_than_s),
        covered=covered,
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


def _cuts(cuts: tuple[Cut, ...], time: StoreTime) -> tuple[CutOut, ...]:
    return tuple(CutOut(at=time.local(one.at), changed=one.changed) for one in cuts)


class CoverageOut(BaseModel):
    """Bounds of the share of the time that was seen."""

    low: float
    high: float


class PointFiguresOut(BaseModel):
    """The answer for one point and period."""

    point_id: UUID
    asked: PeriodOut
    coverage: CoverageOut | None
    figures: FiguresOut | SuppressedOut

    @classmethod
    def of(cls, answer: PointAnswer, time: StoreTime) -> "PointFiguresOut":
        """An answer with the store's times."""
        figures, seen = answer.figures, answer.coverage
        return cls(
            point_id=answer.point.ref.point_id,
            asked=PeriodOut.of(answer.asked, time),
            coverage=None if seen is None else CoverageOut(low=seen.low, high=seen.high),
            figures=SuppressedOut()
            if isinstance(figures, Suppressed)
            else FiguresOut.of(figures, time),
        )


class StepOut(BaseModel):
    """One released cell, or a stretch of opening time without one and why."""

    period: PeriodOut
    gap: Gap | None
    figures: FiguresOut | SuppressedOut

    @classmethod
    def of(cls, step: Step, time: StoreTime) -> "StepOut":
        """A step with the store's times."""
        figures = step.figures
        return cls(
            period=PeriodOut.of(step.period, time),
            gap=step.gap,
            figures=SuppressedOut() if figures is None else FiguresOut.of(figures, time),
        )


class CourseOut(BaseModel):
    """A point's released cells inside a period, in order, with the gaps between them."""

    point_id: UUID
    asked: PeriodOut
    steps: tuple[StepOut, ...]


class StoreOut(BaseModel):
    """A store."""

    organisation_id: UUID
    store_id: UUID
    name: str
    organisation: str
    timezone: str

    @classmethod
    def of(cls, one: StoreView) -> "StoreOut":
        """A store as the API shows it."""
        return cls(
            organisation_id=one.org_id,
            store_id=one.store_id,
            name=one.name,
            organisation=one.organisation,
            timezone=one.time.zone.key,
        )


class StoresOut(BaseModel):
    """A page of stores."""

    items: tuple[StoreOut, ...]
    next_cursor: UUID | None


class PointOut(BaseModel):
    """A service point or queue."""

    point_id: UUID
    store_id: UUID
    label: str
    kind: str

    @classmethod
    def of(cls, one: PointView) -> "PointOut":
        """A point as the API shows it."""
        return cls(point_id=one.ref.point_id, store_id=one.store_id, label=one.label, kind=one.kind)


class PointsOut(BaseModel):
    """The points of a store."""

    items: tuple[PointOut, ...]


class DeviceOut(BaseModel):
    """A device and its last sign of life (UTC)."""

    device: str
    label: str
    store_id: UUID
    alive: Alive
    last_sign_at: datetime | None
    software: str | None
    faults: tuple[str, ...]
    clock: str | None

    @classmethod
    def of(cls, one: DeviceView) -> "DeviceOut":
        """A device as the API shows it."""
        return cls(
            device=one.device,
            label=one.label,
            store_id=one.store_id,
            alive=one.alive,
            last_sign_at=one.last_sign_at,
            software=one.software,
            faults=one.faults,
            clock=one.clock,
        )


class DevicesOut(BaseModel):
    """Devices."""

    items: tuple[DeviceOut, ...]


class KeyOut(BaseModel):
    """The public half of the key that signs acknowledgements."""

    algorithm: Literal["Ed25519"] = "Ed25519"
    public_key: Annotated[str, Field(description="32 bytes, hexadecimal")]
    fingerprint: str
