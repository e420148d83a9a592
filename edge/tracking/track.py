"""One person followed over time by motion: a box with a life.

| from | to | when |
|---|---|---|
| tentative | confirmed | `CONFIRM_HITS` detections, one of them at least `START_SCORE` |
| tentative | ended | unseen for `TENTATIVE_S`, or two frames where that is longer |
| confirmed | ended | unseen for `COAST_S`, or two frames where that is longer |

Pixels are delivered pixels. Motion is filtered for each of three coordinates of the box:
its middle x, its top (head) and its bottom (foot), by `edge.tracking.motion`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NewType

from edge.tracking.floor import BODY_HEIGHT_M
from edge.tracking.motion import STEADY_S, Motion
from edge.tracking.sizes import Sizes
from firmware_cfg.region import Region

TrackId = NewType("TrackId", int)
Box = tuple[float, float, float, float]

START_SCORE = 0.4
CONFIRM_HITS = 3
TENTATIVE_S = 0.7
COAST_S = 0.5
HEIGHT_MEMORY_S = 2.0
SHORTENED = 0.82
SAME_TOP = 0.12
GROWN = 1.15
TALLEST_M = 2.1
JUMP_H = 0.22
KNOWN_SIZES = 5
WALKS_H_PER_S = 0.25
STRIP = 0.65
TWO_M = 1.9
SHORT_M = 1.1
TWO_SHARE = 1.2
OUTWARD_H_PER_S = 0.3
INWARD_H = 0.05


class Life(StrEnum):
    """State of a track; the table in the module's docstring."""

    TENTATIVE = "tentative"
    CONFIRMED = "confirmed"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Detection:
    """A detected box, and what it shows.

    Attributes:
        foot_seen: the picture's lower edge does not cut it.
        body_m: how tall a body is whose feet are at its bottom; None: not known.
        covered: a nearer box or a counter hides its lower end, or may.
        adult_foot_px: where it hides much, the row on which an adult with this head stands.
        behind_person: it is a nearer box that may hide it.
    """

    box_xyxy_px: Box
    score: float
    foot_seen: bool
    body_m: float | None
    covered: bool
    adult_foot_px: float | None = None
    behind_person: bool = False


@dataclass(slots=True)
class Observation:
    """A track's detection in one frame.

    Attributes:
        box_xyxy_px: the detection itself.
        foot_xy_px: contact point, from the head and the body's height where the feet are
            hidden behind someone or something.
        foot_seen: the picture's lower edge does not cut the box.
        feet_hidden: the contact point is not the box's bottom, but estimated.
        behind_person: somebody nearer may hide the lower end, so the box's bottom says little.
    """

    t_s: float
    frame: int
    box_xyxy_px: Box
    foot_xy_px: tuple[float, float]
    foot_seen: bool
    feet_hidden: bool
    height_px: float
    score: float
    behind_person: bool = False


