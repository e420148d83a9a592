"""The gate: who a request comes from, signing in and out, links and passwords.

Whoever guesses waits: a name's and an address's failed sign-ins make the next attempts wait
longer and longer, and so do an address's failed links and tokens. Nothing that is answered, in
words or in time, tells whether an account exists.
"""

import logging
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import Connection, Engine

from server.access import accounts, links, passwords, sessions, tokens
from server.access.addresses import network_of
from server.access.attempts import Attempts, Patience
from server.access.buckets import AT_ONCE, Buckets
from server.access.callers import Caller, Token
from server.access.errors import RefusedError, TooManyError
from server.access.links import Link
from server.access.names import folded
from server.access.reach import Reach, scope_of
from server.access.recorder import Mark, Recorder
from server.access.roles import Role, not_above
from server.access.secret import digest
from server.clock import Clock
from server.database import writer
from server.errors import NotFoundError
from server.logs import event

log = logging.getLogger(__name__)
OF_NAME = Patience(free=5)
OF_ADDRESS = Patience(free=20)
A_SECOND_OF_PAGES = 5.0
"""A page costs more than an answer of the API, and nobody reads faster."""


@dataclass(slots=True)
class Gate:
    """Lets callers in.

    Attributes:
        engine: the database.
        clock: the present.
        recorder: writes down who saw what.
        names, addresses: failed attempts; an address of IPv6 counts as its network.
        buckets: how many requests each account may still make to the API.
        page_buckets: how many pages each account may still open.
    """

    engine: Engine
    clock: Clock
    recorder: Recorder
    names: Attempts = field(default_factory=lambda: Attempts(OF_NAME))
    addresses: Attempts = field(default_factory=lambda: Attempts(OF_ADDRESS))
    buckets: Buckets = field(default_factory=Buckets)
    page_buckets: Buckets = field(default_factory=lambda: Buckets(A_SECOND_OF_PAGES, AT_ONCE))

    def by_session(self, secret: str) -> Caller | None:
        """The caller whose browser holds a session's secret, while the session holds."""
        now = self.clock()
        with self.engine.connect() as connection:
            found = sessions.find(connection, secret)
            if found is None:
                return None
            if not found.holds(now, self.recorder.used_at(Mark.SESSION, found.sha256)):
                return None
            caller = _caller(connection, found.account_id, session=secret)
        if caller is not None:
            mine = (Mark.ACCOUNT, caller.account_id)
            self.recorder.used(now, (Mark.SESSION, found.sha256), mine)
        return caller

    def by_token(self, text: str, address: str) -> Caller | None:
        """The caller that sent a token, while the token holds; one that ended was no guess.

        Raises:
            TooManyError: too many wrong ones from this address.
        """
        now, network = self.clock(), network_of(address)
        _heard(self.addresses.wait_s(network, now))
        with self.engine.connect() as connection:
            found = tokens.find(connection, text)
            caller = None
            if found is not None and found.holds(now):
                caller = _caller(connection, found.account_id, token=found)
        if found is None:
            self.addresses.failed(network, now)
        if caller is None or found is None:
            return None
        mine = (Mark.ACCOUNT, caller.account_id)
        self.recorder.used(now, (Mark.TOKEN, found.token_id), mine)
        return caller

    def take_turn(self, caller: Caller, *, page: bool) -> None:
        """Count a request for a page, or to the API.

        Raises:
            TooManyError: too many of this account, by its sessions and all its tokens together.
        """
        buckets = self.page_buckets if page else self.buckets
        _heard(buckets.take(str(caller.account_id), self.clock()))

    def sign_in(self, name: str, password: str, address: str, old: str | None) -> str | None:
        """A new session's secret; none: wrong, whatever was wrong. The session `old` ends.

        Raises:
            TooManyError: too many wrong ones of this name, or from this address.
        """
        now, network = self.clock(), network_of(address)
        key = digest(folded(name))
        _heard(self.addresses.wait_s(network, now))
        _heard(self.names.begin(key, now))
        with self.engine.connect() as connection:
            found = accounts.kept_password(connection, name)
        account_id, kept = found or (None, None)
        if not self._fits(key, kept, password) or account_id is None or kept is None:
            event(log, logging.WARNING, "sign_in.refused", address=address)
            self.addresses.failed(network, now)
            return None
        self.names.succeeded(key)
        anew = passwords.hashed(password) if passwords.is_outdated(kept) else None
        with writer(self.engine).begin() as connection:
            if anew is not None:
                accounts.set_password(connection, account_id, anew, end_sessions=False)
            if old is not None:
                sessions.close(connection, old)
            return sessions.begin(connection, account_id, now)

    def sign_out(self, secret: str) -> None:
        """End a session."""
        with writer(self.engine).begin() as connection:
            sessions.close(connection, secret)

    def link(self, secret: str, address: str) -> tuple[Link, str | None]:
        """A link that still holds, and the name of its account.

        Raises:
            NotFoundError: none of that secret holds.
            TooManyError: too many wrong ones from this address.
        """
        now, network = self.clock(), network_of(address)
        _heard(self.addresses.wait_s(network, now))
        with self.engine.connect() as connection:
            try:
                link = links.find(connection, secret, now)
            except NotFoundError:
                self.addresses.failed(network, now)
                raise
            if link.account_id is None:
                return link, None
            return link, accounts.by_id(connection, link.account_id).name

    def use_link(self, link: Link, name: str | None, password: str) -> str:
        """Choose the password of a link's account, made with `name` where it has none yet.

        Returns:
            a new session's secret.

        Raises:
            RefusedError: a name or password that is not taken; the account is disabled.
            NotFoundError: the link does not hold any more.
        """
        now = self.clock()
        with self.engine.connect() as connection:
            if link.account_id is not None:
                name = accounts.by_id(connection, link.account_id).name
        passwords.check_password(password, folded(name or ""))
        kept = passwords.hashed(password)
        with writer(self.engine).begin() as connection:
            links.use(connection, link, now)
            account_id = link.account_id
            if account_id is None:
                account_id = accounts.make(connection, name or "", Role.ADMIN, [Reach()], now)
                links.end_all(connection, None, now)
            elif accounts.by_id(connection, account_id).disabled_at is not None:
                raise NotFoundError("no such link; its account is disabled")
            accounts.set_password(connection, account_id, kept)
            event(log, logging.INFO, "link.used", account_id=str(account_id))
            return sessions.begin(connection, account_id, now)

    def change_password(self, caller: Caller, old: str, new: str) -> str:
        """Change one's own password: every session and link ends, and a new session begins.

        Raises:
            RefusedError: the old one is wrong (`wrong`), or the new one is not taken.
            TooManyError: too many wrong ones.
        """
        key = digest(caller.name)
        _heard(self.names.begin(key, self.clock()))
        with self.engine.connect() as connection:
            found = accounts.kept_password(connection, caller.name)
        if not self._fits(key, found[1] if found else None, old):
            raise RefusedError("wrong", "the old password: expected the one in force")
        self.names.succeeded(key)
        passwords.check_password(new, caller.name)
        kept = passwords.hashed(new)
        with writer(self.engine).begin() as connection:
            accounts.set_password(connection, caller.account_id, kept)
            return sessions.begin(connection, caller.account_id, self.clock())

    def _fits(self, key: str, kept: str | None, password: str) -> bool:
        """Whether a password fits; where it was not compared, the attempt of `key` is no failure.

        Raises:
            TooManyError: too many are being compared.
        """
        try:
            return passwords.fits(kept, password)
        except TooManyError:
            self.names.take_back(key)
            raise


def _heard(wait_s: float) -> None:
    if wait_s:
        raise TooManyError(wait_s)


def _caller(
    connection: Connection,
    account_id: UUID,
    *,
    session: str | None = None,
    token: tokens.ApiToken | None = None,
) -> Caller | None:
    """The caller of an account that is not disabled.

    By a token it is what the token says, inside what its account still is: an account that
    lost a role takes its tokens with it, and one that lost a store takes that from them.
    """
    account = accounts.by_id(connection, account_id)
    if account.disabled_at is not None:
        return None
    scope = scope_of(connection, account.reaches)
    if token is None:
        return Caller(account_id, account.name, account.role, scope, session=session)
    if not not_above(token.role, account.role):
        return None
    inside = scope.meet(scope_of(connection, [token.reach]))
    came_by = Token(token.token_id, token.ends_at)
    return Caller(account_id, account.name, token.role, inside, token=came_by)
