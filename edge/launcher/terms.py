"""What is run, and how patient the launcher is with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge.relay.credentials import Credentials


@dataclass(frozen=True, slots=True)
class Terms:
    """How long is waited for what, and how much memory is too much.

    Attributes:
        silent_s: a process that has spoken and says nothing for this long is hung.
        start_s: the same, before its first word.
        file_silent_s: as `silent_s`, on a file: nothing is lost by waiting, and damaged parts
            and crowds take their time.
        first_pause_s, longest_pause_s: before a process is started again; doubles between.
        steady_s: who ran for this long begins with the first pause again.
        stop_s: how long edge may take to end when a signal came.
        step_s: how often all is looked at.
        most_mb: largest memory (resident) of edge, vision and relay, in MB; live runs only.
    """

    silent_s: float = 10.0
    start_s: float = 60.0
    file_silent_s: float = 60.0
    first_pause_s: float = 0.25
    longest_pause_s: float = 30.0
    steady_s: float = 60.0
    stop_s: float = 15.0
    step_s: float = 0.2
    most_mb: tuple[float, float, float] = (1024.0, 1536.0, 256.0)


@dataclass(frozen=True, slots=True)
class Launch:
    """What to run.

    Attributes:
        source: video file, camera, or address of a network camera, without credentials.
        site: site file.
        outputs: row-level outputs: options of `edge.appliance`, each with its file.
        loop, realtime: how a file is played.
        credentials: of the network camera, if it asks for any.
        terms: how patient the launcher is.
    """

    source: str
    site: Path
    outputs: tuple[tuple[str, Path], ...] = ()
    loop: bool = False
    realtime: bool = False
    credentials: Credentials | None = field(default=None, repr=False)
    terms: Terms = Terms()

    @property
    def is_network(self) -> bool:
        """Whether the source is a network camera."""
        return "://" in self.source

    @property
    def is_camera(self) -> bool:
        """Whether the source is a camera of this machine."""
        return self.source.isdecimal() or self.source.startswith(("/dev/", "picamera2"))

    @property
    def is_live(self) -> bool:
        """Whether the source never ends by itself."""
        return self.is_camera or self.is_network or self.loop

    @property
    def is_paced(self) -> bool:
        """Whether frames come when they are captured, and not as fast as they are read."""
        return self.is_camera or self.is_network or self.realtime
