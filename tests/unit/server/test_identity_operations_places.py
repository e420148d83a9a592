"""Devices move and are replaced, points are merged, stores close: each at an instant."""

from datetime import date, timedelta

import pytest
from sqlalchemy import Engine, select

from firmware_cfg.messages import PointKind
from server.database import writer
from server.errors import AmendmentError, IdentityError
from server.identity import (
    Change,
    end_store,
    merge_points,
    move_device,
    owner_of,
    reopen_store,
    replace_device,
    retire_device,
)
from server.identity.finding import organisation_by_key
from server.identity.listing import lines
from server.identity_file import Identity
from server.schema.identity import device, point
from server.schema.messages import aside
from server.schema.rollups import rollup_due
from server.testing import MONDAY, MessageFactory
from tests.unit.server.identity_larger import AT, NOW, at_point, pudong, puxi, take, watched


def test_a_device_moves_to_another_store_at_an_instant(change: Change) -> None:
    there = puxi(change)
    counter = at_point(change, "counter", there)
    move_device(change, "kiosk-1", there, {"counter-1": counter}, AT)
    before, after = AT - timedelta(seconds=1), AT
    assert watched(change, "kiosk-1", "counter-1", before) == at_point(change, "counter")
    assert watched(change, "kiosk-1", "counter-1", after) == counter
    assert watched(change, "kiosk-1", "line", before) == at_point(change, "line")
    assert watched(change, "kiosk-1", "line", after) is None
    owner = owner_of(change.connection, "kiosk-1")
    assert owner is not None
    assert owner.store_id == there


def test_a_new_device_takes_over_points_and_labels(change: Change) -> None:
    replace_device(change, "kiosk-1", "kiosk-2", AT, {"counter-1": "left"})
    assert watched(change, "kiosk-1", "counter-1", AT) is None
    assert watched(change, "kiosk-2", "left", AT) == at_point(change, "counter")
    assert watched(change, "kiosk-2", "line", AT) == at_point(change, "line")
    assert watched(change, "kiosk-2", "left", AT - timedelta(seconds=1)) is None
    rows = {row.device: row for row in change.connection.execute(select(device))}
    assert rows["kiosk-1"].retired_at == AT
    assert rows["kiosk-2"].retired_at is None
    assert rows["kiosk-2"].label == rows["kiosk-1"].label


def test_windows_of_the_new_device_are_stored(larger: tuple[Engine, Identity]) -> None:
    engine, _ = larger
    with writer(engine).begin() as connection:
        change = Change(connection, organisation_by_key(connection, "acme"), "Ada", NOW)
        replace_device(change, "kiosk-1", "kiosk-2", MONDAY)
    take(engine, MessageFactory().cell(MONDAY), device="kiosk-2")
    with engine.connect() as connection:
        assert connection.execute(select(aside.c.reason)).all() == []


def test_a_repaired_device_comes_back(change: Change) -> None:
    retire_device(change, "kiosk-1", AT)
    later = AT + timedelta(days=1)
    watches = {"counter-1": at_point(change, "counter")}
    move_device(change, "kiosk-1", pudong(change), watches, later)
    assert watched(change, "kiosk-1", "counter-1", AT + timedelta(hours=1)) is None
    assert watched(change, "kiosk-1", "counter-1", later) == at_point(change, "counter")
    assert change.connection.execute(select(device.c.retired_at)).scalar() is None


def test_an_assignment_cannot_end_before_what_was_released_under_it(
    larger: tuple[Engine, Identity],
) -> None:
    engine, _ = larger
    take(engine, MessageFactory().cell(AT))
    with writer(engine).begin() as connection:
        change = Change(connection, organisation_by_key(connection, "acme"), "Ada", NOW)
        with pytest.raises(IdentityError, match=r"released until .* is amended"):
            retire_device(change, "kiosk-1", AT + timedelta(minutes=10))
        retire_device(change, "kiosk-1", AT + timedelta(minutes=30))


def test_merging_marks_the_days_of_both_points_and_touches_no_cell(
    larger: tuple[Engine, Identity],
) -> None:
    engine, _ = larger
    factory = MessageFactory()
    take(engine, factory.cell(AT), factory.cell(AT, point="line", kind=PointKind.QUEUE))
    with writer(engine).begin() as connection:
        change = Change(connection, organisation_by_key(connection, "acme"), "Ada", NOW)
        one, other = at_point(change, "counter"), at_point(change, "till-2")
        connection.execute(rollup_due.delete())
        merge_points(change, one, other, None)
        marks = {(row.point_id, row.day) for row in connection.execute(select(rollup_due))}
        row = connection.execute(select(point).where(point.c.point_id == one)).one()
    assert marks == {(one, date(2026, 11, 16)), (other, date(2026, 11, 16))}
    assert (row.merged_into, row.merged_since) == (other, None)


def test_points_with_cells_at_one_time_cannot_be_merged(larger: tuple[Engine, Identity]) -> None:
    engine, _ = larger
    take(engine, MessageFactory().cell(AT))
    with writer(engine).begin() as connection:
        change = Change(connection, organisation_by_key(connection, "acme"), "Ada", NOW)
        replace_device(change, "kiosk-1", "kiosk-2", AT + timedelta(hours=1))
        watches = {"counter-1": at_point(change, "till-2")}
        move_device(change, "kiosk-1", pudong(change), watches, AT + timedelta(hours=1))
        one, other = at_point(change, "counter"), at_point(change, "till-2")
        with pytest.raises(IdentityError, match="both watched, by devices 'kiosk-2' and"):
            merge_points(change, one, other, None)
    later = AT + timedelta(hours=2)
    take(engine, MessageFactory().cell(later), device="kiosk-2")
    take(engine, MessageFactory().cell(later), sequence=1)
    with writer(engine).begin() as connection:
        change = Change(connection, organisation_by_key(connection, "acme"), "Ada", NOW)
        retire_device(change, "kiosk-2", AT + timedelta(hours=4))
        one, other = at_point(change, "counter"), at_point(change, "till-2")
        for since in (None, later):
            with pytest.raises(AmendmentError, match="cells of two"), connection.begin_nested():
                merge_points(change, one, other, since)
        merge_points(change, one, other, later + timedelta(minutes=1))


def test_a_store_closes_for_good_and_opens_again(change: Change) -> None:
    assert end_store(change, pudong(change), AT) == 2
    assert watched(change, "kiosk-1", "counter-1", AT) is None
    assert any("closed for good" in line for line in lines(change.connection, change.org_id))
    assert reopen_store(change, pudong(change)) == 2
    assert watched(change, "kiosk-1", "counter-1", AT) == at_point(change, "counter")


def test_reopening_leaves_a_device_where_it_went(change: Change) -> None:
    end_store(change, pudong(change), AT)
    counter = at_point(change, "counter", puxi(change))
    move_device(change, "kiosk-1", puxi(change), {"counter-1": counter}, AT)
    assert reopen_store(change, pudong(change)) == 1
    assert watched(change, "kiosk-1", "counter-1", AT) == counter
