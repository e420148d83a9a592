"""Starts and watches the processes of a device: the launcher of development and demonstration.

Single-threaded; every child is started by exec, through its jail's `enter`, with exactly the
descriptors it needs beside standard input, output and error:

| process | started | holds |
|---|---|---|
| edge (`edge.appliance`) | first | records pipe (read), pulse pipe (write), lifeline, key (read) |
| relay (`edge.relay`) | for a network camera | stream pipe (write), credentials (read) |
| vision (`vision`) | when edge is ready | records pipe (write), stream pipe (read) |

The lifeline's other end is the launcher's own: when the launcher dies, however it dies, edge
sees its end and stops, and with the records pipe vision and the relay stop too.

`terms` says what is run and how patient the launcher is, `watch` when something is replaced
(values in, values out), `orders` how each process is started, `run` does it. On a device the
systemd units of `deploy/units` take the launcher's place.
"""

from __future__ import annotations

from edge.launcher.orders import Orders, edge_entry
from edge.launcher.run import Run
from edge.launcher.signals import Signals
from edge.launcher.terms import Launch, Terms
from firmware_cfg.confine.closing import hide
from firmware_cfg.load import load_site

__all__ = ["Launch", "Terms", "edge_entry", "launch"]


def launch(what: Launch) -> int:
    """Run until the source ends or a signal comes; returns the exit status.

    Raises:
        SiteFileError: the site file cannot be used.
    """
    site = load_site(what.site)
    hide()  # it holds the checkpoint's key, and perhaps a camera's password
    with Signals() as signals:
        return Run(what, Orders(what, site), signals).run()
