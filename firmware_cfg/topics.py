"""MQTT topics of the wire contract: `encounter/v1/<device>/<up|down>/<kind>`."""

from __future__ import annotations

import re
from enum import StrEnum

from firmware_cfg.errors import MessageError

PREFIX = "encounter/v1"
SHARED_UPLINK_FILTER = f"$share/ingest/{PREFIX}/+/up/#"
DEVICE_ID_PATTERN = r"^[a-z0-9][a-z0-9-]{0,62}$"


class Kind(StrEnum):
    """The last level of a topic, with its direction."""

    WINDOW = "up/window"
    HEALTH = "up/health"
    STATE = "up/state"
    REPORTED = "up/reported"
    ACK = "down/ack"
    DESIRED = "down/desired"


RETAINED = frozenset({Kind.STATE, Kind.REPORTED, Kind.DESIRED})


def topic(device: str, kind: Kind) -> str:
    """Topic of `kind` for `device`.

    >>> topic("kiosk-7", Kind.WINDOW)
    'encounter/v1/kiosk-7/up/window'
    """
    return f"{PREFIX}/{device}/{kind}"


def parse_topic(name: str) -> tuple[str, Kind]:
    """Device id and kind of a topic.

    Raises:
        MessageError: not a topic of this contract.
    """
    device, _, rest = name.removeprefix(f"{PREFIX}/").partition("/")
    if not name.startswith(f"{PREFIX}/") or not re.fullmatch(DEVICE_ID_PATTERN, device):
        raise MessageError(f"{name[:80]!r}: expected {PREFIX}/<device>/<up|down>/<kind>")
    try:
        return device, Kind(rest)
    except ValueError:
        kinds = ", ".join(Kind)
        raise MessageError(f"{name[:80]!r}: expected one of {kinds} after the device") from None
