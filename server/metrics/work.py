"""How ingest fares, counted by the worker: batches, commits, how old windows are when stored."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from server.metrics.buckets import Buckets

COMMIT_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
BATCH = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
AGE_S = (60.0, 300.0, 900.0, 1_800.0, 2_700.0, 3_600.0, 7_200.0, 14_400.0, 86_400.0, 604_800.0)


@dataclass(slots=True)
class Work:
    """What a worker did since it began; it can be sent to another process, and added up.

    Attributes:
        commit_s: how long each batch took to be committed, in steps of which the first is longer
            than the difference that a cell in a window makes.
        batch: messages in each.
        age_s: from a window's end to its commit.
    """

    commit_s: Buckets = field(default_factory=lambda: Buckets(COMMIT_S))
    batch: Buckets = field(default_factory=lambda: Buckets(tuple(map(float, BATCH))))
    age_s: Buckets = field(default_factory=lambda: Buckets(AGE_S))

    def committed(self, messages: int, took_s: float, ages_s: Iterable[float]) -> None:
        """A batch was committed."""
        self.batch.observe(messages)
        self.commit_s.observe(took_s)
        for age_s in ages_s:
            self.age_s.observe(age_s)

    def __add__(self, other: "Work") -> "Work":
        """What both did."""
        return Work(
            self.commit_s + other.commit_s, self.batch + other.batch, self.age_s + other.age_s
        )
