"""Who went to whom: the staff's share of the way that staff and customer closed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge.visits.person import Person

CLOSING_S = 5.0
LEAST_CLOSING_M = 0.4
LEAST_ESTIMATED_M = 1.5


def staff_share(staff: Person, customer: Person, t_s: float) -> float:
    """Share of the closing distance that the staff member covered in the last seconds.

    Each one's movement counts along the line between them; 0 where both together came
    nearer by less than noise does: `LEAST_CLOSING_M`, or `LEAST_ESTIMATED_M` on a floor
    that is not calibrated.
    """
    start, goal = staff.position_near(t_s - CLOSING_S), customer.position_near(t_s - CLOSING_S)
    distance_m = math.dist(start, goal)
    if distance_m <= 0:
        return 0.0
    ux, uy = (goal[0] - start[0]) / distance_m, (goal[1] - start[1]) / distance_m
    staff_to, customer_to = staff.position_near(t_s), customer.position_near(t_s)
    by_staff = max(0.0, (staff_to[0] - start[0]) * ux + (staff_to[1] - start[1]) * uy)
    by_customer = max(0.0, (goal[0] - customer_to[0]) * ux + (goal[1] - customer_to[1]) * uy)
    total_m = by_staff + by_customer
    least_m = LEAST_CLOSING_M if staff.floor.calibrated else LEAST_ESTIMATED_M
    return by_staff / total_m if total_m > least_m else 0.0
