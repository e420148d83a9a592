"""The two accounts of a visit that are compared, and the terms of the comparison.

Seconds of both accounts count from the same instant, the first frame of the record, up to
a clock offset that `edge.certify.pairing` finds.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from edge.visits.values import Outcome, Visit

LEAST_VISITS = 30


class Measure(StrEnum):
    """A duration that a stopwatch can vouch for (docs/metrics.md)."""

    WAITING = "waiting"
    GREETING = "greeting"
    VISIT = "visit"


@dataclass(frozen=True, slots=True)
class Logged:
    """A party's visit as the observer pressed it; arrived ≤ greeted ≤ served ≤ left.

    Attributes:
        greeted_s, served_s: None where it did not happen, or was not pressed.
    """

    arrived_s: float
    greeted_s: float | None
    served_s: float | None
    left_s: float

    def outcome(self, abandon_after_s: float) -> Outcome:
        """How it ended, by the definitions."""
        if self.served_s is not None:
            return Outcome.SERVED
        if self.greeted_s is not None:
            return Outcome.GREETED_ONLY
        looked = self.left_s - self.arrived_s < abandon_after_s
        return Outcome.PASSED if looked else Outcome.ABANDONED

    def length_s(self, measure: Measure) -> float | None:
        """A duration from arrival; None without its moment."""
        ends = {
            Measure.WAITING: self.served_s,
            Measure.GREETING: self.greeted_s,
            Measure.VISIT: self.left_s,
        }
        return _since(self.arrived_s, ends[measure])


@dataclass(frozen=True, slots=True)
class Timed:
    """The same visit as the device timed it.

    Attributes:
        departed_s: None where the party was still present.
        left_censored: it was there when seeing began; its arrival is not known.
        own: it counts under this service point; else it left a queue that several feed
            from, and may have been another counter's.
    """

    arrived_s: float
    greeted_s: float | None
    served_s: float | None
    departed_s: float | None
    left_censored: bool
    outcome: Outcome
    own: bool = True

    def length_s(self, measure: Measure) -> float | None:
        """A duration from arrival; None without its moment, or with an unknown arrival."""
        if self.left_censored:
            return None
        ends = {
            Measure.WAITING: self.served_s,
            Measure.GREETING: self.greeted_s,
            Measure.VISIT: self.departed_s,
        }
        return _since(self.arrived_s, ends[measure])


@dataclass(frozen=True, slots=True)
class Counter:
    """The service point of a certificate, and the queues it shares with others."""

    point: str
    shared_queues: Collection[str] = ()

    def owns(self, service_point: str | None, queue: str | None) -> bool | None:
        """Whether a visit is this counter's; None: of another. False: it may be."""
        if service_point is not None:
            return True if service_point == self.point else None
        return False if queue in self.shared_queues else None


@dataclass(frozen=True, slots=True)
class Terms:
    """What a comparison goes by.

    Attributes:
        abandon_after_s: a shorter ungreeted stay is a look (`passed`).
        least_visits: matched visits below which there is no certificate.
        least_pairs: pairs below which a measure is withheld, the device's k.
    """

    abandon_after_s: float
    least_visits: int = LEAST_VISITS
    least_pairs: int = 10


def timed(visit: Visit, own: bool) -> Timed:
    """The parts of a visit that are compared."""
    return Timed(
        visit.arrived_s,
        visit.greeted_s,
        visit.service_started_s,
        visit.departed_s,
        visit.left_censored,
        visit.outcome,
        own,
    )


def _since(start_s: float, end_s: float | None) -> float | None:
    return None if end_s is None else end_s - start_s
