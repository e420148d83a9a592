"""Batches on both engines: raw bytes, marks, implausible times, births, workers side by side."""

import threading
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, cast

import pytest
from sqlalchemy import Engine, Table, func, select
from sqlalchemy.event import listen, remove

from firmware_cfg.codec import encode
from firmware_cfg.messages import State, Window
from server.database import open_database, writer
from server.identity import apply_identity
from server.identity_file import Identity
from server.ingest.acks import NOTHING, AckDraft
from server.ingest.committing import Tally, commit
from server.ingest.directory import FRESH, Directory
from server.ingest.pacing import EACH_S, Pacing
from server.ingest.reading import WindowReading, read, read_window
from server.ingest.requeue import requeue
from server.schema.cells import cell, window
from server.schema.columns import NO_ORGANISATION
from server.schema.messages import AsideReason, aside, message, progress, raw_message
from server.schema.rollups import rollup_due
from server.testing import EPOCH, MONDAY, MessageFactory
from tests.postgres import MIGRATED, Postgres

UP = "encounter/v1/kiosk-1/up/"
HALF_HOUR = timedelta(minutes=30)


@pytest.fixture
def claimed(either: Engine, identity: Identity) -> Engine:
    with writer(either).begin() as connection:
        apply_identity(connection, identity)
    return either


def windows(count: int, factory: MessageFactory | None = None) -> list[bytes]:
    factory = factory or MessageFactory()
    starts = [MONDAY + index * HALF_HOUR for index in range(count)]
    return [encode(factory.window(factory.cell(at), start=at)) for at in starts]


def take(engine: Engine, *payloads: bytes, now: datetime = MONDAY) -> tuple[Tally, list[AckDraft]]:
    done = commit(engine, [read(f"{UP}window", one) for one in payloads], now)
    return done.tally, list(done.acks)


def birth(engine: Engine, first: int | None, epoch: str = EPOCH) -> list[tuple[int, str]]:
    state = State(device="kiosk-1", online=True, epoch=epoch, first=first)
    done = commit(engine, [read(f"{UP}state", encode(state))], MONDAY)
    return [(one.up_to, one.sha256) for one in done.acks]


def counted(engine: Engine, table: Table) -> int:
    with engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar() or 0


