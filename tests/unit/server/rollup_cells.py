"""Random released cells of one point after another, as rows: of all levels, never overlapping."""

import random
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, insert

from firmware_cfg.histogram import Fate, Histogram
from firmware_cfg.messages import Coverage, WireHistogram
from server.periods import Period, StoreTime
from server.released_cell import ReleasedCell, Staff
from server.released_week import Comparability
from server.schema.cells import cell, window
from server.schema.identity import organisation, point, region, store

BERLIN = ZoneInfo("Europe/Berlin")
QUARTER = timedelta(minutes=15)
MADE_WITH = (
    Comparability(1, "a", "e", "nanodet-288x512-int8"),
    Comparability(1, "b", "e", "nanodet-288x512-int8"),
    Comparability(1, "b", "e", "another"),
)


@dataclass(frozen=True, slots=True)
class Shop:
    """A store of the tests."""

    org_id: UUID
    region_id: UUID
    store_id: UUID
    points: tuple[UUID, ...]
    time: StoreTime


def random_id(rng: random.Random) -> UUID:
    """An id."""
    return UUID(int=rng.getrandbits(128))


def open_shop(
    connection: Connection,
    points: int = 2,
    day_starts: str = "04:00",
    confirmed_at: datetime | None = None,
) -> Shop:
    """Write an organisation with one region, one store in it, and its points."""
    org_id, region_id, store_id = uuid4(), uuid4(), uuid4()
    named = {"slug": f"s{org_id.hex}", "name": "Name"}
    connection.execute(insert(organisation).values(org_id=org_id, **named))
    connection.execute(insert(region).values(org_id=org_id, region_id=region_id, **named))
    where = {"org_id": org_id, "store_id": store_id, "region_id": region_id}
    clock = {"timezone": BERLIN.key, "day_starts": day_starts, "confirmed_at": confirmed_at}
    days: dict[str, object] = {"opening": {}, "closed": [], "special": {}}
    connection.execute(insert(store).values(**where, **named, **clock, **days))
    ids = tuple(uuid4() for _ in range(points))
    for position, one in enumerate(ids):
        labels = {"slug": f"p{position}", "label": "Label", "kind": "service_point"}
        row = {"org_id": org_id, "store_id": store_id, "point_id": one, "position": position}
        connection.execute(insert(point).values(row | labels))
    return Shop(
        org_id,
        region_id,
        store_id,
        ids,
        StoreTime(BERLIN, time.fromisoformat(day_starts), {}, frozenset()),
    )


def periods(rng: random.Random, start: datetime, end: datetime) -> Iterator[Period]:
    """Disjoint periods from `start` on: quarters of an hour up to weeks, and joined remainders."""
    at = start
    while at < end:
        kind = rng.random()
        if kind < 0.25:
            at += QUARTER * rng.randrange(1, 60)
            continue
        quarters = rng.choice([1, 2, 2, 4, 4, 4, 12, 30, 96])
        if kind > 0.97:
            quarters = rng.choice([96 * 7, 96 * 9, 96 * 30])
        yield Period(at, at + QUARTER * quarters)
        at += QUARTER * quarters


def random_cell(rng: random.Random, point_id: UUID, period: Period, k: int = 10) -> ReleasedCell:
    """A cell of random size whose bases lie on either side of its k."""
    visits = rng.randrange(k, 4 * k)
    judged = rng.randrange(visits + 1)
    broken = rng.randrange(judged + 1)
    scale = rng.choice([1, 3, 5])
    waits = [(rng.expovariate(1 / 100), rng.choice(list(Fate))) for _ in range(visits)]
    some = Histogram.of(waits[: rng.randrange(visits + 1)], scale)
    abandoned, present = rng.randrange(visits // 2), rng.randrange(visits // 2)
    staff = Staff(
        greeting=some,
        interaction=some,
        flawless=judged - broken,
        judged=judged,
        broken=broken,
        recovered=rng.randrange(broken + 1),
        interrupted=0,
        attended_s=rng.random() * 1000,
        present_s=rng.choice([0.0, 1000.0]),
    )
    return ReleasedCell(
        cell_id=random_id(rng),
        point_id=point_id,
        period=period,
        level="half_hour",
        k=rng.choice([k, k, 5]),
        visits=visits,
        left_censored=rng.randrange(3),
        passers_by=rng.randrange(9),
        served=visits - abandoned - present,
        greeted_only=0,
        abandoned=abandoned,
        passed=0,
        still_present=present,
        waiting=Histogram.of(waits, scale),
        stay=some,
        staff=staff if rng.random() < 0.8 else None,
        observed_s=rng.random() * 1000,
        bridged_s=rng.random() * 100,
        unknown_s=rng.random(),
        comparability=MADE_WITH[0] if rng.random() < 0.9 else rng.choice(MADE_WITH),
        device=f"device-{point_id.hex[:8]}",
    )


def cell_row(org_id: UUID, one: ReleasedCell, sequence: int = 1) -> dict[str, object]:
    """A cell as ingest writes it."""
    version, geometry, expectations, model = astuple(one.comparability)
    same = [
        *("cell_id", "point_id", "level", "k", "visits", "left_censored", "passers_by"),
        *("served", "greeted_only", "abandoned", "passed", "still_present", "device"),
        *("observed_s", "bridged_s", "unknown_s"),
    ]
    return {name: getattr(one, name) for name in same} | {
        "org_id": org_id,
        "start_at": one.period.start,
        "end_at": one.period.end,
        "epoch": "0" * 16,
        "sequence": sequence,
        "waiting": _wire(one.waiting),
        "stay": _wire(one.stay),
        "staff": None if one.staff is None else _staff(one.staff),
        "definition_version": version,
        "geometry_hash": geometry,
        "expectations_hash": expectations,
        "model": model,
    }


def window_row(org_id: UUID, device: str, start: datetime, sequence: int) -> dict[str, object]:
    """A window of half an hour as ingest writes it; its coverage goes by its number."""
    return {
        "org_id": org_id,
        "device": device,
        "start_at": start,
        "end_at": start + 2 * QUARTER,
        "epoch": "0" * 16,
        "sequence": sequence,
        "coverage": list(Coverage)[sequence % 5].value,
        "clock": "synchronised",
        "invalid": [],
    }


def fill(connection: Connection, org_id: UUID, cells: list[ReleasedCell]) -> None:
    """Write cells."""
    if cells:
        rows = [cell_row(org_id, one, number) for number, one in enumerate(cells)]
        connection.execute(insert(cell), rows)


def fill_windows(
    connection: Connection, org_id: UUID, device: str, first: datetime, after: datetime
) -> None:
    """Write windows of all half hours in a time but every ninth."""
    count = (after - first) // (2 * QUARTER)
    rows = [
        window_row(org_id, device, first + number * 2 * QUARTER, number)
        for number in range(count)
        if number % 9
    ]
    connection.execute(insert(window), rows)


def begins(shop: Shop, day: date) -> datetime:
    """When a trading day begins."""
    return shop.time.begins(day)


def _wire(one: Histogram) -> object:
    return WireHistogram.of(one).model_dump(mode="json")


def _staff(one: Staff) -> dict[str, object]:
    names = ("flawless", "judged", "broken", "recovered", "interrupted", "attended_s", "present_s")
    histograms = {"greeting": _wire(one.greeting), "interaction": _wire(one.interaction)}
    return histograms | {name: getattr(one, name) for name in names}
