"""What the appliance shows at one moment."""

from dataclasses import dataclass
from typing import NamedTuple

from edge.engine import Present
from edge.visits.values import Event, Visit


class Words(NamedTuple):
    """A sentence in both languages of the page."""

    en: str
    zh: str


Said = str | Words
"""A sentence; a plain string is shown as it is in both languages."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The device at one moment.

    Attributes:
        at_s: camera time of the latest frame.
        present: the people seen in it.
        new_events: what became final since the snapshot before.
        open_visits: visits that are not final yet, as they stand now.
        coverage: frame rate and coverage in words.
        link: the publisher's state in words.
        released: what is on its way to being released, in words.
    """

    at_s: float
    present: tuple[Present, ...] = ()
    new_events: tuple[Event, ...] = ()
    open_visits: tuple[Visit, ...] = ()
    coverage: Said = ""
    link: Said = ""
    released: Said = ""
