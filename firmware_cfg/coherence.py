"""Checks of a site file that need several sections at once, or that reach across lists.

They read the parsed file before the schema has accepted it, so that a mistake in one section
hides none in another; whatever is not of the expected shape is the schema's to report, and
is passed over here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeGuard

from firmware_cfg.place import shown
from firmware_cfg.polygon import turned_over

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from firmware_cfg.locate import Path
    from firmware_cfg.polygon import Point

ZONES = (
    ("queue", "zone_px"),
    ("service_point", "service_zone_px"),
    ("service_point", "staff_zone_px"),
)


class Found(NamedTuple):
    """A mistake at a path of the file."""

    path: Path
    message: str


def incoherences(raw: Mapping[str, object]) -> Iterator[Found]:
    """Every mistake that the schema alone cannot see."""
    yield from _zones_outside(raw)
    yield from _double_ids(raw)
    yield from _dangling_feeds(raw)
    yield from _lens_beside_picture(raw)
    yield from _swapped_ground_points(raw)
    yield from _closing_before_settled(raw)


def _zones_outside(raw: Mapping[str, object]) -> Iterator[Found]:
    size = _size(raw)
    if size is None:
        return
    for kind, key in ZONES:
        for index, table in _tables(raw, kind):
            for vertex, value in enumerate(_list(table.get(key))):
                point = _point(value)
                if point and not (0 <= point[0] <= size[0] and 0 <= point[1] <= size[1]):
                    yield Found(
                        (kind, index, key, vertex),
                        f"expected a point inside the picture of {size[0]:g} × {size[1]:g} px, "
                        f"found {shown(point)}",
                    )


def _double_ids(raw: Mapping[str, object]) -> Iterator[Found]:
    first: dict[str, str] = {}
    for kind in ("queue", "service_point"):
        for index, table in _tables(raw, kind):
            name = table.get("id")
            if not isinstance(name, str):
                continue
            if name in first:
                yield Found(
                    (kind, index, "id"),
                    "expected an id that is unique among queues and service points, "
                    f'found "{name}", which {first[name]} has too',
                )
            first.setdefault(name, f"{kind}[{index}]")


def _dangling_feeds(raw: Mapping[str, object]) -> Iterator[Found]:
    points = [table.get("id") for _, table in _tables(raw, "service_point")]
    known = ", ".join(f'"{point}"' for point in points if isinstance(point, str)) or "none"
    for index, table in _tables(raw, "queue"):
        feeds = _list(table.get("feeds"))
        for position, name in enumerate(feeds):
            path = ("queue", index, "feeds", position)
            if isinstance(name, str) and name not in points:
                yield Found(
                    path, f'expected the id of a service point (here: {known}), found "{name}"'
                )
            elif name in feeds[:position]:
                yield Found(path, f'expected each service point once, found "{name}" twice')


def _lens_beside_picture(raw: Mapping[str, object]) -> Iterator[Found]:
    size, lens = _size(raw), _table(_table(raw.get("camera")).get("lens"))
    rows = [_list(row) for row in _list(lens.get("matrix"))]
    if size is None or [len(row) for row in rows] != [3, 3, 3]:
        return
    focal, centre = _point([rows[0][0], rows[1][1]]), _point([rows[0][2], rows[1][2]])
    path = ("camera", "lens", "matrix")
    if centre and not (0 < centre[0] < size[0] and 0 < centre[1] < size[1]):
        yield Found(
            path,
            f"expected a principal point inside the picture of {size[0]:g} × {size[1]:g} px, "
            f"found {shown(centre)}; was the lens calibrated at another size?",
        )
    longest = max(size)
    if focal and min(focal) > 0 and not all(longest / 10 <= f <= longest * 20 for f in focal):
        yield Found(
            path,
            f"expected focal lengths from {longest / 10:g} to {longest * 20:g} px for this "
            f"picture, found {focal[0]:g} and {focal[1]:g}",
        )


def _swapped_ground_points(raw: Mapping[str, object]) -> Iterator[Found]:
    ground, lens = _table(raw.get("ground")), _table(_table(raw.get("camera")).get("lens"))
    image = [_point(value) for value in _list(ground.get("image_px"))]
    world = [_point(value) for value in _list(ground.get("world_m"))]
    straight = lens.get("model", "none") == "none"  # a bent picture may bend straight triples
    if not straight or len(image) != len(world) or not 4 <= len(image) <= 64:
        return
    pairs = [(a, b) for a, b in zip(image, world, strict=True) if a and b]
    if len(pairs) < len(image):
        return
    triple = turned_over([a for a, _ in pairs], [b for _, b in pairs])
    if triple:
        points = ", ".join(shown(pairs[index][1]) for index in triple)
        yield Found(
            ("ground", "world_m"),
            "expected the points in the order of image_px, as one camera sees a floor; found "
            f"that {points} turn the other way: are two points swapped?",
        )


def _closing_before_settled(raw: Mapping[str, object]) -> Iterator[Found]:
    closes = _table(raw.get("encounter")).get("window_settle_s", 1800)
    settles = _table(raw.get("encounter")).get("settle_s", 60)
    if _is_number(closes) and _is_number(settles) and closes < settles:
        yield Found(
            ("encounter", "window_settle_s"),
            f"expected at least encounter.settle_s = {settles:g}, found {closes:g}",
        )


def _size(raw: Mapping[str, object]) -> Point | None:
    size = _point(_table(raw.get("camera")).get("size_px"))
    return size if size and min(size) > 0 else None


def _tables(raw: Mapping[str, object], kind: str) -> Iterator[tuple[int, Mapping[str, object]]]:
    for index, table in enumerate(_list(raw.get(kind))):
        if isinstance(table, dict):
            yield index, table


def _table(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _point(value: object) -> Point | None:
    if isinstance(value, list) and len(value) == 2:
        x, y = value
        if _is_number(x) and _is_number(y):
            return float(x), float(y)
    return None


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e9
