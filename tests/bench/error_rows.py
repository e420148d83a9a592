"""What `error_model.py` fits: counts and signed errors of one simulated day."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from tests.scenarios.workshop.found import Found
from tests.scenarios.workshop.score import matches

if TYPE_CHECKING:
    from firmware_cfg.site import Encounter

OPEN = "still_present"


def error_row(
    truth: Sequence[Found], found: Sequence[Found], ends_s: Sequence[float], terms: Encounter
) -> dict[str, object]:
    """A scene of ERRORS.json."""
    pairs = [(truth[t], found[f]) for t, f in matches(truth, found, ends_s)]
    judged = [(a, b) for a, b in pairs if _judged(a) and _judged(b)]

    def changed(has: Callable[[Found], bool], among: Sequence[tuple[Found, Found]]) -> list[int]:
        lost = sum(has(a) and not has(b) for a, b in among)
        return [lost, sum(has(b) and not has(a) for a, b in among)]

    flips = {
        "served": changed(lambda v: v.service_started_s is not None, pairs),
        "greeted": changed(lambda v: v.greeted_s is not None, pairs),
        "abandoned": changed(lambda v: v.outcome == "abandoned", pairs),
        "flawless": changed(lambda v: _flawless(v, terms), judged),
    }
    return {
        "true": len(truth),
        "found": len(found),
        "matched": len(pairs),
        "judged": len(judged),
        "lost": {kind: lost for kind, (lost, _) in flips.items()},
        "gained": {kind: gained for kind, (_, gained) in flips.items()},
        "errors": {
            "waiting": _differences(pairs, lambda v: v.waiting_s),
            "greeting": _differences(pairs, lambda v: v.greeting_s),
            "interaction": _differences(
                [(a, b) for a, b in pairs if a.greeted_s is not None and b.greeted_s is not None],
                lambda v: v.interaction_s,
            ),
            "visit": _differences(pairs, _visit_s),
        },
    }


def _judged(visit: Found) -> bool:
    return visit.outcome not in ("passed", OPEN)


def _flawless(visit: Found, terms: Encounter) -> bool:
    """No expectation broken, interruptions aside: what the stopwatch figures say."""
    greeting_s, waiting_s = visit.greeting_s, visit.waiting_s
    late = greeting_s is not None and greeting_s > terms.greet_within_s
    slow = waiting_s is not None and waiting_s > terms.serve_within_s
    return visit.outcome == "served" and not late and not slow


def _visit_s(visit: Found) -> float | None:
    return None if visit.departed_s is None else visit.departed_s - visit.arrived_s


def _differences(
    pairs: Sequence[tuple[Found, Found]], of: Callable[[Found], float | None]
) -> list[float]:
    both = ((of(true), of(other)) for true, other in pairs)
    return [round(b - a, 3) for a, b in both if a is not None and b is not None]
