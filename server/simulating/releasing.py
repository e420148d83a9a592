"""Joined windows as the cells of messages, held to the team's size and to k.

Of a team of at least three a cell tells what depends on staff. Of a smaller one it does not, and
whoever left unserved is told by how soon, greeted or not; such a team's figures are told once a
week, of all points together (`weekly`). Of an undeclared one nothing is told of staff.
"""

import math
from dataclasses import dataclass
from datetime import datetime

from firmware_cfg.cells import (
    Cell,
    Level,
    Outcomes,
    PointKind,
    Split,
    StaffFigures,
    WeekFigures,
    WireHistogram,
)
from firmware_cfg.histogram import scale_for
from server.simulating.joining import Joined
from server.simulating.tally import Buckets, Tally, coarser

STORE_POINT = "all-points"
SMALLEST_TEAM = 3
OBSERVED, BRIDGED = 0.96, 0.03
"""Of visits' seconds: seen, and bridged over; the rest is unknown."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a store's releases are held to; `scale`: of histograms, where not by a cell's visits."""

    k: int
    team_size: int | None
    scale: int | None = None

    @property
    def staff(self) -> bool:
        """Whether cells tell what depends on staff."""
        return self.team_size is not None and self.team_size >= SMALLEST_TEAM

    @property
    def weekly_staff(self) -> bool:
        """Whether it is told of weeks alone."""
        return self.team_size is not None and not self.staff


def cell_of(joined: Joined, point: str, kind: PointKind, terms: Terms) -> Cell:
    """A joined cell as it is released.

    It is made without checks, for speed: tests check what comes out.
    """
    tally = joined.tally
    visits = tally.visits
    at = scale_for(visits) if terms.scale is None else terms.scale
    observed_s, bridged_s = round(tally.stay_s * OBSERVED), round(tally.stay_s * BRIDGED)
    return Cell.model_construct(
        point=point,
        kind=kind,
        level=joined.level,
        start=joined.start,
        end=joined.end,
        k=terms.k,
        visits=visits,
        left_censored=0,
        passers_by=tally.passers_by,
        outcomes=_outcomes(tally, staff=terms.staff),
        waiting=_wire(at, tally.waiting, tally.left_waiting),
        stay=_wire(at, tally.stay),
        staff=_staff(joined, at) if terms.staff else None,
        observed_s=observed_s,
        bridged_s=bridged_s,
        unknown_s=max(0, round(tally.stay_s) - observed_s - bridged_s),
        week=None,
    )


def week_of(
    span: tuple[datetime, datetime], tally: Tally, largest: int, k: int, scale: int
) -> Cell | None:
    """A small team's week, if something may be told of it; `largest`: visits of a finer cell."""
    told = weekly(tally, largest, k)
    if told == WeekFigures():
        return None
    joined = Joined(Level.WEEK, *span, tally)
    bare = cell_of(joined, STORE_POINT, PointKind.STORE, Terms(k, None, scale))
    return bare.model_copy(update={"week": told})


def weekly(tally: Tally, largest: int, k: int) -> WeekFigures:
    """A small team's figures of a week.

    A count is told where either part is twice as large as any finer cell. That is simpler than
    what devices do, and tells less: medians and the attended share are not told at all.
    """
    apart = max(k, 2 * (largest + 1))
    left_late = tally.visits - tally.served - tally.left_early
    judged = tally.served + left_late

    def split(yes: int, base: int) -> Split | None:
        return Split(yes=yes, no=base - yes) if min(yes, base - yes) >= apart else None

    flawless = split(tally.flawless, judged)
    recovered = tally.served - tally.flawless
    few = flawless is None or min(recovered, left_late) < k
    return WeekFigures(
        flawless=flawless,
        recovered=None if few else Split(yes=recovered, no=left_late),
        greeted_in_time=split(tally.greeted_in_time, tally.visits) if flawless else None,
    )


def _outcomes(tally: Tally, *, staff: bool) -> Outcomes:
    if staff:
        told = (tally.greeted_only, tally.abandoned, tally.passed)
    else:
        unserved = tally.visits - tally.served
        told = (0, unserved - tally.left_early, tally.left_early)
    return Outcomes.model_construct(
        served=tally.served,
        greeted_only=told[0],
        abandoned=told[1],
        passed=told[2],
        still_present=0,
    )


def _staff(joined: Joined, scale: int) -> StaffFigures:
    tally = joined.tally
    present_s, attended_s = presence(joined)
    return StaffFigures.model_construct(
        greeting=_wire(scale, tally.greeting, tally.left_greeting),
        interaction=_wire(scale, tally.interaction),
        flawless=tally.flawless,
        judged=tally.judged,
        broken=tally.judged - tally.flawless,
        recovered=tally.recovered,
        interrupted=tally.interrupted,
        attended_s=attended_s,
        present_s=present_s,
    )


def presence(joined: Joined) -> tuple[int, int]:
    """Seconds with a party there, and with staff there too, as whole ones.

    Parties overlap: of random arrivals a share 1 - exp(-n) of the time has one there, n being
    how many are there on the average. That holds for the queue M/G/infinity.
    """
    length_s = (joined.end - joined.start).total_seconds()
    busy = 1 - math.exp(-joined.tally.stay_s / length_s)
    share = joined.tally.attended_s / joined.tally.stay_s if joined.tally.stay_s else 0.0
    present_s = round(length_s * busy)
    return present_s, round(present_s * share)


def _wire(scale: int, event: Buckets, left: Buckets | None = None) -> WireHistogram:
    return WireHistogram.model_construct(
        scale=scale,
        event=coarser(event, scale),
        left=coarser(left, scale) if left else {},
        censored={},
    )
