"""Nobody learns a hidden cell from pages, API and exports, whatever happens between two answers.

Cells arrive, early and late; roll-ups are made or not; times are voided, noted, relabelled and
all that is withdrawn; a store on trial is confirmed and taken back. All the while four users with
different reaches ask, and keep what they get. Two things are held:

* No difference of two answers, figure by figure, is about fewer than k parties, and each answer
  is a union of whole cells of where and when it was asked.
* Two worlds that differ in hidden cells alone answer alike, sign by sign: what does not depend
  on a hidden cell tells nothing about it, to whatever method.

That each of the planted leaks is found shows that the two would not hold by themselves.
`ENCOUNTER_HIDDEN_EXAMPLES=100` tries more scripts than each run of the tests does.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import ColumnElement, Connection, select

import server.rollups.job
import server.totals
import server.unions
from server.amending import Kind
from server.periods import Period
from server.released_cell import ReleasedCell
from server.rollups.blocks import Subject, cells_in, read_union
from server.rollups.regions import Tree, tree_of
from server.schema.cells import cell
from server.schema.identity import store
from server.suppression import Suppressed, Within
from server.unions import Part, Union, union_of_cells
from tests.audit.release.hidden_attack import ASKS, USERS, Attacker, Question
from tests.audit.release.hidden_world import (
    LENGTHS,
    POINTS,
    SLOTS,
    K,
    Made,
    World,
    at,
    make_template,
)

EXAMPLES = int(os.environ.get("ENCOUNTER_HIDDEN_EXAMPLES", "3"))
MOST_CELLS = 12
pytestmark = pytest.mark.timeout(300 + 60 * EXAMPLES)


@dataclass(frozen=True)
class Step:
    """Something that happens."""

    what: str
    point: str
    first: int
    last: int
    number: int


def _cells(drawn: list[tuple[str, int, int, int | None, tuple[float, float]]]) -> list[Made]:
    return [
        Made(number, point, slot, LENGTHS[length], greeted, seconds)
        for number, (point, slot, length, greeted, seconds) in enumerate(drawn)
    ]


slots = st.integers(0, SLOTS - 1)
cells = st.lists(
    st.tuples(
        st.sampled_from(POINTS),
        slots,
        st.integers(0, len(LENGTHS) - 1),
        st.sampled_from([None, None, 0, 3, K - 1]),
        st.sampled_from([(5.0, 250.0), (90.0, 12.0)]),
    ),
    min_size=6,
    max_size=MOST_CELLS,
    unique_by=lambda one: one[:2],
).map(_cells)
questions = st.builds(
    Question,
    user=st.sampled_from(USERS),
    what=st.sampled_from(sorted(ASKS)),
    point=st.sampled_from(POINTS),
    first=slots,
    last=slots,
    cut_hours=st.sampled_from([(0.0, 0.0), (0.25, 0.0), (0.0, -5.5), (1.0, 2.0)]),
)
WHAT = ("arrive", "arrive", "void", "note", "relabel", "withdraw", "confirm", "doubt", "roll up")
steps = st.builds(
    Step,
    what=st.sampled_from(WHAT),
    point=st.sampled_from(POINTS),
    first=slots,
    last=slots,
    number=st.integers(0, 5),
)
scripts = st.lists(st.tuples(steps, questions), min_size=4, max_size=8)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_template(tmp_path_factory.mktemp("chain"))


@dataclass
class Running:
    """A script, under way in one world."""

    who: Attacker
    waiting: list[Made]
    said: list[str]

    def act(self, step: Step) -> None:
        world = self.who.world
        first, last = sorted((step.first, step.last))
        period = Period(at(first), at(last, 6.0))
        if step.what == "arrive":
            now, self.waiting = self.waiting[: step.number + 1], self.waiting[step.number + 1 :]
            world.receive(now)
        elif step.what == "void":
            self.said.append(world.amend(Kind.VOID, step.point, period))
        elif step.what == "note":
            self.said.append(world.amend(Kind.NOTE, step.point, period))
        elif step.what == "relabel":
            self.said.append(world.amend(Kind.RELABEL, "a1", period, "a2"))
        elif step.what == "withdraw":
            self.said.append(world.withdraw(step.number))
        elif step.what == "roll up":
            world.roll_up()
        else:
            self.said.append(world.decide(trial=step.what == "doubt"))

    def ask(self, question: Question) -> None:
        self.said += self.who.ask(question)


def play(
    template: Path, folder: Path, number: int, script: list[tuple[Step, Question]], made: list[Made]
) -> Running:
    """Run a script in one world; everybody asks for everything at the end."""
    path = folder / f"world{number}.db"
    for old in folder.glob(f"world{number}.db*"):
        old.unlink()
    world = World.opened(template, path, number)
    half = len(made) // 2
    running = Running(Attacker(world), made[half:], [])
    world.receive(made[:half])
    for step, question in script:
        running.act(step)
        running.ask(question)
    for what in ASKS:
        running.ask(Question("admin", what, "a1", 0, SLOTS - 1, (0.0, 0.0)))
    running.who.subtract()
    world.close()
    return running


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(made=cells, script=scripts)
def test_no_two_answers_tell_a_hidden_cell(
    template: Path,
    tmp_path_factory: pytest.TempPathFactory,
    made: list[Made],
    script: list[tuple[Step, Question]],
) -> None:
    folder = tmp_path_factory.mktemp("worlds")
    one, other = (play(template, folder, number, script, made) for number in (0, 1))
    assert one.who.found == []
    assert other.who.found == []
    assert one.said == other.said
    assert one.who.answers > 5


# A script that meets every planted leak: a cell over the edge of a question, thin cells beside
# full ones, a store on trial with cells, and roll-ups that were made of all of them.
MADE = _cells(
    [
        ("a1", 4, 2, None, (5.0, 250.0)),
        ("a1", 5, 1, 3, (5.0, 250.0)),
        ("a2", 4, 1, K - 1, (90.0, 12.0)),
        ("a2", 5, 1, None, (90.0, 12.0)),
        ("b1", 6, 0, None, (5.0, 250.0)),
        ("c1", 6, 0, None, (5.0, 250.0)),
        ("c1", 7, 0, 3, (5.0, 250.0)),
        ("a1", 9, 1, None, (5.0, 250.0)),
    ]
)
NOTHING = Step("roll up", "a1", 0, 0, 0)
ALL_COME = Step("arrive", "a1", 0, 0, 5)
SCRIPT = [
    (ALL_COME, Question("manager of a", "figures", "a1", 4, 4, (0.0, -2.0))),
    (NOTHING, Question("manager of a", "figures", "a1", 4, 5, (0.0, 0.0))),
    (NOTHING, Question("admin", "figures", "a1", 4, 4, (0.0, 0.0))),
    (NOTHING, Question("manager of all", "region", "a1", 0, 9, (0.0, 0.0))),
    (NOTHING, Question("admin", "course", "a1", 4, 5, (0.0, 0.0))),
    (NOTHING, Question("admin", "exports", "a1", 4, 5, (0.0, 0.0))),
]


def test_the_script_of_the_plants_tells_nothing_without_them(
    template: Path, tmp_path: Path
) -> None:
    one, other = (play(template, tmp_path, number, SCRIPT, MADE) for number in (0, 1))
    assert one.who.found == other.who.found == []
    assert one.said == other.said
    kept = one.who.kept
    assert {len(kept[name]) > 1 for name in ("visits", "flawless", "greeting_median")} == {True}


def _half_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    """A union counts a cell that reaches over the end of what was asked."""

    def condition(self: Within) -> ColumnElement[bool]:
        begins = [cell.c.start_at >= self.parts[0].start, cell.c.start_at < self.parts[-1].end]
        return begins[0] & begins[1]

    monkeypatch.setattr(Within, "condition", condition)


def _thin_base(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cell whose base is below k enters a figure."""
    monkeypatch.setattr(server.unions, "_part", _any_part)


