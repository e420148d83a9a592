"""Recording the statements that the server sends, and what of them names no organisation.

A spread table is spread over machines by `org_id`: a statement that reads, changes or deletes
its rows without naming that column would ask every machine.
"""

import inspect
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine, event

from server.schema.whole import SPREAD

HERE = Path(__file__).resolve()
TESTS = HERE.parents[2]
SERVER = TESTS.parent / "server"
RETENTION = SERVER / "retention.py"
"""Lets go of the old rows of all organisations at once, and so asks every machine."""
SPREAD_NAMES = frozenset(table.name for table in SPREAD)
NAMED = re.compile(r'\b(?:FROM|JOIN|UPDATE|USING)\s+"?(\w+)"?(?:\s+AS\s+"?(\w+)"?)?', re.IGNORECASE)
LISTED = re.compile(
    r',\s*"?(\w+)"?(?:\s+AS\s+"?(\w+)"?)?(?=\s*(?:,|WHERE|JOIN|\(|\)|$))', re.IGNORECASE
)
FROM_LIST = re.compile(
    r"\bFROM\b(.*?)(?:\bWHERE\b|\bORDER\b|\bGROUP\b|\bLIMIT\b|$)", re.IGNORECASE | re.DOTALL
)
CONDITIONS = re.compile(r"\b(?:WHERE|ON)\b(?! CONFLICT)(.*)", re.IGNORECASE | re.DOTALL)

EVERY_MACHINE = {
    "SELECT progress.": "after a reconnection every device is told how far it is settled",
    "SELECT device.device FROM device WHERE device.device IN (SELECT aside.": "who claimed the "
    "devices that were unknown so far, whichever organisation that is",
    "DELETE FROM aside WHERE aside.kept_at <": "old rows of all organisations go at once",
    "DELETE FROM ledger_day WHERE ledger_day.day <": "old rows of all organisations go at once",
}
"""How the few statements begin that are meant to ask every machine, and why they are."""


@contextmanager
def recorded() -> Iterator[set[str]]:
    """The statements that the server sends while the block runs, each once."""
    found: set[str] = set()

    def record(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if _by_the_server():
            found.add(" ".join(statement.split()))

    event.listen(Engine, "before_cursor_execute", record)
    try:
        yield found
    finally:
        event.remove(Engine, "before_cursor_execute", record)


def _by_the_server() -> bool:
    """Whether the code that had a statement executed is the server's, and not a test's."""
    frame = inspect.currentframe()
    ours = False
    while frame is not None:
        path = Path(frame.f_code.co_filename)
        if path == RETENTION:
            return False
        if TESTS in path.parents and path != HERE:
            return ours
        ours = ours or SERVER in path.parents
        frame = frame.f_back
    return ours


def without_organisation(statement: str) -> set[str]:
    """The spread tables of a statement whose `org_id` is in no condition of it.

    >>> without_organisation("SELECT * FROM cell WHERE cell.point_id = ?")
    {'cell'}
    >>> without_organisation("SELECT * FROM cell AS c WHERE c.org_id = ? AND c.point_id = ?")
    set()
    >>> without_organisation("INSERT INTO cell (org_id) VALUES (?)")
    set()
    """
    if any(statement.startswith(one) for one in EVERY_MACHINE):
        return set()
    conditions = CONDITIONS.search(statement)
    told = conditions[1] if conditions else ""
    return {
        table
        for table, name in tables_of(statement)
        if not re.search(rf'\b"?{name}"?\."?org_id\b', told)
    }


def tables_of(statement: str) -> set[tuple[str, str]]:
    """The spread tables that a statement reads, changes or deletes from, each with its alias."""
    found = [match.groups() for match in NAMED.finditer(statement)]
    for part in FROM_LIST.findall(statement):
        found += [match.groups() for match in LISTED.finditer(part)]
    return {
        (table.lower(), alias or table) for table, alias in found if table.lower() in SPREAD_NAMES
    }
