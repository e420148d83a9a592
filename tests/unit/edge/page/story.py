"""A short story for the page: one shop, people as the engine would report them."""

from dataclasses import replace

from edge.engine import Present
from edge.page.snapshot import Snapshot, Words
from edge.testing import a_site
from edge.tracking.track import TrackId
from edge.visits.person import Role
from edge.visits.values import Duration, Member, PointId, Visit
from firmware_cfg.site import Site

QUEUE = ((120, 520), (820, 470), (900, 700), (160, 790))
COUNTER = ((900, 420), (1330, 400), (1400, 620), (960, 650))
STAFF = ((1000, 240), (1420, 220), (1500, 390), (1010, 410))
LINK = Words("connected to 127.0.0.1:18830, 2 waiting", "已连接 127.0.0.1:18830，2 条待发")
RELEASED = Words("3 parties so far; figures leave from 10 on", "目前 3 组；满 10 组才会发布")


def a_shop(port: int | None = 0) -> Site:
    """A queue and a counter with a staff side; `port` None: no page."""
    page = {} if port is None else {"page": {"port": port}}
    return a_site(
        camera={"size_px": (1600, 900)},
        queue=[{"id": "queue-1", "zone_px": QUEUE, "feeds": ["counter-1"]}],
        service_point=[
            {"id": "counter-1", "service_zone_px": COUNTER, "staff_zone_px": STAFF},
        ],
        **page,
    )


def a_person(track_id: int, x_px: float, y_px: float, role: Role = Role.CUSTOMER) -> Present:
    """Someone standing at a foot point."""
    box = (x_px - 40, y_px - 220, x_px + 40, y_px)
    return Present(TrackId(track_id), (x_px, y_px), box, role, 0.9, role is Role.CUSTOMER)


def members(visit: Visit, *track_ids: int) -> Visit:
    """The same visit by these people, who all came at its arrival."""
    until_s = visit.arrived_s + visit.stay.total_s
    people = tuple(Member(i, visit.arrived_s, until_s) for i in track_ids)
    return replace(visit, members=people, party_size=len(people), queue=PointId("queue-1"))


def lasting(visit: Visit, stay_s: float) -> Visit:
    """The same visit, seen for so long."""
    return replace(visit, stay=Duration(stay_s, 0.0, 0.0))


def a_scene(at_s: float, *visits: Visit, people: tuple[Present, ...] = ()) -> Snapshot:
    """A snapshot with the words of a device that works."""
    coverage = Words("24.8 frames a second, everything seen", "每秒 24.8 帧，覆盖率 100%")
    return Snapshot(at_s, people, (), visits, coverage, LINK, RELEASED)
