"""What it costs to take two pieces for one person, rather than for two."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import count

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.tracking.track import Track, TrackId
from edge.visits.likeness import EDGE_CROSSED, EXPLAINED, NOWHERE, OTHER_ROLE, OVERLAP_S, gains
from edge.visits.pieces import Piece
from edge.visits.states import Glimpse

HEIGHT_PX = 200.0
MERGE_S = 30.0
END_S = 20.0
SIGHTINGS, STEP_S = 30, 0.1
IDS = count(1)


@dataclass(frozen=True, slots=True)
class Seen:
    """How somebody was seen: at (x, y) in the picture, in body heights, feet at y.

    Attributes:
        at_h, pace_h_s: where at the end (or the beginning), and how fast.
        size_m: how tall in boxes that showed the whole body; None: in none.
    """

    at_h: tuple[float, float] = (3.0, 3.0)
    pace_h_s: tuple[float, float] = (0.0, 0.0)
    size_m: float | None = 1.7
    whole: bool = True
    staff_s: float = 0.0
    customer_s: float = 0.0

    def piece(self, times_s: list[float], at_s: float) -> Piece:
        """A piece with sightings at `times_s`, of somebody who is at `at_h` at `at_s`."""
        track = Track.start(TrackId(next(IDS)), times_s[0], (0.0, 0.0, 80.0, HEIGHT_PX))
        track.best_score = 0.9
        piece = Piece(track, begun_behind=False, staff_s=self.staff_s, customer_s=self.customer_s)
        for t_s in times_s:
            x, y = (
                HEIGHT_PX * (place + pace * (t_s - at_s))
                for place, pace in zip(self.at_h, self.pace_h_s, strict=True)
            )
            floor_m = (1.7 * x / HEIGHT_PX, 8.0 - 1.7 * y / HEIGHT_PX)
            piece.see(Glimpse(t_s, floor_m, (x, y - HEIGHT_PX, y), HEIGHT_PX, self.whole))
            if self.size_m is not None:
                track.sizes.add(self.size_m)
        return piece

    def lost(self) -> Piece:
        """Who is seen for the last time at `END_S`, and vanishes in plain view."""
        piece = self.piece([END_S - n * STEP_S for n in reversed(range(SIGHTINGS))], END_S)
        piece.ended = piece.vanished = True
        return piece

    def begun(self, gap_s: float) -> Piece:
        """Who is seen first `gap_s` after `END_S`."""
        start_s = END_S + gap_s
        return self.piece([start_s + n * STEP_S for n in range(SIGHTINGS)], start_s)


SOMEBODY = Seen()


def gain(lost: Piece, begun: Piece, *, since_s: float = 0.0, metric: bool = True) -> float:
    """Cost of the one link, less that of explaining both ends without it."""
    return float(gains([lost], [begun], since_s, MERGE_S, metric=metric)[0, 0])


def cost(before: Seen, after: Seen, gap_s: float = 2.0, *, metric: bool = True) -> float:
    """The same of how somebody was seen before a gap, and after."""
    return gain(before.lost(), after.begun(gap_s), metric=metric)


@pytest.mark.parametrize("gap_s", [0.3, 1.0, 3.0, 10.0, 25.0])
def test_who_stayed_is_liker_than_who_is_further_away(gap_s: float) -> None:
    places = [(3.0 + away, 3.0) for away in (0.0, 0.1, 0.3, 1.0, 3.0)]
    costs = [cost(SOMEBODY, Seen(at_h=place), gap_s) for place in places]
    assert costs == sorted(costs)
    assert costs[0] < 0 < costs[-1] - costs[0]


@pytest.mark.parametrize("gap_s", [0.2, 0.5, 1.0, 2.0])
def test_who_walks_is_awaited_ahead_and_not_behind(gap_s: float) -> None:
    walks = Seen(pace_h_s=(0.5, 0.0))
    ahead = replace(walks, at_h=(3.0 + 0.5 * gap_s, 3.0))
    behind = replace(walks, at_h=(3.0 - 0.5 * gap_s, 3.0))
    assert cost(walks, ahead, gap_s) < 0
    assert cost(walks, ahead, gap_s) < cost(walks, behind, gap_s) - 1
    turned = replace(ahead, pace_h_s=(-0.5, 0.0))
    assert cost(walks, ahead, gap_s) < cost(walks, turned, gap_s)


def test_the_mirrored_picture_tells_the_same() -> None:
    to_right = cost(Seen(pace_h_s=(0.5, 0.1)), Seen(at_h=(3.6, 3.2), pace_h_s=(0.3, 0.0)))
    to_left = cost(Seen(pace_h_s=(-0.5, 0.1)), Seen(at_h=(2.4, 3.2), pace_h_s=(-0.3, 0.0)))
    assert to_right == pytest.approx(to_left)


@pytest.mark.parametrize("metric", [True, False])
def test_the_size_of_another_person_costs(metric: bool) -> None:
    sizes_m = (1.7, 1.75, 1.85, 2.0)
    costs = [cost(SOMEBODY, Seen(size_m=size_m), metric=metric) for size_m in sizes_m]
    assert costs == sorted(costs)
    assert costs[-1] > costs[0] + 2
    shorter = cost(SOMEBODY, Seen(size_m=1.7**2 / 2.0), metric=metric)
    assert shorter == pytest.approx(costs[-1])


def test_an_estimated_floor_tells_less_of_sizes() -> None:
    off = [
        cost(SOMEBODY, Seen(size_m=1.78), metric=m) - cost(SOMEBODY, SOMEBODY, metric=m)
        for m in (True, False)
    ]
    assert off[1] < off[0]


def test_where_a_size_is_not_known_the_feet_tell() -> None:
    unknown, far = Seen(size_m=None), Seen(size_m=None, at_h=(3.0, 3.4))
    covered = Seen(size_m=None, at_h=(3.0, 3.4), whole=False)
    assert cost(unknown, far, 0.2) > cost(unknown, unknown, 0.2) + 1
    assert cost(unknown, covered, 0.2) < cost(unknown, far, 0.2) - 1
    assert math.isfinite(cost(SOMEBODY, unknown))


def test_crossing_the_edge_of_the_picture_costs() -> None:
    plain = gain(SOMEBODY.lost(), SOMEBODY.begun(2.0))
    out, came = SOMEBODY.lost(), SOMEBODY.begun(2.0)
    out.track.walked_out = came.track.from_edge = True
    once = EDGE_CROSSED + NOWHERE - EXPLAINED  # and walking out explains the end by itself
    assert gain(out, SOMEBODY.begun(2.0)) == pytest.approx(plain + once)
    assert gain(SOMEBODY.lost(), came) == pytest.approx(plain + once)
    assert gain(out, came) == pytest.approx(plain + 2 * once)
    elsewhere = Seen(at_h=(6.0, 3.0), size_m=1.8).begun(6.0)
    elsewhere.track.from_edge = True
    assert gain(out, elsewhere) > 0


def test_who_was_there_when_seeing_began_needs_nobody_before() -> None:
    known = gain(SOMEBODY.lost(), SOMEBODY.begun(2.0))
    new = gain(SOMEBODY.lost(), SOMEBODY.begun(2.0), since_s=END_S + 1.5)
    assert new == pytest.approx(known + NOWHERE - EXPLAINED)


def test_a_place_that_was_seen_empty_is_not_where_somebody_stayed() -> None:
    lost, begun = SOMEBODY.lost(), SOMEBODY.begun(8.0)
    plain = gain(lost, begun)
    begun.empties_s = {lost.track.id: 5.0}
    assert gain(lost, begun) > plain + 1


def test_staff_are_not_customers() -> None:
    staff, customer = Seen(staff_s=20.0), Seen(customer_s=20.0)
    alike = cost(staff, staff)
    assert cost(customer, customer) == pytest.approx(alike)
    assert cost(staff, SOMEBODY) == pytest.approx(alike)
    assert cost(staff, customer) == pytest.approx(alike + OTHER_ROLE)
    assert cost(customer, staff) == pytest.approx(alike + OTHER_ROLE)


def test_a_longer_gap_costs_more_up_to_merge_s() -> None:
    gaps_s = (0.2, 1.0, 5.0, 20.0, MERGE_S - 0.01)
    costs = [cost(SOMEBODY, SOMEBODY, gap_s) for gap_s in gaps_s]
    assert costs == sorted(costs)
    assert all(math.isfinite(one) for one in costs)
    assert cost(SOMEBODY, SOMEBODY, MERGE_S + 0.01) == math.inf


def test_pieces_overlap_but_for_a_moment() -> None:
    assert math.isfinite(cost(SOMEBODY, SOMEBODY, -OVERLAP_S + 0.01))
    assert cost(SOMEBODY, SOMEBODY, -OVERLAP_S - 0.01) == math.inf


def test_who_was_seen_no_longer_than_the_lost_does_not_follow() -> None:
    brief = SOMEBODY.piece([END_S - 0.5, END_S - 0.4, END_S - 0.3], END_S - 0.5)
    assert gain(SOMEBODY.lost(), brief) == math.inf


def test_a_table_holds_each_pair_on_its_own() -> None:
    befores = [SOMEBODY, Seen(at_h=(1.0, 4.0), size_m=None), Seen(staff_s=9.0)]
    afters = [(SOMEBODY, 2.0), (Seen(pace_h_s=(0.4, 0.0), customer_s=9.0), 40.0)]
    lost = [before.lost() for before in befores]
    begun = [after.begun(gap_s) for after, gap_s in afters]
    table = gains(lost, begun, 0.0, MERGE_S, metric=True)
    assert table.shape == (3, 2)
    singles = [[cost(before, after, gap_s) for after, gap_s in afters] for before in befores]
    assert table == pytest.approx(np.array(singles))


places = st.tuples(*[st.floats(-2, 8)] * 2)
paces = st.tuples(*[st.floats(-2, 2)] * 2)
sizes = st.none() | st.floats(0.0, 2.1)
seconds = st.floats(0, 100)
anybody = st.builds(Seen, places, paces, sizes, st.booleans(), seconds, seconds)


@given(anybody, anybody, st.floats(-3, 40), seconds, st.booleans())
def test_there_is_always_a_number(
    before: Seen,
    after: Seen,
    gap_s: float,
    empty_s: float,
    metric: bool,
) -> None:
    lost, begun = before.lost(), after.begun(gap_s)
    begun.empties_s = {lost.track.id: empty_s}
    found = gain(lost, begun, metric=metric)
    assert not math.isnan(found)
    assert found > -math.inf
    if min(abs(gap_s - MERGE_S), abs(gap_s + OVERLAP_S)) > 1e-6:
        assert math.isfinite(found) == (-OVERLAP_S < gap_s < MERGE_S)
