"""The ledger of the running device: it holds, and it says what the site file says."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from pathlib import Path

from edge.audit.finding import Finding, Part, Words, judged, unseen
from edge.errors import EdgeError
from edge.ledger.entry import EntryKind, canonical
from edge.ledger.in_force import in_force
from edge.ledger.reading import opened
from edge.ledger.tables import latest
from edge.ledger.verification import verify
from edge.upload import OUTBOX_FILE
from firmware_cfg.site import Site

A = Part.RUNNING
CHECK = "configuration.ledger"
_HOW = Words(
    "The device's ledger (a signed chain of everything that was sent and changed) verified entry "
    "by entry, and its latest entries on configuration, model and privacy level held against the "
    "site file and the models' manifest that lie there. A server may only have made k larger "
    "than the site file has it.",
    "逐条核验设备账本（所有发送与更改的签名链），并将其关于配置、"
    "模型与隐私级别的最新条目与现有站点文件及"
    "模型清单比较。服务器只可能把 k 设得比站点文件更大。",
)


def ledger(site: Site) -> Finding:
    """The ledger in the device's state folder against its site file."""
    if site.broker is None:
        why = Words(
            "The site file names no broker: nothing is published, and there is no ledger.",
            "站点文件没有消息代理：不发布任何内容，也没有账本。",
        )
        return unseen(CHECK, A, _HOW, why)
    database = Path(site.device.state_dir) / OUTBOX_FILE
    try:
        verified = verify(database)
        with opened(database) as connection:
            problems = against_site(connection, site)
    except EdgeError as error:
        return judged(CHECK, A, _HOW, [str(error)], holds=_HOW)
    problems += [f"entry {one.entry}: {one.kind}: {one.sentence}" for one in verified.problems]
    evidence = [
        f"ledger {verified.ledger}, entries {verified.first} to {verified.last}",
        f"public key {verified.public_key.hex()}",
    ]
    if verified.head is not None:
        evidence.append(f"signed head: size {verified.head.size}, root {verified.head.root.hex()}")
    evidence += [one.en for one in verified.notes]
    holds = Words(
        f"{verified.last - verified.first + 1} entries hold, and the latest say what the site "
        "file says. They were verified by the key that lies beside them, and compared with no "
        "head kept elsewhere: whoever holds that key could have rewritten all of it. Hold the "
        "public key and a head that you kept against it: encounter-edge ledger verify.",
        f"{verified.last - verified.first + 1} 个条目均成立，且最新条目与站点文件一致。"
        "核验所用密钥就在账本旁，且未与任何另存的账本头比对：持有该密钥者可重写全部内容。"
        "请用您另存的公钥和账本头核对：encounter-edge ledger verify。",
    )
    return judged(CHECK, A, _HOW, problems, holds=holds, evidence=evidence)


def against_site(database: sqlite3.Connection, site: Site) -> list[str]:
    """Where the latest entries differ from what the site file says."""
    problems = []
    for kind, stated in in_force(site, site.privacy.k, 0):
        row = latest(database, kind)
        if row is None:
            problems.append(f"{kind}: expected an entry, found none")
        elif kind is EntryKind.PRIVACY:
            problems += _loosened(row.text() or b"{}", site)
        else:
            wanted = hashlib.sha256(canonical(stated)).digest()
            if row.entry.sha256 != wanted:
                problems.append(
                    f"entry {row.entry.number}, {kind}: expected sha256 {wanted.hex()} of what "
                    f"the site file says, found {row.entry.sha256.hex()}"
                )
    return problems


def _loosened(text: bytes, site: Site) -> list[str]:
    """What a privacy entry permits beyond the site file."""
    try:
        found = json.loads(text)
        k, team, live = found["k"], found["team_size"], found["live_state"]
        window_s = found["window_s"]
    except (ValueError, KeyError, TypeError):
        return [f"privacy: expected k, window_s, team_size and live_state, found {text[:80]!r}"]
    problems = []
    if not isinstance(k, int) or k < site.privacy.k:
        problems.append(f"privacy: expected k of at least {site.privacy.k}, found {k}")
    least_s = site.encounter.window_s
    if not isinstance(window_s, int) or window_s < least_s:
        problems.append(f"privacy: expected window_s of at least {least_s}, found {window_s}")
    agreed = site.privacy.pattern_agreement
    if found.get("pattern_agreement") != agreed:
        problems.append("privacy: expected the site file's pattern_agreement, found another")
    if team != site.privacy.team_size:
        problems.append(f"privacy: expected team_size {site.privacy.team_size}, found {team}")
    if live:
        problems.append("privacy: live state is on")
    return problems
