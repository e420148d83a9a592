"""What stops the set-up."""


class SetupError(Exception):
    """A step failed; the message says which, and what to do."""
