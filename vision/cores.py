"""Which processor cores infer, and which do the rest.

Nothing is pinned unless it is asked for: the kernel's scheduler finds the idle core, and two
camera processes on one machine do not crowd onto the same. To pin, `--inference-cores` names
the cores of inference; reading, decoding and scaling then keep to the others. Both are settled
before the process closes, which may not change them afterwards.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vision.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Cores:
    """The cores of one process.

    Attributes:
        inference: cores of inference.
        rest: cores of everything else.
    """

    inference: frozenset[int]
    rest: frozenset[int]

    @classmethod
    def shared_out(cls, allowed: Iterable[int], wanted: str | None) -> Cores:
        """Of the cores that this process may use, the `wanted` for inference alone.

        Raises:
            BadInputError: not numbers, not among the allowed, or none left over.

        >>> Cores.shared_out({0, 1, 2, 3}, "2,3")
        Cores(inference=frozenset({2, 3}), rest=frozenset({0, 1}))
        >>> Cores.shared_out({0, 1}, None)
        Cores(inference=frozenset({0, 1}), rest=frozenset({0, 1}))
        """
        cores = frozenset(allowed)
        if wanted is None:
            return cls(cores, cores)
        named = wanted.split(",")
        inference = frozenset(int(one) for one in named if one.isdecimal())
        if len(inference) != len(named) or not inference < cores:
            known = ",".join(str(core) for core in sorted(cores))
            raise BadInputError(
                f"--inference-cores {wanted}: expected some of {known}, with at least one left over"
            )
        return cls(inference, cores - inference)

    def spare(self, threads: int) -> bool:
        """Whether a core is left over while `threads` infer."""
        return len(self.inference | self.rest) > threads


def keep_to(cores: frozenset[int]) -> None:
    """Hold this thread, and those that it starts from now on, to `cores`."""
    if cores != os.sched_getaffinity(0):
        os.sched_setaffinity(0, cores)
