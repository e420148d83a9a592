"""Figures as the API gives them. Times are RFC 3339 in the store's zone; durations are seconds."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from server.figures import Cut, PointFigures
from server.leaving import Leaving
from server.periods import Period, StoreTime
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
LEFT_STEPS = "parties that left, to 5 % of the visits below 50, else to 1 %; null: suppressed"
NOT_OF_A_QUEUE = "null for a queue: its visits are parties that no counter served"


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
    served_within: Annotated[AnyShare | None, Field(description=NOT_OF_A_QUEUE)]
    abandoned: AnyShare
    waiting_median: Annotated[AnyQuantile | None, Field(description=NOT_OF_A_QUEUE)]
    waiting_p90: Annotated[AnyQuantile | None, Field(description=NOT_OF_A_QUEUE)]
    greeted_within: Annotated[AnyShare | None, Field(description=NOT_OF_A_QUEUE)]
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
    def of(cls, figures: PointFigures, time: StoreTime, *, is_queue: bool = False) -> "FiguresOut":
        """Figures with the store's times."""
        here = tuple(PeriodOut.of(one, time) for one in figures.covered)
        of = {
            name: tuple(PeriodOut.of(one, time) for one in periods)
            for name, periods in figures.covers.items()
        }
        return cls(
            covered=here,
            greet_within_s=figures.expectations.greet_within_s,
            serve_within_s=figures.expectations.serve_within_s,
            visits=figures.visits,
            passers_by=figures.passers_by,
            served_within=None if is_queue else _share(figures.served_within, of["served_within"]),
            abandoned=_share(figures.abandoned, of["abandoned"]),
            waiting_median=None
            if is_queue
            else _quantile(figures.waiting_median, of["waiting_median"]),
            waiting_p90=None if is_queue else _quantile(figures.waiting_p90, of["waiting_p90"]),
            greeted_within=None
            if is_queue
            else _share(figures.greeted_within, of["greeted_within"]),
            greeting_median=_quantile(figures.greeting_median, of["greeting_median"]),
            greeting_p90=_quantile(figures.greeting_p90, of["greeting_p90"]),
            interaction_median=_quantile(figures.interaction_median, of["interaction_median"]),
            flawless=_share(figures.flawless, of["flawless"]),
            recovered=_share(figures.recovered, of["recovered"]),
            attended_share=_attended(figures.attended_share, of["attended_share"]),
            observed=figures.certainty.observed,
            bridged=figures.certainty.bridged,
            unknown=figures.certainty.unknown,
            cuts=_cuts(figures.cuts, time),
        )


class LeavingOut(BaseModel):
    """How a queue was left by those whom no counter served."""

    left: Annotated[int | None, Field(description=LEFT_STEPS)]
    stay_median: AnyQuantile
    stay_p90: AnyQuantile

    @classmethod
    def of(cls, leaving: Leaving, time: StoreTime) -> "LeavingOut":
        """Leaving with the store's times."""
        here = tuple(PeriodOut.of(one, time) for one in leaving.stay_covered)
        return cls(
            left=None if isinstance(leaving.left, Suppressed) else leaving.left,
            stay_median=_quantile(leaving.stay_median, here),
            stay_p90=_quantile(leaving.stay_p90, here),
        )


def _attended(
    value: float | Suppressed, covered: tuple[PeriodOut, ...]
) -> AttendedOut | SuppressedOut:
    if isinstance(value, Suppressed):
        return SuppressedOut()
    return AttendedOut(value=value, covered=covered)


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
