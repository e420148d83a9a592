"""What can be wrong with a ledger."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from edge.words import Words


class ProblemKind(StrEnum):
    """Stable names of what can be wrong."""

    MISSING = "missing"
    REORDERED = "reordered"
    ALTERED = "altered"
    FORKED = "forked"
    UNSIGNED = "unsigned"
    UNLEDGERED = "unledgered"
    UNRECONCILED = "unreconciled"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong.

    Attributes:
        kind: what.
        entry: number of the (first) entry it is about; 0: of none.
        words: the sentence, in two languages.
    """

    kind: ProblemKind
    entry: int
    words: Words

    @property
    def sentence(self) -> str:
        """In English."""
        return self.words.en


def numbers(first: int, last: int) -> Words:
    """Names one entry, or several in a row.

    >>> numbers(3, 3).en, numbers(3, 5).en
    ('entry 3', 'entries 3 to 5')
    """
    if first == last:
        return Words(f"entry {first}", f"条目 {first}")
    return Words(f"entries {first} to {last}", f"条目 {first} 至 {last}")


def runs(found: list[int]) -> list[tuple[int, int]]:
    """Ascending numbers as [first, last] runs.

    >>> runs([1, 2, 5])
    [(1, 2), (5, 5)]
    """
    kept: list[tuple[int, int]] = []
    for number in found:
        if kept and kept[-1][1] == number - 1:
            kept[-1] = (kept[-1][0], number)
        else:
            kept.append((number, number))
    return kept
