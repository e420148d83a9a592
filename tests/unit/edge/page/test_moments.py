"""Moments are told once, corrected when the past is, and taken back when it was not so."""

from dataclasses import replace

from edge.page.moments import MOST_MOMENTS, WITHDRAWN_S, Kind, MomentLog
from edge.testing import a_visit
from edge.visits.values import Outcome, PasserBy, PointId, Visit
from tests.unit.edge.page.story import lasting, members

HERE = Outcome.STILL_PRESENT


def a_couple(
    stay_s: float, *, greeted_after_s: float | None = None, served_after_s: float | None = None
) -> Visit:
    visit = a_visit(
        100.0,
        stay_s=stay_s,
        greeted_after_s=greeted_after_s,
        served_after_s=served_after_s,
        outcome=HERE,
    )
    return members(visit, 1, 2)


def kinds(log: MomentLog) -> list[Kind]:
    return [moment.kind for moment in reversed(log.moments)]


def test_couple_arrives_is_greeted_served_and_leaves() -> None:
    log = MomentLog()
    log.update(106.0, (), (a_couple(6.0),))
    log.update(120.0, (), (a_couple(20.0, greeted_after_s=18.0),))
    log.update(150.0, (), (a_couple(50.0, greeted_after_s=18.0, served_after_s=42.0),))
    done = members(a_visit(100.0, stay_s=200.0, greeted_after_s=18.0, served_after_s=42.0), 1, 2)
    log.update(340.0, (done,), ())
    assert kinds(log) == [Kind.ARRIVED, Kind.GREETED, Kind.SERVICE_STARTED, Kind.DEPARTED]
    assert [m.after_s for m in reversed(log.moments)] == [None, 18.0, 42.0, 200.0]
    assert {m.party for m in log.moments} == {1}
    assert all(m.settled and not m.corrected and m.withdrawn_s is None for m in log.moments)
    assert log.moments[0].outcome is Outcome.SERVED
    assert {m.size for m in log.moments} == {2}


def test_the_same_snapshot_again_changes_nothing() -> None:
    log = MomentLog()
    log.update(120.0, (), (a_couple(20.0, greeted_after_s=18.0),))
    before = log.revision, log.moments
    log.update(121.0, (), (a_couple(21.0, greeted_after_s=18.0),))
    assert (log.revision, log.moments) == before


def test_later_evidence_corrects_a_greeting_in_its_place() -> None:
    log = MomentLog()
    log.update(120.0, (), (a_couple(20.0, greeted_after_s=18.0),))
    number = log.moments[0].number
    log.update(121.0, (), (a_couple(21.0, greeted_after_s=9.0),))
    assert [m.number for m in log.moments if m.kind is Kind.GREETED] == [number]
    assert log.moments[0].at_s == 109.0
    assert log.moments[0].corrected


def test_who_turns_out_to_be_staff_is_taken_back_and_then_forgotten() -> None:
    log = MomentLog()
    log.update(106.0, (), (a_couple(6.0),))
    log.update(107.0, (), ())
    assert [m.withdrawn_s for m in log.moments] == [107.0]
    log.update(107.1 + WITHDRAWN_S, (), ())
    assert log.moments == []


def test_who_is_taken_back_wrongly_stands_again_under_the_same_tag() -> None:
    log = MomentLog()
    log.update(106.0, (), (a_couple(6.0),))
    log.update(107.0, (), ())
    shown = log.update(108.0, (), (a_couple(8.0),))
    assert [party.tag for party in shown] == [1]
    assert [(m.number, m.withdrawn_s) for m in log.moments] == [(1, None)]


def test_a_step_out_of_the_zone_is_told_late_and_taken_back_on_return() -> None:
    log = MomentLog()
    away = replace(a_couple(20.0), departed_s=120.0, outcome=Outcome.ABANDONED)
    log.update(121.0, (), (away,))
    assert kinds(log) == [Kind.ARRIVED]
    log.update(124.0, (), (away,))
    assert kinds(log) == [Kind.ARRIVED, Kind.DEPARTED]
    log.update(126.0, (), (a_couple(26.0),))
    assert [m.kind for m in log.moments if m.withdrawn_s is not None] == [Kind.DEPARTED]


def test_two_parties_found_to_be_one_keep_the_first_tag() -> None:
    log = MomentLog()
    one = members(a_visit(100.0, stay_s=6.0, outcome=HERE), 1)
    two = members(a_visit(102.0, stay_s=5.0, outcome=HERE), 2)
    assert [party.tag for party in log.update(107.0, (), (one, two))] == [1, 2]
    both = replace(one, members=(*one.members, *two.members), party_size=2)
    assert [party.tag for party in log.update(108.0, (), (both,))] == [1]
    assert [(m.party, m.withdrawn_s) for m in log.moments] == [(2, 108.0), (1, None)]
    assert log.moments[-1].size == 2


def test_a_final_visit_that_is_still_listed_as_open_is_told_once() -> None:
    log = MomentLog()
    open_visit = a_couple(60.0)
    done = members(a_visit(100.0, stay_s=60.0), 1, 2)
    assert log.update(190.0, (done,), (open_visit,)) == []
    assert log.update(191.0, (), (open_visit,)) == []
    assert kinds(log) == [Kind.ARRIVED, Kind.DEPARTED]


def test_who_comes_back_later_is_a_new_party() -> None:
    log = MomentLog()
    log.update(190.0, (members(a_visit(100.0, stay_s=60.0), 1),), ())
    again = members(a_visit(180.0, stay_s=10.0, outcome=HERE), 1)
    assert [party.tag for party in log.update(190.5, (), (again,))] == [2]


def test_already_there_and_the_end_of_seeing_are_said_so() -> None:
    log = MomentLog()
    there = members(a_visit(0.0, stay_s=80.0, left_censored=True, outcome=HERE), 4)
    log.update(80.0, (there,), ())
    assert kinds(log) == [Kind.ALREADY_HERE, Kind.DEPARTED]
    assert log.moments[0].outcome is HERE


def test_a_passer_by_is_one_settled_line() -> None:
    log = MomentLog()
    log.update(50.0, (PasserBy(PointId("queue-1"), 20.0),), ())
    assert [(m.kind, m.party, m.settled) for m in log.moments] == [(Kind.PASSER_BY, 0, True)]


def test_the_list_is_bounded_and_a_long_open_visit_stays_quiet() -> None:
    log = MomentLog()
    log.update(6.0, (), (members(a_visit(0.0, stay_s=6.0, outcome=HERE), 1),))
    for second in range(10, 10 + 2 * MOST_MOMENTS):
        there = lasting(members(a_visit(0.0, outcome=HERE), 1), float(second))
        log.update(float(second), (PasserBy(PointId("queue-1"), second - 1.0),), (there,))
    assert len(log.moments) == MOST_MOMENTS
    assert {m.kind for m in log.moments} == {Kind.PASSER_BY}


def test_a_camera_that_starts_anew_clears_the_list() -> None:
    log = MomentLog()
    log.update(106.0, (), (a_couple(6.0),))
    log.update(1.0, (), ())
    assert log.moments == []
