"""What of the edge process publishes: reporter, outbox, publisher and the wall clock, built."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from edge.clock import BUILT, Clock, FrameClock, Stamp, SystemClock
from edge.health import Fault, Vitals, reported
from edge.outbox import Outbox
from edge.publisher import Publisher, Status
from edge.uplink import Reporter, held_of

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

    def __init__(self, site: Site, starts_at: datetime | None, clock: Clock | None = None) -> None:
        """Build for a site with a broker.

        Args:
            site: the site file in force; `site.broker` is there.
            starts_at: UTC of capture time 0 where the frames are the clock; None: they
                are stamped by this machine's clock.
            clock: this machine's clock, if not the system's.

        Raises:
            OutboxError: the outbox cannot be opened.
            ValueError: the site has no broker.
        """
        if site.broker is None:
            raise ValueError("expected a site with a broker")
        self._frame_clock = FrameClock(starts_at.astimezone(UTC)) if starts_at else None
        device = site.device
        folder = Path(device.state_dir)
        self._outbox = Outbox(
            folder / OUTBOX_FILE, device.outbox_mb, device.id, site.broker.server_key
        )
        floor = held_of(self._outbox).reported_until or BUILT
        self._real_clock = clock or SystemClock(floor)
        self._seen_s: float | None = None
        self._came_s = self._real_clock.monotonic_s()
        stamp = Stamp()
        if self._frame_clock:
            stamp.offer(0.0, self._frame_clock.utc_now(), "rtc")
        self._minute = -1
        self.kernel_layers: tuple[str, ...] = ()
        self._reporter = Reporter(site, self._outbox, device.model, stamp)
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
            self._reporter.stamp.offer(t_s, clock.utc_now(), clock.quality())
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
        while (desired := self._publisher.take_desired()) is not None:
            self._reporter.tighten(desired)
        stamp = self._reporter.stamp
        if self._frame_clock is None and self._seen_s is not None and stamp.known:
            self._close(stamp.utc(self._seen_s) + timedelta(seconds=self._silent_s()), engine)

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


def _as_they_stand(engine: Engine) -> Iterator[Visit]:
    """The engine's unfinished visits; looked at only when a window closes."""
    yield from engine.open_visits()
