"""A sentence in the two languages that the ledger and the audit speak."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Language = Literal["en", "zh"]


@dataclass(frozen=True, slots=True)
class Words:
    """The same said in English and in Chinese."""

    en: str
    zh: str

    def __add__(self, other: Words) -> Words:
        """One after the other."""
        return Words(self.en + other.en, self.zh + other.zh)

    def say(self, language: Language) -> str:
        """In one language."""
        return self.zh if language == "zh" else self.en


def listed(words: list[Words]) -> Words:
    """Several, one after the other."""
    return Words("; ".join(one.en for one in words), "；".join(one.zh for one in words))
