"""Fields that several requests have: names, instants, ids of devices."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import Path
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, StringConstraints

from firmware_cfg.topics import DEVICE_ID_PATTERN

NO_CONTROL_SIGNS = r"^[^\x00-\x1f\x7f]*$"
YEARS = range(1971, 9999)
"""Of instants that can be written down: a year from either end no zone overflows."""


def _in_years(at: datetime) -> datetime:
    if at.year not in YEARS:
        raise ValueError(f"expected a year from {YEARS.start} to {YEARS.stop - 1}")
    return at.astimezone(UTC)


Instant = Annotated[AwareDatetime, AfterValidator(_in_years)]
Name = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, min_length=1, max_length=120, pattern=NO_CONTROL_SIGNS
    ),
]
DeviceId = Annotated[str, StringConstraints(pattern=DEVICE_ID_PATTERN)]
DevicePath = Annotated[
    str, Path(pattern=DEVICE_ID_PATTERN, description="a device's id, as on its card")
]


class Asked(BaseModel):
    """A request's body: what it does not know is refused."""

    model_config = ConfigDict(extra="forbid")


class Named(Asked):
    """Another name."""

    name: Name
