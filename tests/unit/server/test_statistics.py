"""Shares and percentiles: against tables worked out by hand, and against simulation."""

import math
import random
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_cfg.accuracy import MEASURED
from firmware_cfg.histogram import Fate, Histogram
from server import life_table
from server.life_table import Line, band, wilson
from server.measuring import EXACT, Error, Errors
from server.statistics import proportion, quantile, share_within
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
    assert share_hits / runs >= 0.92
    assert median_hits / runs >= 0.92


def test_without_censoring_the_share_is_a_plain_proportion() -> None:
    crowd = Histogram(0, {Fate.EVENT: {2: 6}, Fate.LEFT: {3: 4}})
    share = share_within(crowd, 8.0)
    assert share is not None
    assert share.value == pytest.approx(0.6)
    assert (share.low, share.high) == pytest.approx(wilson(6, 10))


def test_a_bucket_that_straddles_the_limit_widens_the_interval() -> None:
    crowd = Histogram(0, {Fate.EVENT: {4: 40}, Fate.LEFT: {6: 60}})  # (16, 32] s
    share = share_within(crowd, 24.0)
    assert share is not None
    assert share.value == pytest.approx(0.2)
    assert share.low == pytest.approx(0.0, abs=1e-9)
    assert share.high == pytest.approx(wilson(40, 100)[1])


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
def test_without_censoring_the_closed_form_is_aalen_johansen(
    event: dict[int, int], left: dict[int, int], within_s: float
) -> None:
    crowd = Histogram(1, {Fate.EVENT: event, Fate.LEFT: left})
    base = crowd.total()
    share = share_within(crowd, within_s)
    if share is None:
        return
    rows = life_table.rows_of(crowd)
    inside = [row for row in rows if row.upper_s <= within_s]
    beyond = [row for row in rows if row.lower_s < within_s]
    early, late = (life_table.incidence_at(part, 0.5) for part in (inside, beyond))
    assert early - 1e-9 <= share.value <= late + 1e-9
    low = life_table._effective_interval(inside, 0.5, base)[0]
    high = life_table._effective_interval(beyond, 0.5, base)[1]
    assert share.low == pytest.approx(min(low, share.value), abs=1e-9)
    assert share.high == pytest.approx(max(high, share.value), abs=1e-9)


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


def whole_band(crowd: Histogram, error: Error) -> list[tuple[float, float]]:
    """The widened band of the survival curve at the end of every bucket."""
    rows = life_table.rows_of(crowd)
    early, middle, late = (life_table.survival(rows, part) for part in (1.0, 0.5, 0.0))
    line = Line.through(rows, [1 - step.value for step in middle])
    before = [1.0, *(step.value for step in middle[:-1])]
    base, found = crowd.total(), []
    for number, row in enumerate(rows):
        weight = max(1.0, base * before[number] / row.at_risk)
        off = error.of_curve(line, row.upper_s)
        low = band(early[number], base)[0] - off.up - error.wrong.lost * weight
        found.append((low, band(late[number], base)[1] - off.down + error.wrong.gained * weight))
    return found


@pytest.mark.parametrize("error", [EXACT, Errors.of(MEASURED).waiting, Errors.of(MEASURED).stay])
@pytest.mark.parametrize("parties", [1, 12, 60, 900])
def test_a_percentile_reaches_as_far_as_the_whole_band_says(parties: int, error: Error) -> None:
    for seed in range(6):
        crowd = simulated(parties, (1, 3, 5)[seed % 3], seed, blind=seed % 2 == 0)
        rows, bands = life_table.rows_of(crowd), whole_band(crowd, error)
        for q in (0.1, 0.5, 0.9):
            found = quantile(crowd, q, error)
            assert found is not None
            low = [row.lower_s for row, one in zip(rows, bands, strict=True) if one[0] <= 1 - q]
            high = [row.upper_s for row, one in zip(rows, bands, strict=True) if one[1] <= 1 - q]
            at_most = math.inf if found.value_s is None else found.value_s
            assert found.low_s == min([*low[:1], rows[-1].lower_s, at_most])
            if found.value_s is not None:
                assert found.high_s == (max(high[0], found.value_s) if high else None)
