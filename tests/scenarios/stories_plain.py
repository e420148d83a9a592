"""Stories about customers. Zones: queue x −2…2, y 3.4…4.8; service x −0.8…0.8, y 5…6; desk y 6…6.6.

A path crosses the border of a zone at a waypoint, so the moments can be read off it.
"""

from __future__ import annotations

from tests.scenarios.layouts import SELF_SERVICE, TWO, WIDE
from tests.scenarios.story import Actor, Story, Want

STAFF = Actor("0 0.2 7; 200 0.2 7", 1.75)

ALONE = Story(
    "served_alone",
    80,
    (
        STAFF,
        Actor("5 4.5 4; 7 2 4; 9 0 4; 20 0 4; 21 0 5; 22 0 5.5; 60 0 5.5; 61 0.8 5.5; 65 5 5.5"),
    ),
    (Want(7, 21, 21, 61, "served", 40, pattern="reactive"),),
)
COUPLE = Story(
    "couple_waits_then_is_greeted",
    100,
    (
        Actor("36 4.5 7; 40 1.55 7; 41 0.2 7; 200 0.2 7", 1.75),
        Actor(
            "5 4.5 3.9; 7 2 3.9; 9 0.3 4.2; 20 0.3 4.2; 21 0.3 5; "
            "22 0.3 5.5; 70 0.3 5.5; 71 0.8 5.5; 75 5 5.5",
            1.6,
        ),
        Actor(
            "6 4.5 4; 8 2 4; 9.5 -0.3 4.2; 20 -0.3 4.2; 21 -0.3 5; "
            "22 -0.3 5.5; 70 -0.3 5.5; 72 0.8 5.5; 76 5 5.5",
            1.8,
        ),
    ),
    (Want(7, 40, 40, 72, "served", 32, size=2, pattern="proactive"),),
)
STRANGERS = Story(
    "two_strangers_advance_one_at_a_time",
    100,
    (
        STAFF,
        Actor(
            "5 4.5 4; 7 2 4; 9 0 4.2; 25 0 4.2; 26 0 5; 27 0 5.5; 45 0 5.5; 46 0.8 5.5; 50 5 5.5"
        ),
        Actor(
            "9 4.5 4; 11 2 4; 12.5 0.7 3.8; 26 0.7 3.8; 28 0.9 4.2; "
            "47 0.9 4.2; 48 0.2 5; 49 0 5.5; 70 0 5.5; 71 0.8 5.5; 75 5 5.5",
            1.65,
        ),
    ),
    (
        Want(7, 26, 26, 46, "served", 20, pattern="reactive"),
        Want(11, 48, 48, 71, "served", 23, pattern="reactive"),
    ),
)
BEHIND_THE_NEXT = Story(
    "served_while_hidden_by_the_next_in_the_queue",
    100,
    (
        STAFF,
        Actor(
            "5 4.5 4; 7 2 4; 9 0 4.2; 25 0 4.2; 26 0 5; 27 0 5.5; 45 0 5.5; 46 0.8 5.5; 50 5 5.5"
        ),
        Actor(
            "9 4.5 4; 11 2 4; 12.5 0.7 3.8; 26 0.7 3.8; 28 0 4.2; 47 0 4.2; "
            "48 0 5; 49 0 5.5; 70 0 5.5; 71 0.8 5.5; 75 5 5.5",
            1.65,
        ),
    ),
    # 18 s hidden are more than `hidden_bridge_s`: not counted as interaction, and the noise
    # decides when it begins
    (
        Want(7, 26, 26, 46, "served", 2.4, pattern="reactive"),
        Want(11, 48, 48, 71, "served", 23, pattern="reactive"),
    ),
    slack_s=0.5,
)
FAMILY = Story(
    "family_of_three",
    90,
    (
        STAFF,
        Actor(
            "5 4.5 4; 7 2 4; 9 0 4.2; 20 0 4.2; 21 0 5; 22 0 5.4; 60 0 5.4; 61 0.8 5.4; 65 5 5.4",
            1.8,
        ),
        Actor(
            "6 4.5 4; 8 2 4; 9.5 0.6 4.2; 20 0.6 4.2; 21 0.6 5; 22 0.6 5.5; "
            "61 0.6 5.5; 61.2 0.8 5.5; 66 5 5.5",
            1.65,
        ),
        Actor(
            "5.5 4.5 4.3; 7.5 2 4.3; 9.3 0.4 4.6; 20 0.4 4.6; 21 0.4 5; "
            "22 0.35 5.8; 61 0.35 5.8; 61.4 0.8 5.8; 66 5 5.8",
            1.25,
        ),
    ),
    (Want(7, 21, 21, 61.4, "served", 40.4, size=3, pattern="reactive"),),
)
ABANDONS = Story(
    "abandons_after_40_s",
    80,
    (Actor("5 4.5 4; 7 2 4; 9 0.5 4.2; 46 0.5 4.2; 47 2 4.2; 50 5 4.2"),),
    (Want(7, None, None, 47, "abandoned"),),
)
LOOKS = Story(
    "looks_and_passes",
    60,
    (STAFF, Actor("5 4.5 4; 7 2 4; 9 0.5 4.2; 15 0.5 4.2; 17 2 4.2; 20 5 4.2")),
    (Want(7, None, None, 17, "passed"),),
)
PASSER = Story(
    "passer_by",
    40,
    (STAFF, Actor("5 4.5 4; 7 2 4; 10.2 -2 4; 12.5 -5 4")),
    (),
    passers_by=1,
)
HIDDEN = Story(
    "hidden_for_20_s_in_the_queue_and_found_again",
    90,
    (
        STAFF,
        Actor(
            "5 4.5 4; 7 2 4; 9 0 4; 50 0 4; 51 0 5; 52 0 5.5; 75 0 5.5; 76 0.8 5.5; 80 5 5.5",
            hidden=((20, 40),),
        ),
    ),
    (Want(7, 51, 51, 76, "served", 25, pattern="reactive"),),
)
OUT_AND_IN = Story(
    "one_walks_out_another_walks_in",
    100,
    (
        STAFF,
        Actor("5 4.5 4; 7 2 4; 8 0.5 4.2; 30 0.5 4.2; 31 2 4.2; 34 5 4.2", 1.7),
        Actor(
            "38 4.5 4.1; 40 2 4.1; 41 0.5 4.2; 50 0.5 4.2; 51 0.3 5; "
            "52 0 5.5; 75 0 5.5; 76 0.8 5.5; 80 5 5.5",
            1.72,
        ),
    ),
    (
        Want(7, None, None, 31, "abandoned"),
        Want(40, 51, 51, 76, "served", 25, pattern="reactive"),
    ),
)
BLIND_20 = Story(
    "blind_for_20_s",
    100,
    (
        STAFF,
        Actor("5 4.5 4; 7 2 4; 9 0 4; 50 0 4; 51 0 5; 52 0 5.5; 75 0 5.5; 76 0.8 5.5; 80 5 5.5"),
    ),
    (Want(7, 51, 51, 76, "served", 25, pattern="reactive"),),
    blind=((20, 40),),
)
BLIND_60 = Story(
    "blind_for_60_s",
    150,
    (
        STAFF,
        Actor("5 4.5 4; 7 2 4; 9 0 4; 90 0 4; 91 0 5; 92 0 5.5; 115 0 5.5; 116 0.8 5.5; 120 5 5.5"),
    ),
    (
        Want(7, None, None, None, "still_present"),
        Want(80, 91, 91, 116, "served", 25, pattern="reactive", censored=True),
    ),
    blind=((20, 80),),
)
FRIEND = Story(
    "a_friend_joins_the_waiting",
    110,
    (
        STAFF,
        Actor(
            "5 4.5 4; 7 2 4; 9 0.4 4.2; 45 0.4 4.2; 46 0.35 5; 47 0.35 5.5; "
            "80 0.35 5.5; 81 0.8 5.5; 85 5 5.5"
        ),
        Actor(
            "23 4.5 4; 25 2 4; 26.5 1 4.2; 45 1 4.2; 46.5 -0.3 5; "
            "47 -0.3 5.5; 80 -0.3 5.5; 82 0.8 5.5; 86 5 5.5",
            1.6,
        ),
    ),
    (Want(7, 46, 46, 82, "served", 36, size=2, pattern="reactive"),),
)
TWO_POINTS = Story(
    "two_service_points_one_queue",
    100,
    (
        Actor("0 -1.4 7; 200 -1.4 7", 1.75),
        Actor("0 1.4 7; 200 1.4 7", 1.7),
        Actor(
            "5 4.8 4; 7 2 4; 9 -0.5 4.2; 20 -0.5 4.2; 21 -1.2 5; "
            "22 -1.4 5.5; 50 -1.4 5.5; 51 -2.2 5.5; 54 -5.5 5.5"
        ),
        Actor(
            "14 4.8 4; 16 2 4; 17 0.9 4.2; 30 0.9 4.2; 31 1.2 5; 32 1.4 5.5; "
            "60 1.4 5.5; 61 2.2 5.5; 64 5.8 5.5",
            1.6,
        ),
    ),
    (
        Want(7, 21, 21, 51, "served", 30, pattern="reactive"),
        Want(16, 31, 31, 61, "served", 30, pattern="reactive", point="counter-2"),
    ),
    layout=TWO,
)
KIOSK = Story(
    "self_service",
    70,
    (Actor("5 4.5 4; 7 2 4; 9 0 4; 20 0 4; 21 0 5; 22 0 5.5; 50 0 5.5; 51 0.8 5.5; 55 5 5.5"),),
    (Want(7, None, None, 51, "abandoned", point="kiosk"),),
    layout=SELF_SERVICE,
)
ABSENT_20 = Story(
    "steps_aside_for_20_s",
    110,
    (
        STAFF,
        Actor(
            "5 4.5 4; 7 2 4; 9 1 4.2; 20 1 4.2; 21 2 4.2; 22 2.4 5; "
            "39 2.4 5; 41 2 4.2; 42 1 4.2; 55 0.5 4.2; 56 0.2 5; 57 0 5.5; "
            "80 0 5.5; 81 0.8 5.5; 85 5 5.5"
        ),
    ),
    (Want(7, 56, 56, 81, "served", 25, pattern="reactive"),),
)
ABSENT_40 = Story(
    "steps_aside_for_40_s",
    130,
    (
        STAFF,
        Actor(
            "5 4.5 4; 7 2 4; 9 1 4.2; 26 1 4.2; 27 2 4.2; 28 2.4 5; "
            "65 2.4 5; 67 2 4.2; 68 1 4.2; 75 0.5 4.2; 76 0.2 5; 77 0 5.5; "
            "100 0 5.5; 101 0.8 5.5; 105 5 5.5"
        ),
    ),
    (
        Want(7, None, None, 27, "abandoned"),
        Want(67, 76, 76, 101, "served", 25, pattern="reactive"),
    ),
)
CROSSES = Story(
    "somebody_crosses_before_the_counter",
    90,
    (
        STAFF,
        Actor("5 4.5 4; 7 2 4; 9 0 4; 20 0 4; 21 0 5; 22 0 5.6; 60 0 5.6; 61 0.8 5.6; 65 5 5.6"),
        Actor("40 -4.5 4.9; 43 -0.8 5.25; 44.2 0.8 5.25; 47 4.5 4.9", 1.8),
    ),
    (Want(7, 21, 21, 61, "served", 40, pattern="reactive"),),
    passers_by=1,
)
LOWER_EDGE = Story(
    "leaves_across_the_lower_edge",
    80,
    (
        STAFF,
        Actor(
            "5 4.5 4; 7 2 4; 9 0 4; 20 0 4; 21 0 5; 22 0 5.5; 50 0 5.5; "
            "50.5 0 5; 51.8 0 3.4; 53.5 0 1.2"
        ),
    ),
    (Want(7, 21, 21, 51.8, "served", 29.5, pattern="reactive"),),
)
WIDE_LENS = Story("served_alone_wide_lens", 80, ALONE.actors, ALONE.want, layout=WIDE)
