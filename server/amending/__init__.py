"""Taking released cells out of the figures, or under another point; the cells stay as they are.

Whoever reads figures asks `rulings_of` a store where each cell counts, and draws what `voided`
and `notes` say about the time. Amendments are made in `server.amending.making`.
"""

from server.amending.reading import (
    amendments,
    amendments_after,
    notes,
    relabelled,
    rulings_of,
    voided,
    week_counts,
)
from server.amending.rulings import Rulings
from server.amending.values import Amendment, Kind

__all__ = [
    "Amendment",
    "Kind",
    "Rulings",
    "amendments",
    "amendments_after",
    "notes",
    "relabelled",
    "rulings_of",
    "voided",
    "week_counts",
]
