"""Someone who reads every message, with its time and length, learns no more than the cells.

Two worlds that differ in one party are run through the same device (same keys, same ids).
What the attacker has beside the released cells must be equal in both: then no guess from it
is better than chance, whatever the method. Each planted leak must be found the same way.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from edge.clock import Stamp
from edge.outbox import Outbox
from edge.punctual import PunctualOutbox, SteadyPresent
from edge.testing import a_visit
from edge.upload import Upload
from edge.windows import release
from edge.windows.keeper import ClosedWindow, WindowKeeper
from firmware_cfg.sealing import opened, window_bytes
from firmware_cfg.topics import Kind
from tests.audit.release.trace import Device, Sent, everything_sent

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from edge.visits.values import Visit
    from firmware_cfg.messages import Health, Window

HOURS_S = 3.0 * 3600
STEP_S = 10.0
WINDOW_S = 1800.0
SAME_BUCKET_S = (100.0, 120.0)  # both in (90.5, 128], of scale 1


@pytest.fixture
def device() -> Iterator[Device]:
    """Its files are in memory: thousands of commits, each synchronised."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        first = Path(folder) / "first"
        first.mkdir()
        yield Device.made(first)


class Attacker:
    """Sees what a device sends in one world and in another."""

    def __init__(self, device: Device, step_s: float = STEP_S) -> None:
        self._device = device
        self._first = Path(device.site.device.state_dir)
        self._step_s = step_s

    def sees(self, world: Sequence[Visit], name: str) -> list[Sent]:
        kept = self._first.with_name("kept")
        if not kept.exists():
            shutil.copytree(self._first, kept)
        sent = everything_sent(self._device, world, HOURS_S, self._step_s)
        self._first.rename(self._first.with_name(name))
        shutil.copytree(kept, self._first)
        return sent

    def both(self, one: Sequence[Visit], other: Sequence[Visit]) -> tuple[list[Sent], list[Sent]]:
        return self.sees(one, "one"), self.sees(other, "other")


def outside(sent: list[Sent]) -> list[tuple[float, Kind, int]]:
    """What encryption does not hide: times, topics, lengths, in order."""
    return [(one.at_s, one.kind, len(one.payload)) for one in sent]


def beside_cells(sent: list[Sent]) -> list[tuple[float, Kind, dict[str, Any]]]:
    """Everything but the cells, and hashes of what was sent before."""
    found = []
    for one in sent:
        fields = json.loads(opened(one.payload))
        if one.kind is Kind.WINDOW:
            del fields["cells"]
        for hashed in ("root", "signature"):
            (fields.get("ledger") or {}).pop(hashed, None)
        found.append((one.at_s, one.kind, fields))
    return found


def cells_of(sent: list[Sent]) -> list[tuple[float, list[Any]]]:
    """The released cells, with the time of their message."""
    return [(o.at_s, json.loads(opened(o.payload))["cells"]) for o in sent if o.kind is Kind.WINDOW]


def a_morning(random: Random, each: int) -> list[Visit]:
    """Parties of one shop: `each` a window on average."""
    count = int(each * HOURS_S / WINDOW_S)
    arrivals = sorted(round(random.uniform(5, HOURS_S - 10), 3) for _ in range(count))
    return [
        a_visit(
            at,
            stay_s=round(random.uniform(20, 400), 3),
            greeted_after_s=4.0,
            served_after_s=round(random.uniform(5, 18), 3),
            flawless=random.random() < 0.5,
        )
        for at in arrivals
    ]


def one_party(at_s: float, stay_s: float = 110.0) -> Visit:
    return a_visit(at_s, stay_s=stay_s, greeted_after_s=4.0, served_after_s=6.0, flawless=False)


@pytest.mark.parametrize("each", [1, 4, 14])
def test_presence_of_a_party_shows_in_nothing_but_its_cell(device: Device, each: int) -> None:
    others = a_morning(Random(each), each)  # noqa: S311 -- repeatable
    present = [*others, one_party(4000.0)]
    without, with_party = Attacker(device).both(others, present)
    assert outside(without) == outside(with_party)
    assert beside_cells(without) == beside_cells(with_party)
    assert len([one for one in without if one.kind is Kind.WINDOW]) >= 4
    if each == 14:
        assert cells_of(without) != cells_of(with_party)


def test_below_k_presence_shows_in_nothing_at_all(device: Device) -> None:
    nine = [one_party(60.0 * n + 10) for n in range(9)]
    empty, thin = Attacker(device).both([], nine)
    assert empty == thin


def test_window_and_waiting_inside_a_cell_show_in_nothing_at_all(device: Device) -> None:
    """Six parties a window: two windows join, and which one somebody came in is not told."""
    others = [one_party(300.0 * n + 20) for n in range(int(HOURS_S / 300) - 2)]
    early, late = one_party(100.0, SAME_BUCKET_S[0]), one_party(2500.0, SAME_BUCKET_S[0])
    in_first, in_second = Attacker(device).both([*others, early], [*others, late])
    assert in_first == in_second
    assert any(cells for _, cells in cells_of(in_first))


