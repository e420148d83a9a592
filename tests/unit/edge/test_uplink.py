import json
from datetime import UTC, datetime, timedelta

import pytest

from edge.clock import Stamp
from edge.testing import MemoryOutbox, a_site, a_visit
from edge.uplink import Reporter
from edge.visits.values import Visit
from edge.windows.release import Held
from firmware_cfg.codec import decode
from firmware_cfg.messages import Cell, Desired, Window
from firmware_cfg.sealing import window_bytes
from firmware_cfg.site import Site

NINE = datetime(2027, 3, 1, 9, tzinfo=UTC)
HALF_HOUR_S = 1800


def stamp(offset_s: float = 0.0) -> Stamp:
    known = Stamp()
    known.offer(0.0, NINE + timedelta(seconds=offset_s), "synchronised")
    return known


def reporter(site: Site, outbox: MemoryOutbox, model: str = "nanodet") -> Reporter:
    made = Reporter(site, outbox, model, stamp())
    made.observe([], seen_s=0.0)
    made.tick(NINE, [])
    return made


def busy(windows: int, each: int = 12, first: int = 0) -> list[Visit]:
    return [
        a_visit((first + w) * HALF_HOUR_S + 10 * n + 1, greeted_after_s=4, served_after_s=9)
        for w in range(windows)
        for n in range(each)
    ]


def let_pass(to: Reporter, windows: float) -> int:
    until_s = windows * HALF_HOUR_S
    to.observe([], seen_s=until_s)
    return to.tick(NINE + timedelta(seconds=until_s), [])


def sent(outbox: MemoryOutbox) -> list[Window]:
    return [decode(Window, message) for message in outbox.messages]


def cells(outbox: MemoryOutbox) -> list[Cell]:
    return [cell for window in sent(outbox) for cell in window.cells]


def kept_cells(outbox: MemoryOutbox) -> tuple[Cell, ...]:
    """Cells that are kept in the clear: final ones, and such as could still be extended."""
    held = decode(Held, outbox.state())
    return held.cells + held.closed


def test_one_message_a_window_whether_or_not_there_is_anything_to_tell() -> None:
    outbox = MemoryOutbox()
    live = reporter(a_site(), outbox)
    live.observe(busy(1))
    assert let_pass(live, 4) == 3
    windows = sent(outbox)
    assert [w.start for w in windows] == [NINE + timedelta(minutes=30 * n) for n in range(3)]
    assert [w.sequence for w in windows] == [1, 2, 3]
    assert {len(message) for message in outbox.messages} == {window_bytes(48)}


def test_the_last_cell_is_held_until_the_next_is_certain() -> None:
    outbox = MemoryOutbox()
    live = reporter(a_site(), outbox)
    live.observe(busy(2))
    let_pass(live, 2)
    assert cells(outbox) == []
    let_pass(live, 3)
    assert [cell.start for cell in cells(outbox)] == [NINE]


def test_a_held_cell_survives_a_restart_and_leaves_with_the_next_message() -> None:
    outbox = MemoryOutbox()
    live = reporter(a_site(), outbox)
    live.observe(busy(1))
    let_pass(live, 2)
    again = reporter(a_site(), outbox)
    let_pass(again, 3)
    assert [(cell.start, cell.visits) for cell in cells(outbox)] == [(NINE, 12)]
    starts = [window.start for window in sent(outbox)]
    assert starts == sorted(set(starts))


def test_nothing_about_fewer_than_k_visits_is_kept() -> None:
    outbox = MemoryOutbox()
    live = reporter(a_site(), outbox)
    live.observe(busy(3, each=3))
    let_pass(live, 4)
    assert kept_cells(outbox) == ()
    live.observe(busy(2, first=3))
    let_pass(live, 6)
    assert all(cell.visits >= 10 for cell in kept_cells(outbox))


