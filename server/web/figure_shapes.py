"""Figures as the API gives them. Times are RFC 3339 in the store's zone; durations are seconds."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from server.figures import Cut, Measured, PointFigures
from server.leaving import Leaving
from server.periods import Period, StoreTime
from server.statistics import Quantile, Share
from server.suppression import Reason, Suppressed
from server.unions import Counts

HOLDS = "95 %: of sampling, with the buckets' width and the error of measuring"


class PeriodOut(BaseModel):
    """[from, to)."""

    start: Annotated[datetime, Field(serialization_alias="from")]
    end: Annotated[datetime, Field(serialization_alias="to")]

    @classmethod
    def of(cls, period: Period, time: StoreTime) -> "PeriodOut":
        """A period on the store's clock."""
        return cls(start=time.local(period.start), end=time.local(period.end))


class SuppressedOut(BaseModel):
    """No figure, and why.

    `few`: fewer than k parties in each cell, or nothing released for exactly this. `partial`:
    a tenth or more of the parties that it would be about may be in cells that cannot enter it.
    `limits`: the expectation changed within the period, or differs between the points; ask for
    a part of it.
    """

    suppressed: Literal[True] = True
    reason: Reason = Reason.FEW


class CountsOut(BaseModel):
    """What a figure rests on, to 5 % of the visits below 50, else to 1 %."""

    of: Annotated[int, Field(description="visits that are in it")]
    left: Annotated[int | None, Field(description="of these, left before the event")]
    censored: Annotated[int | None, Field(description="of these, no longer seen before the event")]

    @classmethod
    def made(cls, counts: Counts) -> "CountsOut":
        """Counts as the API gives them."""
        return cls(of=counts.of, left=counts.left, censored=counts.censored)


class ShareOut(BaseModel):
    """A share in [0, 1] with its 95 % interval, for the time that it covers."""

    suppressed: Literal[False] = False
    value: float
    low: Annotated[float, Field(description=HOLDS)]
    high: float
    counts: CountsOut
    covered: tuple[PeriodOut, ...]


class QuantileOut(BaseModel):
    """A percentile, had everyone stayed, with its 95 % interval."""

    suppressed: Literal[False] = False
    value_s: Annotated[float | None, Field(description="none: more than `more_than_s`")]
    low_s: Annotated[float, Field(description=HOLDS)]
    high_s: Annotated[float | None, Field(description="none: beyond what was seen")]
    more_than_s: float | None
    counts: CountsOut
    covered: tuple[PeriodOut, ...]


class AttendedOut(BaseModel):
    """Of the time with a party present, the share with staff present too; without an interval."""

    suppressed: Literal[False] = False
    value: float
    counts: CountsOut
    covered: tuple[PeriodOut, ...]


ONE_LIMIT = "null where several were in force: then there is no share within it"
AnyShare = ShareOut | SuppressedOut
AnyQuantile = QuantileOut | SuppressedOut
LEFT_STEPS = (
    "parties that left unserved, to 5 % of the visits below 50, else to 1 %; null: suppressed"
)
LEFT_UNSERVED = "of the visits that ended, those not served, greeted or not, without mere looks"
ABANDONED = "of the visits that ended, those never greeted, without mere looks; not of small teams"
NOT_OF_A_QUEUE = "null for a queue: its visits are parties that no counter served"


class CutOut(BaseModel):
    """Where figures before and after are not strictly comparable."""

    at: datetime
    changed: tuple[str, ...]


class BenchmarkOut(BaseModel):
    """The benchmark that the errors of measuring in the intervals come from."""

    definition_version: int
    model: Annotated[str, Field(description="the person detector")]
    source: str
    visits: int
    missed: Annotated[float, Field(description="of true visits, the share that is not found")]
    false: Annotated[float, Field(description="of visits found, the share that is none")]


class MeasuredOut(BaseModel):
    """Where the intervals have their measuring errors from."""

    all_measured: Annotated[
        bool, Field(description="false: these definitions and detectors have no benchmark yet")
    ]
    benchmarks: tuple[BenchmarkOut, ...]

    @classmethod
    def of(cls, measured: Measured) -> "MeasuredOut":
        """Measuring errors as the API names them."""
        return cls(
            all_measured=measured.all_measured,
            benchmarks=tuple(
                BenchmarkOut(
                    definition_version=one.definition_version,
                    model=one.model,
                    source=one.source,
                    visits=one.visits,
                    missed=one.missed,
                    false=one.false,
                )
                for one in measured.known
            ),
        )


class ExpectationsOut(BaseModel):
    """Expectations that were in force."""

    greet_within_s: float
    serve_within_s: float


