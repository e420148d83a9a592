from hypothesis import given
from hypothesis import strategies as st

from edge.testing import a_visit
from edge.visits.values import Outcome, Visit
from edge.windows.tally import Tally
from firmware_cfg.histogram import Fate, Histogram


def counts(histogram: Histogram) -> dict[Fate, int]:
    return {fate: histogram.total(fate) for fate in Fate if histogram.total(fate)}


def test_a_served_visit_has_an_event_in_each_histogram() -> None:
    tally = Tally.of_visit(a_visit(0, greeted_after_s=5, served_after_s=10, flawless=True))
    for histogram in (tally.waiting, tally.greeting, tally.interaction, tally.stay):
        assert counts(histogram) == {Fate.EVENT: 1}
    assert (tally.flawless, tally.judged, tally.recovered) == (1, 1, 0)


def test_leaving_unserved_is_a_competing_event_not_a_censored_one() -> None:
    tally = Tally.of_visit(a_visit(0, greeted_after_s=5))
    assert counts(tally.waiting) == {Fate.LEFT: 1}
    assert counts(tally.greeting) == {Fate.EVENT: 1}


def test_who_is_still_waiting_at_the_end_is_censored() -> None:
    tally = Tally.of_visit(a_visit(0, outcome=Outcome.STILL_PRESENT))
    assert counts(tally.waiting) == counts(tally.greeting) == {Fate.CENSORED: 1}
    assert counts(tally.stay) == {Fate.CENSORED: 1}
    assert counts(tally.interaction) == {}


def test_who_was_there_already_enters_neither_waiting_nor_greeting() -> None:
    tally = Tally.of_visit(a_visit(0, greeted_after_s=5, served_after_s=10, left_censored=True))
    assert counts(tally.waiting) == counts(tally.greeting) == {}
    assert counts(tally.stay) == counts(tally.interaction) == {Fate.CENSORED: 1}
    assert (tally.visits, tally.left_censored) == (1, 1)


def test_a_broken_expectation_that_ended_well_is_recovered() -> None:
    late = a_visit(0, stay_s=500, greeted_after_s=100, served_after_s=300, flawless=False)
    left = a_visit(0, flawless=False)
    tally = Tally.of_visit(late) + Tally.of_visit(left)
    assert (tally.broken, tally.recovered, tally.judged, tally.flawless) == (2, 1, 2, 0)


SECONDS = st.floats(0.2, 4000).map(lambda s: round(s, 4))
VISITS = st.builds(
    a_visit,
    st.floats(0, 1e6),
    stay_s=SECONDS.map(lambda s: s + 4000),
    greeted_after_s=st.none() | SECONDS,
    served_after_s=st.none() | SECONDS,
    left_censored=st.booleans(),
    interruptions=st.integers(0, 2),
    flawless=st.none() | st.booleans(),
)


@given(st.lists(VISITS, max_size=30), st.randoms(use_true_random=False))
def test_splitting_and_merging_changes_nothing(visits: list[Visit], random: object) -> None:
    whole = sum((Tally.of_visit(visit) for visit in visits), Tally())
    parts = [Tally() for _ in range(4)]
    for visit in visits:
        chosen = random.randrange(4)  # type: ignore[attr-defined]
        parts[chosen] += Tally.of_visit(visit)
    random.shuffle(parts)  # type: ignore[attr-defined]
    assert sum(parts, Tally()) == whole
    assert whole.visits == len(visits)
