"""The background plate from its first sample to a person's answer.

States, and what leads from one to the next:

| state | event | next |
|---|---|---|
| collecting | `add`, watched long enough, the plate passes | ready |
| collecting | `add`, watched long enough, the plate is refused | collecting (`refusal` says why) |
| ready | `confirm` | confirmed |
| ready | `reject` | collecting, from nothing |
| collecting, ready | anything but `end` at `give_up_s` or later | ended |
| any | `end` | ended |

`confirm` and `reject` are refused in every other state, and after the deadline. A rejection
does not move the deadline. Nothing is to be shown to anyone but in ready, for confirmation, and
nothing is to be used but in confirmed. Whatever leaves a state for good is overwritten: the
samples as soon as a plate is ready, the picture before its hatching at once, the plate when it
is rejected or the work ends.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from vision.plate.certainty import estimate
from vision.plate.errors import PlateError
from vision.plate.policy import PlatePolicy
from vision.plate.release import Look, Plate, release
from vision.plate.samples import Samples

if TYPE_CHECKING:
    from vision.frames import Picture
    from vision.plate.looking import Sightings


class PlateState(StrEnum):
    """Where the work on a plate stands."""

    COLLECTING = "collecting"
    READY = "ready"
    CONFIRMED = "confirmed"
    ENDED = "ended"


class PlateBuilder:
    """Builds one background plate; holds pictures in memory alone, and few.

    Attributes:
        state: where the work stands.
        plate: the plate, in ready and confirmed; else None.
        refusal: why the latest attempt was refused, or why the work ended; else "".
        rejections: how often a person rejected a plate.
    """

    def __init__(
        self,
        picture_px: tuple[int, int],
        look: Look,
        started_s: float,
        policy: PlatePolicy | None = None,
    ) -> None:
        """Start at `started_s`, the clock of the capture times.

        Args:
            picture_px: (width, height) of the camera's pictures.
            look: looks for people on the finished plate; pictures of `Grid.of(picture_px)`.
            started_s: from here the time to give up runs.
            policy: the limits; the defaults if None.
        """
        self.state = PlateState.COLLECTING
        self.plate: Plate | None = None
        self.refusal = ""
        self.rejections = 0
        self._picture_px, self._look = picture_px, look
        self._policy = policy if policy is not None else PlatePolicy()
        self._ends_s = started_s + self._policy.give_up_s
        self._samples = self._fresh()

    def due(self, t_s: float) -> bool:
        """Whether a frame captured at `t_s` is wanted: only then look for people in it."""
        return self.state is PlateState.COLLECTING and self._samples.due(t_s)

    def add(self, t_s: float, picture_bgr: Picture, sightings: Sightings) -> PlateState:
        """Take a frame (h, w, 3) uint8 captured at `t_s`, and what was found in all of its views.

        A frame that is not due is passed over. Nothing of the frame is kept but a small copy.
        """
        if self.tick(t_s) is PlateState.COLLECTING and self._samples.due(t_s):
            found = sightings.at_least(self._policy.score_floor)
            self._samples.add(t_s, picture_bgr, found)
            if self._samples.observed_s >= self._try_at_s:
                self._try()
        return self.state

    def tick(self, t_s: float) -> PlateState:
        """Let time pass: what nobody confirmed by the deadline is over."""
        if t_s >= self._ends_s and self.state in {PlateState.COLLECTING, PlateState.READY}:
            why = self.refusal or f"background plate: {self.state} at the deadline"
            self.end()
            self.refusal = why
        return self.state

    def confirm(self, t_s: float) -> Plate:
        """A person has looked at the plate and found nobody on it, at `t_s`.

        Raises:
            PlateError: no plate is ready, or no longer.
        """
        plate = self._ready("confirm", t_s)
        self.state = PlateState.CONFIRMED
        return plate

    def reject(self, t_s: float) -> None:
        """A person will not have this plate, at `t_s`: overwrite it and start again.

        Raises:
            PlateError: no plate is ready, or no longer.
        """
        self._ready("reject", t_s).wipe()
        self.plate = None
        self.rejections += 1
        self._samples = self._fresh()
        self.state = PlateState.COLLECTING

    def end(self) -> None:
        """Overwrite whatever is held. Nothing follows."""
        self._samples.wipe()
        if self.plate is not None:
            self.plate.wipe()
        self.plate, self.state = None, PlateState.ENDED

    def _fresh(self) -> Samples:
        self._try_at_s, self.refusal = self._policy.observe_s, ""
        return Samples(self._picture_px, self._policy.sample_every_s, self._policy.sample_bytes)

    def _try(self) -> None:
        """Make a plate of the samples, or note why not and when to try again."""
        observed_s = self._samples.observed_s
        found = estimate(self._samples, self._policy)
        try:
            self.plate = release(found, self._samples.grid, observed_s, self._look, self._policy)
        except PlateError as error:
            self.refusal = str(error)
            self._try_at_s = observed_s + self._policy.retry_s
            return
        finally:
            found.wipe()
        self._samples.wipe()
        self.state, self.refusal = PlateState.READY, ""

    def _ready(self, asked: str, t_s: float) -> Plate:
        self.tick(t_s)
        if self.state is not PlateState.READY or self.plate is None:
            raise PlateError(f"{asked}: expected a plate that is ready, found it {self.state}")
        return self.plate
