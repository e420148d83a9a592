"""A strip at another scale: correlation with what a resized picture would look like.

For a strip with cells ε (−1 or 1, drawn at random) the resized strip is t = A ε, A being the
resizing's weights. A stream knows nothing of ε, so for any signs s of its bytes the sum
Σ sᵢ tᵢ = Σ_c ε_c wᶜ, with w = Aᵀ s, exceeds z √(Σ_c (Σᵢ A_ic)²) with a probability of at most
exp(−z²/2) (Hoeffding 1963, theorem 2; |w_c| ≤ Σᵢ A_ic).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.audit.canary.markers import STRIP_PX, WIDTH_PX, Plane, Strip, strips

Floats = NDArray[np.float64]

SCALES = (1.5, 1.23, 1.2, 0.8, 0.75, 0.667, 0.6, 0.4, 0.375, 0.333, 0.3)
LEAST_Z = 9.0
_STRIDES = (1, 3)
_CELL_PX = 1.5  # least side of a cell in the resized picture


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """A resized strip.

    Attributes:
        scale: of the picture.
        signs: (n,) t, row after row.
        bound: √(Σ_c (Σᵢ A_ic)²).
    """

    scale: float
    signs: Floats
    bound: float


def chance(positions: int) -> float:
    """The most that the probability of one false find in `positions` places is."""
    return positions * math.exp(-(LEAST_Z**2) / 2)


def templates(seed: str) -> tuple[Template, ...]:
    """One a scale, from the strip of the finest cells that the scale does not blur."""
    still = [one for one in strips(seed) if one.plane is Plane.LUMA]
    found = []
    for scale in SCALES:
        fit = [one for one in still if one.cell_px * scale >= _CELL_PX]
        found.append(_template(fit[0], scale))
    return tuple(found)


def _template(strip: Strip, scale: float) -> Template:
    across = _weights(strip.cells.shape[1], strip.cell_px, round(WIDTH_PX * scale))
    down = _weights(strip.cells.shape[0], strip.cell_px, max(1, round(STRIP_PX * scale)))
    # rows at the strip's edges mix with its neighbours: they are left out
    down = down[1:-1] if len(down) > 3 else down
    signs = down @ np.where(strip.cells, 1.0, -1.0) @ across.T
    bound = math.sqrt((down.sum(axis=0) ** 2).sum() * (across.sum(axis=0) ** 2).sum())
    return Template(scale, signs.ravel(), bound)


def _weights(cells: int, cell_px: int, pixels: int) -> Floats:
    """(pixels, cells) share of each cell in each pixel, by area."""
    edges = np.linspace(0, cells * cell_px, pixels + 1)[:, None]
    starts = np.arange(cells)[None, :] * cell_px
    covered = np.minimum(edges[1:], starts + cell_px) - np.maximum(edges[:-1], starts)
    weights: Floats = np.maximum(covered, 0.0)
    weights /= weights.sum(axis=1, keepdims=True)
    return weights


def best(data: bytes, template: Template) -> tuple[float, int]:
    """The largest |z| of a template in a stream, and where; (0, 0) where it is too short."""
    raw = np.where(np.frombuffer(data, np.uint8) >= 128, 1.0, -1.0)
    found = (0.0, 0)
    for stride in _STRIDES:
        for phase in range(stride):
            part, length = raw[phase::stride], len(template.signs)
            if len(part) < length:
                continue
            z = np.abs(_correlation(part, template.signs)) / template.bound
            place = int(z.argmax())
            found = max(found, (float(z[place]), phase + stride * place))
    return found


def _correlation(signs: Floats, template: Floats) -> Floats:
    """(n - m + 1,) Σ sᵢ₊ₖ tᵢ for each k, by Fourier transforms."""
    size = 1 << (len(signs) + len(template) - 1).bit_length()
    product = np.fft.rfft(signs, size) * np.fft.rfft(template, size).conj()
    found: Floats = np.fft.irfft(product, size)[: len(signs) - len(template) + 1]
    return found
