"""The API's answers. Times are RFC 3339 in the store's zone; durations are seconds."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from firmware_cfg.messages import PointKind
from server.answers import PointAnswer
from server.catalogue import PointCard, StoreCard
from server.course import Gap, Step
from server.figures import PointFigures
from server.periods import Period, StoreTime
from server.queries import CoverageRange, StoreView
from server.suppression import Suppressed
from server.totals import StoreTotal
from server.web.figure_shapes import FiguresOut, LeavingOut, PeriodOut, SuppressedOut

Trial = Annotated[bool, Field(description="nobody confirmed the store's commissioning yet")]
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
    trial: Trial
    k: InForce
    coverage: CoverageOut | None
    figures: FiguresOut | SuppressedOut
    leaving: Annotated[LeavingOut | None, Field(description="of a queue, where released")]

    @classmethod
    def of(cls, answer: PointAnswer, store: StoreView) -> "PointFiguresOut":
        """An answer with the store's times."""
        left, time = answer.leaving, store.time
        return cls(
            point_id=answer.point.ref.point_id,
            asked=PeriodOut.of(answer.asked, time),
            trial=store.is_trial,
            k=answer.k,
            coverage=CoverageOut.of(answer.coverage),
            figures=figures_out(answer.figures, time, is_queue=answer.point.is_queue),
            leaving=None if left is None else LeavingOut.of(left, time),
        )


def figures_out(
    figures: PointFigures | Suppressed, time: StoreTime, *, is_queue: bool = False
) -> FiguresOut | SuppressedOut:
    """Figures, or that there are none."""
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
    trial: Trial
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
            trial=store.is_trial,
            k=total.k,
            coverage=CoverageOut.of(total.coverage),
            figures=figures_out(total.figures, time),
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
            figures=figures_out(step.figures, time, is_queue=step.is_queue),
        )


class CourseOut(BaseModel):
    """A point's released cells inside a period, in order, with the gaps between them."""

    point_id: UUID
    asked: PeriodOut
    trial: Trial
    steps: tuple[StepOut, ...]


class StoreOut(BaseModel):
    """A store. Instants are on its clock."""

    organisation_id: UUID
    store_id: UUID
    key: Annotated[str, Field(description="as the identity file names it; it never changes")]
    name: str
    organisation: str
    region_id: Annotated[UUID | None, Field(description="null: none, or one not seen")]
    timezone: str
    trial: Annotated[bool, Field(description="nobody confirmed it: in no total, in no export")]
    confirmed_from: Annotated[
        datetime | None, Field(description="what begins before is out of its figures")
    ]
    closed_at: Annotated[datetime | None, Field(description="when it closed for good")]

    @classmethod
    def of(cls, one: StoreCard) -> "StoreOut":
        """A store as the API shows it."""
        view = one.view
        return cls(
            organisation_id=view.org_id,
            store_id=view.store_id,
            key=one.key,
            name=view.name,
            organisation=view.organisation,
            region_id=one.region_id,
            timezone=view.time.zone.key,
            trial=view.is_trial,
            confirmed_from=local_or_none(view.confirmed_at, view.time),
            closed_at=local_or_none(one.ended_at, view.time),
        )


def local_or_none(at: datetime | None, time: StoreTime) -> datetime | None:
    """An instant on a store's clock."""
    return None if at is None else time.local(at)


class StoresOut(BaseModel):
    """A page of stores."""

    items: tuple[StoreOut, ...]
    next_cursor: str | None


class PointOut(BaseModel):
    """A service point or queue."""

    point_id: UUID
    store_id: UUID
    key: Annotated[str, Field(description="as the identity file names it; it never changes")]
    label: str
    kind: PointKind
    merged_into: Annotated[UUID | None, Field(description="the point that its cells count under")]
    merged_from: Annotated[datetime | None, Field(description="null: all of its cells")]

    @classmethod
    def of(cls, one: PointCard, time: StoreTime) -> "PointOut":
        """A point as the API shows it."""
        return cls(
            point_id=one.point_id,
            store_id=one.store_id,
            key=one.key,
            label=one.label,
            kind=PointKind(one.kind),
            merged_into=one.merged_into,
            merged_from=local_or_none(one.merged_since, time),
        )


class PointsOut(BaseModel):
    """The points of a store; there are few, so all of them."""

    items: tuple[PointOut, ...]


class KeyOut(BaseModel):
    """The public half of the key that signs acknowledgements."""

    algorithm: Literal["Ed25519"] = "Ed25519"
    public_key: Annotated[str, Field(description="32 bytes, hexadecimal")]
    fingerprint: str
