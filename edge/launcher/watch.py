"""When processes that run together are replaced; values in, values out, no clock.

| state | what happens | then |
|---|---|---|
| waiting | the pause is over | running |
| running | one ends, is silent for too long, or grows too big | waiting: the rest is killed |

The pause doubles with each replacement, up to a limit, until a run was steady.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge.launcher.terms import Terms

ASLEEP_STEPS = 10  # a look so many steps after the last: this process itself did not run


@dataclass(slots=True)
class Watch:
    """One group of processes.

    Attributes:
        terms: how patient to be.
        silent_s: how long it may say nothing, once it has spoken.
        running: whether it runs; if not, it starts at `due_s`.
        spoken: whether it has said anything since its start.
        ever_spoken: whether it has in any of its runs.
    """

    terms: Terms
    silent_s: float
    running: bool = False
    spoken: bool = False
    ever_spoken: bool = False
    due_s: float = 0.0
    _started_s: float = 0.0
    _heard_s: float = 0.0
    _looked_s: float | None = None
    _pause_s: float = 0.0

    def started(self, now_s: float) -> None:
        """It runs from now on."""
        self.running, self.spoken = True, False
        self._started_s = self._heard_s = now_s
        self._looked_s = None  # between two runs nobody looks

    def heard(self, now_s: float) -> None:
        """It said something."""
        self.spoken = self.ever_spoken = True
        self._heard_s = now_s

    def excuse(self, now_s: float) -> None:
        """Nothing could be heard until now, and that is no fault of its own."""
        self._heard_s = max(self._heard_s, now_s)

    def look(self, now_s: float) -> float:
        """How long it has been silent beyond what it may; not above 0: all is well.

        Time in which the launcher itself stood still (a machine asleep) does not count.
        """
        if self._looked_s is not None:
            passed_s = now_s - self._looked_s
            if passed_s > ASLEEP_STEPS * self.terms.step_s:
                self._heard_s += passed_s
        self._looked_s = now_s
        patience_s = self.silent_s if self.spoken else self.terms.start_s
        return now_s - self._heard_s - patience_s

    def silent_for_s(self, now_s: float) -> float:
        """Time since it was last heard."""
        return now_s - self._heard_s

    def ended(self, now_s: float) -> float:
        """It runs no more; the pause until it is started again, seconds."""
        terms = self.terms
        steady = now_s - self._started_s >= terms.steady_s
        doubled_s = min(2 * self._pause_s, terms.longest_pause_s)
        self._pause_s = terms.first_pause_s if steady or not self._pause_s else doubled_s
        self.running = False
        self.due_s = now_s + self._pause_s
        return self._pause_s
