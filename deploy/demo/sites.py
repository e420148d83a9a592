"""Who and where in the demo: the site file and the identity of whatever device A watches."""

from __future__ import annotations

import re
from pathlib import Path

from firmware_cfg.load import load_site

HERE = Path(__file__).resolve().parent
VIDEO = HERE.parents[1] / ".cache" / "vtest.avi"
WEBCAM_PX = (640, 480)
OWN_TABLES = re.compile(r"^\[(device|broker|page)\][^\n]*\n(?:(?!\[).*\n?)*", re.MULTILINE)


class DemoError(Exception):
    """The demo cannot go on; the message says why."""


def site_for(source: str, folder: Path) -> Path:
    """A site file for a source without one: a single zone in the lower middle of the picture.

    Raises:
        DemoError: the picture's size cannot be known beforehand.
    """
    if source == str(VIDEO):
        return HERE / "square.toml"
    if source.isdecimal() or source.startswith("/dev/"):
        width, height = WEBCAM_PX
    elif Path(source).is_file():
        width, height = picture_size(source)
    else:
        raise DemoError(
            f"{source.partition('@')[2] or source}: expected a camera, a video file, or"
            " SITE=site.toml with the picture's size and the zones of a network camera"
        )
    left, right, top, bottom = width // 5, width * 4 // 5, height // 2, height
    path = folder / "generic.toml"
    path.write_text(
        f"[camera]\nsize_px = [{width}, {height}]\n"
        f'[[service_point]]\nid = "counter"\nservice_zone_px = '
        f"[[{left}, {top}], [{right}, {top}], [{right}, {bottom}], [{left}, {bottom}]]\n"
        'service_anchor = "centre"\n',
        encoding="utf-8",
    )
    return path


def picture_size(video: str) -> tuple[int, int]:
    """(width, height) of a video file.

    Raises:
        DemoError: it is no video.
    """
    import cv2  # noqa: PLC0415 - needed for a file of the user's alone

    capture = cv2.VideoCapture(video)
    width, height = (
        int(capture.get(k)) for k in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT)
    )
    capture.release()
    if not (width and height):
        raise DemoError(f"{video}: expected a video, found none")
    return width, height


def write_identity(folder: Path, site_file: Path, source: str) -> Path:
    """Identity file: the scripted shop, and a store with the points of device A's site."""
    site = load_site(site_file)
    points = [(queue.id, "queue") for queue in site.queue]
    points += [(point.id, "service_point") for point in site.service_point]
    name = "The square (real video)" if source == str(VIDEO) else "Your video"
    text = (HERE / "identity.toml").read_text("utf-8")
    text += '\n[[store]]\nkey = "video"\norganisation = "demo"\nregion = "west"\n'
    text += f'name = "{name}"\ntimezone = "{site.store.timezone}"\n'
    for point, kind in points:
        text += f'[[store.point]]\nkey = "{key_of(point)}"\nkind = "{kind}"\nlabel = "{point}"\n'
    text += '\n[[device]]\nid = "video"\norganisation = "demo"\nstore = "video"\n'
    text += 'label = "Device A"\n'
    for point, _ in points:
        text += f'[[device.assignment]]\nlocal = "{point}"\npoint = "{key_of(point)}"\n'
    path = folder / "identity.toml"
    path.write_text(text, encoding="utf-8")
    return path


def key_of(point: str) -> str:
    """The server's key of a point of the site file."""
    return point.lower().replace(".", "-")


def without_own_tables(site: str) -> str:
    """The site file's text without the tables that the demo writes itself."""
    return OWN_TABLES.sub("", site)
