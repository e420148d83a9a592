"""Errors of tracing."""

from __future__ import annotations

from edge.errors import EdgeError


class TracingError(EdgeError):
    """A process cannot be traced, or did not do what was asked; says which and why."""
