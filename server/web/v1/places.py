"""Routes of organisations and regions: lists, names, the tree, figures over weeks, standings."""

from uuid import UUID

from fastapi import APIRouter

from server import catalogue
from server.catalogue import Slice
from server.errors import NotFoundError
from server.identity import Subject, move_region, rename
from server.region_totals import read_region
from server.standings import Kind, standings, subjects
from server.web.needs import Figures, ForIdentity
from server.web.parts import Parts
from server.web.v1.calendar import FirstWeek, LastWeek, weeks_asked
from server.web.v1.changing import change_of, changing, check_whole
from server.web.v1.cursors import Cursor, Limit, after_id, page_of
from server.web.v1.fields import Named
from server.web.v1.place_shapes import (
    OrganisationOut,
    OrganisationsOut,
    RegionFiguresOut,
    RegionOut,
    RegionParent,
    RegionsOut,
    StandingOut,
    StandingsOut,
)


def place_routes(router: APIRouter, parts: Parts) -> None:
    """Add the routes to `router`."""
    _organisations(router, parts)
    _regions(router, parts)
    _region_changes(router, parts)
    _standing(router, parts)


def _organisations(router: APIRouter, parts: Parts) -> None:
    @router.get("/organisations", operation_id="listOrganisations")
    def organisations(
        caller: Figures, cursor: Cursor = None, limit: Limit = 100
    ) -> OrganisationsOut:
        """Organisations of which the caller sees anything."""
        part = Slice(after_id(cursor), limit + 1)
        with parts.engine.connect() as connection:
            found = catalogue.organisations(connection, caller.scope, part)
        return OrganisationsOut.of(page_of(found, limit, lambda one: [one.org_id]))

    @router.get("/organisations/{organisation_id}", operation_id="getOrganisation")
    def organisation(caller: Figures, organisation_id: UUID) -> OrganisationOut:
        """One organisation."""
        with parts.engine.connect() as connection:
            found = catalogue.organisation_by_id(connection, caller.scope, organisation_id)
        return OrganisationOut.of(found)

    @router.patch("/organisations/{organisation_id}", operation_id="renameOrganisation")
    def rename_it(caller: ForIdentity, organisation_id: UUID, asked: Named) -> OrganisationOut:
        """Give an organisation another name; its key and its id stay."""
        with changing(parts) as connection:
            catalogue.organisation_by_id(connection, caller.scope, organisation_id)
            check_whole(caller, organisation_id)
            change = change_of(connection, parts, caller, organisation_id)
            rename(change, Subject.ORGANISATION, organisation_id, asked.name)
            found = catalogue.organisation_by_id(connection, caller.scope, organisation_id)
        return OrganisationOut.of(found)

    @router.get("/organisations/{organisation_id}/figures", operation_id="getOrganisationFigures")
    def figures(
        caller: Figures, organisation_id: UUID, first_week: FirstWeek, last_week: LastWeek
    ) -> RegionFiguresOut:
        """The figures of all its confirmed stores over whole weeks, for those who see all."""
        first, last = weeks_asked(first_week, last_week)
        with parts.engine.connect() as connection:
            one = catalogue.organisation_by_id(connection, caller.scope, organisation_id)
            if not one.whole:
                raise NotFoundError(f"no figures of organisation {organisation_id}")
            total = read_region(connection, organisation_id, organisation_id, first, last)
        return RegionFiguresOut.of(organisation_id, first, last, total)


def _regions(router: APIRouter, parts: Parts) -> None:
    @router.get("/regions", operation_id="listRegions")
    def regions(caller: Figures, cursor: Cursor = None, limit: Limit = 100) -> RegionsOut:
        """Regions that the caller sees whole."""
        part = Slice(after_id(cursor), limit + 1)
        with parts.engine.connect() as connection:
            found = catalogue.regions(connection, caller.scope, part)
        return RegionsOut.of(page_of(found, limit, lambda one: [one.region_id]))

    @router.get("/regions/{region_id}", operation_id="getRegion")
    def region(caller: Figures, region_id: UUID) -> RegionOut:
        """One region."""
        with parts.engine.connect() as connection:
            return RegionOut.of(catalogue.region_by_id(connection, caller.scope, region_id))

    @router.get("/regions/{region_id}/figures", operation_id="getRegionFigures")
    def figures(
        caller: Figures, region_id: UUID, first_week: FirstWeek, last_week: LastWeek
    ) -> RegionFiguresOut:
        """The figures of all confirmed stores below it over whole weeks."""
        first, last = weeks_asked(first_week, last_week)
        with parts.engine.connect() as connection:
            one = catalogue.region_by_id(connection, caller.scope, region_id)
            total = read_region(connection, one.org_id, region_id, first, last)
        return RegionFiguresOut.of(region_id, first, last, total)


def _region_changes(router: APIRouter, parts: Parts) -> None:
    @router.patch("/regions/{region_id}", operation_id="renameRegion")
    def rename_it(caller: ForIdentity, region_id: UUID, asked: Named) -> RegionOut:
        """Give a region another name."""
        with changing(parts) as connection:
            one = catalogue.region_by_id(connection, caller.scope, region_id)
            change = change_of(connection, parts, caller, one.org_id)
            rename(change, Subject.REGION, region_id, asked.name)
            return RegionOut.of(catalogue.region_by_id(connection, caller.scope, region_id))

    @router.put("/regions/{region_id}/parent", operation_id="moveRegion")
    def move(caller: ForIdentity, region_id: UUID, asked: RegionParent) -> RegionOut:
        """Put a region below another one, or at the top; its stores and history go along."""
        with changing(parts) as connection:
            one = catalogue.region_by_id(connection, caller.scope, region_id)
            if asked.parent_id is None:
                check_whole(caller, one.org_id)
            else:
                catalogue.region_by_id(connection, caller.scope, asked.parent_id)
            change = change_of(connection, parts, caller, one.org_id)
            move_region(change, region_id, asked.parent_id)
            return RegionOut.of(catalogue.region_by_id(connection, caller.scope, region_id))


def _standing(router: APIRouter, parts: Parts) -> None:
    @router.get("/standings", operation_id="listStandings")
    def listed(
        *,
        caller: Figures,
        kind: Kind,
        first_week: FirstWeek,
        last_week: LastWeek,
        cursor: Cursor = None,
        limit: Limit = 100,
    ) -> StandingsOut:
        """Headline figures of stores, regions or organisations, week by week."""
        first, last = weeks_asked(first_week, last_week)
        part = Slice(after_id(cursor), limit + 1)
        with parts.engine.connect() as connection:
            found = subjects(connection, caller.scope, kind, part)
            page = page_of(found, limit, lambda one: [one.subject_id])
            weeks = standings(connection, page.items, first, last)
        return StandingsOut(
            items=tuple(StandingOut.of(kind, one) for one in weeks), next_cursor=page.next_cursor
        )
