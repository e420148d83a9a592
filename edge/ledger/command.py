"""`encounter-edge ledger`: show, verify, head, prove, config. Nothing is written anywhere.

Exit status: 0 the ledger holds; 1 something is wrong with it; 2 bad input.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import sys
from collections.abc import Callable
from datetime import UTC, datetime, time
from pathlib import Path

from edge.ledger.entry import EntryKind, canonical
from edge.ledger.errors import LedgerInputError
from edge.ledger.head import Head
from edge.ledger.heads_check import head_of
from edge.ledger.in_force import in_force
from edge.ledger.options import Request
from edge.ledger.paper import fingerprint, head_code, read_head_code
from edge.ledger.reading import opened
from edge.ledger.show import lines, zone_of
from edge.ledger.tables import DROPPED, PUBLIC_KEY, Row, frontier_of, rows
from edge.ledger.tree import Tree
from edge.ledger.verification import Verification, verify
from edge.outbox_file import meta
from edge.words import Words
from firmware_cfg.codec import decode, peek
from firmware_cfg.errors import MessageError
from firmware_cfg.load import load_site
from firmware_cfg.messages import Health, LedgerHead

HOLDS, WRONG = 0, 1
_MOST_FILE_BYTES = 1_000_000


def run(request: Request) -> int:
    """Do what is asked; returns the exit status.

    Raises:
        LedgerInputError: a file, key or code that cannot be used.
        SiteFileError: a site file that cannot be used.
    """
    if (request.action in ("prove", "config")) != (request.subject is not None):
        expected = "an entry's number or a site file with prove and config, and else nothing"
        raise LedgerInputError(f"ledger {request.action}: expected {expected}")
    actions: dict[str, Callable[[Request], int]] = {
        "show": _show,
        "verify": _verify,
        "head": _head,
        "prove": _prove,
        "config": _config,
    }
    try:
        return actions[request.action](request)
    except sqlite3.DatabaseError as error:
        raise LedgerInputError(f"{request.database}: cannot be read ({error})") from None


def _show(request: Request) -> int:
    if request.kind is not None and request.kind not in set(EntryKind):
        kinds = ", ".join(EntryKind)
        raise LedgerInputError(f"--kind: expected one of {kinds}, found {request.kind!r}")
    kind = None if request.kind is None else EntryKind(request.kind)
    with opened(request.database) as database:
        since = None
        if request.since is not None:
            since = datetime.combine(request.since, time(), zone_of(database)).astimezone(UTC)
        for line in lines(database, since, kind):
            _say(line.text(request.language))
    return HOLDS


def _verify(request: Request) -> int:
    key = None if request.public_key is None else _public_key(request.public_key)
    heads = tuple(_read_head(text) for text in request.heads)
    payloads = tuple(_content(path) for path in request.payloads)
    found = verify(request.database, heads, public_key=key, payloads=payloads)
    for problem in found.problems:
        _say(f"{problem.kind}: {problem.words.say(request.language)}")
    for note in found.notes:
        _say(Words("note: ", "注：").say(request.language) + note.say(request.language))
    _say(_verdict(found, len(heads), given=key is not None).say(request.language))
    return HOLDS if found.holds else WRONG


def _verdict(found: Verification, heads: int, *, given: bool) -> Words:
    if not found.holds:
        count = len(found.problems)
        return Words(
            f"The ledger does not hold: {count} problem{'s' if count > 1 else ''}.",
            f"账本不成立：{count} 个问题。",
        )
    key = fingerprint(found.public_key) if found.public_key else "-"
    whose = Words("", "") if given else Words(" (compare it with the device's)", "（请与设备核对）")
    compared = Words(
        f" {heads} head{'s' if heads > 1 else ''} kept elsewhere compared."
        if heads
        else " No head kept elsewhere was compared: whoever holds the device's key could have"
        " rewritten all of it.",
        f"已比对 {heads} 个另存的账本头。"
        if heads
        else "未比对任何另存的账本头：持有设备密钥者可重写全部内容。",
    )
    return (
        Words(
            f"The ledger {found.ledger} holds: entries {found.first} to {found.last},"
            f" signed with the key {key}",
            f"账本 {found.ledger} 成立：条目 {found.first} 至 {found.last}，签名密钥 {key}",
        )
        + whose
        + Words(".", "。")
        + compared
    )


def _head(request: Request) -> int:
    with opened(request.database) as database:
        head, key = head_of(database), meta(database, PUBLIC_KEY)
        zone = zone_of(database)
    if head is None or len(key) != 32:
        raise LedgerInputError(f"{request.database}: expected a ledger with a signed head")
    if request.json:
        _say(head.on_the_wire().model_dump_json())
        return HOLDS
    groups = head_code(head).split(" ")
    code = [" ".join(groups[start : start + 5]) for start in range(0, len(groups), 5)]
    at = f"{head.at_utc.astimezone(zone):%Y-%m-%d %H:%M}"
    texts = (
        Words(f"Ledger {head.ledger}, {head.size} entries, window {at}", ""),
        Words(f"Public key  {key.hex()}", f"公钥  {key.hex()}"),
        Words(f"Fingerprint {fingerprint(key)}", f"指纹  {fingerprint(key)}"),
        Words("Head", "账本头"),
    )
    chinese = f"账本 {head.ledger}，{head.size} 条，窗口 {at}"
    _say(chinese if request.language == "zh" else texts[0].en)
    for words in texts[1:]:
        _say(words.say(request.language))
    for row in code:
        _say(f"  {row}")
    return HOLDS


def _prove(request: Request) -> int:
    """Print that an entry is in the tree of the signed head (RFC 9162, 2.1.3), as JSON."""
    with opened(request.database) as database:
        head, ledger = head_of(database), meta(database, "epoch").decode()
        kept = [row for _, row in rows(database) if row is not None]
        base = frontier_of(meta(database, DROPPED))
    subject = request.subject or ""
    row = next((one for one in kept if str(one.entry.number) == subject), None)
    if head is None or row is None:
        raise LedgerInputError(f"expected the number of an entry that is kept, found {subject!r}")
    tree = Tree(base, [one.entry.leaf(ledger) for one in kept])
    if tree.size != head.size or tree.root() != head.root:
        raise LedgerInputError(f"{request.database}: does not hold; see ledger verify")
    _say(json.dumps(_proof(row, tree, head, ledger), indent=1))
    return HOLDS


def _proof(row: Row, tree: Tree, head: Head, ledger: str) -> dict[str, object]:
    entry = row.entry
    return {
        "entry": {
            "number": entry.number,
            "kind": entry.kind,
            "window": entry.window,
            "sha256": entry.sha256.hex(),
            "size": entry.size_bytes,
            "sequence": entry.sequence,
        },
        "leaf_hash": entry.leaf(ledger).hex(),
        "leaf_index": entry.number - 1,
        "path": [node.hex() for node in tree.inclusion_proof(entry.number - 1)],
        "head": json.loads(head.on_the_wire().model_dump_json()),
    }


def _config(request: Request) -> int:
    """Print what the ledger must say of a site file, with the hash of each entry's text."""
    site = load_site(Path(request.subject or ""))
    for kind, stated in in_force(site, site.privacy.k, site.encounter.window_s):
        text = canonical(stated)
        _say(f"{kind} {hashlib.sha256(text).hexdigest()}")
        _say(f"  {text.decode()}")
    return HOLDS


