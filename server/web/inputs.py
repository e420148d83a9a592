"""Types of what comes in, of pages and of the API alike: instants and texts that can be kept."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, StringConstraints

from server.periods import StoreTime, check_years

NO_CONTROL_SIGNS = r"^[^\x00-\x1f\x7f]*$"
NO_CONTROL_SIGNS_BUT_LINES = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"
LONGEST_TEXT = 2000
YEARS = range(1971, 9999)
"""Of instants that can be written down: a year from either end no zone overflows."""


def _in_years(at: datetime) -> datetime:
    if at.year not in YEARS:
        raise ValueError(f"expected a year from {YEARS.start} to {YEARS.stop - 1}")
    return at.astimezone(UTC)


Instant = Annotated[AwareDatetime, AfterValidator(_in_years)]
Line = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=LONGEST_TEXT, pattern=NO_CONTROL_SIGNS),
]
"""One line of text."""
Lines = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, max_length=LONGEST_TEXT, pattern=NO_CONTROL_SIGNS_BUT_LINES
    ),
]
"""Text that may have several lines."""


def instant(time: StoreTime, at: datetime) -> datetime:
    """A moment of a form, on a store's clock, as an instant.

    Raises:
        PeriodError: at an end of the calendar.
    """
    check_years(at.date(), at.date())
    local = at if at.tzinfo is not None else at.replace(tzinfo=time.zone)
    return local.astimezone(UTC)
