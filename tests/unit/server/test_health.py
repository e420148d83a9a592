"""How the server is: `ok`, `degraded` without the broker, `failing` without its database."""

from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine

from server.health import Health, health_of
from server.ingest.committing import Tally
from server.ingest.link import LinkState, LinkStatus
from server.ingest.worker import IngestState
from server.testing import MONDAY

AWAY = tuple(state for state in LinkState if state is not LinkState.CONNECTED)


def health(engine: Engine, link: LinkState, *, failing: bool = False) -> Health:
    status = LinkStatus(link, MONDAY, "why", "5", "shared")
    state = IngestState(Tally(stored=3, repeated=2, rejected=1), MONDAY, failing)
    return health_of(engine, lambda: status, lambda: state)


def test_all_is_well(empty: Engine) -> None:
    found = health(empty, LinkState.CONNECTED)
    assert (found.status, found.database, found.broker.state) == ("ok", "ok", "connected")
    assert (found.ingest.stored, found.ingest.repeated, found.ingest.rejected) == (3, 2, 1)
    assert found.ingest.last_commit_at == MONDAY


@pytest.mark.parametrize("link", AWAY)
def test_without_the_broker_pages_still_work(empty: Engine, link: LinkState) -> None:
    found = health(empty, link)
    assert (found.status, found.database, found.broker.detail) == ("degraded", "ok", "why")


@pytest.mark.parametrize("link", LinkState)
def test_a_batch_that_cannot_be_committed_is_a_database_that_fails(
    empty: Engine, link: LinkState
) -> None:
    found = health(empty, link, failing=True)
    assert (found.status, found.database) == ("failing", "failing")


def test_a_database_that_is_not_there_fails(tmp_path: Path) -> None:
    nowhere = create_engine(f"sqlite:///{tmp_path / 'no' / 'folder' / 'x.db'}")
    assert health(nowhere, LinkState.CONNECTED).status == "failing"
    nowhere.dispose()
