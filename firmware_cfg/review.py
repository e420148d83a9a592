"""What a valid site file means, in words: a summary, and what its author should know."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from firmware_cfg.hashes import expectations_hash, geometry_hash
from firmware_cfg.polygon import zones_overlap
from firmware_cfg.site import WEEKDAYS, Encounter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from firmware_cfg.site import Site


def site_warnings(site: Site) -> tuple[str, ...]:
    """What is allowed, yet limits what is measured or released."""
    return (
        *_place_warnings(site),
        *_overlap_warnings(site),
        *_team_warnings(site),
        *_store_warnings(site),
    )


def _place_warnings(site: Site) -> Iterator[str]:
    for point in site.service_point:
        if point.staff_zone_px is None:
            yield (
                f"service point {point.id} has no staff zone (self-service): "
                "greeting and interaction are impossible there"
            )
    if site.ground is None:
        yield "no [ground]: distances are estimated from box heights, and marked so"
    for queue in site.queue:
        if not queue.feeds and len(site.service_point) > 1:
            yield f"queue {queue.id} names no service point in feeds: it feeds all of them"


def _overlap_warnings(site: Site) -> Iterator[str]:
    for point in site.service_point:
        if point.staff_zone_px and zones_overlap(point.service_zone_px, point.staff_zone_px):
            yield (
                f"service point {point.id}: its service and staff zones overlap; "
                "in the overlap, side alone does not tell staff from customers"
            )
    for one, other in combinations(site.service_point, 2):
        if zones_overlap(one.service_zone_px, other.service_zone_px):
            yield f"the service zones of {one.id} and {other.id} overlap"


def _team_warnings(site: Site) -> Iterator[str]:
    team = site.privacy.team_size
    if team is None or team < 3:
        size = "is not declared" if team is None else f"= {team} is below 3"
        how = "are not released" if team is None else "are released per store and week only"
        yield f"privacy.team_size {size}: figures that depend on staff {how}"


def _store_warnings(site: Site) -> Iterator[str]:
    if not site.store.opening:
        yield "no [store] opening hours: the store counts as always open"
    if site.store.timezone == "UTC" and site.broker is not None:
        yield "store.timezone is UTC: windows and days follow UTC, not the store's clock"
    if site.broker is not None and site.device.id == "encounter":
        yield "device.id is the default, encounter: two such devices exclude each other"


def describe_site(site: Site) -> str:
    """A summary of a site, one thing a line."""
    return "\n".join((*_device_lines(site), *_zone_lines(site), *_rule_lines(site)))


def _device_lines(site: Site) -> Iterator[str]:
    device, camera = site.device, site.camera
    yield (
        f"device {device.id}: profile {device.profile}, model {device.model}, "
        f"{device.threads} thread{'s' * (device.threads > 1)}, at most {device.max_rate_hz:g} Hz"
    )
    yield f"camera: {camera.size_px[0]} × {camera.size_px[1]} px, lens {camera.lens.model}"
    yield (
        f"ground: calibrated by {len(site.ground.image_px)} points"
        if site.ground
        else "ground: not calibrated"
    )


def _zone_lines(site: Site) -> Iterator[str]:
    every = tuple(point.id for point in site.service_point)
    for queue in site.queue:
        corners = f"{len(queue.zone_px)} corners, anchor {queue.anchor}"
        yield f"queue {queue.id}: feeds {', '.join(queue.feeds or every)} ({corners})"
    for point in site.service_point:
        staff = f"staff zone by {point.staff_anchor}" if point.staff_zone_px else "self-service"
        yield f"service point {point.id}: service zone by {point.service_anchor}, {staff}"


def _rule_lines(site: Site) -> Iterator[str]:
    store, privacy, broker = site.store, site.privacy, site.broker
    hours = "; ".join(
        f"{day} {' '.join(store.opening[day])}" for day in WEEKDAYS if store.opening.get(day)
    )
    yield f"store: {store.timezone}, open {hours or 'always'}, day starts {store.day_starts}"
    changed = site.encounter.model_dump()
    standard = Encounter().model_dump()
    differs = [f"{key} = {value:g}" for key, value in changed.items() if value != standard[key]]
    yield f"encounter: {', '.join(differs) or 'all constants at their defaults'}"
    team = privacy.team_size or "undeclared"
    yield f"privacy: k = {privacy.k}, windows of {site.encounter.window_s} s, team size {team}"
    tls = "TLS" if broker and broker.tls else "plain"
    where = f"{broker.host}:{broker.port}, MQTT {broker.protocol}, {tls}" if broker else "none"
    yield f"broker: {where}" + ("" if broker else ", nothing is published")
    yield f"page: port {site.page.port} on this machine" if site.page else "page: none"
    yield f"geometry {geometry_hash(site)[:12]}, expectations {expectations_hash(site)[:12]}"
