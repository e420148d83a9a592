"""Routes of accounts, for administrators: invite, new link, role and reach, disable, enable.

The rules are those of the page: an administrator sees and changes the accounts whose whole
reach lies inside the own one, hands on nothing beyond, and leaves the own account alone.
"""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from server.access import accounts, links
from server.access.accounts import Account
from server.access.inviting import change_rights, check_other, new_link
from server.access.inviting import invite as invite_somebody
from server.access.reach import Reach
from server.access.roles import Role
from server.web.needs import ForAccounts
from server.web.parts import Parts
from server.web.token_api import ReachOut
from server.web.v1.changing import changing
from server.web.v1.cursors import Cursor, Limit, after_name, page_of
from server.web.v1.fields import Asked, Name

Reaches = Annotated[tuple[ReachOut, ...], Field(min_length=1, max_length=50)]


class Rights(Asked):
    """What an account may do, and where."""

    role: Annotated[Role, Field(description="one that includes no more than the caller's")]
    reaches: Annotated[Reaches, Field(description="inside the caller's")]

    @property
    def rights(self) -> tuple[Role, list[Reach]]:
        """As the domain knows them."""
        return self.role, [one.reach() for one in self.reaches]


class Invitation(Rights):
    """A new account."""

    name: Name


class AccountOut(BaseModel):
    """An account. Instants are in UTC."""

    account_id: UUID
    name: str
    role: Role
    reaches: tuple[ReachOut, ...]
    made_at: datetime
    disabled_at: datetime | None
    last_seen_at: datetime | None
    has_password: Annotated[bool, Field(description="false: nobody used its link yet")]

    @classmethod
    def of(cls, one: Account) -> "AccountOut":
        """From the domain."""
        return cls(
            account_id=one.account_id,
            name=one.name,
            role=one.role,
            reaches=tuple(_reach_out(each) for each in one.reaches),
            made_at=one.made_at,
            disabled_at=one.disabled_at,
            last_seen_at=one.last_seen_at,
            has_password=one.has_password,
        )


class AccountsOut(BaseModel):
    """A page of accounts, by name."""

    items: tuple[AccountOut, ...]
    next_cursor: str | None


class LinkOut(BaseModel):
    """A one-time link to hand over; it is shown this once and holds for 24 hours."""

    account_id: UUID
    name: Annotated[str, Field(description="with which its holder signs in")]
    link: str


def account_routes(router: APIRouter, parts: Parts) -> None:
    """Add the routes to `router`."""
    _reads(router, parts)
    _invitations(router, parts)
    _changes(router, parts)


def _reads(router: APIRouter, parts: Parts) -> None:
    @router.get("/accounts", operation_id="listAccounts")
    def listed(caller: ForAccounts, cursor: Cursor = None, limit: Limit = 100) -> AccountsOut:
        """Accounts whose whole reach lies inside the caller's."""
        after = after_name(cursor)
        with parts.engine.connect() as connection:
            found = accounts.within(connection, caller.scope, after=after, limit=limit + 1)
        page = page_of(found, limit, lambda one: [one.name])
        items = tuple(AccountOut.of(one) for one in page.items)
        return AccountsOut(items=items, next_cursor=page.next_cursor)

    @router.get("/accounts/{account_id}", operation_id="getAccount")
    def one_account(caller: ForAccounts, account_id: UUID) -> AccountOut:
        """One account."""
        with parts.engine.connect() as connection:
            return AccountOut.of(accounts.account_within(connection, caller.scope, account_id))


def _invitations(router: APIRouter, parts: Parts) -> None:
    @router.post("/accounts", operation_id="createAccount", status_code=201)
    def invite(request: Request, caller: ForAccounts, asked: Invitation) -> LinkOut:
        """Make an account, and a link with which its holder chooses a password.

        Who does not reach everything gets a name that ends with the organisation's key: `ada@acme`.
        """
        with changing(parts) as connection:
            now = parts.clock()
            made = invite_somebody(connection, caller, asked.name, asked.rights, now)
            return _link(connection, request, parts, made, links.make(connection, made, now))

    @router.post("/accounts/{account_id}/link", operation_id="createAccountLink", status_code=201)
    def link(request: Request, caller: ForAccounts, account_id: UUID) -> LinkOut:
        """A new link for another account's lost password; the one before ends."""
        with changing(parts) as connection:
            secret = new_link(connection, caller, account_id, parts.clock())
            return _link(connection, request, parts, account_id, secret)


def _changes(router: APIRouter, parts: Parts) -> None:
    @router.put("/accounts/{account_id}/rights", operation_id="setAccountRights")
    def rights(caller: ForAccounts, account_id: UUID, asked: Rights) -> AccountOut:
        """Give another account another role or reach."""
        with changing(parts) as connection:
            change_rights(connection, caller, account_id, *asked.rights)
            return AccountOut.of(accounts.account_within(connection, caller.scope, account_id))

    @router.put("/accounts/{account_id}/disabled", operation_id="disableAccount")
    def disable(caller: ForAccounts, account_id: UUID) -> AccountOut:
        """End another account's sessions; nobody comes in by it or its tokens any more."""
        with changing(parts) as connection:
            check_other(connection, caller, account_id)
            accounts.disable(connection, account_id, parts.clock())
            return AccountOut.of(accounts.account_within(connection, caller.scope, account_id))

    @router.delete("/accounts/{account_id}/disabled", operation_id="enableAccount")
    def enable(caller: ForAccounts, account_id: UUID) -> AccountOut:
        """Let an account in again."""
        with changing(parts) as connection:
            check_other(connection, caller, account_id)
            accounts.enable(connection, account_id)
            return AccountOut.of(accounts.account_within(connection, caller.scope, account_id))


def _link(
    connection: Connection, request: Request, parts: Parts, account_id: UUID, secret: str
) -> LinkOut:
    base = parts.public_url or str(request.base_url)
    name = accounts.by_id(connection, account_id).name
    return LinkOut(account_id=account_id, name=name, link=links.address(base, secret))


def _reach_out(one: Reach) -> ReachOut:
    return ReachOut(organisation_id=one.org_id, region_id=one.region_id, store_id=one.store_id)
