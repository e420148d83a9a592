"""Organisations and regions that a caller sees whole, as a tree."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, select

from server.queries import StoreView
from server.schema.identity import organisation, region, store
from server.scope import Place, Scope


@dataclass(frozen=True, slots=True)
class Area:
    """A region that is seen whole, or an organisation, which has no `region_id`.

    `depth`: how many stand above it, of those that are seen.
    """

    org_id: UUID
    region_id: UUID | None
    parent_id: UUID | None
    name: str
    depth: int

    @property
    def place(self) -> Place:
        """What names its figures."""
        return Place(self.org_id, self.region_id or self.org_id)


def areas(connection: Connection, scope: Scope) -> list[Area]:
    """All of them, each before those below it."""
    orgs = connection.execute(
        scope.limit(select(organisation), organisation).order_by(organisation.c.name)
    ).all()
    org_ids = [one.org_id for one in orgs]
    query = select(region).where(region.c.org_id.in_(org_ids)).order_by(region.c.name)
    regions = connection.execute(scope.limit(query, region)).all()
    found: list[Area] = []
    for org in orgs:
        whole = scope.sees_organisation(org.org_id)
        if whole:
            found.append(Area(org.org_id, None, None, org.name, 0))
        mine = [one for one in regions if one.org_id == org.org_id]
        found += _below(mine, depth=1 if whole else 0)
    return found


def _below(regions: Sequence[Row[Any]], depth: int) -> list[Area]:
    """Regions of one organisation as a tree: the tops are those whose parent is not seen."""
    known = {one.region_id for one in regions}
    children: dict[UUID | None, list[Row[Any]]] = {}
    for one in regions:
        children.setdefault(one.parent_id if one.parent_id in known else None, []).append(one)
    found: list[Area] = []
    waiting = [(one, depth) for one in reversed(children.get(None, []))]
    while waiting:
        one, deep = waiting.pop()
        found.append(Area(one.org_id, one.region_id, one.parent_id, one.name, deep))
        waiting += [(each, deep + 1) for each in reversed(children.get(one.region_id, []))]
    return found


def opened_at(tree: Sequence[Area], chosen: Area | None) -> list[Area]:
    """The areas that are shown: the uppermost two levels; or those above a region, and below it."""
    if chosen is None:
        return [one for one in tree if one.depth <= 1]
    by_id = {one.region_id: one for one in tree if one.region_id is not None}
    path = [chosen]
    while path[-1].parent_id in by_id and path[-1].parent_id is not None:
        path.append(by_id[path[-1].parent_id])
    return [
        one
        for one in tree
        if one in path
        or (one.parent_id == chosen.region_id and one.region_id is not None)
        or (one.region_id is None and one.org_id == chosen.org_id)
    ]


def stores_in(
    connection: Connection, stores: Sequence[StoreView], tree: Sequence[Area], chosen: Area
) -> list[StoreView]:
    """The stores of a region and of those below it."""
    regions = {chosen.region_id}
    for one in tree:  # each stands after the one above it
        if one.parent_id is not None and one.parent_id in regions:
            regions.add(one.region_id)
    ids = set(
        connection.execute(
            select(store.c.store_id).where(
                store.c.org_id == chosen.org_id, store.c.region_id.in_(regions)
            )
        ).scalars()
    )
    return [one for one in stores if one.store_id in ids]
