"""Student's t for whole degrees of freedom (Abramowitz and Stegun, 1964, 26.7.3 and 26.7.4)."""

import math
from functools import lru_cache


def outside(t: float, degrees: int) -> float:
    """The chance that |T| is larger than |t|.

    >>> round(outside(2.228, 10), 3), round(outside(12.706, 1), 3)
    (0.05, 0.05)
    """
    angle = math.atan(abs(t) / math.sqrt(degrees))
    cosine, odd = math.cos(angle), degrees % 2
    term = cosine if odd else 1.0
    total = term if degrees > 1 else 0.0
    for k in range(2 + odd, degrees, 2):
        term *= cosine**2 * (k - 1) / k
        total += term
    inside = math.sin(angle) * total
    return max(0.0, 1.0 - (2 / math.pi * (angle + inside) if odd else inside))


@lru_cache(maxsize=256)
def reached(chance: float, degrees: int) -> float:
    """The t for which `outside` is `chance`, in (0, 1).

    >>> round(reached(0.05, 10), 3)
    2.228
    """
    low, high = 0.0, 1.0
    while outside(high, degrees) > chance:
        low, high = high, 2 * high
    while high - low > 1e-9 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if outside(middle, degrees) > chance else (low, middle)
    return high
