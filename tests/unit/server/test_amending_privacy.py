"""Whatever is amended, withdrawn or merged between two questions, no answer tells a hidden cell.

Two organisations are alike in all but what must stay hidden: in some cells fewer than k parties
stand behind a figure about staff, and there the two differ. The same happens to both, in the
same order: cells arrive, are taken out, put back, moved and merged, roll-ups are made or not,
and all the while somebody asks. If any answer, or any refusal, differed between the two, it
would tell something about a hidden cell. And each answer is a union of whole cells: its visits
are those of the cells that the rulings let in, no more and no fewer.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from pathlib import Path
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, insert

from firmware_cfg.histogram import Fate, Histogram
from firmware_cfg.messages import WireHistogram
from server.amending import Kind, rulings_of
from server.amending.making import Wish, amend, withdraw
from server.database import open_database, sqlite_url, writer
from server.errors import AmendmentError, IdentityError
from server.figures import Expectations, PointFigures, point_figures
from server.identity import Change, amend_confirmation, merge_points, unmerge_point
from server.periods import Period, StoreTime
from server.rollups.blocks import Subject, read_union
from server.rollups.job import roll_up
from server.rollups_due import mark_due
from server.schema.cells import cell
from server.schema.identity import organisation, point, store
from server.suppression import PointRef, Released, Suppressed, read_released
from server.testing import EPOCH, MONDAY

K, POINTS, SLOTS = 10, 3, 10
SLOT, LONG = timedelta(hours=9), timedelta(minutes=30)
NOW = MONDAY + timedelta(days=30)
CLOCK = StoreTime(ZoneInfo("UTC"), time(4), {}, frozenset())


@dataclass(frozen=True)
class Made:
    """A cell: where, how many visits, and two greeted parties' worlds."""

    point: int
    slot: int
    visits: int
    greeted: int
    others: tuple[float, float]

    @property
    def hidden(self) -> bool:
        return self.greeted < K


@dataclass
class World:
    """One of the two organisations."""

    engine: Engine
    number: int
    org_id: UUID = field(default_factory=uuid4)
    store_id: UUID = field(default_factory=uuid4)
    points: list[UUID] = field(default_factory=lambda: [uuid4() for _ in range(POINTS)])
    amendments: list[UUID] = field(default_factory=list)

    def found(self) -> None:
        with writer(self.engine).begin() as connection:
            row = {"org_id": self.org_id, "slug": self.org_id.hex, "name": "Acme"}
            connection.execute(insert(organisation).values(row))
            row = {"org_id": self.org_id, "store_id": self.store_id, "slug": "a", "name": "A"}
            row |= {"timezone": "UTC", "day_starts": "04:00", "opening": {}, "closed": []}
            connection.execute(insert(store).values(row))
            for position, point_id in enumerate(self.points):
                row = {"org_id": self.org_id, "point_id": point_id, "store_id": self.store_id}
                row |= {"slug": f"p{position}", "label": "P", "kind": "service_point"}
                connection.execute(insert(point).values(row | {"position": position}))

    def change(self, do: Callable[[Change], object]) -> str:
        """Do something; what somebody learns from that alone."""
        try:
            with writer(self.engine).begin() as connection:
                return str(do(Change(connection, self.org_id, "Ada", NOW)))
        except (AmendmentError, IdentityError) as error:
            return type(error).__name__


def times(first: int, last: int) -> Period:
    return Period(MONDAY + first * SLOT, MONDAY + last * SLOT + LONG)


def arrive(world: World, one: Made) -> str:
    def do(change: Change) -> None:
        period = times(one.slot, one.slot)
        at = world.points[one.point]
        change.connection.execute(insert(cell).values(_row(world, one, at, period)))
        mark_due(change.connection, world.org_id, [at], period, CLOCK, now=NOW)

    return world.change(do)


