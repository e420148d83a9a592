"""Routes for those who check: reports of audits, and the log of who saw what."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from server import audit_reports, catalogue
from server.access.callers import Caller, Way
from server.access.log import Entry, entries
from server.audit_reports import AuditReport, Verdict
from server.stays import seen_stays
from server.web.needs import Evidence, ForLog
from server.web.parts import Parts
from server.web.v1.changing import changing
from server.web.v1.cursors import Cursor, Limit, after_entry, page_of
from server.web.v1.fields import DevicePath

JSON = "application/json"
REPORT_BODY = {
    "requestBody": {
        "required": True,
        "description": "`audit.json`, as `encounter-edge audit` wrote it",
        "content": {JSON: {"schema": {"type": "object"}}},
    }
}


class AuditReportOut(BaseModel):
    """A report as it was handed in; what it says is its author's word. Instants are in UTC."""

    organisation_id: UUID
    report_id: UUID
    store_id: Annotated[UUID, Field(description="where the device stood when it was handed in")]
    device: str
    made_at: datetime
    handed_in_at: datetime
    handed_in_by: str
    sha256: Annotated[str, Field(description="of the report's bytes")]
    verdict: Annotated[Verdict, Field(description="one failed check makes it `fails`")]
    software: str

    @classmethod
    def of(cls, one: AuditReport) -> "AuditReportOut":
        """From the domain."""
        return cls(
            organisation_id=one.org_id,
            report_id=one.report_id,
            store_id=one.store_id,
            device=one.device,
            made_at=one.made_at,
            handed_in_at=one.handed_in_at,
            handed_in_by=one.handed_in_by,
            sha256=one.sha256,
            verdict=one.verdict,
            software=one.software,
        )


class AuditReportsOut(BaseModel):
    """A page of reports, the latest handed in first."""

    items: tuple[AuditReportOut, ...]
    next_cursor: str | None


class AccessOut(BaseModel):
    """An answer that was given to somebody. Instants are in UTC."""

    at: datetime
    entry_id: UUID
    organisation_id: UUID
    store_id: Annotated[UUID | None, Field(description="null: of several, or of none")]
    account: str
    way: Way
    operation: str
    subject: str
    status: int

    @classmethod
    def of(cls, one: Entry) -> "AccessOut":
        """From the domain."""
        return cls(
            at=one.at,
            entry_id=one.entry_id,
            organisation_id=one.org_id,
            store_id=one.store_id,
            account=one.account,
            way=one.way,
            operation=one.operation,
            subject=one.subject,
            status=one.status,
        )


class AccessesOut(BaseModel):
    """A page of the log, the latest first."""

    items: tuple[AccessOut, ...]
    next_cursor: str | None


def evidence_routes(router: APIRouter, parts: Parts) -> None:
    """Add the routes to `router`."""
    _reports(router, parts)
    _of_device(router, parts)

    @router.get("/access-log", operation_id="listAccesses")
    def log(caller: ForLog, cursor: Cursor = None, limit: Limit = 100) -> AccessesOut:
        """Who saw what within the caller's reach, 12 months back."""
        with parts.engine.connect() as connection:
            found = entries(connection, caller.scope, before=after_entry(cursor), limit=limit + 1)
        page = page_of(found, limit, lambda one: [one.at.isoformat(), one.entry_id])
        items = tuple(AccessOut.of(one) for one in page.items)
        return AccessesOut(items=items, next_cursor=page.next_cursor)


def _reports(router: APIRouter, parts: Parts) -> None:
    @router.get("/audit-reports", operation_id="listAuditReports")
    def listed(caller: Evidence, cursor: Cursor = None, limit: Limit = 100) -> AuditReportsOut:
        """Reports on all devices of the caller's reach."""
        before = after_entry(cursor)
        with parts.engine.connect() as connection:
            found = audit_reports.reports(connection, caller.scope, before=before, limit=limit + 1)
        return _page(found, limit)


def _of_device(router: APIRouter, parts: Parts) -> None:
    path = "/devices/{device}/audit-reports"

    @router.get(path, operation_id="listDeviceAuditReports")
    def of_device(
        caller: Evidence, device: DevicePath, cursor: Cursor = None, limit: Limit = 100
    ) -> AuditReportsOut:
        """Reports on one device."""
        before = after_entry(cursor)
        with parts.engine.connect() as connection:
            org_id, _ = seen_stays(connection, caller.scope, device)
            found = audit_reports.reports(
                connection,
                caller.scope,
                before=before,
                limit=limit + 1,
                org_id=org_id,
                name=device,
            )
        return _page(found, limit)

    @router.post(path, operation_id="handInAuditReport", status_code=201, openapi_extra=REPORT_BODY)
    async def hand_in(request: Request, caller: Evidence, device: DevicePath) -> AuditReportOut:
        """Hand in an auditor's report; the same one again changes nothing."""
        text = await request.body()
        return await run_in_threadpool(_handed_in, parts, caller, device, text)

    @router.get(path + "/{report_id}", operation_id="getAuditReport", response_class=Response)
    def text(caller: Evidence, device: DevicePath, report_id: UUID) -> Response:
        """A report, byte for byte as it was handed in."""
        with parts.engine.connect() as connection:
            org_id, _ = seen_stays(connection, caller.scope, device)
            _, found = audit_reports.text_of(
                connection, caller.scope, org_id, report_id, name=device
            )
        named = {"Content-Disposition": f'attachment; filename="audit-{report_id}.json"'}
        return Response(found, media_type=JSON, headers=named)


def _handed_in(parts: Parts, caller: Caller, device: str, text: bytes) -> AuditReportOut:
    with changing(parts) as connection:
        org_id, _ = catalogue.store_of_device(connection, caller.scope, device)
        made = audit_reports.hand_in(
            connection, org_id, device, text, by=caller.name, now=parts.clock()
        )
    return AuditReportOut.of(made)


def _page(found: list[AuditReport], limit: int) -> AuditReportsOut:
    page = page_of(found, limit, lambda one: [one.handed_in_at.isoformat(), one.report_id])
    items = tuple(AuditReportOut.of(one) for one in page.items)
    return AuditReportsOut(items=items, next_cursor=page.next_cursor)
