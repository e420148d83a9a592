"""What may be told of staff in a store's week, from its rows (docs/privacy.md, a store's week).

Each limit of the four counts is written out as an inequality, and how far it is from holding
with equality is counted kind by kind of visit, by the rules that say what a visit can be.
"""

from __future__ import annotations

from collections import Counter
from itertools import product
from math import ceil
from typing import TYPE_CHECKING, Any

from tests.oracle_cells import UNSERVED, bucket, left_early, stay_s

if TYPE_CHECKING:
    from collections.abc import Callable

    from firmware_cfg.site import Encounter, Site
    from tests.oracle_joining import Group, Leaf, Row

LIMITS = (
    *("+F", "-F", "+I", "-I", "+T", "-T", "+G", "-G"),
    *("+F+I", "-F-I", "+T-F", "+F-T", "+T-F-I", "+F+I-T"),
    *("+T-G", "+T-F-G", "+T-F-I-G"),
)
SERVED = ("prompt", "middling", "slow")


class Week:
    """Rows of a week, sorted as the finer cells' figures let anybody sort them."""

    def __init__(self, rows: list[Row], terms: Encounter) -> None:
        self.rows = rows
        self.terms = terms
        self.outcomes = Counter(row["outcome"] for row in rows)
        self.fresh = [row for row in rows if not row["left_censored"]]
        self.ended = [row for row in self.fresh if row["outcome"] != "still_present"]
        self.unsure = len(rows) - len(self.fresh)
        left = [row for row in rows if row["outcome"] in UNSERVED]
        late = [row for row in left if not left_early(row, terms.abandon_after_s)]
        self.left_late, self.left_early = len(late), len(left) - len(late)
        self.counts: dict[str, int] = {
            "F": sum(row["flawless"] is True for row in rows),
            "I": sum(row["outcome"] == "served" and row["interruptions"] > 0 for row in rows),
            "T": sum(
                row["greeting_s"] is not None and row["greeting_s"] <= terms.greet_within_s
                for row in self.fresh
            ),
            "G": sum(row["outcome"] == "greeted_only" for row in late),
        }
        self.waits = Counter(
            self._wait(row["waiting_s"]) for row in self.fresh if row["waiting_s"] is not None
        )

    def _wait(self, waiting_s: float) -> str:
        if by(waiting_s, self.terms.greet_within_s):
            return "prompt"
        late = bucket(waiting_s, 5) >= bucket(self.terms.serve_within_s, 5)
        return "slow" if late else "middling"

    def served_for(self, limit_s: float) -> int:
        """Served visits that ended and stayed no longer."""
        return sum(r["waiting_s"] is not None and by(stay_s(r), limit_s) for r in self.ended)

    def greeted_for_certain(self, limit_s: float) -> int:
        """Those whose service began by then."""
        waits = [r["waiting_s"] for r in self.fresh if r["waiting_s"] is not None]
        return sum(by(waiting_s, limit_s) for waiting_s in waits)

    def room(self, limit: str, interrupted: int) -> int:
        """How far the counts are from a limit."""
        signs = {limit[n + 1]: 1 if limit[n] == "+" else -1 for n in range(0, len(limit), 2)}
        kinds = [kind for kind in SERVED if self.waits[kind]]
        most = {kind: highest(kind, signs) for kind in (*SERVED, "late", "early")}
        total = sum(self.waits[kind] * most[kind] for kind in kinds)
        lost = [most[kind] - highest(kind, signs, brief=True) for kind in kinds]
        total -= self.served_for(self.terms.interrupted_s) * max([0, *lost])
        best = max([most[kind] for kind in kinds], default=0)
        total -= self.outcomes["still_present"] * (best - min(0, signs.get("T", 0)))
        total += max(0, self.left_late - self.unsure) * most["late"]
        total += max(0, self.left_early - self.unsure) * most["early"]
        counts: dict[str, int] = self.counts | {"I": interrupted}
        used = sum(sign * counts[name] for name, sign in signs.items())
        return int(total - used)


def possible(kind: str, *, brief: bool) -> list[dict[str, int]]:
    """What a visit of a kind can be: flawless, interrupted, greeted in time, left greeted."""
    found = []
    for flawless, interrupted, in_time, greeted in product((0, 1), repeat=4):
        if kind in SERVED:
            right = flawless == bool(in_time and not interrupted and kind != "slow")
            right = right and not greeted and bool(in_time or kind != "prompt")
            right = right and not (brief and interrupted)
        else:
            right = not flawless and not interrupted
            right = right and (in_time <= greeted if kind == "late" else not greeted)
        if right:
            found.append({"F": flawless, "I": interrupted, "T": in_time, "G": greeted})
    return found


