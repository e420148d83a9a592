"""Where a simulated chain has its stores: a tree of regions, each with a zone and cities."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """A region at the bottom of the tree, and the cities that stores are named after."""

    key: str
    name: str
    land: str
    zone: str
    cities: tuple[str, ...]


AREAS = (("asia", "Asia"), ("europe", "Europe"), ("americas", "Americas"))
LANDS = (
    ("china", "China", "asia"),
    ("japan", "Japan", "asia"),
    ("germany", "Germany", "europe"),
    ("britain", "Britain", "europe"),
    ("united-states", "United States", "americas"),
)
PLACES = (
    Place("china-east", "China East", "china", "Asia/Shanghai", ("Shanghai", "Hangzhou")),
    Place("germany-north", "Germany North", "germany", "Europe/Berlin", ("Hamburg", "Bremen")),
    Place("us-east", "US East", "united-states", "America/New_York", ("Boston", "Philadelphia")),
    Place("china-south", "China South", "china", "Asia/Shanghai", ("Shenzhen", "Guangzhou")),
    Place("england", "England", "britain", "Europe/London", ("Leeds", "Bristol")),
    Place("us-central", "US Central", "united-states", "America/Chicago", ("Dallas", "Houston")),
    Place("germany-south", "Germany South", "germany", "Europe/Berlin", ("Munich", "Stuttgart")),
    Place("kansai", "Kansai", "japan", "Asia/Tokyo", ("Osaka", "Nagoya")),
)
TRAINED_LAND = "germany"
"""Where staff are trained, from a Monday on."""
