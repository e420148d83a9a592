"""Twice as many frames a second tell the same visits, within what the slower film can show.

A moment lies between two frames of the slower film, 1 / f apart; that, and `MORE_S`, is how
far the two films may differ. The faster film has every frame of the slower one.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.visits.values import Event, PasserBy, Visit
from tests.scenarios import stories_plain as plain
from tests.scenarios import stories_staff as staff
from tests.scenarios.detector import CLEAN
from tests.scenarios.story import MOMENTS, Actor, Story, frames, moments, run, visits_of

MORE_S = 0.05

# stories without a crowd, each at a rate of its own
RATES = (
    (plain.COUPLE, 12),
    (plain.OUT_AND_IN, 5),
    (plain.TWO_POINTS, 6),
    (plain.HIDDEN, 7),
    (staff.GREETER, 5),
    (staff.STEPS_AWAY, 9),
    (staff.STILL, 11),
    (staff.ALREADY, 10),
)


def counted(visit: Visit) -> tuple[object, ...]:
    """What two films of one story must tell alike to the letter."""
    return (
        visit.outcome,
        visit.party_size,
        visit.service_point,
        visit.left_censored,
        visit.interruptions,
    )


def passers_by(events: list[Event]) -> int:
    return sum(isinstance(event, PasserBy) for event in events)


def check_doubled(story: Story, fps: int, visits: int) -> None:
    """The story at `fps` and at twice that has the same `visits`, moments as near as 1 / fps."""
    slow, fast = (run(story, frames(story, rate, CLEAN)) for rate in (fps, 2 * fps))
    ones, others = visits_of(slow), visits_of(fast)
    assert (len(ones), len(others)) == (visits, visits)
    assert passers_by(slow) == passers_by(fast)
    for one, other in zip(ones, others, strict=True):
        assert counted(one) == counted(other)
        for name, before, after in zip(MOMENTS, moments(one), moments(other), strict=True):
            ends = 2 if name == "interaction" else 1  # a length has two
            assert before == pytest.approx(after, abs=ends / fps + MORE_S), name


def standing(draw: st.DrawFn, least_s: int, most_s: int) -> float:
    """Some seconds, to a tenth, so that moments fall anywhere between frames."""
    return draw(st.integers(10 * least_s, 10 * most_s)) / 10


@st.composite
def errands(draw: st.DrawFn) -> tuple[Story, int]:
    """One party or two, the second after the first has left; and how many visits they make.

    Times keep clear of the definitions' thresholds, where a frame may decide. Zones as in
    `stories_plain`.
    """
    actors = [Actor("0 0.2 7; 200 0.2 7", 1.75)]
    t_s, parties = 0.0, draw(st.integers(1, 2))
    for _ in range(parties):
        t_s += standing(draw, 2, 5)
        size, served = draw(st.integers(1, 2)), draw(st.booleans())
        waits_s = standing(draw, 4, 12) if served else standing(draw, 18, 25)
        stays_s = standing(draw, 8, 15)
        for beside_m in (-0.35, 0.35)[:size]:
            path = [(0, 4.5, 4), (2, 2, 4), (4, beside_m, 4.2), (4 + waits_s, beside_m, 4.2)]
            now_s = 4 + waits_s
            if served:
                path += [(now_s + 2, beside_m, 5.5), (now_s + 2 + stays_s, beside_m, 5.5)]
                path += [(now_s + 3.5 + stays_s, 1.6, 5.5), (now_s + 6 + stays_s, 5, 5.5)]
            else:
                path += [(now_s + 1.5, 2, 4.2), (now_s + 4.5, 5, 4.2)]
            steps = "; ".join(f"{t_s + after_s:.2f} {x} {y}" for after_s, x, y in path)
            actors.append(Actor(steps, draw(st.sampled_from([1.6, 1.7, 1.8]))))
        t_s = actors[-1].times_s[-1]
    return Story("errand", t_s + 3, tuple(actors), ()), parties


@pytest.mark.parametrize(
    ("story", "fps"), RATES, ids=[f"{story.name}-{fps}" for story, fps in RATES]
)
def test_doubling_the_frame_rate_leaves_a_story_as_it_is(story: Story, fps: int) -> None:
    check_doubled(story, fps, len(story.want))


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(errands(), st.integers(5, 12))
def test_doubling_the_frame_rate_leaves_any_errand_as_it_is(
    errand: tuple[Story, int], fps: int
) -> None:
    story, visits = errand
    check_doubled(story, fps, visits)
