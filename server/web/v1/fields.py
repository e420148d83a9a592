"""Fields that several requests have: names, instants, ids of devices."""

from typing import Annotated

from fastapi import Path
from pydantic import BaseModel, ConfigDict, StringConstraints

from firmware_cfg.topics import DEVICE_ID_PATTERN
from server.web.inputs import NO_CONTROL_SIGNS

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
