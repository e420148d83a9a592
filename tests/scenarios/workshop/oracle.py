"""The definitions on what was filmed, with identity, role and party given.

The floor of what any tracker can reach: what the noise of boxes and the frames' times alone
do to the moments.
"""

from __future__ import annotations

import math

import numpy as np

from firmware_cfg.site import Site
from tests.scenarios.workshop.day import Day, Walker
from tests.scenarios.workshop.definitions import visits_in
from tests.scenarios.workshop.film import Film
from tests.scenarios.workshop.people import BoolArray, FloatArray, Person
from tests.scenarios.workshop.truth import customers_side, places, stands_in
from tests.scenarios.workshop.visit import TrueVisit

VOTE_S = 0.3
NOBODY = (math.nan,) * 4


def oracle_visits(day: Day, film: Film) -> list[TrueVisit]:
    """The visits at the film's frames, by its noisy boxes of known people."""
    site = day.shop.site()
    times_s = np.array([record.t_s for record in film.records], np.float64)
    people = [_person(walker, day, site, film, times_s) for walker in day.walkers]
    return list(visits_in(site, times_s, people, day.blind).visits)


def filmed_boxes(film: Film, number: int) -> tuple[FloatArray, BoolArray]:
    """A walker's boxes (n, 4), NaN where it is not in the picture, and whether it is."""
    boxes = np.array([seen.get(number, NOBODY) for seen in film.boxes], np.float64).reshape(-1, 4)
    return boxes, ~np.isnan(boxes[:, 0])


def _person(walker: Walker, day: Day, site: Site, film: Film, times_s: FloatArray) -> Person:
    boxes, seen = filmed_boxes(film, walker.number)
    queue, service, staff = (
        _voted(inside, seen, times_s) for inside in stands_in(site, boxes, seen)
    )
    x, y, _ = places(walker, times_s)
    return Person(
        walker.number,
        walker.role,
        walker.party,
        seen,
        queue,
        service,
        staff,
        customers_side(day.shop, x, y),
        np.stack([x, y], axis=1),
    )


def _voted(inside: BoolArray, seen: BoolArray, times_s: FloatArray) -> BoolArray:
    """(n, zones) what most sightings within `VOTE_S` say; the sighting itself where it is even."""
    first = np.searchsorted(times_s, times_s - VOTE_S - 1e-9)
    last = np.searchsorted(times_s, times_s + VOTE_S + 1e-9)

    def counts(table: BoolArray) -> FloatArray:
        sums = np.concatenate([np.zeros((1, table.shape[1])), np.cumsum(table, axis=0)])
        return np.asarray(sums[last] - sums[first], np.float64)

    lead = 2 * counts(inside & seen[:, None]) - counts(seen[:, None])
    return np.where(lead == 0, inside, lead > 0) & seen[:, None]
