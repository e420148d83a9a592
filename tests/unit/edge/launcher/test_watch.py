"""When a process counts as hung, and how long it rests before it is started again."""

from __future__ import annotations

import pytest

from edge.launcher.terms import Terms
from edge.launcher.watch import Watch

TERMS = Terms(silent_s=10, start_s=60, first_pause_s=0.25, longest_pause_s=30, steady_s=60)


def watch(silent_s: float = 10) -> Watch:
    one = Watch(TERMS, silent_s)
    one.started(0.0)
    return one


def follow(one: Watch, from_s: float, until_s: float, step_s: float = 0.2) -> float | None:
    """Look every `step_s`; the first time at which it is hung."""
    for step in range(1, round((until_s - from_s) / step_s) + 1):
        if one.look(from_s + step * step_s) > 0:
            return from_s + step * step_s
    return None


def test_before_its_first_word_it_has_time_to_start() -> None:
    assert follow(watch(), 0, 59.9) is None
    assert follow(watch(), 0, 70) == pytest.approx(60.2)


def test_after_a_word_silence_is_short() -> None:
    one = watch()
    one.heard(5.0)
    assert follow(one, 5, 30) == pytest.approx(15.2)


def test_who_speaks_is_never_hung() -> None:
    one = watch()
    for second in range(300):
        one.heard(float(second))
        assert follow(one, second, second + 1) is None


def test_silence_that_is_excused_does_not_count() -> None:
    one = watch()
    one.heard(1.0)
    one.excuse(8.0)
    assert follow(one, 8, 17.9) is None
    one.excuse(3.0)  # an older excuse takes nothing away
    assert follow(one, 17.8, 20) == pytest.approx(18.2)


def test_while_the_launcher_itself_stood_still_nobody_hung() -> None:
    one = watch()
    one.heard(1.0)
    assert one.look(1.2) <= 0
    assert one.look(3600.0) <= 0  # the machine slept
    assert follow(one, 3600, 3605) is None
    assert follow(one, 3605, 3620) is not None


def test_a_new_run_must_speak_anew() -> None:
    one = watch()
    one.heard(1.0)
    one.ended(2.0)
    one.started(3.0)
    assert (one.spoken, one.ever_spoken) == (False, True)
    assert follow(one, 3, 62) is None


def test_a_long_pause_before_a_run_is_no_patience_in_it() -> None:
    one = watch()
    assert one.look(0.2) <= 0
    one.ended(1.0)
    one.started(40.0)
    one.heard(41.0)
    assert follow(one, 41, 60) == pytest.approx(51.2)


def test_pauses_double_up_to_the_longest() -> None:
    one = watch()
    pauses = []
    for second in range(10):
        one.started(float(second))
        pauses.append(one.ended(second + 0.5))
    assert pauses == [0.25, 0.5, 1, 2, 4, 8, 16, 30, 30, 30]
    assert one.due_s == 9.5 + 30


def test_a_steady_run_makes_the_pause_short_again() -> None:
    one = watch()
    for second in range(6):
        one.started(float(second))
        one.ended(second + 0.5)
    one.started(10.0)
    assert one.ended(70.0) == 0.25
