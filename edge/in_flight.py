"""Messages that were sent, and that the server has not settled.

    pending ──sent──► out ──settled──► gone
       ▲               │
       └──silence──────┘

A message that is made while a connection stands leaves before what has waited for longer: how a
store is now must not come behind days of how it was. The others leave from the oldest on.

What is out when the server has been silent for too long is sent again in the same order; the wait
for it doubles until something is settled.
"""

import logging
from typing import Protocol

from edge.outbox import Outbox, Outgoing
from edge.timing import Timing
from firmware_cfg.topics import Kind

LOG = logging.getLogger(__name__)
_OUT_A_SLOT = 4
_MOST_NEW = 64


class Link(Protocol):
    """The part of a connection that sending needs; see `edge.broker_link.BrokerLink`."""

    limit: int
    unacknowledged: set[int]

    def publish(self, kind: Kind, payload: bytes) -> None:
        """Send once."""
        ...


class InFlight:
    """What of the outbox is on its way.

    Args:
        outbox: what to send.
        max_inflight: most messages that wait for the broker; four times as many may wait for
            the server, and new ones beside them.
        timing: pauses.
    """

    def __init__(self, outbox: Outbox, max_inflight: int, timing: Timing) -> None:
        self._outbox = outbox
        self._most_out = _OUT_A_SLOT * max_inflight
        self._timing = timing
        self._resend_s = timing.resend_s
        self._waited_up_to = 0
        self._ahead_up_to = 0
        self._sent_up_to = 0
        self._out: set[int] = set()
        self._progress_at_s = 0.0

    def begin(self, now_s: float) -> None:
        """A connection stands: all that is there now has waited for it."""
        self._waited_up_to = self._outbox.last_made()
        self.again(now_s)

    def again(self, now_s: float) -> None:
        """Send again what is not settled."""
        self._ahead_up_to = self._waited_up_to
        self._sent_up_to = 0
        self._out = set()
        self._progress_at_s = now_s

    def send(self, link: Link, now_s: float) -> None:
        """Fill the free slots; start over when the server has been silent for too long.

        Raises:
            LinkError: the connection is lost.
        """
        if self._out and now_s - self._progress_at_s >= self._resend_s:
            self.again(now_s)
            self._resend_s = min(2 * self._resend_s, self._timing.resend_most_s)
            LOG.info("resend nothing settled, next in %.0f s", self._resend_s)
        if len(link.unacknowledged) < link.limit:
            self._send_new(link, now_s)
        free = min(link.limit - len(link.unacknowledged), self._most_out - len(self._out))
        if free <= 0:
            return
        for message in self._outbox.pending(free, after=self._sent_up_to):
            self._sent_up_to = message.seq
            if message.seq not in self._out:
                self._send(link, message, now_s)

    def _send_new(self, link: Link, now_s: float) -> None:
        """Send the newest message ahead of all others, where it is new since the last one was."""
        new = self._outbox.pending(_MOST_NEW, after=max(self._ahead_up_to, self._sent_up_to))
        if new:
            self._ahead_up_to = new[-1].seq
            self._send(link, new[-1], now_s)

    def _send(self, link: Link, message: Outgoing, now_s: float) -> None:
        if not self._out:
            self._progress_at_s = now_s
        link.publish(Kind.WINDOW, message.payload)
        self._out.add(message.seq)

    def settled(self, up_to: int, now_s: float) -> None:
        """The server has everything up to `up_to`."""
        self._out = {seq for seq in self._out if seq > up_to}
        self._progress_at_s = now_s
        self._resend_s = self._timing.resend_s