def test_a_changed_configuration_cuts_between_old_cells_and_new_windows() -> None:
    outbox = MemoryOutbox()
    live = reporter(a_site(), outbox)
    live.observe(busy(1))
    let_pass(live, 2)
    old = sent(outbox)[-1].expectations_hash
    again = reporter(a_site(encounter={"greet_within_s": 20}), outbox)
    let_pass(again, 3)
    before, cut, after = sent(outbox)
    assert (cut.expectations_hash, cut.start, len(cut.cells)) == (old, before.start, 1)
    assert after.expectations_hash != old
    assert after.cells == ()


def test_cells_wait_when_the_outbox_is_full_and_leave_later() -> None:
    outbox = MemoryOutbox()
    live = reporter(a_site(), outbox)
    live.observe(busy(3))
    outbox.full = True
    let_pass(live, 4)
    assert outbox.messages == []
    assert len(kept_cells(outbox)) == 3
    outbox.full = False
    let_pass(live, 5)
    assert [cell.visits for cell in cells(outbox)] == [12, 12]


def test_events_wait_for_the_clock_and_are_stamped_in_retrospect() -> None:
    outbox = MemoryOutbox()
    late = Stamp(patience_s=120)
    live = Reporter(a_site(), outbox, "nanodet", late)
    late.offer(0.0, datetime(2026, 11, 1, tzinfo=UTC), "estimated")
    live.observe(busy(1), seen_s=0.0)
    assert live.tick(datetime(2026, 11, 1, tzinfo=UTC), []) == 0
    late.offer(60.0, NINE + timedelta(seconds=60), "synchronised")
    live.tick(NINE + timedelta(seconds=60), [])
    let_pass(live, 2)
    (window,) = sent(outbox)
    assert (window.start, window.clock) == (NINE, "synchronised")
    assert len(kept_cells(outbox)) == 1


def test_the_server_may_tighten_and_not_loosen() -> None:
    outbox = MemoryOutbox()
    live = reporter(a_site(), outbox)
    tightened = live.tighten(Desired(k=20, window_s=3600))
    assert len(tightened.applied) == 2
    loosened = live.tighten(Desired(k=10, window_s=900))
    assert (len(loosened.refused), live.k) == (2, 20)
    live.observe(busy(2))
    let_pass(live, 3)
    assert cells(outbox) == []
    again = reporter(a_site(), outbox)
    assert (again.k, again.window_s) == (20, 3600)


@pytest.mark.parametrize("unreadable", [{"cells": [{"of": "a newer version"}]}, {"new": 1}])
def test_what_the_server_tightened_survives_a_state_that_cannot_be_read(
    unreadable: dict[str, object],
) -> None:
    outbox = MemoryOutbox()
    live = reporter(a_site(), outbox)
    live.tighten(Desired(k=20, window_s=3600))
    let_pass(live, 2)
    outbox.save_state(json.dumps(json.loads(outbox.state()) | unreadable).encode())
    again = reporter(a_site(), outbox)
    assert (again.k, again.window_s) == (20, 3600)
    again.observe(busy(1))
    let_pass(again, 4)
    starts = [window.start for window in sent(outbox)]
    assert starts == sorted(set(starts))


@pytest.mark.parametrize("state", [b"garbage", b"[]", b'{"k": "many", "window_s": 3600}'])
def test_each_readable_part_of_a_broken_state_is_kept(state: bytes) -> None:
    outbox = MemoryOutbox()
    outbox.save_state(state)
    live = reporter(a_site(), outbox)
    assert (live.k, live.window_s) == (10, 3600 if b"3600" in state else 1800)


