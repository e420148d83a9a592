"""What the heartbeat says of the jail fits the message, and is never better than it is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest
from cryptography.x509 import load_pem_x509_certificate

from edge.clock import SystemClock
from edge.health import Vitals, layers_of
from edge.punctual import HOLD_S, MARK_S
from edge.testing import ManualClock, a_site
from edge.timing import Timing
from edge.upload import Upload
from firmware_cfg.confine.layers import REPORTED, Layer
from firmware_cfg.confine.report import Confinement
from firmware_cfg.record import Jail
from tests.integration.server.certificates import Authority

if TYPE_CHECKING:
    from pathlib import Path

    from edge.broker_link import BrokerLink


def confinement(*lacks: Layer, more: tuple[str, ...] = ()) -> Confinement:
    holds = tuple(layer for layer in Layer if layer not in lacks)
    return Confinement("edge", holds, lacks, more)


def test_whole_layers_are_named() -> None:
    whole = ("landlock", "seccomp", "dumpable", "core", "swap", "users", "network_namespace")
    assert layers_of(confinement(), Jail.WHOLE) == whole


def test_a_layer_without_one_of_its_rights_is_not_whole() -> None:
    layers = layers_of(confinement(Layer.LANDLOCK_TCP), Jail.WHOLE)
    assert "landlock" not in layers
    assert "reduced" in layers


def test_what_only_units_give_may_lack_without_reducing_it() -> None:
    assert "reduced" not in layers_of(confinement(*REPORTED), Jail.WHOLE)


def test_a_reduced_jail_of_the_camera_process_is_told() -> None:
    assert layers_of(confinement(), Jail.REDUCED)[-1] == "reduced"
    assert layers_of(confinement(more=("a camera",)), Jail.WHOLE)[-1] == "reduced"


def test_the_heartbeat_says_how_long_the_certificate_lasts(tmp_path: Path) -> None:
    pair = Authority(tmp_path).issue("kiosk-7")
    files = {"cert_file": str(pair.cert), "key_file": str(pair.key)}
    site = a_site(broker={"host": "broker.example", "server_key": "00" * 32, **files})
    clock = ManualClock()
    clock.now = datetime.now(UTC) - timedelta(days=2)
    ends = load_pem_x509_certificate(pair.cert.read_bytes()).not_valid_after_utc
    days = Vitals(site, "nanodet", clock, 0.0).heartbeat().certificate_days
    assert days == (ends - clock.utc_now()).days
    assert days > 0


@pytest.mark.parametrize("content", [None, b"no certificate"])
def test_a_certificate_that_cannot_be_read_is_not_told(
    tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "device.pem"
    if content is not None:
        path.write_bytes(content)
    files = {"cert_file": str(path), "key_file": str(path)}
    site = a_site(broker={"host": "broker.example", "server_key": "00" * 32, **files})
    assert Vitals(site, "nanodet", ManualClock(), 0.0).heartbeat().certificate_days is None


def test_the_longest_list_fits_the_heartbeat() -> None:
    site = a_site(device={"id": "kiosk-7", "state_dir": "/nowhere/at/all"})
    vitals = Vitals(site, "nanodet", SystemClock(), 0.0)
    layers = layers_of(confinement(), Jail.REDUCED)
    beat = vitals.heartbeat((), layers)
    assert beat.kernel_layers == layers
    assert beat.disk_free_mb > 0


@pytest.mark.parametrize(
    ("free_mb", "told_mb", "faults"),
    [
        (10_249, 10_000, ()),
        (10_250, 10_250, ()),
        (10_499, 10_250, ()),
        (230, 0, ()),
        (199, 0, ("disk",)),
    ],
)
def test_room_on_the_disk_is_told_in_steps(
    free_mb: int, told_mb: int, faults: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.health._free_bytes", lambda _: free_mb * 1_000_000 + 999_999)
    beat = Vitals(a_site(), "nanodet", SystemClock(), 0.0).heartbeat()
    assert (beat.disk_free_mb, beat.faults) == (told_mb, faults)


@pytest.mark.parametrize("settle_s", [60, 1800, 1805, 7200])
def test_heartbeats_leave_seconds_away_from_where_windows_close(
    settle_s: int, tmp_path: Path
) -> None:
    site = a_site(
        device={"id": "kiosk-7", "state_dir": str(tmp_path)},
        broker={"host": "127.0.0.1", "tls": False, "server_key": "0" * 64},
        encounter={"window_settle_s": settle_s},
    )
    clock = ManualClock(datetime(2027, 3, 1, 9, 0, 3, tzinfo=UTC))
    upload = Upload(site, None, clock)
    upload._publisher._timing = Timing(heartbeat_s=60.0)
    sent: list[float] = []
    link = SimpleNamespace(publish=lambda *_: sent.append(clock.now.timestamp()))
    for _ in range(3000):
        clock.advance(0.2)
        upload._publisher._beat(cast("BrokerLink", link))
    upload._outbox.close()
    assert len(sent) in (10, 11)
    closes = [(at - settle_s - HOLD_S) % MARK_S for at in sent]
    assert all(min(one, MARK_S - one) > 2.0 for one in closes)
