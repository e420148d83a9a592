"""Operations on who is who, in time: and what an identity file may do to them afterwards."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import Engine, select

from firmware_cfg.messages import Cell, PointKind
from server.cli import main
from server.database import open_database, sqlite_url, writer
from server.errors import AmendmentError, IdentityError, NotFoundError
from server.identity import (
    Change,
    Hours,
    Subject,
    apply_identity,
    assigned_at,
    end_store,
    hours_of,
    merge_points,
    move_device,
    move_region,
    move_store,
    owner_of,
    rename,
    reopen_store,
    replace_device,
    retire_device,
    set_hours,
    unmerge_point,
)
from server.identity.finding import (
    organisation_by_key,
    point_by_key,
    region_by_key,
    store_by_key,
)
from server.identity.listing import lines
from server.identity_file import Identity, load_identity
from server.ingest.committing import commit
from server.ingest.reading import read
from server.schema.identity import device, point, region, store
from server.schema.messages import aside
from server.schema.rollups import rollup_due
from server.testing import MONDAY, MessageFactory
from tests.unit.server.conftest import IDENTITY

NOW = MONDAY + timedelta(days=20)
AT = MONDAY + timedelta(hours=6)
MORE = """
[[store.point]]
key = "till-2"
kind = "service_point"
label = "Till 2"

[[store]]
key = "puxi-1"
organisation = "acme"
name = "Puxi"
timezone = "Asia/Shanghai"

[[store.point]]
key = "counter"
kind = "service_point"
label = "Counter"

[[device]]"""
LARGER = IDENTITY.replace("\n[[device]]", MORE)


@pytest.fixture
def larger(empty: Engine, tmp_path: Path) -> tuple[Engine, Identity]:
    path = tmp_path / "larger.toml"
    path.write_text(LARGER, "utf-8")
    identity = load_identity(path)
    with writer(empty).begin() as connection:
        apply_identity(connection, identity)
    return empty, identity


@pytest.fixture
def change(larger: tuple[Engine, Identity]) -> Iterator[Change]:
    with writer(larger[0]).begin() as connection:
        yield Change(connection, organisation_by_key(connection, "acme"), "Ada", NOW)


def pudong(change: Change) -> UUID:
    return store_by_key(change.connection, change.org_id, "pudong-1")


def puxi(change: Change) -> UUID:
    return store_by_key(change.connection, change.org_id, "puxi-1")


def at_point(change: Change, key: str, store_id: UUID | None = None) -> UUID:
    return point_by_key(change.connection, change.org_id, store_id or pudong(change), key)


def watched(change: Change, device_id: str, local_id: str, at: datetime) -> UUID | None:
    found = assigned_at(change.connection, change.org_id, device_id, local_id, at)
    return None if found is None else found.point_id


def take(engine: Engine, *cells: Cell, device: str = "kiosk-1", sequence: int = 0) -> None:
    factory = MessageFactory(device=device, sequence=sequence)
    payload = factory.encoded(*cells, start=cells[0].start)
    commit(engine, [read(f"encounter/v1/{device}/up/window", payload)], NOW)


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
