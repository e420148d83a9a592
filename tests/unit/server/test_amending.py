"""Amendments: released cells are taken out, moved or noted, and come back as they were."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, func, select

from firmware_cfg.messages import Cell
from server.amending import (
    Amendment,
    Kind,
    Rulings,
    amendments,
    notes,
    relabelled,
    rulings_of,
    voided,
    week_counts,
)
from server.amending.making import Made, Wish, amend, withdraw
from server.amending.rulings import Merge
from server.cli import main
from server.database import open_database, sqlite_url, writer
from server.errors import AmendmentError, NotFoundError
from server.identity import Change, apply_identity
from server.identity.finding import organisation_by_key, point_by_key, store_by_key
from server.identity_file import load_identity
from server.ingest.committing import commit
from server.ingest.reading import read
from server.periods import Period
from server.rollups_due import COUNTED_FOR
from server.schema.cells import cell
from server.schema.rollups import rollup_due
from server.suppression import PointRef, Suppressed, read_released
from server.testing import MONDAY, MessageFactory
from tests.unit.server.conftest import IDENTITY

NOW = MONDAY + timedelta(days=20)
HOUR = timedelta(hours=1)
WEEK = Period(MONDAY, MONDAY + timedelta(days=7))
TWO_COUNTERS = IDENTITY.replace(
    "\n[[device]]",
    '\n[[store.point]]\nkey = "till"\nkind = "service_point"\nlabel = "Till"\n\n[[device]]',
).replace('{ local = "line"', '{ local = "till-1", point = "till" }, { local = "line"')
A, B, C = UUID(int=1), UUID(int=2), UUID(int=3)


def hours(first: float, last: float) -> Period:
    return Period(MONDAY + first * HOUR, MONDAY + last * HOUR)


def ruled(kind: Kind, point: UUID | None, period: Period, to: UUID | None = None) -> Amendment:
    return Amendment(uuid4(), kind, UUID(int=9), point, to, period, "because", "Ada", NOW)


VOID_A = ruled(Kind.VOID, A, hours(2, 4))
VOID_B = ruled(Kind.VOID, B, hours(2, 4))
VOID_ALL = ruled(Kind.VOID, None, hours(2, 4))
A_TO_B = ruled(Kind.RELABEL, A, hours(2, 4), B)
ALL_OF_A = {A: Merge(B, None)}
A_LATER = {A: Merge(B, MONDAY + 3 * HOUR)}
CHAIN = {A: Merge(B, None), B: Merge(C, MONDAY + 3 * HOUR)}


@pytest.mark.parametrize(
    ("rulings", "period", "under"),
    [
        (Rulings(), hours(2, 3), A),
        (Rulings(amendments=(VOID_A,)), hours(2, 3), None),
        (Rulings(amendments=(VOID_A,)), hours(1, 2.5), None),
        (Rulings(amendments=(VOID_A,)), hours(1, 2), A),
        (Rulings(amendments=(VOID_A,)), hours(4, 5), A),
        (Rulings(amendments=(VOID_B,)), hours(2, 3), A),
        (Rulings(amendments=(VOID_ALL,)), hours(3.5, 5), None),
        (Rulings(amendments=(A_TO_B,)), hours(2, 4), B),
        (Rulings(amendments=(A_TO_B,)), hours(1.5, 4), A),
        (Rulings(amendments=(A_TO_B, VOID_A)), hours(2, 4), None),
        (Rulings(amendments=(A_TO_B, VOID_B)), hours(2, 4), None),
        (Rulings(merges=ALL_OF_A), hours(2, 3), B),
        (Rulings(merges=A_LATER), hours(2, 4), A),
        (Rulings(merges=A_LATER), hours(3, 4), B),
        (Rulings(merges=CHAIN), hours(2, 3), B),
        (Rulings(merges=CHAIN), hours(3, 4), C),
        (Rulings(amendments=(A_TO_B,), merges=CHAIN), hours(3, 4), C),
        (Rulings(amendments=(VOID_B,), merges=ALL_OF_A), hours(2, 3), None),
        (Rulings(confirmed_at=MONDAY + 3 * HOUR), hours(2, 4), None),
        (Rulings(confirmed_at=MONDAY + 3 * HOUR), hours(3, 4), A),
    ],
)
def test_where_a_cell_counts(rulings: Rulings, period: Period, under: UUID | None) -> None:
    assert rulings.counts_under(A, period) == under
    if under is not None:
        assert under in rulings.targets_of(A)
        assert A in rulings.sources_of(under)


@pytest.fixture
def shop(either: Engine, tmp_path: Path) -> Engine:
    path = tmp_path / "two.toml"
    path.write_text(TWO_COUNTERS, "utf-8")
    with writer(either).begin() as connection:
        apply_identity(connection, load_identity(path))
    return either


@pytest.fixture
def change(shop: Engine) -> Iterator[Change]:
    """Four hours at the counter, and an hour at the till, five hours later."""
    factory = MessageFactory()
    take(shop, factory, *(factory.cell(MONDAY + n * HOUR, 60) for n in range(4)))
    take(shop, factory, factory.cell(MONDAY + 5 * HOUR, 60, point="till-1"))
    with writer(shop).begin() as connection:
        connection.execute(rollup_due.delete())
        yield Change(connection, organisation_by_key(connection, "acme"), "Ada", NOW)


def take(engine: Engine, factory: MessageFactory, *cells: Cell) -> None:
    payload = factory.encoded(*cells, start=cells[0].start)
    commit(engine, [read("encounter/v1/kiosk-1/up/window", payload)], NOW)


def the_store(change: Change) -> UUID:
    return store_by_key(change.connection, change.org_id, "pudong-1")


def the_point(change: Change, key: str) -> UUID:
    return point_by_key(change.connection, change.org_id, the_store(change), key)


def wish(
    change: Change, kind: Kind, key: str | None, period: Period, to: str | None = None
) -> Wish:
    one = None if key is None else the_point(change, key)
    other = None if to is None else the_point(change, to)
    return Wish(kind, the_store(change), one, period, "the zone lay over the shelf", other)


def void(change: Change, key: str | None, period: Period) -> Made:
    return amend(change, wish(change, Kind.VOID, key, period))


def visits(change: Change, key: str) -> list[int]:
    """Visits of the cells that count under a point in that week, in order."""
    ref = PointRef(change.org_id, the_point(change, key))
    found = read_released(change.connection, ref, WEEK)
    return [] if isinstance(found, Suppressed) else [one.visits for one in found.cells]


def marks(change: Change) -> set[tuple[UUID, date]]:
    return {(row.point_id, row.day) for row in change.connection.execute(select(rollup_due))}


def test_a_wrong_zone_is_taken_out_seen_as_a_gap_and_put_back(change: Change) -> None:
    before = change.connection.execute(select(cell).order_by(cell.c.start_at)).all()
    all_of_it = visits(change, "counter")
    made = void(change, "counter", hours(0.5, 2))
    assert made.cells == 2
    assert visits(change, "counter") == all_of_it[2:]
    assert marks(change) == {(the_point(change, "counter"), date(2026, 11, 16))}
    store_id = the_store(change)
    (gap,) = voided(change.connection, change.org_id, store_id, hours(1, 1.5))
    assert (gap.reason, gap.made_by, gap.period) == (
        "the zone lay over the shelf",
        "Ada",
        hours(0.5, 2),
    )
    again = withdraw(change, store_id, [made.amendments[0].amendment_id])
    assert again.cells == 2
    assert visits(change, "counter") == all_of_it
    assert voided(change.connection, change.org_id, store_id, WEEK) == []
    (kept,) = amendments(change.connection, change.org_id, store_id)
    assert (kept.withdrawn_by, kept.withdrawn_at) == ("Ada", NOW)
    assert change.connection.execute(select(cell).order_by(cell.c.start_at)).all() == before


def test_what_could_not_come_back_whole_is_not_withdrawn(change: Change) -> None:
    """Cells live 13 months, their roll-ups five years: later, a withdrawal would be half of one."""
    out = void(change, "counter", hours(0, 2)).amendments[0]
    noted = amend(change, wish(change, Kind.NOTE, "counter", hours(0, 2))).amendments[0]
    until = MONDAY + COUNTED_FOR
    assert (out.can_be_withdrawn_until, noted.can_be_withdrawn_until) == (until, None)
    late = replace(change, now=until + HOUR)
    with pytest.raises(AmendmentError, match="could be withdrawn until") as refused:
        withdraw(late, out.store_id, [out.amendment_id])
    assert (refused.value.reason, refused.value.at) == ("kept_for_good", until)
    assert withdraw(late, out.store_id, [noted.amendment_id]).cells == 0
    assert withdraw(replace(change, now=until), out.store_id, [out.amendment_id]).cells == 2


def test_what_nobody_has_seen_yet_is_not_judged(change: Change) -> None:
    """A void that reaches into the future would hide what nobody had a reason for."""
    ahead = Period(NOW - HOUR, NOW + timedelta(days=1, seconds=1))
    for kind in (Kind.VOID, Kind.RELABEL):
        with pytest.raises(AmendmentError, match="expected an end by") as refused:
            amend(change, wish(change, kind, "counter", ahead))
        assert (refused.value.reason, refused.value.at) == ("too_far", NOW + timedelta(days=1))
    assert amend(change, wish(change, Kind.NOTE, "counter", ahead)).cells == 0
    amend(change, wish(change, Kind.VOID, "counter", replace(ahead, end=NOW + timedelta(days=1))))


def test_a_whole_store_is_taken_out(change: Change) -> None:
    assert void(change, None, WEEK).cells == 5
    assert (visits(change, "counter"), visits(change, "till")) == ([], [])


def test_cells_count_under_the_point_that_it_really_was(change: Change) -> None:
    counter, till = visits(change, "counter"), visits(change, "till")
    made = amend(change, wish(change, Kind.RELABEL, "counter", hours(0, 2.5), "till"))
    assert made.cells == 2
    assert visits(change, "counter") == counter[2:]
    assert visits(change, "till") == [*counter[:2], *till]
    days = {date(2026, 11, 16)}
    assert marks(change) == {
        (the_point(change, key), day) for key in ("counter", "till") for day in days
    }
    (one,) = relabelled(change.connection, change.org_id, the_store(change), WEEK)
    assert one.to_point_id == the_point(change, "till")
    withdraw(change, the_store(change), [one.amendment_id])
    assert (visits(change, "counter"), visits(change, "till")) == (counter, till)


def test_two_points_that_were_swapped_are_relabelled_both_ways(
    shop: Engine, change: Change
) -> None:
    del shop
    counter, till = visits(change, "counter"), visits(change, "till")
    asked = wish(change, Kind.RELABEL, "counter", hours(0, 8), "till")
    made = amend(change, replace(asked, both_ways=True))
    assert (visits(change, "counter"), visits(change, "till")) == (till, counter)
    withdraw(change, the_store(change), [one.amendment_id for one in made.amendments])
    assert (visits(change, "counter"), visits(change, "till")) == (counter, till)


def test_a_relabel_onto_time_that_has_cells_is_refused(shop: Engine, change: Change) -> None:
    change.connection.commit()
    factory = MessageFactory(sequence=10)
    take(shop, factory, factory.cell(MONDAY + HOUR / 2, 60, point="till-1"))
    with writer(shop).begin() as connection:
        again = Change(connection, change.org_id, "Ada", NOW)
        asked = wish(again, Kind.RELABEL, "counter", hours(0, 3), "till")
        with pytest.raises(AmendmentError, match="cells of two points"), connection.begin_nested():
            amend(again, asked)
        void(again, "till", hours(0.5, 1))
        with pytest.raises(AmendmentError, match="cells of two points"), connection.begin_nested():
            withdrawn_too_early(again, asked)
        assert amend(again, wish(again, Kind.RELABEL, "counter", hours(2, 3), "till")).cells == 1


def withdrawn_too_early(change: Change, asked: Wish) -> None:
    """With the till's own cell out, the counter's may go there; then the till's comes back."""
    (own,) = voided(change.connection, change.org_id, asked.store_id, WEEK)
    late = Wish(Kind.RELABEL, asked.store_id, asked.point_id, hours(1.5, 4), "x", asked.to_point_id)
    amend(change, late)
    early = Wish(
        Kind.RELABEL, asked.store_id, asked.point_id, hours(0, 1.2), "x", asked.to_point_id
    )
    amend(change, early)
    withdraw(change, asked.store_id, [own.amendment_id])


