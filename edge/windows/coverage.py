"""How much of a window's opening time was seen.

Seeing runs from the first frame to the latest; inside it, blind spans are unseen. Time
before the first frame is `restart`, everything else unseen is `no_frames`. Intervals are
reported in whole minutes, rounded outwards: a cause that depends on the scene (a hand over
the lens) must not be timed to the second.
"""

from datetime import datetime, timedelta
from typing import Literal

from edge.windows.calendar import EPOCH, Period
from firmware_cfg.messages import Coverage, Invalid

MOST_INVALID = 16
_MINUTE = timedelta(minutes=1)
_ZERO = timedelta(0)
Reason = Literal["no_frames", "restart"]


class Watch:
    """When frames came: from a first instant to the latest, but for blind spans."""

    def __init__(self) -> None:
        self._since: datetime | None = None
        self._until: datetime | None = None
        self._blind: list[Period] = []

    def seen(self, at: datetime) -> None:
        """A frame was captured at `at`."""
        self._since = at if self._since is None else min(self._since, at)
        self._until = at if self._until is None else max(self._until, at)

    def blind(self, span: Period) -> None:
        """No frames came during `span`, though they did before and after."""
        self._blind.append(span)

    def forget(self, before: datetime) -> None:
        """Drop what ended by `before`: its windows are closed."""
        self._blind = [span for span in self._blind if span.end > before]

    def unseen(self, period: Period) -> list[tuple[Period, Reason]]:
        """The unseen parts of `period`, in order, disjoint."""
        if self._since is None or self._until is None:
            return [(period, "no_frames")]
        spans: list[tuple[Period, Reason]] = []
        if period.start < self._since:
            spans.append((Period(period.start, self._since), "restart"))
        spans += [(span, "no_frames") for span in sorted(self._blind)]
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
