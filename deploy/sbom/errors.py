"""What can be wrong with the bill of materials."""


class SbomError(Exception):
    """A component cannot be described; says which, where, what was expected and found."""
