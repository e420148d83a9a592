"""How far age may drop entries: no faster than time goes by on this machine.

A wall clock can be wrong by months for one commit: an NTP answer that was made up, a battery that
is flat. So the instant up to which entries are old follows the wall clock's word by at most
`MOST_DAYS_A_DAY` for each day that the machine ran, and does not save that up.
"""

from __future__ import annotations

from datetime import datetime, timedelta

KEPT_FOR = timedelta(days=90)
MOST_DAYS_A_DAY = 10.0
_MOST_SAVED_S = 86_400.0


class Ageing:
    """The instant up to which entries are old, from commit to commit of one run."""

    def __init__(self) -> None:
        self._limit: datetime | None = None
        self._looked_s = 0.0

    def limit(self, at_utc: datetime, now_s: float, oldest: datetime) -> datetime:
        """Entries from before this instant are old.

        Args:
            at_utc: the present by the wall clock, right or wrong.
            now_s: the present by the monotonic clock.
            oldest: stamp of the oldest entry; at the start of a run, no age is believed but its.
        """
        word = at_utc - KEPT_FOR
        passed_s = min(now_s - self._looked_s, _MOST_SAVED_S)
        if self._limit is None:
            self._limit, passed_s = oldest, 0.0
        at_most = self._limit + timedelta(seconds=MOST_DAYS_A_DAY * passed_s)
        self._limit, self._looked_s = min(word, at_most), now_s
        return self._limit
