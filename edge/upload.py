"""What of the edge process publishes: reporter, outbox, publisher and the wall clock, built."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from edge.backlog import held_of
from edge.checkpoint.file import EVERY_S, Checkpoint
from edge.clock import BUILT, Clock, FrameClock, Stamp, SystemClock
from edge.health import Fault, Vitals, reported
from edge.ledger.changes import Changes
from edge.ledger.in_force import in_force
from edge.outbox import Outbox
from edge.publisher import Publisher, Status
from edge.punctual import Marks, PunctualOutbox, SteadyPresent
from edge.uplink import Reporter

if TYPE_CHECKING:
    from edge.engine import Engine
    from edge.visits.values import Event, Visit
    from firmware_cfg.messages import Health
    from firmware_cfg.site import Site

OUTBOX_FILE = "outbox.sqlite"
CAMERA_SILENT_S = 30.0


class Upload:
    """From events to the broker. A context manager: leaving says goodbye and closes.

    Attributes:
        kernel_layers: what the heartbeat says of the jail.
    """

    def __init__(
        self,
        site: Site,
        starts_at: datetime | None,
        clock: Clock | None = None,
        key: bytes | None = None,
        keep_in: Path | None = None,
    ) -> None:
        """Build for a site with a broker.

        Args:
            site: the site file in force; `site.broker` is there.
            starts_at: UTC of capture time 0 where the frames are the clock; None: they
                are stamped by this machine's clock.
            clock: this machine's clock, if not the system's.
            key: of the checkpoint; None: the unfinished window is in memory alone.
            keep_in: folder of the checkpoint; None: the device's state folder.

        Raises:
            OutboxError: the outbox cannot be opened.
            ValueError: the site has no broker.
        """
        if site.broker is None:
            raise ValueError("expected a site with a broker")
        self._frame_clock = FrameClock(starts_at.astimezone(UTC)) if starts_at else None
        device = site.device
        folder = Path(device.state_dir)
        self._real_clock = clock or SystemClock()
        self._present = SteadyPresent(self._real_clock.monotonic_s)
        self._outbox = self._open_outbox(site, site.broker.server_key)
        if clock is None:
            self._real_clock = SystemClock(_floor(self._outbox))
        self._seen_s: float | None = None
        self._came_s = self._keep_at_s = self._real_clock.monotonic_s()
        stamp = Stamp()
        if self._frame_clock:
            stamp.offer(0.0, self._frame_clock.utc_now(), "rtc")
        self._minute = -1
        self.kernel_layers: tuple[str, ...] = ()
        kept, points = None, len(site.service_point) + len(site.queue)
        if key is not None and self._frame_clock is None:
            kept = Checkpoint(keep_in or folder, key, self._real_clock.monotonic_s, points)
        self._reporter = Reporter(site, self._outbox, device.model, stamp, kept)
        self._outbox.ledger.window_s = self._reporter.window_s
        self._outbox.ledger.monotonic_s = self._real_clock.monotonic_s
        self._changes = Changes(
            self._outbox.ledger,
            lambda: in_force(site, self._reporter.k, self._reporter.window_s),
        )
        self._changes.follow(self._real_clock.utc_now())
        self._vitals = Vitals(site, device.model, self._real_clock, self._real_clock.monotonic_s())
        self._publisher = Publisher(
            device.id,
            site.broker,
            self._outbox,
            self._real_clock,
            heartbeat=self._heartbeat,
            reported=lambda: reported(
                site, self._reporter.k, self._reporter.window_s, self._reporter.hashes
            ),
            marks=Marks(self._real_clock, site.encounter.window_settle_s, self._present),
        )

    def __enter__(self) -> Self:
        """Begin to publish."""
        self._publisher.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop publishing; what is unsettled stays in the outbox."""
        self._publisher.stop()
        self._outbox.close()

    def observe(self, events: Iterable[Event], t_s: float | None, engine: Engine) -> None:
        """Take what a frame at `t_s` brought; close windows where the frames are the clock."""
        if t_s is None:
            self._reporter.observe(events)
            return
        clock = self._real_clock
        self._seen_s, self._came_s = t_s, clock.monotonic_s()
        if self._frame_clock is None:
            came_s = self._came_s
            self._reporter.stamp.offer(t_s, clock.utc_now(), clock.quality(), came_s)
            self._reporter.observe(events, t_s)
            return
        self._reporter.observe(events, t_s)
        self._frame_clock.advance(t_s)
        minute = int(t_s // 60)
        if minute != self._minute:
            self._minute = minute
            self._close(self._frame_clock.utc_now(), engine)

    def tick(self, engine: Engine) -> None:
        """Follow the server's wishes and close what is due."""
        at_utc = self._real_clock.utc_now()
        while self._changes.may_follow(at_utc):
            desired = self._publisher.take_desired()
            if desired is None:
                break
            self._changes.asked(at_utc, desired, self._reporter.weigh(desired))
            self._reporter.tighten(desired)
            self._changes.follow(at_utc)
        stamp = self._reporter.stamp
        if self._frame_clock is None and self._seen_s is not None and stamp.known:
            now_utc = self._present.at(stamp, self._seen_s, self._came_s)
            self._close(now_utc, engine)
            self._keep(now_utc)

    def _keep(self, now_utc: datetime) -> None:
        """Keep the unfinished window, each `EVERY_S` from the start on."""
        now_s = self._real_clock.monotonic_s()
        if now_s >= self._keep_at_s:
            self._keep_at_s += EVERY_S * (1 + (now_s - self._keep_at_s) // EVERY_S)
            self._reporter.keep(now_utc)

    def _open_outbox(self, site: Site, server_key: str) -> Outbox:
        device = site.device
        path = Path(device.state_dir) / OUTBOX_FILE
        if self._frame_clock is not None:
            return Outbox(path, device.outbox_mb, device.id, server_key)
        settle_s = site.encounter.window_settle_s
        return PunctualOutbox(
            path,
            device.outbox_mb,
            device.id,
            server_key,
            clock=self._real_clock,
            settle_s=settle_s,
            present=self._present,
        )

    def _close(self, now_utc: datetime, engine: Engine) -> None:
        self._reporter.tick(now_utc, _as_they_stand(engine))

    def _silent_s(self) -> float:
        """Time since the latest frame came in, or since the start."""
        return self._real_clock.monotonic_s() - self._came_s

    @property
    def status(self) -> Status:
        """Whether the broker is connected, and what is wrong."""
        return self._publisher.status()

    @property
    def pending(self) -> int:
        """Messages that the server has not settled."""
        return self._outbox.counts().pending

    @property
    def k(self) -> int:
        """The threshold in force."""
        return self._reporter.k

    def _heartbeat(self) -> Health:
        faults: list[Fault] = []
        if self._silent_s() > CAMERA_SILENT_S:
            faults.append("camera")
        if self._outbox.fault:
            faults.append("outbox")
        if self._reporter.stamp.stepped:
            faults.append("clock")
        return self._vitals.heartbeat(faults, self.kernel_layers)


def _floor(outbox: Outbox) -> datetime:
    """The latest instant that the database knows to have passed."""
    head = outbox.ledger.head()
    known = (held_of(outbox).reported_until, None if head is None else head.window)
    return max((at for at in known if at is not None), default=BUILT)


def _as_they_stand(engine: Engine) -> Iterator[Visit]:
    """The engine's unfinished visits; looked at only when a window closes."""
    yield from engine.open_visits()
