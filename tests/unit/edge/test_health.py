"""What the heartbeat says of the jail fits the message, and is never better than it is."""

from __future__ import annotations

from edge.clock import SystemClock
from edge.health import Vitals, layers_of
from edge.testing import a_site
from firmware_cfg.confine.layers import REPORTED, Layer
from firmware_cfg.confine.report import Confinement
from firmware_cfg.record import Jail


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


def test_the_longest_list_fits_the_heartbeat() -> None:
    site = a_site(device={"id": "kiosk-7", "state_dir": "/nowhere/at/all"})
    vitals = Vitals(site, "nanodet", SystemClock(), 0.0)
    layers = layers_of(confinement(), Jail.REDUCED)
    beat = vitals.heartbeat((), layers)
    assert beat.kernel_layers == layers
    assert beat.disk_free_mb > 0
