"""What devices reported to be in force at points, as it stood at a time: expectations, and k.

A share within a limit is asked for the limit that was in force at its point then, so it stays what
it is when a device moves or is told other expectations later. Where several were in force, no such
share is given: one histogram, asked for two limits, would tell more than the steps of its shares.
What a device reported first is taken to have been in force before.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby, zip_longest
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Row, or_, select

from firmware_cfg.site import Privacy
from server.amending import Rulings
from server.figures import Expectations
from server.periods import Period
from server.schema.cells import cell
from server.schema.fleet import device_terms
from server.schema.identity import assignment, point


@dataclass(frozen=True, slots=True)
class Terms:
    """What is in force: the expectations, and k."""

    expectations: Expectations = field(default_factory=Expectations)
    k: int = Privacy().k


Spans = tuple[tuple[Period, Terms], ...]


@dataclass(frozen=True, slots=True)
class InForce:
    """What was in force when, at a point or at several; `spans` are in order."""

    spans: Spans = ()

    @property
    def throughout(self) -> Terms:
        """All that was in force in the period that it was read for."""
        return self.during(*(span for span, _ in self.spans))

    def during(self, *periods: Period) -> Terms:
        """What was in force in periods: the latest expectations, and the strictest k."""
        here = [terms for span, terms in self.spans if any(map(span.meets, periods))]
        k = max((one.k for one in here), default=Terms().k)
        return Terms(one_of(one.expectations for one in here), k)


def one_of(several: Iterable[Expectations]) -> Expectations:
    """The last of several expectations, which knows of the others; of none, the defaults."""
    told = [replace(one, others=()) for one in several] or [Expectations()]
    others = dict.fromkeys(one for one in told if one != told[-1])
    return replace(told[-1], others=tuple(others))


def in_force_at(
    connection: Connection,
    org_id: UUID,
    point_ids: Collection[UUID],
    period: Period,
    rulings: Rulings,
) -> dict[UUID, InForce]:
    """For each point what its devices reported, as far as they watched it in a period.

    So too the devices of points whose cells may count under it.
    """
    sources = {one: rulings.sources_of(one) for one in point_ids}
    every = frozenset().union(*sources.values())
    found = _watched(connection, org_id, point.c.point_id.in_(every), period)
    return {
        one: InForce(_together({at: found[at] for at in mine if at in found}))
        for one, mine in sources.items()
    }


def in_force_in(connection: Connection, org_id: UUID, store_id: UUID, period: Period) -> InForce:
    """The same of all points of a store together."""
    found = _watched(connection, org_id, point.c.store_id == store_id, period)
    return InForce(_together(found))


def expectations_of(
    connection: Connection, org_id: UUID, stores: Collection[UUID], period: Period
) -> Expectations:
    """The expectations that were in force in a period at the points of these stores."""
    found = _watched(connection, org_id, point.c.store_id.in_(stores), period)
    return one_of(terms.expectations for _, terms in _together(found))


def latest_k(connection: Connection, stores: Collection[tuple[UUID, UUID]]) -> dict[UUID, int]:
    """Of stores, with their organisation: the strictest k of the latest cells of their points."""
    newest = (
        select(cell.c.k)
        .where(cell.c.org_id == point.c.org_id, cell.c.point_id == point.c.point_id)
        .order_by(cell.c.start_at.desc())
        .limit(1)
        .correlate(point)
        .scalar_subquery()
    )
    rows = connection.execute(
        select(point.c.store_id, newest.label("k")).where(
            point.c.org_id.in_({org_id for org_id, _ in stores}),
            point.c.store_id.in_({store_id for _, store_id in stores}),
        )
    )
    found: dict[UUID, int] = {}
    for row in rows:
        if row.k is not None:
            found[row.store_id] = max(row.k, found.get(row.store_id, 0))
    return found


def _together(found: Mapping[UUID, Sequence[tuple[Period, Terms]]]) -> Spans:
    spans = (one for _, of_point in sorted(found.items()) for one in of_point)
    return tuple(sorted(spans, key=lambda one: one[0].start))


def _watched(
    connection: Connection, org_id: UUID, which: ColumnElement[bool], period: Period
) -> dict[UUID, list[tuple[Period, Terms]]]:
    """By point, in order: the parts of `period` in which one report of one device was in force."""
    rows = connection.execute(
        select(
            *assignment.c["assignment_id", "point_id", "valid_from", "valid_to"],
            *device_terms.c["since", "greet_within_s", "serve_within_s", "k"],
        )
        .join(
            point,
            (point.c.org_id == assignment.c.org_id) & (point.c.point_id == assignment.c.point_id),
        )
        .join(
            device_terms,
            (device_terms.c.org_id == assignment.c.org_id)
            & (device_terms.c.device == assignment.c.device),
        )
        .where(
            assignment.c.org_id == org_id,
            point.c.org_id == org_id,
            device_terms.c.org_id == org_id,
            which,
            assignment.c.valid_from < period.end,
            or_(assignment.c.valid_to.is_(None), assignment.c.valid_to > period.start),
        )
        .order_by(assignment.c.valid_from, assignment.c.assignment_id, device_terms.c.since)
    )
    found: dict[UUID, list[tuple[Period, Terms]]] = {}
    for _, group in groupby(rows, key=lambda row: row.assignment_id):
        reports = list(group)
        for one, after in zip_longest(reports, reports[1:]):
            first = period.start if one is reports[0] else one.since
            start = max(period.start, one.valid_from, first)
            end = min(
                period.end, one.valid_to or period.end, period.end if after is None else after.since
            )
            if start < end:
                found.setdefault(one.point_id, []).append((Period(start, end), _terms(one)))
    return found


def _terms(row: Row[Any]) -> Terms:
    return Terms(Expectations(row.greet_within_s, row.serve_within_s), row.k)
