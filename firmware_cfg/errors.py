"""The error tree of `firmware_cfg`."""

from __future__ import annotations

from dataclasses import dataclass


class FirmwareCfgError(Exception):
    """Base of every error that this package raises on purpose."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a file: where it stands, and what was expected and found."""

    file: str
    line: int
    key: str
    message: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}: "
        return f"{where}{self.key}: {self.message}" if self.key else f"{where}{self.message}"


class SiteFileError(FirmwareCfgError):
    """A site file that cannot be used; carries every problem found at once."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        """Keep `problems`, which must not be empty, and print one a line."""
        self.problems = problems
        super().__init__("\n".join(str(problem) for problem in problems))


class RecordError(FirmwareCfgError):
    """Bytes on the detections pipe that are not a record."""


class MessageError(FirmwareCfgError):
    """A wire message that is malformed, of an unknown version, or too large to pad."""


class NewerVersionError(MessageError):
    """A wire message of a later schema version: not lost, to be read after an upgrade."""
