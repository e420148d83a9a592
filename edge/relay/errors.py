"""The error tree of `edge.relay`; no message ever holds a user name or a password."""

from __future__ import annotations


class RelayError(Exception):
    """The camera cannot be reached, refuses, or stopped."""


class RelayInputError(RelayError):
    """The address given is not one that can be used."""
