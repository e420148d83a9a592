"""Sets of time."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from edge.visits.intervals import Intervals, Log, complement, intersect, length_s, union

parts = st.lists(
    st.tuples(st.integers(0, 40), st.integers(1, 9)).map(
        lambda p: (float(p[0]), float(p[0] + p[1]))
    )
)


def moments(intervals: Intervals) -> set[int]:
    """Whole seconds [t, t + 1) that are covered."""
    return {t for start, end in intervals for t in range(int(start), int(end))}


@given(parts, parts)
def test_they_are_sets(first: Intervals, second: Intervals) -> None:
    one, other = union(first), union(second)
    assert moments(one) == moments(first)
    assert moments(intersect(one, other)) == moments(one) & moments(other)
    assert moments(complement(one, (0.0, 60.0))) == set(range(60)) - moments(one)
    assert length_s(one) == len(moments(one))
    assert all(a[1] < b[0] for a, b in itertools.pairwise(one))


def test_small_gaps_are_closed() -> None:
    assert union([(0, 1), (1.5, 2), (4, 5)], 0.5) == [(0, 2), (4, 5)]


def test_a_log_grows_stops_and_begins_again() -> None:
    log = Log()
    log.hold(1.0, 0.5)
    log.hold(2.0, 1.5)
    log.stop(2.25)
    log.stop(9.0)
    log.hold(5.0, 5.0)
    assert log.parts == [(0.5, 2.25), (5.0, 5.0)]
