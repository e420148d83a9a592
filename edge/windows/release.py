"""From joined tallies to what leaves: cells, and one window message of a fixed size.

Every payload about visits is made here. A cell has at least k visits (the message model
refuses less), histograms no finer than its number of visits allows, and whole seconds.
Figures that depend on staff are added only for a declared team of at least three. Without
them nothing depends on whether a party was greeted: who left unserved sooner than
`abandon_after_s` is `passed`, who left later `abandoned`, and nobody `greeted_only`. A declared
smaller team has such figures once a week, of all points together (`edge.windows.week`), and so
has any team its service patterns under an agreement.

All messages of a device have one size. Cells that do not fit wait for the next message, in
order; a cell too large for any message gets coarser histograms.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

from edge.visits.values import PointId
from edge.windows.join import JoinedCell
from edge.windows.tally import Tally
from edge.windows.week import WeekPart
from edge.windows.week_figures import week_figures
from firmware_cfg.codec import decode, encode
from firmware_cfg.errors import MessageError
from firmware_cfg.histogram import Histogram, bucket_index, scale_for
from firmware_cfg.messages import (
    Cell,
    Instant,
    Level,
    Message,
    Outcomes,
    PointKind,
    StaffFigures,
    WeekFigures,
    Window,
    WireHistogram,
)
from firmware_cfg.sealing import MOST_WINDOW_BYTES, sealed_bytes
from firmware_cfg.site import Encounter, Privacy, Site

SMALLEST_TEAM = 3
STORE_POINT = PointId("all-points")
LARGEST_SEQUENCE = 2**63 - 1
MOST_CELLS = 64
HEAD_BYTES = 640
"""A message without cells takes 600 at most, deflated, and 32 are kept; a cell has the rest."""
_EPOCH_BYTES = 32  # the outbox's epoch and sequence may pack worse than those tried


@dataclass(frozen=True, slots=True)
class Terms:
    """What a release is held to.

    Attributes:
        k: smallest number of visits in a cell.
        staff: whether figures that depend on staff may leave.
        kinds: every point of the site, and what it is.
        weekly_staff: whether they may leave per store and week only.
        patterns: whether service patterns may leave, per store and week.
        expected: the expectations in force.
        message_bytes: size of every window message.
    """

    k: int
    staff: bool
    kinds: dict[PointId, PointKind]
    weekly_staff: bool = False
    patterns: bool = False
    expected: Encounter = field(default_factory=Encounter)
    message_bytes: int = MOST_WINDOW_BYTES

    @classmethod
    def of(cls, site: Site, k: int, message_bytes: int = MOST_WINDOW_BYTES) -> Self:
        """Terms of a site file, with the threshold in force."""
        kinds = {PointId(point.id): PointKind.SERVICE_POINT for point in site.service_point}
        kinds |= {PointId(queue.id): PointKind.QUEUE for queue in site.queue}
        privacy = site.privacy
        declared, staff = privacy.team_size is not None, staff_may_leave(privacy)
        return cls(
            max(k, privacy.k),
            staff,
            kinds,
            weekly_staff=declared and not staff,
            patterns=declared and privacy.pattern_agreement is not None,
            expected=site.encounter,
            message_bytes=message_bytes,
        )


class Held(Message):
    """Released state that survives a restart; in it nothing is about fewer than k visits.

    Attributes:
        cells: final, and not sent yet, in order.
        closed: a later remainder could still extend them; without a checkpoint they are final.
        old, old_head: cells of an earlier configuration, and the message that takes them.
        generation: how many windows were closed; tells which checkpoint goes with it.
        reported_until: end of the latest window that was reported.
        last: that window's message, without cells.
        k, window_s: as the server tightened them; 0 if it did not.
    """

    cells: tuple[Cell, ...] = ()
    closed: tuple[Cell, ...] = ()
    old: tuple[Cell, ...] = ()
    old_head: Window | None = None
    generation: int = 0
    reported_until: Instant | None = None
    last: Window | None = None
    k: int = 0
    window_s: int = 0


def lasting(state: bytes) -> Held:
    """What can still be read of a released state that as a whole cannot, without its cells.

    The tightened k and window, and where reporting is: each stands on its own, so that a
    state of another version neither loosens k nor reports a window twice.
    """
    kept: dict[str, object] = {}
    try:
        fields = json.loads(state)
    except ValueError:
        return Held()
    for name in ("k", "window_s", "reported_until"):
        if isinstance(fields, dict) and name in fields:
            try:
                one = decode(Held, json.dumps({name: fields[name]}).encode())
            except MessageError:
                continue
            kept[name] = getattr(one, name)
    return Held().model_copy(update=kept)


def staff_may_leave(privacy: Privacy) -> bool:
    """Whether the team is declared and large enough (privacy rule 4)."""
    return privacy.team_size is not None and privacy.team_size >= SMALLEST_TEAM


def cell_of(point: PointId, joined: JoinedCell, terms: Terms) -> Cell:
    """The cell that leaves for a joined tally.

    Raises:
        ValueError: fewer than k visits.
    """
    return _that_fits(_cell_at(scale_for(joined.tally.visits), point, joined, terms), terms)


def store_cell(part: WeekPart, terms: Terms) -> Cell | None:
    """The cell of a store's week; None if nothing may be told in it.

    Beside `week`, it says no more than the finer cells together: their sums, and histograms
    as coarse as the coarsest of them.
    """
    if part.tally.visits < terms.k:
        return None
    told = week_figures(
        part,
        terms.k,
        terms.expected,
        staff=terms.weekly_staff,
        patterns=terms.patterns,
    )
    if told is None:
        return None
    joined = JoinedCell(Level.WEEK, part.span, part.tally)
    kinds = {STORE_POINT: PointKind.STORE}
    bare = _cell_at(part.scale, STORE_POINT, joined, Terms(terms.k, staff=False, kinds=kinds), told)
    names = ("observed_s", "bridged_s", "unknown_s")
    return _that_fits(bare.model_copy(update=dict(zip(names, part.seconds, strict=True))), terms)


def held_to(cell: Cell, terms: Terms) -> Cell | None:
    """An older cell under the terms now in force; None if it may no longer leave."""
    if cell.kind is PointKind.STORE:
        return _store_held_to(cell, terms)
    if cell.visits < terms.k or PointId(cell.point) not in terms.kinds:
        return None
    if not terms.staff and cell.staff is not None:
        outcomes = _without_greeting(cell, terms.expected.abandon_after_s)
        cell = cell.model_copy(update={"staff": None, "outcomes": outcomes})
    return _that_fits(cell, terms)


def fitting(head: Window, cells: Sequence[Cell], terms: Terms) -> int:
    """How many of `cells`, from the first, fit into one message with `head`."""
    widest = head.model_copy(update={"sequence": LARGEST_SEQUENCE, "cells": ()})
    most = min(len(cells), MOST_CELLS)
    for count in range(1, most + 1):
        tried = widest.model_copy(update={"cells": tuple(cells[:count])})
        if sealed_bytes(tried.model_dump_json().encode()) > terms.message_bytes - _EPOCH_BYTES:
            return count - 1
    return most


def payload(
    head: Window, epoch: str, sequence: int, cells: Sequence[Cell], size_bytes: int
) -> bytes:
    """The window message, sealed to a size.

    Raises:
        MessageError: the cells do not fit; see `fitting`.
    """
    fields = dict(head) | {"epoch": epoch, "sequence": sequence, "cells": tuple(cells)}
    return encode(Window(**fields), size_bytes)


def _that_fits(cell: Cell, terms: Terms) -> Cell:
    """The cell, its histograms as coarse as it takes to fit into a message alone."""
    most = terms.message_bytes - HEAD_BYTES
    while sealed_bytes(cell.model_dump_json().encode()) > most and cell.waiting.scale > 0:
        scale = cell.waiting.scale - 1
        staff = cell.staff and cell.staff.model_copy(
            update={
                "greeting": _coarser(cell.staff.greeting, scale),
                "interaction": _coarser(cell.staff.interaction, scale),
            }
        )
        waiting, stay = _coarser(cell.waiting, scale), _coarser(cell.stay, scale)
        cell = cell.model_copy(update={"waiting": waiting, "stay": stay, "staff": staff})
    return cell


def _coarser(histogram: WireHistogram, scale: int) -> WireHistogram:
    return _wire(histogram.histogram(), scale)


def _store_held_to(cell: Cell, terms: Terms) -> Cell | None:
    """A store's cell is told as it is or not at all, but for its patterns.

    Patterns alone were told of a larger team, whose finer cells say who was greeted. Where
    those that wait beside it lose that under a smaller team, the patterns' sum would tell it.
    """
    if cell.k < terms.k or not (terms.weekly_staff or terms.patterns) or cell.week is None:
        return None
    without = cell.week.model_copy(update={"patterns": None})
    if not terms.weekly_staff:
        told = WeekFigures(patterns=cell.week.patterns)
    elif not terms.patterns or without == WeekFigures():
        told = without
    else:
        told = cell.week
    return None if told == WeekFigures() else cell.model_copy(update={"week": told})


def _cell_at(
    scale: int,
    point: PointId,
    joined: JoinedCell,
    terms: Terms,
    week: WeekFigures | None = None,
) -> Cell:
    tally = joined.tally
    return Cell(
        point=point,
        kind=terms.kinds[point],
        level=joined.level,
        start=joined.period.start,
        end=joined.period.end,
        k=terms.k,
        visits=tally.visits,
        left_censored=tally.left_censored,
        passers_by=tally.passers_by,
        outcomes=_outcomes(tally, staff=terms.staff),
        waiting=_wire(tally.waiting, scale),
        stay=_wire(tally.stay, scale),
        staff=_staff(tally, scale) if terms.staff else None,
        observed_s=round(tally.observed.total_seconds()),
        bridged_s=round(tally.bridged.total_seconds()),
        unknown_s=round(tally.unknown.total_seconds()),
        week=week,
    )


def _outcomes(tally: Tally, *, staff: bool) -> Outcomes:
    """As they are, or those who left unserved by how soon, greeted or not."""
    told = {outcome.value: count for outcome, count in tally.outcomes.items()}
    if not staff:
        told |= {"greeted_only": 0, "abandoned": tally.left_late, "passed": tally.left_early}
    return Outcomes(**told)


def _staff(tally: Tally, scale: int) -> StaffFigures:
    return StaffFigures(
        greeting=_wire(tally.greeting, scale),
        interaction=_wire(tally.interaction, scale),
        flawless=tally.flawless,
        judged=tally.judged,
        broken=tally.broken,
        recovered=tally.recovered,
        interrupted=tally.interrupted,
        attended_s=round(tally.attended.total_seconds()),
        present_s=round(tally.present.total_seconds()),
    )


def _wire(histogram: Histogram, scale: int) -> WireHistogram:
    return WireHistogram.of(histogram.at_scale(min(scale, histogram.scale)))


def _without_greeting(cell: Cell, abandon_after_s: float) -> Outcomes:
    """Who left unserved, by how soon, as the histogram of waiting tells it, greeted or not.

    The bucket that holds the limit counts as early, and who was already there as late.
    """
    told = cell.outcomes
    left, last = cell.waiting.left, bucket_index(abandon_after_s, cell.waiting.scale)
    early = sum(count for index, count in left.items() if index <= last)
    unserved = told.greeted_only + told.abandoned + told.passed
    return told.model_copy(
        update={"greeted_only": 0, "abandoned": unserved - early, "passed": early}
    )
