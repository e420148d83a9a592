"""Everything that a run of the device gave off, as the instruments caught it."""

from __future__ import annotations

from dataclasses import dataclass

from edge.audit.canary.listener import Published
from edge.audit.instruments.calls import Traced
from edge.audit.instruments.network import Packet
from edge.audit.instruments.tables import Tables


@dataclass(frozen=True, slots=True)
class Stream:
    """Bytes that left one place.

    Attributes:
        name: which place, in words: `vision, descriptor 6`, `file /tmp/x`.
        data: the bytes, in the order of their leaving.
    """

    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Record:
    """One record of the camera process, as it was written.

    Attributes:
        at_s: when, seconds since the epoch.
        data: its bytes.
    """

    at_s: float
    data: bytes


@dataclass(frozen=True, slots=True)
class Emission:
    """What was caught; None: that instrument could not look.

    Attributes:
        streams: every byte, by the place that it left.
        records: of the camera process.
        messages: to the broker.
        port: the broker's.
        packets: on all interfaces.
        files: new or changed files in the home folder, and in shared folders if they were watched.
        calls: of the camera process, by strace.
        opened: what any process opened to be written outside the run's own folder.
        tables: descriptors and memory of the camera process.
        said: lines on standard output and error.
        status: the run's exit status.
    """

    streams: tuple[Stream, ...]
    records: tuple[Record, ...]
    messages: tuple[Published, ...]
    port: int
    packets: tuple[Packet, ...] | None
    files: tuple[str, ...]
    calls: Traced | None
    opened: tuple[str, ...]
    tables: Tables
    said: tuple[str, ...]
    status: int

    @property
    def total_bytes(self) -> int:
        """How many bytes left, counted once for each instrument that saw them."""
        return sum(len(stream.data) for stream in self.streams)
