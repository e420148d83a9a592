"""How each process is started: its command line, its way into the jail, its descriptors."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edge.launcher.children import Order
from edge.relay.address import parse_address
from firmware_cfg.confine.enter import Entry, command
from firmware_cfg.confine.layers import Layer
from firmware_cfg.confine.policies import CAMERA, EDGE, LIBCAMERA, RELAY, VISION

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edge.launcher.terms import Launch
    from firmware_cfg.confine.policy import Policy
    from firmware_cfg.site import Site

LIBCAMERA_DEVICES = ("media*", "video*", "v4l-subdev*", "dma_heap/*")
STANDARD_OUTPUT = "-"


@dataclass(frozen=True, slots=True)
class Orders:
    """The orders of one run.

    Attributes:
        what: what is run.
        site: its site file, read.
    """

    what: Launch
    site: Site

    @property
    def publishes(self) -> bool:
        """Whether edge has windows to keep."""
        return self.site.broker is not None

    def edge(self, records: int, pulse: int, lifeline: int, key: int | None = None) -> Order:
        """Edge, reading `records` until `lifeline` ends, telling `pulse`; `key` gives its key."""
        descriptors = (records, pulse, lifeline, *(() if key is None else (key,)))
        arguments = [
            *("--site", str(self.what.site)),
            *("--records-fd", str(records)),
            *("--pulse-fd", str(pulse)),
            *("--lifeline-fd", str(lifeline)),
        ]
        if key is not None:
            arguments += ["--key-fd", str(key)]
        for option, path in self.what.outputs:
            arguments += [option, str(path)]
        if self.what.is_live:
            arguments.append("--live")
        if self.what.is_paced:
            arguments.append("--paced")
        entry = edge_entry(
            self.what.site, self.site, (path for _, path in self.what.outputs), descriptors
        )
        to_standard = not self.what.outputs or any(
            str(path) == STANDARD_OUTPUT for _, path in self.what.outputs
        )
        line = tuple(command(entry, "edge.appliance", arguments))
        return Order("edge", line, descriptors, has_output=to_standard or not self._names_visits())

    def _names_visits(self) -> bool:
        return any(option == "--out" for option, _ in self.what.outputs)

    def vision(self, records: int, stream: int | None) -> Order:
        """Vision, writing `records`; from the relay's `stream`, where there is one."""
        descriptors = (records,) if stream is None else (records, stream)
        arguments = ["--site", str(self.what.site), "--records-fd", str(records)]
        if stream is None:
            arguments += ["--source", self.what.source]
        else:
            arguments += ["--source", "stream", "--stream-fd", str(stream)]
        if self.what.loop:
            arguments.append("--loop")
        if self.what.realtime:
            arguments.append("--realtime")
        policy, devices = self._camera()
        entry = Entry(
            policy,
            read=_there(self.what.site, *(() if self._no_file() else (Path(self.what.source),))),
            devices=devices,
            keep_fds=descriptors,
            without=permitted(self.site),
        )
        return Order("vision", tuple(command(entry, "vision", arguments)), descriptors)

    def _no_file(self) -> bool:
        return self.what.is_network or self.what.is_camera

    def _camera(self) -> tuple[Policy, tuple[Path, ...]]:
        source = self.what.source
        if not self.what.is_camera:
            return VISION, ()
        if source == "picamera2":
            found = (path for name in LIBCAMERA_DEVICES for path in Path("/dev").glob(name))
            return LIBCAMERA, tuple(sorted(found))
        return CAMERA, _there(Path(f"/dev/video{source}" if source.isdecimal() else source))

    def relay(self, stream: int, secret: int | None) -> Order:
        """The relay, writing `stream`, with credentials from the pipe `secret`."""
        descriptors = (stream,) if secret is None else (stream, secret)
        without = permitted(self.site)
        arguments = ["--url", self.what.source, "--stream-fd", str(stream)]
        if secret is not None:
            arguments += ["--credentials-fd", str(secret)]
        for layer in without:
            arguments += ["--without", layer]
        entry = Entry(
            RELAY,
            connect_ports=(parse_address(self.what.source).port,),
            keep_fds=descriptors,
            without=without,
        )
        return Order("relay", tuple(command(entry, "edge.relay", arguments)), descriptors)


def edge_entry(
    site_file: Path, site: Site, outputs: Iterable[Path] = (), keep_fds: tuple[int, ...] = ()
) -> Entry:
    """The way into its jail for an edge process.

    It may read its site file and the certificates named there; keep files in its state folder
    (made here, if it is missing and can be made) and in the folders of its outputs; connect
    to the broker's port and bind the page's.
    """
    read, write = [site_file], [_output_place(path) for path in outputs if str(path) != "-"]
    connect: tuple[int, ...] = ()
    if site.broker is not None:
        broker = site.broker
        named = (broker.ca_file, broker.cert_file, broker.key_file)
        read += [Path(path) for path in named if path is not None]
        connect = (broker.port,)
        folder = Path(site.device.state_dir)
        with suppress(OSError):  # edge says so when it opens the outbox
            folder.mkdir(parents=True, exist_ok=True)
        write.append(folder)
    return Entry(
        EDGE,
        read=_there(*read),
        write=_there(*dict.fromkeys(write)),
        connect_ports=connect,
        bind_ports=() if site.page is None else (site.page.port,),
        keep_fds=keep_fds,
        without=permitted(site),
    )


def permitted(site: Site) -> tuple[Layer, ...]:
    """The layers that this device's site file permits to be missing."""
    return tuple(Layer(name) for name in site.confine.without)


def _output_place(path: Path) -> Path:
    """The folder that a result is written in, or the device that takes it."""
    return path if path.exists() and not path.is_file() else path.absolute().parent


def _there(*paths: Path) -> tuple[Path, ...]:
    return tuple(path.absolute() for path in paths if path.exists())
