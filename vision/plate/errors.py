"""What may go wrong with a background plate."""

from __future__ import annotations

from vision.errors import VisionError


class PlateError(VisionError):
    """No plate can be released; the message says why, and what would help."""
