"""Messages that were sent, and that the server has not settled.

    pending ──sent──► out ──settled──► gone
       ▲               │
       └──silence──────┘

What is out when the server has been silent for too long is sent again, from the oldest on; the
wait for it doubles until something is settled.
"""

import logging
from typing import Protocol

from edge.outbox import Outbox
from edge.timing import Timing
from firmware_cfg.topics import Kind

LOG = logging.getLogger(__name__)
_OUT_A_SLOT = 4


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
            the server.
        timing: pauses.
    """

    def __init__(self, outbox: Outbox, max_inflight: int, timing: Timing) -> None:
        self._outbox = outbox
        self._most_out = _OUT_A_SLOT * max_inflight
        self._timing = timing
        self._resend_s = timing.resend_s
        self._sent_up_to = 0
        self._out: list[int] = []
        self._progress_at_s = 0.0

    def begin(self, now_s: float) -> None:
        """Start again from the oldest unsettled message."""
        self._sent_up_to = 0
        self._out = []
        self._progress_at_s = now_s

    def send(self, link: Link, now_s: float) -> None:
        """Fill the free slots; start over when the server has been silent for too long.

        Raises:
            LinkError: the connection is lost.
        """
        if self._out and now_s - self._progress_at_s >= self._resend_s:
            self.begin(now_s)
            self._resend_s = min(2 * self._resend_s, self._timing.resend_most_s)
            LOG.info("resend nothing settled, next in %.0f s", self._resend_s)
        free = min(link.limit - len(link.unacknowledged), self._most_out - len(self._out))
        if free <= 0:
            return
        for message in self._outbox.pending(free, after=self._sent_up_to):
            if not self._out:
                self._progress_at_s = now_s
            link.publish(Kind.WINDOW, message.payload)
            self._sent_up_to = message.seq
            self._out.append(message.seq)

    def settled(self, up_to: int, now_s: float) -> None:
        """The server has everything up to `up_to`."""
        self._out = [seq for seq in self._out if seq > up_to]
        self._progress_at_s = now_s
        self._resend_s = self._timing.resend_s
