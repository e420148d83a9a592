"""`encounter-server identity`: moving, replacing, renaming and merging, in time."""

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cached_property
from uuid import UUID

from server.clock import now_utc
from server.commands.choosing import Takes, add_by, by_whom, check_action, pairs
from server.commands.shared import Subparsers, add_database, database_url, described
from server.commands.times import instant_of
from server.database import open_database, writer
from server.errors import ServerError
from server.identity import (
    Change,
    Subject,
    end_store,
    hours_of,
    merge_points,
    move_device,
    move_region,
    move_store,
    owner_of,
    rename,
    reopen_store,
    replace_device,
    retire_device,
    set_hours,
    store_time,
    unmerge_point,
)
from server.identity.finding import (
    organisation_by_key,
    point_by_key,
    region_by_key,
    store_by_key,
)
from server.identity.listing import lines
from server.ingest.requeue import requeue
from server.periods import StoreTime

IDENTITY = """\
Change who is who, at an instant. Keys and UUIDs never change and nothing is deleted.

  list      what there is (--store: of one store)
  move      a device goes elsewhere: its assignments end at --at, those of --watches begin there
  replace   --new takes over what --device watches, from --at on; --device is retired
  retire    a device's assignments end at --at
  rename    --name for --device, --point, --store, --region, or else the organisation
  merge     what --point released counts under --into too, from --at on, or all of it
  unmerge   take that back
  place     a store, or a region, goes into another region (--into; without it: to the top)
  close     a store closes for good at --at; its figures stay
  reopen    take that back
  hours     a store's weekly hours, and dates on which it is closed or has other hours

  encounter-server identity replace --state state --device shop --new shop-2 --at 2026-11-09T14:30+08:00
  encounter-server identity move --state state --device shop --store lotus --at now --watches till-1=till-2
  encounter-server identity hours --state state --store lotus --on 2026-12-24=09:00-14:00 --on 2026-12-25=closed

What is set here is held: an identity file that says otherwise leaves it alone, and the server's
log says so at each start, until the file says the same.
"""  # noqa: E501 help
ALWAYS = ("state", "database", "organisation", "by")
ACTIONS = {
    "list": Takes(may=("store",)),
    "move": Takes(needs=("device", "store", "at", "watches")),
    "replace": Takes(needs=("device", "new", "at"), may=("local",)),
    "retire": Takes(needs=("device", "at")),
    "rename": Takes(needs=("name",), may=("device", "store", "point", "region")),
    "merge": Takes(needs=("store", "point", "into"), may=("at",)),
    "unmerge": Takes(needs=("store", "point")),
    "place": Takes(may=("store", "region", "into")),
    "close": Takes(needs=("store", "at")),
    "reopen": Takes(needs=("store",)),
    "hours": Takes(needs=("store",), may=("weekly", "on")),
}
OPTIONS = {
    "--organisation": ("KEY", "whose; none: the only one there is"),
    "--store": ("KEY", "a store"),
    "--region": ("KEY", "rename, place: a region"),
    "--point": ("KEY", "rename, merge, unmerge: a point of the store"),
    "--into": ("KEY", "merge: the point that stays; place: the region above"),
    "--device": ("ID", "a device"),
    "--new": ("ID", "replace: the device that takes over"),
    "--at": ("TIME", "when: now, a day or a time on the store's clock, or an instant"),
    "--name": ("TEXT", "rename: the new name"),
}
REPEATED = {
    "--watches": ("LOCAL=POINT", "move: the point that a local id stands for from then on"),
    "--local": ("OLD=NEW", "replace: the new device's local id, where it is another"),
    "--weekly": ("DAY=SPANS", "hours: such as mon=09:00-12:00,13:00-19:00; mon= for closed"),
    "--on": ("DATE=SPANS", "hours: a date's hours; closed; usual for no exception"),
}


def add(commands: Subparsers) -> None:
    """Its options."""
    one = described(commands.add_parser("identity", help="change who is who, in time"), IDENTITY)
    one.add_argument("action", choices=list(ACTIONS), metavar="ACTION", help=", ".join(ACTIONS))
    add_database(one)
    for option, (value, text) in OPTIONS.items():
        one.add_argument(option, metavar=value, help=text)
    for option, (value, text) in REPEATED.items():
        one.add_argument(option, metavar=value, action="append", default=[], help=text)
    add_by(one)


def run(chosen: argparse.Namespace) -> int:
    """Do it, and say what it did."""
    check_action(chosen, ACTIONS, ALWAYS)
    engine = open_database(database_url(chosen))
    try:
        with writer(engine).begin() as connection:
            org_id = organisation_by_key(connection, chosen.organisation)
            asked = _Asked(Change(connection, org_id, by_whom(chosen), now_utc()), chosen)
            said = DO[chosen.action](asked)
        sys.stdout.write(f"{said}\n")
        if chosen.action in {"move", "replace"}:
            sys.stdout.write(f"kept aside before, stored now: {requeue(engine, now_utc())}\n")
        return 0
    finally:
        engine.dispose()