def test_a_note_changes_no_figure_and_marks_nothing(change: Change) -> None:
    before = visits(change, "counter")
    assert amend(change, wish(change, Kind.NOTE, "counter", hours(0, 2))).cells == 0
    assert visits(change, "counter") == before
    assert marks(change) == set()
    (one,) = notes(change.connection, change.org_id, the_store(change), hours(1, 9))
    assert one.reason == "the zone lay over the shelf"


def test_a_week_goes_out_with_a_point_that_its_device_watched(change: Change) -> None:
    def counts() -> bool:
        rulings = rulings_of(change.connection, change.org_id, the_store(change))
        return week_counts(change.connection, change.org_id, rulings, "kiosk-1", WEEK)

    assert counts()
    void(change, "till", hours(100, 101))
    assert not counts()
    later = Period(WEEK.end, WEEK.end + timedelta(days=7))
    rulings = rulings_of(change.connection, change.org_id, the_store(change))
    assert week_counts(change.connection, change.org_id, rulings, "kiosk-1", later)


def _no_reason(change: Change) -> None:
    one = wish(change, Kind.VOID, "counter", WEEK)
    amend(change, Wish(one.kind, one.store_id, one.point_id, one.period, " "))


def _foreign_point(change: Change) -> None:
    amend(change, Wish(Kind.VOID, the_store(change), uuid4(), WEEK, "x"))


