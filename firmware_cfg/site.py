"""The site file's schema: what one device is told about its camera, place and store.

Each field has its default, bounds and description; `docs/configuration.md` is generated
from here. Reading a file, with every problem at its line, is `firmware_cfg.load`. The
sections about the picture are in `firmware_cfg.place`, the store's time in
`firmware_cfg.store`; all of them can be imported from here.
"""

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, field_validator, model_validator

from firmware_cfg.confine.layers import REQUIRED, Layer
from firmware_cfg.place import Camera, Ground, Lens, Queue, ServicePoint
from firmware_cfg.section import (
    WEEKDAYS,
    Anchor,
    ClockTime,
    Point,
    PointId,
    Polygon,
    Section,
    Weekday,
    problem,
)
from firmware_cfg.store import Store, parse_opening
from firmware_cfg.topics import DEVICE_ID_PATTERN

__all__ = [
    "WEEKDAYS",
    "Anchor",
    "Broker",
    "Camera",
    "ClockTime",
    "Confine",
    "Device",
    "Encounter",
    "Ground",
    "Lens",
    "Page",
    "Point",
    "PointId",
    "Polygon",
    "Privacy",
    "Queue",
    "Section",
    "ServicePoint",
    "Site",
    "Store",
    "Weekday",
    "parse_opening",
    "problem",
]


class Encounter(Section):
    """The constants of the definitions (docs/metrics.md), in seconds and metres."""

    engagement_distance_m: float = Field(
        1.2, ge=0.3, le=5, description="Staff on the customers' side attend within this distance."
    )
    facing_deg: float = Field(
        75,
        ge=10,
        le=180,
        description="Both must face each other within this angle, where orientation is known.",
    )
    engagement_gap_s: float = Field(
        3, ge=0, le=30, description="Seen gaps up to this long are bridged."
    )
    hidden_bridge_s: float = Field(
        10,
        ge=0,
        le=60,
        description="Unseen gaps up to this long are bridged, and counted as bridged.",
    )
    min_engagement_s: float = Field(2, ge=0, le=30, description="Shorter engagements do not count.")
    min_service_s: float = Field(
        5,
        ge=0,
        le=60,
        description="Service starts with an engaged stretch at the counter of this length.",
    )
    merge_s: float = Field(
        30, ge=1, le=300, description="Absences up to this long do not end a visit."
    )
    min_stay_s: float = Field(5, ge=0, le=60, description="Shorter presence is a passer-by.")
    abandon_after_s: float = Field(
        15,
        ge=0,
        le=600,
        description="Leaving unserved after this long is `abandoned`, before it `passed`.",
    )
    party_gap_s: float = Field(
        8, ge=0, le=60, description="A party's members arrive within this time of one another."
    )
    party_distance_m: float = Field(
        1.0, ge=0.2, le=5, description="A party's members stand within this distance."
    )
    settle_s: float = Field(
        60, ge=10, le=600, description="A visit is final this long after departure."
    )
    greet_within_s: float = Field(
        30, ge=1, le=3600, description="Minimum expectation: greeted within."
    )
    serve_within_s: float = Field(
        180, ge=1, le=7200, description="Minimum expectation: service started within."
    )
    interrupted_s: float = Field(
        15, ge=1, le=600, description="A gap of this length inside a service breaks an expectation."
    )

    window_s: int = Field(
        1800,
        ge=900,
        le=3600,
        description="Window length: 900, 1800 or 3600, aligned to the store's clock.",
    )
    window_settle_s: int = Field(
        1800, ge=60, le=7200, description="A window closes this long after its end."
    )

    @field_validator("window_s")
    @classmethod
    def _calendar_window(cls, window_s: int) -> int:
        if window_s not in (900, 1800, 3600):
            raise problem("window_s", f"expected 900, 1800 or 3600, found {window_s}")
        return window_s

    @model_validator(mode="after")
    def _settles_after_merging(self) -> Self:
        if self.settle_s < self.merge_s:
            raise problem(
                "settle_s",
                f"expected at least merge_s = {self.merge_s:g}, found {self.settle_s:g}",
            )
        return self


class Privacy(Section):
    """What may leave, and when. Changed at the device alone; the server may only tighten."""

    k: int = Field(10, ge=5, le=1000, description="Smallest number of visits in a released cell.")
    team_size: int | None = Field(
        None,
        ge=1,
        le=1000,
        description="People who take turns at the counters; below 3: what depends on staff is "
        "released per store and week only; undeclared: not at all.",
    )
    pattern_agreement: str | None = Field(
        None,
        min_length=1,
        max_length=200,
        description="The agreement that permits service patterns, by its name and date; none: "
        "they are not released. With one: per store and week only.",
    )


