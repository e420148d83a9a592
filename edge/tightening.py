"""What a server may change from afar: it may only tighten (privacy rule 8)."""

from dataclasses import dataclass
from typing import TypeGuard

from edge.windows.calendar import LEAF_LEVELS
from firmware_cfg.messages import Desired


@dataclass(frozen=True, slots=True)
class Tightened:
    """What became of a server's wish.

    Attributes:
        applied: what is in force from now on, or from the next start on.
        refused: what would have loosened, and was not done.
    """

    applied: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()


def weighed(desired: Desired, k: int, window_s: int) -> Tightened:
    """What following a wish would do.

    Args:
        desired: the wish.
        k: the threshold in force.
        window_s: the window in force from the next start on.
    """
    applied, refused = [], []
    if desired.k is not None and desired.k > k:
        applied.append(f"k = {desired.k}")
    elif desired.k is not None and desired.k < k:
        refused.append(f"k = {desired.k}: {k} is in force, and it may only be raised")
    if lengthens(desired.window_s, window_s):
        applied.append(f"window_s = {desired.window_s} from the next start")
    elif desired.window_s not in (None, window_s):
        refused.append(
            f"window_s = {desired.window_s}: {window_s} is in force, and it may only be"
            " lengthened, to 1800 or 3600"
        )
    return Tightened(tuple(applied), tuple(refused))


def lengthens(wished_s: int | None, window_s: int) -> TypeGuard[int]:
    """Whether a window that is wished for is longer than `window_s`, and one that there is."""
    return wished_s is not None and wished_s > window_s and wished_s in LEAF_LEVELS
