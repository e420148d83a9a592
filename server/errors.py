"""The error tree of `server`."""


class ServerError(Exception):
    """Base of every error that this package raises on purpose."""


class IdentityError(ServerError):
    """An identity file, or a change of identity, that cannot be applied; a problem a line."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        """Keep `problems`, which must not be empty."""
        self.problems = problems
        super().__init__("\n".join(problems))


class AmendmentError(ServerError):
    """An amendment, or its withdrawal, that cannot be made as it was asked for."""


class DatabaseError(ServerError):
    """A database that this version cannot use, or a URL that names none."""


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
