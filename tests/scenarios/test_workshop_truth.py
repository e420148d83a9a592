"""The simulator's truth: against days that can be read off, and against the stories' wants."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from tests.scenarios import stories_plain as plain
from tests.scenarios import stories_staff as staff
from tests.scenarios.layouts import COUNTER, TWO, Layout, Rect
from tests.scenarios.story import Actor, Story
from tests.scenarios.workshop.day import GRID_S, Day, Role, Span, Walker
from tests.scenarios.workshop.definitions import visits_in
from tests.scenarios.workshop.people import BoolArray, Person
from tests.scenarios.workshop.truth import people_of, stands_in, truth_of
from tests.scenarios.workshop.visit import TrueVisit, Truth

Timed = Callable[[Day], Truth]

ON_THE_FLOOR_S = 0.12
# the anchor is the middle of the box, and away from the picture's middle a body leans out of it
BY_BOXES_S = 0.45

PARTIES = (  # of each story, the party of each actor; 0 is staff
    (plain.ALONE, (0, 1)),
    (plain.COUPLE, (0, 1, 1)),
    (plain.STRANGERS, (0, 1, 2)),
    (plain.FAMILY, (0, 1, 1, 1)),
    (plain.ABANDONS, (1,)),
    (plain.LOOKS, (0, 1)),
    (plain.PASSER, (0, 1)),
    (plain.OUT_AND_IN, (0, 1, 2)),
    (plain.BLIND_20, (0, 1)),
    (plain.BLIND_60, (0, 1)),
    (plain.FRIEND, (0, 1, 1)),
    (plain.TWO_POINTS, (0, 0, 1, 2)),
    (plain.KIOSK, (1,)),
    (plain.ABSENT_20, (0, 1)),
    (plain.ABSENT_40, (0, 1)),
    (plain.CROSSES, (0, 1, 2)),
    (plain.LOWER_EDGE, (0, 1)),
    (plain.WIDE_LENS, (0, 1)),
    (plain.HIDDEN, (0, 1)),
    (staff.GREETER, (0, 1)),
    (staff.GREETER_ONLY, (0, 0)),
    (staff.STEPS_AWAY, (0, 1)),
    (staff.STAFF_HIDDEN, (0, 1)),
    (staff.TWO_STAFF, (0, 0, 1)),
    (staff.ONE_STAFF_TWO_PARTIES, (0, 1, 2)),
    (staff.ALREADY, (0, 1)),
    (staff.STILL, (0, 1)),
    (staff.CASHIER, (0, 1)),
)


def walker(number: int, path: str, party: int, height_m: float = 1.7) -> Walker:
    """A path `t x y; t x y; …` on the day's grid; party 0 is staff."""
    actor = Actor(path)
    times = actor.times_s
    grid = times[0] + np.arange(round((times[-1] - times[0]) / GRID_S) + 1) * GRID_S
    xs, ys = ([point[axis] for point in actor.waypoints] for axis in (1, 2))
    xy = np.stack([np.interp(grid, times, xs), np.interp(grid, times, ys)], axis=1)
    role = Role.CUSTOMER if party else Role.STAFF
    return Walker(number, role, party, height_m, times[0], xy, np.ones(len(grid)))


def day_of(story: Story, parties: tuple[int, ...]) -> Day:
    pairs = zip(story.actors, parties, strict=True)
    walkers = tuple(walker(n, a.path, party, a.height_m) for n, (a, party) in enumerate(pairs, 1))
    return Day(story.layout, walkers, story.end_s, blind=story.blind)


def on_the_floor(shop: Layout, person: Person) -> Person:
    """The person in zones by where it stands, not by its box; a desk as its sight lines cut it."""
    x, y = person.xy_m.T

    def inside(rects: list[Rect]) -> BoolArray:
        columns = [(r[0] <= x) & (x <= r[2]) & (r[1] <= y) & (y <= r[3]) for r in rects]
        return np.array(columns, bool).reshape(len(rects), len(x)).T

    desks = [c.desk or (0.0, 99.0, 0.0, 99.0) for c in shop.counters]
    behind = [(d[3] * x >= d[0] * y) & (d[3] * x <= d[2] * y) & (y > d[3]) for d in desks]
    return replace(
        person,
        queue=inside([rect for _, rect, _ in shop.queues]),
        service=inside([counter.service for counter in shop.counters]),
        staff=np.array(behind, bool).T,
    )


def truth_on_the_floor(day: Day) -> Truth:
    times_s, people = people_of(day)
    floor = [on_the_floor(day.shop, person) for person in people]
    return visits_in(day.shop.site(), times_s, floor, day.blind)


