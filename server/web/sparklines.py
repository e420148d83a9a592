"""A trend as a small drawing: a line through the weeks' values, over the band of their ranges.

Coordinates are those of a box `WIDTH` wide and `HEIGHT` high, y downwards. A week without a
figure leaves a hole. Where the figure was asked for another limit than before, it is cut: line
and band end, others begin, and a mark stands between.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from server.web.standings import Figure

WIDTH, HEIGHT = 140, 30
EDGE = 4
STEP = 0.1


@dataclass(frozen=True, slots=True)
class Scale:
    """What the bottom and the top of the box stand for; shares in [0, 1]."""

    low: float
    high: float

    @classmethod
    def over(cls, figures: Iterable[Figure | None]) -> "Scale":
        """One that holds every range, between full tenths.

        >>> Scale.over([Figure(0.5, 0.42, 0.61, 20, None), None])
        Scale(low=0.4, high=0.7)
        """
        known = [one for one in figures if one is not None]
        lows = [one.low for one in known if one.low is not None]
        highs = [one.high for one in known if one.high is not None]
        if not lows or not highs:
            return cls(0.0, 1.0)
        low, high = min(lows) // STEP * STEP, -(-max(highs) // STEP) * STEP
        return cls(round(max(0.0, low), 1), round(min(1.0, max(high, low + STEP)), 1))

    def y(self, value: float) -> float:
        """Where a value stands.

        >>> Scale(0.0, 1.0).y(1.0)
        4.0
        """
        part = (value - self.low) / (self.high - self.low)
        return round(HEIGHT - EDGE - part * (HEIGHT - 2 * EDGE), 1)


@dataclass(frozen=True, slots=True)
class Drawing:
    """What the page draws.

    Attributes:
        bands: the `points` of a polygon for each stretch of weeks without a hole.
        lines: the `points` of a polyline for each.
        dots: weeks that stand alone, and the last one: x, y.
        cuts: where the figure began to be asked for another limit: x, and the number of the week.
    """

    bands: tuple[str, ...]
    lines: tuple[str, ...]
    dots: tuple[tuple[float, float], ...]
    cuts: tuple[tuple[float, int], ...] = ()


def drawing(figures: Sequence[Figure | None], scale: Scale) -> Drawing:
    """The trend of one row, the earliest week first."""
    step = (WIDTH - 2 * EDGE) / max(1, len(figures) - 1)
    places = [(round(EDGE + index * step, 1), one) for index, one in enumerate(figures)]
    edges = [0, *cuts(figures), len(figures)]
    stretches = [one for start, end in pairwise(edges) for one in _stretches(places[start:end])]
    bands, lines, dots = [], [], []
    for stretch in stretches:
        line = [(x, scale.y(value)) for x, value, _, _ in stretch]
        upper = [(x, scale.y(high)) for x, _, _, high in stretch]
        lower = [(x, scale.y(low)) for x, _, low, _ in stretch]
        if len(stretch) == 1:
            dots.append(line[0])
            continue
        bands.append(_points(upper + lower[::-1]))
        lines.append(_points(line))
    if stretches and len(stretches[-1]) > 1:
        x, value, _, _ = stretches[-1][-1]
        dots.append((x, scale.y(value)))
    marks = tuple((round(EDGE + (index - 0.5) * step, 1), index) for index in cuts(figures))
    return Drawing(tuple(bands), tuple(lines), tuple(dots), marks)


def cuts(figures: Sequence[Figure | None]) -> list[int]:
    """The numbers of the weeks from which on a figure is asked for another limit than before.

    >>> of = [Figure(0.5, 0.4, 0.6, 20, limit_s) for limit_s in (30, 60)]
    >>> cuts([of[0], None, of[0], of[1], of[1]])
    [3]
    """
    found, before = [], None
    for index, one in enumerate(figures):
        if one is None:
            continue
        if before is not None and one.expected_s != before.expected_s:
            found.append(index)
        before = one
    return found


_Place = tuple[float, float, float, float]


def _stretches(places: Sequence[tuple[float, Figure | None]]) -> list[list[_Place]]:
    """Neighbouring weeks that have a figure: x, value, low, high."""
    found: list[list[_Place]] = []
    hole = True
    for x, one in places:
        if one is None or one.value is None or one.low is None or one.high is None:
            hole = True
            continue
        if hole:
            found.append([])
        hole = False
        found[-1].append((x, one.value, one.low, one.high))
    return found


def _points(places: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:g},{y:g}" for x, y in places)
