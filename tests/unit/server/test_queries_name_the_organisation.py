"""The recording that the other tests rely on finds what it is to find."""

import pytest
from sqlalchemy import Engine, select

from server import queries
from server.periods import Period
from server.scope import Scope
from server.suppression import count_released
from server.testing import MONDAY
from tests.unit.server.statements import EVERY_MACHINE, recorded, tables_of, without_organisation


@pytest.mark.parametrize(
    ("statement", "forgotten"),
    [
        ("SELECT cell.k FROM cell WHERE cell.org_id = ? AND cell.k = ?", set()),
        ("SELECT cell.org_id FROM cell WHERE cell.k = ?", {"cell"}),
        ("SELECT c.k FROM cell AS c WHERE c.org_id IN (?)", set()),
        ("SELECT c.k FROM cell AS c, window AS w WHERE c.org_id = ?", {"window"}),
        ("SELECT 1 FROM device JOIN point ON point.org_id = device.org_id WHERE k = ?", set()),
        ("SELECT 1 FROM cell WHERE cell.org_id = ? AND EXISTS (SELECT 1 FROM point)", {"point"}),
        ("UPDATE store SET name=?", {"store"}),
        ("UPDATE store SET name=? WHERE store.org_id = ?", set()),
        ("DELETE FROM rollup WHERE rollup.org_id = ?", set()),
        ("SELECT account.name FROM account", set()),
        ("INSERT INTO cell (org_id, k) VALUES (?, ?)", set()),
    ],
)
def test_what_forgets_the_organisation_is_found(statement: str, forgotten: set[str]) -> None:
    assert without_organisation(statement) == forgotten


def test_the_exceptions_are_about_spread_tables_and_have_a_reason() -> None:
    assert len(EVERY_MACHINE) <= 5
    assert all(EVERY_MACHINE.values())
    assert tables_of("SELECT 1 FROM progress") == {("progress", "progress")}


def test_the_servers_own_statements_are_recorded_and_a_tests_are_not(engine: Engine) -> None:
    with recorded() as statements, engine.connect() as connection:
        (store,) = queries.stores(connection, Scope.everything())
        count_released(connection, store.org_id, [], Period(MONDAY, MONDAY.replace(year=2027)))
        connection.execute(select(1))
    assert any("FROM cell" in one for one in statements)
    assert not any(one == "SELECT 1" for one in statements)
