"""A store's weeks as they may be shown: figures about staff of a small team, and patterns.

A week stands alone: it is the union of cells that are shown elsewhere, so it is added to
nothing. Devices send counts of its figures, without the distributions behind them; so the
shares have no interval, and medians come as the bounds of the bucket that holds them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise

from sqlalchemy import Connection

from firmware_cfg.messages import Split
from server import queries
from server.figures import Certainty, Cut, certainty_of_seconds, changes
from server.periods import Period
from server.queries import CoverageRange, DeviceView, StoreView
from server.released_week import ReleasedWeek
from server.suppression import PlainShare, Suppressed, part_of_week, read_weeks

SHOWN = timedelta(days=35)


@dataclass(frozen=True, slots=True)
class Bounds:
    """Bounds of a median, in seconds."""

    low_s: float
    high_s: float


@dataclass(frozen=True, slots=True)
class Attended:
    """Attended share in steps of 5 points: `value`, or as much at most, or at least."""

    value: float
    at_most: bool
    at_least: bool


@dataclass(frozen=True, slots=True)
class PatternShares:
    """Of the greeted visits the share of each service pattern."""

    interactive: PlainShare
    proactive: PlainShare
    reactive: PlainShare


@dataclass(frozen=True, slots=True)
class StoreWeek:
    """What may be shown of one device's week.

    Attributes:
        period: from the week's first opening to its last closing.
        k: threshold in force.
        visits: that it is about.
        greeted_in_time: within the expectation then in force.
        left_greeted: of those who left unserved, greeted before.
        flawless, recovered: of the judged visits, of those with a broken expectation.
        interrupted: of the served visits.
        greeting_median, interaction_median: of those who were greeted.
        attended: of the time with a party present, with staff present too.
        patterns: under an agreement alone.
        coverage: bounds of the share of time that was seen.
        certainty: how well the visits were seen.
    """

    period: Period
    k: int
    visits: int
    greeted_in_time: PlainShare | Suppressed
    left_greeted: PlainShare | Suppressed
    flawless: PlainShare | Suppressed
    recovered: PlainShare | Suppressed
    interrupted: PlainShare | Suppressed
    greeting_median: Bounds | Suppressed
    interaction_median: Bounds | Suppressed
    attended: Attended | Suppressed
    patterns: PatternShares | Suppressed
    coverage: CoverageRange | None
    certainty: Certainty


@dataclass(frozen=True, slots=True)
class DeviceWeeks:
    """The weeks of one device of a store, in order, and where they are not comparable."""

    device: str
    label: str
    weeks: tuple[StoreWeek, ...]
    cuts: tuple[Cut, ...]

    @property
    def latest_first(self) -> tuple[StoreWeek, ...]:
        """As the page shows them."""
        return self.weeks[::-1]

    @property
    def has_patterns(self) -> bool:
        """Whether a service pattern may be shown of any week."""
        return any(isinstance(one.patterns, PatternShares) for one in self.weeks)

    @property
    def k(self) -> int:
        """The strictest threshold that was in force."""
        return max(one.k for one in self.weeks)

    @property
    def smallest_k(self) -> int:
        """The mildest: no figure here is about fewer parties."""
        return min(one.k for one in self.weeks)


def weeks_of(
    connection: Connection, store: StoreView, devices: Sequence[DeviceView], asked: Period
) -> tuple[DeviceWeeks, ...]:
    """The whole weeks inside a period, device by device; a device without any is left out."""
    released = read_weeks(connection, store.org_id, store.store_id, asked)
    labels = {one.device: one.label for one in devices}
    found = []
    for name in sorted({one.device for one in released}):
        mine = [one for one in released if one.device == name]
        received = queries.windows_of(connection, store.org_id, [name], asked)
        weeks = (
            _shown(one, queries.coverage_while(received, store.time.open_times(one.period)))
            for one in mine
        )
        found.append(DeviceWeeks(name, labels.get(name, name), tuple(weeks), _cuts(mine)))
    return tuple(found)


def latest_weeks(
    connection: Connection, store: StoreView, devices: Sequence[DeviceView], shown: Period
) -> tuple[DeviceWeeks, ...]:
    """The weeks of the 35 days up to the end of the period shown, whichever that is."""
    return weeks_of(connection, store, devices, Period(shown.end - SHOWN, shown.end))


def _shown(one: ReleasedWeek, coverage: CoverageRange | None) -> StoreWeek:
    told = one.told
    return StoreWeek(
        period=one.period,
        k=one.k,
        visits=one.visits,
        greeted_in_time=_share(told.greeted_in_time, one),
        left_greeted=_share(told.left_greeted, one),
        flawless=_share(told.flawless, one),
        recovered=_share(told.recovered, one),
        interrupted=_share(told.interrupted, one),
        greeting_median=_bounds(told.greeting_median_s),
        interaction_median=_bounds(told.interaction_median_s),
        attended=_attended(told.attended_percent),
        patterns=_patterns(one),
        coverage=coverage,
        certainty=certainty_of_seconds(one.observed_s, one.bridged_s, one.unknown_s),
    )


def _share(split: Split | None, of: ReleasedWeek) -> PlainShare | Suppressed:
    return Suppressed() if split is None else part_of_week(split.yes, split.no, of)


def _bounds(median_s: tuple[float, float] | None) -> Bounds | Suppressed:
    return Suppressed() if median_s is None else Bounds(*median_s)


def _attended(percent: int | None) -> Attended | Suppressed:
    if percent is None:
        return Suppressed()
    return Attended(percent / 100, at_most=percent == 5, at_least=percent == 95)


def _patterns(of: ReleasedWeek) -> PatternShares | Suppressed:
    """All three, or none: two of them would tell the third."""
    told = of.told.patterns
    if told is None:
        return Suppressed()
    counts = (told.interactive, told.proactive, told.reactive)
    shares = [part_of_week(one, sum(counts) - one, of) for one in counts]
    found = [one for one in shares if isinstance(one, PlainShare)]
    return PatternShares(*found) if len(found) == len(counts) else Suppressed()


def _cuts(weeks: Sequence[ReleasedWeek]) -> tuple[Cut, ...]:
    pairs = [
        (one, other, changes(one.comparability, other.comparability))
        for one, other in pairwise(weeks)
    ]
    return tuple(Cut(other.period.start, changed) for _, other, changed in pairs if changed)
