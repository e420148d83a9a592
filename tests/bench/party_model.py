"""Fits the weights of `edge/visits/parties.py`: which two stays are one party.

Days of the workshop are run through the engine. Each pair of stays that stood near for a
second or more is a sample; the truth is whether the two walkers that were mostly seen in them
are members of one true visit. A logistic regression (Newton's method, a slight ridge) gives
the weights; the table beside says how often today's weights and the fitted ones are wrong.

usage: python tests/bench/party_model.py [--seeds 1-3]
"""

from __future__ import annotations

import argparse
import math
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[2]))

from edge.engine import Engine
from edge.tracking.assignment import assign
from edge.visits import parties
from edge.visits.attendance import Seen
from edge.visits.pairs import Pairs
from edge.visits.parties import PairEvidence, signs, together
from edge.visits.stay import Stay
from tests.scenarios.camera import Box
from tests.scenarios.workshop.film import Film, film
from tests.scenarios.workshop.role_score import LEAST_IOU, iou
from tests.scenarios.workshop.scenes import SCENES, day
from tests.scenarios.workshop.truth import truth_of
from tests.scenarios.workshop.visit import TrueVisit

LEAST_NEAR_S = 1.0
RIDGE = 0.3
ROUNDS = 30
NAMES = ("arrived", "left", "called", "near", "common", "apart", "entry", "constant")

FloatArray = NDArray[np.float64]
Sample = tuple[tuple[float, ...], bool, bool]  # signs, one party by today's weights, in truth


class NotedPairs(Pairs):
    """Keeps the evidence of all pairs for good."""

    noted: dict[tuple[int, int], tuple[Stay, Stay, PairEvidence]]

    def gather(self, customers: Sequence[tuple[Stay, Seen]], step_s: float) -> None:
        """Take in evidence, and note whose it is."""
        super().gather(customers, step_s)
        stays = {stay.number: stay for stay, _ in customers}
        for (first, second), evidence in self._evidence.items():
            if first in stays and second in stays:
                pair = stays[first], stays[second], evidence
                self.noted.setdefault((first, second), pair)


def samples(job: tuple[int, int]) -> list[Sample]:
    """The pairs of one day: (index of the scene, seed)."""
    scene, seed = SCENES[job[0]], job[1]
    shown = day(scene, seed)
    recorded = film(shown, scene.conditions, seed)
    visits, site = truth_of(shown).visits, shown.shop.site()
    NotedPairs.noted = {}
    with patch("edge.visits.analysis.Pairs", NotedPairs):
        who, end_s = _run(Engine(site), recorded)
    result: list[Sample] = []
    for first, second, evidence in NotedPairs.noted.values():
        one, other = _walker(first, who), _walker(second, who)
        if evidence.near_s < LEAST_NEAR_S or None in (one, other) or one == other:
            continue
        one_party = together(first, second, evidence, site.encounter, end_s)
        truly = _share_a_visit(visits, (one, first), (other, second))
        result.append((signs(first, second, evidence, site.encounter, end_s), one_party, truly))
    return result


Walkers = dict[int, list[tuple[float, int]]]


def _run(engine: Engine, recorded: Film) -> tuple[Walkers, float]:
    """For each person, the walkers that its sightings show, by time; and the film's end."""
    tracks: Walkers = defaultdict(list)
    first_of: dict[int, int] = {}
    for record, walkers in zip(recorded.records, recorded.boxes, strict=True):
        engine.step(record)
        first_of.update((one.later, one.earlier) for one in engine.joined)
        boxes = [(one.id, one.observations[-1].box_xyxy_px) for one in engine.sightings]
        for track, walker in _matched(boxes, walkers):
            tracks[track].append((record.t_s, walker))
    engine.finish()
    first_of.update((one.later, one.earlier) for one in engine.joined)
    people: Walkers = defaultdict(list)
    for track, seen in tracks.items():
        person = track
        while person in first_of:
            person = first_of[person]
        people[person] += seen
    return people, recorded.records[-1].t_s


def _matched(
    boxes: Sequence[tuple[int, Box]], walkers: dict[int, Box]
) -> Iterable[tuple[int, int]]:
    numbers = list(walkers)
    cost = np.array([[1 - iou(box, walkers[n]) for n in numbers] for _, box in boxes], float)
    for row, column in assign(cost.reshape(len(boxes), len(numbers)), 1 - LEAST_IOU):
        yield boxes[row][0], numbers[column]


def _walker(stay: Stay, who: Walkers) -> int | None:
    """Whom the stay shows most of its time."""
    during = (n for t_s, n in who[stay.person] if stay.arrived_s <= t_s <= stay.departed_s)
    most = Counter(during).most_common(1)
    return most[0][0] if most else None


def _share_a_visit(
    visits: Sequence[TrueVisit], one: tuple[int | None, Stay], other: tuple[int | None, Stay]
) -> bool:
    def holds(visit: TrueVisit, walker: int | None, stay: Stay) -> bool:
        until_s = math.inf if visit.departed_s is None else visit.departed_s
        meets = visit.arrived_s <= stay.departed_s and stay.arrived_s <= until_s
        return walker in visit.members and meets

    return any(holds(visit, *one) and holds(visit, *other) for visit in visits)


def fit(table: FloatArray, truth: NDArray[np.bool_]) -> FloatArray:
    """(columns + 1,) weights and the constant of a logistic regression."""
    columns = np.hstack([table, np.ones((len(table), 1))])
    weights = np.zeros(columns.shape[1])
    for _ in range(ROUNDS):
        chance = 1 / (1 + np.exp(-columns @ weights))
        slope = columns.T @ (truth - chance) - RIDGE * weights
        curve = (columns * (chance * (1 - chance))[:, None]).T @ columns
        weights += np.linalg.solve(curve + RIDGE * np.eye(len(weights)), slope)
    return weights


def main() -> None:
    """Print the fitted weights beside today's."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", default="1-3", help="first-last")
    first, _, last = parser.parse_args().seeds.partition("-")
    jobs = [(i, seed) for i in range(len(SCENES)) for seed in range(int(first), int(last) + 1)]
    with ProcessPoolExecutor() as pool:
        found = [sample for day_ in pool.map(samples, jobs) for sample in day_]
    table = np.array([one for one, _, _ in found])
    today, truth = (np.array([sample[i] for sample in found]) for i in (1, 2))
    weights = fit(table, truth)
    fitted = np.hstack([table, np.ones((len(table), 1))]) @ weights > 0
    in_use = (*parties.WEIGHTS, -parties.STRANGERS)
    for name, now, new in zip(NAMES, in_use, weights, strict=True):
        sys.stdout.write(f"{name:10s} today {now:6.2f}   fitted {new:6.2f}\n")
    sys.stdout.write(
        f"{'strangers':10s} today {parties.STRANGERS:6.2f}   fitted {-weights[-1]:6.2f}\n"
    )
    for name, one_party in (("today", today), ("fitted", fitted)):
        missed, wrong = int((truth & ~one_party).sum()), int((one_party & ~truth).sum())
        sys.stdout.write(
            f"{name:10s} {len(found)} pairs, {int(truth.sum())} of one party: "
            f"{missed} missed, {wrong} wrong\n"
        )


if __name__ == "__main__":
    main()
