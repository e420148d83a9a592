"""Every leak is planted once for all tests: the audit's own Part C."""

from __future__ import annotations

import pytest

from edge.audit.canary.checks import named
from edge.audit.finding import Finding
from edge.audit.partc import run

SEED = 20_261_123


@pytest.fixture(scope="session")
def findings() -> dict[str, Finding]:
    """Part C's findings, by their check."""
    return named(run(SEED))
