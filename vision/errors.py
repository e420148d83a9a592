"""The error tree of `vision`, and the exit status each branch ends in."""

from __future__ import annotations

from typing import ClassVar


class VisionError(Exception):
    """Base of every error that this package raises on purpose; failed while running."""

    exit_status: ClassVar[int] = 1


class BadInputError(VisionError):
    """What was asked for cannot be done: a file, camera, model or site that does not serve."""

    exit_status: ClassVar[int] = 2


class SourceError(BadInputError):
    """A video, camera or stream that cannot be opened, or gives no picture at all."""


class ModelError(BadInputError):
    """A model that is unknown, altered, or not of the form that is accepted."""


class CameraLostError(VisionError):
    """A camera or stream that worked and stopped; starting again may help."""
