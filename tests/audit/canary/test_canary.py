"""The device on the canary film: every check of Part B holds, and it was shown something."""

from __future__ import annotations

import pytest

from edge.audit.canary.checks import named
from edge.audit.finding import Finding, Status
from edge.audit.partb import run, seed_text

SEED = 20_261_124
PLAYED = ("canary.run", "canary.search", "messages.schema", "messages.k", "canary.ledger")


@pytest.fixture(scope="module")
def findings() -> dict[str, Finding]:
    """Part B's findings, by their check."""
    return named(run(SEED))


@pytest.mark.slow
def test_nothing_of_the_canary_leaves(findings: dict[str, Finding]) -> None:
    failing = {check: one for check, one in findings.items() if one.status is Status.FAILS}
    assert not failing


@pytest.mark.slow
@pytest.mark.parametrize("check", PLAYED)
def test_it_was_looked_at(check: str, findings: dict[str, Finding]) -> None:
    assert findings[check].status is Status.HOLDS


@pytest.mark.slow
def test_the_seed_is_named_so_that_it_can_be_repeated(findings: dict[str, Finding]) -> None:
    assert seed_text(SEED) in findings["canary.run"].found.en
