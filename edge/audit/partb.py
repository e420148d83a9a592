"""Part B: the device is shown a canary film, and all that it gives off is searched and read."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from edge.audit.canary.apart import apart
from edge.audit.canary.checks import Expected, check_run
from edge.audit.canary.emitted import Emission
from edge.audit.canary.film import BUSY, QUIET, Plan, write_film
from edge.audit.canary.ledger_check import check_ledger
from edge.audit.canary.markers import HEIGHT_PX, WIDTH_PX, fresh_seed
from edge.audit.canary.observing import Line, Place, Trial, observe, python
from edge.audit.canary.own_film import OWN_FILM, judge_own_film
from edge.audit.canary.secrets_check import check_secrets, observe_login, ordinary_device
from edge.audit.canary.site_file import DEVICE, MODEL, STARTS_AT, WINDOW_S, K, write_site
from edge.audit.canary.words import HOW
from edge.audit.canary.y4m import Film, write_used
from edge.audit.errors import AuditRunError
from edge.audit.finding import Finding, Part, Status, Words
from edge.audit.messages_check import Terms, check_messages
from edge.audit.search.search import Search
from edge.upload import OUTBOX_FILE
from firmware_cfg.errors import MessageError
from firmware_cfg.sealing import opened

FILM = "canary.y4m"
FRAMES = 1000  # a window of 900 s, the minute after it, and some more
WISH = (f"encounter/v1/{DEVICE}/down/desired", b'{"kind":"desired","schema_version":1,"k":5}')
TERMS = Terms(DEVICE, K, WINDOW_S, None, frozenset({BUSY, QUIET}), MODEL)
_PEOPLE_AT = 5  # the byte of a record that counts people: firmware_cfg.record
PLACEHOLDER_KEY = "00" * 32  # nobody signs acknowledgements here


def run(seed: int | None = None, film: Film | None = None) -> tuple[Finding, ...]:
    """Make the film, run the device on it, and judge what it gave off.

    Args:
        seed: repeats an earlier audit; None: a fresh one, which the findings name.
        film: the auditor's own, which is shown as well.
    """
    text = seed_text(seed)
    with tempfile.TemporaryDirectory(prefix="encounter-canary-") as folder:
        work = Path(folder)
        write_film(work / FILM, Plan(text, FRAMES))
        if film is not None:
            write_used(film, work / OWN_FILM)
        try:
            found = apart(Part.CANARY, text, work)
            return found if film is None else tuple(named_after(film, one) for one in found)
        except AuditRunError as error:
            return (_run_finding(Status.FAILS, Words(str(error), str(error))),)


def named_after(film: Film, finding: Finding) -> Finding:
    """The finding that the auditor's film was shown, with the film's name."""
    if finding.check != "film.run":
        return finding
    used = "all" if film.whole else f"the first {film.frames} (the rest is not used)"
    line = f"film: {film.path}; of its frames: {used}"
    return replace(finding, evidence=(line, *finding.evidence))


def seed_text(seed: int | None) -> str:
    """The seed as the canary takes it: 32 hexadecimal digits.

    >>> seed_text(255)
    '000000000000000000000000000000ff'
    """
    return fresh_seed() if seed is None else f"{seed:032x}"


def judge(seed: str, place: Place) -> tuple[Finding, ...]:
    """Run the device on the film in `place`, and judge what it gave off."""

    def command(folder: Path, port: int) -> Line:
        return device_line(folder, port, place.work / FILM)

    try:
        emission = observe(Trial("canary", command, wish=WISH), place)
    except AuditRunError as error:
        return (_run_finding(Status.FAILS, Words(str(error), str(error))),)
    login = observe_login("login", place, seed, ordinary_device())
    own = judge_own_film(place, emission) if (place.work / OWN_FILM).exists() else ()
    return (
        ran(emission, FRAMES, seed),
        *judged(emission, seed, place.work / "canary"),
        check_secrets(login, seed),
        *own,
    )


def device_line(
    folder: Path, port: int, film: Path, module: str = "edge.audit.canary.device"
) -> Line:
    """The command line of a device on a film, its files in `folder`."""
    site = write_site(folder / "site.toml", folder / "state", port, PLACEHOLDER_KEY)
    options = ("--source", str(film), "--site", str(site), "--starts-at", STARTS_AT.isoformat())
    return python(module, *options)


def judged(emission: Emission, seed: str, folder: Path) -> tuple[Finding, ...]:
    """Every ordinary check of what a run in `folder` gave off."""
    expected = Expected(seed, (WIDTH_PX, HEIGHT_PX))
    return (
        *check_run(emission, expected, Search(seed)),
        *check_messages(emission.messages, TERMS),
        check_ledger(folder / "state" / OUTBOX_FILE, emission.messages),
    )


def ran(emission: Emission, frames: int, seed: str) -> Finding:
    """Whether the device ran to the end, and was shown anything worth hiding."""
    people, cells = _people(emission), _cells(emission)
    incomplete = emission.calls is not None and len(emission.records) != frames
    if emission.status != 0 or incomplete:
        found = Words(
            f"It ended with status {emission.status} after {len(emission.records)} of {frames}"
            " records.",
            f"运行以状态 {emission.status} 结束，"
            f"{frames} 帧中只有 {len(emission.records)} 条记录。",
        )
        return _run_finding(Status.FAILS, found, emission.said[-3:])
    if people == 0 or cells == 0:
        found = Words(
            f"People found in the film: {people}; cells released: {cells}. So it shows nothing.",
            f"影片中检出人次：{people}；发布的单元：{cells}。因此不能说明问题。",
        )
        return _run_finding(Status.FAILS, found, emission.said[-3:])
    found = Words(
        f"Seed {seed}: {frames} frames, {len(emission.messages)} messages, cells released:"
        f" {cells}; it gave off {emission.total_bytes:,} bytes in all, as the instruments counted"
        f" them. One window of {WINDOW_S} s, without a team's size: cells that join several"
        " windows, and a store's weeks, do not occur in it, and are not covered.",
        f"种子 {seed}：{frames} 帧、{len(emission.messages)} 条消息，发布的单元：{cells}；"
        f"各仪器共计收集 {emission.total_bytes:,} 字节。仅一个 {WINDOW_S} 秒的窗口，且未声明"
        "团队人数：不含由多个窗口合并的单元与门店周数据，故不涵盖它们。",
    )
    return _run_finding(Status.HOLDS, found)


def _people(emission: Emission) -> int | None:
    """How many people the camera process found; None: its records were not seen."""
    if not emission.records:
        return None
    return sum(one.data[_PEOPLE_AT] for one in emission.records)


def _cells(emission: Emission) -> int:
    return sum(_text(one.payload).count(b'"visits":') for one in emission.messages)


def _text(payload: bytes) -> bytes:
    """A message's text; of one that cannot be read, what came."""
    try:
        return opened(payload)
    except MessageError:
        return payload


def _run_finding(status: Status, found: Words, evidence: Sequence[str] = ()) -> Finding:
    check = "canary.run"
    return Finding(check, Part.CANARY, status, HOW[check], found, tuple(evidence))
