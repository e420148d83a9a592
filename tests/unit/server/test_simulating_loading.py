"""A chain that is loaded at once leaves what its messages and the roll-up job would have left."""

import json
import math
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, delete, func, insert, select

from firmware_cfg.codec import encode
from firmware_cfg.topics import Kind, topic
from server.cli import main
from server.database import open_database, sqlite_url, writer
from server.errors import SimulationError
from server.figures import PointFigures, point_figures
from server.identity import apply_identity
from server.ingest.committing import commit
from server.ingest.reading import read
from server.periods import Period, StoreTime
from server.queries import time_of
from server.rollups.bodies import from_json
from server.rollups.evenness import NONE, even, queues_of
from server.rollups.job import roll_up
from server.schema.cells import cell, store_week, window
from server.schema.fleet import device_status
from server.schema.identity import device, point, store
from server.schema.messages import aside, progress
from server.schema.rollups import rollup, rollup_due, standing
from server.simulating.account import truth_of
from server.simulating.chain import Chain, planned_chain
from server.simulating.delivery import delivered
from server.simulating.fleet import say_hello
from server.simulating.identity import identity_of
from server.simulating.loading import Target, load_chain
from server.simulating.service import EXPECTED
from server.simulating.stream import Drawn, messages
from server.simulating.truth import true_figures
from server.simulating.where import make_identity, placed_stores
from server.suppression import Reason, Suppressed

START = date(2026, 10, 30)
NOW = datetime(2026, 11, 23, 5, tzinfo=UTC)
OWN = {"cell_id", "week_id", "org_id"}


@pytest.fixture(scope="module")
def chain() -> Chain:
    """A thin store, one with another device, one that closes and one that opens, a trial."""
    whole = planned_chain(12, 24, 3, START)
    chosen = [whole.stores[number] for number in (4, 5, 7, 8, 11)]
    return replace(
        whole, stores=tuple(replace(one, visits_h=min(one.visits_h, 22)) for one in chosen)
    )


def loaded(engine: Engine, chain: Chain) -> dict[str, Drawn]:
    return load_chain(chain, Target(engine, 1, NOW), lambda _: None)


def named(engine: Engine) -> dict[UUID, str]:
    """Stores and points by their keys."""
    with engine.connect() as connection:
        stores = {row.store_id: row.slug for row in connection.execute(select(store))}
        points = connection.execute(select(point)).all()
    return stores | {row.point_id: f"{stores[row.store_id]}/{row.slug}" for row in points}


def content(engine: Engine, table: Any) -> list[str]:
    """All rows of a table, in words that do not depend on UUIDs."""
    names = named(engine)
    with engine.connect() as connection:
        rows = connection.execute(select(table)).all()
    told = [
        {
            key: names.get(value, "") if isinstance(value, UUID) else value
            for key, value in row._mapping.items()
            if key not in OWN
        }
        for row in rows
    ]
    return sorted(json.dumps(one, sort_keys=True, default=str) for one in told)


def rolled(engine: Engine) -> dict[tuple[Any, ...], Any]:
    with engine.connect() as connection:
        rows = connection.execute(select(rollup)).all()
    return {
        (row.subject_id, row.grain, row.start_at, row.end_at): from_json(row.body) for row in rows
    }


def stood(engine: Engine) -> set[tuple[Any, ...]]:
    with engine.connect() as connection:
        return {tuple(row) for row in connection.execute(select(standing))}


def mark_all(engine: Engine) -> None:
    """Every trading day that has cells is due."""
    with writer(engine).begin() as connection:
        times = {row.store_id: time_of(row) for row in connection.execute(select(store))}
        found: dict[UUID, UUID] = {
            row.point_id: row.store_id for row in connection.execute(select(point))
        }
        rows = connection.execute(select(cell.c.org_id, cell.c.point_id, cell.c.start_at)).all()
        marks = {_mark(row, times[found[row.point_id]]) for row in rows}
        fields = ("org_id", "point_id", "day")
        due = [dict(zip(fields, one, strict=True)) | {"marked_at": NOW} for one in marks]
        connection.execute(insert(rollup_due), due)


def _mark(row: Any, time: StoreTime) -> tuple[UUID, UUID, date]:
    return row.org_id, row.point_id, time.trading_day(row.start_at)


def test_what_is_loaded_is_what_ingest_would_keep(
    either: Engine, chain: Chain, tmp_path: Path
) -> None:
    loaded(either, chain)
    other = open_database(sqlite_url(tmp_path / "ingested.db"))
    with writer(other).begin() as connection:
        apply_identity(connection, identity_of(chain), NOW)
    sent = [(one, each) for one in chain.stores for each in messages(chain.seed, one, Drawn())]
    came = delivered(sent, 5)
    assert len(came) > len(sent)
    readings = [read(topic(each.device, Kind.WINDOW), encode(each)) for _, each in came]
    for first in range(0, len(readings), 1000):
        commit(other, readings[first : first + 1000], NOW)
    for table in (cell, window, store_week):
        assert content(either, table) == content(other, table)
    assert content(other, aside) == content(either, aside) == []
    assert progress_of(either) == progress_of(other)
    other.dispose()


def progress_of(engine: Engine) -> set[tuple[Any, ...]]:
    with engine.connect() as connection:
        rows = connection.execute(select(*progress.c["device", "epoch", "up_to", "sha256"]))
        return {tuple(row) for row in rows}


