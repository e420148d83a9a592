"""What may be asked of a store, and its hours, as the API takes and gives them."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints

from server.identity import Confirmation as Kept
from server.identity import Hours
from server.periods import StoreTime
from server.web.inputs import Instant
from server.web.shapes import local_or_none
from server.web.v1.amendments import Reason
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


class ConfirmationAmended(Asked):
    """Another instant from which a store counts, or (null) none: a trial again; and why."""

    confirmed_from: Instant | None
    reason: Reason


class ConfirmationOut(BaseModel):
    """One change of when a store's figures begin to count; null: on trial."""

    was_from: datetime | None
    counts_from: datetime | None
    reason: Annotated[str | None, Field(description="null where a trial ended")]
    made_by: str
    made_at: datetime

    @classmethod
    def of(cls, one: Kept, time: StoreTime) -> "ConfirmationOut":
        """With the store's times."""
        return cls(
            was_from=local_or_none(one.was_from, time),
            counts_from=local_or_none(one.counts_from, time),
            reason=one.reason,
            made_by=one.made_by,
            made_at=time.local(one.made_at),
        )


class ConfirmationsOut(BaseModel):
    """All of them, the latest last."""

    items: tuple[ConfirmationOut, ...]


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