def _row(world: World, one: Made, at: UUID, period: Period) -> dict[str, object]:
    waited = [(20.0 + 7 * n, Fate.EVENT) for n in range(one.visits)]
    greeting_s = one.others[world.number] if one.hidden else one.others[0]
    greeted = [(greeting_s + n, Fate.EVENT) for n in range(one.greeted)]
    flawless = one.greeted // 2 if one.hidden and world.number else one.greeted
    wire = {
        name: WireHistogram.of(Histogram.of(all_of, 0)).model_dump(mode="json")
        for name, all_of in (("waiting", waited), ("greeting", greeted))
    }
    row: dict[str, object] = dict.fromkeys(
        ("left_censored", "passers_by", "greeted_only", "abandoned", "passed", "still_present"), 0
    )
    staff = {"greeting": wire["greeting"], "interaction": wire["greeting"], "interrupted": 0}
    staff |= {"flawless": flawless, "judged": one.greeted, "broken": one.greeted - flawless}
    staff |= {"recovered": 0, "attended_s": 100.0, "present_s": 200.0}
    row |= {"org_id": world.org_id, "point_id": at, "cell_id": uuid4(), "device": "kiosk-1"}
    row |= {"epoch": EPOCH, "sequence": one.slot, "level": "half_hour", "k": K}
    row |= {"start_at": period.start, "end_at": period.end, "visits": one.visits}
    row |= {"served": one.visits, "waiting": wire["waiting"], "stay": wire["waiting"]}
    row |= {"observed_s": 50.0, "bridged_s": 1.0, "unknown_s": 1.0, "definition_version": 1}
    row |= {"geometry_hash": "a", "expectations_hash": "e", "model": "m", "staff": staff}
    return row


def ask(world: World, at: int, period: Period) -> tuple[PointFigures | Suppressed, ...]:
    """What the two ways to an answer say; they must say the same."""
    with world.engine.connect() as connection:
        ref = PointRef(world.org_id, world.points[at])
        cells = read_released(connection, ref, period)
        rulings = rulings_of(connection, ref.org_id, world.store_id)
        union = read_union(connection, Subject.point(ref, CLOCK, rulings), period)
    if isinstance(cells, Released):
        assert all(period.start <= one.period.start for one in cells.cells)
        assert all(one.period.end <= period.end for one in cells.cells)
    figures = point_figures(cells, Expectations()), point_figures(union, Expectations())
    assert figures[0] == figures[1]
    return figures


def amended(world: World, kind: Kind, at: int, to: int | None, period: Period) -> str:
    def do(change: Change) -> int:
        other = None if to is None else world.points[to]
        wish = Wish(kind, world.store_id, world.points[at], period, "because", other)
        made = amend(change, wish)
        world.amendments += [one.amendment_id for one in made.amendments]
        return made.cells

    return world.change(do)


def taken_back(world: World, number: int) -> str:
    if not world.amendments:
        return "nothing to withdraw"
    one = world.amendments[number % len(world.amendments)]
    return world.change(lambda change: withdraw(change, world.store_id, [one]).cells)


Step = tuple[str, int, int, int, int]
"""What, at which point, which other point, and two slots."""


def act(world: World, step: Step) -> object:
    """One step; what somebody learns from it."""
    what, at, other, one, another = step
    return ACTS[what](world, at, other, min(one, another), max(one, another))


def _ask(world: World, at: int, _other: int, first: int, last: int) -> object:
    return ask(world, at, times(first, last))


def _void(world: World, at: int, _other: int, first: int, last: int) -> object:
    return amended(world, Kind.VOID, at, None, times(first, last))


def _relabel(world: World, at: int, other: int, first: int, last: int) -> object:
    return amended(world, Kind.RELABEL, at, other, times(first, last))


def _withdraw(world: World, _at: int, _other: int, first: int, _last: int) -> object:
    return taken_back(world, first)


