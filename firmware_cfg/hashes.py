"""Hashes that say whether two windows were measured with the same eyes and the same rule.

Each is the SHA-256, in hexadecimal, of canonical JSON: keys sorted, no spaces, every default
written out. Site files that mean the same have the same hash: the order of zones, of
`feeds` and of keys does not count, nor does writing a default out.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from firmware_cfg.site import Site


def geometry_hash(site: Site) -> str:
    """Hash of what is seen and where: camera, ground, queues and service points."""
    dumped = site.model_dump(mode="json", include={"camera", "ground", "queue", "service_point"})
    for queue in dumped["queue"]:
        queue["feeds"].sort()
    for kind in ("queue", "service_point"):
        dumped[kind].sort(key=lambda zone: str(zone["id"]))
    return _sha256(dumped)


def expectations_hash(site: Site) -> str:
    """Hash of the constants of the definitions: the section `[encounter]`."""
    return _sha256(site.encounter.model_dump(mode="json"))


def _sha256(value: object) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()
