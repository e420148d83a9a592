"""Names of accounts: written in one way only, so that nobody can look like somebody else."""

import unicodedata

from server.access.errors import RefusedError

SHORTEST, LONGEST = 2, 64
MARKS = frozenset(" .-_@+'")


def folded(text: str) -> str:
    """A name as it is kept and compared: compatibility forms resolved, cases folded.

    >>> folded(" Ａda.Lovelace "), folded("Straße")
    ('ada.lovelace', 'strasse')
    """
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def name_of(text: str) -> str:
    """A name that may be given to an account, folded.

    Raises:
        RefusedError: too short or long, or with other signs than letters, digits and marks.
    """
    name = folded(text)
    fits = SHORTEST <= len(name) <= LONGEST
    if not fits or not all(one.isalnum() or one in MARKS for one in name):
        raise unfit()
    return name


def unfit() -> RefusedError:
    """Refuses a name, whether it does not fit or is given already."""
    return RefusedError(
        "name",
        f"a name: expected another one, of {SHORTEST} to {LONGEST} letters, digits and . - _ @ + '",
    )
