"""The weeks of regions and organisations, by the date of their Monday, whatever the zone.

A region's week is made of those of its stores and of the regions below it; an organisation's of
those of its stores outside of any region and of the regions at the top. Stores on trial are in
none of them. Which point covered which time is not kept: of many stores that is too much.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from sqlalchemy import Connection, select

from server.periods import Period
from server.rollups.calendar import Grain
from server.rollups.evenness import NONE, even, queues_of
from server.rollups.writing import Made, read_rollups, replace_rollups
from server.schema.identity import region, store
from server.unions import merged_unions

EAST, WEST = timedelta(hours=14), timedelta(hours=36)
"""A Monday's trading day begins so long before and after 00:00 UTC: zones, and its beginning."""


@dataclass(frozen=True, slots=True)
class Tree:
    """An organisation's regions, and the stores in them; `parents` of the top is none.

    `since`: from when on each store counts.
    """

    org_id: UUID
    parents: dict[UUID, UUID | None]
    stores: dict[UUID, UUID | None]
    since: dict[UUID, datetime] = field(default_factory=dict)

    def above(self, region_id: UUID | None) -> list[UUID]:
        """A region and all above it, from below, and the organisation."""
        found: list[UUID] = []
        while region_id is not None and region_id not in found:
            found.append(region_id)
            region_id = self.parents.get(region_id)
        return [*found, self.org_id]

    def parts_of(self, subject_id: UUID) -> tuple[list[UUID], list[UUID]]:
        """The regions and the stores that a week of a region, or the organisation, is made of."""
        here = None if subject_id == self.org_id else subject_id
        regions = [one for one, parent in self.parents.items() if parent == here]
        return regions, [one for one, region_id in self.stores.items() if region_id == here]

    def stores_below(self, subject_id: UUID) -> list[UUID]:
        """All stores of a region, or of the organisation."""
        return [one for one, at in self.stores.items() if subject_id in self.above(at)]

    def counts(self, store_id: UUID, week: Period) -> bool:
        """Whether a store's week is among those that count."""
        return store_id not in self.since or self.since[store_id] < week.end

    def from_below(self, regions: Iterable[UUID | None]) -> list[UUID]:
        """These regions and all above them, none before one that it contains."""
        found = {one: None for each in regions for one in self.above(each)}
        return sorted(found, key=lambda one: -len(self.above(one)) if one != self.org_id else 0)


def tree_of(connection: Connection, org_id: UUID) -> Tree:
    """An organisation's regions and its confirmed stores."""
    regions = connection.execute(
        select(region.c.region_id, region.c.parent_id).where(region.c.org_id == org_id)
    )
    stores = connection.execute(
        select(store.c.store_id, store.c.region_id, store.c.confirmed_at).where(
            store.c.org_id == org_id, store.c.confirmed_at.is_not(None)
        )
    ).all()
    return Tree(
        org_id,
        {row.region_id: row.parent_id for row in regions},
        {row.store_id: row.region_id for row in stores},
        {row.store_id: row.confirmed_at for row in stores},
    )


def label_of(monday: date) -> Period:
    """How the week of a Monday stands in the table, whatever the zones: by days of UTC."""
    start = datetime.combine(monday, time.min, UTC)
    return Period(start, start + timedelta(days=7))


def roll_region(connection: Connection, tree: Tree, subject_id: UUID, monday: date) -> None:
    """Make a region's week, or the organisation's."""
    regions, stores = tree.parts_of(subject_id)
    label = label_of(monday)
    begins = Period(label.start - EAST, label.start + WEST)
    parts = read_rollups(connection, tree.org_id, regions, [Grain.WEEK], label)
    unions = [one.union for one in parts]
    of_stores = read_rollups(connection, tree.org_id, stores, [Grain.WEEK], begins)
    queues = queues_of(connection, tree.org_id, stores, Period(begins.start, label.end + WEST))
    for one in of_stores:
        if not tree.counts(one.subject_id, one.period):
            continue  # it stays, but counts no more
        known = queues.get(one.subject_id, NONE)
        unions.append(even(one.union, known).without_points())
    made = [Made(subject_id, Grain.WEEK, label, merged_unions(unions))] if unions else []
    replace_rollups(connection, tree.org_id, [subject_id], [Grain.WEEK], label, made=made)
