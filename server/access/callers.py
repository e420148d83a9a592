"""Who asks: an account by its session, or by one of its tokens."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from server.access.errors import ForbiddenError
from server.access.roles import Right, Role, allows
from server.scope import Scope


class Way(StrEnum):
    """How a caller showed who it is."""

    SESSION = "session"
    TOKEN = "token"  # noqa: S105 - a word, not a secret


@dataclass(frozen=True, slots=True)
class Token:
    """What is known of the token by which a caller came."""

    token_id: UUID
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Caller:
    """An account that asks something.

    Attributes:
        account_id, name: the account.
        role: what it may do.
        scope: where.
        token: the token, for a caller that came by one.
        session: the session's secret, for one that came by a session.
    """

    account_id: UUID
    name: str
    role: Role
    scope: Scope
    token: Token | None = None
    session: str | None = field(default=None, repr=False)

    @property
    def way(self) -> Way:
        """How it came."""
        return Way.TOKEN if self.session is None else Way.SESSION

    def may(self, right: Right) -> bool:
        """Whether its role includes a right."""
        return allows(self.role, right)

    def check(self, right: Right) -> None:
        """Refuse what its role does not include.

        Raises:
            ForbiddenError: it does not.
        """
        if not self.may(right):
            raise ForbiddenError(f"the role {self.role} does not include {right}")
