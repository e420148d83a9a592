from collections import deque
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from edge.broker_link import BrokerLink
from edge.engine import Engine
from edge.errors import OutboxFullError
from edge.ledger.entry import EntryKind
from edge.outbox import Outbox
from edge.punctual import HOLD_S, MARK_S, STEP_S
from edge.testing import ManualClock, a_site, a_visit
from edge.tightening import Tightened
from edge.upload import OUTBOX_FILE, Upload
from edge.visits.values import Visit
from edge.windows.release import Held
from firmware_cfg.codec import decode, encode
from firmware_cfg.messages import Desired, Window
from firmware_cfg.topics import Kind

NINE = datetime(2027, 3, 1, 9, tzinfo=UTC)
HALF_HOUR_S = 1800
KEY = "0" * 64
Make = Callable[..., Upload]


class Still:
    """An engine that has no unfinished visits."""

    def open_visits(self) -> tuple[Visit, ...]:
        return ()


ENGINE = cast("Engine", Still())


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    site = a_site(
        device={"id": "kiosk-7", "state_dir": str(tmp_path)},
        broker={"host": "127.0.0.1", "tls": False, "server_key": KEY},
    )
    made: list[Upload] = []

    def build(clock: ManualClock | None = None, starts_at: datetime | None = None) -> Upload:
        made.append(Upload(site, starts_at, clock))
        return made[-1]

    yield build
    for upload in made:
        upload._outbox.close()


def sent(upload: Upload) -> list[Window]:
    return [decode(Window, message.payload) for message in Outbox.pending(upload._outbox, 1000)]


def held_visits(upload: Upload) -> list[int]:
    held = decode(Held, upload._outbox.state())
    return [cell.visits for cell in held.cells + held.closed]


def busy(each: int = 12, at_s: float = 0.0) -> list[Visit]:
    return [a_visit(at_s + 10 * n + 1) for n in range(each)]


def test_what_a_frame_ends_is_counted_before_the_frame_closes_its_window(make: Make) -> None:
    upload = make(starts_at=NINE)
    upload.observe([], 0.0, ENGINE)
    upload.observe(busy(), 2.0 * HALF_HOUR_S, ENGINE)
    assert len(sent(upload)) == 1
    assert held_visits(upload) == [12]


def test_a_step_of_the_wall_clock_closes_nothing(make: Make) -> None:
    clock = ManualClock(NINE)
    clock.kind = "rtc"
    upload = make(clock)
    upload.observe([], 0.0, ENGINE)
    upload.tick(ENGINE)
    clock.now += timedelta(hours=5)
    upload.tick(ENGINE)
    assert sent(upload) == []
    upload.observe(busy(), 2.0 * HALF_HOUR_S + HOLD_S + STEP_S, ENGINE)
    upload.tick(ENGINE)
    assert [window.start for window in sent(upload)] == [NINE]
    assert held_visits(upload) == [12]


def test_windows_close_without_frames_too(make: Make) -> None:
    clock = ManualClock(NINE)
    upload = make(clock)
    upload.observe(busy(), 0.0, ENGINE)
    upload.tick(ENGINE)
    clock.advance(2.0 * HALF_HOUR_S + HOLD_S)
    upload.tick(ENGINE)
    assert len(sent(upload)) == 1
    assert held_visits(upload) == [12]


def test_a_late_clock_loses_no_visit_that_comes_after_it(make: Make) -> None:
    clock = ManualClock(NINE)
    clock.kind = "estimated"
    upload = make(clock)
    for t_s in (0.0, 130.0):
        upload.observe([], t_s, ENGINE)
        upload.tick(ENGINE)
    clock.now, clock.kind = NINE + timedelta(hours=5, seconds=140), "synchronised"
    upload.observe([], 140.0, ENGINE)
    upload.tick(ENGINE)
    upload.observe(busy(at_s=HALF_HOUR_S), 3.0 * HALF_HOUR_S + HOLD_S + STEP_S, ENGINE)
    upload.tick(ENGINE)
    assert [window.start for window in sent(upload)] == [NINE + timedelta(hours=5, minutes=30)]
    assert held_visits(upload) == [12]


