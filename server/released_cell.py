"""A cell as a device released it, and how it is read from its row."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from firmware_cfg.histogram import Fate, Histogram
from firmware_cfg.messages import WeekFigures
from server.periods import Period
from server.released_week import Comparability, ReleasedWeek

FATES = tuple((fate, fate.value) for fate in Fate)


@dataclass(frozen=True, slots=True)
class Staff:
    """What depends on staff."""

    greeting: Histogram
    interaction: Histogram
    flawless: int
    judged: int
    broken: int
    recovered: int
    interrupted: int
    attended_s: float
    present_s: float


@dataclass(frozen=True, slots=True)
class ReleasedCell:
    """A released cell: at least k visits of one point over one period.

    `point_id` is the point that it counts under, and `device` the one that released it.
    """

    cell_id: UUID
    point_id: UUID
    period: Period
    level: str
    k: int
    visits: int
    left_censored: int
    passers_by: int
    served: int
    greeted_only: int
    abandoned: int
    passed: int
    still_present: int
    waiting: Histogram
    stay: Histogram
    staff: Staff | None
    observed_s: float
    bridged_s: float
    unknown_s: float
    comparability: Comparability
    device: str = ""

    @property
    def closed(self) -> int:
        """Visits that had ended when the window closed."""
        return self.visits - self.still_present

    @property
    def left_unserved(self) -> int:
        """Who left without being served, greeted or not, and not for a look: *leaving*.

        Of a small team all of them stand under `abandoned`, of a larger one under both words;
        so the sum means the same in every cell, and `abandoned` alone does not.
        """
        return self.abandoned + self.greeted_only


def cell_of(row: Row[Any], point_id: UUID) -> ReleasedCell:
    """A row of the table of cells, as it counts under a point."""
    return ReleasedCell(
        cell_id=row.cell_id,
        point_id=point_id,
        period=Period(row.start_at, row.end_at),
        level=row.level,
        k=row.k,
        visits=row.visits,
        left_censored=row.left_censored,
        passers_by=row.passers_by,
        served=row.served,
        greeted_only=row.greeted_only,
        abandoned=row.abandoned,
        passed=row.passed,
        still_present=row.still_present,
        waiting=_histogram(row.waiting),
        stay=_histogram(row.stay),
        staff=None if row.staff is None else _staff(row.staff),
        observed_s=row.observed_s,
        bridged_s=row.bridged_s,
        unknown_s=row.unknown_s,
        comparability=_comparability(row),
        device=row.device,
    )


def week_of(row: Row[Any]) -> ReleasedWeek:
    """A row of the table of stores' weeks."""
    return ReleasedWeek(
        device=row.device,
        period=Period(row.start_at, row.end_at),
        k=row.k,
        visits=row.visits,
        told=WeekFigures.model_validate(row.week),
        observed_s=row.observed_s,
        bridged_s=row.bridged_s,
        unknown_s=row.unknown_s,
        comparability=_comparability(row),
    )


def _comparability(row: Row[Any]) -> Comparability:
    return Comparability(
        row.definition_version, row.geometry_hash, row.expectations_hash, row.model
    )


def _staff(kept: dict[str, Any]) -> Staff:
    counts = ("flawless", "judged", "broken", "recovered", "interrupted", "attended_s", "present_s")
    return Staff(
        greeting=_histogram(kept["greeting"]),
        interaction=_histogram(kept["interaction"]),
        **{name: kept[name] for name in counts},
    )


def _histogram(kept: dict[str, Any]) -> Histogram:
    """A histogram as ingest wrote it, which had checked it: `WireHistogram`'s fields."""
    counts = {
        fate: {int(index): count for index, count in found.items()}
        for fate, name in FATES
        if (found := kept.get(name))
    }
    return Histogram(kept["scale"], counts)
