"""What an identity file may do to what operations have changed since."""

from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from server.database import writer
from server.errors import IdentityError
from server.identity import (
    Change,
    Hours,
    Subject,
    apply_identity,
    hours_of,
    move_region,
    move_store,
    rename,
    replace_device,
    set_hours,
)
from server.identity.finding import organisation_by_key, region_by_key
from server.identity.listing import lines
from server.identity_file import Identity, load_identity
from server.schema.identity import store
from server.schema.rollups import rollup_due
from server.testing import MessageFactory
from tests.unit.server.conftest import LARGER
from tests.unit.server.identity_larger import AT, NOW, at_point, pudong, take


def test_an_older_file_undoes_nothing_and_says_so(larger: tuple[Engine, Identity]) -> None:
    engine, old = larger
    with writer(engine).begin() as connection:
        change = Change(connection, organisation_by_key(connection, "acme"), "Ada", NOW)
        rename(change, Subject.STORE, pudong(change), "Pudong Avenue")
        move_store(change, pudong(change), region_by_key(connection, change.org_id, "china"))
        replace_device(change, "kiosk-1", "kiosk-2", AT)
        hours = hours_of(connection, change.org_id, pudong(change))
        eve = {date(2026, 12, 24): ("09:00-14:00",)}
        set_hours(change, pudong(change), Hours(hours.opening, hours.closed, eve))
        before = list(lines(connection, change.org_id))
        kept = apply_identity(connection, old)
        assert list(lines(connection, change.org_id)) == before
    said = "\n".join(map(str, kept))
    assert sorted({one.field for one in kept}) == ["name", "region_id", "special", "valid_to"]
    assert "name stays 'Pudong Avenue', as Ada set it" in said
    assert "region_id stays 'china'" in said
    assert "identity file says 'Pudong'" in said


def test_a_file_that_says_the_same_has_the_field_again(
    larger: tuple[Engine, Identity], tmp_path: Path
) -> None:
    engine, old = larger
    path = tmp_path / "newer.toml"
    with writer(engine).begin() as connection:
        change = Change(connection, organisation_by_key(connection, "acme"), "Ada", NOW)
        rename(change, Subject.STORE, pudong(change), "Pudong Avenue")
        path.write_text(LARGER.replace('"Pudong"', '"Pudong Avenue"'), "utf-8")
        assert apply_identity(connection, load_identity(path)) == ()
        held = select(store.c.held).where(store.c.slug == "pudong-1")
        assert connection.execute(held).scalar() is None
        assert apply_identity(connection, old) == ()
        names = set(connection.execute(select(store.c.name)).scalars())
    assert names == {"Pudong", "Puxi"}


def test_file_and_operation_together_cannot_make_a_circle(
    larger: tuple[Engine, Identity], tmp_path: Path
) -> None:
    engine, _ = larger
    path = tmp_path / "turned.toml"
    turned = LARGER.replace('parent = "china"\n', "")
    path.write_text(turned.replace('name = "China"', 'name = "China"\nparent = "east"'), "utf-8")
    with writer(engine).begin() as connection:
        change = Change(connection, organisation_by_key(connection, "acme"), "Ada", NOW)
        east = region_by_key(connection, change.org_id, "east")
        move_region(change, east, None)
        move_region(change, east, region_by_key(connection, change.org_id, "china"))
        with pytest.raises(IdentityError, match="circle"):
            apply_identity(connection, load_identity(path))


def test_a_file_that_moves_a_store_marks_what_it_left(
    larger: tuple[Engine, Identity], tmp_path: Path
) -> None:
    engine, _ = larger
    take(engine, MessageFactory().cell(AT))
    path = tmp_path / "moved.toml"
    path.write_text(LARGER.replace('region = "east"', 'region = "china"'), "utf-8")
    with writer(engine).begin() as connection:
        change = Change(connection, organisation_by_key(connection, "acme"), "Ada", NOW)
        connection.execute(rollup_due.delete())
        assert apply_identity(connection, load_identity(path), NOW) == ()
        found = set(connection.execute(select(rollup_due.c.point_id)).scalars())
        east = region_by_key(connection, change.org_id, "east")
        assert {at_point(change, "counter"), east} <= found
