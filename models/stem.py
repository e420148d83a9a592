"""The first convolution, rewritten so that an integer kernel has more to do at each step.

With three colours a 3 x 3 window gathers runs of 9 bytes for each result, and the gathering
costs more than the arithmetic. Four neighbouring pixels are therefore read as one cell of 12
values (the bytes already lie in that order, so this is a reshape), and each cell yields two
results side by side: 3 rows x 2 cells, stride 2 x 1. The results are the same integers; on the
machine of the card the step took 0.7 to 0.9 ms in place of 1.5.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

GROUP = 4
"""Pixels a cell."""
RESULTS = GROUP // 2
"""Results a cell, at a stride of two pixels."""
GEOMETRY = {"kernel_shape": [3, 2], "strides": [2, 1], "pads": [1, 1, 0, 0]}
"""Pads: top and left. At even sides a stride of two never reaches the other two."""


def group_weights(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weights [2·O, 12, 3, 2] that do for cells what [O, 3, 3, 3] does for pixels.

    Result ``r`` of a cell stands on pixel 2·r; its window begins one pixel before, so the first
    result's reaches into the cell to the left.
    """
    results, colours, rows, columns = weights.shape
    grouped = np.zeros((RESULTS, results, 2, GROUP, colours, rows))
    for result in range(RESULTS):
        for column in range(columns):
            cell, pixel = divmod(GROUP + 2 * result + column - 1, GROUP)
            grouped[result, :, cell, pixel] = weights[:, :, :, column]
    # To [result and channel, pixel and colour, row, cell].
    ordered = grouped.transpose(0, 1, 3, 4, 5, 2)
    return ordered.reshape(RESULTS * results, GROUP * colours, rows, 2)
