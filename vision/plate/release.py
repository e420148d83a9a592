"""The last check of an estimate, and the plate that comes of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import cv2
import numpy as np

from vision.plate.errors import PlateError
from vision.plate.policy import DETAIL
from vision.plate.tiles import SIDE_PX, Grid, Tiles, grown, without_holes

if TYPE_CHECKING:
    from vision.frames import Picture
    from vision.plate.certainty import Estimate
    from vision.plate.looking import Sightings
    from vision.plate.policy import PlatePolicy

HATCH_BGR = ((96, 96, 96), (160, 160, 160))
STRIPE_PX = 2  # in the released picture
FILL_SPREADS_PX = (5.0, 10.0, 20.0, 40.0, 80.0)
LEAST_AROUND = 0.05  # of the weight within a spread that must be real


class Look(Protocol):
    """Finds people in a picture of the size that is worked on, through several views."""

    def __call__(self, picture_bgr: Picture, /) -> Sightings:
        """All that may be a person, low scores too."""


@dataclass(frozen=True, slots=True, eq=False)
class Plate:
    """A picture of the empty place.

    Attributes:
        picture_bgr: (height, width, 3) uint8, at most `RELEASED_WIDTH_PX` wide; hatched where
            it is not certain: no pixel of the camera is left there.
        certain: (rows, columns) bool, tiles of `TILE_PX`.
        hatched_share: share of the tiles that are hatched, in [0, 1].
        observed_s: how long the place was watched, seconds.
    """

    picture_bgr: Picture
    certain: Tiles
    hatched_share: float
    observed_s: float

    def wipe(self) -> None:
        """Overwrite the pixels, for whoever else holds them too."""
        self.picture_bgr.fill(0)


def release(
    found: Estimate, grid: Grid, observed_s: float, look: Look, policy: PlatePolicy
) -> Plate:
    """Look for people on the estimate itself until none is found, then hatch and reduce it.

    Raises:
        PlateError: too little is certain, or people are found again and again.
    """
    uncertain = without_holes(found.uncertain)
    _refuse_if_too_little(uncertain, found, policy)
    uncertain = _checked(found.picture_bgr, uncertain, grid, look, policy)
    _refuse_if_too_little(uncertain, found, policy)
    picture = hatched(found.picture_bgr, uncertain)
    return Plate(picture, ~uncertain, float(uncertain.mean()), observed_s)


def hatched(picture_bgr: Picture, uncertain: Tiles) -> Picture:
    """The picture reduced to its released size, stripes over the uncertain tiles."""
    height, width = picture_bgr.shape[0] // DETAIL, picture_bgr.shape[1] // DETAIL
    reduced = cv2.resize(picture_bgr, (width, height), interpolation=cv2.INTER_AREA)
    stripe = np.add.outer(np.arange(height), np.arange(width)) // STRIPE_PX % 2
    stripes = np.array(HATCH_BGR, np.uint8)[stripe]
    return np.where(_pixels(uncertain, SIDE_PX // DETAIL)[..., None], stripes, reduced)


def _checked(
    picture_bgr: Picture, uncertain: Tiles, grid: Grid, look: Look, policy: PlatePolicy
) -> Tiles:
    """Uncertain tiles, with those under whatever is taken for a person on the picture.

    First the picture is looked at as it is, then with its uncertain tiles painted over from
    around them: a person may be found only when what stands beside is not in the way. A box
    that lies mostly over what was painted says nothing, and is passed over.
    """
    shown = picture_bgr
    for check in range(policy.passes):
        boxes = look(shown).at_least(policy.static_floor).boxes_xyxy_px
        if check > 0:
            real = [~uncertain[grid.within(box)] for box in boxes]
            rests = [one.size > 0 and one.mean() >= policy.real_share for one in real]
            boxes = boxes[np.array(rests, bool)]
        grew = without_holes(uncertain | grid.under(grown(boxes, policy.grow)))
        if check > 0 and np.array_equal(grew, uncertain):
            return uncertain
        uncertain = grew
        shown = painted_over(picture_bgr, _pixels(uncertain, SIDE_PX))
    raise PlateError(
        f"background plate: expected nobody on it after {policy.passes} checks, found somebody "
        "each time; ask everybody to leave the view"
    )


def painted_over(picture_bgr: Picture, hidden: Tiles) -> Picture:
    """The picture with its hidden pixels (h, w) smoothly filled from those around them."""
    weight = (~hidden).astype(np.float32)
    kept = picture_bgr * weight[..., None]
    filled, missing = picture_bgr.astype(np.float32), hidden.copy()
    for spread_px in FILL_SPREADS_PX:
        around = cv2.GaussianBlur(weight, (0, 0), spread_px)
        colour = cv2.GaussianBlur(kept, (0, 0), spread_px) / np.maximum(around, 1e-6)[..., None]
        reached = missing & (around > LEAST_AROUND)
        filled[reached] = colour[reached]
        missing &= ~reached
    filled[missing] = HATCH_BGR[0]
    return np.clip(np.rint(filled), 0, 255).astype(np.uint8)


def _pixels(tiles: Tiles, side_px: int) -> Tiles:
    """(rows · side, columns · side): each tile's value at its pixels."""
    return tiles.repeat(side_px, axis=0).repeat(side_px, axis=1)


def _refuse_if_too_little(uncertain: Tiles, found: Estimate, policy: PlatePolicy) -> None:
    certain = 1.0 - float(uncertain.mean())
    if certain >= policy.least_certain:
        return
    raise PlateError(
        f"background plate: expected at least {policy.least_certain:.0%} of the picture certain, "
        f"found {certain:.0%} (people too long in {found.covered.mean():.0%}, "
        f"not the same each time in {found.changing.mean():.0%}, "
        f"looks like a person in {found.ghostly.mean():.0%}); "
        "keep the view empty, the camera and the light as they are, or wait longer"
    )
