"""The one place of this package that reads the wall clock; elsewhere time is an argument."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def now_utc() -> datetime:
    """The present instant, aware, in UTC."""
    return datetime.now(UTC)
