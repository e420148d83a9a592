"""Where a released cell counts: under its own point, under another, or nowhere.

| what is said of the cell | it counts |
|---|---|
| a standing `relabel` of its point has it inside | under the other point |
| that point was merged, and the cell begins at the merging's instant or later | one further |
| a standing `void` of its own point, of the one that it would count under, or of the store meets it | nowhere |
| the store was confirmed, and the cell begins before that instant | nowhere |
| none of these | under its own point |

Each cell is judged alone, and whole: so every answer stays a union of whole released cells,
whatever was amended, withdrawn or merged between two questions.
"""  # noqa: E501 a table

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from server.amending.values import Amendment, Kind
from server.periods import Period


@dataclass(frozen=True, slots=True)
class Merge:
    """The point that another one's cells count under, from an instant on; none: all of them."""

    into: UUID
    since: datetime | None

    def takes(self, cell: Period) -> bool:
        """Whether a cell of that time goes along."""
        return self.since is None or cell.start >= self.since


@dataclass(frozen=True, slots=True)
class Rulings:
    """What is in force for one store.

    Attributes:
        confirmed_at: from when on its figures count; none: all of them are a trial.
        amendments: the standing voids and relabels.
        merges: by the point that was merged into another.
    """

    confirmed_at: datetime | None = None
    amendments: tuple[Amendment, ...] = ()
    merges: Mapping[UUID, Merge] = field(default_factory=dict)

    @property
    def is_trial(self) -> bool:
        """Whether nobody has confirmed the store: its figures stand on its own page alone."""
        return self.confirmed_at is None

    def counts_under(self, point_id: UUID, cell: Period) -> UUID | None:
        """The point under which a cell of `point_id` counts; none if it is out of the figures."""
        if self.confirmed_at is not None and cell.start < self.confirmed_at:
            return None
        found = self.point_of(point_id, cell)
        return None if self.void_of(point_id, cell) is not None else found

    def week_counts(self, week: Period, *point_ids: UUID) -> bool:
        """Whether what was released of all `point_ids` together is in the figures."""
        if self.confirmed_at is not None and week.start < self.confirmed_at:
            return False
        names = {*point_ids, *(self.point_of(one, week) for one in point_ids)}
        return not any(
            one.kind is Kind.VOID and one.is_about(*names) and one.period.meets(week)
            for one in self.amendments
        )

    def point_of(self, point_id: UUID, cell: Period) -> UUID:
        """The point that a cell would count under, if it counts."""
        moved = (one.to_point_id for one in self.amendments if one.moves(point_id, cell))
        found = next((one for one in moved if one is not None), point_id)
        for _ in self.merges:
            merge = self.merges.get(found)
            if merge is None or not merge.takes(cell):
                break
            found = merge.into
        return found

    def void_of(self, point_id: UUID, cell: Period) -> Amendment | None:
        """The amendment that takes a cell of `point_id` out of the figures; none: it stays."""
        under = self.point_of(point_id, cell)
        return next(
            (
                one
                for one in self.amendments
                if one.kind is Kind.VOID
                and one.is_about(point_id, under)
                and one.period.meets(cell)
            ),
            None,
        )

    def targets_of(self, point_id: UUID) -> frozenset[UUID]:
        """The points under which cells of `point_id` may count, itself among them."""
        found = {point_id}
        found |= {
            one.to_point_id
            for one in self.amendments
            if one.kind is Kind.RELABEL and one.point_id == point_id and one.to_point_id is not None
        }
        waiting = list(found)
        while waiting:
            merge = self.merges.get(waiting.pop())
            if merge is not None and merge.into not in found:
                found.add(merge.into)
                waiting.append(merge.into)
        return frozenset(found)

    def sources_of(self, point_id: UUID) -> frozenset[UUID]:
        """The points of which cells may count under `point_id`, itself among them."""
        moved = {one.point_id for one in self.amendments if one.point_id is not None}
        known = {point_id, *moved, *self.merges}
        return frozenset(one for one in known if point_id in self.targets_of(one))
