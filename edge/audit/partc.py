"""Part C: leaks are planted, and each must be caught by a check that judges the device itself."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from functools import partial
from pathlib import Path

from edge.audit.canary.apart import apart
from edge.audit.canary.checks import named
from edge.audit.canary.emitted import Emission
from edge.audit.canary.film import Plan, write_film
from edge.audit.canary.observing import Line, Place, Trial, observe, python
from edge.audit.canary.records import records_of
from edge.audit.canary.secrets_check import check_secrets, observe_login, ordinary_device
from edge.audit.canary.site_file import STARTS_AT, write_site
from edge.audit.errors import AuditRunError
from edge.audit.finding import Finding, Part, Status, Words
from edge.audit.leaks.addresses import clear_away
from edge.audit.leaks.catalogue import (
    ALONE,
    LATE,
    LOGIN,
    MESSAGES,
    PICTURES,
    TELEMETRY,
    THREADS,
)
from edge.audit.leaks.leak import VARIABLE, Leak
from edge.audit.leaks.leaking_edge import SEED
from edge.audit.leaks.ledgers import ledger_leaks
from edge.audit.leaks.running import in_running
from edge.audit.leaks.small import dumpable_after_exec, from_the_jail, swapped_model
from edge.audit.partb import FRAMES, PLACEHOLDER_KEY, WISH, device_line, judged, seed_text

SHORT, LONG = "short.y4m", "long.y4m"
SHORT_FRAMES, LONG_FRAMES = 140, 125
LONG_RATE_HZ = Fraction(1, 30)  # so that 130 frames last more than an hour
RECORDS = "visits.records"
DEVICE = "edge.audit.leaks.device"
VISION = "edge.audit.leaks.leaking_vision"
EDGE, LEAKING_EDGE = "edge.appliance", "edge.audit.leaks.leaking_edge"
Named = Mapping[str, Finding]


def run(seed: int | None = None) -> tuple[Finding, ...]:
    """Plant every leak, and judge whether each was caught; `seed` as in part B."""
    text = seed_text(seed)
    with tempfile.TemporaryDirectory(prefix="encounter-leaks-") as folder:
        work = Path(folder)
        prepare(text, work)
        try:
            return apart(Part.LEAKS, text, work)
        except AuditRunError as error:
            said = Words(str(error), str(error))
            return (Finding("leak.run", Part.LEAKS, Status.FAILS, said, said),)


def prepare(seed: str, work: Path) -> None:
    """Make the films and records that the runs are shown."""
    write_film(work / SHORT, Plan(seed, SHORT_FRAMES))
    write_film(work / LONG, Plan(seed, LONG_FRAMES, LONG_RATE_HZ, peopled=False))
    (work / RECORDS).write_bytes(records_of(Plan(seed, FRAMES)))


def judge(seed: str, place: Place) -> tuple[Finding, ...]:
    """Run everything in `place`, and judge it."""
    bench = Bench(seed, place)
    found: list[Finding] = []
    for group in (
        lambda: bench.of_vision(SHORT, (PICTURES, THREADS, TELEMETRY)),
        lambda: bench.of_vision(LONG, (LATE,)),
        lambda: bench.of_edge((MESSAGES, ALONE)),
        bench.of_login,
        lambda: from_the_jail(place.work),
        lambda: [swapped_model(place.work), dumpable_after_exec()],
        lambda: in_running(place.work),
        lambda: ledger_leaks(bench.run, place.work),
    ):
        found += group()
    return tuple(found)


class Bench:
    """Runs with leaks planted, beside the same runs without."""

    def __init__(self, seed: str, place: Place) -> None:
        """Plant what `seed` makes recognisable, in `place`."""
        self._seed, self._place = seed, place

    def of_vision(self, film: str, groups: Sequence[Sequence[Leak]]) -> Iterator[Finding]:
        """Leaks of the camera process: one clean run, then one for each group."""
        path = self._place.work / film

        def clean_line(folder: Path, port: int) -> Line:
            return device_line(folder, port, path)

        def planted_line(folder: Path, port: int) -> Line:
            return (*device_line(folder, port, path, DEVICE), "--exchange", f"vision={VISION}")

        clean = self._judged(Trial(f"clean-{film}", clean_line))
        for leaks in groups:
            ids = ",".join(one.id for one in leaks)
            trial = Trial(leaks[0].id, planted_line, VISION, environment={VARIABLE: ids})
            yield from _caught(leaks, clean, partial(self._judged, trial))

    def of_edge(self, groups: Sequence[Sequence[Leak]]) -> Iterator[Finding]:
        """Leaks of the edge process, which is played the records of visits."""
        clean = self._judged(self.play("clean-edge"))
        for leaks in groups:
            trial = self.play(leaks[0].id, LEAKING_EDGE, leaks)
            yield from _caught(leaks, clean, partial(self._judged, trial))

    def play(
        self, name: str, module: str = EDGE, leaks: Sequence[Leak] = (), state: Path | None = None
    ) -> Trial:
        """A run of edge, or what stands in its place, on the records; `state`: what it finds."""

        def command(folder: Path, port: int) -> Line:
            if state is not None:
                shutil.copytree(state, folder / "state")
            site = write_site(folder / "site.toml", folder / "state", port, PLACEHOLDER_KEY)
            records = ("--records", str(self._place.work / RECORDS))
            begin = ("--starts-at", STARTS_AT.isoformat(), "--module", module)
            return python("edge.audit.leaks.player", "--site", str(site), *records, *begin)

        planted = {VARIABLE: ",".join(one.id for one in leaks), SEED: self._seed}
        return Trial(name, command, program="", wish=WISH, environment=planted)

    def run(self, name: str, state: Path | None) -> Emission:
        """Run edge once, on a copy of `state`."""
        return observe(self.play(name, state=state), self._place)

    def of_login(self) -> Iterator[Finding]:
        """A password in a log."""
        leaking = (*python(DEVICE), "--exchange", "relay=edge.audit.leaks.leaking_relay")
        runs = []
        for name, line in (("login", ordinary_device()), ("login-told", leaking)):
            one = check_secrets(observe_login(name, self._place, self._seed, line), self._seed)
            runs.append({one.check: one})
        yield from _caught(LOGIN, runs[0], lambda: runs[1])

    def _judged(self, trial: Trial) -> Named:
        try:
            emission = observe(trial, self._place)
        finally:
            clear_away()
        return named(judged(emission, self._seed, self._place.work / trial.name))


def _caught(leaks: Sequence[Leak], clean: Named, planted: Callable[[], Named]) -> Iterator[Finding]:
    """The finding of each leak; a run that fails catches none."""
    try:
        after = planted()
    except AuditRunError as error:
        said = Words(str(error), str(error))
        yield from (one.finding(Status.FAILS, said) for one in leaks)
        return
    for leak in leaks:
        yield leak.judged(clean, after)
