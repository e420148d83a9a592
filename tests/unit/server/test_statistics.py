"""Shares and percentiles: against tables worked out by hand, and against simulation."""

import math
import random
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_cfg.accuracy import MEASURED, Misjudged
from firmware_cfg.histogram import Fate, Histogram
from server import life_table
from server.life_table import wilson
from server.measuring import EXACT, NEVER, Error, Errors
from server.statistics import proportion, quantile, recovery, share_within
from server.unions import merged

GREET_S, LEAVE_S = 60.0, 20.0
TRULY_GREETED_WITHIN_30 = 0.25 * (1 - math.exp(-2))
TRUE_MEDIAN_S = GREET_S * math.log(2)


def simulated(parties: int, scale: int, seed: int, *, blind: bool = False) -> Histogram:
    """Greeting takes 60 s on average, people give up after 20 s on average."""
    rng = random.Random(seed)  # noqa: S311 simulated, not secret
    durations = []
    for _ in range(parties):
        ends = {
            Fate.EVENT: rng.expovariate(1 / GREET_S),
            Fate.LEFT: rng.expovariate(1 / LEAVE_S),
            Fate.CENSORED: rng.uniform(20, 400) if blind else math.inf,
        }
        fate = min(ends, key=lambda one: ends[one])
        durations.append((ends[fate], fate))
    return Histogram.of(durations, scale)


def test_leaving_competes_for_shares_and_censors_percentiles() -> None:
    crowd = simulated(100_000, 5, 1)
    share = share_within(crowd, 30)
    had_everyone_stayed = quantile(crowd, 0.395)
    assert share is not None
    assert had_everyone_stayed is not None
    assert share.value == pytest.approx(0.217, abs=0.005)
    assert had_everyone_stayed.value_s == pytest.approx(30, abs=1.0)


def test_a_table_worked_out_by_hand() -> None:
    """Ten parties: in (4, 8] s 2 served, 1 left, 2 no longer seen; in (8, 16] s 1 and 1."""
    crowd = Histogram(
        0, {Fate.EVENT: {2: 2, 3: 1}, Fate.LEFT: {2: 1, 3: 1, 5: 3}, Fate.CENSORED: {2: 2}}
    )
    first, second = share_within(crowd, 8.0), share_within(crowd, 16.0)
    assert first is not None
    assert second is not None
    assert first.value == pytest.approx(2 / 9)  # 9 exposed: half of those censored are gone
    assert second.value == pytest.approx(2 / 9 + (6 / 9) * (1 / 5))
    had_all_stayed = 1 - (1 - 2 / 8.5) * (1 - 1 / 4.5)  # half of those who left are gone too
    reached = quantile(crowd, had_all_stayed)
    assert reached is not None
    assert reached.value_s == pytest.approx(16.0)


@pytest.mark.parametrize("blind", [False, True])
@pytest.mark.parametrize(("parties", "scale"), [(20, 1), (60, 3), (400, 5)])
def test_intervals_hold_the_truth_as_often_as_they_say(
    parties: int, scale: int, blind: bool
) -> None:
    runs, share_hits, median_hits = 300, 0, 0
    for seed in range(runs):
        crowd = simulated(parties, scale, seed, blind=blind)
        share, median = share_within(crowd, 30), quantile(crowd, 0.5)
        assert share is not None
        assert median is not None
        share_hits += share.low <= TRULY_GREETED_WITHIN_30 <= share.high
        high_s = math.inf if median.high_s is None else median.high_s
        median_hits += median.low_s <= TRUE_MEDIAN_S <= high_s
    assert 0.92 <= share_hits / runs <= 0.99
    assert median_hits / runs >= 0.91


def test_without_censoring_the_share_is_a_plain_proportion() -> None:
    crowd = Histogram(0, {Fate.EVENT: {2: 6}, Fate.LEFT: {3: 4}})
    share = share_within(crowd, 8.0)
    assert share is not None
    assert share.value == pytest.approx(0.6)
    assert (share.low, share.high) == pytest.approx(wilson(6, 10))


def test_a_bucket_that_straddles_the_limit_widens_the_interval() -> None:
    """By as much as a density that is straight within it, but however steep, may be off."""
    crowd = Histogram(0, {Fate.EVENT: {4: 40}, Fate.LEFT: {6: 60}})  # (16, 32] s
    share = share_within(crowd, 24.0)
    assert share is not None
    assert share.value == pytest.approx(0.2)
    low, high = wilson(20, 100)
    room = (1.959964 * 0.4 * 0.25 / math.sqrt(3)) ** 2
    assert share.low == pytest.approx(0.2 - math.hypot(0.2 - low, math.sqrt(room)))
    assert share.high == pytest.approx(0.2 + math.hypot(high - 0.2, math.sqrt(room)))


@pytest.mark.parametrize("within_s", [16.0, 32.0])
def test_at_the_ends_of_a_bucket_its_width_adds_nothing(within_s: float) -> None:
    crowd = Histogram(0, {Fate.EVENT: {4: 40}, Fate.LEFT: {6: 60}})
    share = share_within(crowd, within_s)
    assert share is not None
    assert (share.low, share.high) == pytest.approx(wilson(round(share.value * 100), 100))


def test_all_who_were_left_having_the_event_does_not_make_it_certain() -> None:
    """One of the two last ones was served: what share would have been is hardly known."""
    crowd = Histogram(1, {Fate.LEFT: {4: 18}, Fate.EVENT: {6: 2}})
    median = quantile(crowd, 0.5)
    assert median is not None
    assert median.high_s is None


