"""Identity: applied as often as one likes, with UUIDs that never change."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from server.database import writer
from server.errors import IdentityError
from server.identity import apply_identity, assigned_at, owner_of, store_time
from server.identity_file import Identity, load_identity
from server.schema.columns import NO_ORGANISATION
from server.schema.identity import device, device_owner, point, region, store
from server.testing import MONDAY
from tests.unit.server.conftest import IDENTITY


def ids(engine: Engine) -> set[object]:
    with engine.connect() as connection:
        found = [
            set(connection.execute(select(table.c[name])).scalars())
            for table, name in ((region, "region_id"), (store, "store_id"), (point, "point_id"))
        ]
    return set().union(*found)


def test_applying_twice_keeps_every_uuid_and_takes_new_labels(
    engine: Engine, identity_path: Path
) -> None:
    before = ids(engine)
    identity_path.write_text(IDENTITY.replace('"Pudong"', '"Pudong Avenue"'), "utf-8")
    with writer(engine).begin() as connection:
        apply_identity(connection, load_identity(identity_path))
    assert ids(engine) == before
    with engine.connect() as connection:
        assert connection.execute(select(store.c.name)).scalar() == "Pudong Avenue"


def test_a_moved_device_closes_one_assignment_and_opens_another(
    engine: Engine, identity_path: Path
) -> None:
    moved = IDENTITY.replace(
        '{ local = "counter-1", point = "counter" }',
        '{ local = "counter-1", point = "counter", valid_to = 2026-11-10T00:00:00Z }, '
        '{ local = "counter-1", point = "line", valid_from = 2026-11-10T00:00:00Z }',
    )
    identity_path.write_text(moved, "utf-8")
    with writer(engine).begin() as connection:
        apply_identity(connection, load_identity(identity_path))
        owner = owner_of(connection, "kiosk-1")
        assert owner is not None
        then = assigned_at(
            connection, owner.org_id, "kiosk-1", "counter-1", datetime(2026, 11, 9, tzinfo=UTC)
        )
        now = assigned_at(connection, owner.org_id, "kiosk-1", "counter-1", MONDAY)
    assert (then and then.kind, now and now.kind) == ("service_point", "queue")


def test_a_point_cannot_be_swapped_behind_a_running_assignment(
    engine: Engine, identity_path: Path
) -> None:
    swapped = IDENTITY.replace(
        'local = "counter-1", point = "counter"', 'local = "counter-1", point = "line"'
    )
    identity_path.write_text(swapped, "utf-8")
    with (
        pytest.raises(IdentityError, match="close that assignment"),
        writer(engine).begin() as connection,
    ):
        apply_identity(connection, load_identity(identity_path))


def test_dates_with_other_hours_reach_the_store_s_time(engine: Engine, identity_path: Path) -> None:
    exceptions = 'closed = [2026-11-23]\nspecial = { 2026-11-16 = ["10:00-11:00"] }\n'
    opening = IDENTITY.index("opening.mon")
    identity_path.write_text(IDENTITY[:opening] + exceptions + IDENTITY[opening:], "utf-8")
    with writer(engine).begin() as connection:
        apply_identity(connection, load_identity(identity_path))
        row = connection.execute(select(store.c.org_id, store.c.store_id)).one()
        clock = store_time(connection, row.org_id, row.store_id)
    open_s = [
        sum(one.length_s for one in clock.open_times(clock.days(day, day)))
        for day in (date(2026, 11, 16), date(2026, 11, 23), date(2026, 11, 30))
    ]
    assert open_s == [3600.0, 0.0, 11 * 3600.0]


def test_another_organisation_cannot_claim_a_device(engine: Engine, identity: Identity) -> None:
    with writer(engine).begin() as connection:
        for table in (device, device_owner):
            connection.execute(table.update().values(org_id=NO_ORGANISATION))
    with pytest.raises(IdentityError, match="another"), writer(engine).begin() as connection:
        apply_identity(connection, identity)


@pytest.mark.parametrize(
    ("found", "instead", "says"),
    [
        ('parent = "china"', 'parent = "mars"', "unknown parent 'mars'"),
        ('name = "China"', 'name = "China"\nparent = "east"', "circle"),
        ('region = "east"', 'region = "west"', "unknown region 'west'"),
        ("Asia/Shanghai", "Asia/Shangai", "did you mean Asia/Shanghai"),
        ('point = "line"', 'point = "lane"', "unknown point 'lane'"),
        ('store = "pudong-1"', 'store = "puxi"', "unknown store 'puxi'"),
        ('key = "line"', 'key = "counter"', "stands twice"),
        ('local = "line"', 'local = "counter-1"', "two assignments at one time"),
        ('kind = "queue"', 'kind = "lounge"', "kind"),
        ("[[device]]", "[[gadget]]", "gadget"),
        ("08:00-12:00", "8-12", "opening"),
        ('name = "Pudong"', 'name = "Pudong"\nspecial = { 2026-12-24 = ["9-14"] }', "HH:MM-HH:MM"),
        (
            'name = "Pudong"',
            'name = "Pudong"\nclosed = [2026-12-24]\nspecial = { 2026-12-24 = ["09:00-14:00"] }',
            "among the closed dates",
        ),
    ],
)
def test_each_mistake_is_named(identity_path: Path, found: str, instead: str, says: str) -> None:
    assert found in IDENTITY
    identity_path.write_text(IDENTITY.replace(found, instead, 1), "utf-8")
    with pytest.raises(IdentityError, match=says):
        load_identity(identity_path)
