"""Going on after a restart: what a reporter keeps, under which terms, and when it still holds.

What was reported, and cells of at least k visits, are in the outbox's state, in the clear.
All else (unfinished windows, thin remainders, a week's sums) is in the checkpoint alone.
"""

import json
from datetime import datetime, timedelta
from typing import Protocol

from edge.windows.calendar import Period
from edge.windows.keeper import WindowKeeper
from edge.windows.kept import Standing, from_bytes, to_bytes
from firmware_cfg.hashes import expectations_hash, geometry_hash
from firmware_cfg.site import Site

MOST_DRIFT_S = 60.0
_FORM = 2


class Keeping(Protocol):
    """The part of a checkpoint that reporting needs; see `edge.checkpoint.file.Checkpoint`."""

    def keep(self, generation: int, bound: bytes, content: bytes) -> None:
        """Replace what is kept with `generation`."""
        ...

    def find(self, generation: int, bound: bytes) -> tuple[bytes, float] | None:
        """What was kept with both, and how many seconds ago."""
        ...


class Memory:
    """A reporter's checkpoint, bound to its configuration.

    Args:
        kept: where it goes; None: nothing is kept.
        bound: everything under which it may be read again; see `terms_of`.
    """

    def __init__(self, kept: Keeping | None, bound: bytes) -> None:
        self._kept = kept
        self._bound = bound

    def keep(self, generation: int, standing: Standing) -> None:
        """Keep `standing` as what goes with `generation`."""
        if self._kept is not None:
            self._kept.keep(generation, self._bound, to_bytes(standing))

    def find(self, generation: int, now_utc: datetime) -> Standing | None:
        """What was kept with `generation`.

        None also where the wall clock has since been set by more than `MOST_DRIFT_S`: its
        windows are another time's.
        """
        found = None if self._kept is None else self._kept.find(generation, self._bound)
        if found is None:
            return None
        content, ago_s = found
        try:
            standing = from_bytes(content)
        except ValueError:
            return None
        off = now_utc - standing.at - timedelta(seconds=ago_s)
        return standing if abs(off.total_seconds()) <= MOST_DRIFT_S else None


def terms_of(site: Site, epoch: str, model: str, window_s: int) -> bytes:
    """What a checkpoint is bound to: device and outbox, geometry, windows, store and privacy.

    A week gathered, or a remainder measured, under one team or agreement is not released under
    another: a week that is told with less than its cells, or the reverse, is a difference.
    """
    bound = {
        "form": _FORM,
        "device": site.device.id,
        "epoch": epoch,
        "geometry": geometry_hash(site),
        "expectations": expectations_hash(site),
        "model": model,
        "window_s": window_s,
        "settle_s": [site.encounter.settle_s, site.encounter.window_settle_s],
        "points": [*(one.id for one in site.service_point), *(one.id for one in site.queue)],
        "store": site.store.model_dump(mode="json"),
        "team_size": site.privacy.team_size,
        "pattern_agreement": site.privacy.pattern_agreement,
        "k": site.privacy.k,
    }
    return json.dumps(bound, sort_keys=True).encode()


def resume(keeper: WindowKeeper, standing: Standing, first: datetime, settle_s: float) -> None:
    """Let `keeper` go on from `standing`, with the gap shown.

    A visit is final up to `settle_s` after its end, and those that were not are lost: the gap
    begins so long before the latest frame that was kept, and ends with the first new one.
    """
    keeper.resume(standing.windows)
    until = standing.windows.seen.until
    if until is not None and until < first:
        keeper.watch.lost(Period(until - timedelta(seconds=settle_s), first))
