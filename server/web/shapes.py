"""The API's answers. Times are RFC 3339 in the store's zone; durations are seconds."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from server.answers import PointAnswer
from server.course import Gap, Step
from server.figures import PointFigures
from server.periods import Period, StoreTime
from server.queries import CoverageRange, PointView, StoreView
from server.suppression import Suppressed
from server.totals import StoreTotal
from server.web.figure_shapes import FiguresOut, LeavingOut, PeriodOut, SuppressedOut

InForce = Annotated[int, Field(description="k in force: fewer parties are suppressed")]


class CoverageOut(BaseModel):
    """Bounds of the share of the time that was seen."""

    low: float
    high: float

    @classmethod
    def of(cls, seen: CoverageRange | None) -> "CoverageOut | None":
        """Coverage as the API gives it; none where no window came."""
        return None if seen is None else cls(low=seen.low, high=seen.high)


class PointFiguresOut(BaseModel):
    """The answer for one point and period."""

    point_id: UUID
    asked: PeriodOut
    k: InForce
    coverage: CoverageOut | None
    figures: FiguresOut | SuppressedOut
    leaving: Annotated[LeavingOut | None, Field(description="of a queue, where released")]

    @classmethod
    def of(cls, answer: PointAnswer, time: StoreTime) -> "PointFiguresOut":
        """An answer with the store's times."""
        left = answer.leaving
        return cls(
            point_id=answer.point.ref.point_id,
            asked=PeriodOut.of(answer.asked, time),
            k=answer.k,
            coverage=CoverageOut.of(answer.coverage),
            figures=_figures(answer.figures, time, is_queue=answer.point.is_queue),
            leaving=None if left is None else LeavingOut.of(left, time),
        )


def _figures(
    figures: PointFigures | Suppressed, time: StoreTime, *, is_queue: bool = False
) -> FiguresOut | SuppressedOut:
    if isinstance(figures, Suppressed):
        return SuppressedOut()
    return FiguresOut.of(figures, time, is_queue=is_queue)


class PartOut(BaseModel):
    """A point, and the time for which it is in a store's total; empty: it is not in it."""

    point_id: UUID
    label: str
    covered: tuple[PeriodOut, ...]


class StoreFiguresOut(BaseModel):
    """A store's total: the union of the whole cells of all its points."""

    store_id: UUID
    asked: PeriodOut
    k: InForce
    coverage: CoverageOut | None
    figures: FiguresOut | SuppressedOut
    parts: tuple[PartOut, ...]

    @classmethod
    def of(cls, store: StoreView, asked: Period, total: StoreTotal) -> "StoreFiguresOut":
        """A total with the store's times."""
        time = store.time
        parts = [(one.point, one.covered) for one in total.parts]
        parts += [(one, ()) for one in total.missing]
        return cls(
            store_id=store.store_id,
            asked=PeriodOut.of(asked, time),
            k=total.k,
            coverage=CoverageOut.of(total.coverage),
            figures=_figures(total.figures, time),
            parts=tuple(
                PartOut(
                    point_id=point.ref.point_id,
                    label=point.label,
                    covered=tuple(PeriodOut.of(one, time) for one in covered),
                )
                for point, covered in parts
            ),
        )


class StepOut(BaseModel):
    """One released cell, or a stretch of opening time without one and why."""

    period: PeriodOut
    gap: Gap | None
    coverage: CoverageOut | None
    figures: FiguresOut | SuppressedOut

    @classmethod
    def of(cls, step: Step, time: StoreTime) -> "StepOut":
        """A step with the store's times."""
        return cls(
            period=PeriodOut.of(step.period, time),
            gap=step.gap,
            coverage=CoverageOut.of(step.coverage),
            figures=_figures(step.figures, time, is_queue=step.is_queue),
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


class KeyOut(BaseModel):
    """The public half of the key that signs acknowledgements."""

    algorithm: Literal["Ed25519"] = "Ed25519"
    public_key: Annotated[str, Field(description="32 bytes, hexadecimal")]
    fingerprint: str
