"""Operations on who is who: what is refused, what stays, and the command line."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import Engine, select

from server.cli import main
from server.database import open_database, sqlite_url, writer
from server.errors import IdentityError, NotFoundError
from server.identity import (
    Change,
    Hours,
    Subject,
    apply_identity,
    end_store,
    merge_points,
    move_device,
    move_region,
    move_store,
    rename,
    replace_device,
    set_hours,
    unmerge_point,
)
from server.identity.finding import organisation_by_key, region_by_key
from server.identity_file import Identity, load_identity
from server.schema.identity import point, region, store
from server.schema.rollups import rollup_due
from server.testing import MONDAY, MessageFactory
from tests.unit.server.conftest import LARGER
from tests.unit.server.identity_larger import AT, NOW, at_point, pudong, puxi, take


def _to_unknown_store(change: Change) -> None:
    move_device(change, "kiosk-1", UUID(int=1), {}, AT)


def _unknown_device(change: Change) -> None:
    move_device(change, "kiosk-9", pudong(change), {}, AT)


def _point_of_another_store(change: Change) -> None:
    move_device(change, "kiosk-1", puxi(change), {"a": at_point(change, "counter")}, AT)


def _one_point_twice(change: Change) -> None:
    counter = at_point(change, "till-2")
    move_device(change, "kiosk-1", pudong(change), {"a": counter, "b": counter}, AT)


def _in_the_future(change: Change) -> None:
    move_device(change, "kiosk-1", pudong(change), {}, NOW + timedelta(seconds=1))


def _same_instant_twice(change: Change) -> None:
    watches = {"counter-1": at_point(change, "till-2")}
    move_device(change, "kiosk-1", pudong(change), watches, AT)
    move_device(change, "kiosk-1", pudong(change), watches, AT)


def _closed_store(change: Change) -> None:
    end_store(change, puxi(change), AT)
    move_device(change, "kiosk-1", puxi(change), {}, AT)


def _by_itself(change: Change) -> None:
    replace_device(change, "kiosk-1", "kiosk-1", AT)


def _one_local_id_for_two(change: Change) -> None:
    replace_device(change, "kiosk-1", "kiosk-2", AT, {"counter-1": "line"})


def _no_such_local_id(change: Change) -> None:
    replace_device(change, "kiosk-1", "kiosk-2", AT, {"lane": "line"})


def _region_in_a_circle(change: Change) -> None:
    china = region_by_key(change.connection, change.org_id, "china")
    move_region(change, china, region_by_key(change.connection, change.org_id, "east"))


def _nameless(change: Change) -> None:
    rename(change, Subject.STORE, pudong(change), "  ")


def _queue_into_counter(change: Change) -> None:
    merge_points(change, at_point(change, "line"), at_point(change, "counter"), None)


def _into_another_store(change: Change) -> None:
    there = at_point(change, "counter", puxi(change))
    merge_points(change, at_point(change, "counter"), there, None)


def _into_itself(change: Change) -> None:
    merge_points(change, at_point(change, "counter"), at_point(change, "counter"), None)


def _merge_in_a_circle(change: Change) -> None:
    one, other = at_point(change, "counter"), at_point(change, "till-2")
    merge_points(change, one, other, None)
    merge_points(change, other, one, None)


def _not_merged(change: Change) -> None:
    unmerge_point(change, at_point(change, "counter"))


def _watch_a_merged_point(change: Change) -> None:
    merge_points(change, at_point(change, "till-2"), at_point(change, "counter"), None)
    move_device(change, "kiosk-1", pudong(change), {"a": at_point(change, "till-2")}, AT)


def _hours_twice(change: Change) -> None:
    day = date(2026, 12, 24)
    hours = Hours({}, frozenset([day]), {day: ("09:00-14:00",)})
    set_hours(change, pudong(change), hours)


def _no_hours(change: Change) -> None:
    set_hours(change, pudong(change), Hours({"mon": ("9-5",)}, frozenset(), {}))


@pytest.mark.parametrize(
    ("attempt", "says"),
    [
        (_to_unknown_store, "no store"),
        (_unknown_device, "no device kiosk-9"),
        (_point_of_another_store, "not one of the store"),
        (_one_point_twice, "watches point 'till-2' already"),
        (_in_the_future, "in the future"),
        (_same_instant_twice, "expected a later instant"),
        (_closed_store, "closed for good"),
        (_by_itself, "expected one without any"),
        (_one_local_id_for_two, "one local id would stand for two points"),
        (_no_such_local_id, "watches no point as 'lane'"),
        (_region_in_a_circle, "circle"),
        (_nameless, "1 to 120 characters"),
        (_queue_into_counter, "is a queue, 'counter' a service_point"),
        (_into_another_store, "another store"),
        (_into_itself, "counts under it already"),
        (_merge_in_a_circle, "counts under it already"),
        (_not_merged, "was not merged"),
        (_watch_a_merged_point, "was merged into another"),
        (_hours_twice, "among the closed dates"),
        (_no_hours, "expected HH:MM-HH:MM"),
    ],
)
def test_what_does_not_fit_is_refused(
    change: Change, attempt: Callable[[Change], None], says: str
) -> None:
    with pytest.raises((IdentityError, NotFoundError), match=says):
        attempt(change)


def test_a_move_in_the_tree_marks_the_store_and_what_it_left(
    larger: tuple[Engine, Identity],
) -> None:
    engine, _ = larger
    take(engine, MessageFactory().cell(AT))
    with writer(engine).begin() as connection:
        change = Change(connection, organisation_by_key(connection, "acme"), "Ada", NOW)
        china, east = (region_by_key(connection, change.org_id, key) for key in ("china", "east"))
        marks = select(rollup_due.c.point_id).where(rollup_due.c.day == MONDAY.date())
        connection.execute(rollup_due.delete())
        move_store(change, pudong(change), None)
        counter = at_point(change, "counter")
        assert {counter, east} <= set(connection.execute(marks).scalars())
        move_store(change, pudong(change), east)
        assert {counter, east, change.org_id} <= set(connection.execute(marks).scalars())
        connection.execute(rollup_due.delete())
        move_region(change, east, None)
        found = set(connection.execute(marks).scalars())
    assert {counter, china} <= found
    assert east not in found


def test_keys_and_uuids_stay_through_everything(change: Change) -> None:
    def known() -> set[tuple[object, ...]]:
        tables = ((region, "region_id"), (store, "store_id"), (point, "point_id"))
        return {
            tuple(row)
            for table, name in tables
            for row in change.connection.execute(select(table.c.slug, table.c[name]))
        }

    before = known()
    rename(change, Subject.ORGANISATION, change.org_id, "Acme Group")
    rename(change, Subject.POINT, at_point(change, "counter"), "Counter by the door")
    rename(change, Subject.REGION, region_by_key(change.connection, change.org_id, "east"), "E")
    rename(change, Subject.DEVICE, "kiosk-1", "Above the counter")
    replace_device(change, "kiosk-1", "kiosk-2", AT)
    merge_points(change, at_point(change, "counter"), at_point(change, "till-2"), None)
    end_store(change, puxi(change), datetime(2027, 1, 1, tzinfo=UTC))
    assert known() == before


def test_operations_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "larger.toml"
    path.write_text(LARGER, "utf-8")
    engine = open_database(sqlite_url(tmp_path / "encounter.db"))
    with writer(engine).begin() as connection:
        apply_identity(connection, load_identity(path))
    engine.dispose()

    def say(*words: str, store: str = "pudong-1", status: int = 0) -> str:
        action, *others = words
        of_store = ["--store", store] if store else []
        found = main(["identity", action, "--state", str(tmp_path), *of_store, *others])
        assert found == status
        said = capsys.readouterr()
        return said.err if status else said.out

    move = (
        "move",
        "--device",
        "kiosk-1",
        "--at",
        "2026-11-16T10:00",
        "--watches",
        "counter-1=till-2",
    )
    assert "device kiosk-1: in store pudong-1" in say(*move)
    replaced = ("replace", "--device", "kiosk-1", "--new", "kiosk-2", "--at", "2026-11-17T18:00")
    assert "took over from kiosk-1" in say(*replaced, store="")
    say("merge", "--point", "till-2", "--into", "counter")
    say("rename", "--name", "Pudong Avenue")
    say("place", "--into", "china")
    assert "2026-12-25 closed" in say(
        "hours", "--on", "2026-12-25=closed", "--weekly", "tue=09:00-18:00"
    )
    listed = say("list", store="")
    assert "store pudong-1  'Pudong Avenue'  Asia/Shanghai  trial" in listed
    assert "service_point till-2  'Till 2'  counts under counter" in listed
    assert "device kiosk-1  'kiosk-1'  retired at 2026-11-17T10:00:00Z" in listed
    assert (
        "counter-1 = pudong-1/till-2  from 2026-11-16T02:00:00Z to 2026-11-17T10:00:00Z" in listed
    )
    assert "retire: takes no --store" in say("retire", "--device", "a", "--at", "now", status=2)
    assert "move: expected --watches" in say(*move[:5], status=2)
    assert "found 'noon'" in say("close", "--at", "noon", status=2)
