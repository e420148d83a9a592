"""Who is who: the identity file, operations on what it made, and the point behind a local id.

UUIDs and keys never change and nothing is deleted: an assignment that ended is one with
`valid_to`, a device that went is retired, a point that was merged still has its cells.

**What wins.** What an operation set (a name, a place in the tree, an assignment's end, …) is
*held*: an identity file that says otherwise leaves it alone, and the server says so each time.
As soon as the file says the same, the field is the file's again.
"""

from server.identity.applying import apply_identity
from server.identity.asking import (
    Assigned,
    Owner,
    Watch,
    assigned_at,
    assignments_during,
    owner_of,
    store_time,
)
from server.identity.confirming import (
    Confirmation,
    amend_confirmation,
    confirm,
    confirmations,
)
from server.identity.devices import move_device, replace_device, retire_device
from server.identity.holding import Change, Kept
from server.identity.hours import Hours, hours_of, set_hours
from server.identity.points import merge_points, unmerge_point
from server.identity.renaming import Subject, rename
from server.identity.tree import end_store, move_region, move_store, reopen_store

__all__ = [
    "Assigned",
    "Change",
    "Confirmation",
    "Hours",
    "Kept",
    "Owner",
    "Subject",
    "Watch",
    "amend_confirmation",
    "apply_identity",
    "assigned_at",
    "assignments_during",
    "confirm",
    "confirmations",
    "end_store",
    "hours_of",
    "merge_points",
    "move_device",
    "move_region",
    "move_store",
    "owner_of",
    "rename",
    "reopen_store",
    "replace_device",
    "retire_device",
    "set_hours",
    "store_time",
    "unmerge_point",
]
