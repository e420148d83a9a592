"""Hardware profiles: what a site file that names a kind of device gets as defaults.

A profile sets keys of `[device]` only; whatever the site file says itself wins. The choices
rest on x86-64 measurements of the models and on what the processors can do; they are to be
confirmed by `encounter-edge bench` on the device.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Profile:
    """Defaults of `[device]` for one kind of hardware.

    Attributes:
        name: value of `device.profile`.
        hardware: what it is for.
        model: person detector, by its name in models/manifest.toml.
        threads: threads that inference may use.
        max_rate_hz: most frames a second that are looked at.
        reason: why these.
    """

    name: str
    hardware: str
    model: str
    threads: int
    max_rate_hz: float
    reason: str

    def defaults(self) -> dict[str, str | int | float]:
        """The keys of `[device]` that this profile sets."""
        return {"model": self.model, "threads": self.threads, "max_rate_hz": self.max_rate_hz}


PROFILES: Mapping[str, Profile] = {
    profile.name: profile
    for profile in (
        Profile(
            name="generic",
            hardware="any computer, x86-64 or Arm",
            model="nanodet-288x512-int8",
            threads=1,
            max_rate_hz=30.0,
            reason="14 ms a frame on one x86-64 core with int8 instructions: the whole frame "
            "rate fits, and the other cores stay free",
        ),
        Profile(
            name="pi4",
            hardware="Raspberry Pi 4, 2 GB or more",
            model="nanodet-256x416-int8",
            threads=3,
            max_rate_hz=10.0,
            reason="its cores lack the dot-product instruction, so int8 gains less: the smaller "
            "input and a rate that leaves room for heat; the definitions need 2 Hz and the "
            "tracker is at ease from 5 Hz; one of four cores is left to the rest",
        ),
        Profile(
            name="pi5",
            hardware="Raspberry Pi 5, 4 GB or more",
            model="nanodet-288x512-int8",
            threads=2,
            max_rate_hz=15.0,
            reason="its cores have the dot-product instruction, so the more exact input fits; "
            "two of four cores leave room for heat and for the rest",
        ),
        Profile(
            name="jetson-orin",
            hardware="Jetson Orin Nano, NX or AGX",
            model="nanodet-288x512",
            threads=2,
            max_rate_hz=30.0,
            reason="the graphics processor takes the unquantised model, two points of AP better; "
            "without such a provider two cores run it, at the rate that they reach",
        ),
    )
}


def with_profile_defaults(raw: Mapping[str, object]) -> dict[str, object]:
    """A parsed site file with its profile's defaults beneath what it says itself.

    An unknown profile adds nothing; the schema reports it.

    >>> with_profile_defaults({"device": {"profile": "pi4", "threads": 1}})["device"]["threads"]
    1
    """
    device = raw.get("device", {})
    if not isinstance(device, dict):
        return dict(raw)
    name = device.get("profile", "generic")
    profile = PROFILES.get(name) if isinstance(name, str) else None
    return {**raw, "device": {**(profile.defaults() if profile else {}), **device}}
