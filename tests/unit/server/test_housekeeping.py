"""What was kept long enough goes, from one thread, which never gives up."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.exc import OperationalError

from server.ingest import housekeeping
from server.ingest.committing import commit
from server.ingest.housekeeping import Housekeeper
from server.ingest.reading import read
from server.retention import retain
from server.schema.messages import aside
from server.testing import MONDAY
from tests.integration.server.processes import eventually

UP = "encounter/v1/kiosk-1/up/window"


def test_it_lets_go_at_once_and_after_a_failure(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    failures = iter(range(1))

    def sometimes(*given: Any) -> Any:
        if next(failures, None) is not None:
            raise OperationalError("DELETE", {}, Exception("database is away"))
        return retain(*given)

    monkeypatch.setattr(housekeeping, "retain", sometimes)
    commit(engine, [read(UP, b"[]")], MONDAY)
    assert kept(engine) == 1
    one = Housekeeper(engine, lambda: MONDAY + timedelta(days=31), retry_s=(0.05, 0.1))
    one.start()
    assert eventually(lambda: kept(engine) == 0)
    one.stop()
    assert "ingest.purge_failed" in caplog.text


def kept(engine: Engine) -> int:
    with engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(aside)).scalar() or 0
