"""PostgreSQL is backed up and put back by the commands; real devices send again what is missing."""

import pytest

from tests.bench.bench_server_restore import ROUNDS, run
from tests.bench.ingest_stand import standing
from tests.brokers import MOSQUITTO
from tests.postgres import is_there

pytestmark = [pytest.mark.broker, pytest.mark.slow]


@pytest.mark.skipif(not MOSQUITTO.exists() or not is_there(), reason="no mosquitto or PostgreSQL")
def test_every_window_returns_once_a_backup_is_put_back() -> None:
    with standing(3) as stand:
        found = run(stand, devices=3, windows=6)
    assert found.engine == "PostgreSQL"
    assert (found.at_backup, found.after_it, found.restored) == (12, 18, 12)
    assert found.meanwhile == 3 * ROUNDS
    assert found.in_the_end == 12 + 18 + 3 * ROUNDS
