import ast
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

import edge
from edge.testing import a_site, a_visit
from edge.visits.values import PointId
from edge.windows.calendar import Period
from edge.windows.join import JoinedCell
from edge.windows.release import Terms, cell_of, fitting, held_to, payload
from edge.windows.tally import Tally
from firmware_cfg.histogram import Fate, Histogram
from firmware_cfg.messages import WINDOW_BYTES, Cell, Coverage, Level, Window, decode

NINE = datetime(2027, 3, 1, 9, tzinfo=UTC)
COUNTER = PointId("counter-1")
EPOCH = "00000000000000aa"


def terms(team_size: int | None = None, k: int = 10) -> Terms:
    return Terms.of(a_site(privacy={"team_size": team_size}), k)


def joined(visits: int, *, greeted: int = 0, spread_s: float = 0.1) -> JoinedCell:
    tally = sum(
        (
            Tally.of_visit(
                a_visit(n, stay_s=60 + n * spread_s, greeted_after_s=3 if n < greeted else None)
            )
            for n in range(visits)
        ),
        Tally(),
    )
    return JoinedCell(Level.HALF_HOUR, Period(NINE, NINE + timedelta(minutes=30)), tally)


def head() -> Window:
    return Window(
        device="kiosk-7",
        epoch=EPOCH,
        sequence=1,
        start=NINE,
        end=NINE + timedelta(minutes=30),
        definition_version=1,
        geometry_hash="0" * 64,
        expectations_hash="0" * 64,
        model="nanodet",
        coverage=Coverage.FULL,
        clock="rtc",
    )


def test_fewer_than_k_visits_make_no_cell() -> None:
    with pytest.raises(ValidationError, match="at least k"):
        cell_of(COUNTER, joined(9), terms())


@pytest.mark.parametrize("team_size", [None, 1, 2])
def test_a_small_or_undeclared_team_has_no_figures_and_greeted_is_not_told_apart(
    team_size: int | None,
) -> None:
    cell = cell_of(COUNTER, joined(12, greeted=5), terms(team_size))
    assert cell.staff is None
    assert (cell.outcomes.greeted_only, cell.outcomes.abandoned) == (0, 12)


def test_a_team_of_three_has_its_figures() -> None:
    cell = cell_of(COUNTER, joined(12, greeted=5), terms(3))
    assert cell.staff is not None
    assert cell.staff.greeting.histogram().total() == 12
    assert (cell.outcomes.greeted_only, cell.outcomes.abandoned) == (5, 7)


@pytest.mark.parametrize(("visits", "scale"), [(10, 1), (30, 3), (100, 5)])
def test_histograms_are_coarser_where_few_visits_are(visits: int, scale: int) -> None:
    assert cell_of(COUNTER, joined(visits), terms()).stay.scale == scale


def test_a_message_has_the_same_size_whether_there_is_anything_to_say() -> None:
    empty = payload(head(), EPOCH, 1, [])
    full = payload(head(), EPOCH, 2, [cell_of(COUNTER, joined(12), terms())])
    assert len(empty) == len(full) == WINDOW_BYTES
    assert len(decode(Window, full).cells) == 1


def test_what_does_not_fit_waits_its_turn() -> None:
    cell = cell_of(COUNTER, joined(400, greeted=200, spread_s=3.0), terms(3))
    cells = [cell] * 20
    count = fitting(head(), cells)
    assert 1 <= count < 20
    assert len(payload(head(), EPOCH, 2**63 - 1, cells[:count])) == WINDOW_BYTES


def test_a_cell_too_large_for_any_message_gets_coarser() -> None:
    huge = joined(1)
    counts = dict.fromkeys(range(-120, 420), 1000000)
    from_each = dict.fromkeys(("event", "left", "censored"), counts)
    tally = joined(20_000, spread_s=0.0).tally
    wide = Tally(
        outcomes=tally.outcomes,
        waiting=_histogram(from_each),
        greeting=_histogram(from_each),
        stay=_histogram(from_each),
        interaction=_histogram(from_each),
    )
    cell = cell_of(COUNTER, JoinedCell(huge.level, huge.period, wide), terms(3))
    assert cell.stay.scale < 5
    assert fitting(head(), [cell]) == 1


def _histogram(counts: dict[str, dict[int, int]]) -> Histogram:
    return Histogram(5, {Fate(fate): dict.fromkeys(found, 40) for fate, found in counts.items()})


def test_a_cell_of_an_earlier_run_is_held_to_the_terms_now_in_force() -> None:
    old = cell_of(COUNTER, joined(12, greeted=5), terms(3))
    assert held_to(old, terms(3)) == old
    assert held_to(old, terms(3, k=13)) is None
    stripped = held_to(old, terms(2))
    assert stripped is not None
    assert stripped.staff is None
    assert stripped.outcomes.greeted_only == 0


def test_cells_and_window_messages_are_made_in_one_place() -> None:
    makers = set()
    for path in Path(edge.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = node.func if isinstance(node, ast.Call) else None
            if isinstance(name, ast.Name) and name.id in {Cell.__name__, Window.__name__}:
                makers.add((path.name, name.id))
    assert makers == {("release.py", "Cell"), ("release.py", "Window"), ("uplink.py", "Window")}


def test_no_payload_names_a_person_or_a_track() -> None:
    message = payload(head(), EPOCH, 1, [cell_of(COUNTER, joined(12), terms())])
    text = message.decode()
    assert "track" not in text
    assert "arrived" not in text
