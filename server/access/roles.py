"""Roles, and the table of what each may do: the only place where that is written.

Every route names one `Right`; `tests/unit/server/test_rights.py` compares this table with all
routes. A role holds inside its account's reach alone; what lies outside is not found.

| right | admin | regional manager | store manager | auditor |
|---|---|---|---|---|
| figures: stores, points, devices | yes | yes | yes | yes |
| note an amendment | yes | yes | yes | |
| amend: void, relabel, withdraw | yes | yes | | |
| confirm a store's commissioning | yes | yes | yes | |
| evidence: ledger heads, privacy pages, audit reports | yes | | | yes |
| log of who saw what | yes | | | yes |
| identity: rename, move, replace, merge, hours | yes | | | |
| accounts | yes | | | |
| own password, own tokens | yes | yes | yes | yes |
"""

from collections.abc import Mapping
from enum import StrEnum


class Role(StrEnum):
    """What somebody is."""

    ADMIN = "admin"
    REGIONAL_MANAGER = "regional_manager"
    STORE_MANAGER = "store_manager"
    AUDITOR = "auditor"


class Right(StrEnum):
    """What a route needs. `OPEN` needs nobody signed in, `OWN` anybody."""

    OPEN = "open"
    OWN = "own"
    FIGURES = "figures"
    NOTE = "note"
    AMEND = "amend"
    CONFIRM = "confirm"
    EVIDENCE = "evidence"
    ACCESS_LOG = "access_log"
    IDENTITY = "identity"
    ACCOUNTS = "accounts"


EVERYBODY = frozenset({Right.OPEN, Right.OWN, Right.FIGURES})
RIGHTS: Mapping[Role, frozenset[Right]] = {
    Role.ADMIN: frozenset(Right),
    Role.REGIONAL_MANAGER: EVERYBODY | {Right.NOTE, Right.AMEND, Right.CONFIRM},
    Role.STORE_MANAGER: EVERYBODY | {Right.NOTE, Right.CONFIRM},
    Role.AUDITOR: EVERYBODY | {Right.EVIDENCE, Right.ACCESS_LOG},
}
LOGGED = frozenset(Right) - {Right.OPEN, Right.OWN}
"""Rights whose use is written into the access log."""


def allows(role: Role, right: Right) -> bool:
    """Whether a role includes a right."""
    return right in RIGHTS[role]


def not_above(role: Role, of: Role) -> bool:
    """Whether `role` includes nothing that `of` does not.

    >>> not_above(Role.STORE_MANAGER, Role.REGIONAL_MANAGER)
    True
    >>> not_above(Role.AUDITOR, Role.REGIONAL_MANAGER)
    False
    """
    return RIGHTS[role] <= RIGHTS[of]


def roles_within(of: Role) -> tuple[Role, ...]:
    """The roles that somebody of the role `of` may hand on."""
    return tuple(role for role in Role if not_above(role, of))
