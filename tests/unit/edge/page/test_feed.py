"""Viewers get the newest of each part; a slow one delays nobody, least of all the appliance."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest

from edge.page.feed import MOST_WAITING, Feed
from edge.page.snapshot import Snapshot
from edge.testing import a_visit
from edge.visits.person import Role
from edge.visits.values import BlindSpan, Outcome
from tests.unit.edge.page.story import a_person, a_scene, members

Parts = dict[str, Any]


async def next_parts(updates: AsyncIterator[bytes]) -> Parts:
    """The events of the next chunk, by name."""
    parts: Parts = {}
    for block in (await anext(updates)).decode().strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines())
        if "event" in fields:
            parts[fields["event"]] = json.loads(fields["data"])
    return parts


async def first_parts(feed: Feed) -> tuple[AsyncIterator[bytes], Parts]:
    updates = feed.updates()
    await anext(updates)
    return updates, await next_parts(updates)


def test_a_viewer_gets_all_there_is_and_then_what_changes() -> None:
    async def tell() -> None:
        feed = Feed()
        visit = members(a_visit(80.0, stay_s=20.0, outcome=Outcome.STILL_PRESENT), 1, 2)
        people = (a_person(1, 700.04, 600.0), a_person(9, 1200.0, 300.0, Role.STAFF))
        feed.show(a_scene(100.0, visit, people=people))
        feed.take()
        updates, parts = await first_parts(feed)
        assert set(parts) == {"scene", "moments", "device"}
        assert parts["scene"]["people"] == [[1, 700.0, 600.0, "customer"], [9, 1200, 300, "staff"]]
        assert parts["scene"]["parties"] == [
            {
                "tag": 1,
                "size": 2,
                "point": "counter-1",
                "members": [1, 2],
                "arrived_s": 80.0,
                "greeted_s": None,
                "served_s": None,
                "departed_s": None,
                "already_here": False,
            }
        ]
        assert [moment["kind"] for moment in parts["moments"]] == ["arrived"]
        assert parts["device"]["released"]["zh"].startswith("目前 3 组")
        feed.show(a_scene(100.1, visit, people=people))
        feed.take()
        assert set(await next_parts(updates)) == {"scene"}

    asyncio.run(tell())


def test_a_snapshot_with_nothing_in_it_is_shown() -> None:
    async def tell() -> None:
        feed = Feed()
        feed.show(Snapshot(0.0, new_events=(BlindSpan(0.0, 1.0),), link="no broker"))
        feed.take()
        _, parts = await first_parts(feed)
        assert parts["scene"] == {"at_s": 0.0, "people": [], "parties": []}
        assert parts["moments"] == []
        assert parts["device"]["link"] == {"en": "no broker", "zh": "no broker"}

    asyncio.run(tell())


def test_a_slow_viewer_skips_to_the_newest() -> None:
    async def tell() -> None:
        feed = Feed()
        feed.show(a_scene(1.0))
        feed.take()
        updates, _ = await first_parts(feed)
        for second in range(2, 500):
            feed.show(a_scene(float(second)))
            feed.take()
        assert (await next_parts(updates))["scene"]["at_s"] == 499.0

    asyncio.run(tell())


def test_final_visits_between_two_ticks_are_all_told() -> None:
    feed = Feed()
    for number in range(20):
        done = members(a_visit(float(number), stay_s=10.0), number)
        feed.show(Snapshot(100.0 + number, new_events=(done,)))
    feed.take()
    assert len({moment.party for moment in feed._log.moments}) == 20


def test_nobody_empties_the_inbox_and_it_stays_small() -> None:
    feed = Feed()
    for second in range(10 * MOST_WAITING):
        feed.show(a_scene(float(second)))
    assert len(feed._inbox) == MOST_WAITING


def test_a_fault_of_the_page_is_logged_and_ends_there(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.page.feed.PAUSE_S", 0.0)

    async def tell() -> None:
        feed = Feed()
        pump = asyncio.create_task(feed.pump())
        feed.show(a_scene(float("nan"), people=(None,)))  # type: ignore[arg-type]
        await asyncio.sleep(0.15)
        feed.show(a_scene(2.0))
        await asyncio.sleep(0.15)
        _, parts = await first_parts(feed)
        assert parts["scene"]["at_s"] == 2.0
        feed.closing = True
        await pump

    with caplog.at_level(logging.ERROR):
        asyncio.run(tell())
    assert [record.message for record in caplog.records] == ["page.snapshot_not_shown"]


def test_closing_ends_every_viewers_stream() -> None:
    async def tell() -> None:
        feed = Feed()
        pump = asyncio.create_task(feed.pump())
        updates = feed.updates()
        await anext(updates)
        feed.closing = True
        assert [chunk async for chunk in updates] == []
        await pump

    asyncio.run(tell())
