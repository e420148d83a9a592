"""One run: starts the processes, listens to their pulse, replaces them, ends them.

A live source (camera, network camera, `--loop`):

| seen | done |
|---|---|
| edge refuses to start | the run ends with its status |
| vision or relay refuses its input before the first record | the run ends with status 2 |
| vision or relay ends, sends nothing, or grows | both are replaced; edge counts the gap |
| edge is killed, hangs, or grows | it is replaced; vision goes on |
| edge ends by itself: what came was not a record | all are replaced, with a new pipe |

A file: it ends with the file; whatever else ends, hangs or refuses fails the run, and leaves
no results.

The checkpoint's key is drawn here, once a run, and given to each edge process down a pipe of
its own: an edge that is replaced goes on with its predecessor's unfinished window.

What waits in the records pipe when edge is replaced is thrown away: the new edge stamps its
first record with the time at which it comes. A record is written at once or not at all
(shorter than PIPE_BUF), and read in whole multiples, so no half of one is ever left behind.
"""

from __future__ import annotations

import os
import select
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from edge.checkpoint.key import KEY_BYTES
from edge.launcher.children import how_it_ended, say
from edge.launcher.group import Group
from edge.launcher.watch import Watch
from edge.pulse import PULSE_S, READY, RECORDS

if TYPE_CHECKING:
    from edge.launcher.orders import Orders
    from edge.launcher.signals import Signals
    from edge.launcher.terms import Launch

DONE, FAILED, BAD_INPUT = 0, 1, 2
PIPE_BYTES = 1 << 16
EDGE_WELL_S = 3 * PULSE_S


