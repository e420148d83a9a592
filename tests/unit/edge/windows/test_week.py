"""What depends on staff, where the team is small: per store and week, and nothing finer."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from edge.testing import a_site, a_visit
from edge.visits.values import Outcome, Pattern, PointId
from edge.windows.calendar import Period, StoreCalendar
from edge.windows.join import JoinedCell
from edge.windows.release import STORE_POINT, Terms, held_to, store_cell
from edge.windows.tally import Tally
from edge.windows.week import WeekGatherer, WeekPart
from firmware_cfg.histogram import scale_for
from firmware_cfg.messages import Level, Patterns, PointKind, Split, WeekFigures
from firmware_cfg.store import Store

MONDAY = datetime(2027, 3, 1, tzinfo=UTC)
COUNTER, QUEUE = PointId("counter-1"), PointId("queue-1")
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat")
STORE = Store(opening=dict.fromkeys(DAYS, ("09:00-18:00",)), day_starts="00:00")
CALENDAR = StoreCalendar(STORE, 1800)
OPEN = Period(MONDAY + timedelta(hours=9), MONDAY + timedelta(days=5, hours=18))


def tally(
    served: int, greeted_only: int = 0, abandoned: int = 0, *, late: int = 0, early: int = 0
) -> Tally:
    """Visits of one cell; `late` more were served, greeted after 40 s; `early` ones passed."""
    visits = [
        *(a_visit(n, greeted_after_s=40, served_after_s=45, flawless=False) for n in range(late)),
        *(a_visit(n, greeted_after_s=4, served_after_s=9, flawless=True) for n in range(served)),
        *(a_visit(n, greeted_after_s=5, flawless=False) for n in range(greeted_only)),
        *(a_visit(n, flawless=False) for n in range(abandoned)),
        *(a_visit(n, stay_s=8, outcome=Outcome.PASSED) for n in range(early)),
    ]
    return sum(map(Tally.of_visit, visits), Tally())


def a_full_week(*, greeted_only: int = 6, abandoned: int = 6, each_pattern: int = 0) -> WeekPart:
    """Nine cells of 28 visits and those who left late."""
    each = tally(8, greeted_only, abandoned, late=10, early=10)
    three = Counter(dict.fromkeys(Pattern, each_pattern))
    return part(*[each + Tally(patterns=three) if each_pattern else each] * 9)


def cells(*tallies: Tally) -> list[JoinedCell]:
    """One cell each, that together are the whole week's opening time."""
    step = (OPEN.end - OPEN.start) / len(tallies)
    bounds = [OPEN.start + n * step for n in range(len(tallies))] + [OPEN.end]
    return [
        JoinedCell(Level.DAY, Period(bounds[n], bounds[n + 1]), one)
        for n, one in enumerate(tallies)
    ]


def part(*tallies: Tally) -> WeekPart:
    first, *rest = map(WeekPart.of, cells(*tallies))
    for one in rest:
        first += one
    return first


def terms(team_size: int | None = 2, agreement: str | None = None) -> Terms:
    privacy = {"team_size": team_size, "pattern_agreement": agreement}
    return Terms.of(a_site(privacy=privacy), 10)


def test_a_weeks_figures_of_a_team_of_two() -> None:
    cell = store_cell(a_full_week(), terms())
    assert cell is not None
    assert cell.week is not None
    assert (cell.point, cell.kind, cell.level) == (STORE_POINT, PointKind.STORE, Level.WEEK)
    assert (cell.start, cell.end, cell.visits) == (OPEN.start, OPEN.end, 360)
    assert cell.week.left_greeted == Split(yes=54, no=54)
    assert cell.week.greeted_in_time == Split(yes=126, no=234)
    assert cell.week.flawless == Split(yes=72, no=198)
    assert cell.week.recovered == Split(yes=90, no=108)
    assert cell.week.interrupted is None
    assert (cell.outcomes.greeted_only, cell.outcomes.abandoned) == (0, 108)
    assert (cell.outcomes.passed, cell.staff) == (90, None)


@pytest.mark.parametrize(
    ("greeted_only", "abandoned", "told"),
    [(6, 6, True), (7, 5, True), (8, 4, False), (4, 8, False), (12, 0, False), (0, 12, False)],
)
def test_a_count_is_told_only_if_it_and_its_rest_outnumber_the_largest_finer_cell(
    greeted_only: int, abandoned: int, *, told: bool
) -> None:
    """Nine cells of 40 visits: 45 of one kind and 63 of the other may be told, 36 may not."""
    cell = store_cell(a_full_week(greeted_only=greeted_only, abandoned=abandoned), terms())
    assert cell is not None
    assert cell.week is not None
    split = Split(yes=9 * greeted_only, no=9 * abandoned)
    assert cell.week.left_greeted == (split if told else None)