def test_which_half_of_a_joined_hour_somebody_came_in_shows_in_nothing_at_all(
    device: Device,
) -> None:
    """Ten and none, or nine and one: the cell before must not leave sooner for the ten."""
    before = [one_party(WINDOW_S * w + 20 + 60 * n, 40.0) for w in (0, 1) for n in range(12)]
    nine = [one_party(WINDOW_S * 2 + 20 + 60 * n, 40.0) for n in range(9)]
    tenth = [one_party(WINDOW_S * half + 700, 40.0) for half in (2, 3)]
    ten, nine_and_one = Attacker(device).both(
        [*before, *nine, tenth[0]], [*before, *nine, tenth[1]]
    )
    assert ten == nine_and_one
    assert any(cells for _, cells in cells_of(ten))


def test_how_long_someone_stayed_shows_in_the_cells_bucket_alone(device: Device) -> None:
    others = [one_party(150.0 * n + 20, stay_s=30.0) for n in range(int(HOURS_S / 150) - 2)]
    stays = [one_party(200.0, stay_s) for stay_s in SAME_BUCKET_S]
    short, long = Attacker(device).both([*others, stays[0]], [*others, stays[1]])
    assert outside(short) == outside(long)
    assert beside_cells(short) == beside_cells(long)
    for (at_s, one), (_, other) in zip(cells_of(short), cells_of(long), strict=True):
        assert [_without_sums(cell) for cell in one] == [_without_sums(cell) for cell in other]
        assert at_s > 0


def _without_sums(cell: dict[str, Any]) -> dict[str, Any]:
    """A cell without its sums of seconds, which are about all of its parties."""
    sums = ("observed_s", "bridged_s", "unknown_s")
    staff = {k: v for k, v in cell["staff"].items() if k not in {"present_s", "attended_s"}}
    return {k: v for k, v in cell.items() if k not in sums} | {"staff": staff}


def test_a_party_that_is_there_for_hours_delays_nothing(device: Device) -> None:
    """Its frames take longer, and its visit is open at every closing."""
    crowd = [one_party(30.0 + n, stay_s=9000.0) for n in range(9)]
    empty, crowded = Attacker(device, step_s=1.0).both([], crowd)
    assert empty == crowded


def test_files_have_the_same_size_and_time_in_an_empty_and_a_full_shop(device: Device) -> None:
    attacker = Attacker(device)
    attacker.both([], a_morning(Random(5), 40))  # noqa: S311 -- repeatable
    found = []
    for name in ("one", "other"):
        folder = Path(device.site.device.state_dir).with_name(name)
        found.append(sorted((p.name, p.stat().st_size) for p in folder.glob("checkpoint.*")))
    assert found[0] == found[1]
    assert len(found[0]) == 2


def _unpadded(window: Window, _size_bytes: int) -> bytes:
    return window.model_dump_json().encode()


def _by_the_frames(_: SteadyPresent, stamp: Stamp, seen_s: float, __: float) -> datetime:
    return stamp.utc(seen_s)


CLOSING = WindowKeeper.closing
HEARTBEAT = Upload._heartbeat


def _as_soon_as_k(
    keeper: WindowKeeper, now_utc: datetime, open_visits: Iterable[Visit]
) -> Iterator[ClosedWindow]:
    thick = any(t.visits >= 10 for of in keeper._open.values() for t in of.tallies.values())
    return CLOSING(keeper, now_utc + keeper._settle * thick, open_visits)


def _with_presence(upload: Upload) -> Health:
    """A heartbeat that calls it a fault of the clock when somebody was just counted."""
    keeper = upload._reporter.keeper
    beat = HEARTBEAT(upload)
    counted = keeper is not None and bool(keeper._open)
    return beat.model_copy(update={"faults": ("clock",)}) if counted else beat


PLANTED: dict[str, tuple[tuple[Any, str, Any], ...]] = {
    "no padding": ((release, "encode", _unpadded),),
    "the frames' own pace": (
        (SteadyPresent, "at", _by_the_frames),
        (PunctualOutbox, "pending", Outbox.pending),
    ),
    "sent as soon as k are there": ((WindowKeeper, "closing", _as_soon_as_k),),
    "presence in the heartbeat": ((Upload, "_heartbeat", _with_presence),),
}


@pytest.mark.parametrize("leak", PLANTED)
def test_each_planted_leak_is_found(
    device: Device, leak: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    crowd = [one_party(30.0 + 150.0 * n, stay_s=120.0 if n < 40 else 3000.0) for n in range(70)]
    for where, name, broken in PLANTED[leak]:
        monkeypatch.setattr(where, name, broken)
    empty, crowded = Attacker(device, step_s=1.0).both([], crowd)
    assert (outside(empty), beside_cells(empty)) != (outside(crowded), beside_cells(crowded))


def test_the_sizes_are_the_contracts(device: Device) -> None:
    sent = Attacker(device).sees([], "alone")
    assert {len(one.payload) for one in sent if one.kind is Kind.WINDOW} == {window_bytes(18)}
    assert len({len(one.payload) for one in sent if one.kind is Kind.HEALTH}) == 1
