"""Where a role holds, and what that means today: regions and stores may have moved meanwhile."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection, select

from server.access.errors import RefusedError
from server.schema.identity import organisation, region, store
from server.scope import Place, Scope


@dataclass(frozen=True, slots=True)
class Reach:
    """An organisation (none: all of them), or below a region of it, or one of its stores."""

    org_id: UUID | None = None
    region_id: UUID | None = None
    store_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class NamedReach:
    """A reach that can be chosen or shown. `kind`: all, organisation, region, store."""

    reach: Reach
    kind: str
    name: str

    @property
    def code(self) -> str:
        """It as the value of a form's field."""
        one = self.reach
        return ":".join("" if part is None else str(part) for part in _fields(one))


def _fields(one: Reach) -> tuple[UUID | None, UUID | None, UUID | None]:
    return one.org_id, one.region_id, one.store_id


def reach_of_code(code: str) -> Reach:
    """The reach that `NamedReach.code` wrote.

    Raises:
        RefusedError: not of that form.
    """
    parts = code.split(":")
    try:
        values = [UUID(part) if part else None for part in parts]
        org_id, region_id, store_id = values
    except ValueError:
        raise RefusedError("reach", f"a reach: expected ORG:REGION:STORE, found {code!r}") from None
    found = Reach(org_id, region_id, store_id)
    check_form(found)
    return found


def check_form(one: Reach) -> None:
    """Refuse a reach that names a store or region without its organisation, or both of them.

    Raises:
        RefusedError: it does.
    """
    named = one.region_id is not None or one.store_id is not None
    both = one.region_id is not None and one.store_id is not None
    if both or (named and one.org_id is None):
        raise RefusedError(
            "reach", "a reach: expected an organisation, with a region or a store of it, or nothing"
        )


def scope_of(connection: Connection, reaches: Iterable[Reach]) -> Scope:
    """What may be seen within `reaches`, by the tree of regions as it stands."""
    wanted = tuple(reaches)
    if any(one.org_id is None for one in wanted):
        return Scope.everything()
    whole = frozenset(one.org_id for one in wanted if one.org_id and _is_whole(one))
    roots = {Place(one.org_id, one.region_id) for one in wanted if one.org_id and one.region_id}
    single = {Place(one.org_id, one.store_id) for one in wanted if one.org_id and one.store_id}
    regions = _below(connection, {one for one in roots if one.org_id not in whole})
    stores = _stores_in(connection, regions)
    outside = {one for one in single if one.org_id not in whole}
    return Scope(org_ids=whole, regions=frozenset(regions), stores=frozenset(stores | outside))


def _is_whole(one: Reach) -> bool:
    return one.region_id is None and one.store_id is None


def _below(connection: Connection, roots: Collection[Place]) -> set[Place]:
    """Regions with all below them."""
    if not roots:
        return set()
    orgs = {one.org_id for one in roots}
    rows = connection.execute(select(region).where(region.c.org_id.in_(orgs))).all()
    children: dict[Place, list[Place]] = {}
    known = set()
    for row in rows:
        here = Place(row.org_id, row.region_id)
        known.add(here)
        if row.parent_id is not None:
            children.setdefault(Place(row.org_id, row.parent_id), []).append(here)
    found: set[Place] = set()
    waiting = [one for one in roots if one in known]
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting += children.get(one, [])
    return found


def _stores_in(connection: Connection, regions: Collection[Place]) -> set[Place]:
    if not regions:
        return set()
    rows = connection.execute(
        select(store.c.org_id, store.c.store_id, store.c.region_id).where(
            store.c.org_id.in_({one.org_id for one in regions}),
            store.c.region_id.in_({one.id for one in regions}),
        )
    )
    return {
        Place(row.org_id, row.store_id)
        for row in rows
        if Place(row.org_id, row.region_id) in regions
    }


def choices(connection: Connection, scope: Scope) -> list[NamedReach]:
    """Every reach inside `scope` that could be handed on, in the order of their names."""
    orgs = {row.org_id: row.name for row in connection.execute(select(organisation))}
    found = [NamedReach(Reach(), "all", "")] if scope.all_organisations else []
    whole = [one for one in orgs if scope.sees_organisation(one)]
    found += [NamedReach(Reach(one), "organisation", orgs[one]) for one in whole]
    regions = connection.execute(
        scope.limit(select(region).where(region.c.org_id.in_(orgs)), region).order_by(region.c.name)
    )
    found += [
        NamedReach(Reach(row.org_id, region_id=row.region_id), "region", row.name)
        for row in regions
    ]
    stores = connection.execute(
        scope.limit(select(store).where(store.c.org_id.in_(orgs)), store).order_by(store.c.name)
    )
    found += [
        NamedReach(Reach(row.org_id, store_id=row.store_id), "store", row.name) for row in stores
    ]
    return found


def check_handed_on(connection: Connection, own: Scope, reaches: Iterable[Reach]) -> None:
    """Refuse reaches that exceed one's own, or that name what does not exist.

    Both are refused in the same words, so that nothing is told about what lies outside.

    Raises:
        RefusedError: it does.
    """
    wanted = set(reaches)
    for one in wanted:
        check_form(one)
    if not wanted <= {one.reach for one in choices(connection, own)}:
        raise RefusedError("reach", "a reach: expected one inside your own")
