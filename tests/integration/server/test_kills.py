"""Workers, broker, database and server are killed: nothing is lost, nothing doubled."""

import pytest

from tests.bench.bench_server_kills import run
from tests.bench.ingest_stand import standing
from tests.brokers import MOSQUITTO
from tests.postgres import is_there

pytestmark = [pytest.mark.broker, pytest.mark.slow]


@pytest.mark.skipif(not MOSQUITTO.exists() or not is_there(), reason="no mosquitto or PostgreSQL")
def test_five_kills_lose_nothing_and_double_nothing() -> None:
    with standing(10) as stand:
        killed = run(stand, kills=5, devices=10, each=4, seed=6)
    assert sum(killed.values()) == 5
    assert len(killed) >= 3
