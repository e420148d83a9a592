"""The sections about what the camera sees: picture, lens, floor, zones.

Polygons and points are in delivered pixels, x to the right and y down; floor positions in
metres. Checks that need two sections at once are in `firmware_cfg.coherence`.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from firmware_cfg.polygon import crossing_edges, fix_a_plane, on_a_line, polygon_area
from firmware_cfg.section import Anchor, Point, PointId, Polygon, Section, problem


class Lens(Section):
    """How the lens bends straight lines (OpenCV's models)."""

    model: Literal["none", "brown", "fisheye"] = Field("none", description="Distortion model.")
    matrix: tuple[tuple[float, float, float], ...] = Field(
        (), description="Camera matrix, 3 × 3, px; needed unless the model is `none`."
    )
    k: tuple[float, ...] = Field(
        (0.0, 0.0, 0.0, 0.0),
        min_length=4,
        max_length=4,
        description="brown: k1, k2, p1, p2; fisheye: k1 … k4, as in OpenCV.",
    )

    @model_validator(mode="after")
    def _matrix_fits(self) -> Self:
        if self.model != "none" or self.matrix:
            if len(self.matrix) != 3 or self.matrix[2] != (0.0, 0.0, 1.0):
                raise problem("matrix", "expected three rows, the last [0, 0, 1]")
            focal = self.matrix[0][0], self.matrix[1][1]
            if min(focal) <= 0:
                raise problem(
                    "matrix", f"expected focal lengths above 0, found {focal[0]:g} and {focal[1]:g}"
                )
        return self


class Camera(Section):
    """The one camera of the device."""

    size_px: tuple[
        Annotated[int, Field(ge=64, le=16000)], Annotated[int, Field(ge=64, le=16000)]
    ] = Field(description="Width and height of the delivered picture, px.")
    lens: Lens = Field(Lens(), description="Lens; none means straight lines stay straight.")


class Ground(Section):
    """Calibration of the floor: image points (delivered pixels) and where they are."""

    image_px: tuple[Point, ...] = Field(
        min_length=4, max_length=64, description="Image points, px."
    )
    world_m: tuple[Point, ...] = Field(
        min_length=4, max_length=64, description="The same points on the floor, metres."
    )

    @model_validator(mode="after")
    def _spans_a_plane(self) -> Self:
        if len(self.image_px) != len(self.world_m):
            raise problem(
                "world_m",
                f"expected as many points as image_px has, {len(self.image_px)}, "
                f"found {len(self.world_m)}",
            )
        for name, points in (("image_px", self.image_px), ("world_m", self.world_m)):
            if not fix_a_plane(points):
                raise problem(
                    name, "expected four points or more that differ, at least two off any line"
                )
        return self


def check_polygon(polygon: tuple[Point, ...]) -> tuple[Point, ...]:
    """Refuse polygons without area, with a point twice, or whose edges cross."""
    twice = [point for i, point in enumerate(polygon) if point in polygon[:i]]
    if twice:
        last = polygon[-1] == polygon[0]
        hint = "; the polygon closes by itself, leave the last point out" if last else ""
        raise problem("polygon", f"expected each point once, found {shown(twice[0])} twice{hint}")
    if on_a_line(polygon):
        raise problem("polygon", "expected a polygon with an area, found all points on a line")
    edges = crossing_edges(polygon)
    if edges is not None:
        first, second = (shown_edge(polygon, edge) for edge in edges)
        raise problem(
            "polygon",
            f"expected edges that do not cross, found that {first} meets {second}; "
            "give the points in the order in which one walks around the zone",
        )
    if polygon_area(polygon) < 1.0:
        raise problem("polygon", "expected an area of at least one pixel")
    return polygon


def shown(point: Point) -> str:
    """A point as it stands in a site file.

    >>> shown((3.0, 4.5))
    '[3, 4.5]'
    """
    return f"[{point[0]:g}, {point[1]:g}]"


def shown_edge(polygon: tuple[Point, ...], edge: int) -> str:
    """An edge in words, by its two ends."""
    return f"the edge {shown(polygon[edge])}–{shown(polygon[(edge + 1) % len(polygon)])}"


class Queue(Section):
    """A place where parties wait for one or several service points."""

    id: PointId = Field(description="Name, unique among queues and service points.")
    zone_px: Polygon = Field(description="Polygon, px.")
    feeds: tuple[PointId, ...] = Field((), description="Service points that it feeds; none: all.")
    anchor: Anchor = Field("foot", description="Point of a person's box that must be inside.")

    _simple = field_validator("zone_px")(check_polygon)


class ServicePoint(Section):
    """One counter position."""

    id: PointId = Field(description="Name, unique among queues and service points.")
    service_zone_px: Polygon = Field(description="The customers' side, px.")
    staff_zone_px: Polygon | None = Field(
        None, description="The staff side, px; none: self-service, nothing about staff is measured."
    )
    service_anchor: Anchor = Field("foot", description="Anchor for the service zone.")
    staff_anchor: Anchor = Field(
        "foot", description="Anchor for the staff zone; `centre` if seated."
    )

    _simple = field_validator("service_zone_px")(check_polygon)

    @field_validator("staff_zone_px")
    @classmethod
    def _staff_simple(cls, polygon: tuple[Point, ...] | None) -> tuple[Point, ...] | None:
        return None if polygon is None else check_polygon(polygon)
