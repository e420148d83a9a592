"""The definitions' rules as tables: engagements, service, outcome, flawless, pattern, place."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from edge.tracking.track import TrackId
from edge.visits.intervals import Log
from edge.visits.moments import Judge, engagements_of
from edge.visits.parties import PairEvidence, together
from edge.visits.stay import Stay
from edge.visits.values import Outcome, PasserBy, Pattern, Visit
from edge.visits.zones import ZoneMap
from firmware_cfg.site import Encounter, Site

QUEUE, SERVICE = 1, 2
STAFF = TrackId(99)
TERMS = Encounter()
ZONES = ZoneMap(
    Site.model_validate(
        {
            "camera": {"size_px": (1000, 800)},
            "queue": [{"id": "q", "zone_px": [(0, 600), (900, 600), (900, 700), (0, 700)]}],
            "service_point": [
                {
                    "id": "c",
                    "service_zone_px": [(0, 400), (600, 400), (600, 500), (0, 500)],
                    "staff_zone_px": [(0, 100), (600, 100), (600, 200), (0, 200)],
                }
            ],
        }
    )
)

Parts = Sequence[tuple[float, float]]


def stay(
    queue: Parts,
    service: Parts = (),
    attended: Parts = (),
    hidden: Parts = (),
    number: int = 1,
) -> Stay:
    """A closed stay that was in the zones, and attended to, at these times."""
    present = sorted([*queue, *service])
    first_s, last_s = present[0][0], present[-1][1]
    made = Stay(number, TrackId(number), first_s, False, (0.0, 0.0), last_s, closed=True)
    made.seen = log([(first_s, last_s)])
    made.present = log(present)
    made.zones = {bit: log(p) for bit, p in ((QUEUE, queue), (SERVICE, service)) if p}
    made.called = (service[0][0], SERVICE) if service else None
    made.attention_hidden = log(hidden)
    made.attended = {STAFF: log(attended)} if attended else {}
    return made


def log(parts: Parts) -> Log:
    """A log that held at these times."""
    made = Log()
    made.parts = list(parts)
    return made


@pytest.mark.parametrize(
    ("attended", "hidden", "parts"),
    [
        ([(10, 20)], [], [(10, 20)]),
        ([(10, 20), (23, 30)], [], [(10, 30)]),  # engagement_gap_s
        ([(10, 20), (23.1, 30)], [], [(10, 20), (23.1, 30)]),
        ([(10, 20), (29, 40)], [(20, 29)], [(10, 40)]),  # hidden_bridge_s
        ([(10, 20), (31, 40)], [(20, 31)], [(10, 20), (31, 40)]),
        ([(10, 20), (31, 40)], [(21, 30)], [(10, 40)]),  # 2 s seen, 9 s hidden
        ([(10, 11.9)], [], []),  # min_engagement_s
        ([(10, 12)], [], [(10, 12)]),
        ([(10, 10.5)], [(6, 10)], [(6, 10.5)]),  # hidden right before
        ([(10, 10.5)], [(10.5, 30)], [(10, 10.5)]),  # nobody saw it end
    ],
)
def test_engagements(attended: Parts, hidden: Parts, parts: Parts) -> None:
    one = stay([(0, 50)], attended=attended, hidden=hidden)
    assert engagements_of([one], [], TERMS).parts == parts


def test_blind_time_is_bridged_like_hidden_time() -> None:
    one = stay([(0, 50)], attended=[(10, 20), (28, 40)])
    assert engagements_of([one], [(20, 28)], TERMS).parts == [(10, 40)]


def test_two_staff_make_one_engagement() -> None:
    one = stay([(0, 50)], attended=[(10, 20)])
    one.attended[TrackId(98)] = log([(15, 30)])
    assert engagements_of([one], [], TERMS).parts == [(10, 30)]


def visit(*stays: Stay, now_s: float = 500.0) -> Visit:
    made = Judge(ZONES, TERMS).conclude(stays, now_s, [])
    assert isinstance(made, Visit)
    return made


@pytest.mark.parametrize(
    ("one", "outcome", "flawless"),
    [
        (stay([(0, 20)], [(20, 60)], [(20, 60)]), Outcome.SERVED, True),
        (stay([(0, 40)], [(40, 60)], [(40, 60)]), Outcome.SERVED, False),  # greet_within_s
        (stay([(0, 200)], [(200, 260)], [(20, 30), (200, 260)]), Outcome.SERVED, False),
        (stay([(0, 9)], [(10, 80)], [(10, 30), (50, 80)]), Outcome.SERVED, False),  # interrupted
        (stay([(0, 30)], [], [(10, 20)]), Outcome.GREETED_ONLY, False),
        (stay([(0, 20)], [(20, 24)], [(20, 24)]), Outcome.GREETED_ONLY, False),  # min_service_s
        (stay([(0, 15)]), Outcome.ABANDONED, False),
        (stay([(0, 14.9)]), Outcome.PASSED, None),
    ],
)
def test_outcome_and_flawless(one: Stay, outcome: Outcome, flawless: bool | None) -> None:
    made = visit(one)
    assert (made.outcome, made.flawless) == (outcome, flawless)


def test_still_present_takes_precedence() -> None:
    one = stay([(0, 20)], [(20, 60)], [(20, 60)])
    one.still_present = True
    made = visit(one, now_s=60.0)
    assert (made.outcome, made.flawless, made.departed_s) == (Outcome.STILL_PRESENT, None, None)
    assert made.service_started_s == 20


def test_already_there_has_no_waiting() -> None:
    one = stay([(0, 20)], [(20, 60)], [(20, 60)])
    one.left_censored = True
    made = visit(one)
    assert (made.waiting, made.greeting, made.flawless) == (None, None, None)
    assert made.service_started_s == 20


def test_short_presence_is_a_passer_by_under_its_point() -> None:
    made = Judge(ZONES, TERMS).conclude([stay([(3, 7.9)])], 99.0, [])
    assert made == PasserBy(ZONES.counters[0].point, 3)


def test_gaps_in_presence_do_not_count_as_presence() -> None:
    made = Judge(ZONES, TERMS).conclude([stay([(3, 5), (20, 22)])], 99.0, [])
    assert isinstance(made, PasserBy)


@pytest.mark.parametrize(
    ("attended", "share", "pattern"),
    [
        ([(10, 60)], 0.0, Pattern.REACTIVE),
        ([(10, 60)], 0.6, Pattern.PROACTIVE),
        ([(0, 16), (20, 36), (40, 60)], 0.0, Pattern.INTERACTIVE),
        ([(0, 12), (30, 40), (50, 60)], 0.9, Pattern.PROACTIVE),  # engaged 53 %
        ([], 0.9, None),
    ],
)
def test_pattern(attended: Parts, share: float, pattern: Pattern | None) -> None:
    one = stay([(0, 10)], [(10, 60)], attended)
    one.staff_closing.append((attended[0][0] if attended else 0.0, share))
    assert visit(one).pattern is pattern


@pytest.mark.parametrize("gap_s", [14.9, 15.0])
def test_interruptions(gap_s: float) -> None:
    one = stay([(0, 9)], [(10, 80)], [(10, 30), (30 + gap_s, 80)])
    assert visit(one).interruptions == (gap_s >= 15)


def test_a_gap_that_nobody_saw_is_no_interruption() -> None:
    one = stay([(0, 9)], [(10, 80)], [(10, 30), (48, 80)], hidden=[(30, 48)])
    assert visit(one).interruptions == 0


def test_a_visit_without_service_counts_under_what_its_queue_feeds() -> None:
    made = visit(stay([(0, 30)]))
    assert (made.service_point, made.queue) == ("c", "q")


NEAR = PairEvidence(common_s=30, near_s=28)


@pytest.mark.parametrize(
    ("first", "second", "evidence", "one_party"),
    [
        (stay([(0, 40)]), stay([(6, 42)], number=2), NEAR, True),
        (stay([(0, 40)]), stay([(6, 42)], number=2), PairEvidence(30, 14), False),  # far apart
        (stay([(0, 40)]), stay([(6, 60)], number=2), NEAR, False),  # one left, one stayed
        (stay([(0, 40)]), stay([(6, 42)], number=2), PairEvidence(30, 28, 5.1), False),  # in turn
        (stay([(0, 40)]), stay([(9, 40.5)], number=2), NEAR, True),  # joined, and gone together
        (stay([(0, 40)]), stay([(9, 60)], number=2), NEAR, False),  # neither
        (stay([(0, 20)], [(20, 60)]), stay([(9, 22)], [(22, 62)], number=2), NEAR, True),
        (
            stay([(0, 20)], [(20, 60)]),
            stay([(9, 28)], [(28, 62)], number=2),
            PairEvidence(30, 28, 8),
            False,  # called one after the other
        ),
        (stay([(0, 40)]), stay([(6, 42)], number=2), PairEvidence(0.5, 0.5), False),
    ],
)
def test_parties(first: Stay, second: Stay, evidence: PairEvidence, one_party: bool) -> None:
    assert together(first, second, evidence, TERMS, now_s=100.0) is one_party


@pytest.mark.parametrize(("gap_s", "one_party"), [(8, False), (20, True)])
def test_how_far_apart_a_party_may_arrive_is_set(gap_s: float, one_party: bool) -> None:
    terms = TERMS.model_copy(update={"party_gap_s": gap_s})
    first, second = stay([(0, 40)]), stay([(9, 43)], number=2)
    assert together(first, second, NEAR, terms, now_s=100.0) is one_party
