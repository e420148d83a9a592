"""The judges of Part A: values in, findings out."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from edge.audit.finding import Status, Words
from edge.audit.running import rights
from edge.audit.running.changed import changed_files
from edge.audit.running.descriptors import Expected, descriptors
from edge.audit.running.environment import switches
from edge.audit.running.exposure import exposure
from edge.audit.running.holders import RECORDS, STREAM, Others, camera_holders, pipe_ends
from edge.audit.running.memory import libraries, shared_and_code
from edge.audit.running.socket_tables import Socket, internet, other
from edge.audit.running.sockets import Reach, sockets
from edge.audit.running.values import Descriptor, Mapping, Process, Role, Thread
from edge.audit.running.watching import judge_calls

if TYPE_CHECKING:
    from edge.audit.finding import Finding

ROOT = Path(__file__).parents[4]
HOLDS, FAILS, UNSEEN = Status.HOLDS, Status.FAILS, Status.NOT_CHECKED
GOOD = {
    "Uid": "990 990 990 990",
    "Gid": "990 990 990 990",
    "Groups": "44",
    "CapInh": "0",
    "CapPrm": "0",
    "CapEff": "0",
    "CapAmb": "0",
    "NoNewPrivs": "1",
    "Seccomp": "2",
    "Seccomp_filters": "3",
    "VmSwap": "0 kB",
    "VmLck": "0 kB",
    "VmSize": "9000 kB",
}
GROUPS = {44: "video", 990: "encounter-vision"}
READ, WRITE, BOTH = os.O_RDONLY, os.O_WRONLY, os.O_RDWR
NULL = tuple(Descriptor(number, "/dev/null", BOTH) for number in (0, 1, 2))
RECORDS_END = Descriptor(3, "/run/encounter/records", WRITE, (1, 7), fifo=True)


def process(role: Role = Role.VISION, **lines: str) -> Process:
    """A process as the units start it; `lines` replace lines of its status."""
    thread = Thread(10, {**GOOD, **lines})
    return Process(
        role,
        10,
        1,
        ("python", "-m", str(role)),
        (thread, replace(thread, number=11)),
        unit=f"encounter-{role}.service",
        owner=0,
        core_limit=("0", "0"),
        descriptors=(*NULL, RECORDS_END),
        mappings=(),
        environment={},
        namespaces={"net": "net:[2]"},
    )


def by_hand(**lines: str) -> Process:
    return replace(process(Role.VISION, **lines), unit="")


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


VIDEO = Expected(source=Path("/srv/film.mp4"))
CAMERA = Expected(camera=True)
EDGE = Expected(folders=(Path("/var/lib/encounter"),))


@pytest.mark.parametrize(
    ("role", "one", "expected", "status"),
    [
        (Role.VISION, Descriptor(4, "/srv/film.mp4", READ), VIDEO, HOLDS),
        (Role.VISION, Descriptor(4, "/srv/film.mp4", BOTH), VIDEO, FAILS),
        (Role.VISION, Descriptor(4, "/dev/video0", BOTH), CAMERA, HOLDS),
        (Role.VISION, Descriptor(4, "/dev/video0", BOTH), VIDEO, FAILS),
        (Role.VISION, Descriptor(4, "pipe:[9]", WRITE, (1, 9), fifo=True), VIDEO, FAILS),
        (Role.VISION, Descriptor(4, "pipe:[9]", READ, (1, 9), fifo=True), VIDEO, HOLDS),
        (Role.VISION, Descriptor(4, "/memfd:x (deleted)", BOTH), CAMERA, FAILS),
        (Role.VISION, Descriptor(4, "anon_inode:[io_uring]", BOTH), CAMERA, FAILS),
        (Role.VISION, Descriptor(4, "socket:[5]", BOTH), VIDEO, FAILS),
        (Role.EDGE, Descriptor(4, "/var/lib/encounter/outbox.sqlite", BOTH), EDGE, HOLDS),
        (Role.EDGE, Descriptor(4, "/var/lib/encounters/x", BOTH), EDGE, FAILS),
        (Role.EDGE, Descriptor(4, "/dev/dri/card0", BOTH), EDGE, FAILS),
        (Role.RELAY, Descriptor(4, "/etc/passwd", READ), EDGE, FAILS),
        (Role.RELAY, Descriptor(4, "pipe:[9]", WRITE, (1, 9), fifo=True), EDGE, FAILS),
    ],
)
def test_descriptors(role: Role, one: Descriptor, expected: Expected, status: Status) -> None:
    held = replace(process(role), descriptors=(*NULL, RECORDS_END, one))
    assert descriptors(held, expected).status is status


def test_one_connection_may_have_two_descriptors() -> None:
    broker = Socket(5, "tcp", ("10.1.1.1", 5), ("192.0.2.7", 8883), "01")
    other = replace(broker, inode=6)
    ends = [Descriptor(number, "socket:[5]", BOTH) for number in (4, 7)]
    twice = replace(process(Role.EDGE), descriptors=tuple(ends))
    assert sockets(twice, {5: broker}, REACH).status is HOLDS
    second = replace(twice, descriptors=(*ends, Descriptor(8, "socket:[6]", BOTH)))
    assert sockets(second, {5: broker, 6: other}, REACH).status is FAILS


def test_what_the_kernel_does_not_show_is_not_checked() -> None:
    blind = replace(process(), descriptors=None, mappings=None, environment=None)
    assert descriptors(blind, VIDEO).status is UNSEEN
    assert sockets(blind, {}, Reach()).status is UNSEEN
    assert shared_and_code(blind).status is UNSEEN
    assert libraries(blind).status is UNSEEN
    assert switches(blind, None).status is UNSEEN


def test_the_records_pipe_has_no_third_end() -> None:
    edge = replace(process(Role.EDGE), pid=12, descriptors=(replace(RECORDS_END, flags=READ),))
    both = (process(), edge)
    manager = {1: (replace(RECORDS_END, flags=BOTH),)}
    assert pipe_ends(RECORDS, both, Others(manager), 1).status is HOLDS
    assert pipe_ends(RECORDS, both, Others(manager), 2).status is FAILS
    assert pipe_ends(RECORDS, both, Others({}, hidden=(7,)), 1).status is UNSEEN
    assert pipe_ends(RECORDS, both, Others(manager, hidden=(7,)), 2).status is FAILS
    blind = (replace(process(), descriptors=None), edge)
    assert pipe_ends(RECORDS, blind, Others({}), 1).status is UNSEEN
    assert camera_holders(both, Others({}, hidden=(7,))).status is UNSEEN
    assert pipe_ends(RECORDS, (process(),), Others({}), 1).status is FAILS
    writes = replace(edge, descriptors=(RECORDS_END,))
    assert pipe_ends(RECORDS, (process(), writes), Others({}), 1).status is FAILS


ANY = "0.0.0.0"  # noqa: S104 - as the tables have it
SHARED = "/dev/shm/x"  # noqa: S108 - planted


def test_the_streams_pipe_leads_from_the_relay_to_vision_alone() -> None:
    end = Descriptor(5, "pipe:[8]", WRITE, (1, 8), fifo=True)
    relay = replace(process(Role.RELAY), descriptors=(end,))
    reads = (replace(end, flags=READ), replace(end, number=6, flags=READ))
    vision = replace(process(), descriptors=(*NULL, RECORDS_END, *reads))
    edge = replace(process(Role.EDGE), descriptors=(replace(RECORDS_END, flags=READ),))
    ours = (vision, edge, relay)
    assert descriptors(vision, VIDEO).status is HOLDS  # one pipe, opened twice
    assert pipe_ends(STREAM, ours, Others({}), 1).status is HOLDS
    assert pipe_ends(RECORDS, ours, Others({}), 1).status is HOLDS
    nosy = replace(edge, descriptors=(*(edge.descriptors or ()), replace(end, flags=READ)))
    assert pipe_ends(STREAM, (vision, nosy, relay), Others({}), 1).status is FAILS


def test_nobody_else_has_the_camera() -> None:
    camera = Descriptor(4, "/dev/video0", BOTH)
    vision = replace(process(), descriptors=(*NULL, RECORDS_END, camera))
    edge = process(Role.EDGE)
    assert camera_holders((vision, edge), Others({})).status is HOLDS
    assert camera_holders((vision, edge), Others({77: (camera,)})).status is FAILS
    other = replace(camera, target="/dev/video1")
    assert camera_holders((vision, edge), Others({77: (other,)})).status is HOLDS
    seeing = replace(edge, descriptors=(camera,))
    assert camera_holders((vision, seeing), Others({})).status is FAILS


def test_a_named_pipe_of_systemd_is_open_both_ways() -> None:
    stream = Descriptor(4, "/run/encounter/stream", BOTH, (1, 8), fifo=True)
    records = replace(RECORDS_END, flags=BOTH)
    held = replace(process(), descriptors=(*NULL, records, stream))
    assert descriptors(held, VIDEO).status is HOLDS
    third = replace(stream, target="/run/encounter/third")
    assert descriptors(replace(held, descriptors=(*NULL, records, third)), VIDEO).status is FAILS


REACH = Reach(
    broker=("192.0.2.7", 8883),
    page_port=8765,
    camera=("10.0.0.7", 554),
    name_servers=frozenset({"10.1.1.2"}),
)
NAMED = Reach(broker=("broker.example", 8883))
RESOLVED = replace(NAMED, addresses={"broker.example": frozenset({"192.0.2.8"})})
MOVED = replace(NAMED, addresses={"broker.example": frozenset({"192.0.2.9", "::1"})})


@pytest.mark.parametrize(
    ("role", "found", "reach", "status"),
    [
        (Role.VISION, Socket(5, "unix"), REACH, FAILS),
        (Role.VISION, None, REACH, FAILS),
        (Role.EDGE, Socket(5, "unix"), REACH, UNSEEN),  # whose other end nobody tells
        (Role.EDGE, Socket(5, "unix", peer=0), REACH, FAILS),
        (Role.EDGE, Socket(5, "unix", peer=77), REACH, FAILS),
        (Role.EDGE, Socket(5, "unix", peer=77), replace(REACH, launcher=frozenset({77})), HOLDS),
        (Role.EDGE, Socket(5, "unix", path="@somebody"), REACH, FAILS),
        (Role.EDGE, Socket(5, "tcp", ("10.1.1.1", 5), ("192.0.2.7", 8883), "01"), REACH, HOLDS),
        (Role.EDGE, Socket(5, "tcp", ("10.1.1.1", 5), ("192.0.2.8", 8883), "01"), REACH, FAILS),
        (Role.EDGE, Socket(5, "tcp", ("10.1.1.1", 5), ("192.0.2.8", 8883), "01"), NAMED, UNSEEN),
        (Role.EDGE, Socket(5, "tcp", ("10.1.1.1", 5), ("192.0.2.8", 8883), "01"), RESOLVED, HOLDS),
        (Role.EDGE, Socket(5, "tcp", ("10.1.1.1", 5), ("192.0.2.8", 8883), "01"), MOVED, UNSEEN),
        (Role.EDGE, Socket(5, "tcp", ("10.1.1.1", 5), ("192.0.2.8", 443), "01"), RESOLVED, FAILS),
        (Role.EDGE, Socket(5, "tcp", ("10.1.1.1", 5), ("192.0.2.7", 443), "01"), REACH, FAILS),
        (Role.EDGE, Socket(5, "tcp", ("127.0.0.1", 8765), (ANY, 0), "0A"), REACH, HOLDS),
        (Role.EDGE, Socket(5, "tcp", (ANY, 8765), (ANY, 0), "0A"), REACH, FAILS),
        (Role.EDGE, Socket(5, "tcp", ("127.0.0.1", 80), (ANY, 0), "0A"), REACH, FAILS),
        (Role.EDGE, Socket(5, "tcp", ("127.0.0.1", 8765), (ANY, 0), "0A"), NAMED, FAILS),
        (Role.EDGE, Socket(5, "tcp6", ("::1", 8765), ("::1", 999), "01"), REACH, HOLDS),
        (Role.EDGE, Socket(5, "udp", ("10.1.1.1", 5), ("10.1.1.2", 53)), REACH, HOLDS),
        (Role.EDGE, Socket(5, "udp", ("10.1.1.1", 5), ("10.1.1.2", 123)), REACH, FAILS),
        (Role.EDGE, Socket(5, "udp", ("10.1.1.1", 5), ("198.51.100.7", 53)), REACH, FAILS),
        (Role.EDGE, Socket(5, "netlink"), REACH, FAILS),
        (Role.EDGE, Socket(5, "raw", (ANY, 1), (ANY, 0)), REACH, FAILS),
        (Role.RELAY, Socket(5, "tcp", ("10.0.0.2", 5), ("10.0.0.7", 554), "01"), REACH, HOLDS),
        (Role.RELAY, Socket(5, "tcp", ("10.0.0.2", 5), ("10.0.0.9", 554), "01"), REACH, FAILS),
        (Role.RELAY, Socket(5, "udp", ("10.0.0.2", 5), ("10.0.0.7", 554), "01"), REACH, FAILS),
    ],
)
def test_sockets(role: Role, found: Socket | None, reach: Reach, status: Status) -> None:
    held = replace(process(role), descriptors=(Descriptor(5, "socket:[5]", BOTH),))
    table = {} if found is None else {5: found}
    assert sockets(held, table, reach).status is status


def test_two_connections_to_the_broker_are_one_too_many() -> None:
    line = ("10.1.1.1", 5), ("192.0.2.7", 8883), "01"
    both = (Descriptor(5, "socket:[5]", BOTH), Descriptor(6, "socket:[6]", BOTH))
    held = replace(process(Role.EDGE), descriptors=both)
    table = {5: Socket(5, "tcp", *line), 6: Socket(6, "tcp", *line)}
    assert sockets(held, table, REACH).status is FAILS


JOURNAL = Socket(9, "unix", path="/run/systemd/journal/stdout")


@pytest.mark.parametrize(
    ("found", "end", "status"),
    [
        (Socket(5, "unix", peer=9), JOURNAL, HOLDS),
        (Socket(5, "unix", peer=9), replace(JOURNAL, path="/run/systemd/journals"), FAILS),
        (Socket(5, "unix", peer=9), replace(JOURNAL, path=""), FAILS),
        (Socket(5, "unix", peer=5), JOURNAL, FAILS),  # vision has no pair of its own
        (Socket(5, "unix"), JOURNAL, UNSEEN),
        (Socket(5, "tcp"), JOURNAL, FAILS),
    ],
)
def test_the_journal_is_the_only_socket_of_vision(
    found: Socket, end: Socket, status: Status
) -> None:
    held = replace(process(), descriptors=(Descriptor(2, "socket:[5]", BOTH),))
    assert sockets(held, {5: found, 9: end}, REACH).status is status
    elsewhere = replace(held, descriptors=(Descriptor(4, "socket:[5]", BOTH),))
    assert sockets(elsewhere, {5: found, 9: end}, REACH).status is FAILS


def test_a_pair_of_edge_leads_back_to_itself() -> None:
    pair = tuple(Descriptor(number, f"socket:[{number}]", BOTH) for number in (5, 6))
    held = replace(process(Role.EDGE), descriptors=pair)
    table = {5: Socket(5, "unix", peer=6), 6: Socket(6, "unix", peer=5)}
    assert sockets(held, table, REACH).status is HOLDS
    half = replace(held, descriptors=pair[:1])
    assert sockets(half, table, REACH).status is FAILS


def test_an_address_that_the_name_does_not_stand_for_is_shown() -> None:
    held = replace(process(Role.EDGE), descriptors=(Descriptor(5, "socket:[5]", BOTH),))
    stranger = Socket(5, "tcp", ("10.1.1.1", 5), ("192.0.2.8", 8883), "01")
    found = sockets(held, {5: stranger}, MOVED)
    assert "stands for 192.0.2.9, ::1 now, and not for 192.0.2.8" in found.evidence[0]
    assert "192.0.2.8" in found.found.en


OUTPUTS = (1, 2)
FILE, PTY = "/tmp/pictures.raw", "/dev/pts/3"  # noqa: S108 - it must not be there


@pytest.mark.parametrize(
    ("role", "unit", "target", "flags", "status"),
    [
        (Role.VISION, "by unit", FILE, WRITE, FAILS),
        (Role.VISION, "", FILE, WRITE, FAILS),
        (Role.VISION, "", FILE, BOTH, FAILS),
        (Role.RELAY, "", FILE, WRITE, FAILS),
        (Role.EDGE, "", FILE, WRITE, HOLDS),  # results that a person asked for
        (Role.EDGE, "by unit", FILE, WRITE, FAILS),
        (Role.VISION, "", PTY, BOTH, HOLDS),
        (Role.VISION, "by unit", PTY, BOTH, FAILS),
        (Role.VISION, "", "/dev/ttyUSB0", BOTH, FAILS),
        (Role.VISION, "", "/memfd:x (deleted)", BOTH, FAILS),
        (Role.VISION, "by unit", "/dev/null", WRITE, HOLDS),
        (Role.VISION, "by unit", "anon_inode:[eventfd]", BOTH, FAILS),
    ],
)
def test_no_output_is_a_file(
    role: Role, unit: str, target: str, flags: int, status: Status
) -> None:
    one = process(role)
    held = replace(one, unit=one.unit if unit else "")
    for number in OUTPUTS:
        outputs = [two for two in NULL if two.number != number]
        outputs.append(Descriptor(number, target, flags))
        found = descriptors(replace(held, descriptors=(*outputs, RECORDS_END)), VIDEO)
        assert found.status is status, found
        assert status is HOLDS or target in found.evidence[0]


def test_lines_of_the_kernels_tables_are_read() -> None:
    tcp = "  0: 0100007F:1F90 0200A8C0:22B3 01 00000000:00000000 00:00000000 00000000 0 0 777 1"
    assert internet("tcp", tcp) == Socket(
        777, "tcp", ("127.0.0.1", 8080), ("192.168.0.2", 8883), "01"
    )
    six = tcp.replace("0100007F", "00000000000000000000000001000000")
    assert internet("tcp6", six.replace("0200A8C0", 24 * "0" + "0200A8C0")).local[0] == "::1"
    unix = "ffff: 00000003 00000000 00000000 0001 03 42 /run/x"
    assert other("unix", unix) == Socket(42, "unix", path="/run/x")


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
