"""Why opening time has no figures: the gaps of a point's course, put together by their reason."""

from collections.abc import Iterable
from dataclasses import dataclass

from server.course import Gap, Step
from server.periods import Period


@dataclass(frozen=True, slots=True)
class Missing:
    """Stretches of opening time without figures, for one reason, in order."""

    gap: Gap
    periods: tuple[Period, ...]

    @property
    def hours(self) -> float:
        """How long they are together."""
        return sum(one.length_s for one in self.periods) / 3600


def missing_of(steps: Iterable[Step]) -> tuple[Missing, ...]:
    """The gaps of a course by reason, in the order of `Gap`; reasons that do not occur are out."""
    found: dict[Gap, list[Period]] = {}
    for step in steps:
        if step.gap is not None:
            found.setdefault(step.gap, []).append(step.period)
    return tuple(
        Missing(gap, tuple(sorted(found[gap], key=lambda one: one.start)))
        for gap in Gap
        if gap in found
    )
