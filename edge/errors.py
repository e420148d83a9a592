"""The error tree of `edge`."""


class EdgeError(Exception):
    """Base of every error that this package raises on purpose."""


class WindowError(EdgeError):
    """An event that cannot be put into a window of this site."""


class ClockError(EdgeError):
    """A wall-clock time was asked for before the clock is known."""


class OutboxError(EdgeError):
    """The outbox database cannot be used; says which file, and what went wrong."""


class OutboxFullError(OutboxError):
    """Unsettled messages fill the outbox's bound; nothing was stored, nothing was dropped."""


class LinkError(EdgeError):
    """The connection to the broker could not be made, or was lost; the message says why."""


class AckError(EdgeError):
    """An acknowledgement that settles nothing: forged, of another outbox, or another hash."""


class InputFileError(EdgeError):
    """An input file that cannot be used; the message begins `FILE:LINE: `."""

    def __init__(self, path: object, line: int, message: str) -> None:
        """Say where, what was expected and what was found."""
        super().__init__(f"{path}:{line}: {message}")


class UsageError(EdgeError):
    """A command line that cannot be followed."""


class OutputFileError(EdgeError):
    """A result that cannot be written; nothing of it is left behind."""


class StreamError(EdgeError):
    """The stream of records from the camera process broke."""


class PageError(EdgeError):
    """The local page cannot be served; says where, and what stands in the way."""
