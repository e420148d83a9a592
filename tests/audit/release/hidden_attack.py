"""Users who keep every answer and subtract one from another, and what must never come of it.

Of each answer the attacker learns which cells are in it, from the visits that it names, and
which of these are in each of its figures, from the number of parties on which it rests. Two
answers with one figure leave a difference: the cells that are in one and not in the other. The
parties behind that difference are none, or at least k.
"""

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import permutations
from typing import Any

from server.periods import Period
from tests.audit.release.hidden_world import CONFIRMED, SMALLEST, STORE_OF, K, Made, World, at

USERS = ("admin", "manager of all", "manager of a", "manager of c")
SEES = {"manager of a": "a", "manager of c": "c"}
ABOUT_STAFF = frozenset(
    {
        *("greeted_within", "greeting_median", "greeting_p90", "interaction_median"),
        *("abandoned", "flawless", "recovered"),
    }
)
WEEKS = {"first_week": "2026-11-09", "last_week": "2026-12-07"}


@dataclass(frozen=True)
class Question:
    """What a user asks: of a store with its points, or of all of them."""

    user: str
    what: str
    point: str
    first: int
    last: int
    cut_hours: tuple[float, float]

    @property
    def store(self) -> str:
        return SEES.get(self.user, STORE_OF[self.point])

    @property
    def asked(self) -> Period:
        first, last = sorted((self.first, self.last))
        return Period(at(first, self.cut_hours[0]), at(last + 1, self.cut_hours[1]))

    @property
    def query(self) -> dict[str, str]:
        return {"from": self.asked.start.isoformat(), "to": self.asked.end.isoformat()}


@dataclass
class Attacker:
    """All users together, in one world; `kept`: by figure, the cells of each answer."""

    world: World
    kept: dict[str, set[int]] = field(default_factory=dict)
    found: list[str] = field(default_factory=list)
    answers: int = 0

    def ask(self, question: Question) -> list[str]:
        """Ask, keep what it tells, and hand on the answers' text."""
        return list(ASKS[question.what](self, question))

    def get(self, question: Question, path: str, **asked: str) -> tuple[str, Any]:
        response = self.world.get(question.user, path, **asked)
        self.answers += response.status_code == 200
        is_json = response.headers.get("content-type") == "application/json"
        return self.world.told(response), response.json() if is_json else response.text

    def keep(
        self, figures: Mapping[str, Any], where: Period | None, stores: frozenset[str]
    ) -> int | None:
        """Keep what a document of figures tells; the cells that are in it; none: suppressed."""
        if figures.get("suppressed"):
            return None
        cells = self.decoded(figures["visits"], where, stores)
        self.note("visits", cells)
        for name, one in figures.items():
            if isinstance(one, dict) and one.get("suppressed") is False:
                self.note(name, self.behind(name, one["counts"]["of"], where, stores))
        return cells

    def behind(
        self, figure: str, parties: float, where: Period | None, stores: frozenset[str]
    ) -> int:
        """The cells behind a figure that rests on so many parties."""
        share = 0.75 if figure == "recovered" else 1.0
        return self.decoded(parties / share, where, stores)

    def note(self, figure: str, cells: int) -> None:
        self.kept.setdefault(figure, set()).add(cells)

    def decoded(self, visits: float, where: Period | None, stores: frozenset[str]) -> int:
        """The cells behind a number of visits, as bits; anything else is a find."""
        cells, rest = divmod(visits, SMALLEST)
        cells = int(cells)
        if rest:
            self.found.append(f"{visits} parties are no union of whole cells")
            return 0
        known = {one.bit: one for one in self.world.arrived}
        if cells & ~sum(known):
            self.found.append(f"{visits} parties are of cells that never came")
        for bit, one in known.items():
            if cells & bit:
                self.judge(one, where, stores)
        return cells

    def judge(self, one: Made, where: Period | None, stores: frozenset[str]) -> None:
        inside = where is None or (where.start <= one.period.start and one.period.end <= where.end)
        if not inside:
            self.found.append(f"cell {one.number} lies not whole inside what was asked")
        if STORE_OF[one.point] not in stores:
            self.found.append(f"cell {one.number} of store {STORE_OF[one.point]} is in a figure")
        if one.period.start < CONFIRMED:
            self.found.append(f"cell {one.number} began before its store was confirmed")

    def total_and_parts(self, total: int | None, parts: list[int | None]) -> None:
        """A total less its parts: nobody, or at least k; all parts together are an answer too."""
        known = [one for one in parts if one is not None]
        left = (total or 0) & ~sum(known)
        if 0 < self.parties("visits", left) < K or (sum(known) & ~(total or 0)):
            self.found.append("a total and its parts differ by what nobody was told")
        if total is not None and left:
            self.found.append(f"a total holds cells {left:b} that none of its parts has")

    def subtract(self) -> None:
        """Every two answers of each figure."""
        for figure, answers in self.kept.items():
            for one, other in permutations(answers | {0}, 2):
                parties = self.parties(figure, one & ~other)
                if 0 < parties < K:
                    self.found.append(f"{figure}: two answers differ by {parties} parties")

    def parties(self, figure: str, cells: int) -> int:
        """Those behind a figure of these cells; of `abandoned` all whose visits had ended."""
        hit = [one for one in self.world.arrived if cells & one.bit]
        of_some = figure in ABOUT_STAFF and figure != "abandoned"
        return sum(one.base if of_some else one.visits for one in hit)

    @property
    def confirmed(self) -> frozenset[str]:
        return frozenset("ab" if self.world.trial else "abc")


