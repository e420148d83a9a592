"""Which counts of a week may be told together (privacy rule 4).

Told together, counts say more than each by itself. Who was served flawlessly was greeted in
time: if as many were greeted in time as were served flawlessly, then nobody who left unserved
was greeted in time, in no hour of the week. So not each count alone but each sum and difference
of counts that has a bound must be far from it.

Each visit adds one of a few vectors to the four counts (`edge.windows.week_bounds`). What a
cell leaves open is then a sum of such sets, and so is the whole week; `SIDES` are the outward
normals of its faces, of all four counts and of any of them. The counts may be told together
if the point that they are is as far inside every face as the largest finer cell could move it,
by any change of its visits, and one visit more:

    most(side) - side · counts  >=  apart * range(side)

Then, whatever one cell's own figures leave open of all its hidden counts together, the other
cells can make up for. The one visit more is for what is *not* told: that a count is missing says
that it is near a face, and whoever knows which one finds it still as far as any cell could move
it. A count that is told beside a missing one would undo that. So those greeted in time are told
only beside those served flawlessly, and the other two only beside both. Of these, whether the
interrupted are told does not depend on who left greeted; and where they are missing, the face
that both share must be far from the latter even if nobody was interrupted.

`tests/unit/edge/windows/test_week_together.py` computes the faces anew, and goes through all
weeks of some small shops, with everything that is told or missing.
"""

from typing import Literal

from edge.windows.week_bounds import Bounds, Sums, range_of

Name = Literal["flawless", "interrupted", "greeted_in_time", "left_greeted"]
NAMES: tuple[Name, ...] = ("flawless", "interrupted", "greeted_in_time", "left_greeted")

SIDES: tuple[Sums, ...] = (
    *((-1, 0, 0, 0), (1, 0, 0, 0)),
    *((0, -1, 0, 0), (0, 1, 0, 0)),
    *((0, 0, -1, 0), (0, 0, 1, 0)),
    *((0, 0, 0, -1), (0, 0, 0, 1)),
    *((-1, -1, 0, 0), (1, 1, 0, 0)),
    *((-1, 0, 1, 0), (1, 0, -1, 0)),
    *((-1, -1, 1, 0), (1, 1, -1, 0)),
    *((0, 0, 1, -1), (-1, 0, 1, -1), (-1, -1, 1, -1)),
)
_RANGES = {side: range_of(side) for side in SIDES}


def told_together(counts: Sums, public: Bounds, apart: int) -> frozenset[Name]:
    """Names of the counts that may be told.

    Args:
        counts: the four, in the order of `NAMES`.
        public: what the finer cells tell.
        apart: one more than the largest of them has visits, or k if that is more.
    """
    far = {side for side in SIDES if _room(side, counts, public) >= apart * _RANGES[side]}
    told: frozenset[Name] = frozenset()
    names: tuple[Name, ...] = ("flawless", "greeted_in_time", "interrupted")
    for name in names:
        tried = told | {name}
        if all(side in far for side in SIDES if _about(side) <= tried):
            told = tried
        elif name != "interrupted":
            return told
    flawless, interrupted, in_time, left_greeted = counts
    known = (flawless, interrupted if "interrupted" in told else 0, in_time, left_greeted)
    ends = (side for side in SIDES if "left_greeted" in _about(side))
    if all(_room(side, known, public) >= apart * _RANGES[side] for side in ends):
        told |= {"left_greeted"}
    return told


def _room(side: Sums, counts: Sums, public: Bounds) -> int:
    """How far inside a face the counts are."""
    return public.most(side) - sum(w * n for w, n in zip(side, counts, strict=True))


def _about(side: Sums) -> frozenset[Name]:
    return frozenset(name for name, weight in zip(NAMES, side, strict=True) if weight)
