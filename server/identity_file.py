"""The identity file: organisations, regions, stores, points, devices and their assignments.

TOML. Everything is named by a `key` that stays as it is (the server makes its UUID from the
first sight of the key and keeps it); names and labels change freely. Every problem of a
file is reported at once.
"""

import tomllib
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime, Field, ValidationError

from firmware_cfg.cells import DeviceId, PointId, PointKind
from firmware_cfg.section import ClockTime, Section, Weekday
from firmware_cfg.store import OpeningSpan
from firmware_cfg.store import Store as StoreTime
from server.errors import IdentityError

Key = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
Name = Annotated[str, Field(min_length=1, max_length=120)]
ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)


class Organisation(Section):
    """A company."""

    key: Key
    name: Name


class Region(Section):
    """A node of the region tree."""

    key: Key
    organisation: Key
    name: Name
    parent: Key | None = None


class Point(Section):
    """A service point or queue of a store."""

    key: Key
    kind: PointKind
    label: Name


class Store(Section):
    """A store: its place in the tree, its time, its points."""

    key: Key
    organisation: Key
    name: Name
    region: Key | None = None
    timezone: str
    day_starts: ClockTime = "04:00"
    opening: dict[Weekday, tuple[str, ...]] = Field({})
    closed: tuple[date, ...] = Field((), description="Dates on which it is closed.")
    special: dict[date, tuple[OpeningSpan, ...]] = Field(
        {}, description="Dates with other hours than their weekday's."
    )
    confirmed: AwareDatetime | date | None = Field(
        None, description="From when on its figures count; none: the file does not say."
    )
    point: Annotated[tuple[Point, ...], Field(min_length=1)]

    @property
    def time(self) -> StoreTime:
        """Zone, hours and exceptions, checked."""
        return StoreTime(
            timezone=self.timezone,
            day_starts=self.day_starts,
            opening=self.opening,
            closed=self.closed,
        )

    @property
    def confirmed_at(self) -> datetime | None:
        """From when on its figures count; a date begins as a trading day does."""
        if self.confirmed is None or isinstance(self.confirmed, datetime):
            return self.confirmed
        starts = time.fromisoformat(self.day_starts)
        return datetime.combine(self.confirmed, starts, ZoneInfo(self.timezone)).astimezone(UTC)


class Assignment(Section):
    """A device's local id stands for a point during a time."""

    local: PointId
    point: Key
    store: Key | None = Field(None, description="Where the point is; none: the device's store.")
    valid_from: AwareDatetime = ALWAYS
    valid_to: AwareDatetime | None = None


class Device(Section):
    """A device and what it watches."""

    id: DeviceId
    organisation: Key
    store: Key
    label: Name = ""
    assignment: tuple[Assignment, ...] = ()


class Identity(Section):
    """A whole identity file."""

    organisation: tuple[Organisation, ...] = ()
    region: tuple[Region, ...] = ()
    store: tuple[Store, ...] = ()
    device: tuple[Device, ...] = ()


def load_identity(path: Path) -> Identity:
    """Read and check an identity file.

    Raises:
        IdentityError: with every problem found.
    """
    try:
        tables = tomllib.loads(path.read_text("utf-8"))
        identity = Identity.model_validate(tables)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise IdentityError((f"{path}: {error}",)) from None
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False)
        raise IdentityError(
            tuple(f"{path}: {'.'.join(map(str, one['loc']))}: {one['msg']}" for one in found)
        ) from None
    problems = [f"{path}: {problem}" for problem in _incoherences(identity)]
    if problems:
        raise IdentityError(tuple(problems))
    return identity


def _incoherences(identity: Identity) -> list[str]:
    """What each table alone cannot show: references, repetitions, overlaps."""
    organisations = {one.key for one in identity.organisation}
    regions = {(one.organisation, one.key): one for one in identity.region}
    stores = {(one.organisation, one.key): one for one in identity.store}
    problems = _repeated(identity)
    owned_ones: list[Region | Store | Device] = [*identity.region, *identity.store]
    owned_ones += identity.device
    for owned in owned_ones:
        if owned.organisation not in organisations:
            problems.append(f"{_name(owned)}: unknown organisation {owned.organisation!r}")
    for region in identity.region:
        problems += _region_problems(region, regions)
    for store in identity.store:
        if store.region is not None and (store.organisation, store.region) not in regions:
            problems.append(f"{_name(store)}: unknown region {store.region!r}")
        try:
            _ = store.time
        except ValidationError as error:
            problems += [f"{_name(store)}: {one['loc'][0]}: {one['msg']}" for one in error.errors()]
        problems += [
            f"{_name(store)}: {day} is among the closed dates and has hours of its own"
            for day in sorted(set(store.closed) & set(store.special))
        ]
    for device in identity.device:
        problems += _device_problems(device, stores)
    return problems


def _name(one: Region | Store | Device) -> str:
    kind = type(one).__name__.lower()
    return f"{kind} {one.id if isinstance(one, Device) else one.key!r}"


def _repeated(identity: Identity) -> list[str]:
    named = [
        *(f"organisation {one.key!r}" for one in identity.organisation),
        *(f"region {one.key!r} of {one.organisation!r}" for one in identity.region),
        *(f"store {one.key!r} of {one.organisation!r}" for one in identity.store),
        *(f"device {one.id!r}" for one in identity.device),
        *(f"point {p.key!r} of store {s.key!r}" for s in identity.store for p in s.point),
    ]
    return [f"{name}: stands twice" for name in sorted({n for n in named if named.count(n) > 1})]


def _region_problems(region: Region, regions: dict[tuple[str, str], Region]) -> list[str]:
    """An unknown parent, or a tree that runs in a circle."""
    seen: set[str] = set()
    here: Region | None = region
    while here is not None and here.parent is not None:
        if here.key in seen:
            return [f"{_name(region)}: its parents run in a circle"]
        seen.add(here.key)
        above = regions.get((here.organisation, here.parent))
        if above is None:
            return [f"{_name(here)}: unknown parent {here.parent!r}"]
        here = above
    return []


def _device_problems(device: Device, stores: dict[tuple[str, str], Store]) -> list[str]:
    problems = []
    if (device.organisation, device.store) not in stores:
        problems.append(f"{_name(device)}: unknown store {device.store!r}")
    for index, one in enumerate(device.assignment):
        where = f"{_name(device)}: local id {one.local!r}"
        store = stores.get((device.organisation, one.store or device.store))
        if store is None or one.point not in {point.key for point in store.point}:
            problems.append(f"{where}: unknown point {one.point!r}")
        if one.valid_to is not None and one.valid_to <= one.valid_from:
            problems.append(f"{where}: ends before it begins")
        problems += [
            f"{where}: two assignments at one time"
            for other in device.assignment[:index]
            if other.local == one.local and _meet(one, other)
        ]
    return problems


def _meet(one: Assignment, other: Assignment) -> bool:
    return (one.valid_to is None or other.valid_from < one.valid_to) and (
        other.valid_to is None or one.valid_from < other.valid_to
    )
