"""What a page says before something is changed: what will be, in sentences, and then a button.

The change is tried in a transaction that is never committed. So what cannot be done is refused
here already, and the sentences tell what it does.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from server.database import writer
from server.errors import AmendmentError, IdentityError, PeriodError
from server.periods import StoreTime
from server.web.parts import Parts
from server.web.words import Words

Lines = Callable[[Words], Sequence[str]]
Fields = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Check:
    """A change that waits to be confirmed.

    Attributes:
        what: names the heading and the button among the words (`check.<what>`, `do.<what>`).
        lines: what it will do.
        action: where the form goes that does it.
        fields: of that form, each with its values.
        back: the page on which nothing was changed.
    """

    what: str
    lines: Lines
    action: str
    fields: Fields
    back: str


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a change cannot be made: a word (`refused.<reason>`), and the instant it may tell."""

    reason: str
    at: datetime | None = None

    @classmethod
    def of(cls, error: AmendmentError | IdentityError | PeriodError) -> "Refused":
        """From what was raised."""
        return (
            cls("period_wrong") if isinstance(error, PeriodError) else cls(error.reason, error.at)
        )

    def text(self, words: Words, time: StoreTime) -> str:
        """In words, on a store's clock."""
        at = "" if self.at is None else words.moment(time.local(self.at))
        return words(f"refused.{self.reason}", at=at)


@contextmanager
def trying(parts: Parts) -> Iterator[Connection]:
    """A transaction that sees what it writes, and is taken back."""
    with writer(parts.engine).connect() as connection:
        yield connection