def _unknown_store(change: Change) -> None:
    amend(change, Wish(Kind.VOID, uuid4(), None, WEEK, "x"))


def _void_to(change: Change) -> None:
    amend(change, wish(change, Kind.VOID, "counter", WEEK, "till"))


def _relabel_a_store(change: Change) -> None:
    amend(change, wish(change, Kind.RELABEL, None, WEEK, "till"))


def _onto_itself(change: Change) -> None:
    amend(change, wish(change, Kind.RELABEL, "till", WEEK, "till"))


def _onto_a_queue(change: Change) -> None:
    amend(change, wish(change, Kind.RELABEL, "counter", WEEK, "line"))


def _twice(change: Change) -> None:
    amend(change, wish(change, Kind.RELABEL, "counter", hours(0, 4), "till"))
    amend(change, wish(change, Kind.RELABEL, "counter", hours(3, 5), "till"))


def _unknown_amendment(change: Change) -> None:
    withdraw(change, the_store(change), [uuid4()])


def _withdrawn_twice(change: Change) -> None:
    made = void(change, "counter", WEEK)
    for _ in range(2):
        withdraw(change, the_store(change), [made.amendments[0].amendment_id])


@pytest.mark.parametrize(
    ("attempt", "says"),
    [
        (_no_reason, "reason of 1 to 500"),
        (_foreign_point, "not one of this store"),
        (_unknown_store, "no store"),
        (_void_to, "names no other point"),
        (_relabel_a_store, "names two points"),
        (_onto_itself, "names two points"),
        (_onto_a_queue, "expected two alike"),
        (_twice, "withdraw it first"),
        (_unknown_amendment, "no amendment"),
        (_withdrawn_twice, "withdrawn already"),
    ],
)
@pytest.mark.parametrize("either", ["sqlite"], indirect=True)
def test_what_does_not_fit_is_refused(
    change: Change, attempt: Callable[[Change], None], says: str
) -> None:
    with pytest.raises((AmendmentError, NotFoundError), match=says):
        attempt(change)