def highest(kind: str, signs: dict[str, int], *, brief: bool = False) -> int:
    """The most that a visit adds."""
    return max(
        sum(sign * one[name] for name, sign in signs.items()) for one in possible(kind, brief=brief)
    )


def names_told(week: Week, apart: int) -> set[str]:
    """Those of the counts F, I, T, G that may be told."""

    def far(limit: str, interrupted: int) -> bool:
        wide = 2 if limit in {"+T-F-I", "+F+I-T", "+T-F-I-G"} else 1
        return week.room(limit, interrupted) >= apart * wide

    def all_far(names: str, about: str, interrupted: int) -> bool:
        inside = [limit for limit in LIMITS if set(limit) - {"+", "-"} <= set(names)]
        return all(far(limit, interrupted) for limit in inside if about in limit)

    interrupted = week.counts["I"]
    if not all_far("F", "F", interrupted):
        return set()
    if not all_far("FT", "T", interrupted):
        return {"F"}
    told = {"F", "T"} | ({"I"} if all_far("FTI", "I", interrupted) else set())
    return told | ({"G"} if all_far("FTIG", "G", interrupted if "I" in told else 0) else set())


def figures(site: Site, rows: list[Row], leaves: list[Leaf], parts: list[Group]) -> Row:
    """The wire form of `week`, without patterns."""
    week = Week(rows, site.encounter)
    k = site.privacy.k
    apart = k if len(parts) == 1 else max(k, *(group.visits + 1 for group in parts))
    told, counts = names_told(week, apart), week.counts
    served, late = week.outcomes["served"], week.left_late
    bases = {"F": served + late, "I": served, "T": len(week.fresh), "G": late}

    def split(name: str) -> Row | None:
        yes = counts[name]
        return {"yes": yes, "no": bases[name] - yes} if name in told else None

    recovered = {"yes": served - counts["F"], "no": late}
    return {
        "greeted_in_time": split("T"),
        "left_greeted": split("G"),
        "flawless": split("F"),
        "recovered": recovered if "F" in told and min(recovered.values()) >= k else None,
        "interrupted": split("I"),
        "greeting_median_s": _greeting(week, apart, counts["T"] if "T" in told else None),
        "interaction_median_s": _interaction(week, apart),
        "attended_percent": _attended(leaves, parts),
        "patterns": None,
    }


def by(duration_s: float, limit_s: float) -> bool:
    """Whether a duration is in the limit's finest bucket, or before."""
    return bucket(duration_s, 5) <= bucket(limit_s, 5)


def _greeting(week: Week, apart: int, in_time: int | None) -> list[float] | None:
    values = [r["greeting_s"] for r in week.fresh if r["greeting_s"] is not None]
    found = _middle(values, apart, week.greeted_for_certain)
    if found is None or in_time is None:
        return _shown(found)
    limit_s, over = week.terms.greet_within_s, 2 * in_time - len(values)
    soon, late = found[1] <= limit_s, found[0] >= limit_s
    return None if (soon and over < apart) or (late and -over < apart) else _shown(found)


def _interaction(week: Week, apart: int) -> list[float] | None:
    values = [float(r["interaction_s"]) for r in week.ended if r["greeted_s"] is not None]
    found = _middle(values, apart, week.served_for)
    few = len(values) - 2 * week.outcomes["served"] < apart
    return None if found and found[1] <= week.terms.min_service_s and few else _shown(found)


def _middle(
    values: list[float], apart: int, certain: Callable[[float], int]
) -> tuple[float, float] | None:
    """Bounds of the bucket of the lower median, where what is certain of it leaves room."""
    if len(values) < 2 * apart:
        return None
    index = bucket(sorted(values)[(len(values) - 1) // 2], 1)
    lower_s = 2 ** (index / 2) if index >= -8 else 0.0
    half = len(values) // 2
    if min(half - certain(lower_s), len(values) - half) < apart:
        return None
    return lower_s, 2 ** ((index + 1) / 2)


def _shown(bounds: tuple[float, float] | None) -> list[float] | None:
    return None if bounds is None else [round(bound, 1) for bound in bounds]


def _attended(leaves: list[Leaf], parts: list[Group]) -> Any:
    present_ms = sum(leaf.present_ms for leaf in leaves)
    if not present_ms:
        return None
    steps = 5 * round(20 * sum(leaf.attended_ms for leaf in leaves) / present_ms)
    largest = max(sum(leaf.present_ms for leaf in group.leaves) for group in parts)
    if len(parts) == 1 or 100 * largest <= 7.5 * present_ms:
        return min(95, max(5, steps))
    end = 5 * ceil((100 * largest / present_ms + 2.5) / 5)
    return steps if end <= steps <= 100 - end else None
