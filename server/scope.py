"""What a caller may see: whole organisations, whole regions, single stores.

Every read on behalf of somebody passes `Scope.limit`, so what lies outside is not found, as if
it did not exist. A region is seen whole or not at all; what is seen of it is its stores, those
of the regions below it too (`server.access.places` resolves them).
"""

from dataclasses import dataclass
from typing import Any, NamedTuple, Self
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Table, and_, or_, true


class Place(NamedTuple):
    """A store or a region of an organisation."""

    org_id: UUID
    id: UUID


@dataclass(frozen=True, slots=True)
class Scope:
    """What a caller may see; without arguments: nothing.

    Attributes:
        all_organisations: everything, whatever the rest says.
        org_ids: organisations that are seen whole.
        regions: regions that are seen whole, outside of these organisations.
        stores: stores that are seen, outside of these organisations; those of `regions` too.
    """

    all_organisations: bool = False
    org_ids: frozenset[UUID] = frozenset()
    regions: frozenset[Place] = frozenset()
    stores: frozenset[Place] = frozenset()

    @classmethod
    def everything(cls) -> Self:
        """All organisations, also those that come later."""
        return cls(all_organisations=True)

    def limit(self, query: Select[Any], table: Table) -> Select[Any]:
        """`query`, with the rows of `table` inside this scope.

        `table` has a column `org_id`, and one of `store_id` or `region_id` where single stores
        or regions may be seen of it. Of the table of organisations, those are seen of which
        anything is seen.
        """
        return query if self.all_organisations else query.where(self.covers(table))

    def covers(self, table: Table) -> ColumnElement[bool]:
        """The condition that `limit` puts."""
        if self.all_organisations:
            return true()
        if table.name == "organisation":
            return table.c.org_id.in_(self.touched)
        whole = table.c.org_id.in_(self.org_ids)
        if "store_id" in table.c:
            column, single = table.c.store_id, self.stores
        elif "region_id" in table.c:
            column, single = table.c.region_id, self.regions
        else:
            return whole
        if not single:
            return whole
        orgs = {one.org_id for one in single}
        part = and_(table.c.org_id.in_(orgs), column.in_({one.id for one in single}))
        return or_(whole, part)

    @property
    def touched(self) -> frozenset[UUID]:
        """The organisations of which anything is seen; meaningless where all are."""
        places = self.stores | self.regions
        return self.org_ids | {one.org_id for one in places}

    def sees_organisation(self, org_id: UUID) -> bool:
        """Whether an organisation is seen whole."""
        return self.all_organisations or org_id in self.org_ids

    def sees_region(self, org_id: UUID, region_id: UUID) -> bool:
        """Whether a region is seen whole."""
        return self.sees_organisation(org_id) or Place(org_id, region_id) in self.regions

    def sees_store(self, org_id: UUID, store_id: UUID) -> bool:
        """Whether a store is seen."""
        return self.sees_organisation(org_id) or Place(org_id, store_id) in self.stores

    def meet(self, other: "Scope") -> "Scope":
        """What lies in both."""
        if self.all_organisations:
            return other
        if other.all_organisations:
            return self
        pairs = ((self, other), (other, self))
        regions = {one for a, b in pairs for one in a.regions if b.sees_region(*one)}
        stores = {one for a, b in pairs for one in a.stores if b.sees_store(*one)}
        return Scope(
            org_ids=self.org_ids & other.org_ids,
            regions=frozenset(regions),
            stores=frozenset(stores),
        )

    def holds(self, other: "Scope") -> bool:
        """Whether all of `other` lies in it."""
        if self.all_organisations or other.all_organisations:
            return self.all_organisations
        return (
            other.org_ids <= self.org_ids
            and all(self.sees_region(*one) for one in other.regions)
            and all(self.sees_store(*one) for one in other.stores)
        )
