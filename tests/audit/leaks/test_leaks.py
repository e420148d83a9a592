"""Each planted leak is caught, by a check that holds without it."""

from __future__ import annotations

import pytest

from edge.audit.finding import Finding, Status
from edge.audit.leaks import catalogue, jailed
from edge.audit.leaks.leak import Leak
from edge.audit.leaks.running import RUNNING

GROUPS = (
    catalogue.PICTURES,
    catalogue.THREADS,
    catalogue.TELEMETRY,
    catalogue.LATE,
    catalogue.MESSAGES,
    catalogue.ALONE,
    catalogue.LOGIN,
    RUNNING,
    (catalogue.MODEL, catalogue.DUMPABLE, catalogue.ALTERED, catalogue.FORKED),
)
LEAKS: dict[str, Leak] = {leak.id: leak for group in GROUPS for leak in group}


@pytest.mark.slow
@pytest.mark.parametrize("leak", LEAKS)
def test_it_is_caught(leak: str, findings: dict[str, Finding]) -> None:
    found = findings[f"leak.{leak}"]
    if found.status is Status.NOT_CHECKED:
        pytest.skip(found.found.en)
    assert found.status is Status.HOLDS, (found.found.en, found.evidence)
    assert any(LEAKS[leak].trace in line for line in found.evidence)


@pytest.mark.slow
@pytest.mark.parametrize("way", jailed.attempts(-1))
def test_the_jail_refuses_it(way: str, findings: dict[str, Finding]) -> None:
    found = findings[f"leak.jail.{way}"]
    if found.status is Status.NOT_CHECKED:
        pytest.skip(found.found.en)
    assert found.status is Status.HOLDS, found.found.en


@pytest.mark.slow
def test_nothing_else_is_said(findings: dict[str, Finding]) -> None:
    expected = {f"leak.{leak}" for leak in LEAKS}
    expected |= {f"leak.jail.{way}" for way in jailed.attempts(-1)}
    assert set(findings) == expected
