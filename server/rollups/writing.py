"""Writing roll-ups: those of a time go, those that are made now come."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, delete, insert, select

from server.periods import Period
from server.rollups.bodies import from_json, to_json
from server.rollups.calendar import Grain
from server.schema.rollups import rollup
from server.unions import Union


@dataclass(frozen=True, slots=True)
class Made:
    """A roll-up: of a point, a store, a region or an organisation."""

    subject_id: UUID
    grain: Grain
    period: Period
    union: Union


def replace_rollups(
    connection: Connection,
    org_id: UUID,
    subjects: Collection[UUID],
    grains: Collection[Grain],
    begins_in: Period,
    *,
    made: Iterable[Made],
) -> None:
    """Put `made` in the place of what these subjects had of these grains and this time."""
    connection.execute(
        delete(rollup).where(
            rollup.c.org_id == org_id,
            rollup.c.subject_id.in_(subjects),
            rollup.c.grain.in_([grain.value for grain in grains]),
            rollup.c.start_at >= begins_in.start,
            rollup.c.start_at < begins_in.end,
        )
    )
    rows = [_row(org_id, one) for one in made]
    if rows:
        connection.execute(insert(rollup), rows)


def read_rollups(
    connection: Connection,
    org_id: UUID,
    subjects: Collection[UUID],
    grains: Collection[Grain],
    begins_in: Period,
) -> list[Made]:
    """The roll-ups of these subjects that begin in this time."""
    rows = connection.execute(
        select(rollup).where(
            rollup.c.org_id == org_id,
            rollup.c.subject_id.in_(subjects),
            rollup.c.grain.in_([grain.value for grain in grains]),
            rollup.c.start_at >= begins_in.start,
            rollup.c.start_at < begins_in.end,
        )
    )
    return [
        Made(
            row.subject_id,
            Grain(row.grain),
            Period(row.start_at, row.end_at),
            from_json(row.body),
        )
        for row in rows
    ]


def read_starts(
    connection: Connection,
    org_id: UUID,
    subjects: Collection[UUID],
    grains: Collection[Grain],
    begins_in: Period,
) -> set[tuple[Grain, datetime]]:
    """When the roll-ups of these subjects begin that begin in this time."""
    rows = connection.execute(
        select(rollup.c.grain, rollup.c.start_at)
        .distinct()
        .where(
            rollup.c.org_id == org_id,
            rollup.c.subject_id.in_(subjects),
            rollup.c.grain.in_([grain.value for grain in grains]),
            rollup.c.start_at >= begins_in.start,
            rollup.c.start_at < begins_in.end,
        )
    )
    return {(Grain(row.grain), row.start_at) for row in rows}


def delete_rollups(
    connection: Connection,
    org_id: UUID,
    subjects: Collection[UUID],
    grains: Collection[Grain],
    starts: Collection[datetime],
) -> None:
    """Delete the roll-ups of these subjects that begin at one of these instants."""
    connection.execute(
        delete(rollup).where(
            rollup.c.org_id == org_id,
            rollup.c.subject_id.in_(subjects),
            rollup.c.grain.in_([grain.value for grain in grains]),
            rollup.c.start_at.in_(starts),
        )
    )


def _row(org_id: UUID, one: Made) -> dict[str, object]:
    return {
        "org_id": org_id,
        "subject_id": one.subject_id,
        "grain": one.grain.value,
        "start_at": one.period.start,
        "end_at": one.period.end,
        "cells": one.union.sums.cells,
        "visits": one.union.sums.visits,
        "body": to_json(one.union),
    }