def test_the_clock_starts_no_earlier_than_the_last_report(tmp_path: Path, make: Make) -> None:
    future = datetime(2199, 1, 1, tzinfo=UTC)
    outbox = Outbox(tmp_path / OUTBOX_FILE, 64, "kiosk-7", KEY)
    outbox.save_state(Held(reported_until=future).model_dump_json().encode())
    outbox.close()
    assert future <= make()._heartbeat().at < future + timedelta(minutes=1)


def test_the_clock_starts_no_earlier_than_the_ledger_s_last_window(
    tmp_path: Path, make: Make
) -> None:
    future = datetime(2199, 1, 1, tzinfo=UTC)
    outbox = Outbox(tmp_path / OUTBOX_FILE, 64, "kiosk-7", KEY)
    outbox.ledger.record(future, (EntryKind.STATE, b"on"))
    outbox.close()
    assert future <= make()._heartbeat().at < future + timedelta(minutes=1)


def test_a_wall_clock_that_stands_still_stops_no_message(make: Make) -> None:
    clock = ManualClock(NINE)
    upload = make(clock)
    upload.observe(busy(), 0.0, ENGINE)
    upload.tick(ENGINE)
    clock.elapsed_s += 2.0 * HALF_HOUR_S + HOLD_S
    upload.tick(ENGINE)
    clock.elapsed_s += MARK_S
    assert len(upload._outbox.pending(9)) == 1


def test_frames_that_are_worked_off_late_are_no_fault(make: Make) -> None:
    clock = ManualClock(NINE)
    upload = make(clock)
    upload.observe([], 0.0, ENGINE)
    clock.advance(10.0)
    upload.observe([], 6.0, ENGINE)
    assert upload._heartbeat().faults == ()
    clock.now += timedelta(seconds=3)
    upload.observe([], 10.0, ENGINE)
    assert upload._heartbeat().faults == ("clock",)


def test_no_frame_for_half_a_minute_is_a_fault_of_the_camera(make: Make) -> None:
    clock = ManualClock(NINE)
    upload = make(clock)
    clock.advance(29)
    assert "camera" not in upload._heartbeat().faults
    clock.advance(2)
    assert "camera" in upload._heartbeat().faults
    upload.observe([], 31.0, ENGINE)
    assert "camera" not in upload._heartbeat().faults


def test_no_wish_is_lost_to_one_that_comes_before_it_is_followed(make: Make) -> None:
    upload = make(ManualClock(NINE))
    wishes = (Desired(k=20), Desired(window_s=3600))
    link = SimpleNamespace(inbox=deque((Kind.DESIRED, encode(wish)) for wish in wishes))
    upload._publisher._read(cast("BrokerLink", link))
    upload.tick(ENGINE)
    held = decode(Held, upload._outbox.state())
    assert (held.k, held.window_s) == (20, 3600)


def kinds_recorded(upload: Upload) -> list[str]:
    database = upload._outbox._database._database
    return [kind for (kind,) in database.execute("SELECT kind FROM ledger ORDER BY number")]


def ask(upload: Upload, wish: Desired) -> None:
    link = SimpleNamespace(inbox=deque([(Kind.DESIRED, encode(wish))]))
    upload._publisher._read(cast("BrokerLink", link))
    upload.tick(ENGINE)


def test_a_wish_that_a_full_disk_cannot_keep_is_in_force_and_recorded_later(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = ManualClock(NINE)
    upload = make(clock)

    def refuses(*_: object) -> None:
        raise OutboxFullError("no room")

    with monkeypatch.context() as disk:
        disk.setattr(upload._outbox, "save_state", refuses)
        disk.setattr(upload._outbox.ledger, "note", refuses)
        ask(upload, Desired(k=20))
        ask(upload, Desired(k=20))
    assert upload.k == 20
    assert "wish" not in kinds_recorded(upload)
    clock.advance(60.0)
    upload.tick(ENGINE)
    assert kinds_recorded(upload)[-2:] == ["wish", "privacy"]


def test_a_wish_is_recorded_before_it_is_followed(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = make(ManualClock(NINE))
    found: list[tuple[str, ...]] = []
    tighten = upload._reporter.tighten

    def looks(desired: Desired) -> Tightened:
        found.append(tuple(kinds_recorded(upload)))
        return tighten(desired)

    monkeypatch.setattr(upload._reporter, "tighten", looks)
    ask(upload, Desired(k=20))
    assert found[0][-1] == "wish"
    assert kinds_recorded(upload)[-2:] == ["wish", "privacy"]
