"""What is in force on a device, as the ledger states it: configuration, model, privacy level.

A site file's hash is that of what it means, every default written out: a comment changes nothing.
`encounter-edge ledger config SITE.toml` prints what the ledger must say of a site file.
"""

from __future__ import annotations

import hashlib
from functools import cache
from ipaddress import ip_address

from edge.ledger.entry import EntryKind, canonical
from edge.ledger.errors import LedgerError
from edge.ledger.manifest import model_in, models_folder
from firmware_cfg import __version__
from firmware_cfg.hashes import expectations_hash, geometry_hash
from firmware_cfg.site import Site

Stated = tuple[EntryKind, dict[str, object]]


def in_force(site: Site, k: int, window_s: int) -> tuple[Stated, ...]:
    """The entries of a site file, with the threshold and the window in force."""
    return (
        (EntryKind.CONFIGURATION, _configuration(site)),
        (EntryKind.MODEL, {"name": site.device.model, "sha256": _model_sha256(site.device.model)}),
        (
            EntryKind.PRIVACY,
            {
                "k": k,
                "live_state": False,  # this version has none
                "pattern_agreement": site.privacy.pattern_agreement,
                "team_size": site.privacy.team_size,
                "window_s": window_s,
            },
        ),
    )


def _configuration(site: Site) -> dict[str, object]:
    broker = site.broker
    return {
        "broker": None if broker is None else f"{broker.host}:{broker.port}",
        "device": site.device.id,
        "expectations_sha256": expectations_hash(site),
        "geometry_sha256": geometry_hash(site),
        "other_protocols": _other_protocols(site),
        "server_key": None if broker is None else broker.server_key,
        "site_sha256": hashlib.sha256(canonical(site.model_dump(mode="json"))).hexdigest(),
        "software": __version__,
        "timezone": site.store.timezone,
        "without": sorted(str(layer) for layer in site.confine.without),
    }


def _other_protocols(site: Site) -> list[str]:
    """What else this device's processes and system put on a network or on the loopback."""
    found = ["ntp_by_the_system"]
    if site.broker is not None and _is_name(site.broker.host):
        found.append(f"dns for {site.broker.host}")
    if site.broker is not None and site.broker.tls:
        found.append("tls handshakes with the broker")
    if site.page is not None:
        found.append(f"page on 127.0.0.1:{site.page.port}")
    return sorted(found)


def _is_name(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return True
    return False


@cache
def _model_sha256(name: str) -> str | None:
    """What the manifest says of the model's file; None if it cannot be read from here.

    vision refuses a file with another hash.
    """
    try:
        return model_in(models_folder(), name).sha256
    except LedgerError:
        return None