class Broker(Section):
    """Where aggregates are published; without this table nothing is."""

    host: str = Field(min_length=1, max_length=253, description="Host name or address.")
    port: int = Field(8883, ge=1, le=65535, description="Port.")
    tls: bool = Field(True, description="Use TLS; plain only to a broker on this machine.")
    ca_file: str | None = Field(None, description="Certificate authority; none: the system's.")
    cert_file: str | None = Field(
        None, description="The device's certificate (its CN is the device id)."
    )
    key_file: str | None = Field(None, description="The certificate's key.")
    protocol: Literal["5", "3.1.1"] = Field("5", description="MQTT version.")
    server_key: str = Field(
        pattern=r"^[0-9a-f]{64}$",
        description="Public Ed25519 key that signs the server's acknowledgements, hexadecimal.",
    )
    max_inflight: int = Field(
        8, ge=1, le=100, description="Messages sent and not yet acknowledged by the broker."
    )

    @model_validator(mode="after")
    def _plain_only_at_home(self) -> Self:
        if not self.tls and self.host not in ("localhost", "127.0.0.1", "::1"):
            raise problem(
                "tls",
                f"expected true for {self.host!r}, found false: "
                "plain MQTT is for a broker on this machine",
            )
        files = {"ca_file": self.ca_file, "cert_file": self.cert_file, "key_file": self.key_file}
        given = [key for key, path in files.items() if path is not None]
        if not self.tls and given:
            raise problem(given[0], "expected tls = true beside it, found tls = false")
        if (self.cert_file is None) != (self.key_file is None):
            raise problem(given[-1], "expected cert_file and key_file together, found one")
        return self


class Device(Section):
    """Who this device is, and what it runs."""

    id: str = Field(
        "encounter",
        pattern=DEVICE_ID_PATTERN,
        description="Device id: certificate CN, user name and client id.",
    )
    profile: Literal["generic", "pi4", "pi5", "jetson-orin"] = Field(
        "generic", description="Hardware profile: sets defaults below."
    )
    model: str = Field(
        "nanodet-288x512-int8", description="Person detector, by its name in models/manifest.toml."
    )
    threads: int = Field(1, ge=1, le=16, description="Threads that inference may use.")
    max_rate_hz: float = Field(
        30, ge=2, le=30, description="Most frames a second that are looked at."
    )
    score_floor: float = Field(
        0.2, ge=0.05, le=0.9, description="Detections below this score are dropped."
    )
    state_dir: str = Field("/var/lib/encounter", description="Folder of the outbox database.")
    outbox_mb: int = Field(
        64,
        ge=4,
        le=4096,
        description="Most space of the outbox on disk, MB; the ledger has 64 beside it.",
    )


_PERMISSIBLE = [str(layer) for layer in Layer if layer in REQUIRED]


def _required(layer: object) -> object:
    if layer not in _PERMISSIBLE:
        expected = " or ".join(repr(name) for name in _PERMISSIBLE)
        raise problem("without", f"expected {expected}, found {str(layer)!r}")
    return layer


Permissible = Annotated[
    Layer,
    BeforeValidator(_required),
    WithJsonSchema({"type": "string", "enum": _PERMISSIBLE}),
]


class Confine(Section):
    """What the kernel does for the device's processes, and what it is excused from."""

    without: tuple[Permissible, ...] = Field(
        (),
        max_length=10,
        description="Layers of the jail that this device's kernel may lack; any other that is "
        "missing stops the start.",
    )


class Page(Section):
    """The local page (commissioning): dots on a plain ground, on this machine only."""

    port: int = Field(8765, ge=0, le=65535, description="Port on 127.0.0.1; 0: any free one.")


class Site(Section):
    """A whole site file."""

    camera: Camera = Field(description="The camera.")
    ground: Ground | None = Field(
        None, description="Floor calibration; none: distances from box heights, marked so."
    )
    queue: tuple[Queue, ...] = Field((), max_length=16, description="Queues.")
    service_point: tuple[ServicePoint, ...] = Field(
        min_length=1, max_length=16, description="Service points."
    )
    store: Store = Field(Store(), description="The store's time.")
    encounter: Encounter = Field(Encounter(), description="Constants of the definitions.")
    privacy: Privacy = Field(Privacy(), description="What may leave.")
    device: Device = Field(Device(), description="The device.")
    broker: Broker | None = Field(None, description="Broker; none: nothing is published.")
    confine: Confine = Field(Confine(), description="The jail.")
    page: Page | None = Field(None, description="Local page; none: no page.")
