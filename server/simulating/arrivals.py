"""How many parties come when: hours of the day, days of the week, seasons of the year.

Factors around 1, so that a store's `visits_h` is its average over opening hours of a year, about.
"""

import math
from datetime import date

WEEKDAYS = (0.85, 0.85, 0.9, 1.0, 1.2, 1.4, 0.8)
CHRISTMAS = 1.35


def of_hour(hour: int) -> float:
    """A peak at noon, and one after work."""
    noon, evening = (hour + 0.5 - 12.5) / 1.7, (hour + 0.5 - 17.5) / 1.6
    return 0.5 + 0.9 * math.exp(-noon * noon) + 0.7 * math.exp(-evening * evening)


def of_day(day: date) -> float:
    """The weekday, the warm half of the year, and the weeks before Christmas."""
    season = 1 - 0.12 * math.cos(2 * math.pi * (day.timetuple().tm_yday - 15) / 365)
    feast = CHRISTMAS if day.month == 12 and day.day < 24 else 1.0
    return WEEKDAYS[day.weekday()] * season * feast