def test_a_quantile_that_the_curve_does_not_reach_is_more_than_what_was_seen() -> None:
    crowd = Histogram(0, {Fate.EVENT: {2: 3}, Fate.LEFT: {5: 17}})
    median = quantile(crowd, 0.5)
    assert median is not None
    assert median.value_s is None
    assert median.more_than_s == 32.0


def test_an_empty_bucket_between_two_does_not_move_the_quantile_down() -> None:
    crowd = Histogram(0, {Fate.EVENT: {2: 10, 8: 10}})
    ninth = quantile(crowd, 0.9)
    assert ninth is not None
    assert ninth.value_s is not None
    assert 256 < ninth.value_s <= 512


def test_nothing_has_no_share_and_no_quantile() -> None:
    assert share_within(Histogram(), 30) is None
    assert quantile(Histogram(), 0.5) is None
    assert proportion(0, 0) is None


buckets = st.dictionaries(st.integers(0, 12), st.integers(1, 40), max_size=6)


@given(buckets, buckets, st.floats(1, 3000))
def test_a_share_lies_between_those_at_the_ends_of_its_bucket(
    event: dict[int, int], left: dict[int, int], within_s: float
) -> None:
    crowd = Histogram(1, {Fate.EVENT: event, Fate.LEFT: left})
    share = share_within(crowd, within_s)
    if share is None:
        return
    rows = life_table.rows_of(crowd)
    inside = [row for row in rows if row.upper_s <= within_s]
    beyond = [row for row in rows if row.lower_s < within_s]
    early, late = (life_table.incidence_at(part, 0.5) for part in (inside, beyond))
    assert early - 1e-9 <= share.value <= late + 1e-9


histograms = st.lists(
    st.builds(
        lambda scale, event, left: Histogram(scale, {Fate.EVENT: event, Fate.LEFT: left}),
        st.sampled_from([1, 3, 5]),
        st.dictionaries(st.integers(0, 200), st.integers(1, 40), min_size=1, max_size=6),
        st.dictionaries(st.integers(0, 200), st.integers(1, 40), min_size=1, max_size=6),
    ),
    min_size=1,
    max_size=5,
)


@given(histograms)
def test_merging_many_is_merging_pair_by_pair(several: list[Histogram]) -> None:
    assert merged(several) == reduce(lambda one, other: one + other, several)


@given(buckets, buckets, buckets, st.floats(1, 3000))
def test_every_interval_holds_its_estimate(
    event: dict[int, int], left: dict[int, int], censored: dict[int, int], within_s: float
) -> None:
    crowd = Histogram(1, {Fate.EVENT: event, Fate.LEFT: left, Fate.CENSORED: censored})
    share, median = share_within(crowd, within_s), quantile(crowd, 0.5)
    if share is not None:
        assert 0 <= share.low <= share.value <= share.high <= 1 + 1e-9
    if median is not None and median.value_s is not None:
        assert 0 <= median.low_s <= median.value_s
        assert median.high_s is None or median.value_s <= median.high_s + 1e-9


@pytest.mark.parametrize("error", [EXACT, Errors.of(MEASURED).waiting, Errors.of(MEASURED).stay])
@pytest.mark.parametrize("parties", [1, 12, 60, 900])
def test_more_room_for_errors_never_makes_a_percentile_surer(parties: int, error: Error) -> None:
    for seed in range(6):
        crowd = simulated(parties, (1, 3, 5)[seed % 3], seed, blind=seed % 2 == 0)
        for q in (0.1, 0.5, 0.9):
            exact, found = quantile(crowd, q), quantile(crowd, q, error)
            assert exact is not None
            assert found is not None
            assert found.value_s == exact.value_s
            assert found.low_s <= exact.low_s + 1e-9
            assert found.high_s is None or (
                exact.high_s is not None and found.high_s >= exact.high_s - 1e-9
            )


def test_visits_that_are_not_in_a_share_may_be_of_any_kind() -> None:
    share = proportion(60, 100, unreached=0.1)
    assert share is not None
    room = 1.959964 * 0.1 / math.sqrt(12)
    assert 0.6 - share.low == pytest.approx(math.hypot(0.6 - wilson(60, 100)[0], room))


def test_a_shift_that_is_known_is_added_and_not_taken_for_chance() -> None:
    lost = proportion(60, 100, Misjudged(0.08, 0.0))
    both = proportion(60, 100, Misjudged(0.08, 0.08))
    assert lost is not None
    assert both is not None
    low, high = wilson(60, 100)
    assert (lost.low, lost.high) == pytest.approx((low, high + 0.08))
    assert 0.6 - both.low == pytest.approx(math.hypot(0.6 - low, 1.959964 * 0.08 / math.sqrt(3)))


@pytest.mark.parametrize("step", [0.0, 4.0])
def test_a_recovery_rate_of_rounded_counts_makes_room_for_the_rounding(step: float) -> None:
    share = recovery(12, 60, 300, (NEVER, NEVER), (step, 0.0))
    assert share is not None
    assert share.value == pytest.approx(0.8)
    room = (step * math.sqrt((1 + 0.2**2) / 12) / 60 * 1.959964) ** 2
    low = wilson(48, 60)[0]
    assert 0.8 - share.low == pytest.approx(math.hypot(0.8 - low, math.sqrt(room)))


def test_a_recovery_rate_shifts_with_services_that_were_not_found() -> None:
    """Five points of 300 judged are 15 of 60 broken."""
    share = recovery(30, 60, 300, (Misjudged(0.05, 0.0), NEVER))
    assert share is not None
    assert share.high == pytest.approx(wilson(30, 60)[1] + 0.25)
    assert share.low == pytest.approx(wilson(30, 60)[0])
