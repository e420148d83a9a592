"""Known errors are found again, whatever the order, the clocks and the company."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.certify.agreement import Agreement, agreement, wilson
from edge.certify.errors import TooFewVisitsError
from edge.certify.fit import Fit, fit
from edge.certify.pairing import pair
from edge.certify.values import Logged, Measure, Terms
from edge.visits.values import Outcome
from tests.unit.edge.certify.logs import TERMS, a_look, a_morning, a_row, moved, seen

W, G, V = Measure.WAITING, Measure.GREETING, Measure.VISIT


def of(fitted: Fit, measure: Measure) -> Agreement:
    found = fitted.measures[measure]
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("late_s", "waiting_s", "greeting_s", "visit_s"),
    [
        ((0.0, 0.0, 0.0, 0.0), 0.0, 0.0, 0.0),
        ((0.0, 0.4, 1.5, 0.0), 1.5, 0.4, 0.0),
        ((0.5, 0.0, 0.0, -1.0), -0.5, -0.5, -1.5),
        ((2.0, 2.0, 2.0, 2.0), 0.0, 0.0, 0.0),
    ],
)
def test_a_known_bias_is_found(
    late_s: tuple[float, float, float, float], waiting_s: float, greeting_s: float, visit_s: float
) -> None:
    log = a_morning()
    fitted = fit(log, [seen(row, late_s=late_s) for row in log], TERMS)
    assert of(fitted, W).bias_s == pytest.approx(waiting_s)
    assert of(fitted, G).bias_s == pytest.approx(greeting_s)
    assert of(fitted, V).bias_s == pytest.approx(visit_s)
    assert of(fitted, W).sd_s == pytest.approx(0.0, abs=1e-9)
    assert of(fitted, V).pairs == 40
    assert of(fitted, W).pairs == 36  # every ninth was never served
    assert fitted.same_outcome.value == 1.0


def test_a_known_spread_is_found() -> None:
    rng = random.Random(4)  # noqa: S311 - a test's
    log = a_morning(400)
    visits = [seen(row, late_s=(0.0, 0.0, rng.gauss(0.5, 0.8), 0.0)) for row in log]
    found = of(fit(log, visits, TERMS), W)
    assert found.bias_low_s < 0.5 < found.bias_high_s
    assert found.sd_s == pytest.approx(0.8, abs=0.1)
    assert found.limits_low_s == pytest.approx(0.5 - 1.96 * 0.8, abs=0.25)
    assert found.abs_p90_s == pytest.approx(1.55, abs=0.2)  # of |N(0.5, 0.8)|


@pytest.mark.parametrize("ahead_s", [0.0, 37.0, -37.0, 3.4, 58.0])
def test_the_observers_clock_may_be_ahead(ahead_s: float) -> None:
    log = a_morning()
    fitted = fit([moved(row, ahead_s) for row in log], [seen(row) for row in log], TERMS)
    assert fitted.offset_s == pytest.approx(ahead_s, abs=0.01)
    assert fitted.found.count == 40
    assert of(fitted, V).abs_p90_s == pytest.approx(0.0, abs=1e-6)


def test_a_few_wild_arrivals_do_not_move_the_clock() -> None:
    log = a_morning()
    visits = [
        seen(row, late_s=(9.0 if n % 10 == 0 else 0.0, 0.0, 0.0, 0.0)) for n, row in enumerate(log)
    ]
    assert fit([moved(row, 37.0) for row in log], visits, TERMS).offset_s == pytest.approx(37.0)


@settings(max_examples=20, deadline=None)
@given(st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(chance: random.Random) -> None:
    log = a_morning()
    visits = [seen(row, late_s=(0.1, 0.3, 0.2, -0.4)) for row in log]
    before = fit(log, visits, TERMS)
    chance.shuffle(log)
    chance.shuffle(visits)
    after = fit(log, visits, TERMS)
    assert (after.found, after.genuine, after.same_outcome) == (
        before.found,
        before.genuine,
        before.same_outcome,
    )
    assert of(after, V).bias_s == pytest.approx(of(before, V).bias_s)


def test_missed_and_extra_visits_are_counted() -> None:
    log = a_morning(40)
    visits = [seen(row) for number, row in enumerate(log) if number not in (5, 17)]
    empty_s = [a.left_s for a in log]
    visits += [a_look(max(empty_s) - 500), seen(a_row(log[-1].arrived_s + 1, 12, 14))]
    fitted = fit(log, visits, TERMS)
    assert (fitted.found.count, fitted.found.of) == (38, 40)
    assert (fitted.genuine.count, fitted.genuine.of) == (38, 40)
    assert (fitted.missed_looks, fitted.extra_looks) == (0, 1)


def test_a_missed_look_is_told_apart() -> None:
    log = [*a_morning(36), Logged(60.0, None, None, 70.0)]
    fitted = fit(log, [seen(row) for row in log[:-1]], TERMS)
    assert (fitted.found.count, fitted.found.of, fitted.missed_looks) == (36, 37, 1)


def test_who_came_before_the_observer_or_stayed_longer_is_not_extra() -> None:
    log = a_morning(36)
    last_s = max(row.left_s for row in log)
    early = seen(Logged(20.0, None, None, 99.0))
    staying = replace(seen(a_row(last_s + 5)), departed_s=None, outcome=Outcome.STILL_PRESENT)
    fitted = fit(log, [early, *(seen(row) for row in log), staying], TERMS)
    assert fitted.genuine.value == 1.0


def test_what_left_a_shared_queue_may_be_found_but_is_never_extra() -> None:
    log = a_morning(36)
    gave_up = log[8]
    assert gave_up.served_s is None
    shared = replace(seen(gave_up), own=False)
    other = replace(a_look(log[20].arrived_s), own=False)
    visits = [shared if row is gave_up else seen(row) for row in log]
    fitted = fit(log, [*visits, other], TERMS)
    assert (fitted.found.count, fitted.genuine.of) == (36, 36)


def test_a_visit_cut_in_two_is_one_found_and_one_extra() -> None:
    log = a_morning(36)
    whole = seen(log[3])
    assert whole.departed_s is not None
    cut_s = whole.arrived_s + 0.7 * (whole.departed_s - whole.arrived_s)
    halves = [
        replace(whole, departed_s=cut_s),
        replace(whole, arrived_s=cut_s + 1, outcome=Outcome.ABANDONED),
    ]
    visits = [seen(row) for row in log if row is not log[3]]
    fitted = fit(log, [*visits, *halves], TERMS)
    assert (fitted.found.count, fitted.genuine.of) == (36, 37)


def test_unknown_arrivals_count_as_found_and_are_timed_nowhere() -> None:
    log = a_morning(36)
    visits = [seen(row) for row in log]
    visits[0] = replace(visits[0], left_censored=True)
    fitted = fit(log, visits, TERMS)
    assert fitted.found.count == 36
    assert of(fitted, V).pairs == 35


def test_another_outcome_is_not_the_same() -> None:
    log = a_morning(36)
    visits = [seen(row) for row in log]
    visits[0] = replace(visits[0], outcome=Outcome.GREETED_ONLY, served_s=None)
    visits[1] = replace(visits[1], outcome=Outcome.STILL_PRESENT, departed_s=None)
    fitted = fit(log, visits, TERMS)
    assert (fitted.same_outcome.count, fitted.same_outcome.of) == (34, 35)
    assert fitted.found.count == 36


@pytest.mark.parametrize(("logged", "timed", "found"), [(29, 29, 29), (40, 20, 20), (0, 5, 0)])
def test_too_few_are_refused_and_counted(logged: int, timed: int, found: int) -> None:
    log = a_morning(max(logged, timed))
    with pytest.raises(TooFewVisitsError, match=f"expected at least 30 .*, found {found}: ") as e:
        fit(log[:logged], [seen(row) for row in log[:timed]], TERMS)
    assert (e.value.found, e.value.logged) == (found, logged)


def test_thirty_are_enough_and_a_measure_of_few_is_withheld() -> None:
    log = [Logged(r.arrived_s, None, None, r.left_s) for r in a_morning(21)]
    log += [moved(row, 4000) for row in a_morning(9)]
    fitted = fit(log, [seen(row) for row in log], TERMS)
    assert fitted.found.count == 30
    assert fitted.measures[W] is None
    assert of(fitted, V).pairs == 30
    few = fit(log, [seen(row) for row in log], Terms(15.0, 30, 8))
    assert of(few, W).pairs == 8


def test_two_at_once_are_not_confused() -> None:
    log = [a_row(100.0 * n, 20, 150) for n in range(1, 31)]
    found = pair(log, [seen(row) for row in reversed(log)])
    assert {(row, 29 - column) for row, column in found.pairs} == {(n, n) for n in range(30)}


@pytest.mark.parametrize(
    ("count", "of_all", "low", "high"),
    # Wilson's interval as in Agresti and Coull, The American Statistician 52, 1998
    [(0, 10, 0.0, 0.2775), (5, 10, 0.2366, 0.7634), (10, 10, 0.7225, 1.0), (0, 0, 0.0, 1.0)],
)
def test_wilsons_interval(count: int, of_all: int, low: float, high: float) -> None:
    share = wilson(count, of_all)
    assert share.low == pytest.approx(low, abs=1e-4)
    assert share.high == pytest.approx(high, abs=1e-4)


def test_the_interval_of_the_bias_is_students() -> None:
    errors = [0.1 * n for n in range(-4, 6)]
    found = agreement(errors)
    assert found.bias_s == pytest.approx(0.05)
    half_s = 2.2622 * found.sd_s / 10**0.5  # t of nine degrees of freedom
    assert found.bias_high_s - found.bias_s == pytest.approx(half_s, rel=1e-3)
    with pytest.raises(ValueError, match="at least two"):
        agreement([1.0])
