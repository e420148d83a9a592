"""From a part of the delivered picture to the model's input, and back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from firmware_cfg.region import Region

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Letterbox:
    """A region scaled, aspect kept, into the top-left corner of the model's input.

    Attributes:
        region: the part of the delivered picture that is looked at, px.
        picture_px: (width, height) of the delivered picture.
        scaled_px: (width, height) of the region inside the input; zeros beyond.
    """

    region: Region
    picture_px: tuple[int, int]
    scaled_px: tuple[int, int]
    _map: tuple[FloatArray, FloatArray, FloatArray] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Lay out the factors that every frame needs, (4,) each."""
        width, height = self.region.size_px
        factor = np.array([width / self.scaled_px[0], height / self.scaled_px[1]] * 2)
        corner = np.array([self.region.left, self.region.top] * 2, float)
        object.__setattr__(self, "_map", (factor, corner, np.array(self.picture_px * 2, float)))

    @classmethod
    def fit(
        cls, region: Region, picture_px: tuple[int, int], input_px: tuple[int, int]
    ) -> Letterbox:
        """The largest letterbox of `region` in an input of `input_px` (width, height).

        >>> from firmware_cfg.region import Region
        >>> Letterbox.fit(Region(0, 0, 768, 432), (768, 432), (512, 288)).scaled_px
        (512, 288)
        >>> Letterbox.fit(Region(0, 0, 768, 576), (768, 576), (512, 288)).scaled_px
        (384, 288)
        """
        width, height = region.size_px
        scale = min(input_px[0] / width, input_px[1] / height)
        scaled = (
            min(input_px[0], max(1, round(width * scale))),
            min(input_px[1], max(1, round(height * scale))),
        )
        return cls(region, picture_px, scaled)

    def to_picture(self, boxes_xyxy_px: NDArray[np.floating]) -> FloatArray:
        """Boxes (n, 4) of the input as boxes (n, 4) of the delivered picture, clipped to it.

        x = left + x_input · region width / scaled width; y likewise.
        """
        factor, corner, edge = self._map
        return np.minimum(np.maximum(boxes_xyxy_px * factor + corner, 0.0), edge)
