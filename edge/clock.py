"""The one module that owns clocks.

Durations come from capture times `t_s` alone; the wall clock enters where a capture time is
stamped with UTC, by one offset that is fixed when the clock is known and that holds for
what came before as well.
"""

import ctypes
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal, Protocol

from edge.errors import ClockError

Quality = Literal["synchronised", "rtc", "estimated"]
BUILT = datetime(2026, 11, 1, tzinfo=UTC)
PATIENCE_S = 120.0
STEP_S = 2.0
_UNSYNCHRONISED = 0x40
_RTC = Path("/sys/class/rtc/rtc0")
_TIMESYNCD = Path("/run/systemd/timesync/synchronized")


class Clock(Protocol):
    """Wall-clock and monotonic time."""

    def utc_now(self) -> datetime:
        """UTC, never below the time the software was built."""
        ...

    def monotonic_s(self) -> float:
        """Seconds since some fixed instant."""
        ...

    def quality(self) -> Quality:
        """How far the wall clock can be trusted."""
        ...


class _Timex(ctypes.Structure):
    """Head of the kernel's `struct timex` (adjtimex(2)), and room for the rest."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 256),
    )


def kernel_synchronised() -> bool:
    """Whether the kernel says that its clock is disciplined.

    False also where it may not be asked: the systemd unit's `ProtectClock=` refuses adjtimex(2)
    with EPERM, reading too. Then only systemd-timesyncd's own sign is left.
    """
    timex = _Timex()
    try:
        state = ctypes.CDLL(None).adjtimex(ctypes.byref(timex))
    except (OSError, AttributeError):
        return False
    return state >= 0 and not timex.status & _UNSYNCHRONISED


def wall_utc() -> datetime:
    """What the wall clock says, right or wrong."""
    return datetime.now(UTC)


class SystemClock:
    """This machine's clocks.

    Below the floor time goes on from there by the monotonic clock: whatever leaves at fixed
    times goes on leaving. A synchronised clock at or above the floor is believed at once.

    Args:
        floor: the latest instant known to have passed (build, last report, last entry of the
            ledger), UTC.
    """

    def __init__(self, floor: datetime = BUILT) -> None:
        self._floor = max(floor, BUILT)
        self._since_s = time.monotonic()

    def utc_now(self) -> datetime:
        """UTC, never below the floor."""
        wall, least = wall_utc(), self._least()
        if wall >= least or (wall >= self._floor and _synchronised()):
            return wall
        return least

    def monotonic_s(self) -> float:
        """Seconds since boot, sleep excluded."""
        return time.monotonic()

    def quality(self) -> Quality:
        """`estimated` below what must have passed or without a battery-backed clock."""
        wall = wall_utc()
        if wall < self._floor:
            return "estimated"
        if _synchronised():
            return "synchronised"
        return "rtc" if _RTC.exists() and wall >= self._least() else "estimated"

    def _least(self) -> datetime:
        """The floor, and the time since then."""
        return self._floor + timedelta(seconds=time.monotonic() - self._since_s)


def _synchronised() -> bool:
    return _TIMESYNCD.exists() or kernel_synchronised()


class SimulatedClock:
    """A clock that starts anywhere and runs at any pace, for demonstrations.

    Args:
        start: UTC at creation.
        pace: simulated seconds a real second.
    """

    def __init__(self, start: datetime, pace: float = 1.0) -> None:
        self._start = start
        self._pace = pace
        self._origin_s = time.monotonic()

    def utc_now(self) -> datetime:
        """Simulated UTC."""
        return self._start + timedelta(seconds=self.monotonic_s())

    def monotonic_s(self) -> float:
        """Simulated seconds since creation."""
        return (time.monotonic() - self._origin_s) * self._pace

    def quality(self) -> Quality:
        """Nothing vouches for it."""
        return "estimated"


class FrameClock:
    """A clock that the frames drive: capture time 0 is `start`, and no time passes between.

    For scripted demonstrations, where a week goes by in a minute.
    """

    def __init__(self, start: datetime) -> None:
        self._start = start
        self._t_s = 0.0

    def advance(self, t_s: float) -> None:
        """A frame was captured at `t_s`."""
        self._t_s = max(self._t_s, t_s)

    def utc_now(self) -> datetime:
        """UTC of the latest frame."""
        return self._start + timedelta(seconds=self._t_s)

    def monotonic_s(self) -> float:
        """Capture time of the latest frame."""
        return self._t_s

    def quality(self) -> Quality:
        """The script vouches for it no more than a battery would."""
        return "rtc"


class Stamp:
    """Stamps capture times with UTC.

        unknown ──synchronised or rtc──────────────────────────► fixed, for good
                ──`patience_s` passed──► estimated ──better────► fixed, for good

    While unknown, whoever needs UTC waits; once fixed, the offset also holds for capture
    times before. An estimate gives way once, to the first better clock that differs from it
    by more than `STEP_S`: `fixes` counts up, and what was stamped before is another time's.
    No other step of the wall clock moves it: `stepped` says so. Steps are seen by comparing
    the wall clock with the machine's monotonic one: how late a frame is worked off, which
    depends on the scene, does not matter.

    Args:
        patience_s: how long to wait for a clock better than `estimated`.
    """

    def __init__(self, patience_s: float = PATIENCE_S) -> None:
        self._patience_s = patience_s
        self._first_s: float | None = None
        self._zero: datetime | None = None
        self._wall_zero: datetime | None = None
        self.quality: Quality = "estimated"
        self.stepped = False
        self.fixes = 0

    @property
    def known(self) -> bool:
        """Whether `utc` can be asked."""
        return self._zero is not None

    def offer(
        self, t_s: float, at_utc: datetime, quality: Quality, came_s: float | None = None
    ) -> None:
        """A frame captured at `t_s` came in at `at_utc` by a clock of `quality`.

        Args:
            t_s: capture time.
            at_utc: by the wall clock.
            quality: of the wall clock.
            came_s: at the same moment, by the machine's monotonic clock; None: capture times
                are that clock, and nothing lags.
        """
        zero = at_utc - timedelta(seconds=t_s)
        wall_zero = at_utc - timedelta(seconds=t_s if came_s is None else came_s)
        if self._zero is not None and self._wall_zero is not None:
            self.stepped = abs((wall_zero - self._wall_zero).total_seconds()) > STEP_S
            if self.quality == "estimated" and quality != "estimated":
                if self.stepped:
                    self._fix(zero, wall_zero)
                self.quality = quality
            return
        if self._first_s is None:
            self._first_s = t_s
        if quality != "estimated" or t_s - self._first_s >= self._patience_s:
            self._fix(zero, wall_zero)
            self.quality = quality

    def _fix(self, zero: datetime, wall_zero: datetime) -> None:
        self._zero = zero.replace(microsecond=zero.microsecond // 1000 * 1000)
        self._wall_zero = wall_zero
        self.stepped = False
        self.fixes += 1

    def utc(self, t_s: float) -> datetime:
        """UTC of a capture time, to the millisecond.

        Raises:
            ClockError: the clock is not known yet.
        """
        if self._zero is None:
            raise ClockError("no capture time can be stamped before the clock is known")
        return self._zero + timedelta(milliseconds=round(round(t_s, 3) * 1000))
