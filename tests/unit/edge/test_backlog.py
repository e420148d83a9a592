"""What waits for a message: all of it leaves in order, and nothing can hold it up for ever."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from edge.backlog import Backlog, setting_of
from edge.outbox import Build
from edge.testing import MemoryOutbox, a_site
from edge.windows.release import Held, Terms, fitting
from firmware_cfg.codec import decode
from firmware_cfg.messages import Cell, Window
from firmware_cfg.sealing import window_bytes

GOLDEN = Path(__file__).parents[1] / "firmware_cfg" / "golden" / "v1" / "window.json"
MOST_MESSAGES = 40
MESSAGE_BYTES = window_bytes(96)
OTHER = ("2" * 64, "2" * 64, "another model")


class BoundedOutbox(MemoryOutbox):
    """Fails the test of whoever never stops."""

    def append(self, build: Build, state: bytes) -> int:
        assert len(self.messages) < MOST_MESSAGES
        return super().append(build, state)


def a_cell(hours: int, buckets: int = 5) -> Cell:
    """A cell at scale 0 whose histogram has so many buckets, each with another count."""
    table = json.loads(GOLDEN.read_bytes())["cells"][0]
    start = datetime(2027, 3, 1, tzinfo=UTC) + timedelta(hours=hours)
    counts = {str(at): 1 + (at * 7919) % 2999 for at in range(buckets)}
    visits = sum(counts.values())
    waiting = {"scale": 0, "event": counts, "left": {}, "censored": {}}
    served = dict.fromkeys(table["outcomes"], 0) | {"served": visits}
    span = {"start": start.strftime("%FT%TZ")}
    span |= {"end": (start + timedelta(hours=1)).strftime("%FT%TZ")}
    table |= {"point": "counter-1", "level": "hour", "staff": None, "visits": visits}
    table |= {"waiting": waiting, "stay": waiting, "outcomes": served} | span
    return decode(Cell, json.dumps(table).encode())


SMALL = [a_cell(hours) for hours in range(3)]
HUGE = a_cell(9, 300)


def a_head() -> Window:
    return decode(Window, GOLDEN.read_bytes()).model_copy(update={"cells": ()})


def terms() -> Terms:
    return Terms.of(a_site(), 10, MESSAGE_BYTES)


def sent(outbox: MemoryOutbox) -> list[Cell]:
    assert {len(one) for one in outbox.messages} <= {MESSAGE_BYTES}
    return [cell for one in outbox.messages for cell in decode(Window, one).cells]


@pytest.mark.parametrize("at", [0, 1, 3, None])
def test_of_an_old_setting_all_leaves_but_what_fits_no_message(
    at: int | None, caplog: pytest.LogCaptureFixture
) -> None:
    waiting = [*SMALL]
    if at is not None:
        assert fitting(a_head(), [HUGE], terms()) == 0
        waiting.insert(at, HUGE)
    outbox = BoundedOutbox()
    held = Held(old=tuple(waiting), old_head=a_head())
    backlog = Backlog(outbox, held, terms(), OTHER)
    backlog.cut()
    assert sent(outbox) == SMALL
    assert ("cell_given_up hour" in caplog.text) is (at is not None)
    backlog.cut()
    assert sent(outbox) == SMALL


@pytest.mark.parametrize("old", [(), (HUGE,), (HUGE, HUGE)])
def test_a_cut_is_one_message_with_cells_or_without(old: Sequence[Cell]) -> None:
    outbox = BoundedOutbox()
    Backlog(outbox, Held(old=tuple(old), old_head=a_head()), terms(), OTHER).cut()
    assert len(outbox.messages) == 1
    assert sent(outbox) == []


def test_a_full_outbox_keeps_what_it_refused_of_an_old_setting() -> None:
    outbox = BoundedOutbox()
    backlog = Backlog(outbox, Held(old=(HUGE, *SMALL), old_head=a_head()), terms(), OTHER)
    outbox.full = True
    backlog.cut()
    assert decode(Held, outbox.state()).old == tuple(SMALL)
    outbox.full = False
    backlog.cut()
    assert sent(outbox) == SMALL


def test_what_fits_no_message_does_not_hold_up_the_next_windows(
    caplog: pytest.LogCaptureFixture,
) -> None:
    outbox = BoundedOutbox()
    backlog = Backlog(outbox, Held(), terms(), setting_of(a_head()))
    backlog.begin(resumed=False)
    backlog.add([HUGE, *SMALL])
    backlog.report(a_head())
    assert len(outbox.messages) == 1
    assert sent(outbox) == SMALL
    assert caplog.text.count("cell_given_up") == 1
