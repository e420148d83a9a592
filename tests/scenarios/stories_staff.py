"""Stories about staff, and about what a camera cannot see; zones as in `stories_plain`."""

from __future__ import annotations

from tests.scenarios.layouts import SEATED
from tests.scenarios.stories_plain import STAFF
from tests.scenarios.story import Actor, Story, Want

GREETER_IN = "0 0.9 7; 15 0.9 7; 17 2.2 7; 18.5 2.3 5.6"

GREETER = Story(
    "greeter_on_the_customers_side",
    110,
    (
        Actor(
            GREETER_IN
            + "; 40 2.3 5.6; 42 0.6 4.6; 55 0.6 4.6; 58 2.4 5.6; 60 2.2 7; 62 0.9 7; 200 0.9 7",
            1.75,
        ),
        Actor(
            "25 4.5 4; 27 2 4; 29 -0.2 4.1; 69 -0.2 4.1; 70 0 5; 71 0 5.5; "
            "90 0 5.5; 91 0.8 5.5; 95 5 5.5"
        ),
    ),
    # within 1.2 m from 41.7 to 55.4
    (Want(27, 41.7, 70, 91, "served", 34.7, pattern="proactive", interruptions=0),),
)
GREETER_ONLY = Story(
    "greeter_walks_out_and_stays_staff",
    90,
    (
        STAFF,
        Actor(GREETER_IN + "; 20 1 4.4; 60 1 4.4; 62 2.4 5.6; 64 2.2 7; 66 0.9 7; 200 0.9 7", 1.75),
    ),
    (),
)
STEPS_AWAY = Story(
    "staff_step_away_for_20_s_in_mid_service",
    110,
    (
        Actor(
            "0 0.2 7; 40 0.2 7; 42 1.6 7; 44 4.8 7; 58 4.8 7; 60 1.6 7; 62 0.2 7; 200 0.2 7", 1.75
        ),
        Actor("5 4.5 4; 7 2 4; 9 0 4; 20 0 4; 21 0 5; 22 0 5.5; 90 0 5.5; 91 0.8 5.5; 95 5 5.5"),
    ),
    (Want(7, 21, 21, 91, "served", 52, pattern="reactive", interruptions=1),),
)
STAFF_HIDDEN = Story(
    "staff_hidden_for_8_s",
    90,
    (
        Actor("0 0.2 7; 200 0.2 7", 1.75, hidden=((35, 43),)),
        Actor("5 4.5 4; 7 2 4; 9 0 4; 20 0 4; 21 0 5; 22 0 5.5; 60 0 5.5; 61 0.8 5.5; 65 5 5.5"),
    ),
    (Want(7, 21, 21, 61, "served", 40, pattern="reactive"),),
)
TWO_STAFF = Story(
    "two_staff_and_one_party",
    90,
    (
        Actor("0 -0.6 7; 50 -0.6 7; 52 -1.6 7; 55 -4.8 7", 1.75),
        Actor("0 1 7; 200 1 7", 1.65),
        Actor("5 4.5 4; 7 2 4; 9 0 4; 20 0 4; 21 0 5; 22 0 5.5; 60 0 5.5; 61 0.8 5.5; 65 5 5.5"),
    ),
    (Want(7, 21, 21, 61, "served", 40, pattern="reactive"),),
)
ONE_STAFF_TWO_PARTIES = Story(
    "one_staff_attends_one_party_at_a_time",
    100,
    (
        STAFF,
        Actor("5 4.5 5.5; 8 0.8 5.5; 8.7 0.3 5.6; 40 0.3 5.6; 40.5 0.8 5.6; 44 5 5.6"),
        Actor("22 -5 5.4; 25 -0.8 5.4; 25.5 -0.5 5.4; 70 -0.5 5.4; 70.5 -0.8 5.4; 74 -5 5.4", 1.8),
    ),
    (
        Want(8, 8, 8, 40.5, "served", 32.5, pattern="reactive"),
        Want(25, 40.5, 40.5, 70.5, "served", 30, pattern="reactive"),
    ),
)
ALREADY = Story(
    "already_there_at_the_start",
    70,
    (STAFF, Actor("0 0 4; 20 0 4; 21 0 5; 22 0 5.5; 40 0 5.5; 41 0.8 5.5; 45 5 5.5")),
    (Want(0, 21, 21, 41, "served", 20, pattern="reactive", censored=True),),
)
STILL = Story(
    "still_present_at_the_end",
    60,
    (STAFF, Actor("5 4.5 4; 7 2 4; 9 0 4; 20 0 4; 21 0 5; 22 0 5.5; 200 0 5.5")),
    (Want(7, 21, 21, None, "still_present", 39, pattern="reactive"),),
)
CASHIER = Story(
    "seated_cashier",
    80,
    (
        Actor("0 0.2 7.1; 200 0.2 7.1", 1.3),
        Actor("5 4.5 4; 7 2 4; 9 0 4; 20 0 4; 21 0 5; 22 0 5.5; 60 0 5.5; 61 0.8 5.5; 65 5 5.5"),
    ),
    (Want(7, 21, 21, 61, "served", 40, pattern="reactive"),),
    layout=SEATED,
)
