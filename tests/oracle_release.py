"""What should be released, computed in another way: from the rows of `visits.jsonl`.

No tallies, no state, no incremental step: windows are listed quarter-hour by quarter-hour,
visits are put under them, units are folded as nested lists, and every figure of a cell is
counted from its rows. Written from docs/privacy.md and docs/metrics.md, and sharing no code
with `edge.windows` or `firmware_cfg.histogram`.

`released_cells` returns dictionaries of the shape of a wire cell (`Cell.model_dump_json`),
cells of a store's weeks among them; `week` is in these alone.

Each row must be as it was when its window closed: a visit that lasts longer than the
window's settling time after the window's end is to be given as a `still_present` row. Zones
whose offset is a multiple of 15 minutes, and opening hours away from clock changes.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from firmware_cfg.site import Site

Row = dict[str, Any]
QUARTER = timedelta(minutes=15)
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LEVELS = ("month", "week", "day", "day_part", "hour", "half_hour", "quarter_hour")
DEPTH = {3600: 4, 1800: 5, 900: 6}


@dataclass
class Leaf:
    """One window in opening hours: the keys of its units, and what happened in it."""

    path: tuple[Any, ...]
    start: datetime
    end: datetime
    rows: list[Row] = field(default_factory=list)
    passers: int = 0
    present_ms: int = 0
    attended_ms: int = 0


@dataclass
class Group:
    """Windows that stand together, and at which level they were put together."""

    level: str
    leaves: list[Leaf]

    @property
    def visits(self) -> int:
        return sum(len(leaf.rows) for leaf in self.leaves)


@dataclass(frozen=True)
class Presence:
    """A span with a party at a point, capture times."""

    point: str
    start_s: float
    end_s: float
    attended: bool


def released_cells(
    site: Site,
    rows: Iterable[Row],
    *,
    zero_utc: datetime,
    begins: datetime,
    now: datetime,
    passers_by: Iterable[tuple[str, float]] = (),
    presence: Iterable[Presence] = (),
) -> list[Row]:
    """Cells released by `now`, by point and start.

    Args:
        site: the site file in force.
        rows: rows of `visits.jsonl`.
        zero_utc: wall-clock time at t_s = 0.
        begins: when reporting began; windows that ended by then do not exist.
        now: windows that close after it have not been reported.
        passers_by: (point, arrived_s).
        presence: presence spans.
    """
    settle = timedelta(seconds=site.encounter.window_settle_s)
    listed = list(windows(site, begins - DAY, now + timedelta(days=8)))
    known = [leaf for leaf in listed if leaf[2] > begins]
    closed = [leaf for leaf in known if leaf[2] + settle <= now]
    following = known[len(closed)][0] if len(closed) < len(known) else None
    every_row, every_passer, every_span = list(rows), list(passers_by), list(presence)
    cells, by_point = [], []
    for point, kind in _points(site):
        leaves = [Leaf(path, start, end) for path, start, end in closed]
        _fill(site, leaves, [r for r in every_row if _point(r) == point], zero_utc)
        for where, arrived_s in every_passer:
            if where == point:
                for leaf in _holding(site, leaves, instant(zero_utc, arrived_s)):
                    leaf.passers += 1
        for span in every_span:
            if span.point == point:
                _spread(site, leaves, span, zero_utc)
        groups = _released(leaves, following, site.privacy.k)
        cells += [_cell(site, point, kind, group) for group in groups]
        by_point.append((leaves, groups))
    if site.privacy.team_size in {1, 2}:
        week_of = [path[1] for path, _, _ in listed]
        cells += _week_cells(site, by_point, Counter(week_of), following)
    return sorted(cells, key=lambda cell: (cell["point"], cell["start"]))


def instant(zero_utc: datetime, t_s: float) -> datetime:
    """Wall-clock time of a capture time, to the millisecond."""
    return zero_utc + timedelta(milliseconds=_ms(t_s))


def windows(
    site: Site, start: datetime, end: datetime
) -> list[tuple[tuple[Any, ...], datetime, datetime]]:
    """(keys of units, start, end) of every window in opening hours between two instants."""
    seconds = math.ceil(start.timestamp() / 900) * 900
    at = datetime.fromtimestamp(seconds, UTC)
    quarters = []
    while at < end:
        quarters.append((_keys(site, at), at))
        at += QUARTER
    depth = DEPTH[site.encounter.window_s]
    found = []
    for path, group in groupby(quarters, key=lambda quarter: quarter[0][: depth + 1]):
        starts = [start for _, start in group]
        if any(_open_somewhere(site, quarter) for quarter in starts):
            found.append((path, starts[0], starts[-1] + QUARTER))
    return found


def is_open(site: Site, at: datetime) -> bool:
    """Whether the store is open, by its wall clock."""
    local = at.astimezone(site.store.zone)
    clock = local.strftime("%H:%M")
    for span in _spans(site, local.date()):
        opens, closes = span.split("-")
        if opens <= clock and (clock < closes or closes <= opens):
            return True
    for span in _spans(site, local.date() - DAY):
        opens, closes = span.split("-")
        if closes <= opens and clock < closes:
            return True
    return False


def bucket(duration_s: float, scale: int) -> int:
    """Index i with base^i < duration ≤ base^(i+1), base = 2^(2^-scale), 1/16 s at least."""
    exact: float = math.log2(max(duration_s, 1 / 16)) * 2**scale
    return math.ceil(exact - 1e-9) - 1


def _ms(seconds: float) -> int:
    return round(round(seconds, 3) * 1000)


def _points(site: Site) -> list[tuple[str, str]]:
    return [(p.id, "service_point") for p in site.service_point] + [
        (q.id, "queue") for q in site.queue
    ]


def _spans(site: Site, day: date) -> Sequence[str]:
    if day in site.store.closed:
        return ()
    if not site.store.opening:
        return ("00:00-24:00",)
    return [
        span
        for name, spans in site.store.opening.items()
        if name == WEEKDAYS[day.weekday()]
        for span in spans
    ]


def _open_somewhere(site: Site, quarter: datetime) -> bool:
    return any(is_open(site, quarter + n * MINUTE) for n in range(15))


def _keys(site: Site, at: datetime) -> tuple[Any, ...]:
    """Month, week, day, day part, hour, half-hour and quarter-hour of an instant."""
    local = at.astimezone(site.store.zone)
    starts = time.fromisoformat(site.store.day_starts)
    clock = local.time().replace(tzinfo=None)
    day = local.date() if clock >= starts else local.date() - DAY
    thursday = day + (3 - day.weekday()) * DAY
    since = (clock < starts, clock)
    parts = [time.fromisoformat(part) for part in site.store.day_parts]
    part_number = sum((part < starts, part) <= since for part in parts)
    hour = (local.date(), local.hour, local.utcoffset())
    return (
        (thursday.year, thursday.month),
        day.isocalendar()[:2],
        day,
        part_number,
        hour,
        local.minute // 30,
        local.minute // 15,
    )


def _point(row: Row) -> str:
    return str(row["service_point"] or row["queue"])


def _fill(site: Site, leaves: list[Leaf], rows: list[Row], zero_utc: datetime) -> None:
    for row in rows:
        for leaf in _holding(site, leaves, instant(zero_utc, row["arrived_s"])):
            leaf.rows.append(row)


def _holding(site: Site, leaves: list[Leaf], at: datetime) -> list[Leaf]:
    if not is_open(site, at):
        return []
    return [leaf for leaf in leaves if leaf.start <= at < leaf.end]


def _spread(site: Site, leaves: list[Leaf], span: Presence, zero_utc: datetime) -> None:
    first, last = instant(zero_utc, span.start_s), instant(zero_utc, span.end_s)
    for leaf in leaves:
        if last <= leaf.start or leaf.end <= first:
            continue
        minute = leaf.start
        while minute < leaf.end:
            overlap = min(last, minute + MINUTE) - max(first, minute)
            if overlap > timedelta(0) and is_open(site, minute):
                milliseconds = overlap // timedelta(milliseconds=1)
                leaf.present_ms += milliseconds
                leaf.attended_ms += milliseconds if span.attended else 0
            minute += MINUTE


def _fold_in(
    done: list[Group], waiting: list[Leaf], child: list[Group], k: int, level: str
) -> None:
    """One step of rule 2: put a finished child after `done`, or to what is `waiting`."""
    if not waiting and child[0].visits >= k:
        done += child
        return
    waiting += [leaf for group in child for leaf in group.leaves]
    together = Group(level, list(waiting))
    if together.visits >= k:
        done.append(together)
        waiting.clear()


def _whole(leaves: list[Leaf], depth: int, k: int) -> list[Group]:
    """A unit that ended: its cells, or the one thin group that it is."""
    if depth == len(leaves[0].path) - 1:
        return [Group(LEVELS[depth], leaves)]
    done: list[Group] = []
    waiting: list[Leaf] = []
    for child in _children(leaves, depth):
        _fold_in(done, waiting, _whole(child, depth + 1, k), k, LEVELS[depth])
    if not waiting:
        return done
    if not done:
        return [Group(LEVELS[depth], waiting)]
    return [*done[:-1], Group(LEVELS[depth], done[-1].leaves + waiting)]


def _certain(leaves: list[Leaf], following: tuple[Any, ...], depth: int, k: int) -> list[Group]:
    """Groups of a unit that has not ended, which nothing around them will absorb."""
    done: list[Group] = []
    waiting: list[Leaf] = []
    for child in _children(leaves, depth):
        if child[0].path[: depth + 2] == following[: depth + 2]:
            return done if waiting else done + _certain(child, following, depth + 1, k)
        _fold_in(done, waiting, _whole(child, depth + 1, k), k, LEVELS[depth])
    return done


def _children(leaves: list[Leaf], depth: int) -> list[list[Leaf]]:
    return [list(g) for _, g in groupby(leaves, key=lambda leaf: leaf.path[: depth + 2])]


def _released(leaves: list[Leaf], following: tuple[Any, ...] | None, k: int) -> list[Group]:
    groups: list[Group] = []
    for _, month in groupby(leaves, key=lambda leaf: leaf.path[0]):
        inside = list(month)
        if following is not None and inside[0].path[0] == following[0]:
            groups += _certain(inside, following, 0, k)[:-1]
        else:
            groups += [group for group in _whole(inside, 0, k) if group.visits >= k]
    return groups


def _cell(site: Site, point: str, kind: str, group: Group) -> Row:
    rows = [row for leaf in group.leaves for row in leaf.rows]
    scale = 1 if len(rows) < 30 else 3 if len(rows) < 100 else 5
    team = site.privacy.team_size
    outcomes = Counter(row["outcome"] for row in rows)
    if team is None or team < 3:
        outcomes["abandoned"] += outcomes.pop("greeted_only", 0)
    names = ("served", "greeted_only", "abandoned", "passed", "still_present")
    return {
        "point": point,
        "kind": kind,
        "level": group.level,
        "start": _z(group.leaves[0].start),
        "end": _z(group.leaves[-1].end),
        "k": site.privacy.k,
        "visits": len(rows),
        "left_censored": sum(row["left_censored"] for row in rows),
        "passers_by": sum(leaf.passers for leaf in group.leaves),
        "outcomes": {name: outcomes[name] for name in names},
        "waiting": _times(rows, "waiting_s", scale),
        "stay": _lengths(rows, scale),
        "staff": _staff(rows, group.leaves, scale) if team is not None and team >= 3 else None,
        **{
            f"{part}_s": round(sum(_ms(row[f"visit_{part}_s"] or 0) for row in rows) / 1000)
            for part in ("observed", "bridged", "unknown")
        },
    }


def _week_cells(
    site: Site,
    by_point: list[tuple[list[Leaf], list[Group]]],
    windows_in: Counter[Any],
    following: tuple[Any, ...] | None,
) -> list[Row]:
    """Rule 4: per store and week, of the cells that were released of that week."""
    cells = []
    for week in sorted({leaf.path[1] for leaves, _ in by_point for leaf in leaves}):
        k = site.privacy.k
        if any(_holds_back(leaves, groups, week, following, k) for leaves, groups in by_point):
            continue
        parts: list[Group] = []
        for _, groups in by_point:
            inside = [g for g in groups if {leaf.path[1] for leaf in g.leaves} == {week}]
            if sum(len(g.leaves) for g in inside) == windows_in[week]:
                parts += inside
        if parts:
            cells += _week_cell(site, parts)
    return cells


def _holds_back(
    leaves: list[Leaf], groups: list[Group], week: Any, following: tuple[Any, ...] | None, k: int
) -> bool:
    """Whether something of the week, or before, may still be released."""
    done = {id(leaf) for group in groups for leaf in group.leaves}
    if following is not None and following[1] <= week:
        return True
    done |= _thin_weeks(leaves, following, k)
    return any(
        id(leaf) not in done
        and leaf.path[1] <= week
        and following is not None
        and leaf.path[0] == following[0]
        for leaf in leaves
    )


def _thin_weeks(leaves: list[Leaf], following: tuple[Any, ...] | None, k: int) -> set[int]:
    """Windows of the month's weeks that are thin together: no cell of one week will hold them."""
    done: list[Group] = []
    waiting: list[Leaf] = []
    month = [leaf for leaf in leaves if following is not None and leaf.path[0] == following[0]]
    for child in _children(month, 0):
        if following is None or child[0].path[1] == following[1]:
            break
        _fold_in(done, waiting, _whole(child, 1, k), k, "month")
    return {id(leaf) for leaf in waiting}


