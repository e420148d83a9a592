"""How much must be seen before a tile of the background plate is believed."""

from __future__ import annotations

from dataclasses import dataclass

RELEASED_WIDTH_PX = 160
"""Width of the released picture; at most, no camera's picture is enlarged.

A camera that sees 70 degrees across shows 2 · d · tan 35° = 1.4 · d metres at the distance d,
so 160 px make 114 / d pixels a metre. A face, 0.16 m wide, is then 9 px wide at 2 m, 6 px at
3 m, 4 to 5 px at 4 m and 3 px at 6 m. IEC 62676-4 asks 125 px a metre to recognise somebody
already known and 62.5 to observe what a stranger looks like: the first is out of reach beyond
0.9 m, the second beyond 1.8 m. A counter, a door and a queue's barriers can still be told.
"""
DETAIL = 2
"""The picture that is worked on is this many times as wide and high as the released one."""
TILE_PX = 5
"""Side of a tile, released px: 13 cm at 3 m, less than a head."""


@dataclass(frozen=True, slots=True)
class PlatePolicy:
    """Limits of the background plate; the defaults are meant for use, others for tests.

    Attributes:
        observe_s: the place is watched at least this long.
        give_up_s: everything ends this long after the start, whatever was reached.
        retry_s: after a refusal it is tried again after this much more.
        sample_every_s: time between samples at the start; doubles when memory is full.
        sample_bytes: memory for samples, at most.
        score_floor: from here on a box says that somebody may be there now; what it covers is
            no moment without people. Seven views are looked at, of which any one is enough, so
            this is far below the same figure for one view.
        static_floor: from here on a box that looks as the plate does, or stands on the finished
            plate, hatches it. Of people seated, half hidden or cut by the edge none stayed below
            0.43 in all views; an empty room, its pillar, gives up to 0.27. At 0.25 that pillar
            costs 30 % of the picture, at 0.3 nothing.
        grow: a box is enlarged by this share of its sides, on each side.
        spells: the time is divided into so many equal spells;
        free_spells: a tile must have been seen without a person in so many of them,
        free_span: of which first and last are at least so many apart,
        free_samples: in at least so many samples.
        tolerance: grey levels by which samples may differ, at least;
        tolerance_noise: and at least so many standard deviations of the video's noise.
        agreeing_samples: share of the samples that must agree with a pixel's median.
        agreeing_pixels: share of a tile's pixels of which that must be true.
        ghost_likeness: share of a box's inner pixels that look as on the plate, from which
            on the box speaks of what the plate shows, not of who walked past.
        ghost_samples: share of the samples in which that may happen to a tile.
        real_share: share of a box of the last check that must lie on certain tiles.
        passes: the last check is repeated at most so often.
        least_certain: share of certain tiles below which nothing is released.
    """

    observe_s: float = 120.0
    give_up_s: float = 900.0
    retry_s: float = 30.0
    sample_every_s: float = 1.5
    sample_bytes: int = 14_000_000
    score_floor: float = 0.2
    static_floor: float = 0.3
    grow: float = 0.15
    spells: int = 10
    free_spells: int = 5
    free_span: int = 5
    free_samples: int = 8
    tolerance: float = 10.0
    tolerance_noise: float = 4.0
    agreeing_samples: float = 0.8
    agreeing_pixels: float = 0.9
    ghost_likeness: float = 0.6
    ghost_samples: float = 0.1
    real_share: float = 0.4
    passes: int = 8
    least_certain: float = 0.5
