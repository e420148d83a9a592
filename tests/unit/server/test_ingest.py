"""Ingest: every message ends stored, rejected or kept aside, and is settled accordingly."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, Table, func, insert, select

from firmware_cfg.codec import encode
from firmware_cfg.messages import Cell, Health, PointKind, Window
from firmware_cfg.sealing import opened
from server.database import writer
from server.identity import apply_identity
from server.identity_file import Identity
from server.ingest import keeping, rows
from server.ingest.acks import NOTHING, AckDraft, repeat_all
from server.ingest.committing import Tally, commit
from server.ingest.reading import Nothing, Refusal, WindowReading, read
from server.ingest.requeue import requeue
from server.queries import Alive, devices
from server.schema.cells import cell, window
from server.schema.columns import NO_ORGANISATION
from server.schema.fleet import device_status, device_terms
from server.schema.messages import AsideReason, aside, message
from server.scope import Scope
from server.testing import EPOCH, MONDAY, MessageFactory

UP = "encounter/v1/kiosk-1/up/window"
HALF_HOUR = timedelta(minutes=30)


def counted(engine: Engine, table: Table) -> int:
    with engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar() or 0


def reasons(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        return list(connection.execute(select(aside.c.reason)).scalars())


def take(engine: Engine, *payloads: bytes, topic: str = UP) -> tuple[Tally, list[AckDraft]]:
    done = commit(engine, [read(topic, one) for one in payloads], MONDAY)
    return done.tally, list(done.acks)


def altered(payload: bytes, **fields: object) -> bytes:
    return json.dumps(json.loads(opened(payload)) | fields).encode()


def day(factory: MessageFactory, windows: int) -> list[bytes]:
    starts = [MONDAY + index * HALF_HOUR for index in range(windows)]
    return [encode(factory.window(factory.cell(at), start=at)) for at in starts]


def test_a_window_is_stored_with_its_cells_and_acknowledged(engine: Engine) -> None:
    tally, acks = take(engine, *day(MessageFactory(), 3))
    assert tally == Tally(stored=3)
    assert counted(engine, cell) == 3
    assert [(one.up_to, one.rejected) for one in acks] == [(3, ())]


def test_the_same_again_changes_nothing_and_is_acknowledged_again(engine: Engine) -> None:
    payloads = day(MessageFactory(), 3)
    _, first = take(engine, *payloads)
    tally, again = take(engine, *payloads, payloads[0])
    assert tally == Tally(repeated=4)
    assert again == first
    assert counted(engine, cell) == 3


def test_up_to_waits_for_the_gap_to_close(engine: Engine) -> None:
    one, two, three, four = day(MessageFactory(), 4)
    assert [(ack.up_to, ack.sha256) for ack in take(engine, two)[1]] == [(0, NOTHING)]
    assert [ack.up_to for ack in take(engine, one)[1]] == [2]
    assert [ack.up_to for ack in take(engine, four)[1]] == [2]
    assert [ack.up_to for ack in take(engine, three)[1]] == [4]


def test_the_same_key_with_other_content_is_kept_aside(engine: Engine) -> None:
    factory = MessageFactory()
    first = encode(factory.window(factory.cell()))
    factory.sequence = 0
    other = encode(factory.window(factory.cell(visits=30)))
    _, (ack,) = take(engine, first)
    tally, (again,) = take(engine, other)
    assert tally == Tally(aside=1)
    assert again == ack
    assert reasons(engine) == [AsideReason.SAME_KEY_OTHER_CONTENT]
    assert counted(engine, cell) == 1


def test_a_cell_that_overlaps_a_released_one_is_kept_aside(engine: Engine) -> None:
    factory = MessageFactory()
    cells = (factory.cell(), factory.cell(MONDAY + HALF_HOUR / 2), factory.cell(MONDAY + HALF_HOUR))
    tally, _ = take(engine, *(encode(factory.window(one, start=one.start)) for one in cells))
    assert tally == Tally(stored=3, aside=1)
    assert reasons(engine) == [AsideReason.OVERLAPPING_CELL]
    assert counted(engine, cell) == 2
    assert requeue(engine, MONDAY) == 0


def test_a_newer_version_is_rejected_kept_raw_and_read_after_an_upgrade(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer = altered(day(MessageFactory(), 1)[0], schema_version=2)
    tally, (ack,) = take(engine, newer)
    assert tally == Tally(rejected=1)
    assert (ack.up_to, [one.seq for one in ack.rejected]) == (1, [1])
    assert "newer" in ack.rejected[0].reason
    assert requeue(engine, MONDAY) == 0
    monkeypatch.setattr("firmware_cfg.codec.SCHEMA_VERSION", 2)
    assert requeue(engine, MONDAY) == 1
    assert counted(engine, cell) == 1
    assert reasons(engine) == []


def test_a_malformed_message_with_a_key_is_rejected_with_the_reason(engine: Engine) -> None:
    one, two = day(MessageFactory(), 2)
    tally, (ack,) = take(engine, altered(one, coverage="lovely"), two)
    assert tally == Tally(stored=1, rejected=1)
    assert ack.up_to == 2
    assert "coverage" in ack.rejected[0].reason
    with engine.connect() as connection:
        (kept,) = connection.execute(select(aside)).all()
    assert (kept.reason, kept.sequence) == (AsideReason.MALFORMED, 1)
    assert "coverage" in kept.detail


@pytest.mark.parametrize("payload", [b"\xff\x00", b"[]", b'{"kind":"window"}', b"{" * 5000])
def test_what_has_no_key_is_kept_raw_once_and_not_acknowledged(
    engine: Engine, payload: bytes
) -> None:
    _, acks = take(engine, payload, payload)
    assert acks == []
    assert reasons(engine) == [AsideReason.MALFORMED]
    assert counted(engine, message) == 0


@pytest.mark.parametrize("reason", [AsideReason.MALFORMED, AsideReason.UNEXPECTED_ERROR])
def test_a_device_leaves_so_many_without_a_key_and_no_more(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, reason: AsideReason
) -> None:
    monkeypatch.setattr(keeping, "MAX_UNREADABLE", 3)
    for n in range(3):
        payloads = [b"[%d, %d]" % (n, each) for each in range(2)]
        commit(engine, [Refusal("kiosk-1", None, p.hex(), p, reason, "") for p in payloads], MONDAY)
    assert reasons(engine) == [reason] * 3


def test_a_device_speaks_for_itself_alone(engine: Engine) -> None:
    payload = day(MessageFactory("kiosk-2"), 1)[0]
    _, acks = take(engine, payload)
    assert acks == []
    assert reasons(engine) == [AsideReason.WRONG_DEVICE]
    assert counted(engine, cell) == 0


def test_a_broken_message_cannot_be_rejected_in_anothers_name(engine: Engine) -> None:
    payload = altered(day(MessageFactory("kiosk-2"), 1)[0], coverage="lovely")
    assert take(engine, payload)[1] == []


def test_an_unknown_device_is_kept_settled_and_adopted_later(
    empty: Engine, identity: Identity
) -> None:
    payloads = day(MessageFactory(), 2)
    tally, (ack,) = take(empty, *payloads)
    assert tally == Tally(aside=2)
    assert ack.up_to == 2
    assert counted(empty, cell) == 0
    with writer(empty).begin() as connection:
        apply_identity(connection, identity)
    assert requeue(empty, MONDAY) == 2
    assert counted(empty, cell) == 2
    assert take(empty, *payloads)[0] == Tally(repeated=2)
    with empty.connect() as connection:
        orgs = set(connection.execute(select(message.c.org_id)).scalars())
    assert NO_ORGANISATION not in orgs


def test_a_cell_of_an_unassigned_local_id_waits_alone(engine: Engine) -> None:
    factory = MessageFactory()
    payload = encode(factory.window(factory.cell(), factory.cell(point="annex")))
    tally, (ack,) = take(engine, payload)
    assert tally == Tally(stored=1, aside=1)
    assert ack.up_to == 1
    assert reasons(engine) == [AsideReason.UNASSIGNED_POINT]


def test_a_cell_of_the_wrong_kind_waits(engine: Engine) -> None:
    factory = MessageFactory()
    wrong: Cell = factory.cell(kind=PointKind.QUEUE)
    take(engine, encode(factory.window(wrong)))
    assert reasons(engine) == [AsideReason.WRONG_KIND]


def test_many_rejections_are_acknowledged_in_steps(engine: Engine) -> None:
    broken = [altered(one, coverage="lovely") for one in day(MessageFactory(), 150)]
    _, acks = take(engine, *broken)
    assert [(one.up_to, len(one.rejected)) for one in acks] == [(64, 64), (128, 64), (150, 22)]
    with engine.connect() as connection:
        (again,) = repeat_all(connection, MONDAY)
    assert (again.up_to, len(again.rejected)) == (150, 64)


def test_epochs_are_streams_of_their_own(engine: Engine) -> None:
    first, second = MessageFactory(), MessageFactory(epoch="f" * 16)
    take(engine, *day(first, 2))
    late = MONDAY + timedelta(days=1)
    _, (ack,) = take(engine, encode(second.window(second.cell(late), start=late)))
    assert (ack.epoch, ack.up_to) == ("f" * 16, 1)


def test_signs_of_life_are_kept_and_a_birth_is_answered(engine: Engine) -> None:
    factory = MessageFactory()
    take(engine, *day(factory, 1))
    base = "encounter/v1/kiosk-1/up/"
    birth = read(base + "state", encode(factory.state()))
    done = commit(engine, [birth, read(base + "health", encode(factory.health()))], MONDAY)
    assert [one.epoch for one in done.acks] == [EPOCH]
    assert alive(engine) == (Alive.ONLINE, MONDAY)
    for minutes, found in ((90, Alive.ONLINE), (91, Alive.SILENT)):
        assert alive(engine, MONDAY + timedelta(minutes=minutes)) == (found, MONDAY)
    will = read(base + "state", encode(factory.state(online=False)))
    commit(engine, [will], MONDAY + timedelta(hours=1))
    assert alive(engine) == (Alive.OFFLINE, MONDAY)


def alive(engine: Engine, now: datetime = MONDAY) -> tuple[Alive, datetime | None]:
    with engine.connect() as connection:
        (one,) = devices(connection, Scope.everything(), now)
    return one.alive, one.last_sign_at


def test_what_was_retained_is_kept_and_is_no_sign_of_life(engine: Engine) -> None:
    factory, base = MessageFactory(), "encounter/v1/kiosk-1/up/"
    state, reported = encode(factory.state()), encode(factory.reported(k=25))
    kept = [
        read(base + "state", state, retained=True),
        read(base + "reported", reported, retained=True),
        read(base + "state", b"[]", retained=True),
    ]
    commit(engine, kept, MONDAY)
    assert alive(engine) == (Alive.NEVER_SEEN, None)
    with engine.connect() as connection:
        assert connection.execute(select(device_terms.c.k)).scalar_one() == 25
    commit(engine, [read(base + "health", encode(factory.health()))], MONDAY)
    later = MONDAY + timedelta(days=3)
    commit(engine, kept, later)
    assert alive(engine, later) == (Alive.SILENT, MONDAY)


def test_a_heartbeat_after_a_last_will_means_online(engine: Engine) -> None:
    factory, base = MessageFactory(), "encounter/v1/kiosk-1/up/"
    will = read(base + "state", encode(factory.state(online=False)))
    commit(engine, [will], MONDAY)
    commit(engine, [read(base + "health", encode(factory.health()))], MONDAY)
    assert alive(engine) == (Alive.ONLINE, MONDAY)


def test_one_poison_window_does_not_stop_the_others_from_being_read_again(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    factory = MessageFactory()
    poison, good = (
        encode(factory.window(factory.cell(MONDAY + hour), start=MONDAY + hour))
        for hour in (timedelta(), HALF_HOUR)
    )
    for payload in (poison, good):
        reading = read(UP, payload)
        assert isinstance(reading, WindowReading)
        key, digest = reading.key, reading.sha256
        unexpected = AsideReason.UNEXPECTED_ERROR
        commit(engine, [Refusal(key.device, key, digest, payload, unexpected, "x")], MONDAY)
    real = rows.window_row

    def broken(org_id: Any, reading: WindowReading) -> Any:
        if reading.payload == poison:
            raise RuntimeError("after half of it was written")
        return real(org_id, reading)

    monkeypatch.setattr(keeping, "window_row", broken)
    assert requeue(engine, MONDAY) == 1
    assert counted(engine, cell) == 1
    assert counted(engine, window) == 1
    assert reasons(engine) == [AsideReason.UNEXPECTED_ERROR]
    assert requeue(engine, MONDAY) == 0


@pytest.mark.parametrize(
    "topic", ["encounter/v1/kiosk-1/up/state", "encounter/v1/kiosk-1/down/ack", "elsewhere"]
)
def test_a_withdrawn_retained_message_changes_nothing(engine: Engine, topic: str) -> None:
    reading = read(topic, b"")
    assert isinstance(reading, Nothing)
    commit(engine, [reading], MONDAY)
    assert counted(engine, device_status) == 0


@pytest.mark.parametrize(
    ("topic", "device", "says"),
    [
        ("encounter/v1/kiosk-1/up/windows", "kiosk-1", "expected one of up/window"),
        ("encounter/v1/kiosk-1/up/window/extra", "kiosk-1", "expected one of up/window"),
        ("encounter/v1/kiosk-1/down/ack", "kiosk-1", "expected a topic of the uplink"),
        ("encounter/v1/KIOSK/up/window", "-", "expected encounter/v1/<device>"),
        ("elsewhere/kiosk-1", "-", "expected encounter/v1/<device>"),
    ],
)
def test_a_message_on_a_wrong_topic_is_kept_aside_with_the_reason(
    engine: Engine, topic: str, device: str, says: str
) -> None:
    payload = day(MessageFactory(), 1)[0]
    tally, acks = take(engine, payload, payload, topic=topic)
    assert (tally.aside, tally.stored, acks) == (2, 0, [])
    with engine.connect() as connection:
        (kept,) = connection.execute(select(aside)).all()
    assert (kept.device, kept.reason) == (device, AsideReason.WRONG_TOPIC)
    assert says in kept.detail
    assert counted(engine, device_status) == 0
    assert take(engine, payload)[0] == Tally(stored=1)


def test_a_failed_batch_leaves_nothing_behind(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("in the middle")

    monkeypatch.setattr(keeping, "window_row", fail)
    with pytest.raises(RuntimeError, match="in the middle"):
        take(engine, *day(MessageFactory(), 1))
    assert counted(engine, message) == 0


def test_a_naive_time_is_refused(engine: Engine) -> None:
    row = {"org_id": NO_ORGANISATION, "device": "d", "last_sign_at": MONDAY.replace(tzinfo=None)}
    with pytest.raises(Exception, match="aware"), writer(engine).begin() as connection:
        connection.execute(insert(device_status).values(row))


def test_windows_are_kept_even_without_cells(engine: Engine) -> None:
    empty_window: Window = MessageFactory().window()
    take(engine, encode(empty_window))
    assert counted(engine, window) == 1


def test_the_factory_makes_valid_messages() -> None:
    assert isinstance(MessageFactory().health(), Health)
