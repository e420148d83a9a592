"""What it means that a leak was caught."""

from __future__ import annotations

import pytest

from edge.audit.finding import Finding, Part, Status, Words
from edge.audit.leaks.catalogue import MESSAGES, PICTURES
from edge.audit.leaks.leak import Leak

TEXT = Words("en", "zh")
LEAK = Leak("x", TEXT, "canary.files", "/srv/planted")


def finding(status: Status, *evidence: str) -> Finding:
    return Finding("canary.files", Part.CANARY, status, TEXT, TEXT, evidence)


HOLDS, UNSEEN = finding(Status.HOLDS), finding(Status.NOT_CHECKED)
CAUGHT = finding(Status.FAILS, "/srv/other", "/srv/planted")
CASES = {
    "caught": (HOLDS, CAUGHT, Status.HOLDS),
    "missed": (HOLDS, HOLDS, Status.FAILS),
    "another breach than the planted one": (
        HOLDS,
        finding(Status.FAILS, "/srv/other"),
        Status.FAILS,
    ),
    "a check that fails on the device, too": (CAUGHT, CAUGHT, Status.FAILS),
    "nobody looked": (UNSEEN, UNSEEN, Status.NOT_CHECKED),
    "nobody looked at the device": (UNSEEN, CAUGHT, Status.NOT_CHECKED),
}


@pytest.mark.parametrize("case", CASES)
def test_caught_means_found_by_a_check_that_holds_otherwise(case: str) -> None:
    clean, planted, expected = CASES[case]
    found = LEAK.judged({clean.check: clean}, {planted.check: planted})
    assert (found.check, found.part, found.status) == ("leak.x", Part.LEAKS, expected)


def test_a_check_that_was_not_run_catches_nothing() -> None:
    assert LEAK.judged({}, {}).status is Status.NOT_CHECKED


def test_every_leak_has_a_name_of_its_own_and_words_in_both_languages() -> None:
    leaks = (*PICTURES, *MESSAGES)
    assert len({leak.id for leak in leaks}) == len(leaks)
    assert all(leak.words.en and leak.words.zh for leak in leaks)
