"""The edge process: records in, aggregates out. The composition root of `edge`.

    records pipe ─► engine ─► reporter ─► outbox ─► publisher ─► broker
                      └─► local page, row-level outputs (development, commissioning)

Without a broker in the site file there is no outbox and no publisher, without a page no
socket at all.
"""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import astuple
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from edge.checkpoint.key import CheckpointKeyError, key_from_pipe, key_in
from edge.engine import Engine
from edge.errors import EdgeError
from edge.health import layers_of
from edge.pulse import Pulse, listeners
from edge.records_pipe import RecordsPipe, Timeline
from edge.rows import RowCollector, RowPaths
from firmware_cfg.confine.closing import close
from firmware_cfg.confine.errors import ConfinementError
from firmware_cfg.confine.layers import Layer
from firmware_cfg.confine.policies import edge_for
from firmware_cfg.errors import SiteFileError
from firmware_cfg.load import load_site
from firmware_cfg.record import Jail
from firmware_cfg.record_stream import Succession

if TYPE_CHECKING:
    from edge.page.live import LivePage
    from edge.page.snapshot import Words
    from edge.upload import Upload
    from edge.visits.values import Event, Visit
    from firmware_cfg.confine.policy import Policy
    from firmware_cfg.confine.report import Confinement
    from firmware_cfg.record import FrameRecord
    from firmware_cfg.site import Site

LOG = logging.getLogger(__name__)
TICK_S = 1.0
WAIT_S = 0.4  # for records: shorter than the pulse, which must not skip a beat without them
SHOW_S = 0.1
LOOK_S = 0.5


def parser() -> argparse.ArgumentParser:
    """Arguments of the edge process; `encounter-edge run` gives them."""
    command = argparse.ArgumentParser(prog="python -m edge.appliance", description=__doc__)
    command.add_argument("--site", type=Path, required=True)
    command.add_argument("--records-fd", type=int, required=True)
    command.add_argument("--pulse-fd", type=int, help="descriptor that takes signs of life")
    command.add_argument("--lifeline-fd", type=int)
    keys = command.add_mutually_exclusive_group()
    keys.add_argument("--key-fd", type=int, help="descriptor that gives the checkpoint's key")
    keys.add_argument("--key-dir", type=Path, help="folder in memory, for it and the checkpoint")
    command.add_argument("--live", action="store_true", help="the source has no end of its own")
    command.add_argument("--paced", action="store_true", help="frames come when they are captured")
    command.add_argument(
        "--starts-at",
        type=datetime.fromisoformat,
        help="UTC of capture time 0: the frames are the clock (demonstration)",
    )
    for name in ("--out", "--people-out", "--summary-out", "--tracks-out"):
        command.add_argument(name, type=Path)
    command.add_argument("--detections-out", type=Path)
    command.add_argument("--times-out", type=Path)
    return command


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the edge process; returns its exit status."""
    options = parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(levelname)s %(message)s")
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        site = load_site(options.site)
        pulse = Pulse(listeners(options.pulse_fd), time.monotonic)
        order = Succession(site.device.max_rate_hz, site.camera.size_px, options.paced)
        pipe = RecordsPipe(options.records_fd, options.lifeline_fd, order)
        with ExitStack() as stack:
            appliance = Appliance(site, options, stack)
            without = tuple(Layer(one) for one in site.confine.without)
            appliance.confined = close(policy_for(site), without)
            LOG.info("%s", appliance.confined.line())
            appliance.begin(stack)
            pulse.ready()
            appliance.run(pipe, pulse)
    except SiteFileError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except ConfinementError as error:
        sys.stderr.write(f"encounter-edge: {error}\n")
        return 2
    except EdgeError as error:
        sys.stderr.write(f"encounter-edge: {error}\n")
        return 1
    return 0


def _key(options: argparse.Namespace) -> bytes | None:
    """The checkpoint's key; None, said once: a restart costs the unfinished window."""
    try:
        if options.key_fd is not None:
            return key_from_pipe(options.key_fd)
        if options.key_dir is not None:
            return key_in(options.key_dir)
    except CheckpointKeyError as error:
        LOG.warning("checkpoint_off %s", error)
    return None


def policy_for(site: Site) -> Policy:
    """The table of rights of this process."""
    return edge_for(broker=site.broker is not None, page=site.page is not None)


