"""What operations change is true at once in regions' weeks, also before the job has caught up."""

from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import Engine, select

from firmware_cfg.codec import encode
from firmware_cfg.messages import Message
from server.amending import Kind
from server.amending.making import Wish, amend
from server.database import writer
from server.errors import AmendmentError
from server.figures import Expectations
from server.identity import Change, confirm, move_store, replace_device
from server.ingest.committing import commit
from server.ingest.reading import read
from server.periods import Period
from server.rollups.job import roll_up
from server.rollups_due import COUNTED_FOR
from server.schema.rollups import standing
from server.terms import in_force_in
from server.testing import MONDAY, MessageFactory
from tests.unit.server.chain_identity import apply_chain, ids_of

LATER = MONDAY + timedelta(days=8)


class Chain:
    """Two stores of one region, with a counter each."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.engine = engine
        apply_chain(engine, folder, MONDAY)
        known = ids_of(engine)
        self.org_id, self.east = known["acme"], known["east"]
        self.stores = {key: known[key] for key in ("pudong-1", "puxi-1")}
        with writer(engine).begin() as connection:
            change = Change(connection, self.org_id, "Ada", MONDAY)
            move_store(change, known["puxi-1"], self.east)
        self.factories = {name: MessageFactory(name) for name in ("kiosk-1", "kiosk-2", "kiosk-7")}

    def counts(self, device: str, at: datetime, visits: int) -> None:
        factory = self.factories[device]
        payload = factory.encoded(factory.cell(at, visits=visits), start=at)
        self.says(device, "window", payload, at)

    def reports(self, device: str, message: Message, at: datetime) -> None:
        self.says(device, "reported", encode(message), at)

    def says(self, device: str, kind: str, payload: bytes, at: datetime) -> None:
        commit(self.engine, [read(f"encounter/v1/{device}/up/{kind}", payload)], at)

    def confirms(self, key: str, at: datetime) -> None:
        with writer(self.engine).begin() as connection:
            confirm(Change(connection, self.org_id, "Ada", LATER), self.stores[key], at)

    def catches_up(self) -> None:
        while roll_up(self.engine, LATER + timedelta(days=7)):
            pass

    def standing(self, subject: UUID, figure: str) -> dict[str, float | None]:
        with self.engine.connect() as connection:
            mine = (standing.c.subject_id == subject) & (standing.c.figure == figure)
            rows = connection.execute(select(standing.c.week, standing.c.value).where(mine))
            return {str(row.week): row.value for row in rows}


@pytest.fixture
def chain(empty: Engine, tmp_path: Path) -> Chain:
    return Chain(empty, tmp_path)


def test_a_trial_is_in_no_regions_week_while_the_job_is_behind(chain: Chain) -> None:
    for day in range(6):
        chain.counts("kiosk-1", MONDAY + timedelta(days=day), 100)
        chain.counts("kiosk-2", MONDAY + timedelta(days=day), 11)
    chain.confirms("puxi-1", MONDAY - timedelta(days=1))
    chain.catches_up()
    assert chain.standing(chain.east, "visits") == {"2026-11-16": 66}
    chain.counts("kiosk-2", MONDAY + timedelta(days=1, hours=5), 10)
    chain.confirms("pudong-1", LATER)
    assert roll_up(chain.engine, LATER, limit=1) == 1
    assert chain.standing(chain.east, "visits") == {"2026-11-16": 76}
    chain.catches_up()
    assert chain.standing(chain.east, "visits") == {"2026-11-16": 76}


def test_a_weeks_shares_are_asked_for_what_its_own_device_expects(chain: Chain) -> None:
    before, after = chain.factories["kiosk-2"], chain.factories["kiosk-7"]
    chain.reports("kiosk-2", before.reported(30, 180), MONDAY)
    for day in range(4):
        chain.counts("kiosk-2", MONDAY + timedelta(days=day), 40)
    chain.confirms("puxi-1", MONDAY - timedelta(days=1))
    replaced = MONDAY + timedelta(days=5)
    with writer(chain.engine).begin() as connection:
        change = Change(connection, chain.org_id, "Ada", LATER)
        replace_device(change, "kiosk-2", "kiosk-7", replaced, {})
    chain.reports("kiosk-7", after.reported(30, 300), LATER)
    for day in range(7, 11):
        chain.counts("kiosk-7", MONDAY + timedelta(days=day), 40)
    chain.catches_up()
    store_id = chain.stores["puxi-1"]
    assert "2026-11-23" in chain.standing(store_id, "served_within")
    assert "2026-11-23" in chain.standing(chain.east, "served_within")
    with chain.engine.connect() as connection:
        second = Period(MONDAY + timedelta(days=7), MONDAY + timedelta(days=12))
        terms = in_force_in(connection, chain.org_id, store_id, second)
        assert terms.throughout.expectations == Expectations(30, 300)


def test_what_can_no_longer_be_counted_anew_cannot_be_taken_out(chain: Chain) -> None:
    chain.counts("kiosk-1", MONDAY, 40)
    much_later = MONDAY + COUNTED_FOR + timedelta(days=1)
    day = Period(MONDAY, MONDAY + timedelta(days=1))
    with writer(chain.engine).begin() as connection:
        change = Change(connection, chain.org_id, "Ada", much_later)
        store_id = chain.stores["pudong-1"]
        with pytest.raises(AmendmentError, match="no longer made anew"):
            amend(change, Wish(Kind.VOID, store_id, None, day, "wrong zone"))
        assert amend(change, Wish(Kind.NOTE, store_id, None, day, "refit")).cells == 0
