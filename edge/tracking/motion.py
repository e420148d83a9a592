"""Motion of one coordinate of a box: a constant-velocity Kalman filter.

Its noise is stated in body heights, so that it is the same near and far.
"""

from __future__ import annotations

MEASURE_SD_H = 0.035
ACCELERATION_SD_H = 0.9
START_SPEED_SD_H = 0.7
BLIND_S = 2.0
STEADY_S = 0.6


class Motion:
    """Constant-velocity Kalman filter of one coordinate, px and px/s."""

    __slots__ = ("p00", "p01", "p11", "position", "velocity")

    def __init__(self, position_px: float, height_px: float) -> None:
        """Start at rest at `position_px`, the speed unknown."""
        self.position = position_px
        self.velocity = 0.0
        self.p00 = (MEASURE_SD_H * height_px) ** 2
        self.p01 = 0.0
        self.p11 = (START_SPEED_SD_H * height_px) ** 2

    def predict(self, dt_s: float, height_px: float) -> None:
        """Move on by `dt_s`; white-noise acceleration.

        Nobody's motion is foreseen further than `STEADY_S`, and nothing beyond `BLIND_S`.
        """
        if dt_s > BLIND_S:
            dt_s, self.velocity, self.p01 = BLIND_S, 0.0, 0.0
        q = (ACCELERATION_SD_H * height_px) ** 2
        dt2 = dt_s * dt_s
        self.position += self.velocity * min(dt_s, STEADY_S)
        self.p00 += 2 * dt_s * self.p01 + dt2 * self.p11 + q * dt2 * dt2 / 4
        self.p01 += dt_s * self.p11 + q * dt2 * dt_s / 2
        self.p11 += q * dt2

    def update(self, position_px: float, height_px: float, noise: float = 1.0) -> None:
        """Take in a measurement, its deviation `noise` times the usual."""
        innovation = position_px - self.position
        total = self.p00 + (noise * MEASURE_SD_H * height_px) ** 2
        gain, gain_v = self.p00 / total, self.p01 / total
        self.position += gain * innovation
        self.velocity += gain_v * innovation
        self.p11 -= gain_v * self.p01
        self.p01 *= 1 - gain
        self.p00 *= 1 - gain

    def jump(self, position_px: float, other: Motion) -> None:
        """Start anew at `position_px` with the motion of `other`, an end of the same body."""
        self.position, self.velocity = position_px, other.velocity
        self.p00, self.p01, self.p11 = other.p00, other.p01, other.p11
