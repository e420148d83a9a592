"""Errors of the ledger."""

from edge.errors import EdgeError, UsageError


class LedgerError(EdgeError):
    """The ledger cannot be kept or read; says which file, what was expected and found."""


class UnledgeredError(LedgerError):
    """Something was about to be sent that has no entry; it was not sent."""


class LedgerInputError(UsageError):
    """A file, key or code given to a command that cannot be used."""
