"""What a camera says of its streams (SDP, RFC 4566): the first video that can be carried."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urljoin

from edge.relay.errors import RelayError

Codec = Literal["H264", "H265"]
CLOCK_HZ = 90_000
_PARAMETER_SETS: dict[Codec, tuple[str, ...]] = {
    "H264": ("sprop-parameter-sets",),
    "H265": ("sprop-vps", "sprop-sps", "sprop-pps"),
}


@dataclass(frozen=True, slots=True)
class Video:
    """One video stream.

    Attributes:
        codec: how it is coded.
        payload_type: its number in RTP packets.
        control_url: what SETUP asks for.
        parameter_sets: NAL units that a decoder needs first, as far as the camera tells them.
    """

    codec: Codec
    payload_type: int
    control_url: str
    parameter_sets: tuple[bytes, ...]


def find_video(sdp: str, base_url: str) -> Video:
    """The first H.264 or H.265 video of a description.

    Raises:
        RelayError: there is none.
    """
    media = ("\n" + sdp.replace("\r", "")).split("\nm=")[1:]
    for block in media:
        lines = block.splitlines()
        if not lines[0].startswith("video "):
            continue
        attributes = [line[2:] for line in lines[1:] if line.startswith("a=")]
        control = _first(attributes, "control:")
        for attribute in attributes:
            payload, _, coding = attribute.removeprefix("rtpmap:").partition(" ")
            codec = _codec(coding) if attribute.startswith("rtpmap:") else None
            if codec is not None and payload.isdecimal():
                sets = _parameter_sets(codec, _first(attributes, f"fmtp:{payload} "))
                return Video(codec, int(payload), _join(base_url, control), sets)
    raise RelayError("expected H.264 or H.265 video from the camera, found neither")


def _codec(coding: str) -> Codec | None:
    match coding.strip().upper().split("/")[:2]:
        case ["H264", "90000"]:
            return "H264"
        case ["H265", "90000"]:
            return "H265"
        case _:
            return None


def _first(attributes: list[str], prefix: str) -> str:
    return next((a.removeprefix(prefix) for a in attributes if a.startswith(prefix)), "")


def _join(base_url: str, control: str) -> str:
    """The control URL; relative ones hang under the base, whatever its last character."""
    if control in ("", "*"):
        return base_url
    if control.startswith("rtsp://"):
        return control
    if control.startswith("/"):
        return urljoin(base_url, control)
    return base_url.rstrip("/") + "/" + control


def _parameter_sets(codec: Codec, fmtp: str) -> tuple[bytes, ...]:
    values = dict(part.strip().partition("=")[::2] for part in fmtp.split(";"))
    texts = ",".join(values.get(key, "") for key in _PARAMETER_SETS[codec]).split(",")
    try:
        return tuple(base64.b64decode(text, validate=True) for text in texts if text)
    except binascii.Error:
        return ()
