"""The values that leave the encounter logic. Seconds are on the camera's monotonic clock."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

PointId = NewType("PointId", str)


class Outcome(StrEnum):
    """How a visit ended."""

    SERVED = "served"
    GREETED_ONLY = "greeted_only"
    ABANDONED = "abandoned"
    PASSED = "passed"
    STILL_PRESENT = "still_present"


class Pattern(StrEnum):
    """Service pattern of a greeted visit."""

    INTERACTIVE = "interactive"
    PROACTIVE = "proactive"
    REACTIVE = "reactive"


class Evidence(StrEnum):
    """What decided that staff attended."""

    NONE = "none"
    PLACE = "place"
    FACING = "facing"


@dataclass(frozen=True, slots=True)
class Duration:
    """A measured duration, in seconds, by how it is known; the parts sum to `total_s`."""

    observed_s: float
    bridged_s: float
    unknown_s: float

    @property
    def total_s(self) -> float:
        """Sum of the parts."""
        return self.observed_s + self.bridged_s + self.unknown_s


@dataclass(frozen=True, slots=True)
class Member:
    """One person's part in a visit; the track id is ephemeral and never leaves the device."""

    track_id: int
    arrived_s: float
    departed_s: float


@dataclass(frozen=True, slots=True)
class Visit:
    """A party's stay at queue and service zones (docs/metrics.md has every definition).

    Attributes:
        service_point: where it was served, else stood longest, else the only one its
            queue feeds, else None: then it counts under `queue`.
        queue: the queue in which it stood longest, if any.
        departed_s: None while the party is still present.
        waiting, greeting: None without the moment, or where left-censored.
        stay: from arrival to departure, or to the end of what was seen.
        flawless: None where the visit is not judged (`passed`, `still_present`, left-censored).
        interruptions: gaps of at least `interrupted_s` inside its service.
    """

    service_point: PointId | None
    queue: PointId | None
    party_size: int
    arrived_s: float
    greeted_s: float | None
    service_started_s: float | None
    departed_s: float | None
    left_censored: bool
    interaction: Duration
    waiting: Duration | None
    greeting: Duration | None
    stay: Duration
    outcome: Outcome
    pattern: Pattern | None
    interruptions: int
    flawless: bool | None
    evidence: Evidence
    members: tuple[Member, ...] = ()

    @property
    def point(self) -> PointId:
        """The service point, else the queue, that the visit counts under."""
        point = self.service_point or self.queue
        if point is None:
            raise ValueError(f"visit at {self.arrived_s} s stands at no point")
        return point


@dataclass(frozen=True, slots=True)
class PasserBy:
    """A presence too short for a visit."""

    point: PointId
    arrived_s: float


@dataclass(frozen=True, slots=True)
class PresenceSpan:
    """[start, end) with at least one party present at a service point; staff there or not."""

    point: PointId
    start_s: float
    end_s: float
    attended: bool


@dataclass(frozen=True, slots=True)
class BlindSpan:
    """[start, end) without frames."""

    start_s: float
    end_s: float


Event = Visit | PasserBy | PresenceSpan | BlindSpan