class FiguresOut(BaseModel):
    """Figures of the whole cells inside the period asked for."""

    suppressed: Literal[False] = False
    covered: tuple[PeriodOut, ...]
    greet_within_s: Annotated[float | None, Field(description=ONE_LIMIT)]
    serve_within_s: Annotated[float | None, Field(description=ONE_LIMIT)]
    expectations: Annotated[
        tuple[ExpectationsOut, ...], Field(description="all that were in force in this time")
    ]
    visits: int
    already_there: Annotated[
        int, Field(description="of the visits, there when seeing began; in steps, as counts are")
    ]
    unfinished: Annotated[
        int, Field(description="of the visits, there when their window closed; in steps")
    ]
    passers_by: int
    served_within: Annotated[AnyShare | None, Field(description=NOT_OF_A_QUEUE)]
    left_unserved: Annotated[AnyShare, Field(description=LEFT_UNSERVED)]
    waiting_median: Annotated[AnyQuantile | None, Field(description=NOT_OF_A_QUEUE)]
    waiting_p90: Annotated[AnyQuantile | None, Field(description=NOT_OF_A_QUEUE)]
    greeted_within: Annotated[AnyShare | None, Field(description=NOT_OF_A_QUEUE)]
    greeting_median: AnyQuantile
    greeting_p90: AnyQuantile
    interaction_median: AnyQuantile
    abandoned: Annotated[AnyShare, Field(description=ABANDONED)]
    flawless: Annotated[AnyShare | None, Field(description=NOT_OF_A_QUEUE)]
    recovered: Annotated[AnyShare | None, Field(description=NOT_OF_A_QUEUE)]
    attended_share: AttendedOut | SuppressedOut
    observed: Annotated[float, Field(description="share of visit seconds seen")]
    bridged: float
    unknown: float
    measured: MeasuredOut
    cuts: tuple[CutOut, ...]

    @classmethod
    def of(cls, figures: PointFigures, time: StoreTime, *, is_queue: bool = False) -> "FiguresOut":
        """Figures with the store's times."""
        shapes = _Shapes(figures, time)
        share, quantile = shapes.share, shapes.quantile
        greet_s, serve_s = figures.expectations.limits_s
        return cls(
            covered=tuple(PeriodOut.of(one, time) for one in figures.covered),
            greet_within_s=greet_s,
            serve_within_s=serve_s,
            expectations=tuple(
                ExpectationsOut(
                    greet_within_s=one.greet_within_s, serve_within_s=one.serve_within_s
                )
                for one in figures.expectations.all
            ),
            visits=figures.visits,
            already_there=figures.already_there,
            unfinished=figures.unfinished,
            passers_by=figures.passers_by,
            served_within=None if is_queue else share("served_within"),
            left_unserved=share("left_unserved"),
            waiting_median=None if is_queue else quantile("waiting_median"),
            waiting_p90=None if is_queue else quantile("waiting_p90"),
            greeted_within=None if is_queue else share("greeted_within"),
            greeting_median=quantile("greeting_median"),
            greeting_p90=quantile("greeting_p90"),
            interaction_median=quantile("interaction_median"),
            abandoned=share("abandoned"),
            flawless=None if is_queue else share("flawless"),
            recovered=None if is_queue else share("recovered"),
            attended_share=shapes.attended("attended_share"),
            observed=figures.certainty.observed,
            bridged=figures.certainty.bridged,
            unknown=figures.certainty.unknown,
            measured=MeasuredOut.of(figures.measured),
            cuts=_cuts(figures.cuts, time),
        )


@dataclass(frozen=True, slots=True)
class _Shapes:
    """Figures of one answer by name, each with its counts and its time."""

    figures: PointFigures
    time: StoreTime

    def share(self, name: str) -> AnyShare:
        """A share; suppressed without counts."""
        one: Share | Suppressed = getattr(self.figures, name)
        if isinstance(one, Suppressed):
            return SuppressedOut(reason=one.reason)
        return ShareOut(
            value=one.value,
            low=one.low,
            high=one.high,
            counts=CountsOut.made(self.figures.counts[name]),
            covered=self._covered(name),
        )

    def quantile(self, name: str) -> AnyQuantile:
        """A percentile."""
        one: Quantile | Suppressed = getattr(self.figures, name)
        return _quantile(one, self.figures.counts.get(name), self._covered(name))

    def attended(self, name: str) -> AttendedOut | SuppressedOut:
        """The attended share."""
        one: float | Suppressed = getattr(self.figures, name)
        if isinstance(one, Suppressed):
            return SuppressedOut(reason=one.reason)
        counts = CountsOut.made(self.figures.counts[name])
        return AttendedOut(value=one, counts=counts, covered=self._covered(name))

    def _covered(self, name: str) -> tuple[PeriodOut, ...]:
        return tuple(PeriodOut.of(one, self.time) for one in self.figures.covers[name])


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
            stay_median=_quantile(leaving.stay_median, leaving.stay_counts, here),
            stay_p90=_quantile(leaving.stay_p90, leaving.stay_counts, here),
        )


def _quantile(
    one: Quantile | Suppressed, counts: Counts | None, covered: tuple[PeriodOut, ...]
) -> AnyQuantile:
    if isinstance(one, Suppressed):
        return SuppressedOut(reason=one.reason)
    if counts is None:
        return SuppressedOut()
    return QuantileOut(
        value_s=_rounded(one.value_s),
        low_s=round(one.low_s, 1),
        high_s=_rounded(one.high_s),
        more_than_s=_rounded(one.more_than_s),
        counts=CountsOut.made(counts),
        covered=covered,
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


def _cuts(cuts: tuple[Cut, ...], time: StoreTime) -> tuple[CutOut, ...]:
    return tuple(CutOut(at=time.local(one.at), changed=one.changed) for one in cuts)
