"""The devices of a loaded chain go on: ingest takes all that they send, next to what is there."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise, takewhile
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select

from firmware_cfg.topics import Kind, topic
from server.database import open_database, sqlite_url
from server.ingest.committing import commit
from server.ingest.reading import read
from server.queries import SILENT_AFTER
from server.schema.fleet import device_status
from server.schema.messages import aside, progress
from server.simulating.chain import Chain, planned_chain
from server.simulating.living import Sending, goes_on
from server.simulating.loading import Target, load_chain
from server.simulating.stream import Drawn, messages

NOW = datetime(2026, 11, 23, 5, tzinfo=UTC)
LATER = timedelta(days=9)


@pytest.fixture(scope="module")
def chain() -> Chain:
    """Broken for days; of a queue; replaced; closing; opening; silent at the end; past midnight."""
    whole = planned_chain(17, 24, 3, date(2026, 10, 30))
    chosen = [whole.stores[number] for number in (1, 2, 5, 7, 8, 12, 15)]
    return replace(
        whole, stores=tuple(replace(one, visits_h=min(one.visits_h, 9)) for one in chosen)
    )


@pytest.fixture(scope="module")
def sent(chain: Chain) -> list[Sending]:
    return list(takewhile(lambda one: one.at < NOW + LATER, goes_on(chain, NOW)))


def test_each_device_that_works_goes_on_with_its_next_sequence(
    chain: Chain, sent: list[Sending]
) -> None:
    last = {
        (one.device, one.epoch): one.sequence
        for store in chain.stores
        for one in messages(chain.seed, store, Drawn())
    }
    found: dict[tuple[str, str], list[int]] = {}
    for one in sent:
        if one.topic.endswith(Kind.WINDOW):
            key = read(one.topic, one.payload).key  # type: ignore[union-attr]
            assert key is not None
            found.setdefault((key.device, key.epoch), []).append(key.sequence)
    working = {(one.name, one.epoch) for store in chain.stores for one in store.working}
    assert found.keys() == working
    assert all(store.silent_from is None for store in chain.stores if store.working)
    for key, sequences in found.items():
        first = last[key] + 1
        assert sequences == list(range(first, first + len(sequences)))


def test_what_they_send_is_in_order_of_time_and_never_leaves_a_device_silent(
    sent: list[Sending],
) -> None:
    assert [one.at for one in sent] == sorted(one.at for one in sent)
    names = {one.topic.split("/")[2] for one in sent}
    for name in names:
        beats = [one.at for one in sent if one.topic == topic(name, Kind.HEALTH)]
        assert beats[0] == NOW
        assert all(later - before < SILENT_AFTER for before, later in pairwise(beats))
        assert NOW + LATER - beats[-1] < SILENT_AFTER


def test_ingest_takes_all_of_it(chain: Chain, sent: list[Sending], tmp_path: Path) -> None:
    engine = open_database(sqlite_url(tmp_path / "encounter.db"))
    load_chain(chain, Target(engine, 1, NOW), lambda _: None)
    before = settled(engine)
    count = 0
    for start in range(0, len(sent), 500):
        batch = sent[start : start + 500]
        readings = [read(one.topic, one.payload, retained=False) for one in batch]
        count += commit(engine, readings, NOW + LATER).tally.stored
    assert count == sum(one.topic.endswith(Kind.WINDOW) for one in sent) > 300
    assert settled(engine) == before + count
    with engine.connect() as connection:
        assert connection.execute(select(aside)).first() is None
        assert connection.execute(select(func.count()).select_from(device_status)).scalar()
    engine.dispose()


def settled(engine: Engine) -> int:
    with engine.connect() as connection:
        return connection.execute(select(func.sum(progress.c.up_to))).scalar_one() or 0
