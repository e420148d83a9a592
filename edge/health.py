"""The heartbeat: what a fleet must know of a device, and nothing that depends on the scene."""

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import firmware_cfg
from edge.clock import Clock
from firmware_cfg.messages import Health, Reported
from firmware_cfg.messages import Queue as ReportedQueue
from firmware_cfg.site import Site

HEARTBEAT_S = 60.0
LOW_DISK_MB = 200
Fault = Literal["camera", "outbox", "clock", "disk"]
_FAULTS: tuple[Fault, ...] = ("camera", "outbox", "clock", "disk")


@dataclass(frozen=True, slots=True)
class Vitals:
    """What a heartbeat is made of.

    Attributes:
        site: the site file in force.
        model: person detector, by its name.
        clock: wall clock and elapsed time.
        started_s: `clock.monotonic_s()` when the appliance started.
        kernel_layers: confinement in force, by name.
    """

    site: Site
    model: str
    clock: Clock
    started_s: float
    kernel_layers: tuple[str, ...] = ()

    def heartbeat(self, faults: Iterable[Fault] = ()) -> Health:
        """A heartbeat for now; adds `disk` where less than `LOW_DISK_MB` are free."""
        free_mb = shutil.disk_usage(_existing(Path(self.site.device.state_dir))).free // 1_000_000
        standing = set(faults) | ({"disk"} if free_mb < LOW_DISK_MB else set())
        return Health(
            device=self.site.device.id,
            at=self.clock.utc_now(),
            software=firmware_cfg.__version__,
            model=self.model,
            uptime_s=max(0, int(self.clock.monotonic_s() - self.started_s)),
            disk_free_mb=free_mb,
            clock=self.clock.quality(),
            faults=tuple(fault for fault in _FAULTS if fault in standing),
            kernel_layers=self.kernel_layers,
        )


def reported(site: Site, k: int, window_s: int, hashes: tuple[str, str]) -> Reported:
    """The configuration in force; `hashes` are geometry's and expectations'."""
    points = tuple(point.id for point in site.service_point)
    return Reported(
        device=site.device.id,
        service_points=points,
        queues=tuple(ReportedQueue(id=q.id, feeds=q.feeds or points) for q in site.queue),
        timezone=site.store.timezone,
        k=k,
        window_s=window_s,
        greet_within_s=site.encounter.greet_within_s,
        serve_within_s=site.encounter.serve_within_s,
        geometry_hash=hashes[0],
        expectations_hash=hashes[1],
    )


def _existing(folder: Path) -> Path:
    """The folder, or the nearest above it that exists."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder
