"""What the web's handlers are given: one frozen value, built by the composition root."""

from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import Engine

from server.clock import Clock
from server.health import Health
from server.queries import Scope
from server.signing import SigningKey


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything that the API and the pages read.

    Attributes:
        engine: the database.
        key: the signing key (its public half is shown).
        clock: the present.
        health: how the server is.
        scope: what callers may see.
    """

    engine: Engine
    key: SigningKey
    clock: Clock
    health: Callable[[], Health]
    scope: Scope = field(default_factory=Scope)
