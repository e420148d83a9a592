"""The privacy pages, for auditors and administrators; and the log of who saw what."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Query, Request, Response, UploadFile
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlalchemy import Connection, select

from server import audit_reports, queries
from server.access.callers import Caller
from server.access.log import Entry, entries
from server.audit_reports import AuditReport, ReportError
from server.database import writer
from server.errors import NotFoundError
from server.queries import DeviceView, StoreView, Which
from server.schema.identity import organisation, store
from server.scope import Scope
from server.terms import latest_k
from server.web.inputs import Instant, Line
from server.web.needs import Evidence, ForLog
from server.web.pages import PageNumber, Renderer
from server.web.parts import Parts
from server.web.store_privacy import store_privacy

STORES_A_PAGE = 50
ENTRIES_A_PAGE = 100
ALL = 1_000_000
STORE = "/stores/{store_id}/privacy"
Device = Annotated[Line, Form(max_length=63)]
Before = Annotated[Instant | None, Query()]


@dataclass(frozen=True, slots=True)
class PrivacyRow:
    """A store in the list: the threshold of its latest cells, if any, and its latest audit."""

    store: StoreView
    devices: tuple[DeviceView, ...]
    latest: AuditReport | None
    k: int | None


def privacy_router(parts: Parts, renderer: Renderer) -> APIRouter:
    """The routes of these pages."""
    router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
    _privacy_routes(router, parts, renderer)
    _report_routes(router, parts, renderer)
    _log_routes(router, parts, renderer)
    return router


def _privacy_routes(router: APIRouter, parts: Parts, renderer: Renderer) -> None:
    @router.get("/privacy", name="privacy")
    def listed(request: Request, caller: Evidence, page: PageNumber = 1) -> Response:
        with parts.engine.connect() as connection:
            stores = queries.stores(connection, caller.scope, limit=ALL)
            stores.sort(key=lambda one: (one.organisation, one.name))
            last = max(1, -(-len(stores) // STORES_A_PAGE))
            number = min(page, last)
            here = stores[(number - 1) * STORES_A_PAGE : number * STORES_A_PAGE]
            shown = _rows(connection, caller.scope, here, parts.clock())
        return renderer.page(request, "privacy.html", rows=shown, number=number, last=last)

    @router.get(STORE, name="storePrivacy")
    def of_store(request: Request, caller: Evidence, store_id: UUID) -> Response:
        page = store_privacy(parts, caller.scope, store_id)
        return renderer.page(request, "store_privacy.html", page=page, refused=None)


def _rows(
    connection: Connection, scope: Scope, stores: Sequence[StoreView], now: datetime
) -> list[PrivacyRow]:
    ids = [one.store_id for one in stores]
    of_store: dict[UUID, list[DeviceView]] = {}
    for one in queries.devices(connection, scope, now, which=Which(store_ids=ids)):
        of_store.setdefault(one.store_id, []).append(one)
    latest = audit_reports.latest_of(connection, scope, ids)
    k = latest_k(connection, {(one.org_id, one.store_id) for one in stores})
    return [
        PrivacyRow(one, tuple(of_store.get(one_id, ())), latest.get(one_id), k.get(one_id))
        for one in stores
        for one_id in (one.store_id,)
    ]


def _report_routes(router: APIRouter, parts: Parts, renderer: Renderer) -> None:
    def owned(connection: Connection, caller: Caller, store_id: UUID, name: str) -> UUID:
        """The organisation of a device of this store."""
        found = queries.devices(connection, caller.scope, parts.clock(), store_id)
        for one in found:
            if one.device == name:
                return one.org_id
        raise NotFoundError(f"no device {name}")

    @router.post(STORE + "/audit-reports", name="handInAuditReport")
    def hand_in(
        request: Request, caller: Evidence, store_id: UUID, device: Device, report: UploadFile
    ) -> Response:
        text = report.file.read()
        try:
            with writer(parts.engine).begin() as connection:
                queries.store_by_id(connection, caller.scope, store_id)
                org_id = owned(connection, caller, store_id, device)
                now = parts.clock()
                audit_reports.hand_in(connection, org_id, device, text, by=caller.name, now=now)
        except ReportError:
            page = store_privacy(parts, caller.scope, store_id)
            return renderer.page(request, "store_privacy.html", 422, page=page, refused="report")
        return RedirectResponse(f"/stores/{store_id}/privacy#reports", 303)

    @router.get(STORE + "/audit-reports/{report_id}", name="auditReport")
    def report_text(caller: Evidence, store_id: UUID, report_id: UUID) -> Response:
        with parts.engine.connect() as connection:
            store = queries.store_by_id(connection, caller.scope, store_id)
            device, text = audit_reports.text_of(
                connection, caller.scope, store.org_id, report_id, store_id=store_id
            )
        headers = {"Content-Disposition": f'attachment; filename="{device}-audit.json"'}
        return Response(text, media_type="application/json", headers=headers)


def _log_routes(router: APIRouter, parts: Parts, renderer: Renderer) -> None:
    @router.get("/access-log", name="accessLog")
    def log(
        request: Request, caller: ForLog, before: Before = None, entry: UUID | None = None
    ) -> Response:
        place = None
        if before is not None and entry is not None:
            place = (before, entry)
        with parts.engine.connect() as connection:
            found = entries(connection, caller.scope, before=place, limit=ENTRIES_A_PAGE + 1)
            shown = found[:ENTRIES_A_PAGE]
            names = _names(connection, caller.scope, {one.store_id for one in shown})
        more: Entry | None = shown[-1] if len(found) > ENTRIES_A_PAGE else None
        return renderer.page(request, "access_log.html", entries=shown, names=names, more=more)


def _names(connection: Connection, scope: Scope, store_ids: set[UUID | None]) -> dict[UUID, str]:
    """What stores are called, of those that lie in `scope`."""
    same = organisation.c.org_id == store.c.org_id
    query = select(store.c.store_id, store.c.name).join(organisation, same)
    query = query.where(store.c.store_id.in_(store_ids - {None}))
    return {row.store_id: row.name for row in connection.execute(scope.limit(query, store))}