def _any_part(one: ReleasedCell, span: Any, own: Any) -> Part | None:
    base, counts, times = own
    return Part(span, one.visits, base, one.k, counts, times) if base else None


def _trial_in_region(monkeypatch: pytest.MonkeyPatch) -> None:
    """A region's total has the store on trial in it."""

    def every_store(connection: Connection, org_id: UUID) -> Tree:
        tree = tree_of(connection, org_id)
        rows = connection.execute(
            select(store.c.store_id, store.c.region_id).where(store.c.org_id == org_id)
        )
        return Tree(org_id, tree.parents, {row.store_id: row.region_id for row in rows})

    monkeypatch.setattr(server.rollups.job, "tree_of", every_store)


def _total_minus_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A store's total has in a figure what its points keep to themselves."""

    def leaky(connection: Connection, of: Subject, period: Period) -> Union | Suppressed:
        found = cells_in(connection, of, Within.whole(period))
        with pytest.MonkeyPatch.context() as planted:
            _thin_base(planted)
            return union_of_cells(found) if found else Suppressed()

    monkeypatch.setattr(server.totals, "read_union", leaky)


def _part_of_a_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    """A total leaves out a few parties of a cell."""
    whole = read_union

    def less(connection: Connection, of: Subject, period: Period) -> Union | Suppressed:
        found = whole(connection, of, period)
        if isinstance(found, Suppressed):
            return found
        sums = found.sums
        fewer = type(sums)(
            **{name: getattr(sums, name) for name in sums.__slots__} | {"visits": sums.visits - 3}
        )
        return Union(**{name: getattr(found, name) for name in found.__slots__} | {"sums": fewer})

    monkeypatch.setattr(server.totals, "read_union", less)


PLANTS: dict[Callable[[pytest.MonkeyPatch], None], str] = {
    _half_inside: "lies not whole inside what was asked",
    _thin_base: "are no union of whole cells",
    _trial_in_region: "of store c is in a figure",
    _total_minus_parts: "are no union of whole cells",
    _part_of_a_cell: "are no union of whole cells",
}


@pytest.mark.parametrize("plant", PLANTS, ids=lambda one: one.__name__.strip("_"))
def test_a_planted_leak_is_found(
    template: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    plant: Callable[[pytest.MonkeyPatch], None],
) -> None:
    plant(monkeypatch)
    one, other = (play(template, tmp_path, number, SCRIPT, MADE) for number in (0, 1))
    assert any(PLANTS[plant] in each for each in one.who.found)
    if plant in {_thin_base, _total_minus_parts}:
        assert one.said != other.said
