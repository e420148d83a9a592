"""Organisations and regions as the API gives them, and what may be asked of them."""

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from server.catalogue import OrganisationView, RegionView
from server.region_totals import RegionTotal
from server.standings import Kind, Standing
from server.web.figure_shapes import FiguresOut, SuppressedOut
from server.web.shapes import CoverageOut, figures_out
from server.web.v1.calendar import UTC_TIME
from server.web.v1.cursors import Page
from server.web.v1.fields import Asked


class OrganisationOut(BaseModel):
    """An organisation."""

    organisation_id: UUID
    key: Annotated[str, Field(description="as the identity file names it; it never changes")]
    name: str
    whole: Annotated[bool, Field(description="false: the caller sees parts of it alone")]

    @classmethod
    def of(cls, one: OrganisationView) -> "OrganisationOut":
        """From the domain."""
        return cls(organisation_id=one.org_id, key=one.key, name=one.name, whole=one.whole)


class OrganisationsOut(BaseModel):
    """A page of organisations."""

    items: tuple[OrganisationOut, ...]
    next_cursor: str | None

    @classmethod
    def of(cls, page: Page[OrganisationView]) -> "OrganisationsOut":
        """From the domain."""
        return cls(
            items=tuple(OrganisationOut.of(one) for one in page.items), next_cursor=page.next_cursor
        )


class RegionOut(BaseModel):
    """A region."""

    organisation_id: UUID
    region_id: UUID
    key: str
    name: str
    parent_id: Annotated[
        UUID | None, Field(description="null at the top, and where the caller's reach begins")
    ]

    @classmethod
    def of(cls, one: RegionView) -> "RegionOut":
        """From the domain."""
        return cls(
            organisation_id=one.org_id,
            region_id=one.region_id,
            key=one.key,
            name=one.name,
            parent_id=one.parent_id,
        )


class RegionsOut(BaseModel):
    """A page of regions."""

    items: tuple[RegionOut, ...]
    next_cursor: str | None

    @classmethod
    def of(cls, page: Page[RegionView]) -> "RegionsOut":
        """From the domain."""
        return cls(
            items=tuple(RegionOut.of(one) for one in page.items), next_cursor=page.next_cursor
        )


class RegionParent(Asked):
    """Where a region is put: below another one, or (null) at the top."""

    parent_id: UUID | None


class WeeksAskedOut(BaseModel):
    """Weeks by the dates of their Mondays, both included."""

    first_week: date
    last_week: date


class RegionFiguresOut(BaseModel):
    """The union of the weeks of all confirmed stores below a region, or of an organisation.

    Each store's week runs by its own clock; the periods here are in UTC.
    """

    subject_id: UUID
    asked: WeeksAskedOut
    stores: Annotated[int, Field(description="confirmed ones below it today")]
    k: Annotated[int | None, Field(description="in force; null: nothing was released")]
    coverage: CoverageOut | None
    figures: FiguresOut | SuppressedOut

    @classmethod
    def of(
        cls, subject_id: UUID, first: date, last: date, total: RegionTotal
    ) -> "RegionFiguresOut":
        """From the domain."""
        return cls(
            subject_id=subject_id,
            asked=WeeksAskedOut(first_week=first, last_week=last),
            stores=total.stores,
            k=total.k,
            coverage=CoverageOut.of(total.coverage),
            figures=figures_out(total.figures, UTC_TIME),
        )


class StandingFigureOut(BaseModel):
    """One figure of a week."""

    figure: str
    value: Annotated[float | None, Field(description="null: only its bounds are known")]
    low: float | None
    high: float | None
    rests_on: Annotated[int | None, Field(description="visits in it, in steps as counts are")]
    expected_s: Annotated[float | None, Field(description="the limit of a share within a time")]


class StandingWeekOut(BaseModel):
    """A week by the date of its Monday; a figure that is absent is suppressed."""

    week: date
    figures: tuple[StandingFigureOut, ...]


class StandingOut(BaseModel):
    """Where a store, a region or an organisation stands, week by week."""

    kind: Kind
    subject_id: UUID
    organisation_id: UUID
    name: str
    weeks: tuple[StandingWeekOut, ...]

    @classmethod
    def of(cls, kind: Kind, one: Standing) -> "StandingOut":
        """From the domain."""
        return cls(
            kind=kind,
            subject_id=one.subject.subject_id,
            organisation_id=one.subject.org_id,
            name=one.subject.name,
            weeks=tuple(
                StandingWeekOut(
                    week=week.monday,
                    figures=tuple(
                        StandingFigureOut(
                            figure=each.figure,
                            value=each.value,
                            low=each.low,
                            high=each.high,
                            rests_on=each.rests_on,
                            expected_s=each.expected_s,
                        )
                        for each in week.figures
                    ),
                )
                for week in one.weeks
            ),
        )


class StandingsOut(BaseModel):
    """A page of standings."""

    items: tuple[StandingOut, ...]
    next_cursor: str | None
