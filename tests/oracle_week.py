"""Cells of a store's weeks of a small team, from what was released (docs/privacy.md, rule 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.oracle_cells import cell, lengths, times
from tests.oracle_joining import Group, children, fold_in, whole
from tests.oracle_week_figures import figures

if TYPE_CHECKING:
    from collections import Counter

    from firmware_cfg.site import Site
    from tests.oracle_joining import Leaf, Row


def week_cells(
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
    for child in children(month, 0):
        if following is None or child[0].path[1] == following[1]:
            break
        fold_in(done, waiting, whole(child, 1, k), k, "month")
    return {id(leaf) for leaf in waiting}


def _week_cell(site: Site, parts: list[Group]) -> list[Row]:
    leaves = [leaf for group in parts for leaf in group.leaves]
    rows = [row for leaf in leaves for row in leaf.rows]
    scale = min(1 if g.visits < 30 else 3 if g.visits < 100 else 5 for g in parts)
    together = Group("week", sorted(leaves, key=lambda leaf: leaf.start))
    told = figures(site, rows, leaves, parts)
    if all(figure is None for figure in told.values()):
        return []
    found = cell(site, "all-points", "store", together)
    found |= {"staff": None, "week": told}
    found |= {"waiting": times(rows, "waiting_s", scale), "stay": lengths(rows, scale)}
    each = [cell(site, "any", "queue", group) for group in parts]
    for part in ("observed_s", "bridged_s", "unknown_s"):
        found[part] = float(sum(one[part] for one in each))
    return [found]
