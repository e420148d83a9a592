"""What can be wrong with a certificate's input; each is an error of usage."""

from edge.errors import UsageError


class CertifyError(UsageError):
    """A certificate that cannot be made; the message says what was expected and found."""


class TooFewVisitsError(CertifyError):
    """Fewer matched visits than a certificate needs.

    Args:
        needed: the least number of pairs.
        found: the pairs there are.
        logged: rows of the log.
        timed: the device's visits in that time.
    """

    def __init__(self, needed: int, found: int, logged: int, timed: int) -> None:
        """Say how many there were."""
        super().__init__(
            f"expected at least {needed} visits that both observer and device have, "
            f"found {found}: {logged} logged, {timed} by the device in that time"
        )
        self.needed, self.found, self.logged, self.timed = needed, found, logged, timed


class StopwatchError(CertifyError):
    """A press that the stopwatch cannot take, as it stands."""
