"""Which zones a person is in: a bit a zone, by each zone's own anchor."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from edge.tracking.detections import Cut
from edge.visits.values import PointId

if TYPE_CHECKING:
    from edge.tracking.track import Box, Observation
    from firmware_cfg.site import Site

UNSURE = 1 << 30  # who stands behind somebody is on the staff side if it was before

Polygon = tuple[tuple[float, float], ...]


class ZoneKind(StrEnum):
    """What a zone is for."""

    QUEUE = "queue"
    SERVICE = "service"
    STAFF = "staff"


@dataclass(frozen=True, slots=True)
class Zone:
    """A polygon in delivered pixels, with the anchor that must be inside."""

    bit: int
    kind: ZoneKind
    point: PointId
    polygon_px: Polygon
    anchor: str
    bounds_px: tuple[float, float, float, float]

    def contains(self, x_px: float, y_px: float) -> bool:
        """Whether the point lies inside (even-odd rule)."""
        left, top, right, bottom = self.bounds_px
        if not (left <= x_px <= right and top <= y_px <= bottom):
            return False
        inside = False
        x1, y1 = self.polygon_px[-1]
        for x2, y2 in self.polygon_px:
            if (y1 > y_px) != (y2 > y_px) and x_px < (x2 - x1) * (y_px - y1) / (y2 - y1) + x1:
                inside = not inside
            x1, y1 = x2, y2
        return inside


@dataclass(frozen=True, slots=True)
class Counter:
    """A service point's zones as bits; `queue_bits` are the queues that feed it."""

    point: PointId
    service_bit: int
    staff_bit: int
    queue_bits: int


class ZoneMap:
    """All zones of a site."""

    def __init__(self, site: Site) -> None:
        """Number the zones: queues first, then each service point's two."""
        self.zones: list[Zone] = []
        self.counters: list[Counter] = []
        queues = [
            (queue, self._add(ZoneKind.QUEUE, queue.id, queue.zone_px, queue.anchor))
            for queue in site.queue
        ]
        for point in site.service_point:
            service = self._add(
                ZoneKind.SERVICE, point.id, point.service_zone_px, point.service_anchor
            )
            staff = (
                self._add(ZoneKind.STAFF, point.id, point.staff_zone_px, point.staff_anchor)
                if point.staff_zone_px
                else 0
            )
            feeding = sum(
                bit for queue, bit in queues if not queue.feeds or point.id in queue.feeds
            )
            self.counters.append(Counter(PointId(point.id), service, staff, feeding))
        self.queue_bits = self._bits(ZoneKind.QUEUE)
        self.service_bits = self._bits(ZoneKind.SERVICE)
        self.staff_bits = self._bits(ZoneKind.STAFF)
        self.customer_bits = self.queue_bits | self.service_bits
        self.counter_bits = self.staff_bits | self.service_bits
        self._staff_zones = [zone for zone in self.zones if zone.bit & self.staff_bits]
        self._foot_bits = sum(zone.bit for zone in self.zones if zone.anchor == "foot")

    def _add(self, kind: ZoneKind, point: str, polygon: Polygon, anchor: str) -> int:
        bit = 1 << len(self.zones)
        xs, ys = [x for x, _ in polygon], [y for _, y in polygon]
        bounds = (min(xs), min(ys), max(xs), max(ys))
        self.zones.append(Zone(bit, kind, PointId(point), polygon, anchor, bounds))
        return bit

    def _bits(self, kind: ZoneKind) -> int:
        return sum(zone.bit for zone in self.zones if zone.kind is kind)

    def mask(self, seen: Observation, before: int) -> int:
        """Bits of the zones that the observed person is in.

        Where the picture's lower edge cuts the box no foot is observed: then nobody comes
        into a zone by the foot, and whoever was in one (`before`) stays. Feet hidden
        behind someone else are estimated, but on the staff side, whose zone is drawn
        where the visible box ends: unless the estimate says that they are on the
        customers' side. Behind another person it is `UNSURE` whether the box ends there by
        the counter, or is cut by that person: the staff bits then say where it ends.
        """
        left, top, right, bottom = seen.box_xyxy_px
        middle = (left + right) / 2
        mask = 0 if seen.foot_seen else before & self._foot_bits
        for zone in self.zones:
            if zone.anchor == "foot":
                if not seen.foot_seen:
                    continue
                y = bottom if zone.kind is ZoneKind.STAFF else seen.foot_xy_px[1]
            else:
                y = top if zone.anchor == "head" else (top + bottom) / 2
            if zone.contains(middle, y):
                mask |= zone.bit
        staff_feet = self.staff_bits & self._foot_bits
        if seen.feet_hidden and mask & self.customer_bits:
            mask &= ~staff_feet
        elif seen.behind_person and (seen.feet_hidden or mask & staff_feet):
            mask = mask & ~staff_feet if mask & self.customer_bits else mask | UNSURE
        return mask

    def cut_by(self, box: Box) -> Cut:
        """What ends a box below: the counter before staff, or nothing to go by for who sits."""
        left, top, right, bottom = box
        middle = (left + right) / 2
        for zone in self._staff_zones:
            if zone.anchor == "foot":
                if zone.contains(middle, bottom):
                    return Cut.COUNTER
            elif zone.contains(middle, top if zone.anchor == "head" else (top + bottom) / 2):
                return Cut.SEAT
        return Cut.NOTHING

    def behind_counter(self, seen: Observation) -> bool:
        """Whether the box ends in a staff zone, so that its bottom shows no feet."""
        left, _, right, bottom = seen.box_xyxy_px
        middle = (left + right) / 2
        if not any(z.contains(middle, bottom) for z in self._staff_zones):
            return False
        return not seen.feet_hidden or not self.mask(seen, 0) & self.customer_bits

    def counter_of(self, point: PointId) -> Counter:
        """The service point's zones."""
        return next(counter for counter in self.counters if counter.point == point)
