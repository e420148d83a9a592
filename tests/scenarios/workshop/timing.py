"""The project on a film: what the engine makes of the detections alone."""

from __future__ import annotations

import math
from dataclasses import dataclass

from edge.engine import Engine
from edge.rows import RowCollector
from edge.visits.values import PasserBy
from tests.scenarios.camera import Box
from tests.scenarios.workshop.film import Film
from tests.scenarios.workshop.found import FoundVisit, of_visit
from tests.scenarios.workshop.scenes import Scene


@dataclass(frozen=True, slots=True)
class Timing:
    """What came of a film.

    Attributes:
        visits: by arrival.
        passers_by: presences too short for a visit.
        people: for each frame, the (box, role) of everybody who was confirmed in it.
    """

    visits: list[FoundVisit]
    passers_by: int
    people: list[list[tuple[Box, str]]]


def timed(scene: Scene, recorded: Film) -> Timing:
    """The engine's visits, passers-by and people on a film of the scene."""
    site = scene.shop.layout.site()
    engine, rows = Engine(site), RowCollector(site.encounter.settle_s)
    for record in recorded.records:
        rows.frame(record, engine, engine.step(record))
    rows.finish(engine)
    rows.settle_roles(math.inf)
    people: list[list[tuple[Box, str]]] = [[] for _ in recorded.records]
    first = recorded.records[0].frame
    for (_, seen), (role, _) in zip(rows.sightings, rows.sighted_as, strict=True):
        people[seen.frame - first].append((seen.box_xyxy_px, role))
    passers = sum(isinstance(event, PasserBy) for event in rows.events)
    return Timing([of_visit(visit) for visit in rows.visits()], passers, people)
