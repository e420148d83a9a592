"""Whether anything says which frame it was: correlation with the strip that turns each frame.

The strip's cells are fair coins, drawn anew for each frame from the seed. Let xᵢ be any series
that the frames gave rise to without knowing the coins (a bit of their records, the time
between two records, the bytes on the wire meanwhile), centred. Then Σ xᵢ εᵢ for one cell
exceeds z √(Σ xᵢ²) in absolute value with a probability of at most 2 exp(−z²/2) (Hoeffding
1963, theorem 2): a randomisation test that is exact for every distribution of x. The z that
counts is chosen by Bonferroni's bound over every series, cell and delay, for a rate of false
alarms of `FALSE_ALARM` a run in all.

What the detector sees of the strip itself is no secret of the records: a correlation through
detections would be found here, too.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.audit.canary.emitted import Record
from edge.audit.canary.markers import Bits, turns
from edge.audit.instruments.network import Packet
from firmware_cfg.errors import RecordError
from firmware_cfg.record import unpack

Floats = NDArray[np.float64]

FALSE_ALARM = 1e-6
DELAYS = (0, 1, 2, 3)  # frames by which something may come late
LEAST_FRAMES = 60


@dataclass(frozen=True, slots=True)
class Correlation:
    """The strongest correlation of one group of series.

    Attributes:
        series: name of the series.
        z: its size; see the module.
        frames: how many frames there were.
    """

    series: str
    z: float
    frames: int


@dataclass(frozen=True, slots=True)
class Told:
    """What was found.

    Attributes:
        strongest: the strongest correlation of each group.
        least_z: from which on one counts.
        tests: how many were made.
    """

    strongest: tuple[Correlation, ...]
    least_z: float
    tests: int

    @property
    def telling(self) -> tuple[Correlation, ...]:
        """Those that count."""
        return tuple(one for one in self.strongest if one.z >= self.least_z)


def told(seed: str, records: Sequence[Record], packets: Sequence[Packet]) -> Told:
    """Correlate the records, their timing and the wire with the strip's cells."""
    frames = _frames(records)
    coins = turns(seed, int(frames.max(initial=0)))
    groups = {
        "a bit of the records": _bits(records),
        "time between records": _gaps(records),
        "bytes and packets on the wire between records": _wire(records, packets),
    }
    tests = sum(series.shape[1] for series in groups.values()) * coins.shape[1] * len(DELAYS)
    least_z = math.sqrt(2 * math.log(2 * max(1, tests) / FALSE_ALARM))
    return Told(tuple(_strongest(groups, frames, coins)), least_z, tests)


def _strongest(
    groups: Mapping[str, Floats], frames: NDArray[np.int64], coins: Bits
) -> list[Correlation]:
    signs = np.where(coins, 1.0, -1.0)
    found = []
    for name, series in groups.items():
        best = Correlation(name, 0.0, len(frames))
        for delay in DELAYS:
            usable = frames > delay
            z = _z(series[usable], signs[frames[usable] - 1 - delay])
            if z.size and z.max() > best.z:
                place = int(z.max(axis=1).argmax())
                where = f"{name} ({place})" if series.shape[1] > 2 else name
                best = Correlation(f"{where}, {delay} frames late", float(z.max()), len(frames))
        found.append(best)
    return found


def _z(series: Floats, signs: Floats) -> Floats:
    """(series, cells) |Σ xᵢ εᵢ| / √(Σ xᵢ²), each series centred; 0 where it never changes."""
    centred = series - series.mean(axis=0) if len(series) else series
    size = np.sqrt((centred**2).sum(axis=0))
    moving = size > 1e-9
    z = np.zeros((series.shape[1], signs.shape[1]))
    z[moving] = np.abs(centred[:, moving].T @ signs) / size[moving, None]
    return z


def _frames(records: Sequence[Record]) -> NDArray[np.int64]:
    """(n,) the frame that each record is about; where it cannot be read, its place."""
    found = []
    for place, one in enumerate(records, 1):
        try:
            found.append(unpack(one.data).frame)
        except RecordError:
            found.append(place)
    return np.array(found, np.int64)


def _bits(records: Sequence[Record]) -> Floats:
    """(n, bits) every bit of every record."""
    if not records:
        return np.empty((0, 0))
    raw = np.frombuffer(b"".join(one.data for one in records), np.uint8)
    return np.unpackbits(raw.reshape(len(records), -1), axis=1).astype(float)


def _gaps(records: Sequence[Record]) -> Floats:
    """(n, 2) time since the record before, as it is and as longer or shorter than most."""
    times = np.array([one.at_s for one in records])
    gaps = np.diff(times, prepend=times[:1])
    return (
        np.column_stack([np.minimum(gaps, 1.0), gaps > np.median(gaps)])
        if len(gaps)
        else (np.empty((0, 2)))
    )


def _wire(records: Sequence[Record], packets: Sequence[Packet]) -> Floats:
    """(n, 2) bytes and packets between a record and the next."""
    times = np.array([one.at_s for one in records])
    interval = np.searchsorted(times, [one.at_s for one in packets], side="right") - 1
    found = np.zeros((len(records), 2))
    for place, one in zip(interval, packets, strict=True):
        if place >= 0:
            found[place] += len(one.data), 1
    return found
