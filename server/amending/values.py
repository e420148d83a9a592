"""An amendment: what somebody decided about what was released of a time, and why."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from server.periods import Period
from server.rollups_due import COUNTED_FOR


class Kind(StrEnum):
    """What an amendment does."""

    VOID = "void"
    RELABEL = "relabel"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Amendment:
    """One amendment of a store.

    Attributes:
        amendment_id: what names it.
        kind: `void` takes the cells that meet `period` out of the figures; `relabel` lets those
            inside of it count under `to_point_id`; `note` changes no figure.
        store_id: the store.
        point_id: the point that it is about; none: the whole store (not for `relabel`).
        to_point_id: for `relabel` alone.
        period: the time that it is about.
        reason: in somebody's words.
        made_by, made_at: who made it, and when.
        withdrawn_by, withdrawn_at: who took it back, and when; none while it stands.
    """

    amendment_id: UUID
    kind: Kind
    store_id: UUID
    point_id: UUID | None
    to_point_id: UUID | None
    period: Period
    reason: str
    made_by: str
    made_at: datetime
    withdrawn_by: str | None = None
    withdrawn_at: datetime | None = None

    @property
    def stands(self) -> bool:
        """Whether nobody withdrew it."""
        return self.withdrawn_at is None

    @property
    def can_be_withdrawn_until(self) -> datetime | None:
        """Before which instant: then the first of its cells may be gone; none: at any time."""
        return None if self.kind is Kind.NOTE else self.period.start + COUNTED_FOR

    def can_be_withdrawn(self, now: datetime) -> bool:
        """Whether a withdrawal would bring back all that was there."""
        until = self.can_be_withdrawn_until
        return self.stands and (until is None or now <= until)

    def is_about(self, *point_ids: UUID) -> bool:
        """Whether it is about one of these points, or about the whole store."""
        return self.point_id is None or self.point_id in point_ids

    def moves(self, point_id: UUID, cell: Period) -> bool:
        """Whether it lets a cell of `point_id` count under another point."""
        return (
            self.kind is Kind.RELABEL
            and self.point_id == point_id
            and self.period.start <= cell.start
            and cell.end <= self.period.end
        )
