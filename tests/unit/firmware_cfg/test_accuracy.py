"""The model of measuring errors: its points, and that fitting finds again what was drawn."""

import json
import random
import statistics
from dataclasses import asdict, fields
from pathlib import Path

import pytest

from firmware_cfg import accuracy
from firmware_cfg.accuracy import (
    CORE_SDS,
    MEASURED,
    Accuracy,
    Misjudged,
    TimingError,
    accuracies_of,
    is_measured,
)
from tests.bench.error_model import Scene, fit, literal, main
from tests.bench.error_model import accuracy as entry_of

DRAWN = TimingError(-0.4, 0.6, 0.8, 0.05, 6.0, 0.03, 9.0, 0)
KINDS = ("served", "greeted", "abandoned", "flawless")


def drawn(scenes: int, visits: int, seed: int = 5) -> list[list[float]]:
    """Errors of `DRAWN`, each scene with a bias of its own."""
    rng = random.Random(seed)  # noqa: S311 simulated, not secret
    edge_s = CORE_SDS * DRAWN.core_sd_s
    found = []
    for _ in range(scenes):
        bias_s = rng.gauss(DRAWN.bias_s, DRAWN.bias_se_s)
        errors = []
        for _ in range(visits):
            kind = rng.random()
            if kind < DRAWN.long_share:
                errors.append(bias_s + edge_s + rng.expovariate(1 / DRAWN.long_s))
            elif kind < DRAWN.long_share + DRAWN.short_share:
                errors.append(bias_s - edge_s - rng.expovariate(1 / DRAWN.short_s))
            else:
                errors.append(rng.gauss(bias_s, DRAWN.core_sd_s))
        found.append(errors)
    return found


def scene(errors: list[float], lost: int = 0, gained: int = 0) -> Scene:
    return Scene(
        true=100,
        found=95,
        matched=90,
        judged=45,
        lost=dict.fromkeys(KINDS, lost),
        gained=dict.fromkeys(KINDS, gained),
        errors=dict.fromkeys(("waiting", "greeting", "interaction", "visit"), errors),
    )


def test_fitting_finds_the_model_that_errors_were_drawn_from() -> None:
    found = fit(drawn(scenes=60, visits=200))
    assert found.visits == 12_000
    assert found.bias_s == pytest.approx(DRAWN.bias_s, abs=0.25)
    assert found.bias_se_s == pytest.approx(DRAWN.bias_se_s, rel=0.25)
    assert found.core_sd_s == pytest.approx(DRAWN.core_sd_s, rel=0.15)
    assert found.long_share == pytest.approx(DRAWN.long_share, abs=0.01)
    assert found.short_share == pytest.approx(DRAWN.short_share, abs=0.01)
    assert found.long_s == pytest.approx(DRAWN.long_s, rel=0.15)
    assert found.short_s == pytest.approx(DRAWN.short_s, rel=0.15)


def test_gross_errors_do_not_pull_the_bias() -> None:
    clean = [random.Random(3).gauss(0.2, 0.3) for _ in range(300)]  # noqa: S311 simulated
    plain, spoilt = fit([clean]), fit([[*clean, *[60.0] * 30]])
    assert spoilt.bias_s == pytest.approx(plain.bias_s, abs=0.05)
    assert spoilt.long_share > 0.09
    assert spoilt.long_s > 50


def test_one_scene_says_nothing_of_other_cameras() -> None:
    one, many = fit([[0.1, 0.2, 0.3] * 100]), fit([[0.1] * 100, [0.9] * 100, [-0.7] * 100])
    assert one.bias_se_s < 0.02
    assert many.bias_se_s > 0.5


def test_exact_times_leave_the_least_spread() -> None:
    assert fit([[0.0] * 20]) == TimingError(0.0, 0.011, 0.05, 0.0, 0.0, 0.0, 0.0, 20)
    with pytest.raises(ValueError, match="expected errors"):
        fit([[], []])


def test_the_points_have_the_mean_and_the_spread_of_the_errors() -> None:
    points = DRAWN.points()
    errors = [error for errors in drawn(200, 500, seed=8) for error in errors]
    assert sum(weight for _, weight in points) == pytest.approx(1.0)
    mean_s = sum(error_s * weight for error_s, weight in points)
    assert mean_s == pytest.approx(statistics.fmean(errors), abs=0.12)
    spread = sum(weight * (error_s - mean_s) ** 2 for error_s, weight in points)
    within = statistics.pvariance(errors) - DRAWN.bias_se_s**2
    assert spread == pytest.approx(within, rel=0.06)
    moved = sum(error_s * weight for error_s, weight in DRAWN.points(2.0))
    assert moved - mean_s == pytest.approx(2 * DRAWN.bias_se_s)


def test_an_entry_counts_what_was_missed_and_misjudged() -> None:
    found = entry_of(1, "a-model", "a command", [scene([0.1, 0.2], 3, 1), scene([0.3], 0, 8)])
    assert (found.visits, found.missed, found.false) == (200, 0.1, round(10 / 190, 4))
    assert found.served == Misjudged(round(3 / 180, 4), round(9 / 180, 4))
    assert found.flawless == Misjudged(round(3 / 90, 4), round(9 / 90, 4))
    assert found.waiting == fit([[0.1, 0.2], [0.3]])


def test_the_entry_as_source_text_is_the_entry() -> None:
    found = entry_of(1, "a-model", "a command", [scene([0.1, 0.2, 5.0])])
    names = {one.__name__: one for one in (Accuracy, Misjudged, TimingError)}
    assert eval(literal(found), names) == found  # noqa: S307 our own text


def test_nothing_matched_has_no_entry() -> None:
    empty = Scene(3, 0, 0, 0, dict.fromkeys(KINDS, 0), dict.fromkeys(KINDS, 0), {})
    with pytest.raises(ValueError, match="found and true"):
        entry_of(1, "a-model", "a command", [empty])


def test_what_is_held_can_be_used() -> None:
    assert len({(one.definition_version, one.model) for one in MEASURED}) == len(MEASURED) > 0
    for one in MEASURED:
        timing = [getattr(one, f.name) for f in fields(one) if f.type is TimingError]
        assert len(timing) == 4
        for model in timing:
            assert model.core_sd_s > 0
            assert model.bias_se_s > 0
            assert model.long_share + model.short_share < 0.5
            assert model.visits > 0


def test_a_detector_without_a_benchmark_has_the_errors_of_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one, other = (entry_of(1, name, "", [scene([0.1])]) for name in ("one", "other"))
    monkeypatch.setattr(accuracy, "MEASURED", (one, other))
    assert accuracies_of([(1, "one")]) == (one,)
    assert accuracies_of([(1, "other"), (1, "one")]) == (one, other)
    assert accuracies_of([(1, "one"), (1, "third")]) == (one, other)
    assert accuracies_of([(2, "one")]) == (one, other)
    assert not is_measured([(1, "one"), (1, "third")])


def test_the_command_prints_the_entry_of_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = scene([0.1, 0.2, -0.3])
    head = {"definition_version": 1, "model": "a-model", "source": "a command"}
    path = tmp_path / "errors.json"
    path.write_text(json.dumps(head | {"scenes": [asdict(one)]}), "utf-8")
    assert main([str(path)]) == 0
    assert capsys.readouterr().out == literal(entry_of(1, "a-model", "a command", [one])) + "\n"
    assert main([]) == 2
