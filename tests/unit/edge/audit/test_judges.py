"""The judges of Part A: a process's rights, its memory, its calls and its files."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from edge.audit.finding import Status, Words
from edge.audit.running import rights
from edge.audit.running.changed import changed_files
from edge.audit.running.environment import switches
from edge.audit.running.exposure import exposure
from edge.audit.running.memory import libraries, shared_and_code
from edge.audit.running.values import Mapping, Role, Thread
from edge.audit.running.watching import judge_calls

if TYPE_CHECKING:
    from edge.audit.finding import Finding
from tests.unit.edge.audit.judged import FAILS, GOOD, HOLDS, UNSEEN, by_hand, process

ROOT = Path(__file__).parents[4]
GROUPS = {44: "video", 990: "encounter-vision"}
RIGHTS: dict[str, tuple[Finding, Status]] = {
    "user of its own": (rights.users(process(), [], GROUPS), HOLDS),
    "shared user": (rights.users(process(), [process(Role.EDGE)], GROUPS), FAILS),
    "root": (rights.users(process(Uid="0 0 0 0"), [], GROUPS), FAILS),
    "root by hand": (rights.users(by_hand(Uid="0 0 0 0"), [], GROUPS), UNSEEN),
    "two users": (rights.users(by_hand(Uid="990 0 990 990"), [], GROUPS), FAILS),
    "edge among cameras": (rights.users(process(Role.EDGE), [], GROUPS), FAILS),
    "edge by its group": (rights.users(process(Role.EDGE, Groups="", Gid="44"), [], GROUPS), FAILS),
    "no capability": (rights.capabilities(process()), HOLDS),
    "one capability": (rights.capabilities(process(CapEff="80")), FAILS),
    "ambient": (rights.capabilities(by_hand(CapAmb="1")), FAILS),
    "root's by hand": (rights.capabilities(by_hand(Uid="0 0 0 0", CapEff="ff")), UNSEEN),
    "new privileges": (rights.new_privileges(process(NoNewPrivs="0")), FAILS),
    "none new": (rights.new_privileges(process()), HOLDS),
    "filtered": (rights.seccomp(process()), HOLDS),
    "strict mode": (rights.seccomp(process(Seccomp="1")), FAILS),
    "one filter": (rights.seccomp(process(Seccomp_filters="1")), FAILS),
    "closed": (rights.dumpable(process()), HOLDS),
    "open": (rights.dumpable(replace(process(), owner=990)), FAILS),
    "root shows nothing": (rights.dumpable(process(Uid="0 0 0 0")), UNSEEN),
    "no core": (rights.core(process(), "core"), HOLDS),
    "core": (rights.core(replace(process(), core_limit=("0", "unlimited")), "core"), FAILS),
    "core to a program": (rights.core(process(), "|/bin/x"), HOLDS),
    "core to a program, open": (rights.core(replace(process(), owner=9), "|/bin/x"), FAILS),
    "core to a program, root": (rights.core(process(Uid="0 0 0 0"), "|/bin/x"), UNSEEN),
    "no swap": (rights.swap(process(), []), HOLDS),
    "swapped": (rights.swap(process(VmSwap="4 kB"), []), FAILS),
    "could swap": (rights.swap(process(), ["/dev/zram0"]), FAILS),
    "locked": (rights.swap(process(VmLck="8900 kB"), ["/dev/zram0"]), HOLDS),
    "a page locked": (rights.swap(process(VmLck="4 kB"), ["/dev/zram0"]), FAILS),
    "group": (rights.swap(replace(process(), swap_limit="0"), ["/dev/zram0"]), HOLDS),
    "own network": (rights.network(process(), "net:[1]"), HOLDS),
    "machine's network": (rights.network(process(), "net:[2]"), FAILS),
    "network by hand": (rights.network(by_hand(), "net:[2]"), UNSEEN),
    "network not shown": (rights.network(replace(process(), namespaces=None), "net:[2]"), UNSEEN),
}


@pytest.mark.parametrize("name", RIGHTS)
def test_rights(name: str) -> None:
    found, expected = RIGHTS[name]
    assert found.status is expected, found
    assert found.how.en
    assert found.how.zh


def test_one_thread_that_differs_is_enough() -> None:
    whole = process()
    for name in ("Seccomp", "NoNewPrivs", "CapEff"):
        bad = Thread(11, {**GOOD, name: "0" if name != "CapEff" else "1"})
        found = replace(whole, threads=(whole.threads[0], bad))
        judge = {
            "Seccomp": rights.seccomp,
            "NoNewPrivs": rights.new_privileges,
            "CapEff": rights.capabilities,
        }[name]
        assert judge(found).status is FAILS
        assert "thread 11" in judge(found).evidence[0]


SHARED = "/dev/shm/x"  # noqa: S108 - planted


def mapping(rights_: str, path: str = "", inode: int = 1) -> Mapping:
    return Mapping(4096, 8192, rights_, inode, path)


@pytest.mark.parametrize(
    ("role", "one", "camera", "status"),
    [
        (Role.VISION, mapping("r-xp", "/usr/lib/libc.so.6"), False, HOLDS),
        (Role.VISION, mapping("rwxp"), False, FAILS),
        (Role.VISION, mapping("rw-s", "/dev/zero (deleted)"), False, FAILS),
        (Role.VISION, mapping("r--s", "/usr/lib/gconv.cache"), False, HOLDS),
        (Role.VISION, mapping("rw-s", "/dev/video0"), True, HOLDS),
        (Role.VISION, mapping("rw-s", "/dev/video0"), False, FAILS),
        (Role.EDGE, mapping("rw-s", "/var/lib/encounter/o.sqlite-shm"), False, HOLDS),
        (Role.EDGE, mapping("rw-s", SHARED), False, FAILS),
    ],
)
def test_memory(role: Role, one: Mapping, camera: bool, status: Status) -> None:
    held = replace(process(role), mappings=(one,))
    assert shared_and_code(held, (Path("/var/lib/encounter"),), camera=camera).status is status


@pytest.mark.parametrize("name", ["cv2/cv2.abi3.so", "numpy.libs/libavcodec-1.so", "PIL/x.so"])
def test_libraries_of_pictures(name: str) -> None:
    held = replace(process(Role.EDGE), mappings=(mapping("r-xp", f"/opt/site-packages/{name}"),))
    assert libraries(held).status is FAILS
    plain = replace(held, mappings=(mapping("r-xp", "/opt/site-packages/numpy/core.so"),))
    assert libraries(plain).status is HOLDS


@pytest.mark.parametrize(
    ("library", "now", "status"),
    [
        ("numpy", {}, HOLDS),
        ("onnxruntime", {"ORT_DISABLE_TELEMETRY": "1"}, HOLDS),
        ("onnxruntime", {"ORT_DISABLE_TELEMETRY": "0"}, FAILS),
        ("onnxruntime", {}, FAILS),
        ("onnxruntime", None, UNSEEN),
        ("mediapipe", {"ORT_DISABLE_TELEMETRY": "1"}, FAILS),
    ],
)
def test_telemetry(library: str, now: dict[str, str] | None, status: Status) -> None:
    held = replace(process(), mappings=(mapping("r-xp", f"/opt/{library}/core.so"),))
    assert switches(held, now).status is status


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        (['10 read(4, ""..., 4096) = 4096', '10 write(3, ""..., 512) = 512'], HOLDS),
        (['11 write(2, ""..., 5) = 5', "10 futex(0x7f, FUTEX_WAKE_PRIVATE, 1) = 0"], HOLDS),
        (['10 write(4, ""..., 512) = 512'], FAILS),
        (["10 socket(AF_INET, SOCK_STREAM, 0) = 4"], FAILS),
        (['10 openat(AT_FDCWD, "/x", O_RDONLY) = -1 EPERM'], FAILS),
        (["10 ioctl(3, VIDIOC_QBUF, 0x7f) = 0"], FAILS),
    ],
)
def test_watched_calls(lines: list[str], status: Status) -> None:
    assert judge_calls(process(), lines, Words("how", "how")).status is status


def test_a_camera_is_commanded_while_it_is_watched() -> None:
    lines = ["10 ioctl(3, VIDIOC_QBUF, 0x7f) = 0"]
    assert judge_calls(process(), lines, Words("how", "how"), camera=True).status is HOLDS


@pytest.mark.skipif(os.geteuid() != 0, reason="files of another user take root to make")
def test_a_file_outside_its_folder_is_found(tmp_path: Path) -> None:
    held = [replace(process(), pid=os.getpid(), started_s=1.0)]
    kept, stray = tmp_path / "state", tmp_path / "stray"
    for folder in (kept, stray):
        folder.mkdir()
        (folder / "file").write_text("x")
        os.chown(folder / "file", 990, 990)
    assert changed_files(held, [kept], [kept]).status is HOLDS
    found = changed_files(held, [kept], [tmp_path])
    assert found.status is FAILS
    assert found.evidence[0] == str(stray / "file")
    later = [replace(held[0], started_s=4e9)]
    assert changed_files(later, [], [tmp_path]).status is HOLDS
    assert changed_files([replace(held[0], unit="")], [kept], [tmp_path]).status is UNSEEN


def test_the_delivered_units_are_within_their_limits(tmp_path: Path) -> None:
    found = exposure(ROOT / "deploy" / "units")
    assert found.status in (HOLDS, UNSEEN)
    assert exposure(tmp_path).status is UNSEEN
