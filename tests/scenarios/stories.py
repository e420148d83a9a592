"""All stories."""

from __future__ import annotations

from tests.scenarios import stories_plain as plain
from tests.scenarios import stories_staff as staff

STORIES = (
    plain.ALONE,
    plain.COUPLE,
    plain.STRANGERS,
    plain.BEHIND_THE_NEXT,
    plain.FAMILY,
    plain.ABANDONS,
    plain.LOOKS,
    plain.PASSER,
    plain.OUT_AND_IN,
    plain.BLIND_20,
    plain.BLIND_60,
    plain.FRIEND,
    plain.TWO_POINTS,
    plain.KIOSK,
    plain.ABSENT_20,
    plain.ABSENT_40,
    plain.CROSSES,
    plain.LOWER_EDGE,
    plain.WIDE_LENS,
    plain.HIDDEN,
    staff.GREETER,
    staff.GREETER_ONLY,
    staff.STEPS_AWAY,
    staff.STAFF_HIDDEN,
    staff.TWO_STAFF,
    staff.ONE_STAFF_TWO_PARTIES,
    staff.ALREADY,
    staff.STILL,
    staff.CASHIER,
)