def moments(visit: TrueVisit) -> tuple[float | None, ...]:
    return (
        visit.arrived_s,
        visit.greeted_s,
        visit.service_started_s,
        visit.departed_s,
        visit.interaction_s,
    )


@pytest.mark.parametrize(("story", "parties"), PARTIES, ids=[story.name for story, _ in PARTIES])
@pytest.mark.parametrize(
    ("timed", "tolerance_s"),
    [(truth_on_the_floor, ON_THE_FLOOR_S), (truth_of, BY_BOXES_S)],
    ids=["floor", "boxes"],
)
def test_stories_are_timed_as_they_expect(
    story: Story, parties: tuple[int, ...], timed: Timed, tolerance_s: float
) -> None:
    truth = timed(day_of(story, parties))
    for want, visit in zip(story.want, truth.visits, strict=True):
        expected = (want.arrived, want.greeted, want.service, want.departed, want.interaction)
        assert moments(visit) == pytest.approx(expected, abs=tolerance_s)
        assert (visit.party_size, visit.outcome, visit.interruptions, visit.left_censored) == (
            want.size,
            want.outcome,
            want.interruptions,
            want.censored,
        )
        assert (visit.pattern, visit.service_point) == (want.pattern, want.point)
    assert truth.passers_by == story.passers_by


# days of their own, which no story tells: queue x −2…2, y 3.4…4.8; service x −0.8…0.8, y 5…6

CLERK = "0 0 7; 200 0 7"
IN_QUEUE = "5 4.5 4; 7 2 4; 9 0 4"


def made(*paths: tuple[str, int], end_s: float = 120, blind: tuple[Span, ...] = ()) -> Day:
    """A day at the counter: (path, party) of each person."""
    walkers = tuple(walker(n, path, party) for n, (path, party) in enumerate(paths, 1))
    return Day(COUNTER, walkers, end_s, blind=blind)


def only(truth: Truth) -> TrueVisit:
    assert truth.passers_by == 0
    (visit,) = truth.visits
    return visit


def test_out_of_the_picture_and_in_again_are_two_visits() -> None:
    day = made((f"{IN_QUEUE}; 18 0 4; 20 2 4; 22 5 4; 26 5 4; 28 2 4; 30 0 4; 50 0 4; 54 5 4", 1))
    first, second = truth_on_the_floor(day).visits
    assert (first.outcome, second.outcome) == ("passed", "abandoned")
    assert (first.departed_s, second.arrived_s) == pytest.approx((20, 28), abs=ON_THE_FLOOR_S)
    assert not second.left_censored


def test_out_of_the_picture_for_less_than_a_second_is_one_visit() -> None:
    # at y = 4 the picture ends a little beyond x = 3
    day = made((f"{IN_QUEUE}; 20 0 4; 22 2 4; 23 3.2 4; 23.2 3.2 4; 24 2 4; 40 0 4; 44 5 4", 1))
    assert only(truth_on_the_floor(day)).departed_s == pytest.approx(41.6, abs=ON_THE_FLOOR_S)


def test_a_party_of_which_one_stays_in_view_goes_on() -> None:
    # one walks out and comes back while the other stands aside; both absent for 20 s
    out = f"{IN_QUEUE}; 20 0 4; 22 2 4; 24 5 4; 40 5 4; 42 2 4; 44 0 4; 60 0 4; 64 5 4"
    aside = "5 4.5 4.3; 7 2 4.3; 9 0.6 4.3; 20 0.6 4.3; 22 2 4.3; 23 2.4 5; 70 2.4 5; 75 5 5"
    visit = only(truth_on_the_floor(made((out, 1), (aside, 1))))
    assert (visit.party_size, visit.members) == (2, (1, 2))
    assert visit.departed_s == pytest.approx(61.6, abs=ON_THE_FLOOR_S)
    assert truth_on_the_floor(made((out, 1))).visits[0].departed_s == pytest.approx(22, abs=0.1)


def test_engagements_are_bridged_up_to_3_s_and_dropped_below_2_s() -> None:
    # the clerk is behind the desk from 30 to 31.5, from 40 to 45, from 47.5 to 60
    clerk = (
        "0 1.8 7; 29.9 1.8 7; 30 0 7; 31.4 0 7; 31.5 1.8 7; 39.9 1.8 7; 40 0 7; 45 0 7; "
        "45.1 1.8 7; 47.4 1.8 7; 47.5 0 7; 60 0 7; 60.1 1.8 7; 200 1.8 7"
    )
    day = made(
        (f"{IN_QUEUE}; 20 0 4; 21 0 5; 22 0 5.5; 80 0 5.5; 81 0.8 5.5; 85 5 5.5", 1), (clerk, 0)
    )
    visit = only(truth_on_the_floor(day))
    assert (visit.greeted_s, visit.service_started_s) == pytest.approx((40, 40), abs=0.15)
    assert visit.interaction_s == pytest.approx(20, abs=0.2)
    assert visit.interruptions == 0


