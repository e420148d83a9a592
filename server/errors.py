"""The error tree of `server`."""

from datetime import datetime


class ServerError(Exception):
    """Base of every error that this package raises on purpose."""


class IdentityError(ServerError):
    """An identity file, or a change of identity, that cannot be applied; a problem a line.

    `reason` names a word of the pages, which may tell the instant `at`; none: nothing of its own.
    """

    def __init__(
        self, problems: tuple[str, ...], reason: str = "identity", at: datetime | None = None
    ) -> None:
        """Keep `problems`, which must not be empty."""
        self.problems, self.reason, self.at = problems, reason, at
        super().__init__("\n".join(problems))


class AmendmentError(ServerError):
    """An amendment, or its withdrawal, that cannot be made as it was asked for.

    `reason` names a word of the pages, which may tell the instant `at`.
    """

    def __init__(self, detail: str, reason: str = "amendment", at: datetime | None = None) -> None:
        """Keep what was expected and found, and why in a word."""
        self.reason, self.at = reason, at
        super().__init__(detail)


class DatabaseError(ServerError):
    """A database that this version cannot use, or a URL that names none."""


class LeaseError(ServerError):
    """Another server runs on this state folder or database."""


class BackupError(ServerError):
    """A backup that cannot be made or put back."""


class SimulationError(ServerError):
    """A simulated chain that cannot be made as it was asked for."""


class KeyFileError(ServerError):
    """The signing key's file is missing its protection or is not a key."""


class BrokerAccessError(ServerError):
    """The broker cannot be reached safely with these options."""


class ListenError(ServerError):
    """An address on which this server must not, or cannot, listen."""


class PeriodError(ServerError):
    """A period that cannot be asked for: not a time, reversed, or too long."""


class ExpectationError(ServerError):
    """A share asked for another expectation than the device reports."""


class NotFoundError(ServerError):
    """No such store, point or device within what the caller may see."""
