"""The truth that stands beside a simulated chain is the limit of what is drawn."""

import math
from random import Random
from statistics import median, quantiles

import pytest

from server.simulating.service import EXPECTED, Service, parties, poisson
from server.simulating.truth import true_figures

DRAWN = 60_000
SERVICES = {
    "quick": Service(14.0, 25.0, 0.0, 500.0, 60.0, 0.4, 0.05),
    "slow": Service(38.0, 75.0, 0.0, 160.0, 110.0, 0.6, 0.0),
    "lognormal": Service(25.0, 40.0, 0.7, 300.0, 80.0, 0.5, 0.08),
}


def drawn(seed: str | int) -> Random:
    return Random(seed)  # noqa: S311 cases, not secrets


@pytest.mark.parametrize("name", SERVICES)
def test_true_shares_and_percentiles_are_those_of_a_large_draw(name: str) -> None:
    service = SERVICES[name]
    truth = true_figures(service)
    came = list(parties(service, drawn(name), DRAWN))
    served = [one for one in came if one.served_s < math.inf]
    greeted = [one for one in came if one.greeted_s < math.inf]
    passed = sum(one.greeted_s == math.inf and one.left_s < 15 for one in came)
    prompt = [o for o in served if o.greeted_s <= EXPECTED.greet_within_s and not o.interrupted]
    good = sum(one.served_s <= EXPECTED.serve_within_s for one in prompt)
    judged = DRAWN - passed
    found = {
        "served_within": sum(o.served_s <= EXPECTED.serve_within_s for o in came) / DRAWN,
        "greeted_within": sum(o.greeted_s <= EXPECTED.greet_within_s for o in came) / DRAWN,
        "abandoned": sum(o.greeted_s == math.inf and o.left_s >= 15 for o in came) / DRAWN,
        "left_unserved": (DRAWN - len(served) - passed) / DRAWN,
        "left_late": sum(15 <= one.left_s < math.inf for one in came) / DRAWN,
        "flawless": good / judged,
        "recovered": (len(served) - good) / (judged - good),
    }
    for figure, share in found.items():
        within = 4 * math.sqrt(share * (1 - share) / (DRAWN / 4))
        assert getattr(truth, figure) == pytest.approx(share, abs=within), figure
    talks = median(one.talk_s for one in greeted)
    assert truth.interaction_median == pytest.approx(talks, rel=0.02)


@pytest.mark.parametrize("name", SERVICES)
def test_percentiles_are_those_had_everyone_stayed(name: str) -> None:
    service = SERVICES[name]
    patient = Service(service.greet_s, service.begin_s, service.begin_spread, 1e9, 60, 0.4, 0)
    truth = true_figures(service)
    waits = [one.served_s for one in parties(patient, drawn(name), DRAWN)]
    greets = [one.greeted_s for one in parties(patient, drawn(name), DRAWN)]
    tenths = quantiles(waits, n=10)
    assert truth.waiting_median == pytest.approx(tenths[4], rel=0.02)
    assert truth.waiting_p90 == pytest.approx(tenths[8], rel=0.02)
    tenths = quantiles(greets, n=10)
    assert truth.greeting_median == pytest.approx(tenths[4], rel=0.02)
    assert truth.greeting_p90 == pytest.approx(tenths[8], rel=0.02)


def test_a_store_of_exponential_times_has_its_truth_in_closed_form() -> None:
    service = Service(20.0, 50.0, 0.0, 300.0, 60.0, 0.4, 0.0)
    a, c, x = 1 / 20, 1 / 300, 30.0
    before = 1 - math.exp(-5 * a)
    after = a / (a + c) * math.exp(5 * c) * (math.exp(-5 * (a + c)) - math.exp(-x * (a + c)))
    assert true_figures(service).greeted_within == pytest.approx(before + after, abs=1e-4)


def test_training_greets_sooner_and_changes_nothing_else() -> None:
    service = SERVICES["slow"]
    before, after = true_figures(service), true_figures(service.trained())
    assert after.greeted_within > before.greeted_within
    assert after.greeting_median == pytest.approx(0.6 * before.greeting_median)
    assert service.trained().patience_s == service.patience_s


@pytest.mark.parametrize("mean", [0.3, 4.0, 1300.0])
def test_poisson_numbers_have_their_mean_for_variance(mean: float) -> None:
    rng = drawn(4)
    found = [poisson(rng, mean) for _ in range(2_000)]
    average = sum(found) / len(found)
    variance = sum((one - average) ** 2 for one in found) / len(found)
    assert average == pytest.approx(mean, rel=0.1)
    assert variance == pytest.approx(mean, rel=0.15)


def test_a_small_team_is_told_of_who_left_unserved() -> None:
    truth = true_figures(SERVICES["quick"])
    assert truth.told(5)["abandoned"] == truth.abandoned
    assert truth.told(5)["left_unserved"] == truth.left_unserved
    for team in (None, 1, 2):
        told = truth.told(team)
        assert told["left_unserved"] == truth.left_late
        assert "abandoned" not in told
        assert "greeted_within" not in told
        assert "flawless" not in told
