"""The heartbeat: what a fleet must know of a device, and nothing that depends on the scene."""

import logging
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cryptography.x509 import load_pem_x509_certificate

import firmware_cfg
from edge.clock import Clock
from firmware_cfg.confine.report import Confinement
from firmware_cfg.messages import Health, Reported
from firmware_cfg.messages import Queue as ReportedQueue
from firmware_cfg.record import Jail
from firmware_cfg.site import Site

LOG = logging.getLogger(__name__)
HEARTBEAT_S = 1800.0
MOST_DAYS = 36_500
LOW_DISK_MB = 200
DISK_STEP_MB = 250
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
    """

    site: Site
    model: str
    clock: Clock
    started_s: float

    def heartbeat(
        self, faults: Iterable[Fault] = (), kernel_layers: tuple[str, ...] = ()
    ) -> Health:
        """A heartbeat for now; adds `disk` where less than `LOW_DISK_MB` are free.

        Room is told in whole steps of `DISK_STEP_MB`: the database's size depends on what
        was counted.

        Args:
            faults: what stands, beside that.
            kernel_layers: what the jail amounts to; see `layers_of`.
        """
        free_mb = _free_bytes(Path(self.site.device.state_dir)) // 1_000_000
        standing = set(faults) | ({"disk"} if free_mb < LOW_DISK_MB else set())
        return Health(
            device=self.site.device.id,
            at=self.clock.utc_now(),
            software=firmware_cfg.__version__,
            model=self.model,
            uptime_s=max(0, int(self.clock.monotonic_s() - self.started_s)),
            disk_free_mb=free_mb // DISK_STEP_MB * DISK_STEP_MB,
            clock=self.clock.quality(),
            faults=tuple(fault for fault in _FAULTS if fault in standing),
            kernel_layers=kernel_layers,
            certificate_days=self._certificate_days(),
        )

    def _certificate_days(self) -> int | None:
        """Whole days until the certificate ends that stands in its file now."""
        path = None if self.site.broker is None else self.site.broker.cert_file
        if path is None:
            return None
        try:
            certificate = load_pem_x509_certificate(Path(path).read_bytes())
        except (OSError, ValueError) as error:
            LOG.warning("certificate_unreadable %s: %s", path, error)
            return None
        left = certificate.not_valid_after_utc - self.clock.utc_now()
        return max(-MOST_DAYS, min(MOST_DAYS, left.days))


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


def layers_of(confinement: Confinement, jail: Jail) -> tuple[str, ...]:
    """What a heartbeat says of the jail.

    The layers that hold in this process with every right that belongs to them; and `reduced`
    where this process or the camera's (its records say so) is permitted more than the full
    jail, or lacks something by permission.
    """
    lacking = {layer.partition(".")[0] for layer in confinement.lacks}
    whole = [str(one) for one in confinement.holds if "." not in one and one not in lacking]
    return (*whole, "reduced") if confinement.reduced or jail else tuple(whole)


def _free_bytes(folder: Path) -> int:
    """Free bytes where `folder` is, or where it would be made."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    place = os.open(folder, os.O_PATH | os.O_CLOEXEC)
    try:
        facts = os.fstatvfs(place)
    finally:
        os.close(place)
    return facts.f_bavail * facts.f_frsize