def _merge(world: World, at: int, other: int, first: int, _last: int) -> object:
    since: datetime | None = None if first % 2 else times(first, first).start
    one, into = world.points[at], world.points[other]
    return world.change(lambda change: merge_points(change, one, into, since))


def _unmerge(world: World, at: int, _other: int, _first: int, _last: int) -> object:
    return world.change(lambda change: unmerge_point(change, world.points[at]))


def _roll_up(world: World, _at: int, _other: int, _first: int, _last: int) -> object:
    roll_up(world.engine, NOW)
    return None


def _confirm(world: World, _at: int, _other: int, first: int, _last: int) -> object:
    at = times(first, first).start
    return world.change(lambda change: amend_confirmation(change, world.store_id, at, "sure"))


def _undo(world: World, _at: int, _other: int, _first: int, _last: int) -> object:
    return world.change(lambda change: amend_confirmation(change, world.store_id, None, "no"))


ACTS = {
    "ask": _ask,
    "void": _void,
    "relabel": _relabel,
    "withdraw": _withdraw,
    "merge": _merge,
    "unmerge": _unmerge,
    "roll up": _roll_up,
    "confirm": _confirm,
    "undo": _undo,
}
cells = st.builds(
    Made,
    point=st.integers(0, POINTS - 1),
    slot=st.integers(0, SLOTS - 1),
    visits=st.integers(K, 60),
    greeted=st.sampled_from([0, 1, 4, K - 1, K, 25]),
    others=st.sampled_from([(5.0, 250.0), (90.0, 12.0)]),
)
steps = st.tuples(
    st.sampled_from(sorted(ACTS)),
    st.integers(0, POINTS - 1),
    st.integers(0, POINTS - 1),
    st.integers(0, SLOTS - 1),
    st.integers(0, SLOTS - 1),
)


@pytest.fixture(scope="module")
def one_engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    path: Path = tmp_path_factory.mktemp("privacy") / "encounter.db"
    return open_database(sqlite_url(path))


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    early=st.lists(cells, min_size=3, max_size=8, unique_by=lambda one: (one.point, one.slot)),
    late=st.lists(cells, max_size=3, unique_by=lambda one: (one.point, one.slot)),
    script=st.lists(steps, min_size=4, max_size=10),
)
def test_no_answer_and_no_refusal_tells_a_hidden_cell(
    one_engine: Engine,
    early: list[Made],
    late: list[Made],
    script: list[tuple[str, int, int, int, int]],
) -> None:
    taken = {(one.point, one.slot) for one in early}
    late = [one for one in late if (one.point, one.slot) not in taken]
    worlds = [World(one_engine, number) for number in (0, 1)]
    learnt: list[list[object]] = []
    for world in worlds:
        world.found()
        said: list[object] = [arrive(world, one) for one in early]
        for index, step in enumerate(script):
            said.append(act(world, step))
            if index < len(late):
                said.append(arrive(world, late[index]))
            said += [ask(world, at, times(0, SLOTS - 1)) for at in range(POINTS)]
        learnt.append(said)
    assert learnt[0] == learnt[1]


def test_the_two_worlds_do_differ_in_what_is_hidden(one_engine: Engine) -> None:
    """The test above could not fail if nothing hidden differed, or if nothing were shown."""
    shown = Made(0, 0, 100, 100, (5.0, 250.0))
    hidden = Made(0, 1, 30, K - 1, (5.0, 250.0))
    rows = [
        [
            _row(World(one_engine, number), one, UUID(int=1), times(0, 0))["staff"]
            for number in (0, 1)
        ]
        for one in (shown, hidden)
    ]
    assert rows[0][0] == rows[0][1]
    assert rows[1][0] != rows[1][1]
    world = World(one_engine, 1)
    world.found()
    arrive(world, shown)
    arrive(world, hidden)
    found, _ = ask(world, 0, times(0, 1))
    assert isinstance(found, PointFigures)
    assert (found.visits, found.counts["greeting_median"].of) == (130, 100)
