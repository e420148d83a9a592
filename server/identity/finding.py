"""Finding things by the keys that people write: the UUIDs behind them."""

from uuid import UUID

from sqlalchemy import Connection, select

from server.errors import NotFoundError
from server.schema.identity import organisation, point, region, store


def organisation_by_key(connection: Connection, key: str | None) -> UUID:
    """An organisation; without a key the only one there is.

    Raises:
        NotFoundError: no such one, or several and no key.
    """
    rows = connection.execute(select(organisation).order_by(organisation.c.slug)).all()
    found: list[UUID] = [row.org_id for row in rows if key in (None, row.slug)]
    if len(found) == 1:
        return found[0]
    asked = "--organisation" if key is None else f"no organisation {key!r}"
    raise NotFoundError(f"{asked}: expected one of {_listed([row.slug for row in rows])}")


def region_by_key(connection: Connection, org_id: UUID, key: str) -> UUID:
    """A region.

    Raises:
        NotFoundError: no such one.
    """
    query = select(region.c.slug, region.c.region_id).where(region.c.org_id == org_id)
    return _one(f"region {key!r}", key, dict(map(tuple, connection.execute(query).all())))


def store_by_key(connection: Connection, org_id: UUID, key: str) -> UUID:
    """A store.

    Raises:
        NotFoundError: no such one.
    """
    query = select(store.c.slug, store.c.store_id).where(store.c.org_id == org_id)
    return _one(f"store {key!r}", key, dict(map(tuple, connection.execute(query).all())))


def point_by_key(connection: Connection, org_id: UUID, store_id: UUID, key: str) -> UUID:
    """A point of a store.

    Raises:
        NotFoundError: no such one.
    """
    query = select(point.c.slug, point.c.point_id).where(
        point.c.org_id == org_id, point.c.store_id == store_id
    )
    return _one(f"point {key!r}", key, dict(map(tuple, connection.execute(query).all())))


def _one(what: str, key: str, known: dict[str, UUID]) -> UUID:
    if key not in known:
        raise NotFoundError(f"no {what}: expected one of {_listed(sorted(known))}")
    return known[key]


def _listed(keys: list[str]) -> str:
    few = ", ".join(map(repr, keys[:8])) or "none, for there is none"
    return f"{few}, …" if len(keys) > 8 else few
