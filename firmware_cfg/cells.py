"""What the messages of the wire are made of: their base, small types and released cells."""

import re
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Annotated, Self

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    WithJsonSchema,
    model_validator,
)

from firmware_cfg.histogram import Fate, Histogram
from firmware_cfg.topics import DEVICE_ID_PATTERN

INSTANT_PATTERN = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$"
BUCKET_PATTERN = r"^(0|[1-9][0-9]?|[1-7][0-9]{2}|800|-([1-9][0-9]?|1[0-9]{2}|200))$"
_INSTANTS_KNOWN = 4096


def _rfc3339(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _instant(text: object) -> object:
    """The instant of the one spelling that is written; anything but a text as it is."""
    if not isinstance(text, str):
        return text
    return _read_instant(text)


@lru_cache(_INSTANTS_KNOWN)
def _read_instant(text: str) -> datetime:
    if not re.fullmatch(INSTANT_PATTERN, text):
        raise ValueError("expected an instant such as 2026-11-02T01:00:00Z")
    return datetime.fromisoformat(text)


class _Buckets(dict[object, object]):
    """The index of the one spelling that is written; anything but a text as it is.

    A dictionary, so that the hundred keys of a window cost no call of a Python function.
    """

    def __missing__(self, key: object) -> object:
        if not isinstance(key, str):
            return key
        raise ValueError("expected a bucket's index, -200 to 800, such as 12")


_BUCKETS = _Buckets((str(index), index) for index in range(-200, 801))
Instant = Annotated[
    AwareDatetime,
    BeforeValidator(_instant),
    PlainSerializer(_rfc3339, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time", "pattern": INSTANT_PATTERN}),
]
Bucket = Annotated[
    int,
    Field(ge=-200, le=800),
    BeforeValidator(_BUCKETS.__getitem__),
    WithJsonSchema({"type": "string", "allOf": [{"pattern": BUCKET_PATTERN}]}),
]
Threshold = Annotated[int, Field(ge=5, le=1000)]
DeviceId = Annotated[str, Field(pattern=DEVICE_ID_PATTERN)]
Epoch = Annotated[str, Field(pattern=r"^[0-9a-f]{16}$", description="random 64 bits, hexadecimal")]
Sequence = Annotated[int, Field(ge=1, le=2**63 - 1)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Count = Annotated[int, Field(ge=0, le=1_000_000)]
PointId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$")]


def check_span(start: datetime, end: datetime) -> None:
    """Refuse a span [start, end) without length."""
    if end <= start:
        raise ValueError(f"end {_rfc3339(end)} is not after start {_rfc3339(start)}")


class Message(BaseModel):
    """A closed value of the wire: unknown keys are refused, nothing changes after."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        allow_inf_nan=False,
        json_schema_serialization_defaults_required=True,
    )


class PointKind(StrEnum):
    """What a cell is about."""

    SERVICE_POINT = "service_point"
    QUEUE = "queue"
    STORE = "store"


class Level(StrEnum):
    """Calendar level at which a cell was closed, finest first."""

    QUARTER_HOUR = "quarter_hour"
    HALF_HOUR = "half_hour"
    HOUR = "hour"
    DAY_PART = "day_part"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class Coverage(StrEnum):
    """Share of the opening time that was seen, as a band."""

    FULL = "99-100"
    HIGH = "95-99"
    PARTIAL = "80-95"
    LOW = "50-80"
    POOR = "0-50"

    @classmethod
    def of(cls, share: float) -> Self:
        """Band of a share in [0, 1]."""
        floors = ((0.99, cls.FULL), (0.95, cls.HIGH), (0.8, cls.PARTIAL), (0.5, cls.LOW))
        return next((band for floor, band in floors if share >= floor), cls.POOR)


class WireHistogram(Message):
    """A `firmware_cfg.histogram.Histogram` as it travels; bucket indices are JSON keys."""

    scale: Annotated[int, Field(ge=0, le=5)]
    event: dict[Bucket, Count] = {}
    left: dict[Bucket, Count] = {}
    censored: dict[Bucket, Count] = {}

    @classmethod
    def of(cls, histogram: Histogram) -> Self:
        """Wire form of `histogram`."""
        return cls(scale=histogram.scale, **{fate.value: c for fate, c in histogram.counts.items()})

    def histogram(self) -> Histogram:
        """The histogram that travelled."""
        counts = {Fate.EVENT: self.event, Fate.LEFT: self.left, Fate.CENSORED: self.censored}
        return Histogram(self.scale, {fate: buckets for fate, buckets in counts.items() if buckets})


class Outcomes(Message):
    """Visits by outcome; the sum is the cell's `visits`.

    Where `staff` is null, nothing here depends on a greeting: who left unserved sooner than
    `abandon_after_s` is `passed`, who left later `abandoned`, and nobody `greeted_only`.
    """

    served: Count = 0
    greeted_only: Count = 0
    abandoned: Count = 0
    passed: Count = 0
    still_present: Count = 0

    @property
    def visits(self) -> int:
        """Their sum."""
        closed = self.served + self.greeted_only + self.abandoned + self.passed
        return closed + self.still_present


class StaffFigures(Message):
    """What depends on staff; absent where the team is too small (privacy rule 4)."""

    greeting: WireHistogram
    interaction: WireHistogram
    flawless: Annotated[
        Count, Field(description="closed visits not `passed`, no expectation broken")
    ]
    judged: Annotated[
        Count, Field(description="closed visits not `passed`: base of the flawless rate")
    ]
    broken: Annotated[Count, Field(description="judged visits with a broken expectation")]
    recovered: Annotated[Count, Field(description="broken visits that still ended served")]
    interrupted: Annotated[Count, Field(description="visits with an interruption of their service")]
    attended_s: Annotated[float, Field(ge=0, description="time with a party and staff present, s")]
    present_s: Annotated[float, Field(ge=0, description="time with a party present, s")]


class Split(Message):
    """Visits parted in two; neither part is smaller than k, and each larger than any finer cell."""

    yes: Count
    no: Count


class Patterns(Message):
    """Visits served, or greeted and left late, by service pattern; as large as a `Split`."""

    interactive: Count
    proactive: Count
    reactive: Count


Bounds = tuple[Annotated[float, Field(ge=0)], Annotated[float, Field(ge=0)]]


class WeekFigures(Message):
    """What depends on staff, of a store's week (privacy rule 4); null: it may not be told."""

    greeted_in_time: Annotated[
        Split | None,
        Field(
            description="visits whose beginning was seen: greeted at most `greet_within_s` after"
            " arrival, or later, or never, or not yet when the window closed"
        ),
    ] = None
    left_greeted: Annotated[
        Split | None,
        Field(
            description="left unserved after `abandon_after_s` or later (`abandoned` of this"
            " cell): greeted before, or not"
        ),
    ] = None
    flawless: Annotated[
        Split | None,
        Field(
            description="ended served, or left unserved after `abandon_after_s` or later: no"
            " expectation broken, or one; one whose beginning was not seen is among the latter"
        ),
    ] = None
    recovered: Annotated[
        Split | None,
        Field(
            description="those of `flawless.no`: ended served all the same (or served with a"
            " beginning that was not seen), or left unserved"
        ),
    ] = None
    interrupted: Annotated[
        Split | None,
        Field(description="ended served: with a gap of `interrupted_s` in it, or without"),
    ] = None
    greeting_median_s: Annotated[
        Bounds | None, Field(description="of those who were greeted: bounds of the median, s")
    ] = None
    interaction_median_s: Annotated[
        Bounds | None,
        Field(description="of those who were greeted, and left: bounds of the median, s"),
    ] = None
    attended_percent: (
        Annotated[
            int,
            Field(
                ge=5,
                le=95,
                multiple_of=5,
                description="share of the time with a party present in which staff were too;"
                " 5 is at most 5, 95 at least 95",
            ),
        ]
        | None
    ) = None
    patterns: Annotated[
        Patterns | None, Field(description="only under an agreement that the site file names")
    ] = None


class Cell(Message):
    """Released figures of one point over one period: at least k visits, never changed.

    Visits belong to the period of their arrival, [start, end). A cell of the kind `store` is
    the union of the cells of all points that lie in one week; it holds `week`.
    """

    point: PointId
    kind: PointKind
    level: Level
    start: Instant
    end: Instant
    k: Annotated[Threshold, Field(description="threshold in force when the cell was released")]
    visits: Count
    left_censored: Annotated[Count, Field(description="already there when seeing began")]
    passers_by: Count
    outcomes: Outcomes
    waiting: WireHistogram
    stay: Annotated[WireHistogram, Field(description="visit duration")]
    staff: StaffFigures | None
    observed_s: Annotated[float, Field(ge=0, description="visit seconds seen")]
    bridged_s: Annotated[float, Field(ge=0, description="visit seconds bridged over")]
    unknown_s: Annotated[float, Field(ge=0, description="visit seconds not known")]
    week: Annotated[
        WeekFigures | None, Field(description="of a store's week alone; privacy rule 4")
    ] = None

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        check_span(self.start, self.end)
        if self.visits < self.k:
            raise ValueError(f"{self.visits} visits in a cell, expected at least k = {self.k}")
        outcomes = self.outcomes.visits
        if outcomes != self.visits:
            raise ValueError(f"outcomes sum to {outcomes}, expected {self.visits} visits")
        is_store = self.kind is PointKind.STORE
        if is_store and (self.level is not Level.WEEK or self.staff is not None):
            raise ValueError(f"a store's cell: expected a week without staff, found {self.level}")
        if is_store == (self.week is None):
            raise ValueError(f"a {self.kind}'s cell: expected `week` of a store, and no other")
        if self.week is not None:
            _check_parts(self.week, self.k)
        return self


def _check_parts(week: WeekFigures, k: int) -> None:
    """Refuse a split or patterns with a part of fewer than `k` visits (privacy rule 3)."""
    for name, parts in week:
        if isinstance(parts, Split | Patterns):
            least = min(parts.model_dump().values())
            if least < k:
                raise ValueError(f"week.{name}: a part of {least} visits, expected at least {k}")
