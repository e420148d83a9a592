"""Which source a name means.

| name | source |
|---|---|
| `stream` | MPEG-TS from the relay, on the descriptor given |
| `picamera2` | the Raspberry Pi's camera |
| a number N, or `/dev/…` | a Video4Linux camera |
| anything else | a video file |
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from vision.errors import SourceError
from vision.sources.file import RealTime, Unpaced, VideoFile
from vision.sources.picamera import PiCamera
from vision.sources.stream import PipedStream
from vision.sources.v4l2 import V4l2Camera

if TYPE_CHECKING:
    from firmware_cfg.site import Site
    from vision.frames import FrameSource


class SourceKind(StrEnum):
    """What a source is, which can be told before it is opened."""

    STREAM = "stream"
    PICAMERA = "picamera2"
    V4L2 = "v4l2"
    FILE = "file"


def kind_of(name: str) -> SourceKind:
    """What the source of that name is.

    >>> [str(kind_of(name)) for name in ("stream", "0", "/dev/video2", "picamera2", "a.mp4")]
    ['stream', 'v4l2', 'v4l2', 'picamera2', 'file']
    """
    if name in ("stream", "picamera2"):
        return SourceKind(name)
    is_device = name.isdecimal() or name.startswith("/dev/video")
    return SourceKind.V4L2 if is_device else SourceKind.FILE


@dataclass(frozen=True, slots=True)
class SourceChoice:
    """What the command line says of the source."""

    name: str
    loop: bool = False
    realtime: bool = False
    stream_fd: int | None = None


def open_source(choice: SourceChoice, site: Site) -> FrameSource:
    """Open the source, and hold it to the picture size of the site file.

    Raises:
        SourceError: it cannot be opened, or delivers another size.
    """
    source = _open(choice, site)
    if source.size_px != site.camera.size_px:
        source.close()
        found, expected = source.size_px, site.camera.size_px
        raise SourceError(
            f"{choice.name}: expected pictures of {expected[0]} × {expected[1]} px "
            f"(camera.size_px), found {found[0]} × {found[1]}"
        )
    return source


def _open(choice: SourceChoice, site: Site) -> FrameSource:
    name, threads = choice.name, site.device.threads
    if "://" in name:  # an address may hold a password: it is not repeated
        raise SourceError(
            "a network camera comes through the relay: expected --source stream --stream-fd N"
        )
    match kind_of(name):
        case SourceKind.STREAM:
            if choice.stream_fd is None:
                raise SourceError("stream: expected --stream-fd N, the relay's pipe")
            return PipedStream(choice.stream_fd, threads)
        case SourceKind.PICAMERA:
            return PiCamera(site.camera.size_px, site.device.max_rate_hz)
        case SourceKind.V4L2:
            device = f"/dev/video{name}" if name.isdecimal() else name
            return V4l2Camera(device, site.camera.size_px)
        case SourceKind.FILE:
            pace = RealTime() if choice.realtime else Unpaced()
            return VideoFile(Path(name), threads, loop=choice.loop, pace=pace)
