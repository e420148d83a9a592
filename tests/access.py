"""Accounts, sessions and tokens made straight in a database, so that tests need no password."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Engine

from server.access import accounts, sessions, tokens
from server.access.callers import Caller
from server.access.names import folded
from server.access.reach import Reach, scope_of
from server.access.roles import Role
from server.access.tokens import Wanted
from server.database import open_database, writer

EVERYTHING = (Reach(),)


def an_account(
    engine: Engine,
    now: datetime,
    role: Role = Role.ADMIN,
    reaches: Sequence[Reach] = EVERYTHING,
    name: str = "ada",
) -> UUID:
    """The account of `name`, made if there is none."""
    with writer(engine).begin() as connection:
        found = accounts.by_name(connection, name)
        if found is not None:
            return found.account_id
        return accounts.make(connection, folded(name), role, reaches, now)


def a_session(engine: Engine, account_id: UUID, now: datetime) -> str:
    """A new session's secret."""
    with writer(engine).begin() as connection:
        return sessions.begin(connection, account_id, now)


def a_caller(engine: Engine, account_id: UUID) -> Caller:
    """An account, as it would ask with a session."""
    with engine.connect() as connection:
        one = accounts.by_id(connection, account_id)
        scope = scope_of(connection, one.reaches)
    return Caller(account_id, one.name, one.role, scope, session="not a real one")


def a_token(url: str, now: datetime, days: int = 30) -> str:
    """A token to everything in the database of `url`."""
    engine = open_database(url)
    caller = a_caller(engine, an_account(engine, now))
    wanted = Wanted("test", Role.ADMIN, Reach(), now + timedelta(days=days))
    with writer(engine).begin() as connection:
        _, token = tokens.make(connection, caller, wanted, now)
    engine.dispose()
    return token
