"""The section about the store's own time: zone, opening hours, exceptions."""

import re
from datetime import date, time
from difflib import get_close_matches
from typing import Annotated
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, Field, field_validator

from firmware_cfg.section import ClockTime, Section, Weekday, problem


def parse_opening(span: str) -> tuple[time, time]:
    """Opening and closing time of `HH:MM-HH:MM`; closing may be 24:00, or next morning.

    Raises:
        ValueError: not of that form, or empty.
    """
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d-(([01]\d|2[0-3]):[0-5]\d|24:00)", span):
        raise ValueError(f"expected HH:MM-HH:MM such as 09:00-21:00, found {span!r}")
    first, _, last = span.partition("-")
    opens = time.fromisoformat(first)
    closes = time.min if last == "24:00" else time.fromisoformat(last)
    if opens == closes and last != "24:00":
        raise ValueError(f"expected another closing than opening time, found {span!r}")
    return opens, closes


def _check_opening(span: str) -> str:
    try:
        parse_opening(span)
    except ValueError as error:
        raise problem("opening", str(error)) from None
    return span


OpeningSpan = Annotated[str, AfterValidator(_check_opening)]


class Store(Section):
    """The store's own time: zone, weekly opening hours, exceptions."""

    timezone: str = Field("UTC", description="IANA zone.")
    opening: dict[Weekday, tuple[OpeningSpan, ...]] = Field(
        default_factory=dict,
        description="Opening spans by weekday, `HH:MM-HH:MM`; no table at all: always open.",
    )
    closed: tuple[date, ...] = Field((), description="Dates on which the store stays closed.")
    day_starts: ClockTime = Field("04:00", description="When a trading day begins.")
    day_parts: tuple[ClockTime, ...] = Field(
        ("11:00", "14:00", "17:00"),
        max_length=6,
        description="Where day parts divide a trading day.",
    )

    @property
    def zone(self) -> ZoneInfo:
        """The zone as an object."""
        return ZoneInfo(self.timezone)

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ValueError, OSError, LookupError):
            near = get_close_matches(name, sorted(available_timezones()), 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise problem(
                "timezone",
                f"expected an IANA time zone such as Asia/Shanghai, found {name!r}{hint}",
            ) from None
        return name

    @field_validator("day_parts")
    @classmethod
    def _distinct(cls, day_parts: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(day_parts)) < len(day_parts):
            raise problem("day_parts", "expected each time once")
        return day_parts
