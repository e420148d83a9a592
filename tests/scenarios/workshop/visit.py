"""A visit as it was."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TrueVisit:
    """A visit as the definitions have it; `members` are walker numbers.

    `until_s` is the departure, or the end of the record for who is still present.
    """

    service_point: str | None
    queue: str | None
    party_size: int
    arrived_s: float
    greeted_s: float | None
    service_started_s: float | None
    departed_s: float | None
    until_s: float
    left_censored: bool
    interaction_s: float
    outcome: str
    pattern: str | None
    interruptions: int
    members: tuple[int, ...]

    @property
    def waiting_s(self) -> float | None:
        """From arrival to service; None without either."""
        return self._since_arrival(self.service_started_s)

    @property
    def greeting_s(self) -> float | None:
        """From arrival to greeting; None without either."""
        return self._since_arrival(self.greeted_s)

    def _since_arrival(self, moment_s: float | None) -> float | None:
        if moment_s is None or self.left_censored:
            return None
        return moment_s - self.arrived_s


@dataclass(frozen=True, slots=True)
class Truth:
    """What happened: visits by arrival, and presences too short for one."""

    visits: tuple[TrueVisit, ...]
    passers_by: int
