"""Changes through the API: one transaction, by the caller, in an organisation that it may see."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from sqlalchemy import Connection

from server.access.callers import Caller
from server.access.errors import ForbiddenError
from server.database import writer
from server.identity import Change
from server.queries import store_by_id
from server.web.parts import Parts


@contextmanager
def changing(parts: Parts) -> Iterator[Connection]:
    """A transaction that writes."""
    with writer(parts.engine).begin() as connection:
        yield connection


def change_of(connection: Connection, parts: Parts, caller: Caller, org_id: UUID) -> Change:
    """A change by `caller`, in an organisation that was found within its scope."""
    return Change(connection, org_id, caller.name, parts.clock())


def change_of_store(connection: Connection, parts: Parts, caller: Caller, store_id: UUID) -> Change:
    """A change by `caller`, of a store.

    Raises:
        NotFoundError: no such store in its scope.
    """
    org_id = store_by_id(connection, caller.scope, store_id).org_id
    return change_of(connection, parts, caller, org_id)


def check_whole(caller: Caller, org_id: UUID) -> None:
    """Refuse what is about a whole organisation to those who see a part of it.

    Raises:
        ForbiddenError: the caller does.
    """
    if not caller.scope.sees_organisation(org_id):
        raise ForbiddenError("expected a reach over the whole organisation")
