"""One mistake in a site file: its line, its key, and the words for it."""

from __future__ import annotations

import pytest

from firmware_cfg.errors import SiteFileError
from firmware_cfg.load import parse_site

SMALLEST = """\
[camera]
size_px = [640, 480]
[[service_point]]
id = "counter-1"
service_zone_px = [[10, 10], [100, 10], [100, 90]]
"""


ONE_MISTAKE = {
    "a misspelt key": (
        "[encounter]\ngreet_withn_s = 3",
        (7, "encounter.greet_withn_s", "unknown key; did you mean greet_within_s?"),
    ),
    "a key of another section": (
        "[privacy]\nmerge_s = 3",
        (7, "privacy.merge_s", "unknown key; it belongs in [encounter]"),
    ),
    "an unknown table": ("[privcy]\nk = 5", (6, "privcy", "unknown key; did you mean privacy?")),
    "below a bound": ("[privacy]\nk = 4", (7, "privacy.k", "expected a number ≥ 5, found 4")),
    "above a bound": (
        "[device]\nmax_rate_hz = 60.5",
        (7, "device.max_rate_hz", "expected a number ≤ 30, found 60.5"),
    ),
    "a number in quotes": (
        '[privacy]\nk = "10"',
        (7, "privacy.k", 'expected a whole number, found "10"'),
    ),
    "true for a number": (
        "[encounter]\nmerge_s = true",
        (7, "encounter.merge_s", "expected a number, found true"),
    ),
    "a fraction for a count": (
        "[privacy]\nteam_size = 2.5",
        (7, "privacy.team_size", "expected a whole number, found 2.5"),
    ),
    "not a number": (
        "[encounter]\nmerge_s = nan",
        (7, "encounter.merge_s", "expected a finite number, found nan"),
    ),
    "one of several words": (
        '[[queue]]\nid = "q"\nzone_px = [[0, 0], [9, 0], [9, 9]]\nanchor = "feet"',
        (9, "queue[0].anchor", 'expected "foot", "centre" or "head", found "feet"'),
    ),
    "a missing key": (
        '\n[[queue]]\nid = "q"',
        (7, "queue[0].zone_px", "missing: expected this key here"),
    ),
    "a point with one number": (
        '[[queue]]\nid = "q"\nzone_px = [[0, 0],\n [9], [9, 9]]',
        (9, "queue[0].zone_px[1][1]", "expected 2 elements, found fewer"),
    ),
    "a zone of two points": (
        '[[queue]]\nid = "q"\nzone_px = [[0, 0], [9, 9]]',
        (8, "queue[0].zone_px", "expected 3 elements or more, found an array of 2"),
    ),
    "a zone that repeats its first point": (
        '[[queue]]\nid = "q"\nzone_px = [[0, 0], [9, 0], [9, 9], [0, 0]]',
        (
            8,
            "queue[0].zone_px",
            (
                "expected each point once, found [0, 0] twice; the polygon closes by itself, leave "
                "the last point out"
            ),
        ),
    ),
    "a zone without area": (
        '[[queue]]\nid = "q"\nzone_px = [[0, 0], [3, 3], [9, 9]]',
        (8, "queue[0].zone_px", "expected a polygon with an area, found all points on a line"),
    ),
    "a name with a blank": (
        '[[queue]]\nid = "Queue 1"\nzone_px = [[0, 0], [9, 0], [9, 9]]',
        (
            7,
            "queue[0].id",
            (
                "expected 1 to 63 letters, digits, - _ and ., beginning with a letter or digit, "
                'found "Queue 1"'
            ),
        ),
    ),
    "a name given twice": (
        '[[queue]]\nid = "counter-1"\nzone_px = [[0, 0], [9, 0], [9, 9]]',
        (
            4,
            "service_point[0].id",
            (
                "expected an id that is unique among queues and service points, "
                'found "counter-1", which queue[0] has too'
            ),
        ),
    ),
    "a counter fed twice": (
        (
            '[[queue]]\nid = "q"\nzone_px = [[0, 0], [9, 0], [9, 9]]\n'
            'feeds = ["counter-1",\n"counter-1"]'
        ),
        (10, "queue[0].feeds[1]", 'expected each service point once, found "counter-1" twice'),
    ),
    "one table where several may stand": (
        '[queue]\nid = "q"',
        (6, "queue", "expected [[queue]], found a table"),
    ),
    "a value where a table stands": (
        "[device]\n[page]\nport = {}",
        (8, "page.port", "expected a whole number, found a table"),
    ),
    "a time zone that is none": (
        '[store]\ntimezone = "Asia/Shangai"',
        (
            7,
            "store.timezone",
            (
                "expected an IANA time zone such as Asia/Shanghai, found 'Asia/Shangai'; "
                "did you mean Asia/Shanghai?"
            ),
        ),
    ),
    "opening hours of another form": (
        '[store.opening]\nmon = ["09:00-21:00"]\ntue = ["9-21"]',
        (8, "store.opening.tue[0]", "expected HH:MM-HH:MM such as 09:00-21:00, found '9-21'"),
    ),
    "a weekday in full": (
        '[store.opening]\nmonday = ["09:00-21:00"]',
        (7, "store.opening.monday", "unknown key; did you mean mon?"),
    ),
    "a date that is none": (
        '[store]\nclosed = ["2027-02-30"]',
        (7, "store.closed[0]", 'expected a date such as 2027-01-01, found "2027-02-30"'),
    ),
    "a time that is none": (
        '[store]\nday_starts = "4 am"',
        (7, "store.day_starts", 'expected a time of day such as 04:00, found "4 am"'),
    ),
    "settling before merging": (
        "[encounter]\nsettle_s = 20",
        (7, "encounter.settle_s", "expected at least merge_s = 30, found 20"),
    ),
    "merging after settling": (
        "[encounter]\nmerge_s = 90",
        (6, "encounter.settle_s", "expected at least merge_s = 90, found 60"),
    ),
    "closing before settling": (
        "[encounter]\nwindow_settle_s = 60\nsettle_s = 300",
        (7, "encounter.window_settle_s", "expected at least encounter.settle_s = 300, found 60"),
    ),
    "a window that is no part of a calendar": (
        "[encounter]\nwindow_s = 1000",
        (7, "encounter.window_s", "expected 900, 1800 or 3600, found 1000"),
    ),
    "plain MQTT to another machine": (
        f'[broker]\nhost = "example.com"\ntls = false\nserver_key = "{"0" * 64}"',
        (
            8,
            "broker.tls",
            (
                "expected true for 'example.com', found false: plain MQTT is for a broker on this "
                "machine"
            ),
        ),
    ),
    "a certificate without TLS": (
        f'[broker]\nhost = "::1"\ntls = false\nca_file = "x"\nserver_key = "{"0" * 64}"',
        (9, "broker.ca_file", "expected tls = true beside it, found tls = false"),
    ),
    "a certificate without its key": (
        f'[broker]\nhost = "::1"\ncert_file = "x"\nserver_key = "{"0" * 64}"',
        (8, "broker.cert_file", "expected cert_file and key_file together, found one"),
    ),
    "ground points on a line": (
        (
            "[ground]\nimage_px = [[0, 0], [1, 0], [2, 0], [0, 3]]\n"
            "world_m = [[0, 0], [1, 0], [1, 1], [0, 1]]"
        ),
        (
            7,
            "ground.image_px",
            "expected four points or more that differ, at least two off any line",
        ),
    ),
    "more ground points here than there": (
        (
            "[ground]\nimage_px = [[0, 0], [1, 0], [2, 2], [0, 3], [5, 5]]\n"
            "world_m = [[0, 0], [1, 0], [1, 1], [0, 1]]"
        ),
        (8, "ground.world_m", "expected as many points as image_px has, 5, found 4"),
    ),
    "two ground points swapped": (
        (
            "[ground]\nimage_px = [[0, 9], [9, 9], [8, 1], [1, 1]]\n"
            "world_m = [[0, 0], [9, 0], [0, 9], [9, 9]]"
        ),
        (
            8,
            "ground.world_m",
            (
                "expected the points in the order of image_px, as one camera sees a floor; found "
                "that [0, 0], [9, 0], [0, 9] turn the other way: are two points swapped?"
            ),
        ),
    ),
    "a lens without a matrix": (
        '[camera.lens]\nmodel = "brown"',
        (6, "camera.lens.matrix", "expected three rows, the last [0, 0, 1]"),
    ),
    "a lens calibrated at another size": (
        '[camera.lens]\nmodel = "brown"\nmatrix = [[1800, 0, 1280], [0, 1800, 720], [0, 0, 1]]',
        (
            8,
            "camera.lens.matrix",
            (
                "expected a principal point inside the picture of 640 × 480 px, found [1280, 720]; "
                "was the lens calibrated at another size?"
            ),
        ),
    ),
    "a focal length in millimetres": (
        '[camera.lens]\nmodel = "brown"\nmatrix = [[4, 0, 320], [0, 4, 240], [0, 0, 1]]',
        (
            8,
            "camera.lens.matrix",
            "expected focal lengths from 64 to 12800 px for this picture, found 4 and 4",
        ),
    ),
    "an unknown profile": (
        '[device]\nprofile = "pi3"',
        (7, "device.profile", 'expected "generic", "pi4", "pi5" or "jetson-orin", found "pi3"'),
    ),
}


@pytest.mark.parametrize("name", ONE_MISTAKE)
def test_one_mistake(name: str) -> None:
    text, expected = ONE_MISTAKE[name]
    with pytest.raises(SiteFileError) as caught:
        parse_site(SMALLEST + text + "\n")
    assert [(one.line, one.key, one.message) for one in caught.value.problems] == [expected]
