"""Errors of the audit."""

from __future__ import annotations

from edge.errors import EdgeError, UsageError


class AuditRunError(EdgeError):
    """A run of the audit did not do what it was started for, so it shows nothing."""


class CanaryFilmError(UsageError):
    """The auditor's film cannot be used; says which file, what was expected, what was found."""
