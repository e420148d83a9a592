"""How seldom Python looks through all objects of a server process for rings of garbage."""

import gc

COLLECTED_EACH = (100_000, 20, 100)
"""A batch or a page makes up to a million objects and no ring of them: looking for rings took a
sixth of a worker's time, and nearly half of a large page's, by Python's own thresholds."""


def collect_seldom() -> None:
    """From now on; what is loaded by now stays, and is not looked through again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECTED_EACH)
