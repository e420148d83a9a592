"""The figures of a cell, each counted from its rows (docs/metrics.md)."""

from __future__ import annotations

import math
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tests.oracle_calendar import ms

if TYPE_CHECKING:
    from firmware_cfg.site import Site
    from tests.oracle_joining import Group, Leaf, Row

UNSERVED = ("greeted_only", "abandoned", "passed")


def bucket(duration_s: float, scale: int) -> int:
    """Index i with base^i < duration ≤ base^(i+1), base = 2^(2^-scale), 1/16 s at least."""
    exact: float = math.log2(max(duration_s, 1 / 16)) * 2**scale
    return math.ceil(exact - 1e-9) - 1


def cell(site: Site, point: str, kind: str, group: Group) -> Row:
    """The wire form of a cell."""
    rows = [row for leaf in group.leaves for row in leaf.rows]
    scale = 1 if len(rows) < 30 else 3 if len(rows) < 100 else 5
    team = site.privacy.team_size
    outcomes = Counter(row["outcome"] for row in rows)
    if team is None or team < 3:
        early = sum(left_early(row, site.encounter.abandon_after_s) for row in rows)
        left = sum(outcomes.pop(name, 0) for name in UNSERVED)
        outcomes |= {"passed": early, "abandoned": left - early}
    names = ("served", "greeted_only", "abandoned", "passed", "still_present")
    return {
        "point": point,
        "kind": kind,
        "level": group.level,
        "start": z(group.leaves[0].start),
        "end": z(group.leaves[-1].end),
        "k": site.privacy.k,
        "visits": len(rows),
        "left_censored": sum(row["left_censored"] for row in rows),
        "passers_by": sum(leaf.passers for leaf in group.leaves),
        "outcomes": {name: outcomes[name] for name in names},
        "waiting": times(rows, "waiting_s", scale),
        "stay": lengths(rows, scale),
        "staff": staff(rows, group.leaves, scale) if team is not None and team >= 3 else None,
        **{
            f"{part}_s": round(sum(ms(row[f"visit_{part}_s"] or 0) for row in rows) / 1000)
            for part in ("observed", "bridged", "unknown")
        },
    }


def left_early(row: Row, abandon_after_s: float) -> bool:
    """Left unserved, sooner than that, greeted or not."""
    return row["outcome"] in UNSERVED and stay_s(row) < abandon_after_s


def staff(rows: list[Row], leaves: list[Leaf], scale: int) -> Row:
    """What depends on staff, of a team that is large enough."""
    broken = [row for row in rows if row["flawless"] is False]
    return {
        "greeting": times(rows, "greeting_s", scale),
        "interaction": lengths(rows, scale, "interaction_s"),
        "flawless": sum(row["flawless"] is True for row in rows),
        "judged": sum(row["flawless"] is not None for row in rows),
        "broken": len(broken),
        "recovered": sum(row["outcome"] == "served" for row in broken),
        "interrupted": sum(row["interruptions"] > 0 for row in rows),
        "attended_s": round(sum(leaf.attended_ms for leaf in leaves) / 1000),
        "present_s": round(sum(leaf.present_ms for leaf in leaves) / 1000),
    }


def stay_s(row: Row) -> float:
    """How long the visit lasted, as far as it was seen."""
    if row["visit_s"] is not None:
        return float(row["visit_s"])
    parts = ("observed", "bridged", "unknown")
    return sum(float(row[f"visit_{part}_s"] or 0.0) for part in parts)


def times(rows: list[Row], moment: str, scale: int) -> Row:
    """Times to a moment: it came, the party left first, or seeing ended first."""
    counts: dict[str, Counter[str]] = {f: Counter() for f in ("event", "left", "censored")}
    for row in rows:
        if row["left_censored"]:
            continue
        if row[moment] is not None:
            counts["event"][str(bucket(row[moment], scale))] += 1
        elif row["outcome"] == "still_present":
            counts["censored"][str(bucket(stay_s(row), scale))] += 1
        else:
            counts["left"][str(bucket(stay_s(row), scale))] += 1
    return {"scale": scale, **{fate: dict(found) for fate, found in counts.items()}}


def lengths(rows: list[Row], scale: int, name: str | None = None) -> Row:
    """Lengths of stays, or of the interaction of those who were greeted."""
    counts: dict[str, Counter[str]] = {f: Counter() for f in ("event", "left", "censored")}
    for row in rows:
        if name is not None and row["greeted_s"] is None:
            continue
        length_s = stay_s(row) if name is None else float(row[name])
        unseen = row["left_censored"] or row["outcome"] == "still_present"
        counts["censored" if unseen else "event"][str(bucket(length_s, scale))] += 1
    return {"scale": scale, **{fate: dict(found) for fate, found in counts.items()}}


def z(at: datetime) -> str:
    """As on the wire."""
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
