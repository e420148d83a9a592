"""A trend as a small drawing: a line through the weeks' values, over the band of their ranges.

Coordinates are those of a box `WIDTH` wide and `HEIGHT` high, y downwards. A week without a
figure leaves a hole.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

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
    """

    bands: tuple[str, ...]
    lines: tuple[str, ...]
    dots: tuple[tuple[float, float], ...]


def drawing(figures: Sequence[Figure | None], scale: Scale) -> Drawing:
    """The trend of one row, the earliest week first."""
    step = (WIDTH - 2 * EDGE) / max(1, len(figures) - 1)
    places = [(round(EDGE + index * step, 1), one) for index, one in enumerate(figures)]
    stretches = _stretches(places)
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
    return Drawing(tuple(bands), tuple(lines), tuple(dots))


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
