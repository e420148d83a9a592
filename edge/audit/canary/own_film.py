"""The device on an auditor's own film, and the search for that film's pieces.

What the records tell of such a film is not correlated with it: the people whom the detector
finds follow any film. For that the seeded film has a strip that nothing may follow.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from edge.audit.canary.checks import CHECKS, Expected, Outcome, told_by
from edge.audit.canary.emitted import Emission
from edge.audit.canary.observing import Line, Place, Trial, observe, python
from edge.audit.canary.site_file import STARTS_AT, write_site
from edge.audit.canary.words import HOW
from edge.audit.canary.y4m import Film, read_film
from edge.audit.errors import AuditRunError
from edge.audit.finding import Finding, Part, Status, Words
from edge.audit.search.search import Searched
from edge.audit.search.shown import FilmSearch
from firmware_cfg.errors import RecordError
from firmware_cfg.record import unpack

OWN_FILM = "own.y4m"
DEVICE = "edge.audit.canary.device"
_LEFT_OUT = frozenset({"canary.turns"})  # see above
_SERVER_KEY = "00" * 32  # nobody signs acknowledgements here


def judge_own_film(
    place: Place, before: Emission, trial: Trial | None = None
) -> tuple[Finding, ...]:
    """Run the device on the auditor's film in `place`, and judge what it gave off.

    Args:
        place: where; its folder holds the film.
        before: what the device gave off on the seeded film.
        trial: another run than the ordinary device's.
    """
    film = read_film(place.work / OWN_FILM)
    try:
        run = observe(trial or Trial("own", partial(line_of, film)), place)
    except AuditRunError as error:
        return (_told("film.run", Status.FAILS, Words(str(error), str(error))),)
    search = FilmSearch(film)
    expected = Expected("", film.size_px)
    others = (
        replace(told_by(check, look(run, expected)), check=check.replace("canary.", "film."))
        for check, look in CHECKS.items()
        if check not in _LEFT_OUT
    )
    return (ran(run, film), searched(search, run, before), *others)


def line_of(film: Film, folder: Path, port: int) -> Line:
    """The command line of a device on the film, its files in `folder`."""
    site = write_site(folder / "site.toml", folder / "state", port, _SERVER_KEY, film.size_px)
    options = ("--source", str(film.path), "--site", str(site))
    return python(DEVICE, *options, "--starts-at", STARTS_AT.isoformat())


def searched(search: FilmSearch, run: Emission, before: Emission) -> Finding:
    """The search for the film's pieces; worth nothing if they are found where they cannot be."""
    check, result = "film.search", search.search(run.streams)
    control = search.search(before.streams)
    if control.hits and not result.hits:
        why = Words(
            "Pieces of this film are found in what the device gave off on another film, so they"
            " tell nothing. Take a film with more detail.",
            "在设备处理另一影片时产生的内容中也发现了该影片的片段，因此不能说明问题；"
            "请换一段细节更多的影片。",
        )
        lines = [hit.line() for hit in control.hits]
        return _told(check, Status.NOT_CHECKED, why, lines)
    problems = tuple(hit.line() for hit in result.hits)
    return told_by(check, Outcome(problems, _looked(search, result, control)))


def _looked(search: FilmSearch, result: Searched, control: Searched) -> Words:
    size, pieces, other = (
        f"{one:,}" for one in (result.looked_bytes, search.pieces, control.looked_bytes)
    )
    return Words(
        f"{size} bytes were searched for {pieces} pieces of the film; and {other} bytes that the"
        " device gave off on the seeded film, which held none.",
        f"在 {size} 字节中搜索了影片的 {pieces} 个片段；"
        f"并在设备处理种子影片时产生的 {other} 字节中同样搜索，均无发现。",
    )


def ran(run: Emission, film: Film) -> Finding:
    """Whether the film was played to its end."""
    width, height = film.size_px
    shown = f"{film.frames} frames of {width} × {height}"
    with film.path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    evidence = (f"shown: {film.path.stat().st_size} bytes, SHA-256 {digest}",)
    if run.status != 0 or (run.calls is not None and not run.records):
        found = Words(
            f"It ended with status {run.status} after {len(run.records)} records of {shown}.",
            f"运行以状态 {run.status} 结束，记录 {len(run.records)} 条，"
            f"影片为 {width} × {height}、{film.frames} 帧。",
        )
        return _told("film.run", Status.FAILS, found, (*run.said[-3:], *evidence))
    people = _people(run)
    found = Words(
        f"{shown} were shown; {len(run.records)} records, {people} people found in them. The"
        f" device gave off {run.total_bytes:,} bytes, as the instruments counted them.",
        f"已播放 {width} × {height} 的 {film.frames} 帧；{len(run.records)} 条记录，"
        f"检出 {people} 人次；各仪器共计收集 {run.total_bytes:,} 字节。",
    )
    return _told("film.run", Status.HOLDS, found, evidence)


def _people(run: Emission) -> int:
    count = 0
    for one in run.records:
        try:
            count += len(unpack(one.data).scores)
        except RecordError:
            continue  # `film.records` names it
    return count


def _told(check: str, status: Status, found: Words, evidence: Sequence[str] = ()) -> Finding:
    return Finding(check, Part.CANARY, status, HOW[check], found, tuple(evidence))
