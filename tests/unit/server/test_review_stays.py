"""Where a device stood when, told by what it watched."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest

from server.stays import Stay, stays
from server.testing import MONDAY

A, B, C = (UUID(int=number) for number in (1, 2, 3))


def at(day: int | None) -> datetime | None:
    return None if day is None else MONDAY + timedelta(days=day)


def stay(store_id: UUID, start: int | None, end: int | None) -> Stay:
    return Stay(store_id, at(start), at(end))


@pytest.mark.parametrize(
    ("watched", "now_in", "found"),
    [
        ([], A, [(A, None, None)]),
        ([(A, 1, None)], A, [(A, None, None)]),
        ([(A, 1, 5)], A, [(A, None, None)]),
        ([(A, 1, 5), (A, 1, 3), (A, 7, 9)], B, [(A, None, 9), (B, 9, None)]),
        ([(A, 1, 5), (B, 5, None)], B, [(A, None, 5), (B, 5, None)]),
        ([(A, 1, 5), (C, 7, None)], C, [(A, None, 5), (C, 7, None)]),
        ([(A, 1, 3), (B, 3, 6), (A, 6, None)], A, [(A, None, 3), (B, 3, 6), (A, 6, None)]),
        ([(A, 1, None)], B, [(A, None, None)]),
    ],
)
def test_stays(
    watched: list[tuple[UUID, int, int | None]],
    now_in: UUID,
    found: list[tuple[UUID, int | None, int | None]],
) -> None:
    wanted = tuple(stay(*one) for one in found)
    assert stays([stay(*one) for one in watched], now_in) == wanted
    for day in range(12):
        assert sum(one.holds(MONDAY + timedelta(days=day)) for one in wanted) <= 1
