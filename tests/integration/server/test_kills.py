"""Workers, broker, database and server are killed: nothing is lost, nothing doubled."""

import pytest

from tests.bench.bench_server_kills import VICTIMS, run
from tests.bench.ingest_stand import standing
from tests.brokers import MOSQUITTO
from tests.postgres import is_there

pytestmark = [pytest.mark.broker, pytest.mark.slow]


@pytest.mark.skipif(not MOSQUITTO.exists() or not is_there(), reason="no mosquitto or PostgreSQL")
def test_a_kill_of_each_loses_nothing_and_doubles_nothing() -> None:
    with standing(10) as stand:
        result = run(stand, kills=len(VICTIMS), devices=10, seed=6)
    assert [len(result.back_s[victim]) for victim in VICTIMS] == [1] * len(VICTIMS)
    assert result.windows > 10 * len(VICTIMS)
