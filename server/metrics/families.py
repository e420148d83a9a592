"""Facts as Prometheus' families: the one list of what is measured, with its help."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
)
from prometheus_client.metrics_core import Metric

from server.ingest.committing import Tally
from server.ingest.link import LinkState
from server.ingest.station import Standing
from server.metrics.buckets import Buckets
from server.metrics.facts import Disk, Stored
from server.metrics.requests import Key

L = TypeVar("L", bound=str)


@dataclass(frozen=True, slots=True)
class Machine:
    """What files tell; a certificate's end by whose it is: `broker`, or this server's `own`."""

    disk: Disk | None
    backed_up_at: datetime | None
    certificates: Mapping[str, datetime | None]


def of_version(version: str) -> Iterator[Metric]:
    """Which version runs."""
    yield InfoMetricFamily("encounter_build", "Which version runs.", {"version": version})


def of_ingest(standing: Standing, now: datetime) -> Iterator[Metric]:
    """How workers and broker are."""
    state = standing.ingest
    yield _gauge(
        "encounter_broker_connected",
        "1 while every ingest worker is connected to the broker and subscribed.",
        float(standing.link.state is LinkState.CONNECTED),
    )
    yield _gauge(
        "encounter_ingest_failing",
        "1 while an ingest worker cannot commit, and tries again.",
        float(state.failing),
    )
    yield _messages(state.tally)
    begun = now if state.busy_since is None else state.busy_since
    yield _gauge(
        "encounter_ingest_busy_seconds",
        "How long the oldest batch at hand has waited to be committed; 0 without one.",
        max(0.0, (now - begun).total_seconds()),
    )
    yield _gauge(
        "encounter_ingest_last_commit_timestamp_seconds",
        "When a batch was last committed; 0 before the first.",
        _timestamp(state.last_commit_at),
    )
    yield _histogram(
        "encounter_ingest_commit_seconds",
        "How long a batch took to be committed, rounded up to its bucket.",
        [((), state.work.commit_s)],
    )
    yield _histogram(
        "encounter_ingest_batch_messages",
        "Messages in a batch, rounded up to its bucket.",
        [((), state.work.batch)],
    )
    yield _histogram(
        "encounter_ingest_window_age_seconds",
        "From the end of a window to its commit, rounded up to its bucket.",
        [((), state.work.age_s)],
    )


def of_rollups(done_at: datetime | None) -> Iterator[Metric]:
    """How the roll-up job is."""
    yield _gauge(
        "encounter_rollups_last_timestamp_seconds",
        "When the roll-up job last looked for work and did not fail; 0 before.",
        _timestamp(done_at),
    )


def of_database(found: Stored | None) -> Iterator[Metric]:
    """What the database tells; of one that does not answer, that alone."""
    up = found is not None
    yield _gauge("encounter_database_up", "1 if the database answered.", float(up))
    if found is None:
        return
    yield from _of_devices(found)
    yield _by(
        "encounter_quarantine_messages",
        "Messages kept aside whole, by reason.",
        "reason",
        found.aside_messages,
    )
    yield _by(
        "encounter_quarantine_devices",
        "Devices of which cells are kept aside, by reason.",
        "reason",
        found.aside_devices,
    )
    yield _gauge(
        "encounter_rollups_overdue",
        "Roll-ups of days that have been due for more than ten minutes, in whole hundreds.",
        found.overdue,
    )
    yield _gauge(
        "encounter_database_size_bytes",
        "Size of the database, in steps of 16 MiB.",
        found.size_bytes,
    )


def of_machine(found: Machine) -> Iterator[Metric]:
    """What files tell."""
    if found.disk is not None:
        free, size = found.disk.free_bytes, found.disk.size_bytes
        yield _gauge("encounter_disk_free_bytes", "Free on the state folder's disk.", free)
        yield _gauge("encounter_disk_size_bytes", "Size of the state folder's disk.", size)
    yield _gauge(
        "encounter_backup_last_timestamp_seconds",
        "When `encounter-server backup` was last done here; 0 if never.",
        _timestamp(found.backed_up_at),
    )
    yield _by(
        "encounter_certificate_expiry_timestamp_seconds",
        "When a certificate ends: the broker's, this server's own; 0 if it is not accepted.",
        "of",
        {name: _timestamp(at) for name, at in found.certificates.items()},
    )


def of_requests(found: Mapping[Key, Buckets]) -> Iterator[Metric]:
    """How long answers took."""
    yield _histogram(
        "encounter_http_request_seconds",
        "How long an answer took, by operation and class of its status.",
        sorted(found.items()),
        ("operation", "status"),
    )


def _of_devices(found: Stored) -> Iterator[Metric]:
    yield _by(
        "encounter_devices",
        "Devices in service, by whether they are heard of.",
        "state",
        found.by_state,
    )
    yield _gauge(
        "encounter_devices_late",
        "Devices online of which no window of the last four hours has come.",
        found.late,
    )
    yield _gauge("encounter_devices_faulty", "Devices that say they have a fault.", found.faulty)
    yield _gauge(
        "encounter_devices_certificate_expiring",
        "Devices that say their certificate ends within 30 days.",
        found.expiring,
    )


def _messages(tally: Tally) -> Metric:
    """Messages by their fate; of those kept aside as cells, nothing is told here."""
    family = CounterMetricFamily(
        "encounter_ingest_messages",
        "Messages since the start: stored, known already (repeated), rejected.",
        labels=["fate"],
    )
    for fate in ("stored", "repeated", "rejected"):
        family.add_metric([fate], getattr(tally, fate))
    return family


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value)


def _by(name: str, text: str, label: str, values: Mapping[L, float]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=[label])
    for key, value in values.items():
        family.add_metric([str(key)], value)
    return family


def _histogram(
    name: str,
    text: str,
    found: Iterable[tuple[tuple[str, ...], Buckets]],
    labels: tuple[str, ...] = (),
) -> Metric:
    family = HistogramMetricFamily(name, text, labels=labels)
    for values, buckets in found:
        family.add_metric(values, buckets.cumulative(), buckets.sum)
    return family


def _timestamp(at: datetime | None) -> float:
    return 0.0 if at is None else at.timestamp()
