"""Renaming: names and labels change, keys and UUIDs never."""

from enum import StrEnum
from uuid import UUID

from sqlalchemy import select

from server.errors import IdentityError, NotFoundError
from server.identity.asking import lock_organisation
from server.identity.holding import Change, hold
from server.schema.identity import device, organisation, point, region, store

LONGEST_NAME = 120


class Subject(StrEnum):
    """What has a name."""

    ORGANISATION = "organisation"
    REGION = "region"
    STORE = "store"
    POINT = "point"
    DEVICE = "device"


COLUMNS = {
    Subject.ORGANISATION: (organisation, organisation.c.org_id, "name"),
    Subject.REGION: (region, region.c.region_id, "name"),
    Subject.STORE: (store, store.c.store_id, "name"),
    Subject.POINT: (point, point.c.point_id, "label"),
    Subject.DEVICE: (device, device.c.device, "label"),
}


def rename(change: Change, subject: Subject, its_id: UUID | str, name: str) -> None:
    """Give something of an organisation another name.

    Raises:
        NotFoundError: no such thing.
        IdentityError: no name of 1 to 120 characters.
    """
    lock_organisation(change.connection, change.org_id)
    name = name.strip()
    if not 1 <= len(name) <= LONGEST_NAME:
        raise IdentityError((f"expected a name of 1 to {LONGEST_NAME} characters",), "name_length")
    table, id_column, field = COLUMNS[subject]
    here = (table.c.org_id == change.org_id) & (id_column == its_id)
    if change.connection.execute(select(id_column).where(here)).first() is None:
        raise NotFoundError(f"no {subject} {its_id}")
    hold(change, table, here, {field: name})