def test_amendments_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "two.toml"
    path.write_text(TWO_COUNTERS, "utf-8")
    engine = open_database(sqlite_url(tmp_path / "encounter.db"))
    with writer(engine).begin() as connection:
        apply_identity(connection, load_identity(path))
    factory = MessageFactory()
    take(engine, factory, factory.cell(MONDAY, 60))
    common = ["--state", str(tmp_path), "--store", "pudong-1"]
    days = ["--from", "2026-11-16", "--to", "2026-11-16", "--reason", "wrong zone", "--by", "Ada"]
    assert main(["amend", "void", *common, "--point", "counter", *days]) == 0
    said = capsys.readouterr().out
    assert "counter  2026-11-16T04:00+08:00 to 2026-11-17T04:00+08:00  'wrong zone'  by Ada" in said
    assert "differently now: 1" in said
    assert main(["amend", "withdraw", "--state", str(tmp_path), "--id", said.split()[0]]) == 0
    assert "withdrawn: 1; cells that count differently now: 1" in capsys.readouterr().out
    assert main(["amend", "list", *common]) == 0
    assert "(withdrawn by " in capsys.readouterr().out
    assert main(["amend", "void", *common, "--to-point", "till", *days]) == 2
    assert "void: takes no --to-point" in capsys.readouterr().err
    assert main(["amend", "relabel", *common, *days]) == 2
    assert "relabel: expected --point" in capsys.readouterr().err
    with engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(cell)).scalar() == 1
    engine.dispose()


def test_marks_of_a_day_are_those_of_the_store_s_clock(shop: Engine) -> None:
    """Nine in the evening of UTC is five in the morning in Shanghai: the next trading day."""
    factory = MessageFactory()
    at = datetime(2026, 11, 16, 21, tzinfo=UTC)
    take(shop, factory, factory.cell(at - timedelta(hours=2), 60), factory.cell(at, 60))
    with writer(shop).begin() as connection:
        connection.execute(rollup_due.delete())
        change = Change(connection, organisation_by_key(connection, "acme"), "Ada", NOW)
        void(change, "counter", WEEK)
        assert {day for _, day in marks(change)} == {date(2026, 11, 16), date(2026, 11, 17)}
