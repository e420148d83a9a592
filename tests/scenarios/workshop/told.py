"""Scores as a table, and what went wrong in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tests.scenarios.workshop.found import Found
from tests.scenarios.workshop.score import Score, errors_s, matches, share, spread

NOT_JUDGED = "–"
DURATIONS = ("waiting", "greeting", "interaction")


def table(rows: Mapping[str, Score]) -> str:
    """One line a scenario, and one for all; durations: mean / 90th percentile of errors, bias.

    Roles and passers-by (found/true) are a dash where nobody's were judged.
    """
    head = (
        f"{'scenario':24}{'true':>5}{'F1':>7}  {'waiting s':>18}  {'greeting s':>18}"
        f"  {'interaction s':>18}{'null':>7}{'outcome':>8}{'size':>7}{'point':>7}{'role':>7}"
        f"{'passers':>9}"
    )
    everything = sum(rows.values(), Score())
    lines = [_line(name, one) for name, one in rows.items()]
    return "\n".join([head, *lines, "-" * len(head), _line("all", everything)])


def _line(name: str, one: Score) -> str:
    durations = (spread(errors) for errors in (one.waiting, one.greeting, one.interaction))
    shown = "".join(
        f"  {f'{d.mean_abs_s:.2f} / {d.p90_abs_s:.2f} {d.bias_s:+.2f}':>18}" for d in durations
    )
    role = f"{share(one.roles, one.sightings):.3f}" if one.sightings else NOT_JUDGED
    counted = one.sightings or one.passers_true or one.passers_found
    passers = f"{one.passers_found}/{one.passers_true}" if counted else NOT_JUDGED
    return (
        f"{name:24}{one.tp + one.fn:5}{one.f1:7.3f}{shown}{share(one.nulls, 2 * one.tp):7.3f}"
        f"{share(one.outcomes, one.tp):8.3f}{share(one.sizes, one.tp):7.3f}"
        f"{share(one.points, one.tp):7.3f}{role:>7}{passers:>9}"
    )


def misses(
    truth: Sequence[Found],
    found: Sequence[Found],
    ends_s: Sequence[float],
    largest: int = 5,
    at_least_s: float = 1.0,
) -> list[str]:
    """In words: visits without a counterpart, what differs, and the largest errors."""
    pairs = matches(truth, found, ends_s)
    true_ones, found_ones = {t for t, _ in pairs}, {f for _, f in pairs}
    lines = [f"missed  {_told(v)}" for i, v in enumerate(truth) if i not in true_ones]
    lines += [f"made up {_told(v)}" for i, v in enumerate(found) if i not in found_ones]
    matched = [(truth[t], found[f]) for t, f in pairs]
    lines += [f"differs {text}" for one, other in matched for text in _different(one, other)]
    for name in DURATIONS:
        errors = [(error, pair) for pair in matched for error in errors_s(name, [pair])]
        errors.sort(key=lambda row: -abs(row[0]))
        lines += [
            f"{name} {error:+.1f} s: true {_told(one)} | found {_told(other)}"
            for error, (one, other) in errors[:largest]
            if abs(error) >= at_least_s
        ]
    return lines


def _different(one: Found, other: Found) -> list[str]:
    """What of a matched pair is not the same, durations aside."""
    columns = (
        ("outcome", one.outcome, other.outcome),
        ("size", one.party_size, other.party_size),
        ("point", one.service_point, other.service_point),
        ("waiting known", one.waiting_s is not None, other.waiting_s is not None),
        ("greeting known", one.greeting_s is not None, other.greeting_s is not None),
    )
    return [
        f"{name}: true {true}, found {seen} ({_told(one)})"
        for name, true, seen in columns
        if true != seen
    ]


def _told(visit: Found) -> str:
    moments = (visit.arrived_s, visit.greeted_s, visit.service_started_s, visit.departed_s)
    shown = " ".join("-" if m is None else f"{m:.1f}" for m in moments)
    return (
        f"[{shown}] {visit.outcome}, {visit.party_size} at {visit.service_point}, "
        f"{visit.interaction_s:.1f} s"
    )
