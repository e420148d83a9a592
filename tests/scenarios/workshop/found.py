"""Visits to be compared: what all have in common, and those that the product reported."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from edge.visits.values import Visit


class Found(Protocol):
    """A visit to be compared; true visits fit as well."""

    @property
    def service_point(self) -> str | None: ...
    @property
    def party_size(self) -> int: ...
    @property
    def arrived_s(self) -> float: ...
    @property
    def greeted_s(self) -> float | None: ...
    @property
    def service_started_s(self) -> float | None: ...
    @property
    def departed_s(self) -> float | None: ...
    @property
    def waiting_s(self) -> float | None: ...
    @property
    def greeting_s(self) -> float | None: ...
    @property
    def interaction_s(self) -> float: ...
    @property
    def outcome(self) -> str: ...


@dataclass(frozen=True, slots=True)
class FoundVisit:
    """A visit as the product reported it."""

    service_point: str | None
    party_size: int
    arrived_s: float
    greeted_s: float | None
    service_started_s: float | None
    departed_s: float | None
    waiting_s: float | None
    greeting_s: float | None
    interaction_s: float
    outcome: str


def of_visit(visit: Visit) -> FoundVisit:
    """The engine's visit."""
    return FoundVisit(
        visit.service_point,
        visit.party_size,
        visit.arrived_s,
        visit.greeted_s,
        visit.service_started_s,
        visit.departed_s,
        None if visit.waiting is None else visit.waiting.total_s,
        None if visit.greeting is None else visit.greeting.total_s,
        visit.interaction.total_s,
        visit.outcome.value,
    )


def of_row(row: Mapping[str, object]) -> FoundVisit:
    """A row of visits.jsonl."""
    point = row["service_point"]
    return FoundVisit(
        None if point is None else str(point),
        int(_number(row, "party_size")),
        _number(row, "arrived_s"),
        _known(row, "greeted_s"),
        _known(row, "service_started_s"),
        _known(row, "departed_s"),
        _known(row, "waiting_s"),
        _known(row, "greeting_s"),
        _number(row, "interaction_s"),
        str(row["outcome"]),
    )


def _known(row: Mapping[str, object], key: str) -> float | None:
    return None if row[key] is None else _number(row, key)


def _number(row: Mapping[str, object], key: str) -> float:
    value = row[key]
    if not isinstance(value, int | float):
        raise TypeError(f"{key}: expected a number, found {value!r}")
    return float(value)
