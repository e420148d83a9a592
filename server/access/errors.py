"""What can be refused about accounts, and why. None of them says whether an account exists."""

from server.errors import ServerError


class AccessError(ServerError):
    """Base of what this package refuses."""


class SignInNeededError(AccessError):
    """Nobody is signed in, or no valid token was sent."""


class ForbiddenError(AccessError):
    """The caller's role does not include this."""


class FormTokenError(AccessError):
    """A form, or another request that changes something, without its session's form token."""


class TooManyError(AccessError):
    """Too many attempts or requests."""

    def __init__(self, wait_s: float) -> None:
        """Keep how long to wait."""
        self.wait_s = wait_s
        super().__init__(f"too many attempts; try again in {wait_s:.0f} s")


class RefusedError(AccessError):
    """A value that cannot be taken; `reason` names a word of the pages."""

    def __init__(self, reason: str, detail: str) -> None:
        """Keep `reason` (`name`, `short`, `obvious`, …) and what was expected."""
        self.reason = reason
        super().__init__(detail)
