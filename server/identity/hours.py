"""A store's opening hours and exceptions: dates on which it is closed or has other hours."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import Connection, select

from firmware_cfg.section import WEEKDAYS
from firmware_cfg.store import parse_opening
from server.errors import IdentityError
from server.identity.asking import lock_organisation, the_store
from server.identity.holding import Change, hold
from server.schema.identity import store


@dataclass(frozen=True, slots=True)
class Hours:
    """When a store is open.

    Attributes:
        opening: spans `HH:MM-HH:MM` by weekday (`mon` …); none at all: always open.
        closed: dates on which it is closed.
        special: the spans of dates with other hours.
    """

    opening: Mapping[str, tuple[str, ...]]
    closed: frozenset[date]
    special: Mapping[date, tuple[str, ...]]

    def problems(self) -> tuple[str, ...]:
        """What does not fit."""
        found = [f"unknown weekday {day!r}" for day in self.opening if day not in WEEKDAYS]
        found += [
            f"{day}: is among the closed dates and has hours of its own"
            for day in sorted(self.closed & set(self.special))
        ]
        days = dict(self.opening)
        named = [*days.items(), *((str(day), spans) for day, spans in self.special.items())]
        for day, spans in named:
            for span in spans:
                try:
                    parse_opening(span)
                except ValueError as error:
                    found.append(f"{day}: {error}")
        return tuple(found)

    def lines(self) -> Iterator[str]:
        """To read: a line a weekday, then the exceptions."""
        if not self.opening:
            yield "always open"
        for day in WEEKDAYS:
            if self.opening:
                yield f"{day} {', '.join(self.opening.get(day, ())) or 'closed'}"
        exceptions = dict.fromkeys(self.closed, "closed")
        exceptions |= {day: ", ".join(spans) or "closed" for day, spans in self.special.items()}
        for on, said in sorted(exceptions.items()):
            yield f"{on} {said}"


def hours_of(connection: Connection, org_id: UUID, store_id: UUID) -> Hours:
    """A store's hours.

    Raises:
        NotFoundError: no such store.
    """
    row = connection.execute(select(store).where(the_store(connection, org_id, store_id))).one()
    return Hours(
        opening={day: tuple(spans) for day, spans in row.opening.items()},
        closed=frozenset(date.fromisoformat(day) for day in row.closed),
        special={date.fromisoformat(day): tuple(spans) for day, spans in row.special.items()},
    )


def set_hours(change: Change, store_id: UUID, hours: Hours) -> None:
    """Set a store's hours and exceptions.

    Raises:
        NotFoundError: no such store.
        IdentityError: every problem of the hours.
    """
    lock_organisation(change.connection, change.org_id)
    problems = hours.problems()
    if problems:
        raise IdentityError(problems)
    values = {
        "opening": {day: list(spans) for day, spans in hours.opening.items()},
        "closed": sorted(day.isoformat() for day in hours.closed),
        "special": {day.isoformat(): list(spans) for day, spans in sorted(hours.special.items())},
    }
    here = the_store(change.connection, change.org_id, store_id)
    row = change.connection.execute(select(store).where(here)).one()
    now = {"opening": row.opening, "closed": row.closed, "special": row.special}
    hold(change, store, here, {name: each for name, each in values.items() if each != now[name]})
