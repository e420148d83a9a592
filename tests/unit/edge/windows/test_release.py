import ast
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

import edge
from edge.testing import NOTHING, a_site, a_visit
from edge.visits.values import Evidence, Outcome, PointId, Visit
from edge.windows.calendar import Period
from edge.windows.join import JoinedCell
from edge.windows.release import (
    HEAD_BYTES,
    LARGEST_SEQUENCE,
    Terms,
    cell_of,
    fitting,
    held_to,
    payload,
)
from edge.windows.tally import Tally
from firmware_cfg.codec import decode
from firmware_cfg.errors import MessageError
from firmware_cfg.histogram import Fate, Histogram
from firmware_cfg.messages import Cell, Coverage, Invalid, Level, Window
from firmware_cfg.sealing import opened, sealed_bytes

NINE = datetime(2027, 3, 1, 9, tzinfo=UTC)
COUNTER = PointId("counter-1")
EPOCH = "00000000000000aa"
HASHES = ("geometry_hash", "expectations_hash")


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


def ungreeted(visit: Visit) -> Visit:
    """The same stay, had nobody greeted it; a served one as it is."""
    if visit.service_started_s is not None:
        return visit
    ended = Outcome.ABANDONED if visit.stay.total_s >= 15 else Outcome.PASSED
    return replace(
        visit,
        greeted_s=None,
        greeting=None,
        interaction=NOTHING,
        outcome=ended if visit.departed_s is not None else visit.outcome,
        flawless=False if ended is Outcome.ABANDONED else None,
        evidence=Evidence.NONE,
    )


STAYS = st.builds(
    a_visit,
    st.floats(0, 1700).map(lambda at_s: round(at_s, 3)),
    stay_s=st.floats(6, 400).map(lambda stay_s: round(stay_s, 3)) | st.just(15.0),
    greeted_after_s=st.none() | st.floats(0, 5),
    served_after_s=st.none() | st.just(5.0),
    outcome=st.none() | st.just(Outcome.STILL_PRESENT),
    left_censored=st.booleans(),
)


@given(st.lists(STAYS, min_size=10, max_size=25))
def test_whether_who_left_had_been_greeted_changes_nothing_in_a_small_teams_cell(
    visits: list[Visit],
) -> None:
    worlds = (visits, [ungreeted(visit) for visit in visits])
    period = Period(NINE, NINE + timedelta(minutes=30))
    tallies = [sum(map(Tally.of_visit, world), Tally()) for world in worlds]
    cells = [
        cell_of(COUNTER, JoinedCell(Level.HALF_HOUR, period, one), terms(2)) for one in tallies
    ]
    assert cells[0] == cells[1]
    assert cells[0].outcomes.greeted_only == 0


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
    empty = payload(head(), EPOCH, 1, [], 1408)
    full = payload(head(), EPOCH, 2, [cell_of(COUNTER, joined(12), terms())], 1408)
    assert len(empty) == len(full) == 1408
    assert len(decode(Window, full).cells) == 1


def test_what_does_not_fit_waits_its_turn() -> None:
    spreads = (1.0 + 0.3 * n for n in range(20))
    cells = [cell_of(COUNTER, joined(400, greeted=200, spread_s=s), terms(3)) for s in spreads]
    small = replace(terms(3), message_bytes=2816)
    count = fitting(head(), cells, small)
    assert 1 <= count < 20
    assert len(payload(head(), EPOCH, 2**63 - 1, cells[:count], 2816)) == 2816
    with pytest.raises(MessageError, match="at most 1408 fit"):
        payload(head(), EPOCH, 2**63 - 1, cells[:count], 1408)


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
    small = replace(terms(3), message_bytes=1408)
    cell = cell_of(COUNTER, JoinedCell(huge.level, huge.period, wide), small)
    assert cell.stay.scale < 5
    assert fitting(longest_head(), [cell], small) == 1
    roomy = cell_of(COUNTER, JoinedCell(huge.level, huge.period, wide), terms(3))
    assert roomy.stay.scale == 5
    assert held_to(roomy, small) == cell