class Appliance:
    """Everything of the edge process, built once.

    Attributes:
        confined: what the jail of this process amounts to, once it is closed.
    """

    confined: Confinement | None = None

    def __init__(self, site: Site, options: argparse.Namespace, stack: ExitStack) -> None:
        """Build what the site file asks for; `stack` closes it."""
        self._engine = Engine(site)
        self._timeline = Timeline()
        self._paths = RowPaths(
            options.out,
            options.people_out,
            options.summary_out,
            options.tracks_out,
            options.detections_out,
            options.times_out,
        )
        wants_rows = not options.live or any(path is not None for path in astuple(self._paths))
        self._rows = RowCollector(site.encounter.settle_s) if wants_rows else None
        self._upload: Upload | None = None
        if site.broker is not None:
            from edge.upload import Upload  # noqa: PLC0415 - no broker: no MQTT in memory

            self._upload = Upload(
                site, options.starts_at, key=_key(options), keep_in=options.key_dir
            )
        self._page: LivePage | None = None
        if site.page is not None:
            from edge.page.live import LivePage  # noqa: PLC0415 - no page: no HTTP in memory

            self._page = LivePage(site)
            stack.callback(self._page.stop)
            LOG.info("page_ready %s", self._page.start())
        self._jail = Jail.WHOLE
        self._new_events: list[Event] = []
        self._shown_s = self._ticked_s = -1e9
        self._looked_s, self._counted = time.monotonic() - LOOK_S, 0
        self._open_visits: tuple[Visit, ...] = ()
        self._link: Words | None = None
        self._rate: Words | str = ""

    def begin(self, stack: ExitStack) -> None:
        """Begin to publish, now that the process is confined; `stack` ends it."""
        if self._upload is not None:
            self._tell_jail(self._upload)
            stack.enter_context(self._upload)

    def run(self, pipe: RecordsPipe, pulse: Pulse) -> None:
        """Work until the pipe ends; `pulse` is told that it goes on.

        Raises:
            StreamError: the camera process wrote something else than records.
            OutputFileError: a row-level output cannot be written.
        """
        first_s = last_s = None
        for batch in pipe.batches(WAIT_S):
            for record in batch:
                self._take(record)
            if batch:
                last_s = time.monotonic()
                first_s = last_s if first_s is None else first_s
            self._tick()
            pulse.beat(records=bool(batch))
        events = self._engine.finish()
        if self._rows is not None:
            self._rows.join(self._engine.joined)
        self._note(events)
        self._tick(last=True)
        if self._rows is not None:
            if first_s is not None and last_s is not None:
                self._rows.more["processed_in_s"] = round(last_s - first_s, 3)
            self._rows.write(self._paths)

    def _take(self, record: FrameRecord) -> None:
        placed = self._timeline.place(record, time.monotonic())
        events = self._engine.step(placed)
        if self._rows is not None:
            self._rows.frame(placed, self._engine, events)
            if self._paths.detections is not None:
                self._rows.keep_detections(placed)
        if self._upload is not None:
            if record.jail is not self._jail:
                self._jail = record.jail
                self._tell_jail(self._upload)
            self._upload.observe(events, placed.t_s, self._engine)
        if self._page is not None:
            self._new_events += events

    def _tell_jail(self, upload: Upload) -> None:
        """Let the heartbeat say what the jails of this process and the camera's amount to."""
        if self.confined is not None:
            upload.kernel_layers = layers_of(self.confined, self._jail)

    def _note(self, events: Sequence[Event]) -> None:
        if self._rows is not None:
            self._rows.events += events
        if self._upload is not None:
            self._upload.observe(events, None, self._engine)
        if self._page is not None:
            self._new_events += events

    def _tick(self, *, last: bool = False) -> None:
        now_s = time.monotonic()
        if self._upload is not None and (last or now_s - self._ticked_s >= TICK_S):
            self._ticked_s = now_s
            self._upload.tick(self._engine)
        if self._page is not None and (last or now_s - self._shown_s >= SHOW_S):
            self._shown_s = now_s
            self._show(self._page)

    def _show(self, page: LivePage) -> None:
        from edge.page import sentences  # noqa: PLC0415 - only where there is a page
        from edge.page.snapshot import Snapshot  # noqa: PLC0415

        upload, now_s = self._upload, time.monotonic()
        if now_s - self._looked_s >= LOOK_S:
            rate_hz = (self._timeline.frames - self._counted) / (now_s - self._looked_s)
            self._looked_s, self._counted = now_s, self._timeline.frames
            self._open_visits = tuple(self._engine.open_visits())
            self._rate = sentences.rate_words(rate_hz)
            if upload is not None:
                status = upload.status
                self._link = sentences.link_words(
                    connected=status.connected, detail=status.detail, pending=upload.pending
                )
        page.show(
            Snapshot(
                at_s=(self._timeline.last_us or 0) / 1e6,
                present=tuple(self._engine.present()),
                new_events=tuple(self._new_events),
                open_visits=self._open_visits,
                coverage=self._rate,
                link=self._link or sentences.SILENT,
                released=sentences.released_words(upload.k) if upload else "",
            )
        )
        self._new_events.clear()


if __name__ == "__main__":
    sys.exit(main())
