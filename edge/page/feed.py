"""From snapshots to what every viewer is sent: the newest of each part, never a backlog.

The appliance's thread only drops snapshots into a bounded inbox. The page's own loop empties
it at most `TICK_S` apart, and viewers fetch the newest version of each part when they can
take it: a slow viewer misses what is old, and delays nobody.
"""

import asyncio
import json
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from edge.page.moments import Moment, MomentLog, OpenParty
from edge.page.snapshot import Said, Snapshot, Words
from edge.visits.values import PasserBy, Visit

LOG = logging.getLogger(__name__)
TICK_S = 0.1
PING_S = 5.0
PAUSE_S = 5.0
MOST_WAITING = 256

Follower = Callable[[Snapshot, float], None]
"""Told of every snapshot, with the monotonic time at which it was shown, seconds."""


@dataclass(slots=True)
class Part:
    """One part of what is shown, ready to be sent; `version` 0: nothing yet."""

    version: int = 0
    block: bytes = b""


class Feed:
    """The state of the page; `show` is for any thread, all else for the page's loop.

    Args:
        follower: is told of every snapshot too.
    """

    def __init__(self, follower: Follower | None = None) -> None:
        self.closing = False
        self._follower = follower
        self._inbox: deque[tuple[Snapshot, float]] = deque(maxlen=MOST_WAITING)
        self._log = MomentLog()
        self._revision = -1
        self._device: dict[str, object] = {}
        self._parts = {"device": Part(), "moments": Part(), "scene": Part()}
        self._news = asyncio.Event()

    def show(self, snapshot: Snapshot) -> None:
        """Drop a snapshot into the inbox; the oldest leaves where nobody empties it."""
        self._inbox.append((snapshot, time.monotonic()))

    async def pump(self) -> None:
        """Empty the inbox, until `closing`; a fault of the page stays the page's."""
        while not self.closing:
            try:
                self.take()
            except Exception:
                LOG.exception("page.snapshot_not_shown")
                await asyncio.sleep(PAUSE_S)
            await asyncio.sleep(TICK_S)
        self._wake()

    def take(self) -> None:
        """Show what lies in the inbox."""
        latest: Snapshot | None = None
        finals: list[Visit | PasserBy] = []
        while self._inbox:
            latest, shown_s = self._inbox.popleft()
            if self._follower is not None:
                self._follower(latest, shown_s)
            finals += [e for e in latest.new_events if isinstance(e, Visit | PasserBy)]
        if latest is None:
            return
        parties = self._log.update(latest.at_s, finals, latest.open_visits)
        if self._log.revision != self._revision:
            self._revision = self._log.revision
            self._put("moments", [_moment_row(moment) for moment in self._log.moments])
        device = {
            "coverage": _said(latest.coverage),
            "link": _said(latest.link),
            "released": _said(latest.released),
        }
        if device != self._device:
            self._device = dict(device)
            self._put("device", device)
        self._put("scene", _scene(latest, parties))
        self._wake()

    async def updates(self) -> AsyncIterator[bytes]:
        """Server-sent events for one viewer: all there is, then what changes."""
        sent: dict[str, int] = {}
        yield b"retry: 2000\n\n"
        while not self.closing:
            news = self._news
            due = {n: p for n, p in self._parts.items() if p.version != sent.get(n, 0)}
            if due:
                sent |= {name: part.version for name, part in due.items()}
                yield b"".join(part.block for part in due.values())
                continue
            try:
                async with asyncio.timeout(PING_S):
                    await news.wait()
            except TimeoutError:
                yield b"event: ping\ndata: {}\n\n"

    def _put(self, name: str, value: object) -> None:
        part = self._parts[name]
        part.version += 1
        body = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        part.block = f"event: {name}\ndata: {body}\n\n".encode()

    def _wake(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()


def _scene(snapshot: Snapshot, parties: list[OpenParty]) -> dict[str, object]:
    people = [
        [one.track_id, round(one.foot_xy_px[0], 1), round(one.foot_xy_px[1], 1), str(one.role)]
        for one in snapshot.present
    ]
    return {
        "at_s": round(snapshot.at_s, 3),
        "people": people,
        "parties": [_party_row(party) for party in parties],
    }


def _party_row(party: OpenParty) -> dict[str, object]:
    visit = party.visit
    return {
        "tag": party.tag,
        "size": visit.party_size,
        "point": visit.service_point or visit.point,
        "members": sorted({member.track_id for member in visit.members}),
        "arrived_s": visit.arrived_s,
        "greeted_s": visit.greeted_s,
        "served_s": visit.service_started_s,
        "departed_s": visit.departed_s,
        "already_here": visit.left_censored,
    }


def _moment_row(moment: Moment) -> dict[str, object]:
    return {
        "number": moment.number,
        "kind": str(moment.kind),
        "at_s": round(moment.at_s, 3),
        "party": moment.party,
        "point": moment.point,
        "size": moment.size,
        "after_s": None if moment.after_s is None else round(moment.after_s, 3),
        "outcome": None if moment.outcome is None else str(moment.outcome),
        "settled": moment.settled,
        "corrected": moment.corrected,
        "withdrawn": moment.withdrawn_s is not None,
    }


def _said(words: Said) -> dict[str, str]:
    both = words if isinstance(words, Words) else Words(words, words)
    return {"en": both.en, "zh": both.zh}
