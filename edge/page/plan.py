"""What the page is told once: the camera's size, the zones, and the terms in force."""

import json

from firmware_cfg.section import Polygon
from firmware_cfg.site import Site


def plan_json(site: Site) -> bytes:
    """The body of `/site.json`; polygons in delivered pixels."""
    zones = [_zone("queue", queue.id, queue.zone_px) for queue in site.queue]
    for point in site.service_point:
        zones.append(_zone("counter", point.id, point.service_zone_px))
        if point.staff_zone_px is not None:
            zones.append(_zone("staff", point.id, point.staff_zone_px))
    plan = {
        "device": site.device.id,
        "size_px": site.camera.size_px,
        "zones": zones,
        "k": site.privacy.k,
        "window_s": site.encounter.window_s,
        "team_size": site.privacy.team_size,
        "greet_within_s": site.encounter.greet_within_s,
        "serve_within_s": site.encounter.serve_within_s,
        "publishes": site.broker is not None,
    }
    return json.dumps(plan, ensure_ascii=False, separators=(",", ":")).encode()


def _zone(kind: str, name: str, polygon: Polygon) -> dict[str, object]:
    return {"kind": kind, "name": name, "polygon_px": polygon}