def _read_head(text: str) -> Head:
    """A head from its code, or from a file: a heartbeat, a head as JSON, or a code.

    Raises:
        LedgerInputError: none of them.
    """
    try:
        path = Path(text)
        if not path.is_file():
            return read_head_code(text)
    except (OSError, ValueError):
        return read_head_code(text)
    content = _content(path)
    try:
        if not content.lstrip().startswith(b"{"):
            return read_head_code(content.decode("ascii"))
        head = decode(Health, content).ledger if _is_health(content) else None
        return Head.from_wire(head or decode(LedgerHead, content))
    except (MessageError, UnicodeDecodeError) as error:
        raise LedgerInputError(f"{path}: expected a head or a heartbeat ({error})") from None


def _is_health(content: bytes) -> bool:
    try:
        return peek(content)[0] == "health"
    except MessageError:
        return False


def _public_key(text: str) -> bytes:
    content = _content(Path(text)).decode("ascii", "replace") if len(text) != 64 else text
    try:
        key = bytes.fromhex(content.strip())
    except ValueError:
        key = b""
    if len(key) != 32:
        raise LedgerInputError(f"--public-key: expected 64 hexadecimal digits, found {text[:80]!r}")
    return key


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_MOST_FILE_BYTES)
    except OSError as error:
        raise LedgerInputError(f"{path}: cannot be read ({error.strerror})") from None


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
