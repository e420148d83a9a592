"""How the server is: broker, database, ingest."""

from collections.abc import Callable
from datetime import datetime
from typing import Literal

from pydantic import BaseModel
from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from server.ingest.link import LinkState, LinkStatus
from server.ingest.worker import IngestState


class BrokerHealth(BaseModel):
    """The connection to the broker."""

    state: LinkState
    since: datetime
    detail: str
    protocol: str
    subscription: str


class IngestHealth(BaseModel):
    """The ingest worker, since it started."""

    last_commit_at: datetime | None
    stored: int
    repeated: int
    rejected: int


class Health(BaseModel):
    """`ok`; `degraded`: pages work, new data does not come; `failing`: no database."""

    status: Literal["ok", "degraded", "failing"]
    database: Literal["ok", "failing"]
    broker: BrokerHealth
    ingest: IngestHealth


def health_of(
    engine: Engine, link: Callable[[], LinkStatus], ingest: Callable[[], IngestState]
) -> Health:
    """Ask each part."""
    link_status, state = link(), ingest()
    database = database_answers(engine) and not state.failing
    status: Literal["ok", "degraded", "failing"] = "ok"
    if link_status.state is not LinkState.CONNECTED:
        status = "degraded"
    if not database:
        status = "failing"
    tally = state.tally
    return Health(
        status=status,
        database="ok" if database else "failing",
        broker=BrokerHealth(
            state=link_status.state,
            since=link_status.since,
            detail=link_status.detail,
            protocol=link_status.protocol,
            subscription=link_status.subscription,
        ),
        ingest=IngestHealth(
            last_commit_at=state.last_commit_at,
            stored=tally.stored,
            repeated=tally.repeated,
            rejected=tally.rejected,
        ),
    )


def database_answers(engine: Engine) -> bool:
    """Whether the database answers."""
    try:
        with engine.connect() as connection:
            connection.execute(text("SELECT 1"))
    except SQLAlchemyError:
        return False
    return True
