"""A union as JSON, and back: the column `rollup.body`.

Spans and what cells were made with repeat within a union, so each stands once in a list, and
is named by its index there.
"""

from collections.abc import Mapping
from dataclasses import astuple, dataclass, field
from typing import Any
from uuid import UUID

from firmware_cfg.histogram import Fate, Histogram
from firmware_cfg.messages import Coverage
from server.periods import Spans
from server.released_week import Comparability
from server.unions import Measure, Part, Sums, Union

FATES = {Fate.EVENT: "e", Fate.LEFT: "l", Fate.CENSORED: "c"}


@dataclass(slots=True)
class _Listed:
    """Values, each once, in the order in which they were first named."""

    indexes: dict[Any, int] = field(default_factory=dict)

    def __call__(self, value: Any) -> int:
        return self.indexes.setdefault(value, len(self.indexes))


def to_json(union: Union) -> dict[str, Any]:
    """A union as a JSON value; `from_json` makes an equal one of it."""
    spans, made = _Listed(), _Listed()
    body: dict[str, Any] = {
        "sums": list(astuple(union.sums)),
        "k": [union.k, union.smallest_k],
        "covered": spans(union.covered),
        "staff": spans(union.staff_covered),
        "with": sorted([version, model] for version, model in union.made_with),
        "parts": {name.value: _part_to_json(one, spans) for name, one in union.parts.items()},
        "runs": {
            str(point_id): [[made(key), spans(value)] for key, value in of_point.items()]
            for point_id, of_point in union.runs.items()
        },
        "seen": {band.value: length_ms for band, length_ms in union.seen.items()},
        "missing": {name.value: parties for name, parties in union.missing.items()},
    }
    body["spans"] = [[at for span in one for at in span] for one in spans.indexes]
    body["made"] = [list(astuple(one)) for one in made.indexes]
    return body


def _part_to_json(part: Part, spans: _Listed) -> list[Any]:
    times = None if part.times is None else _times_to_json(part.times)
    return [spans(part.covered), part.visits, part.base, part.k, list(part.counts), times]


def _times_to_json(times: Histogram) -> dict[str, Any]:
    counts = {
        FATES[fate]: [number for bucket in found.items() for number in bucket]
        for fate, found in times.counts.items()
    }
    return {"s": times.scale, **counts}


def from_json(body: Mapping[str, Any]) -> Union:
    """The union that `to_json` was given."""
    spans: list[Spans] = [tuple(zip(one[::2], one[1::2], strict=True)) for one in body["spans"]]
    made = [Comparability(*one) for one in body["made"]]
    return Union(
        sums=Sums(*body["sums"]),
        k=body["k"][0],
        smallest_k=body["k"][1],
        covered=spans[body["covered"]],
        staff_covered=spans[body["staff"]],
        made_with=frozenset((version, model) for version, model in body["with"]),
        parts={Measure(name): _part_from_json(one, spans) for name, one in body["parts"].items()},
        runs={
            UUID(point_id): {made[key]: spans[value] for key, value in of_point}
            for point_id, of_point in body["runs"].items()
        },
        seen={Coverage(band): length_ms for band, length_ms in body["seen"].items()},
        missing={Measure(name): parties for name, parties in body["missing"].items()},
    )


def _part_from_json(kept: list[Any], spans: list[Spans]) -> Part:
    covered, visits, base, k, counts, times = kept
    histogram = None if times is None else _times_from_json(times)
    return Part(spans[covered], visits, base, k, tuple(counts), histogram)


def _times_from_json(kept: Mapping[str, Any]) -> Histogram:
    counts = {
        fate: dict(zip(kept[key][::2], kept[key][1::2], strict=True))
        for fate, key in FATES.items()
        if key in kept
    }
    return Histogram(kept["s"], counts)
