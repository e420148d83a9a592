"""A store's week as it was released: what depends on staff of a small team, once a week."""

from dataclasses import dataclass

from firmware_cfg.messages import WeekFigures
from server.periods import Period


@dataclass(frozen=True, slots=True)
class Comparability:
    """What has to be equal for two released cells to be compared."""

    definition_version: int
    geometry_hash: str
    expectations_hash: str
    model: str


@dataclass(frozen=True, slots=True)
class ReleasedWeek:
    """One device's week: the union of what was released of all its points.

    Attributes:
        device: which one.
        period: from the week's first opening to its last closing.
        k: threshold in force when it was released.
        visits: of the points whose week is whole, at least k.
        told: what may be told of staff; its parts are exact, and not for showing.
        observed_s: visit seconds seen; `bridged_s` bridged over, `unknown_s` not known.
        comparability: what it was made with.
    """

    device: str
    period: Period
    k: int
    visits: int
    told: WeekFigures
    observed_s: float
    bridged_s: float
    unknown_s: float
    comparability: Comparability