class Run:
    """One run of the device's processes."""

    def __init__(self, what: Launch, orders: Orders, signals: Signals) -> None:
        """Nothing is started yet."""
        terms = what.terms
        self._what, self._orders, self._signals = what, orders, signals
        silent_s = terms.silent_s if what.is_live else terms.file_silent_s
        edge_mb, vision_mb, relay_mb = terms.most_mb if what.is_live else 3 * (float("inf"),)
        self._edge = Group(Watch(terms, silent_s), {"edge": edge_mb})
        self._capture = Group(Watch(terms, silent_s), {"vision": vision_mb, "relay": relay_mb})
        self._records = os.pipe()
        self._lifeline = os.pipe()
        self._pulse = -1
        self._key = os.urandom(KEY_BYTES)

    def run(self) -> int:
        """Until the source ends or a signal comes; the exit status."""
        try:
            self._begin_edge(time.monotonic())
            while (status := self._turn(time.monotonic())) is None:
                self._rest()
            return status
        finally:
            self._capture.kill()
            self._edge.kill()
            for descriptor in (*self._records, *self._lifeline, self._pulse):
                with suppress(OSError):
                    os.close(descriptor)

    def _rest(self) -> None:
        watched = [self._signals.descriptor] + ([self._pulse] if self._pulse >= 0 else [])
        select.select(watched, [], [], self._what.terms.step_s)
        self._signals.clear()

    def _turn(self, now_s: float) -> int | None:
        """Look at everything once; the run's status if it is over."""
        self._listen(now_s)
        if self._signals.stop_asked:
            self._capture.kill()
            return self._finish(self._what.terms.stop_s)
        if not self._what.is_live:
            return self._follow_file(now_s)
        status = self._follow_edge(now_s)
        return self._follow_capture(now_s) if status is None else status

    def _listen(self, now_s: float) -> None:
        """Take in edge's pulse: that it lives, and whether records come."""
        while self._pulse >= 0 and select.select([self._pulse], [], [], 0)[0]:
            said = os.read(self._pulse, 4096)
            if not said:
                os.close(self._pulse)
                self._pulse = -1
                return
            self._edge.watch.heard(now_s)
            if READY in said:
                self._capture.watch.excuse(now_s)
            if RECORDS in said:
                self._capture.watch.heard(now_s)

    # -- a file ---------------------------------------------------------------------------

    def _follow_file(self, now_s: float) -> int | None:
        fault = self._edge.fault(now_s)
        if fault is not None:
            return self._refusal() if not self._edge.watch.spoken else self._failed(fault)
        if not self._edge.watch.spoken:
            return None
        if not self._capture.children:
            self._begin_capture(now_s)
            return None
        ended = self._capture.ended()
        if ended == {"vision": 0}:
            self._capture.kill()
            return self._finish(None)
        if ended.get("vision", -1) > 0:  # it has said why
            return ended["vision"]
        fault = self._capture.fault(now_s)
        return None if fault is None else self._failed(fault)

    def _refusal(self) -> int:
        """The status of a run that edge refuses to start; it has said why, if it could."""
        status = self._edge.ended().get("edge")
        if status is not None and status > 0:
            return BAD_INPUT
        say("edge did not start" if status is None else how_it_ended("edge", status))
        return FAILED

    def _failed(self, fault: str) -> int:
        say(f"{fault}; the run failed and leaves no results")
        return FAILED

    def _finish(self, patience_s: float | None) -> int:
        """Let edge work off what came, write and end; its status."""
        with suppress(OSError):
            os.close(self._records[1])
        until_s = None if patience_s is None else time.monotonic() + patience_s
        if not self._edge.children:
            say("edge was not running at the end; the run leaves no results")
            return FAILED
        while not (ended := self._edge.ended()):
            if until_s is None and self._signals.stop_asked:
                until_s = time.monotonic() + self._what.terms.stop_s
            if until_s is not None and time.monotonic() > until_s:
                return self._failed(f"edge did not end within {self._what.terms.stop_s:g} s")
            self._listen(time.monotonic())
            self._rest()
        if ended["edge"] < 0:
            return self._failed(how_it_ended("edge", ended["edge"]))
        return ended["edge"]

    # -- a live source --------------------------------------------------------------------

    def _follow_edge(self, now_s: float) -> int | None:
        watch = self._edge.watch
        if not watch.running:
            if now_s >= watch.due_s:
                self._begin_edge(now_s)
            return None
        fault = self._edge.fault(now_s)
        if fault is None:
            return None
        ended = self._edge.ended()
        if not watch.ever_spoken:
            return self._refusal()
        self._edge.kill()
        if ended.get("edge", -1) >= 0:
            self._capture.kill()
            self._capture.watch.ended(now_s)
            self._new_records_pipe()
        else:
            self._throw_away_records()
        say(f"{fault}; who was there is lost to the count; next start in {watch.ended(now_s):g} s")
        return None

    def _follow_capture(self, now_s: float) -> int | None:
        watch, edge = self._capture.watch, self._edge.watch
        if not edge.ever_spoken:
            return None
        if not watch.running:
            if now_s >= watch.due_s:
                self._begin_capture(now_s)
            return None
        if not (edge.running and edge.spoken) or edge.silent_for_s(now_s) > EDGE_WELL_S:
            watch.excuse(now_s)  # nobody is there to say that records come
        fault = self._capture.fault(now_s)
        if fault is None:
            return None
        statuses = self._capture.ended().values()
        if BAD_INPUT in statuses and not watch.ever_spoken:
            return BAD_INPUT
        self._capture.kill()
        say(f"{fault}; next start in {watch.ended(now_s):g} s")
        return None

    # -- starting -------------------------------------------------------------------------

    def _begin_edge(self, now_s: float) -> None:
        if self._pulse >= 0:
            os.close(self._pulse)
        self._pulse, pulse = os.pipe()
        key = _holding(self._key) if self._orders.publishes else None
        try:
            order = self._orders.edge(self._records[0], pulse, self._lifeline[0], key)
            self._edge.begin([order], now_s)
        finally:
            for descriptor in (pulse, key):
                if descriptor is not None:
                    os.close(descriptor)

    def _begin_capture(self, now_s: float) -> None:
        if not self._what.is_network:
            self._capture.begin([self._orders.vision(self._records[1], None)], now_s)
            return
        reading, writing = os.pipe()
        secret = self._secret()
        try:
            relay = self._orders.relay(writing, secret)
            vision = self._orders.vision(self._records[1], reading)
            self._capture.begin([relay, vision], now_s)
        finally:
            for descriptor in (reading, writing, secret):
                if descriptor is not None:
                    os.close(descriptor)

    def _secret(self) -> int | None:
        """A pipe that holds the credentials, and then its end; None: there are none."""
        if self._what.credentials is None:
            return None
        return _holding(self._what.credentials.encoded())

    def _new_records_pipe(self) -> None:
        for descriptor in self._records:
            os.close(descriptor)
        self._records = os.pipe()

    def _throw_away_records(self) -> None:
        """Empty the pipe; its reader is gone, and all that is in it is whole records."""
        if select.select([self._records[0]], [], [], 0)[0]:
            os.read(self._records[0], PIPE_BYTES)


def _holding(secret: bytes) -> int:
    """The reading end of a pipe that holds `secret`, and then its end."""
    reading, writing = os.pipe()
    os.write(writing, secret)
    os.close(writing)
    return reading