def _week_cell(site: Site, parts: list[Group]) -> list[Row]:
    leaves = [leaf for group in parts for leaf in group.leaves]
    rows = [row for leaf in leaves for row in leaf.rows]
    scale = min(1 if g.visits < 30 else 3 if g.visits < 100 else 5 for g in parts)
    whole = Group("week", sorted(leaves, key=lambda leaf: leaf.start))
    told = _told(site, rows, leaves, parts)
    if all(figure is None for figure in told.values()):
        return []
    cell = _cell(site, "all-points", "store", whole)
    cell |= {"staff": None, "week": told}
    cell |= {"waiting": _times(rows, "waiting_s", scale), "stay": _lengths(rows, scale)}
    each = [_cell(site, "any", "queue", group) for group in parts]
    for part in ("observed_s", "bridged_s", "unknown_s"):
        cell[part] = float(sum(one[part] for one in each))
    return [cell]


def _told(site: Site, rows: list[Row], leaves: list[Leaf], parts: list[Group]) -> Row:
    terms = site.encounter
    apart = 0 if len(parts) == 1 else max(site.privacy.k, *(g.visits for g in parts))
    least = apart or site.privacy.k
    fresh = [r for r in rows if not r["left_censored"]]
    greeted = [r for r in fresh if r["greeting_s"] is not None]
    in_time = sum(_by(r["greeting_s"], terms.greet_within_s) for r in greeted)
    outcomes = Counter(r["outcome"] for r in rows)
    unserved = outcomes["greeted_only"] + outcomes["abandoned"]
    flawless = sum(r["flawless"] is True for r in rows)
    interrupted = sum(r["interruptions"] > 0 for r in rows)
    present_ms = sum(leaf.present_ms for leaf in leaves)
    percent = None
    if present_ms:
        share = sum(leaf.attended_ms for leaf in leaves) / present_ms
        percent = min(95, max(5, 5 * round(20 * share)))
    ended = [r for r in fresh if r["outcome"] != "still_present"]
    soon = sum(r["waiting_s"] is None and _by(_stay_s(r), terms.abandon_after_s) for r in ended) + (
        len(rows) - len(fresh) - outcomes["passed"]
    )
    at_once = max(0, soon)
    brief = _served_for(ended, terms.interrupted_s)
    served_in_time = sum(
        r["waiting_s"] is not None and bucket(r["waiting_s"], 5) < bucket(terms.serve_within_s, 5)
        for r in fresh
    )

    def far(count: float, at_least: float, at_most: float) -> bool:
        return apart == 0 or (count - at_least >= apart and at_most - count >= apart)

    def split(yes: int, no: int, at_least: int, at_most: int) -> Row | None:
        return (
            {"yes": yes, "no": no}
            if min(yes, no) >= least and far(yes, at_least, at_most)
            else None
        )

    def known_greeted(limit_s: float) -> int:
        served = [r for r in fresh if r["waiting_s"] is not None]
        return sum(_by(r["waiting_s"], limit_s) for r in served) + at_once

    def middle(values: list[float], known: Callable[[float], int]) -> list[float] | None:
        found = _middle(values, least)
        if found is None:
            return None
        index = bucket(sorted(values)[(len(values) - 1) // 2], 1)
        lower_s = 0.0 if 2 ** (index / 2) < 1 / 16 else 2 ** (index / 2)
        return found if far(len(values) // 2, known(lower_s), len(values)) else None

    told_flawless = split(
        flawless,
        outcomes["served"] + unserved - flawless,
        brief,
        served_in_time - outcomes["still_present"],
    )
    recovered = {"yes": outcomes["served"] - flawless, "no": unserved}
    return {
        "greeted_in_time": split(
            in_time,
            len(fresh) - in_time,
            known_greeted(terms.greet_within_s),
            len(fresh) - outcomes["passed"],
        ),
        "left_greeted": split(outcomes["greeted_only"], outcomes["abandoned"], at_once, unserved),
        "flawless": told_flawless,
        "recovered": recovered if told_flawless and min(recovered.values()) >= least else None,
        "interrupted": split(
            interrupted, outcomes["served"] - interrupted, 0, outcomes["served"] - brief
        ),
        "greeting_median_s": middle([r["greeting_s"] for r in greeted], known_greeted),
        "interaction_median_s": middle(
            [r["interaction_s"] for r in ended if r["greeted_s"] is not None],
            lambda limit_s: _served_for(ended, limit_s) + at_once,
        ),
        "attended_percent": percent,
        "patterns": None,
    }


def _by(duration_s: float, limit_s: float) -> bool:
    """Whether a duration is in the limit's finest bucket, or before."""
    return bucket(duration_s, 5) <= bucket(limit_s, 5)


def _served_for(ended: list[Row], limit_s: float) -> int:
    """Served visits that ended and stayed no longer."""
    return sum(r["waiting_s"] is not None and _by(_stay_s(r), limit_s) for r in ended)


def _middle(values: list[float], least: int) -> list[float] | None:
    """Bounds of the bucket of the lower median."""
    if len(values) < 2 * least:
        return None
    index = bucket(sorted(values)[(len(values) - 1) // 2], 1)
    lower = 2 ** (index / 2)
    return [round(0.0 if lower < 1 / 16 else lower, 1), round(2 ** ((index + 1) / 2), 1)]


def _staff(rows: list[Row], leaves: list[Leaf], scale: int) -> Row:
    broken = [row for row in rows if row["flawless"] is False]
    return {
        "greeting": _times(rows, "greeting_s", scale),
        "interaction": _lengths(rows, scale, "interaction_s"),
        "flawless": sum(row["flawless"] is True for row in rows),
        "judged": sum(row["flawless"] is not None for row in rows),
        "broken": len(broken),
        "recovered": sum(row["outcome"] == "served" for row in broken),
        "interrupted": sum(row["interruptions"] > 0 for row in rows),
        "attended_s": round(sum(leaf.attended_ms for leaf in leaves) / 1000),
        "present_s": round(sum(leaf.present_ms for leaf in leaves) / 1000),
    }


def _stay_s(row: Row) -> float:
    if row["visit_s"] is not None:
        return float(row["visit_s"])
    parts = ("observed", "bridged", "unknown")
    return sum(float(row[f"visit_{part}_s"] or 0.0) for part in parts)


def _times(rows: list[Row], moment: str, scale: int) -> Row:
    """Times to a moment: it came, the party left first, or seeing ended first."""
    counts: dict[str, Counter[str]] = {f: Counter() for f in ("event", "left", "censored")}
    for row in rows:
        if row["left_censored"]:
            continue
        if row[moment] is not None:
            counts["event"][str(bucket(row[moment], scale))] += 1
        elif row["outcome"] == "still_present":
            counts["censored"][str(bucket(_stay_s(row), scale))] += 1
        else:
            counts["left"][str(bucket(_stay_s(row), scale))] += 1
    return {"scale": scale, **{fate: dict(found) for fate, found in counts.items()}}


def _lengths(rows: list[Row], scale: int, name: str | None = None) -> Row:
    """Lengths of stays, or of the interaction of those who were greeted."""
    counts: dict[str, Counter[str]] = {f: Counter() for f in ("event", "left", "censored")}
    for row in rows:
        if name is not None and row["greeted_s"] is None:
            continue
        length_s = _stay_s(row) if name is None else float(row[name])
        unseen = row["left_censored"] or row["outcome"] == "still_present"
        counts["censored" if unseen else "event"][str(bucket(length_s, scale))] += 1
    return {"scale": scale, **{fate: dict(found) for fate, found in counts.items()}}


def _z(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