def test_a_short_word_at_the_counter_is_greeted_only() -> None:
    clerk = "0 1.8 7; 29.9 1.8 7; 30 0 7; 34 0 7; 34.1 1.8 7; 200 1.8 7"
    day = made(
        (f"{IN_QUEUE}; 20 0 4; 21 0 5; 22 0 5.5; 60 0 5.5; 61 0.8 5.5; 65 5 5.5", 1), (clerk, 0)
    )
    visit = only(truth_on_the_floor(day))
    assert (visit.outcome, visit.service_started_s, visit.waiting_s) == ("greeted_only", None, None)
    assert visit.greeting_s == pytest.approx(23, abs=0.15)


def test_three_engagements_over_most_of_the_stay_are_interactive() -> None:
    clerk = (
        "0 0 7; 40 0 7; 40.1 1.8 7; 44.9 1.8 7; 45 0 7; 60 0 7; 60.1 1.8 7; 64.9 1.8 7; 65 0 7; "
        "200 0 7"
    )
    day = made(("5 4 5.5; 8 0.8 5.5; 9 0 5.5; 80 0 5.5; 81 0.8 5.5; 85 5 5.5", 1), (clerk, 0))
    assert only(truth_on_the_floor(day)).pattern == "interactive"


def test_staff_go_to_the_nearest_and_stay_while_it_qualifies() -> None:
    # the clerk comes at 30 to the nearer one, and from 41 on stands nearer to the other
    near = "5 4.5 5.5; 8 0.8 5.5; 9 0.5 5.5; 50 0.5 5.5; 50.5 0.8 5.5; 54 5 5.5"
    far = "5 -4.5 5.4; 8 -0.8 5.4; 9 -0.6 5.4; 70 -0.6 5.4; 70.5 -0.8 5.4; 74 -5 5.4"
    clerk = "0 1.8 7; 29.9 1.8 7; 30 0.6 7; 40 0.6 7; 41 -0.6 7; 200 -0.6 7"
    day = made((near, 1), (far, 2), (clerk, 0))
    visits = {visit.members: visit for visit in truth_on_the_floor(day).visits}
    assert visits[1,].greeted_s == pytest.approx(30, abs=0.15)
    assert visits[2,].greeted_s == pytest.approx(50.5, abs=0.15)


def test_who_arrived_in_short_blindness_was_there_when_seeing_began() -> None:
    day = made((f"{IN_QUEUE}; 50 0 4; 54 5 4", 1), blind=((6.0, 12.0),))
    visit = only(truth_on_the_floor(day))
    assert (visit.arrived_s, visit.left_censored) == (12.0, True)
    unseen = made((f"{IN_QUEUE}; 16 0 4; 20 5 4", 1), blind=((6.0, 24.0),))
    assert truth_on_the_floor(unseen) == Truth((), 0)


def test_who_never_stood_at_a_counter_counts_under_the_one_its_queue_feeds() -> None:
    shop = TWO
    day = Day(shop, (walker(1, f"{IN_QUEUE}; 50 0 4; 54 5 4", 1),), 80)
    assert (only(truth_of(day)).service_point, only(truth_of(day)).queue) == (None, "queue-1")
    assert only(truth_of(replace(day, shop=COUNTER))).service_point == "counter-1"


def test_without_an_observed_foot_presence_goes_on_and_does_not_begin() -> None:
    site = COUNTER.site()
    size = site.camera.size_px[1]
    inside, cut = (600.0, 300.0, 680.0, 560.0), (600.0, 400.0, 680.0, size - 1.0)
    none = (np.nan,) * 4
    boxes = np.array([cut, inside, cut, cut, none, cut])
    queue, service, _ = stands_in(site, boxes, ~np.isnan(boxes[:, 0]))
    assert queue[:, 0].tolist() == [False, True, True, True, False, False]
    assert not service.any()


def test_an_empty_day_has_no_visits() -> None:
    assert truth_of(made(end_s=10)) == Truth((), 0)
    assert truth_of(made((CLERK, 0), end_s=10)) == Truth((), 0)