@dataclass(frozen=True)
class _Asked:
    """What was asked for, found by its keys."""

    change: Change
    chosen: argparse.Namespace

    @cached_property
    def store_id(self) -> UUID:
        return store_by_key(self.change.connection, self.change.org_id, self.chosen.store)

    @cached_property
    def clock(self) -> StoreTime | None:
        """Of the store that was named, or of the one in which the device stands."""
        store_id = self.store_id if self.chosen.store else None
        if store_id is None and self.chosen.device:
            owner = owner_of(self.change.connection, self.chosen.device)
            store_id = owner.store_id if owner and owner.org_id == self.change.org_id else None
        if store_id is None:
            return None
        return store_time(self.change.connection, self.change.org_id, store_id)

    @property
    def at(self) -> datetime:
        return instant_of(self.chosen.at, self.clock, self.change.now, "--at")

    def point(self, key: str) -> UUID:
        return point_by_key(self.change.connection, self.change.org_id, self.store_id, key)

    def region(self, key: str) -> UUID:
        return region_by_key(self.change.connection, self.change.org_id, key)


def _list(asked: _Asked) -> str:
    store_id = asked.store_id if asked.chosen.store else None
    return "\n".join(lines(asked.change.connection, asked.change.org_id, store_id))


def _move(asked: _Asked) -> str:
    watches = pairs(asked.chosen.watches, "--watches")
    points = {local: asked.point(key) for local, key in watches.items()}
    move_device(asked.change, asked.chosen.device, asked.store_id, points, asked.at)
    return f"device {asked.chosen.device}: in store {asked.chosen.store}"


def _replace(asked: _Asked) -> str:
    renamed = pairs(asked.chosen.local, "--local")
    replace_device(asked.change, asked.chosen.device, asked.chosen.new, asked.at, renamed)
    return f"device {asked.chosen.new}: took over from {asked.chosen.device}, which is retired"


def _retire(asked: _Asked) -> str:
    retire_device(asked.change, asked.chosen.device, asked.at)
    return f"device {asked.chosen.device}: retired"


def _rename(asked: _Asked) -> str:
    chosen = asked.chosen
    subject, its_id = Subject.ORGANISATION, asked.change.org_id
    if chosen.point:
        if not chosen.store:
            raise ServerError("rename: expected --store too, whose point it is")
        subject, its_id = Subject.POINT, asked.point(chosen.point)
    elif chosen.store:
        subject, its_id = Subject.STORE, asked.store_id
    elif chosen.region:
        subject, its_id = Subject.REGION, asked.region(chosen.region)
    elif chosen.device:
        rename(asked.change, Subject.DEVICE, chosen.device, chosen.name)
        return f"device: named {chosen.name!r}"
    rename(asked.change, subject, its_id, chosen.name)
    return f"{subject}: named {chosen.name!r}"


def _merge(asked: _Asked) -> str:
    one, other = asked.point(asked.chosen.point), asked.point(asked.chosen.into)
    since = asked.at if asked.chosen.at else None
    merge_points(asked.change, one, other, since)
    return f"point {asked.chosen.point}: counts under {asked.chosen.into}"


def _unmerge(asked: _Asked) -> str:
    unmerge_point(asked.change, asked.point(asked.chosen.point))
    return f"point {asked.chosen.point}: counts by itself"


def _place(asked: _Asked) -> str:
    chosen = asked.chosen
    if bool(chosen.store) == bool(chosen.region):
        raise ServerError("place: expected --store or --region, one of them")
    above = asked.region(chosen.into) if chosen.into else None
    if chosen.store:
        move_store(asked.change, asked.store_id, above)
    else:
        move_region(asked.change, asked.region(chosen.region), above)
    return f"{chosen.store or chosen.region}: in {chosen.into or 'no region'}"


def _close(asked: _Asked) -> str:
    ended = end_store(asked.change, asked.store_id, asked.at)
    return f"store {asked.chosen.store}: closed for good; assignments that ended: {ended}"


def _reopen(asked: _Asked) -> str:
    running = reopen_store(asked.change, asked.store_id)
    return f"store {asked.chosen.store}: open again; assignments that run on: {running}"


def _hours(asked: _Asked) -> str:
    change = asked.change
    hours = hours_of(change.connection, change.org_id, asked.store_id)
    opening, special, closed = dict(hours.opening), dict(hours.special), set(hours.closed)
    for day, spans in pairs(asked.chosen.weekly, "--weekly").items():
        opening[day] = _spans(spans)
    for text, spans in pairs(asked.chosen.on, "--on").items():
        at = _date(text)
        special.pop(at, None)
        closed.discard(at)
        if spans == "closed":
            closed.add(at)
        elif spans != "usual":
            special[at] = _spans(spans)
    changed = replace(hours, opening=opening, special=special, closed=frozenset(closed))
    set_hours(change, asked.store_id, changed)
    return "\n".join(changed.lines())


def _spans(text: str) -> tuple[str, ...]:
    return tuple(text.split(",")) if text else ()


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ServerError(f"--on: expected a date such as 2026-12-24, found {text!r}") from None


DO: dict[str, Callable[[_Asked], str]] = {
    "list": _list,
    "move": _move,
    "replace": _replace,
    "retire": _retire,
    "rename": _rename,
    "merge": _merge,
    "unmerge": _unmerge,
    "place": _place,
    "close": _close,
    "reopen": _reopen,
    "hours": _hours,
}
