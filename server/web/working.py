"""Which devices are at work: a retired one says nothing any more, and nobody needs to look."""

from collections.abc import Iterable

from sqlalchemy import Connection, select

from server.queries import DeviceView
from server.schema.identity import device
from server.scope import Scope


def working(
    connection: Connection, scope: Scope, devices: Iterable[DeviceView]
) -> list[DeviceView]:
    """Those of `devices`, all of them in `scope`, that are not retired."""
    found = list(devices)
    query = select(device.c.org_id, device.c.device).where(
        device.c.org_id.in_({one.org_id for one in found}), device.c.retired_at.is_not(None)
    )
    retired = {tuple(row) for row in connection.execute(scope.limit(query, device))}
    return [one for one in found if (one.org_id, one.device) not in retired]
