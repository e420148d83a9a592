"""What may be asked of a store, and its hours, as the API takes and gives them."""

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints

from server.identity import Hours
from server.web.inputs import Instant
from server.web.v1.fields import Asked

MOST_DATES = 400
Span = Annotated[str, StringConstraints(pattern=r"^[0-9]{2}:[0-9]{2}-[0-9]{2}:[0-9]{2}$")]
Spans = Annotated[tuple[Span, ...], Field(max_length=12)]


class StoreRegion(Asked):
    """The region into which a store is put, or (null) none."""

    region_id: UUID | None


class Confirmation(Asked):
    """From when on a store's figures count; what begins before stays out of them."""

    confirmed_from: Instant


class Closing(Asked):
    """When a store closed for good."""

    closed_at: Instant


class HoursIn(Asked):
    """Opening hours, all of them anew."""

    opening: Annotated[
        dict[str, Spans], Field(max_length=7, description="by `mon` … `sun`; empty: always open")
    ]
    closed: Annotated[tuple[date, ...], Field(max_length=MOST_DATES)] = ()
    special: Annotated[
        dict[date, Spans], Field(max_length=MOST_DATES, description="dates with other hours")
    ] = Field(default_factory=dict)

    def hours(self) -> Hours:
        """From the request."""
        return Hours(self.opening, frozenset(self.closed), self.special)


class HoursOut(BaseModel):
    """Opening hours and exceptions, on the store's clock."""

    timezone: str
    day_starts: Annotated[str, Field(description="when a trading day begins")]
    opening: dict[str, tuple[str, ...]]
    closed: tuple[date, ...]
    special: dict[date, tuple[str, ...]]
