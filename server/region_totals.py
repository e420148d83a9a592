"""The figures of a region or an organisation over whole weeks, by the date of their Mondays.

They come from the roll-ups of regions, of which stores on trial are no part; until the job has
made those that are due, they tell what was known before. A share within a time is suppressed
where the stores report different expectations: it would be of nothing in particular.
"""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import Connection

from server.figures import PointFigures, point_figures
from server.periods import Period
from server.queries import CoverageRange
from server.rollups.calendar import Grain
from server.rollups.covered import covered_in
from server.rollups.regions import label_of, tree_of
from server.rollups.writing import read_rollups
from server.suppression import Suppressed
from server.terms import expectations_of
from server.unions import merged_unions


@dataclass(frozen=True, slots=True)
class RegionTotal:
    """The union of the weeks of the confirmed stores below a region.

    Attributes:
        stores: how many confirmed stores lie below it today.
        k: the strictest threshold that was in force; none where nothing was released.
        figures: of the union.
        coverage: bounds of the share of time that was seen.
    """

    stores: int
    k: int | None
    figures: PointFigures | Suppressed
    coverage: CoverageRange | None


def read_region(
    connection: Connection, org_id: UUID, subject_id: UUID, first: date, last: date
) -> RegionTotal:
    """The weeks from `first` to `last` (Mondays, both included) of a region, or organisation."""
    stores = tree_of(connection, org_id).stores_below(subject_id)
    begins = Period(label_of(first).start, label_of(last).end)
    found = read_rollups(connection, org_id, [subject_id], [Grain.WEEK], begins)
    if not found or not stores:
        return RegionTotal(len(stores), None, Suppressed(), None)
    union = merged_unions([one.union for one in found])
    asked = expectations_of(connection, org_id, stores, begins)
    figures = point_figures(union, asked)
    covered = covered_in(connection, org_id, [subject_id], first, last)
    coverage = None if covered is None else covered.share
    return RegionTotal(len(stores), union.k, figures, coverage)
