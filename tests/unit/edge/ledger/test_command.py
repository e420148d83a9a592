"""The command as an auditor types it: plain words in both languages, and a status to go by."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edge.cli import main
from edge.ledger.changes import Changes
from edge.ledger.entry import EntryKind
from edge.ledger.in_force import in_force
from edge.ledger.sentences import NAMES
from edge.ledger.tree import inclusion_holds
from edge.outbox import Outbox
from edge.testing import a_site
from edge.tightening import Tightened
from firmware_cfg.codec import decode, encode
from firmware_cfg.messages import Desired, Window
from tests.unit.edge.ledger.conftest import DEVICE, NINE, Device

GOLDEN = Path("tests/unit/firmware_cfg/golden/v1/window.json")


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str]:
    status = main(["ledger", *map(str, arguments)])
    said = capsys.readouterr()
    return status, said.out + said.err


@pytest.fixture
def told(day: Device) -> Device:
    """A day with a window that has cells, a wish, and a connection."""
    window = decode(Window, GOLDEN.read_bytes())
    fields = {"device": DEVICE, "pad": ""}
    day.outbox.append(
        lambda epoch, seq: encode(
            window.model_copy(update=fields | {"epoch": epoch, "sequence": seq})
        ),
        b"",
    )
    changes = Changes(day.outbox.ledger, lambda: in_force(a_site(), 10, 1800))
    refused = Tightened((), ("k = 5: 10 is in force, and it may only be raised",))
    changes.asked(day.now, Desired(k=5), refused)
    changes.asked(day.now, Desired(k=10), Tightened())
    return day


def test_an_auditor_reads_what_left_and_what_it_said(
    told: Device, capsys: pytest.CaptureFixture[str]
) -> None:
    status, said = run(capsys, "show", "--database", told.path)
    assert status == 0
    for words in (
        "ledger begun: first start",
        "model: name nanodet-288x512-int8; sha256 8f2179dfdc66e5df…",
        "privacy level: k 10; live_state no; pattern_agreement -; team_size -; window_s 1800",
        "16,384 bytes  window message: 09:00-09:30: nothing to report",
        "34 visits at point counter-1 over 01:00-01:30; 11 visits at point queue-1 over",
        "heartbeat x4: alive, no fault",
        "server's wish: applied -; asked k = 5; refused k = 5: 10 is in force",
        "state: online",
    ):
        assert words in said, words
    assert "cannot be read" not in said


def test_the_same_in_chinese(told: Device, capsys: pytest.CaptureFixture[str]) -> None:
    status, said = run(capsys, "show", "--language", "zh", "--database", told.path)
    assert status == 0
    for words in ("无可报告内容", "共 34 次到访", "运行正常，无故障", "已拒绝", "阈值 k 10"):
        assert words in said, words


def test_one_kind_or_from_one_day_on(told: Device, capsys: pytest.CaptureFixture[str]) -> None:
    _, said = run(capsys, "show", "--kind", "wish", "--database", told.path)
    assert len(said.splitlines()) == 1
    _, said = run(capsys, "show", "--since", "2027-03-02", "--database", told.path)
    assert said == ""
    status, said = run(capsys, "show", "--kind", "gossip", "--database", told.path)
    assert (status, "expected one of window, health" in said) == (2, True)


def test_a_head_on_paper_is_typed_back(told: Device, capsys: pytest.CaptureFixture[str]) -> None:
    status, said = run(capsys, "head", "--database", told.path)
    assert status == 0
    key = said.split("Public key")[1].split()[0]
    code = " ".join(said.split("Head")[1].split())
    told.beat()
    check = ("verify", "--database", told.path, "--public-key", key, "--head")
    status, said = run(capsys, *check, code)
    assert status == 0
    assert "1 head kept elsewhere compared" in said
    wrong = code.replace(code[0], "9", 1) if code[0] != "9" else "8" + code[1:]
    status, said = run(capsys, *check, wrong)
    assert (status, "group 1" in said) == (2, True)


def test_a_rewritten_ledger_is_told_by_a_head_on_paper(
    told: Device, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, said = run(capsys, "head", "--database", told.path)
    code = tmp_path / "paper.txt"
    code.write_text(said.split("Head")[1])
    told.outbox.close()
    told.path.unlink()
    for suffix in ("-wal", "-shm"):
        told.path.with_name(told.path.name + suffix).unlink(missing_ok=True)
    told.outbox = Outbox(told.path, 4, DEVICE, None)
    told.beat()
    status, said = run(capsys, "verify", "--database", told.path, "--head", code)
    assert status == 1
    assert said.startswith("forked: the head of ")
    assert "does not hold: 1 problem." in said


def test_heads_and_payloads_come_from_files_too(
    told: Device, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    beat = tmp_path / "beat.json"
    beat.write_bytes(told.beat())
    (tmp_path / "smuggled").write_bytes(b"smuggled")
    _, said = run(capsys, "head", "--json", "--database", told.path)
    (tmp_path / "head.json").write_text(said)
    check = ("verify", "--database", told.path, "--head", beat, "--head", tmp_path / "head.json")
    status, said = run(capsys, *check, "--payload", beat)
    assert (status, "2 heads kept elsewhere compared" in said) == (0, True)
    status, said = run(capsys, *check, "--payload", tmp_path / "smuggled", "--language", "zh")
    assert (status, "账本中没有条目" in said) == (1, True)
    beat.write_text("{}")
    status, said = run(capsys, *check)
    assert (status, "expected a head or a heartbeat" in said) == (2, True)


def test_an_entry_is_proved_to_whoever_has_the_head(
    told: Device, capsys: pytest.CaptureFixture[str]
) -> None:
    status, said = run(capsys, "prove", 7, "--database", told.path)
    assert status == 0
    proof = json.loads(said)
    path = [bytes.fromhex(node) for node in proof["path"]]
    leaf, root = bytes.fromhex(proof["leaf_hash"]), bytes.fromhex(proof["head"]["root"])
    assert inclusion_holds(leaf, proof["leaf_index"], proof["head"]["size"], path, root)
    assert run(capsys, "prove", 700, "--database", told.path)[0] == 2


def test_what_the_ledger_must_say_of_a_site_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site = tmp_path / "site.toml"
    site.write_text(
        '[camera]\nsize_px = [640, 480]\n[[service_point]]\nid = "till"\n'
        "service_zone_px = [[0, 0], [50, 0], [50, 50]]\n"
        "staff_zone_px = [[60, 0], [90, 0], [90, 50]]\n"
    )
    status, said = run(capsys, "config", site)
    assert status == 0
    assert [line.split()[0] for line in said.splitlines()[::2]] == [
        "configuration",
        "model",
        "privacy",
    ]
    site.write_text(site.read_text() + "# a comment changes nothing\n")
    assert run(capsys, "config", site)[1] == said


@pytest.mark.parametrize(
    "arguments",
    [
        ("show", "7"),
        ("prove",),
        ("verify", "--public-key", "00"),
        ("verify", "--head", "not a code"),
        ("verify", "--payload", "/nowhere/at/all"),
        ("head",),
    ],
)
def test_what_cannot_be_used_is_told_with_status_2(
    arguments: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, said = run(capsys, *arguments, "--database", tmp_path / "none.sqlite")
    assert status == 2
    assert said.strip()


def test_a_broker_cannot_push_history_out_by_wishes(device: Device) -> None:
    changes = Changes(device.outbox.ledger, lambda: in_force(a_site(), 10, 1800))
    followed = 0
    for wish in range(5, 500):
        if changes.may_follow(NINE):
            changes.asked(NINE, Desired(k=wish), Tightened((f"k = {wish}",), ()))
            followed += 1
    assert followed == 12
    assert device.head().size < 40


def test_the_privacy_level_names_the_agreement_on_patterns() -> None:
    named = a_site(privacy={"team_size": 5, "pattern_agreement": "works council 2026-01"})
    for site, agreement in ((named, "works council 2026-01"), (a_site(), None)):
        stated = dict(in_force(site, 10, 1800))[EntryKind.PRIVACY]
        assert stated["pattern_agreement"] == agreement


def test_every_kind_of_entry_has_words() -> None:
    assert set(NAMES) == set(EntryKind)