@pytest.mark.parametrize(
    ("count", "attended", "told"),
    [
        *((20, 1.0, 95), (20, 0.0, 5), (20, 1 / 3, 35)),
        *((6, 1.0, None), (6, 0.0, None), (6, 0.85, None), (6, 0.15, None)),
        *((6, 0.8, 80), (6, 0.2, 20), (2, 0.5, None), (1, 1.0, 95)),
    ],
)
def test_an_attended_share_is_told_as_far_from_the_ends_as_the_largest_cells_presence(
    count: int, attended: float, told: int | None
) -> None:
    """Of cells with the same presence each."""
    presence = Tally(present=timedelta(hours=1), attended=timedelta(hours=attended))
    cell = store_cell(part(*[tally(20) + presence] * count), terms())
    found = None if cell is None or cell.week is None else cell.week.attended_percent
    assert found == told


def test_it_is_no_finer_than_the_coarsest_cell_of_the_week() -> None:
    presence = Tally(present=timedelta(hours=1))
    cell = store_cell(part(*[tally(120) + presence] * 20, tally(12)), terms())
    assert cell is not None
    assert cell.waiting.scale == cell.stay.scale == scale_for(12)


@pytest.mark.parametrize(
    ("team_size", "agreement", "figures", "patterns"),
    [
        (None, None, False, False),
        (None, "works council, 2027-02-01", False, False),
        (1, None, True, False),
        (2, "works council, 2027-02-01", True, True),
        (3, None, False, False),
        (9, "works council, 2027-02-01", False, True),
    ],
)
def test_who_has_what_per_week(
    team_size: int | None, agreement: str | None, *, figures: bool, patterns: bool
) -> None:
    cell = store_cell(a_full_week(each_pattern=8), terms(team_size, agreement))
    assert (cell is not None) is (figures or patterns)
    if cell is not None and cell.week is not None:
        assert (cell.week.flawless is not None) is figures
        told = Patterns(interactive=72, proactive=72, reactive=72)
        assert cell.week.patterns == (told if patterns else None)


def test_a_rare_pattern_hides_all_three() -> None:
    counts = Counter({Pattern.INTERACTIVE: 400, Pattern.PROACTIVE: 400, Pattern.REACTIVE: 9})
    whole = part(*(tally(40, late=10) for _ in range(5))) + WeekPart.of(
        cells(tally(30) + Tally(patterns=counts))[0]
    )
    cell = store_cell(whole, terms(2, "agreement"))
    assert cell is not None
    assert cell.week is not None
    assert cell.week.patterns is None


def test_patterns_that_sum_to_who_was_greeted_are_told_where_that_may_be_told() -> None:
    """All who left unserved were greeted: so in each finer cell, if its staff is hidden there."""
    three = Counter(dict.fromkeys(Pattern, 10))
    whole = part(*(tally(8, 12, 0, late=10) + Tally(patterns=three) for _ in range(5)))
    small, large = (store_cell(whole, terms(size, "agreement")) for size in (2, 3))
    assert small is not None
    assert small.week is not None
    assert small.week.patterns is None
    assert large is not None
    assert large.week is not None
    assert large.week.patterns == Patterns(interactive=50, proactive=50, reactive=50)


def week_of(cell: Tally, cells: int) -> WeekFigures:
    """What is told of a week of so many equal cells."""
    made = store_cell(
        part(*(cell + Tally(present=timedelta(hours=1)) for _ in range(cells))), terms()
    )
    assert made is not None
    assert made.week is not None
    return made.week


def test_flawless_is_not_told_where_few_others_were_served_in_time() -> None:
    """The published waits say who was served in time; 40 flawless of 50 would tell on each cell."""
    told = week_of(tally(8, 0, 10, late=10), 5)
    assert told.flawless == Split(yes=40, no=100)
    assert told.recovered == Split(yes=50, no=50)
    untold = week_of(tally(8, 0, 10, late=2), 5)
    assert (untold.flawless, untold.recovered) == (None, None)


def test_greeted_in_time_is_not_told_where_few_but_the_flawless_were() -> None:
    assert week_of(tally(8, 6, 6, late=10, early=10), 9).greeted_in_time == Split(yes=126, no=234)
    alone = week_of(tally(14, 0, 6, late=10, early=10), 9)
    assert (alone.flawless, alone.greeted_in_time) == (Split(yes=126, no=144), None)


