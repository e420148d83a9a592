"""The API's routes about one's own tokens."""

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from server.access import tokens
from server.access.reach import Reach, check_form
from server.access.roles import Role
from server.access.tokens import LONGEST_LABEL, ApiToken, Wanted
from server.database import writer
from server.web.inputs import Instant
from server.web.needs import BEARER_SCHEME, Own
from server.web.parts import Parts
from server.web.problems import PROBLEMS


class ReachOut(BaseModel):
    """Where a role holds: an organisation (null: all), below a region, or in a store of it."""

    model_config = ConfigDict(extra="forbid")

    organisation_id: UUID | None = None
    region_id: UUID | None = None
    store_id: UUID | None = None

    def reach(self) -> Reach:
        """It as the domain knows it."""
        return Reach(self.organisation_id, self.region_id, self.store_id)


class TokenOut(BaseModel):
    """A token, without its secret."""

    token_id: UUID
    label: str
    role: Role
    reach: ReachOut
    made_at: datetime = Field(description="RFC 3339, UTC; so are the others")
    ends_at: datetime
    revoked_at: datetime | None
    used_at: datetime | None = Field(description="when it was last used, to a few seconds")

    @staticmethod
    def of(one: ApiToken) -> "TokenOut":
        """From the domain."""
        return TokenOut(
            token_id=one.token_id,
            label=one.label,
            role=one.role,
            reach=ReachOut(
                organisation_id=one.reach.org_id,
                region_id=one.reach.region_id,
                store_id=one.reach.store_id,
            ),
            made_at=one.made_at,
            ends_at=one.ends_at,
            revoked_at=one.revoked_at,
            used_at=one.used_at,
        )


class TokensOut(BaseModel):
    """One's own tokens, the latest first."""

    items: tuple[TokenOut, ...]


class TokenIn(BaseModel):
    """A token that is asked for."""

    model_config = ConfigDict(extra="forbid")

    label: str = Field(min_length=1, max_length=LONGEST_LABEL)
    role: Role = Field(description="one that includes no more than the caller's")
    reach: ReachOut = Field(description="inside the caller's")
    ends_at: Instant = Field(description="within a year, and not after the caller's token")


class NewTokenOut(BaseModel):
    """A new token. It is shown this once."""

    token_id: UUID
    token: str


def token_api_router(parts: Parts) -> APIRouter:
    """The routes."""
    router = APIRouter(
        prefix="/api/v1", responses=PROBLEMS, tags=["v1"], dependencies=[BEARER_SCHEME]
    )

    @router.get("/tokens", operation_id="listTokens")
    def list_tokens(caller: Own) -> TokensOut:
        """One's own tokens; by a token: itself and what was made with it."""
        with parts.engine.connect() as connection:
            found = tokens.seen_by(connection, caller)
        return TokensOut(items=tuple(TokenOut.of(one) for one in found))

    @router.post("/tokens", operation_id="createToken", status_code=201)
    def create_token(caller: Own, asked: TokenIn) -> NewTokenOut:
        """Make a token; with a session instead of a token, send `X-Form-Token`."""
        reach = asked.reach.reach()
        check_form(reach)
        wanted = Wanted(asked.label, asked.role, reach, asked.ends_at)
        with writer(parts.engine).begin() as connection:
            token_id, token = tokens.make(connection, caller, wanted, parts.clock())
        return NewTokenOut(token_id=token_id, token=token)

    @router.delete("/tokens/{token_id}", operation_id="revokeToken", status_code=204)
    def revoke_token(caller: Own, token_id: UUID) -> Response:
        """End a token that `listTokens` lists, and those that were made with it."""
        with writer(parts.engine).begin() as connection:
            tokens.end(connection, caller, token_id, parts.clock())
        return Response(status_code=204)

    return router
