"""When messages come, and in which order: some late, some twice.

A window closes half an hour after its end and is sent then. A store's uplink may be down for
hours: what waited comes at once when it is back.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from random import Random

from firmware_cfg.messages import Window
from server.simulating.chain import PlannedStore

SETTLE = timedelta(minutes=30)
TRAVEL = timedelta(seconds=2)
DOWN_EVERY, DOWN_FOR = 3, timedelta(hours=9)
"""A late store's uplink is down on every third day, from the morning on, UTC."""
TWICE = 0.05


def received_at(store: PlannedStore, window: Window) -> datetime:
    """When the server received a window."""
    sent = window.end + SETTLE + TRAVEL
    if not store.late or sent.toordinal() % DOWN_EVERY:
        return sent
    down = datetime.combine(sent.date(), datetime.min.time(), UTC) + timedelta(hours=6)
    return down + DOWN_FOR if down <= sent < down + DOWN_FOR else sent


def delivered(
    sent: Iterable[tuple[PlannedStore, Window]], seed: int
) -> list[tuple[datetime, Window]]:
    """Messages in the order in which they come, with those that come twice; and when."""
    rng = Random(f"{seed} delivery")  # noqa: S311 plausible, not secret
    found = []
    for store, window in sent:
        at = received_at(store, window)
        found.append((at, window))
        if rng.random() < TWICE:
            found.append((at + timedelta(seconds=rng.uniform(1, 7200)), window))
    return sorted(found, key=lambda one: (one[0], one[1].device, one[1].sequence))
