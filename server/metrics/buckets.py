"""A histogram of a few buckets that can be added to another one, and sent between processes."""

from bisect import bisect_left
from dataclasses import dataclass, field


@dataclass(slots=True)
class Buckets:
    """How many observations were at most each bound, and how many were above all of them.

    The sum is that of the bounds: it tells no more than the buckets do.

    >>> seen = Buckets((1.0, 5.0))
    >>> for value in (0.3, 5.0, 70.0): seen.observe(value)
    >>> seen.cumulative(), seen.sum
    ([('1.0', 1), ('5.0', 2), ('+Inf', 3)], 11.0)
    """

    bounds: tuple[float, ...]
    counts: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Begin at zero."""
        if not self.counts:
            self.counts = [0] * (len(self.bounds) + 1)

    def observe(self, value: float) -> None:
        """Count one."""
        self.counts[bisect_left(self.bounds, value)] += 1

    def __add__(self, other: "Buckets") -> "Buckets":
        """Both together; of the same bounds."""
        pairs = zip(self.counts, other.counts, strict=True)
        return Buckets(self.bounds, [one + two for one, two in pairs])

    @property
    def sum(self) -> float:
        """Of the bounds of what was observed; what is above all of them counts as the last one."""
        bounds = (*self.bounds, self.bounds[-1])
        return sum(bound * count for bound, count in zip(bounds, self.counts, strict=True))

    def cumulative(self) -> list[tuple[str, int]]:
        """As Prometheus has it: each bound, and how many were at most that."""
        found, total = [], 0
        for bound, count in zip((*map(str, self.bounds), "+Inf"), self.counts, strict=True):
            total += count
            found.append((bound, total))
        return found
