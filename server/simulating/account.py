"""The truth of a simulated chain as a file beside the database: `truth.json`.

What is in it is no part of the product: no page and no query reads it.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

from server.simulating.chain import Chain, PlannedStore
from server.simulating.service import EXPECTED
from server.simulating.stream import Drawn
from server.simulating.truth import true_figures

TRUTH_FILE = "truth.json"
FORMAT = 1


def write_truth(folder: Path, chain: Chain, drawn: Mapping[str, Drawn]) -> Path:
    """Write the file, whole or not at all; where it is."""
    path = folder / TRUTH_FILE
    told = json.dumps(truth_of(chain, drawn), indent=1, sort_keys=True)
    part = path.with_suffix(".part")
    part.write_text(told + "\n", "utf-8")
    part.replace(path)
    return path


def truth_of(chain: Chain, drawn: Mapping[str, Drawn]) -> dict[str, Any]:
    """The truth as a JSON value."""
    return {
        "format": FORMAT,
        "seed": chain.seed,
        "start": chain.start.isoformat(),
        "end": chain.end.isoformat(),
        "expectations": asdict(EXPECTED),
        "trained_from": chain.trained_from.isoformat(),
        "stores": {one.key: _store(one, drawn.get(one.key, Drawn())) for one in chain.stores},
    }


def _store(one: PlannedStore, drawn: Drawn) -> dict[str, Any]:
    return {
        "name": one.name,
        "region": one.place.key,
        "timezone": one.hours.zone,
        "team_size": one.team_size,
        "k": one.k,
        "window_s": one.hours.window_s,
        "opens": one.opens.isoformat(),
        "ends": one.ends.isoformat(),
        "trial": one.trial,
        "regimes": _regimes(one),
        "visits_by_week": {str(day): count for day, count in sorted(drawn.visits.items())},
        "devices": [_plain(asdict(device)) for device in one.devices],
        "gaps": [_plain(asdict(gap)) for gap in one.gaps],
    }


def _regimes(one: PlannedStore) -> list[dict[str, Any]]:
    """The times and the true figures of all points together, and from when on they hold."""
    return [
        {
            "from": day.isoformat(),
            "service": asdict(one.service_on(day)),
            "figures": true_figures(one.service_on(day)).told(one.team_size),
        }
        for day in one.regimes()
    ]


def _plain(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Dates as text."""
    return {
        name: value.isoformat() if isinstance(value, date) else value
        for name, value in fields.items()
    }
