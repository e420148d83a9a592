"""An auditor's own film: nothing of it leaves the device, and a planted leak of it is caught."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from edge.audit.canary.checks import named
from edge.audit.canary.emitted import Emission, Stream
from edge.audit.canary.film import Plan, write_film
from edge.audit.canary.observing import Line, Place, Trial, observe
from edge.audit.canary.own_film import OWN_FILM, judge_own_film, line_of, searched
from edge.audit.canary.y4m import read_film
from edge.audit.finding import Finding, Status
from edge.audit.leaks.addresses import clear_away
from edge.audit.leaks.leak import VARIABLE
from edge.audit.partb import device_line
from edge.audit.partc import DEVICE, VISION
from edge.audit.search.shown import FilmSearch
from tests.unit.edge.audit.filming import natural_film

FRAMES = 30
LEAKS = "frame-to-disk,inherited-descriptor"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    work = tmp_path_factory.mktemp("own")
    natural_film(work / OWN_FILM, (320, 180), FRAMES)
    write_film(work / "seeded.y4m", Plan("17" * 16, 20))
    return Place(work)


@pytest.fixture(scope="module")
def before(place: Place) -> Emission:
    """What the device gives off on a seeded film."""

    def line(folder: Path, port: int) -> Line:
        return device_line(folder, port, place.work / "seeded.y4m")

    return observe(Trial("seeded", line), place)


@pytest.fixture
def _no_leak_stays() -> Iterator[None]:
    yield
    clear_away()


def judged(place: Place, before: Emission, leak: str = "") -> dict[str, Finding]:
    film = read_film(place.work / OWN_FILM)
    if not leak:
        return named(judge_own_film(place, before))

    def line(folder: Path, port: int) -> Line:
        words = list(line_of(film, folder, port))
        words[words.index("-m") + 1] = DEVICE
        return (*words, "--exchange", f"vision={VISION}")

    trial = Trial("planted", line, VISION, environment={VARIABLE: leak})
    return named(judge_own_film(place, before, trial))


def test_nothing_of_it_leaves_the_device(place: Place, before: Emission) -> None:
    found = judged(place, before)
    assert [one for one in found.values() if one.status is Status.FAILS] == []
    for check in ("film.run", "film.search", "film.records", "film.calls"):
        assert found[check].status is Status.HOLDS, found[check]
    assert f"{FRAMES} frames of 320 × 180" in found["film.run"].found.en
    assert "film.turns" not in found


@pytest.mark.usefixtures("_no_leak_stays")
def test_planted_leaks_of_it_are_caught(place: Place, before: Emission) -> None:
    found = judged(place, before, LEAKS)["film.search"]
    assert found.status is Status.FAILS, found.found
    for form in ("inflated: rows of the film", "hexadecimal: rows of the film"):
        assert any(form in line for line in found.evidence), found.evidence


def test_a_film_that_is_found_anywhere_tells_nothing(place: Place, before: Emission) -> None:
    film = read_film(place.work / OWN_FILM)
    elsewhere = Stream("elsewhere", film.path.read_bytes()[200_000:300_000])
    spoilt = replace(before, streams=(*before.streams, elsewhere))
    search = FilmSearch(film)
    assert searched(search, before, spoilt).status is Status.NOT_CHECKED
    assert searched(search, spoilt, spoilt).status is Status.FAILS
    assert searched(search, before, before).status is Status.HOLDS
