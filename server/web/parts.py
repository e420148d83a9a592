"""What the web's handlers are given: one frozen value, built by the composition root."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Engine

from server.clock import Clock
from server.health import Health
from server.signing import SigningKey


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything that the API and the pages read.

    Attributes:
        engine: the database.
        key: the signing key (its public half is shown).
        clock: the present.
        health: how the server is.
        public_url: the address by which others reach this server (https, without a path);
            none: it is reached on this machine alone.
    """

    engine: Engine
    key: SigningKey
    clock: Clock
    health: Callable[[], Health]
    public_url: str | None = None