@pytest.mark.parametrize("seed", range(40))
def test_a_head_leaves_room_for_a_cell(seed: int) -> None:
    """However its names fall out; else a cell that fits alone would wait for ever."""
    wide = longest_head(seed).model_copy(update={"sequence": LARGEST_SEQUENCE})
    assert sealed_bytes(wide.model_dump_json().encode()) <= 600 < HEAD_BYTES - 32


SCALES = {
    (None, 100): (5, 5, 5),
    (None, 300): (4, 5, 5),
    (None, 1000): (3, 5, 5),
    (3, 100): (4, 5, 5),
    (3, 300): (2, 5, 5),
    (3, 1000): (2, 4, 5),
}


@pytest.mark.parametrize(("team_size", "visits"), SCALES)
def test_the_scale_that_a_busy_cell_gets_in_messages_of_three_sizes(
    team_size: int | None, visits: int
) -> None:
    """The table of docs/mqtt.md: durations spread as in a shop."""
    chance = Random(2)  # noqa: S311 -- repeatable
    tally = Tally()
    for _ in range(visits):
        served = chance.random() < 0.6
        tally += Tally.of_visit(
            a_visit(
                0.0,
                stay_s=round(chance.lognormvariate(5, 0.8) + 5, 3),
                greeted_after_s=round(chance.lognormvariate(2.5, 1), 3) if served else None,
                served_after_s=round(chance.lognormvariate(4, 0.9) + 5, 3) if served else None,
            )
        )
    one = JoinedCell(Level.HALF_HOUR, Period(NINE, NINE + timedelta(minutes=30)), tally)
    sizes = (1408, 2816, 6720)
    roomy = terms(team_size)
    cells = [cell_of(COUNTER, one, replace(roomy, message_bytes=size)) for size in sizes]
    assert tuple(cell.waiting.scale for cell in cells) == SCALES[team_size, visits]


def longest_head(seed: int = 1) -> Window:
    """As wide as a head can be, and hard to pack."""
    chance = Random(seed)  # noqa: S311 -- repeatable
    moments = [
        NINE + timedelta(seconds=chance.randrange(1700)) + timedelta(seconds=n) for n in range(16)
    ]
    invalid = tuple(
        Invalid(start=at, end=at + timedelta(seconds=1 + n), reason="configuration")
        for n, at in enumerate(moments)
    )
    names = {name: "".join(chance.choices("0123456789abcdef", k=64)) for name in HASHES}
    names["device"] = "".join(chance.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=63))
    model = "".join(chance.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=80))
    epoch = "".join(chance.choices("0123456789abcdef", k=16))
    updated = {"invalid": invalid, "model": model, "epoch": epoch, **names}
    return head().model_copy(update=updated)


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


@pytest.mark.parametrize("greeted", [0, 2, 5])
def test_a_held_cell_that_loses_its_staff_tells_of_no_greeting_either(greeted: int) -> None:
    brief = [
        a_visit(
            n,
            stay_s=8,
            greeted_after_s=2 if n < greeted else None,
            outcome=None if n < greeted else Outcome.PASSED,
        )
        for n in range(5)
    ]
    one = joined(12)
    tally = one.tally + sum(map(Tally.of_visit, brief), Tally())
    old = cell_of(COUNTER, JoinedCell(one.level, one.period, tally), terms(3))
    assert old.outcomes.passed == 5 - greeted
    stripped = held_to(old, terms(2))
    assert stripped is not None
    assert (stripped.outcomes.passed, stripped.outcomes.abandoned) == (5, 12)


def test_cells_and_window_messages_are_made_in_one_place() -> None:
    makers = set()
    for path in Path(edge.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = node.func if isinstance(node, ast.Call) else None
            if isinstance(name, ast.Name) and name.id in {Cell.__name__, Window.__name__}:
                makers.add((path.name, name.id))
    assert makers == {("release.py", "Cell"), ("release.py", "Window"), ("uplink.py", "Window")}


def test_no_payload_names_a_person_or_a_track() -> None:
    message = payload(head(), EPOCH, 1, [cell_of(COUNTER, joined(12), terms())], 1408)
    text = opened(message).decode()
    assert "track" not in text
    assert "arrived" not in text
