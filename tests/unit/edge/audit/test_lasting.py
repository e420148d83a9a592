"""Looking again and again: when, how often, and that the worst is what is told."""

from __future__ import annotations

import pytest

from edge.audit.finding import Finding, Part, Status, Words
from edge.audit.running.lasting import Look, again, worst_of

HOLDS, FAILS, UNSEEN = Status.HOLDS, Status.FAILS, Status.NOT_CHECKED


def finding(status: Status, check: str = "edge.sockets") -> Finding:
    return Finding(check, Part.RUNNING, status, Words("how", "如何"), Words(status.value, "甲"))


def looks(*statuses: Status) -> list[Look]:
    return [Look((finding(one),), "vision 1, edge 2") for one in statuses]


CASES = (
    ((HOLDS, HOLDS), HOLDS),
    ((HOLDS, FAILS, HOLDS), FAILS),
    ((UNSEEN, HOLDS), UNSEEN),
    ((FAILS, UNSEEN), FAILS),
)


@pytest.mark.parametrize(("statuses", "worst"), CASES)
@pytest.mark.parametrize("first", [HOLDS, FAILS])
def test_the_worst_is_told(statuses: tuple[Status, ...], worst: Status, first: Status) -> None:
    told = {one.check: one for one in worst_of((finding(first),), looks(*statuses), 2)}
    assert told["edge.sockets"].status is (FAILS if first is FAILS else worst)
    assert f"The worst of {len(statuses) + 1} looks." in told["edge.sockets"].found.en
    assert told["device.over_time"].status is HOLDS
    assert told["device.over_time"].found.en.startswith(f"{len(statuses)} looks more in 2 hours")


def test_what_is_not_repeated_stays_and_what_is_new_is_told() -> None:
    other, late = finding(HOLDS, "model.file"), finding(FAILS, "relay.sockets")
    told = worst_of((other,), [Look((late,), "vision 1")], 1)
    assert told[0] is other
    assert [one.check for one in told] == ["model.file", "relay.sockets", "device.over_time"]


def test_a_device_that_went_away_is_told() -> None:
    restarted = Look((finding(HOLDS),), "vision 9, edge 2")
    told = worst_of((finding(HOLDS),), [*looks(HOLDS), Look((), "edge 2"), restarted], 1)
    assert "in 1 of them the device did not run whole" in told[-1].found.en
    assert len(told[-1].evidence) == 3
    assert worst_of((), [Look((), "none")], 1)[-1].status is UNSEEN


@pytest.mark.parametrize(("for_s", "takes_s", "count"), [(0, 1, 1), (60, 1, 2), (600, 5, 11)])
def test_it_looks_once_a_minute(for_s: float, takes_s: float, count: int) -> None:
    now_s = [100.0]
    began: list[float] = []

    def look() -> Look:
        began.append(now_s[0])
        now_s[0] += takes_s
        return Look((), "")

    def sleep(seconds: float) -> None:
        now_s[0] += seconds

    found = list(again(look, for_s, clock=lambda: now_s[0], sleep=sleep))
    assert len(found) == count
    assert began == [100.0 + 60 * number for number in range(count)]