def test_roll_ups_and_weeks_are_those_of_the_job(either: Engine, chain: Chain) -> None:
    loaded(either, replace(chain, stores=chain.stores[1::2]))
    before, weeks = rolled(either), stood(either)
    assert {grain for _, grain, _, _ in before} == {"hour", "day", "week", "span"}
    assert weeks
    with writer(either).begin() as connection:
        connection.execute(delete(rollup))
        connection.execute(delete(standing))
    mark_all(either)
    while roll_up(either, NOW):
        pass
    assert rolled(either) == before
    assert stood(either) == weeks


def test_what_is_shown_holds_the_truth(empty: Engine, chain: Chain) -> None:
    loaded(empty, chain)
    names, planned = named(empty), {one.key: one for one in chain.stores}
    held = []
    with empty.connect() as connection:
        org_id = connection.execute(select(store.c.org_id)).scalars().first()
        assert org_id is not None
        queues = queues_of(connection, org_id, list(names), Period(NOW - timedelta(days=60), NOW))
    for (subject_id, grain, start, _), union in rolled(empty).items():
        one = planned.get(names[subject_id]) if subject_id in names else None
        figures = point_figures(even(union, queues.get(subject_id, NONE)), EXPECTED)
        if one is None or grain != "week" or not isinstance(figures, PointFigures):
            continue
        truth = true_figures(one.service_on((start + timedelta(hours=12)).date()))
        share, p90 = figures.served_within, figures.waiting_p90
        if isinstance(share, Suppressed) or isinstance(p90, Suppressed):
            assert share == p90 == Suppressed(Reason.PARTIAL)
            continue
        held += [
            share.low <= truth.served_within <= share.high,
            p90.low_s <= truth.waiting_p90 <= (p90.high_s or math.inf),
        ]
    assert len(held) > 20
    assert sum(held) >= 0.95 * len(held)


def test_stores_are_the_same_however_many_processes_draw_them(chain: Chain, tmp_path: Path) -> None:
    few = replace(chain, stores=(chain.stores[0], chain.stores[-1]))
    found = []
    for processes in (1, 2):
        engine = open_database(sqlite_url(tmp_path / f"{processes}.db"))
        load_chain(few, Target(engine, processes, NOW), lambda _: None)
        found.append(content(engine, cell))
        engine.dispose()
    assert found[0] == found[1]


def test_a_second_chain_is_refused(empty: Engine, chain: Chain) -> None:
    one = replace(chain, stores=chain.stores[1:2])
    loaded(empty, one)
    with pytest.raises(SimulationError, match="without a simulated chain"):
        loaded(empty, one)


def test_a_store_on_trial_stands_in_no_region(empty: Engine, chain: Chain) -> None:
    new = replace(chain, stores=tuple(one for one in chain.stores if one.trial))
    loaded(empty, new)
    with empty.connect() as connection:
        assert connection.execute(select(func.count()).select_from(cell)).scalar_one() > 0
    assert stood(empty) == set()


def test_the_truth_says_what_happened(chain: Chain) -> None:
    told = json.loads(json.dumps(truth_of(chain, {})))
    moved, opened = told["stores"]["store-0007"], told["stores"]["store-0008"]
    assert moved["ends"] < opened["opens"]
    assert moved["devices"][0]["name"] == opened["devices"][0]["name"]
    assert [one["why"] for one in told["stores"]["store-0005"]["devices"]] == ["first", "replaced"]
    for one in told["stores"].values():
        for regime in one["regimes"]:
            assert 0 < regime["figures"]["served_within"] < 1


@pytest.fixture
def command(tmp_path: Path) -> list[str]:
    return ["simulate", "--state", str(tmp_path / "state"), "--processes", "1"]


def test_the_command_fills_a_database_that_the_checks_find_whole(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*command, "--stores", "3", "--days", "9"]) == 0
    told = json.loads((tmp_path / "state" / "truth.json").read_text("utf-8"))
    assert len(told["stores"]) == 3
    assert "3 of 3 stores" in capsys.readouterr().err
    main(["check", "--state", str(tmp_path / "state")])
    failed = [one for one in capsys.readouterr().out.splitlines() if one.startswith("fails")]
    assert [one.split()[1:3] for one in failed] == [["last", "backup:"]]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--stores", "0"), "--stores: expected 1 to 5000, found 0"),
        (("--days", "900"), "--days: expected 1 to 395, found 900"),
        (("--start", "2020-01-01"), "--start: expected"),
        (("--organisation", "A B"), "--organisation: expected a key"),
    ],
)
def test_what_cannot_be_simulated_is_said(
    command: list[str], options: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*command, *options]) == 2
    assert said in capsys.readouterr().err


def test_a_device_that_was_replaced_is_retired_and_was_heard_until_then(
    chain: Chain, empty: Engine
) -> None:
    with writer(empty).begin() as connection:
        make_identity(connection, chain, NOW)
        org_id = next(iter(placed_stores(connection, chain, NOW).values())).org_id
        say_hello(connection, chain, org_id, NOW)
        heard = device_status.c.last_sign_at
        same = device_status.c.device == device.c.device
        rows = connection.execute(
            select(device.c.device, device.c.retired_at, heard).outerjoin(device_status, same)
        ).all()
    old, new = (next(one for one in chain.stores if one.key == "store-0005")).devices
    at = next(one for one in chain.stores if one.key == "store-0005").day_begins(new.first)
    assert [(row.device, *row[1:]) for row in rows if row.retired_at] == [(old.name, at, at)]
    assert {row.last_sign_at for row in rows if not row.retired_at} == {NOW}