def test_a_better_clock_begins_new_windows_and_leaves_what_was_closed() -> None:
    outbox = MemoryOutbox()
    late = Stamp(patience_s=0)
    late.offer(0.0, NINE, "estimated")
    live = Reporter(a_site(), outbox, "nanodet", late)
    live.observe([], seen_s=0.0)
    live.tick(NINE, [])
    live.observe(busy(2))
    let_pass(live, 2)
    hours = timedelta(hours=5)
    step_s = 2 * HALF_HOUR_S + 60.0
    late.offer(step_s, NINE + hours + timedelta(seconds=step_s), "synchronised")
    live.observe(busy(1, first=1), seen_s=step_s)
    live.observe(busy(1, first=3))
    live.observe([], seen_s=5.0 * HALF_HOUR_S)
    live.tick(late.utc(5.0 * HALF_HOUR_S), [])
    windows = sent(outbox)
    fresh = NINE + hours + timedelta(minutes=90)
    assert [window.start for window in windows] == [NINE, fresh]
    assert [window.clock for window in windows] == ["estimated", "synchronised"]
    assert [(cell.start, cell.visits) for cell in cells(outbox)] == [(NINE, 12)]
    held = kept_cells(outbox)
    assert [(cell.start, cell.visits) for cell in held] == [(fresh, 12)]


def test_a_better_clock_that_is_behind_repeats_no_window() -> None:
    outbox = MemoryOutbox()
    late = Stamp(patience_s=0)
    late.offer(0.0, NINE, "estimated")
    live = Reporter(a_site(), outbox, "nanodet", late)
    live.observe([], seen_s=0.0)
    live.tick(NINE, [])
    let_pass(live, 3)
    at_s = 3.0 * HALF_HOUR_S
    late.offer(at_s, NINE, "rtc")
    for later_s in range(0, 5 * HALF_HOUR_S, 600):
        live.observe([], seen_s=at_s + later_s)
        live.tick(late.utc(at_s + later_s), [])
    starts = [window.start for window in sent(outbox)]
    assert starts == [NINE + timedelta(minutes=30 * n) for n in (0, 1, 2, 3)][: len(starts)]
    assert len(starts) > 2


def test_a_visit_that_is_reported_is_not_reported_again_after_a_restart() -> None:
    outbox = MemoryOutbox()
    live = reporter(a_site(), outbox)
    live.observe(busy(1))
    let_pass(live, 2)
    again = reporter(a_site(), outbox)
    again.observe(busy(1))
    let_pass(again, 4)
    assert sum(cell.visits for cell in cells(outbox)) == 12


@pytest.mark.parametrize("team_size", [None, 2])
def test_no_message_tells_of_a_small_team(team_size: int | None) -> None:
    outbox = MemoryOutbox()
    live = reporter(a_site(privacy={"team_size": team_size}), outbox)
    live.observe(busy(3))
    let_pass(live, 4)
    assert all(cell.staff is None for cell in cells(outbox))


def test_a_changed_configuration_is_cut_at_a_fixed_time_with_cells_or_without() -> None:
    """Else the number of messages, or their time, would tell that a cell was held."""
    times = []
    for visits in ([], busy(1)):
        outbox = MemoryOutbox()
        live = reporter(a_site(), outbox)
        live.observe(visits)
        let_pass(live, 2)
        again = reporter(a_site(encounter={"greet_within_s": 20}), outbox)
        counts = []
        for half_hours in (2.5, 2.9, 3.0, 4.0):
            let_pass(again, half_hours)
            counts.append(len(outbox.messages))
        times.append(counts)
        assert len(sent(outbox)[1].cells) == bool(visits)
    assert times == [[1, 1, 3, 4]] * 2


def test_old_cells_wait_for_room_and_never_leave_under_new_hashes() -> None:
    outbox = MemoryOutbox()
    live = reporter(a_site(), outbox)
    live.observe(busy(1))
    let_pass(live, 2)
    old = sent(outbox)[-1].expectations_hash
    changed = a_site(encounter={"greet_within_s": 20})
    outbox.full = True
    let_pass(reporter(changed, outbox), 3)
    again = reporter(changed, outbox)
    outbox.full = False
    let_pass(again, 5)
    with_cells = [window for window in sent(outbox) if window.cells]
    assert [(one.expectations_hash, one.cells[0].visits) for one in with_cells] == [(old, 12)]