def reasons(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        return list(connection.execute(select(aside.c.reason)).scalars())


def test_everything_of_a_batch_is_kept_at_once(claimed: Engine) -> None:
    one, two, three = windows(3)
    tally, (ack,) = take(claimed, two, one, b"[]", two, three)
    assert tally == Tally(stored=3, repeated=1, aside=1)
    assert ack.up_to == 3
    assert [counted(claimed, table) for table in (message, window, cell)] == [3, 3, 3]
    assert take(claimed, one, two, three)[0] == Tally(repeated=3)


def test_raw_bytes_are_kept_without_their_padding_and_read_again(claimed: Engine) -> None:
    (payload,) = windows(1)
    take(claimed, payload)
    with claimed.connect() as connection:
        (kept,) = connection.execute(select(raw_message)).all()
    assert kept.received_on == MONDAY.date()
    assert len(kept.payload) < len(payload) / 10
    again, before = read_window("kiosk-1", kept.payload), read_window("kiosk-1", payload)
    assert isinstance(again, WindowReading)
    assert isinstance(before, WindowReading)
    assert again.window == before.window


def test_each_trading_day_that_a_cell_meets_is_due(claimed: Engine) -> None:
    factory = MessageFactory()
    whole = factory.cell(MONDAY)  # 08:00 in Shanghai
    last = MONDAY + timedelta(hours=19)
    over_midnight = factory.cell(last, minutes=120)
    take(claimed, encode(factory.window(whole)), encode(factory.window(over_midnight, start=last)))
    with claimed.connect() as connection:
        found = connection.execute(select(rollup_due.c.day, rollup_due.c.marked_at)).all()
    assert sorted(map(tuple, found)) == [(date(2026, 11, day), MONDAY) for day in (16, 17)]
    later = MONDAY + timedelta(hours=1)
    take(claimed, encode(factory.window(factory.cell(MONDAY + HALF_HOUR))), now=later)
    with claimed.connect() as connection:
        marked = connection.execute(select(rollup_due.c.marked_at).order_by(rollup_due.c.day))
        assert list(marked.scalars()) == [later, MONDAY]


@pytest.mark.parametrize(
    ("start", "stands"),
    [
        (MONDAY + timedelta(hours=23), True),
        (MONDAY + timedelta(hours=25), False),
        (MONDAY - timedelta(days=390), True),
        (MONDAY - timedelta(days=410), False),
    ],
)
def test_what_is_of_an_implausible_time_is_kept_aside(
    claimed: Engine, start: datetime, *, stands: bool
) -> None:
    factory = MessageFactory()
    strayed = encode(factory.window(factory.cell(start)))
    whole = encode(factory.window(factory.cell(start), start=start))
    _, (ack,) = take(claimed, strayed)
    assert counted(claimed, cell) == stands
    assert counted(claimed, window) == 1
    expected = [] if stands else [AsideReason.IMPLAUSIBLE_TIME]
    assert reasons(claimed) == expected
    _, (ack,) = take(claimed, whole)
    assert ack.up_to == 2
    assert counted(claimed, window) == 1 + stands


def test_cells_of_a_batch_and_of_before_never_overlap(claimed: Engine) -> None:
    factory = MessageFactory()
    starts = [MONDAY + HALF_HOUR * n / 2 for n in (4, 0, 5, 2, 1, 3, 6)]
    payloads = [encode(factory.window(factory.cell(at), start=at)) for at in starts]
    take(claimed, *payloads[:3])
    take(claimed, *payloads[3:])
    with claimed.connect() as connection:
        rows = connection.execute(select(cell.c.start_at, cell.c.end_at).order_by(cell.c.start_at))
        spans = [tuple(row) for row in rows]
    assert [start for start, _ in spans] == [MONDAY + HALF_HOUR * n for n in range(4)]
    assert reasons(claimed) == [AsideReason.OVERLAPPING_CELL] * 3


def test_a_settled_message_whose_row_is_forgotten_is_a_repetition(claimed: Engine) -> None:
    payloads = windows(3)
    take(claimed, *payloads)
    with writer(claimed).begin() as connection:
        connection.execute(message.delete().where(message.c.sequence < 3))
    tally, (ack,) = take(claimed, *payloads)
    assert tally == Tally(repeated=3)
    assert ack.up_to == 3


def test_a_birth_of_an_unknown_epoch_is_told_that_there_is_nothing(claimed: Engine) -> None:
    assert birth(claimed, first=1) == [(0, NOTHING)]
    assert birth(claimed, first=None) == [(0, NOTHING)]
    take(claimed, *windows(2))
    ((up_to, _),) = birth(claimed, first=1)
    assert up_to == 2


def test_nobody_waits_for_what_a_device_has_no_more(claimed: Engine) -> None:
    payloads = windows(9)
    take(claimed, *payloads[:2])
    assert [ack.up_to for ack in take(claimed, *payloads[6:8])[1]] == [2]
    ((up_to, digest),) = birth(claimed, first=6)
    assert (up_to, digest) == (5, NOTHING)
    assert [ack.up_to for ack in take(claimed, payloads[5])[1]] == [8]
    assert [found for found, _ in birth(claimed, first=6)] == [8]
    assert [ack.up_to for ack in take(claimed, payloads[8])[1]] == [9]
    assert take(claimed, *payloads[2:5])[0] == Tally(stored=3), "found after all: nothing is lost"
    assert take(claimed, *payloads)[0] == Tally(repeated=9)
    assert counted(claimed, window) == 9


def test_a_device_that_was_claimed_since_is_not_asked_for_all_again(
    either: Engine, identity: Identity
) -> None:
    payloads = windows(4)
    take(either, *payloads[:3])
    with writer(either).begin() as connection:
        apply_identity(connection, identity)
    assert birth(either, first=1) == []
    take(either, *payloads[2:])
    assert requeue(either, MONDAY) == 3
    assert [counted(either, table) for table in (message, cell, progress)] == [4, 4, 1]
    assert [up_to for up_to, _ in birth(either, first=1)] == [3]
    assert [ack.up_to for ack in take(either, payloads[0])[1]] == [4]
    with either.connect() as connection:
        assert NO_ORGANISATION not in connection.execute(select(message.c.org_id)).scalars().all()


def test_a_claim_counts_at_once_and_a_place_after_a_moment(
    either: Engine, identity: Identity
) -> None:
    directory = Directory()
    with either.connect() as connection:
        assert directory.find(connection, ["kiosk-1"], MONDAY) == {}
    with writer(either).begin() as connection:
        apply_identity(connection, identity)
        found = directory.find(connection, ["kiosk-1"], MONDAY)["kiosk-1"]
        assert found.at("counter-1", MONDAY) is not None
        moved = MONDAY - timedelta(days=1)
        connection.exec_driver_sql("DELETE FROM assignment")
        for at, known in ((MONDAY + FRESH / 2, True), (MONDAY + FRESH, False)):
            now = directory.find(connection, ["kiosk-1"], at)["kiosk-1"]
            assert (now.at("counter-1", moved) is not None) is known


def test_workers_side_by_side_lose_nothing_and_leave_no_gap(
    postgres: Postgres, identity: Identity
) -> None:
    engine = open_database(postgres.new_database(MIGRATED))
    with writer(engine).begin() as connection:
        apply_identity(connection, identity)
    payloads = windows(120)
    failures: list[BaseException] = []

    def work(mine: Sequence[bytes]) -> None:
        directory = Directory()
        try:
            for first in range(0, len(mine), 4):
                readings = [read(f"{UP}window", one) for one in mine[first : first + 4]]
                commit(engine, readings, MONDAY + timedelta(days=3), directory)
        except BaseException as error:  # noqa: BLE001 shown below
            failures.append(error)

    threads = [threading.Thread(target=work, args=(payloads[n::3],)) for n in range(3)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert failures == []
    assert [counted(engine, table) for table in (message, window, cell)] == [120, 120, 120]
    with engine.connect() as connection:
        assert connection.execute(select(progress.c.up_to)).scalar() == 120
    engine.dispose()


def test_of_cells_that_two_workers_bring_at_once_one_stands(
    postgres: Postgres, identity: Identity
) -> None:
    engine = open_database(postgres.new_database(MIGRATED))
    with writer(engine).begin() as connection:
        apply_identity(connection, identity)
    factories = [MessageFactory(epoch=f"{number:016x}") for number in range(4)]
    barrier = threading.Barrier(4)

    def work(factory: MessageFactory) -> None:
        reading = read(f"{UP}window", encode(factory.window(factory.cell())))
        barrier.wait()
        commit(engine, [reading], MONDAY)

    threads = [threading.Thread(target=work, args=(one,)) for one in factories]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert counted(engine, message) == 4
    assert counted(engine, cell) == 1
    assert reasons(engine) == [AsideReason.OVERLAPPING_CELL] * 3
    engine.dispose()


def test_acknowledgements_of_a_stream_wait_for_one_another() -> None:
    def draft(up_to: int) -> AckDraft:
        return AckDraft(NO_ORGANISATION, "kiosk-1", EPOCH, up_to, NOTHING, ())

    pacing = Pacing()
    assert [one.up_to for one in pacing.now([draft(1)], 0.0)] == [1]
    assert pacing.now([draft(2)], 1.0) == []
    assert pacing.due(EACH_S - 0.1) == []
    assert pacing.due(EACH_S) == [draft(2).stream]
    assert pacing.due(EACH_S + 0.1) == []
    assert pacing.now([draft(3)], EACH_S + 1) == []
    assert pacing.due(2 * EACH_S + 1) == [draft(3).stream]
    assert [one.up_to for one in pacing.now([draft(4)], 4 * EACH_S)] == [4]
    assert pacing.now([draft(5)], 4 * EACH_S + 0.1) == []
    assert pacing.due(4 * EACH_S + 0.2, idle=True) == [draft(5).stream]
    assert pacing.due(6 * EACH_S, idle=True) == []


def test_windows_without_cells_mark_nothing(claimed: Engine) -> None:
    empty: Window = MessageFactory().window()
    take(claimed, encode(empty))
    assert counted(claimed, rollup_due) == 0


def test_the_rejected_of_a_stream_are_found_by_their_own_index(claimed: Engine) -> None:
    """Each acknowledgement asks for them: it must not read all that a device ever sent."""
    stored = windows(40)
    take(claimed, *stored)
    statements: list[tuple[str, object]] = []

    def note(_c: object, _cursor: object, statement: str, parameters: object, *_: object) -> None:
        statements.append((statement, parameters))

    listen(claimed, "before_cursor_execute", note)
    assert birth(claimed, None)[0][0] == 40
    remove(claimed, "before_cursor_execute", note)
    (asked,) = [one for one in statements if "status = 'rejected'" in one[0]]
    with claimed.begin() as connection:
        explain = "EXPLAIN QUERY PLAN "
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
            explain = "EXPLAIN "
        plan = connection.exec_driver_sql(explain + asked[0], cast("Any", asked[1])).all()
    assert "message_rejected" in str(plan)