def _period(one: Mapping[str, str]) -> Period:
    return Period(datetime.fromisoformat(one["from"]), datetime.fromisoformat(one["to"]))


def _figures(who: Attacker, question: Question) -> Iterator[str]:
    """A store's total, and each of its points."""
    here, asked = frozenset(question.store), question.asked
    of_store = f"/api/v1/stores/{who.world.ids[question.store]}/figures"
    text, body = who.get(question, of_store, **question.query)
    yield text
    total, parts = who.keep(body["figures"], asked, here), []
    together: dict[str, int] = {}
    for number in (1, 2):
        point = who.world.ids[f"{question.store}{number}"]
        text, body = who.get(question, f"/api/v1/points/{point}/figures", **question.query)
        yield text
        part = who.keep(body["figures"], asked, here)
        parts.append(part)
        for name, one in body["figures"].items():
            if part and isinstance(one, dict) and one.get("suppressed") is False:
                cells = who.behind(name, one["counts"]["of"], asked, here)
                together[name] = together.get(name, 0) | cells
    for name, cells in together.items():
        who.note(name, cells)
    who.total_and_parts(total, parts)


def _course(who: Attacker, question: Question) -> Iterator[str]:
    for number in (1, 2):
        point = who.world.ids[f"{question.store}{number}"]
        text, body = who.get(question, f"/api/v1/points/{point}/course", **question.query)
        yield text
        for step in body["steps"]:
            if step["gap"] is None:
                who.keep(step["figures"], _period(step["period"]), frozenset(question.store))


def _region(who: Attacker, question: Question) -> Iterator[str]:
    subject = who.world.ids["acme" if question.user == "admin" else "east"]
    kind = "organisations" if question.user == "admin" else "regions"
    text, body = who.get(question, f"/api/v1/{kind}/{subject}/figures", **WEEKS)
    yield text
    if "figures" in body:
        who.keep(body["figures"], None, who.confirmed)


def _standings(who: Attacker, question: Question) -> Iterator[str]:
    names = {str(who.world.ids[name]): name for name in "abc"}
    for kind in ("store", "region", "organisation"):
        text, body = who.get(question, "/api/v1/standings", kind=kind, **WEEKS)
        yield text
        for one in body["items"]:
            of = frozenset(names.get(one["subject_id"], who.confirmed))
            for week in one["weeks"]:
                for figure in week["figures"]:
                    if figure["figure"] == "visits":
                        who.note("visits", who.decoded(figure["value"], None, of & who.confirmed))


def _exports(who: Attacker, question: Question) -> Iterator[str]:
    here = frozenset(question.store) & who.confirmed
    where = f"/api/v1/stores/{who.world.ids[question.store]}"
    for kind in ("cells", "figures"):
        text, body = who.get(question, f"{where}/{kind}.csv", **question.query)
        yield text
        for row in csv.DictReader(io.StringIO(body)):
            if not row["visits"]:
                continue
            cells = who.decoded(int(row["visits"]), question.asked, here)
            who.note("visits", cells)
            if kind == "cells":
                for name in ABOUT_STAFF:
                    if row[f"{name}_of"]:
                        of = int(row[f"{name}_of"])
                        who.note(name, who.behind(name, of, question.asked, here))
    text, body = who.get(question, "/api/v1/exports/standings.csv", **WEEKS)
    yield text
    for row in csv.DictReader(io.StringIO(body)):
        if row["figure"] == "visits":
            who.note("visits", who.decoded(float(row["value"]), None, who.confirmed))


def _pages(who: Attacker, question: Question) -> Iterator[str]:
    """Pages are read by people: what they say is compared between the worlds alone."""
    days = {
        "first": question.asked.start.date().isoformat(),
        "last": question.asked.end.date().isoformat(),
    }
    store = f"/stores/{who.world.ids[question.store]}"
    for path, asked in (
        ("/", {}),
        ("/changes", {}),
        (store, {}),
        (store, {"period": "range"} | days),
    ):
        yield who.get(question, path, **asked)[0]


ASKS = {
    "figures": _figures,
    "course": _course,
    "region": _region,
    "standings": _standings,
    "exports": _exports,
    "pages": _pages,
}
