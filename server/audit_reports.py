"""Reports of audits of devices, as somebody handed them in: the JSON that the audit writes.

A report is kept as it came, byte for byte, with its SHA-256; nothing in it is believed, and it
is shown as what its author says. Handing the same one in again changes nothing. It belongs to
the store where the device stood when it was handed in: those who see that store see it, also
once the device went elsewhere, and those of the device's next store do not.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError
from sqlalchemy import ColumnElement, Connection, Row, and_, func, insert, or_, select

from server.errors import NotFoundError, ServerError
from server.schema.fleet import audit_report
from server.schema.identity import device, organisation
from server.scope import Scope

VERSIONS = frozenset({1})
LATEST_YEAR = 9998


class ReportError(ServerError):
    """What was handed in is no report of an audit."""


class Verdict(StrEnum):
    """What a report comes to."""

    HOLDS = "holds"
    FAILS = "fails"
    NOT_CHECKED = "not_checked"


@dataclass(frozen=True, slots=True)
class AuditReport:
    """A report that was handed in, without its text."""

    org_id: UUID
    report_id: UUID
    store_id: UUID
    device: str
    made_at: datetime
    handed_in_at: datetime
    handed_in_by: str
    sha256: str
    verdict: Verdict
    software: str


class _Counts(BaseModel):
    model_config = ConfigDict(extra="allow")

    holds: int = 0
    fails: int = 0


class _Audited(BaseModel):
    model_config = ConfigDict(extra="allow")

    version: str = ""


class _Document(BaseModel):
    """What is read of a report; the rest is kept and not looked at."""

    model_config = ConfigDict(extra="allow")

    report_version: int
    at: AwareDatetime
    counts: _Counts
    audited: _Audited
    findings: list[dict[str, Any]]


def hand_in(
    connection: Connection, org_id: UUID, name: str, text: bytes, *, by: str, now: datetime
) -> AuditReport:
    """Keep a report on a device of the organisation.

    Raises:
        ReportError: not one that this version reads.
    """
    read = _read(text, now)
    digest = sha256(text).hexdigest()
    here = select(device.c.store_id).where(device.c.org_id == org_id, device.c.device == name)
    store_id = connection.execute(here).scalar_one()
    mine = and_(
        audit_report.c.org_id == org_id,
        audit_report.c.store_id == store_id,
        audit_report.c.device == name,
    )
    known = connection.execute(
        select(audit_report).where(mine, audit_report.c.sha256 == digest)
    ).first()
    if known is not None:
        return _report(known)
    row = {
        "org_id": org_id,
        "report_id": uuid4(),
        "store_id": store_id,
        "device": name,
        "made_at": read.at.astimezone(UTC),
        "handed_in_at": now,
        "handed_in_by": by,
        "sha256": digest,
        "verdict": _verdict(read).value,
        "software": "".join(sign for sign in read.audited.version[:80] if sign.isprintable()),
    }
    connection.execute(insert(audit_report).values(**row, report=text))
    kept = select(audit_report).where(mine, audit_report.c.sha256 == digest)
    return _report(connection.execute(kept).one())


def _verdict(read: _Document) -> Verdict:
    if read.counts.fails > 0 or any(one.get("status") == "fails" for one in read.findings):
        return Verdict.FAILS
    return Verdict.HOLDS if read.counts.holds > 0 else Verdict.NOT_CHECKED


def _read(text: bytes, now: datetime) -> _Document:
    try:
        found = _Document.model_validate(json.loads(text))
    except (ValueError, RecursionError, ValidationError):
        raise ReportError("a report: expected the audit.json of `encounter-edge audit`") from None
    if found.report_version not in VERSIONS:
        raise ReportError(
            f"a report: expected report_version {max(VERSIONS)}, found {found.report_version}"
        )
    if not 1971 <= found.at.year <= LATEST_YEAR or found.at > now:
        raise ReportError("a report: expected one made before now")
    return found


def reports(
    connection: Connection,
    scope: Scope,
    *,
    before: tuple[datetime, UUID] | None = None,
    limit: int = 100,
    org_id: UUID | None = None,
    store_id: UUID | None = None,
    name: str | None = None,
) -> list[AuditReport]:
    """Reports of stores in `scope`, the latest handed in first.

    Those of an organisation, store or device alone, where one is named.
    """
    same = organisation.c.org_id == audit_report.c.org_id
    query = select(audit_report).join(organisation, same)
    query = query.where(*_alone(org_id, store_id, name))
    if before is not None:
        at, report_id = before
        beside = and_(audit_report.c.handed_in_at == at, audit_report.c.report_id < report_id)
        query = query.where(or_(audit_report.c.handed_in_at < at, beside))
    order = (audit_report.c.handed_in_at.desc(), audit_report.c.report_id.desc())
    rows = connection.execute(scope.limit(query, audit_report).order_by(*order).limit(limit))
    return [_report(row) for row in rows]


def latest_of(
    connection: Connection, scope: Scope, store_ids: Sequence[UUID]
) -> dict[UUID, AuditReport]:
    """Of each of these stores the report that was made last, of those in `scope`."""
    order = (audit_report.c.made_at.desc(), audit_report.c.handed_in_at.desc())
    place = func.row_number().over(partition_by=audit_report.c.store_id, order_by=order)
    same = organisation.c.org_id == audit_report.c.org_id
    ranked = select(audit_report, place.label("place")).join(organisation, same)
    ranked = ranked.where(audit_report.c.store_id.in_(store_ids))
    every = scope.limit(ranked, audit_report).subquery()
    rows = connection.execute(select(every).where(every.c.place == 1))
    return {row.store_id: _report(row) for row in rows}


def text_of(
    connection: Connection,
    scope: Scope,
    org_id: UUID,
    report_id: UUID,
    *,
    store_id: UUID | None = None,
    name: str | None = None,
) -> tuple[str, bytes]:
    """The device that a report is about, and the report as it was handed in.

    Raises:
        NotFoundError: none of that id in `scope`, or of that store or device.
    """
    query = select(audit_report.c.device, audit_report.c.report).where(
        audit_report.c.report_id == report_id, *_alone(org_id, store_id, name)
    )
    row = connection.execute(scope.limit(query, audit_report)).first()
    if row is None:
        raise NotFoundError(f"no report {report_id}")
    return row.device, row.report


def _alone(
    org_id: UUID | None, store_id: UUID | None, name: str | None
) -> list[ColumnElement[bool]]:
    wanted = (("org_id", org_id), ("store_id", store_id), ("device", name))
    return [audit_report.c[column] == value for column, value in wanted if value is not None]


def _report(row: Row[Any]) -> AuditReport:
    return AuditReport(
        org_id=row.org_id,
        report_id=row.report_id,
        store_id=row.store_id,
        device=row.device,
        made_at=row.made_at,
        handed_in_at=row.handed_in_at,
        handed_in_by=row.handed_in_by,
        sha256=row.sha256,
        verdict=Verdict(row.verdict),
        software=row.software,
    )
