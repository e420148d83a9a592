"""`encounter-server amend`: taking released figures out, under another point, or noting."""

import argparse
import sys
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from server.amending import Amendment, Kind, amendments
from server.amending.making import Wish, amend, find_store, withdraw
from server.clock import now_utc
from server.commands.choosing import Takes, add_by, by_whom, check_action
from server.commands.shared import Subparsers, add_database, database_url, described
from server.commands.times import period_of
from server.database import open_database, writer
from server.errors import AmendmentError
from server.identity import Change, store_time
from server.identity.asking import points_of
from server.identity.finding import organisation_by_key, point_by_key, store_by_key
from server.periods import StoreTime

AMEND = """\
Say of a point, or of a whole store, that what was released of a time is not right. What was
released stays as it is, so an amendment can be withdrawn, as long as its cells are kept: 13 months.

  void      the cells that meet the time are out of all figures; it is drawn as a gap, with the reason
  relabel   the cells inside the time count under another point (--both-ways: two were swapped)
  note      changes no figure; it is shown beside them
  list      all amendments of a store
  withdraw  take amendments back (--id, more than one where they belong together)

  encounter-server amend void --state state --store lotus --point till-1 \\
      --from 2026-11-09 --to 2026-11-15 --reason "the zone lay over the shelf"
  encounter-server amend list --state state --store lotus
  encounter-server amend withdraw --state state --id 0b1f…

A day is a trading day of the store, and the last one is included; 2026-11-09T14:30 is on the
store's clock.
"""  # noqa: E501 help
ALWAYS = ("state", "database", "organisation", "by")
TIME_AND_REASON = ("from", "to", "reason")
ACTIONS = {
    "void": Takes(needs=("store", *TIME_AND_REASON), may=("point",)),
    "relabel": Takes(needs=("store", "point", "to-point", *TIME_AND_REASON), may=("both-ways",)),
    "note": Takes(needs=("store", *TIME_AND_REASON), may=("point",)),
    "list": Takes(needs=("store",)),
    "withdraw": Takes(needs=("id",)),
}


def add(commands: Subparsers) -> None:
    """Its options."""
    one = described(commands.add_parser("amend", help="take figures out, and put them back"), AMEND)
    one.add_argument("action", choices=list(ACTIONS), metavar="ACTION", help=", ".join(ACTIONS))
    add_database(one)
    one.add_argument("--organisation", metavar="KEY", help="whose; none: the only one there is")
    one.add_argument("--store", metavar="KEY", help="the store")
    one.add_argument("--point", metavar="KEY", help="one of its points; none: all of the store")
    one.add_argument("--to-point", metavar="KEY", help="relabel: the point that it really was")
    one.add_argument("--both-ways", action="store_true", help="relabel: and the other way round")
    one.add_argument("--from", dest="from_", metavar="TIME", help="from this day or instant")
    one.add_argument("--to", metavar="TIME", help="to this day, included, or instant")
    one.add_argument("--reason", metavar="TEXT", help="why; whoever sees the figures reads it")
    one.add_argument("--id", action="append", type=UUID, metavar="ID", help="withdraw: which one")
    add_by(one)


def run(chosen: argparse.Namespace) -> int:
    """Do it, and say what it did."""
    check_action(chosen, ACTIONS, ALWAYS)
    engine = open_database(database_url(chosen))
    try:
        with writer(engine).begin() as connection:
            org_id = organisation_by_key(connection, chosen.organisation)
            change = Change(connection, org_id, by_whom(chosen), now_utc())
            if chosen.action == "withdraw":
                said = _withdraw(change, chosen.id)
            elif chosen.action == "list":
                store_id = store_by_key(connection, org_id, chosen.store)
                said = _listed(connection, org_id, store_id)
            else:
                said = _amend(change, chosen)
        sys.stdout.write(said)
        return 0
    finally:
        engine.dispose()


def _amend(change: Change, chosen: argparse.Namespace) -> str:
    connection, org_id = change.connection, change.org_id
    store_id = store_by_key(connection, org_id, chosen.store)
    named = [
        None if key is None else point_by_key(connection, org_id, store_id, key)
        for key in (chosen.point, chosen.to_point)
    ]
    clock = store_time(connection, org_id, store_id)
    wish = Wish(
        kind=Kind(chosen.action),
        store_id=store_id,
        point_id=named[0],
        period=period_of(chosen.from_, chosen.to, clock, change.now),
        reason=chosen.reason,
        to_point_id=named[1],
        both_ways=chosen.both_ways,
    )
    made = amend(change, wish)
    keys = _keys(connection, org_id, store_id)
    lines = [_line(one, keys, clock) for one in made.amendments]
    return "".join(lines) + f"cells that count differently now: {made.cells}\n"


def _withdraw(change: Change, ids: list[UUID]) -> str:
    stores = {find_store(change.connection, change.org_id, one) for one in ids}
    if len(stores) > 1:
        raise AmendmentError("expected amendments of one store")
    made = withdraw(change, stores.pop(), ids)
    return f"withdrawn: {len(made.amendments)}; cells that count differently now: {made.cells}\n"


def _listed(connection: Connection, org_id: UUID, store_id: UUID) -> str:
    clock = store_time(connection, org_id, store_id)
    keys = _keys(connection, org_id, store_id)
    return "".join(_line(one, keys, clock) for one in amendments(connection, org_id, store_id))


def _keys(connection: Connection, org_id: UUID, store_id: UUID) -> dict[UUID | None, str]:
    found: dict[UUID | None, str] = {None: "the whole store"}
    found |= {one.point_id: one.key for one in points_of(connection, org_id, store_id)}
    return found


def _line(one: Amendment, keys: dict[UUID | None, str], clock: StoreTime) -> str:
    to = "" if one.to_point_id is None else f" -> {keys[one.to_point_id]}"
    gone = ""
    until = one.can_be_withdrawn_until
    if one.stands and until is not None:
        gone = f"  (can be withdrawn until {_local(until, clock)})"
    if one.withdrawn_at is not None:
        gone = f"  (withdrawn by {one.withdrawn_by} at {_local(one.withdrawn_at, clock)})"
    return (
        f"{one.amendment_id}  {one.kind}  {keys[one.point_id]}{to}  "
        f"{_local(one.period.start, clock)} to {_local(one.period.end, clock)}  "
        f"{one.reason!r}  by {one.made_by} at {_local(one.made_at, clock)}{gone}\n"
    )


def _local(at: datetime, clock: StoreTime) -> str:
    return clock.local(at).isoformat(timespec="minutes")