def test_who_left_early_is_in_no_count_of_who_left_greeted_or_was_flawless() -> None:
    """And whether they were greeted shows in those who were greeted in time alone."""
    greeted = sum(
        (Tally.of_visit(a_visit(n, stay_s=8, greeted_after_s=2)) for n in range(3)), Tally()
    )
    lasting = tally(8, 6, 6, late=10)
    told, passed = (
        week_of(lasting + one, 13) for one in (tally(0, early=7) + greeted, tally(0, early=10))
    )
    assert told.left_greeted == passed.left_greeted == Split(yes=78, no=78)
    assert (told.flawless, told.recovered) == (passed.flawless, passed.recovered)
    assert told.greeted_in_time == Split(yes=182 + 39, no=338 - 39)
    assert passed.greeted_in_time == Split(yes=182, no=338)


def test_a_median_is_not_told_where_waits_say_as_much() -> None:
    """All were greeted as their service began: waits and greetings are the same histogram."""
    at = (3.0, 5.0, 5.5, 9.0)
    alike = [
        a_visit(n, greeted_after_s=at[n % 4], served_after_s=at[n % 4], flawless=True)
        for n in range(32)
    ]
    before = [
        a_visit(n, greeted_after_s=at[n % 4], served_after_s=40.0, flawless=True) for n in range(32)
    ]
    told, untold = (week_of(sum(map(Tally.of_visit, one), Tally()), 8) for one in (before, alike))
    assert told.greeting_median_s == (4.0, 5.7)
    assert untold.greeting_median_s == (4.0, 5.7)  # 64 of 256 before 4 s: room for the 32 of a cell
    few = week_of(sum(map(Tally.of_visit, alike), Tally()), 3)
    assert few.greeting_median_s is None


def test_a_visit_whose_beginning_was_not_seen_counts_as_not_flawless() -> None:
    """So that the base of the count is published, and says nothing."""
    unseen = Tally.of_visit(a_visit(0, left_censored=True, served_after_s=20))
    assert week_of(tally(8, late=10) + unseen, 5).flawless == Split(yes=40, no=55)


def test_what_was_held_is_held_to_stricter_terms() -> None:
    cell = store_cell(a_full_week(each_pattern=8), terms(2, "agreement"))
    assert cell is not None
    assert held_to(cell, terms(2, "agreement")) == cell
    assert held_to(cell, terms(None)) is None
    assert held_to(cell, Terms.of(a_site(privacy={"team_size": 2}), 11)) is None
    without = held_to(cell, terms(2))
    assert without is not None
    assert without.week is not None
    assert (without.week.patterns, without.week.flawless is None) == (None, False)
    patterns_alone = held_to(cell, terms(5, "agreement"))
    assert patterns_alone is not None
    assert patterns_alone.week is not None
    assert patterns_alone.week.flawless is None
    assert held_to(patterns_alone, terms(5, "agreement")) == patterns_alone
    assert held_to(patterns_alone, terms(2, "agreement")) is None


def gathered(begins: datetime, points: dict[PointId, list[JoinedCell]]) -> list[WeekPart]:
    gatherer = WeekGatherer(CALENDAR)
    gatherer.closed(CALENDAR.window_at(begins))
    for point, released in points.items():
        for cell in released:
            gatherer.add(point, cell)
    return gatherer.over(None)


def test_points_are_merged_and_a_week_is_handed_out_once() -> None:
    gatherer = WeekGatherer(CALENDAR)
    gatherer.closed(CALENDAR.window_at(OPEN.start))
    for point in (COUNTER, QUEUE):
        for cell in cells(tally(20), tally(20, 5)):
            gatherer.add(point, cell)
    assert gatherer.over(OPEN.end - timedelta(hours=1)) == []
    (whole,) = gatherer.over(MONDAY + timedelta(days=7))
    assert (whole.tally.visits, whole.cells, whole.largest) == (90, 4, 25)
    assert whole.tally.outcomes[Outcome.GREETED_ONLY] == 10
    assert gatherer.over(None) == []


def test_a_week_that_was_not_seen_from_its_beginning_is_none() -> None:
    points = {COUNTER: cells(tally(20), tally(20))}
    assert len(gathered(OPEN.start, points)) == 1
    assert gathered(OPEN.start + timedelta(minutes=30), points) == []


def test_a_point_whose_end_of_week_waits_for_the_next_is_left_out() -> None:
    whole, (first, last) = cells(tally(20), tally(20)), cells(tally(30), tally(30))
    later = Period(last.period.start, last.period.end + timedelta(days=7))
    over_the_end = JoinedCell(Level.MONTH, later, last.tally)
    (found,) = gathered(OPEN.start, {COUNTER: whole, QUEUE: [first, over_the_end]})
    assert found.tally.visits == 40
    assert gathered(OPEN.start, {QUEUE: [first, over_the_end]}) == []