@dataclass(slots=True, eq=False)
class Track:
    """A person's box over time.

    Attributes:
        id: renewed by nothing; a found person keeps it.
        height_px: height of the whole body where it was seen last.
        body_m: how tall the person is, from whole boxes; None: not known.
        pace_px_s: speed of the middle, top and bottom when it was seen last.
        pending: observations made before the track was confirmed.
        sizes: how tall the boxes are that showed the whole body.
        from_edge: it came in over the edge of the view, once confirmed.
        walked_out: it was walking out of the view when it was seen last, once ended.
    """

    id: TrackId
    x: Motion
    top: Motion
    bottom: Motion
    height_px: float
    width_px: float
    born_s: float
    seen_s: float
    life: Life = Life.TENTATIVE
    hits: int = 0
    body_m: float | None = None
    pace_px_s: tuple[float, float, float] = (0.0, 0.0, 0.0)
    best_score: float = 0.0
    pending: list[Observation] = field(default_factory=list)
    last: Observation | None = None
    sizes: Sizes = field(default_factory=Sizes)
    from_edge: bool = False
    walked_out: bool = False

    @classmethod
    def start(cls, track_id: TrackId, t_s: float, box: Box) -> Track:
        """A tentative track at a detection's box."""
        left, top, right, bottom = box
        height = max(bottom - top, 1.0)
        return cls(
            track_id,
            Motion((left + right) / 2, height),
            Motion(top, height),
            Motion(bottom, height),
            height,
            right - left,
            t_s,
            t_s,
        )

    def predict(self, dt_s: float, unseen_s: float) -> None:
        """Move the box on by `dt_s`, not seen for `unseen_s` already."""
        if unseen_s > STEADY_S:
            self.x.velocity = self.top.velocity = self.bottom.velocity = 0.0
        for motion in (self.x, self.top, self.bottom):
            motion.predict(dt_s, self.height_px)

    def observe(self, t_s: float, frame: int, seen: Detection) -> Observation:
        """Take in a detection of the frame at `t_s`."""
        left, top, right, bottom = box = seen.box_xyxy_px
        middle, foot_seen, body_m = (left + right) / 2, seen.foot_seen, seen.body_m
        feet_hidden = self._feet_hidden(top, bottom, seen)
        if feet_hidden and seen.adult_foot_px is not None:
            whole_px = (seen.adult_foot_px - top) * self._size_m() / BODY_HEIGHT_M
            self.height_px = max(whole_px, bottom - top)
        foot_y = top + self.height_px if feet_hidden else bottom
        self.x.update(middle, self.height_px)
        if not self._uncovered(top, foot_y):
            self.top.update(top, self.height_px)
            self.bottom.update(foot_y, self.height_px, 2.5 if feet_hidden else 1.0)
        if foot_seen and not feet_hidden:
            self._measure_body(t_s, bottom - top, body_m)
            if body_m is not None and body_m < TALLEST_M and not seen.covered:
                self.sizes.add(body_m)
        self.pace_px_s = (self.x.velocity, self.top.velocity, self.bottom.velocity)
        self.width_px += 0.3 * (right - left - self.width_px)
        self.hits += 1
        self.seen_s = t_s
        self.best_score = max(self.best_score, seen.score)
        self.last = Observation(
            t_s,
            frame,
            box,
            (middle, foot_y),
            foot_seen,
            feet_hidden,
            self.height_px,
            seen.score,
            seen.behind_person,
        )
        return self.last

    def shows_strip(self, seen: Detection) -> bool:
        """Whether a box is but a strip of somebody who walks: it may be of anybody.

        Whoever passes behind others is followed by what comes out on the other side.
        """
        left, _, right, _ = seen.box_xyxy_px
        walks = abs(self.pace_px_s[0]) > WALKS_H_PER_S * self.height_px
        narrow = right - left < STRIP * self.width_px
        return self.life is Life.CONFIRMED and walks and narrow

    def holds_two(self, seen: Detection) -> bool:
        """Whether a box is too tall to be this person's alone: it is around two people."""
        if seen.body_m is None or self.life is not Life.CONFIRMED:
            return False
        if self.sizes.count < KNOWN_SIZES:
            return seen.body_m > TALLEST_M
        return seen.body_m > max(TWO_M, TWO_SHARE * self.sizes.body_m)

    def fits_end(self, seen: Detection, *, head: bool) -> bool:
        """Whether a box has this person's head, or feet, where they are foreseen."""
        left, top, right, bottom = seen.box_xyxy_px
        aside = abs((left + right) / 2 - self.x.position)
        off = abs(top - self.top.position) if head else abs(bottom - self.bottom.position)
        return max(aside, off) < JUMP_H * self.height_px

    def part_of(self, seen: Detection, *, head: bool) -> Detection:
        """This person's part of a box around two: its upper end, or its lower one."""
        left, top, right, bottom = seen.box_xyxy_px
        half, middle = self.width_px / 2, self.x.position
        left, right = max(left, middle - half), min(right, middle + half)
        if head:
            bottom = min(bottom, top + self.height_px)
        else:
            top = max(top, bottom - self.height_px)
        box = (left, top, right, bottom)
        return Detection(box, seen.score, seen.foot_seen, None, covered=True, behind_person=head)

    def _feet_hidden(self, top: float, bottom: float, seen: Detection) -> bool:
        """Whether the box ends above the feet: a body too short for its place, head as before.

        Behind a person or a counter, whoever is not known to be short is taken for an adult.
        Without anything nearer that hides them, the head must be where it was foreseen;
        else this is a shorter person than was thought.
        """
        if seen.body_m is None:
            return False
        if seen.adult_foot_px is not None and seen.body_m < SHORTENED * self._size_m():
            return True
        known_m = self.body_m if self.hits >= CONFIRM_HITS else None
        if known_m is None or seen.body_m >= SHORTENED * known_m:
            return False
        off_top = abs(top - self.top.position)
        if off_top > abs(bottom - self.bottom.position):
            return False
        if not seen.covered and off_top > SAME_TOP * self.height_px:
            self.body_m = seen.body_m
            return False
        return True

    def _size_m(self) -> float:
        """How tall the person is, as far as is known; who seems very short may be cut."""
        size_m = self.sizes.body_m if self.sizes.count >= KNOWN_SIZES else BODY_HEIGHT_M
        return size_m if size_m > SHORT_M else BODY_HEIGHT_M

    def _measure_body(self, t_s: float, height_px: float, body_m: float | None) -> None:
        """Take in a box that shows the whole body, as far as is known."""
        memory = min(1.0, (t_s - self.seen_s) / HEIGHT_MEMORY_S + 1 / (self.hits + 1))
        if body_m is not None and self.body_m is not None and body_m > GROWN * self.body_m:
            memory = 1.0  # what was seen before was a part
        self.height_px += memory * (height_px - self.height_px)
        if body_m is not None and body_m < TALLEST_M:
            before = body_m if self.body_m is None else self.body_m
            self.body_m = before + memory * (body_m - before)

    def _uncovered(self, top: float, bottom: float) -> bool:
        """Whether one end of the box jumped while the other moved on as expected.

        That is a body coming out from behind something, or going there: no motion. The
        end that jumped starts anew, at the other's speed.
        """
        if self.hits < CONFIRM_HITS:
            return False
        off_top, off_bottom = abs(top - self.top.position), abs(bottom - self.bottom.position)
        fits, jumps = SAME_TOP * self.height_px, JUMP_H * self.height_px
        if off_top < fits and off_bottom > jumps:
            self.top.update(top, self.height_px)
            self.bottom.jump(bottom, self.top)
            return True
        if off_bottom < fits and off_top > jumps:
            self.bottom.update(bottom, self.height_px)
            self.top.jump(top, self.bottom)
            return True
        return False

    def walking_out(self, view: Region, horizon_s: float) -> bool:
        """Whether, from where it was last seen, it is leaving the view.

        True where the last box, moved on by `horizon_s`, is at an edge with less than most
        of its width or height left inside.
        """
        if self.last is None:
            return False
        left, top, right, bottom = self.last.box_xyxy_px
        margin = view.margin_px
        x_pace, top_pace, bottom_pace = self.pace_px_s
        aside, half = x_pace * horizon_s, self.width_px / 2
        if abs(x_pace) < OUTWARD_H_PER_S * self.height_px:
            aside *= 0.5
        middle = (left + right) / 2 + aside
        if left + min(aside, 0.0) <= view.left + margin and middle < view.left + 0.8 * half:
            return True
        if right + max(aside, 0.0) >= view.right - margin and middle > view.right - 0.8 * half:
            return True
        down = max(top_pace, 0.0) * horizon_s
        low = view.bottom - 0.6 * self.height_px
        if bottom + down >= view.bottom - margin and top + down > low:
            return True
        high = view.top + 0.6 * self.height_px
        return top <= view.top + margin and bottom + bottom_pace * horizon_s < high

    def came_in(self, view: Region, step_s: float) -> bool:
        """Whether it came in over the view's edge, about `step_s` before it was first seen."""
        first, last = self.pending[0], self.pending[-1]
        left, top, right, bottom = first.box_xyxy_px
        margin = view.margin_px
        back = step_s / max(last.t_s - first.t_s, step_s, 1e-6)
        moved_x = back * (last.foot_xy_px[0] - first.foot_xy_px[0])
        moved_y = back * (last.box_xyxy_px[1] - top)
        if left - max(moved_x, 0.0) <= view.left + margin:
            return True
        if right - min(moved_x, 0.0) >= view.right - margin:
            return True
        if top <= view.top + margin and moved_y > 0:
            return True
        low = bottom - min(moved_y, 0.0) >= view.bottom - margin
        return low and moved_y < -INWARD_H * self.height_px
