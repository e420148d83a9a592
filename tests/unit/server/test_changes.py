"""What changed: read from the weeks that may be shown, for whoever may see them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import Engine, insert, update

from server.access.reach import Reach
from server.access.roles import Role
from server.changes import WEEKS, Change, changes, last_whole_week
from server.database import writer
from server.health import health_of
from server.ingest.link import LinkState, LinkStatus
from server.ingest.worker import IngestState
from server.schema.identity import assignment, store
from server.schema.rollups import standing
from server.scope import Scope
from server.signing import open_key
from server.testing import FakeClock
from server.web.app import make_app
from server.web.parts import Parts
from tests.unit.server.asgi import Client
from tests.unit.server.chain_identity import apply_chain, ids_of

NOW = datetime(2026, 11, 18, 9, tzinfo=UTC)
LAST = date(2026, 11, 9)
MONDAYS = [LAST - timedelta(weeks=back) for back in reversed(range(WEEKS))]
SHIFTED = MONDAYS[7]
JITTER = (0.0, 0.01, -0.01, 0.0)
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Chain:
    """A database, and the ids of what is in it."""

    engine: Engine
    ids: dict[str, UUID]

    def stand(
        self,
        subject: str,
        figure: str,
        levels: tuple[float, float],
        expected_s: float | None = None,
        mondays: Sequence[date] = MONDAYS,
    ) -> None:
        """Weeks at one level until `SHIFTED`, and at another from then on."""
        rows = [
            {
                "org_id": self.ids["other" if subject == "oslo-1" else "acme"],
                "subject_id": self.ids[subject],
                "week": monday,
                "figure": figure,
                "value": levels[monday >= SHIFTED] * (1 + JITTER[number % 4]),
                "low": 0.0,
                "high": 1.0,
                "rests_on": 400,
                "expected_s": expected_s,
            }
            for number, monday in enumerate(mondays)
        ]
        with writer(self.engine).begin() as connection:
            connection.execute(insert(standing), rows)

    def changes(self) -> list[Change]:
        """What an administrator is told."""
        with self.engine.connect() as connection:
            return changes(connection, Scope.everything(), NOW)


@pytest.fixture
def chain(empty: Engine, tmp_path: Path) -> Chain:
    apply_chain(empty, tmp_path)
    with writer(empty).begin() as connection:
        connection.execute(update(store).values(confirmed_at=LONG_AGO))
        connection.execute(update(assignment).values(valid_from=LONG_AGO))
    return Chain(empty, ids_of(empty))


@pytest.mark.parametrize(
    ("day", "monday"), [(15, date(2026, 11, 2)), (17, date(2026, 11, 2)), (18, LAST), (24, LAST)]
)
def test_a_week_counts_when_it_has_been_over_for_two_days(day: int, monday: date) -> None:
    assert last_whole_week(datetime(2026, 11, day, 9, tzinfo=UTC)) == monday


def test_a_shift_is_told_with_its_week_its_size_and_its_range(chain: Chain) -> None:
    chain.stand("pudong-1", "greeted_within", (0.60, 0.75), 30.0)
    chain.stand("puxi-1", "greeted_within", (0.60, 0.60), 30.0)
    (one,) = chain.changes()
    assert (one.subject.name, one.figure, one.since) == ("Pudong", "greeted_within", SHIFTED)
    assert (one.weeks_before, one.weeks_after, one.visits) == (7, 5, 400)
    assert one.by == pytest.approx(0.15, abs=0.01)
    assert one.low < 0.15 < one.high
    assert not one.worse
    assert not one.device_came


@pytest.mark.parametrize(
    ("figure", "levels", "worse"),
    [
        ("served_within", (0.8, 0.7), True),
        ("flawless", (0.5, 0.6), False),
        ("left_unserved", (0.05, 0.15), True),
        ("waiting_p90", (100.0, 140.0), True),
        ("waiting_p90", (140.0, 100.0), False),
    ],
)
def test_which_way_is_worse_follows_from_the_figure(
    chain: Chain, figure: str, levels: tuple[float, float], worse: bool
) -> None:
    chain.stand("pudong-1", figure, levels)
    (one,) = chain.changes()
    assert one.worse is worse
    if figure == "waiting_p90":
        assert one.by == pytest.approx(levels[1] / levels[0] - 1, rel=0.1)
        assert math.isclose(one.before, levels[0], rel_tol=0.02)


@pytest.mark.parametrize(
    ("figure", "levels"),
    [("served_within", (0.80, 0.77)), ("waiting_p90", (100.0, 115.0)), ("visits", (400.0, 800.0))],
)
def test_what_is_small_or_no_figure_of_service_is_not_named(
    chain: Chain, figure: str, levels: tuple[float, float]
) -> None:
    chain.stand("pudong-1", figure, levels)
    assert chain.changes() == []


def test_weeks_asked_for_another_expectation_are_left_out(chain: Chain) -> None:
    before = [one for one in MONDAYS if one < SHIFTED]
    after = [one for one in MONDAYS if one >= SHIFTED]
    chain.stand("pudong-1", "served_within", (0.9, 0.9), 300.0, before)
    chain.stand("pudong-1", "served_within", (0.6, 0.6), 120.0, after)
    assert chain.changes() == []


def test_a_device_that_came_meanwhile_is_told(chain: Chain) -> None:
    chain.stand("pudong-1", "served_within", (0.9, 0.7), 180.0)
    came = datetime(2026, 10, 12, tzinfo=UTC)
    with writer(chain.engine).begin() as connection:
        connection.execute(update(assignment).values(valid_from=came))
    (one,) = chain.changes()
    assert one.device_came


def test_nobody_is_told_of_stores_outside_of_his_scope(chain: Chain, tmp_path: Path) -> None:
    chain.stand("pudong-1", "served_within", (0.9, 0.7), 180.0)
    chain.stand("oslo-1", "served_within", (0.9, 0.6), 180.0)
    status = LinkStatus(LinkState.CONNECTED, NOW)
    health = health_of(chain.engine, lambda: status, IngestState)
    app = make_app(Parts(chain.engine, open_key(tmp_path), FakeClock(NOW), lambda: health))
    admin = Client(app)
    body = admin.get("/api/v1/changes?limit=1").json()
    more = admin.get(f"/api/v1/changes?cursor={body['next_cursor']}").json()
    assert {one["name"] for one in body["items"] + more["items"]} == {"Pudong", "Oslo"}
    assert more["next_cursor"] is None
    reach = Reach(chain.ids["acme"], store_id=chain.ids["pudong-1"])
    manager = Client(app, Role.STORE_MANAGER, [reach], name="manager")
    assert [one["name"] for one in manager.get("/api/v1/changes").json()["items"]] == ["Pudong"]
    html = manager.get("/changes").text
    assert "Pudong" in html
    assert "Oslo" not in html
    assert "−20 points" in html
