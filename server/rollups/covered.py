"""How much of a week was seen: of a store from its windows, of a region from its stores' weeks."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import Connection, select

from server.queries import CoverageRange, coverage_of
from server.schema.rollups import standing
from server.unions import Union


@dataclass(frozen=True, slots=True)
class Covered:
    """Bounds of the share that was seen, and of how much time that is, over all points."""

    share: CoverageRange
    of_s: float


def covered_of(union: Union, unseen_ms: int) -> Covered | None:
    """Of a store's week, of which `unseen_ms` of opening time nothing came."""
    share = coverage_of(union.seen, unseen_ms)
    return None if share is None else Covered(share, (sum(union.seen.values()) + unseen_ms) / 1000)


def covered_in(
    connection: Connection, org_id: UUID, subjects: Collection[UUID], first: date, last: date
) -> Covered | None:
    """Of the weeks from `first` to `last` (Mondays, both included) that stand, together."""
    rows = connection.execute(
        select(standing.c.low, standing.c.high, standing.c.of_s).where(
            standing.c.org_id == org_id,
            standing.c.subject_id.in_(subjects),
            standing.c.week >= first,
            standing.c.week <= last,
            standing.c.figure == "coverage",
            standing.c.of_s > 0,
        )
    ).all()
    of_s = sum(row.of_s for row in rows)
    if not of_s:
        return None
    low, high = (sum(row[end] * row.of_s for row in rows) / of_s for end in (0, 1))
    return Covered(CoverageRange(round(low, 2), round(high, 2)), of_s)
