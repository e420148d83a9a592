"""Every way out of the jail, from four threads; and outside, that it is a way."""

from __future__ import annotations

import errno
import os

import pytest

from tests.integration.jail.conftest import THREADS, Ended
from tests.integration.jail.escapes import ATTEMPTS, DISCLOSED, DONE, EVERYTHING


def answered(ended: Ended, where: str, name: str) -> str:
    start = f"{where} {name}: "
    found = [line.removeprefix(start) for line in ended.answers if line.startswith(start)]
    assert len(found) == 1, f"no answer; exit status {ended.status}, said: {ended.stderr}"
    return found[0]


@pytest.mark.parametrize("name", ATTEMPTS)
@pytest.mark.parametrize("where", THREADS)
def test_the_jail_refuses(jailed: Ended, where: str, name: str) -> None:
    assert answered(jailed, where, name) == errno.errorcode[ATTEMPTS[name].refused]


@pytest.mark.parametrize("name", EVERYTHING)
def test_outside_it_is_a_way(control: Ended, name: str) -> None:
    attempt = EVERYTHING[name]
    if attempt.root and os.geteuid() != 0:
        pytest.skip("needs root outside the jail")
    assert answered(control, "main", name) in attempt.outside


@pytest.mark.parametrize("name", DISCLOSED)
@pytest.mark.parametrize("where", THREADS)
def test_what_it_does_not_refuse_is_known(jailed: Ended, where: str, name: str) -> None:
    """Once this fails, the sentence in docs/limitations.md goes."""
    assert answered(jailed, where, name) == DONE


def test_the_jail_closed_over_every_thread_and_the_process_lived_on(jailed: Ended) -> None:
    assert jailed.answers[0].startswith("jail_closed policy=vision ")
    assert "threads=3 " in jailed.answers[0]
    assert (jailed.status, jailed.stderr) == (0, "")
    assert len(jailed.answers) == 1 + len(THREADS) * len(EVERYTHING)


def test_there_are_enough() -> None:
    assert len(ATTEMPTS) >= 25
