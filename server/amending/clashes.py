"""Cells of two points that would count under one at one time: a party might count twice."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import Connection

from server.amending.reading import cell_times
from server.amending.rulings import Rulings
from server.errors import AmendmentError
from server.periods import Period


def refuse_clashes(
    connection: Connection,
    org_id: UUID,
    rulings: Rulings,
    point_ids: Collection[UUID],
    period: Period | None,
) -> None:
    """Refuse cells of two points that would count under one of `point_ids` at one time.

    Raises:
        AmendmentError: there are such cells.
    """
    for target in sorted(point_ids):
        sources = rulings.sources_of(target)
        if len(sources) < 2:
            continue
        here = [
            (source, cell)
            for source, cell in cell_times(connection, org_id, sources, period)
            if rulings.counts_under(source, cell) == target
        ]
        clash = _first_clash(here)
        if clash is not None:
            raise AmendmentError(
                f"cells of two points would count under point {target} at one time, from "
                f"{clash.start.isoformat()} to {clash.end.isoformat()}: void one of them first, "
                "or choose another period",
                "clash",
                clash.start,
            )


def _first_clash(cells: Sequence[tuple[UUID, Period]]) -> Period | None:
    """The first time in which cells of two points meet; they are in order of their start."""
    latest: dict[UUID, Period] = {}
    for source, one in cells:
        for other, last in latest.items():
            if other != source and last.meets(one):
                return Period(max(last.start, one.start), min(last.end, one.end))
        if source not in latest or latest[source].end < one.end:
            latest[source] = one
    return None
