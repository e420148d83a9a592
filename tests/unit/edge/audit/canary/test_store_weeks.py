"""A store's week beside its points' cells: their sum to the last figure, or it hides a cell."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import pytest

from edge.audit.canary.checks import named
from edge.audit.canary.listener import Published
from edge.audit.finding import Status
from edge.audit.messages_check import Terms, check_messages
from edge.testing import SQUARE, a_site
from edge.visits.values import Pattern, PointId
from firmware_cfg.cells import PointKind, WeekFigures
from firmware_cfg.topics import Kind, topic
from tests.audit.release import test_week_attack
from tests.unit.edge.audit.canary.test_messages_check import AT_S, TERMS, Fields, cell, window

EARLY, MIDDLE, LATE = "2026-03-30T03:30:00Z", "2026-03-30T03:45:00Z", "2026-03-30T04:00:00Z"
BUCKETS = {"scale": 1, "event": {"4": 12}, "left": {}, "censored": {}}


def part(start: str, end: str, point: str = "busy", **changes: Any) -> Fields:
    return cell(start=start, end=end, point=point, waiting=BUCKETS, **changes)


def week(visits: int, start: str = EARLY, end: str = LATE, **changes: Any) -> Fields:
    told: Fields = WeekFigures(attended_percent=50).model_dump(mode="json")
    fields: Fields = {
        "point": "all-points",
        "kind": "store",
        "level": "week",
        "visits": visits,
        "observed_s": visits / 12,
        "waiting": {"scale": 1, "event": {"4": visits}, "left": {}, "censored": {}},
        "week": told,
    }
    return cell(start=start, end=end, **fields | changes)


PARTS = (part(EARLY, MIDDLE), part(MIDDLE, LATE))
OF_TWO_POINTS = (*PARTS, part(EARLY, LATE, "quiet"))
HONEST: dict[str, tuple[Fields, ...]] = {
    "the sum of its point's cells": (*PARTS, week(24)),
    "it comes before them": (week(24), *PARTS),
    "of all points": (*OF_TWO_POINTS, week(36)),
    "without a point whose end is in the next week": (
        *PARTS,
        part(EARLY, "2026-03-30T04:30:00Z", "quiet"),
        week(24),
    ),
    "without a point whose beginning is missing": (*PARTS, part(MIDDLE, LATE, "quiet"), week(24)),
    "twice, as it was": (*PARTS, week(24), week(24)),
    "coarser histograms": (
        *PARTS,
        week(24, waiting={"scale": 0, "event": {"2": 24}, "left": {}, "censored": {}}),
    ),
}
HIDING: dict[str, tuple[Fields, ...]] = {
    "three visits more": (*PARTS, week(27)),
    "thirteen visits more": (*PARTS, week(37)),
    "three visits fewer": (*PARTS, week(21)),
    "part of a point's week": (*OF_TWO_POINTS, week(30)),
    "no cell of any point": (week(24),),
    "a part that is missing": (PARTS[1], week(24)),
    "passers-by of another cell": (*PARTS, week(24, passers_by=2)),
    "another who was there before": (*PARTS, week(24, left_censored=1)),
    "other outcomes": (
        *PARTS,
        week(24) | {"outcomes": {**cell()["outcomes"], "abandoned": 22, "served": 2}},
    ),
    "seconds of another cell": (*PARTS, week(24, observed_s=300.0)),
    "waiting of another cell": (
        *PARTS,
        week(24, waiting={"scale": 1, "event": {"4": 23, "5": 1}, "left": {}, "censored": {}}),
    ),
    "finer histograms": (
        *PARTS,
        week(24, waiting={"scale": 2, "event": {"8": 24}, "left": {}, "censored": {}}),
    ),
}


@pytest.mark.parametrize("name", HONEST)
def test_the_union_of_whole_cells_holds(name: str) -> None:
    found = named(check_messages([window(*HONEST[name])], TERMS))
    assert found["messages.cells"].status is Status.HOLDS, found["messages.cells"].evidence
    assert found["messages.schema"].status is Status.HOLDS, found["messages.schema"].evidence


@pytest.mark.parametrize("name", HIDING)
def test_a_store_s_week_that_hides_a_cell_is_named(name: str) -> None:
    found = named(check_messages([window(*HIDING[name])], TERMS))
    assert found["messages.schema"].status is Status.HOLDS, found["messages.schema"].evidence
    assert found["messages.cells"].status is Status.FAILS
    assert "whole cells" in found["messages.cells"].evidence[0]


def test_its_parts_may_have_come_in_other_messages() -> None:
    messages = [window(one, sequence=n) for n, one in enumerate((*PARTS, week(24)), start=1)]
    assert named(check_messages(messages, TERMS))["messages.cells"].status is Status.HOLDS
    found = named(check_messages(messages[1:], TERMS))["messages.cells"]
    assert found.status is Status.FAILS


@pytest.mark.parametrize(("team_size", "agreement"), [(2, None), (2, "a"), (5, "a")])
@pytest.mark.parametrize("a_day", [60, 100])
def test_weeks_of_a_real_device_of_two_counters_hold(
    a_day: int, team_size: int, agreement: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = a_site(
        privacy={"team_size": team_size, "k": 10, "pattern_agreement": agreement},
        store=test_week_attack.SITE.store.model_dump(),
        queue=[],
        service_point=[
            {"id": name, "service_zone_px": SQUARE, "staff_zone_px": SQUARE}
            for name in ("counter-1", "counter-2")
        ],
    )
    monkeypatch.setattr(test_week_attack, "SITE", site)
    random = Random(a_day)  # noqa: S311 -- visits
    visits = test_week_attack.a_week(random, a_day, 0.5)
    other = test_week_attack.a_week(random, 25, 0.5)
    visits += [replace(one, service_point=PointId("counter-2")) for one in other]
    visits = [
        one if one.greeted_s is None else replace(one, pattern=random.choice(tuple(Pattern)))
        for one in visits
    ]
    payloads, cells = test_week_attack.released(visits)
    assert any(one.kind is PointKind.STORE for one in cells)
    name = topic(site.device.id, Kind.WINDOW)
    sent = [Published(AT_S, name, payload, retained=False) for payload in payloads]
    terms = Terms(site.device.id, 10, 1800, 2, frozenset({"counter-1", "counter-2"}), "nanodet")
    assert named(check_messages(sent, terms))["messages.cells"].evidence == ()
