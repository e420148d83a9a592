"""How much of a window's opening time was seen.

Seeing runs from the first frame to the latest; inside it, blind spans are unseen. Time
before the first frame, and time whose visits a restart lost, is `restart`; everything else
unseen is `no_frames`. Intervals are reported in whole minutes, rounded outwards: a cause that
depends on the scene (a hand over the lens) must not be timed to the second.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from edge.windows.calendar import EPOCH, Period
from firmware_cfg.messages import Coverage, Invalid

MOST_INVALID = 16
_MINUTE = timedelta(minutes=1)
_ZERO = timedelta(0)
Reason = Literal["no_frames", "restart"]


@dataclass(frozen=True, slots=True)
class Seen:
    """When frames came, so far.

    Attributes:
        since, until: of the first and of the latest frame; None before the first.
        unseen: spans between them that do not count as seen, and why.
    """

    since: datetime | None = None
    until: datetime | None = None
    unseen: tuple[tuple[Period, Reason], ...] = ()


class Watch:
    """When frames came: from a first instant to the latest, but for blind spans.

    Args:
        seen: how far an earlier watch had come.
    """

    def __init__(self, seen: Seen | None = None) -> None:
        before = seen or Seen()
        self._since = before.since
        self._until = before.until
        self._unseen = list(before.unseen)

    def so_far(self) -> Seen:
        """What another watch needs to go on from here."""
        return Seen(self._since, self._until, tuple(self._unseen))

    def seen(self, at: datetime) -> None:
        """A frame was captured at `at`."""
        self._since = at if self._since is None else min(self._since, at)
        self._until = at if self._until is None else max(self._until, at)

    def blind(self, span: Period) -> None:
        """No frames came during `span`, though they did before and after."""
        self._unseen.append((span, "no_frames"))

    def lost(self, span: Period) -> None:
        """Frames came during `span`, but what they showed was lost with a restart."""
        self._unseen.append((span, "restart"))

    def forget(self, before: datetime) -> None:
        """Drop what ended by `before`: its windows are closed."""
        self._unseen = [one for one in self._unseen if one[0].end > before]

    def unseen(self, period: Period) -> list[tuple[Period, Reason]]:
        """The unseen parts of `period`, in order, disjoint."""
        if self._since is None or self._until is None:
            return [(period, "no_frames")]
        spans: list[tuple[Period, Reason]] = []
        if period.start < self._since:
            spans.append((Period(period.start, self._since), "restart"))
        spans += sorted(self._unseen)
        if self._until < period.end:
            spans.append((Period(self._until, period.end), "no_frames"))
        parts: list[tuple[Period, Reason]] = []
        at = period.start
        for span, reason in spans:
            part = span.within(period)
            if part is not None and part.end > at:
                parts.append((Period(max(at, part.start), part.end), reason))
                at = part.end
        return parts

    def coverage(self, open_spans: tuple[Period, ...]) -> Coverage:
        """Seen share of the opening time, as a band."""
        opening = sum((span.length for span in open_spans), _ZERO)
        unseen = sum(
            (part.length for span in open_spans for part, _ in self.unseen(span)),
            _ZERO,
        )
        return Coverage.of(1.0 - unseen / opening if opening else 1.0)

    def invalid(self, window: Period, open_spans: tuple[Period, ...]) -> tuple[Invalid, ...]:
        """Unseen parts of a window's opening time, in whole minutes; the longest if many."""
        joined: list[tuple[Period, Reason]] = []
        for span in open_spans:
            for part, reason in self.unseen(span):
                wide = _whole_minutes(part).within(window) or part
                if joined and joined[-1][1] == reason and wide.start <= joined[-1][0].end:
                    joined[-1] = (Period(joined[-1][0].start, wide.end), reason)
                else:
                    joined.append((wide, reason))
        longest = sorted(joined, key=lambda one: one[0].length, reverse=True)[:MOST_INVALID]
        return tuple(
            Invalid(start=span.start, end=span.end, reason=reason)
            for span, reason in sorted(longest)
        )


def _whole_minutes(span: Period) -> Period:
    start = span.start - (span.start - EPOCH) % _MINUTE
    end = span.end + (EPOCH - span.end) % _MINUTE
    return Period(start, end)
