"""What simulated devices send is what a device may send."""

import math
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import pairwise
from random import Random

import pytest

from firmware_cfg.cells import Cell, Level, PointKind
from firmware_cfg.codec import decode, encode
from firmware_cfg.histogram import bucket_index
from firmware_cfg.messages import Window
from server.simulating.chain import Chain, PlannedStore, planned_chain
from server.simulating.delivery import delivered
from server.simulating.service import Party
from server.simulating.stream import Drawn, messages
from server.simulating.tally import SCALE, Tally, coarser

START = date(2026, 3, 2)
Sent = list[tuple[PlannedStore, tuple[Window, ...]]]


@pytest.fixture(scope="module")
def chain() -> Chain:
    return planned_chain(12, 35, 3, START)


@pytest.fixture(scope="module")
def sent(chain: Chain) -> Sent:
    return [(one, tuple(messages(chain.seed, one, Drawn()))) for one in chain.stores]


def cells_of(sent: Sent) -> Iterator[tuple[PlannedStore, Cell]]:
    return ((one, cell) for one, windows in sent for w in windows for cell in w.cells)


def test_each_message_can_be_read_as_it_travels(
    sent: Sent,
) -> None:
    for _, windows in sent:
        for one in windows[::29]:
            assert decode(Window, encode(one)) == one
        for one in windows:
            if any(cell.week is not None for cell in one.cells):
                assert decode(Window, encode(one)) == one


def test_every_cell_has_k_visits_and_none_overlaps(
    sent: Sent,
) -> None:
    taken: dict[tuple[str, str, bool], list[tuple[datetime, datetime]]] = {}
    for store, cell in cells_of(sent):
        assert cell.visits >= cell.k == store.k
        assert sum(cell.outcomes.model_dump().values()) == cell.visits
        taken.setdefault((store.key, cell.point, cell.week is None), []).append(
            (cell.start, cell.end)
        )
    for spans in taken.values():
        in_order = sorted(spans)
        assert all(a[1] <= b[0] for a, b in pairwise(in_order))


def test_a_small_team_is_told_of_in_weeks_alone(
    sent: Sent,
) -> None:
    weeks = 0
    for store, cell in cells_of(sent):
        small = store.team_size is None or store.team_size < 3
        if cell.kind is PointKind.STORE:
            assert store.team_size is not None
            assert small
            assert cell.level is Level.WEEK
            weeks += 1
            continue
        assert (cell.staff is None) == small
        assert cell.week is None
        assert not small or cell.outcomes.greeted_only == 0
    assert weeks > 0


def test_queues_hold_those_who_left_and_counters_those_who_were_served(
    sent: Sent,
) -> None:
    queues = {store.key for store, cell in cells_of(sent) if cell.kind is PointKind.QUEUE}
    assert queues
    for store, cell in cells_of(sent):
        if cell.kind is PointKind.QUEUE:
            assert cell.outcomes.served == 0
        elif store.key in queues and cell.kind is PointKind.SERVICE_POINT:
            assert cell.outcomes.served == cell.visits


def test_thin_stores_have_joined_cells(sent: Sent) -> None:
    levels = {store.number % 5 == 4: set[Level]() for store, _ in sent}
    for store, cell in cells_of(sent):
        levels[store.number % 5 == 4].add(cell.level)
    assert {Level.DAY, Level.WEEK} & levels[True]
    assert {Level.HALF_HOUR, Level.HOUR} <= levels[False]


def test_the_same_seed_gives_the_same_messages_in_a_larger_chain(chain: Chain, sent: Sent) -> None:
    larger = planned_chain(40, 35, 3, START)
    assert larger.stores[5] == chain.stores[5]
    again = tuple(messages(larger.seed, larger.stores[5], Drawn()))
    assert again == sent[5][1]
    assert tuple(messages(4, larger.stores[5], Drawn())) != again


def test_what_happens_to_devices(chain: Chain, sent: Sent) -> None:
    moved = chain.stores[8].devices[0]
    assert moved.name == chain.stores[7].devices[0].name
    assert chain.stores[7].ends < chain.stores[8].opens == moved.first
    old, new = chain.stores[5].devices
    assert (old.after, new.why) == (new.first, "replaced")
    assert chain.stores[11].trial
    silent = planned_chain(16, 35, 3, START).stores[15]
    assert silent.silent_from == silent.ends - timedelta(days=3)
    assert max(w.start for w in messages(3, silent, Drawn())) < silent.day_begins(
        silent.ends - timedelta(days=3)
    )
    short = chain.stores[6]
    assert len(short.regimes()) == 2
    assert short.service_on(short.ends).begin_s > short.service.begin_s
    for store, windows in sent:
        for gap in store.gaps:
            inside = [
                w
                for w in windows
                if store.day_begins(gap.first) <= w.start < store.day_begins(gap.after)
            ]
            assert not (gap.broken and inside)
            assert all(one.coverage.value == "0-50" for one in inside)
    numbers = [(one.device, one.epoch, one.sequence) for _, windows in sent for one in windows]
    assert len(set(numbers)) == len(numbers)


def test_some_messages_come_late_and_some_twice(sent: Sent) -> None:
    day = [(one, window) for one, windows in sent[:4] for window in windows]
    came = delivered(day, 1)
    assert len(came) > len(day)
    assert {(w.device, w.sequence) for _, w in came} == {(w.device, w.sequence) for _, w in day}
    late = [at - window.end for at, window in came if window.device == "enc-0003"]
    assert max(late).total_seconds() > 3600 * 5
    assert [at for at, _ in came] == sorted(at for at, _ in came)


def test_a_duration_is_counted_in_the_bucket_of_the_contract() -> None:
    rng = Random(8)  # noqa: S311 cases, not secrets
    for _ in range(500):
        stay_s = rng.expovariate(1 / 40) + 5
        tally = Tally()
        tally.count([Party(math.inf, math.inf, stay_s, 0.0, interrupted=False)])
        assert tally.stay == {bucket_index(stay_s, SCALE): 1}
        assert coarser(tally.stay, 1) == {bucket_index(stay_s, 1): 1}
