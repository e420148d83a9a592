"""The units under a real systemd: started, looked at, killed, and counting again.

The machine is booted once. Vision takes a video in place of `/dev/video0`; the network camera
is a real RTSP server.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from firmware_cfg.confine.layers import REQUIRED
from tests.integration.processes.grey_video import SITE
from tests.integration.processes.own_systemd import (
    UNITS,
    Machine,
    booted,
    control_groups,
    why_not,
)
from tests.integration.processes.running import ROOT, runs
from tests.integration.processes.units_changed import (
    EDGE,
    RELAY,
    VISION,
    from_a_video,
    in_place_of,
    probe,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

SYSTEM = "etc/systemd/system"
PROBE = Path(__file__).with_name("units_probe.py")
SERVER = ROOT / "tests" / "integration" / "vision" / "rtsp_server.py"
NETWORK = UNITS / "network-camera" / "encounter-vision.service.d" / "network-camera.conf"
CHRONY = UNITS / "chrony" / "encounter-edge.service.d" / "chrony.conf"
OUTSIDE = "10.9.9.9"
EPERM = "errno 1"
BROKER = f"""[broker]
host = "127.0.0.1"
tls = false
server_key = "{"d" * 64}"
"""

CLOSED = re.compile(r"jail_(?:closed|reduced) .*holds=(\S+)")
TWO_SIGNS_US = 1_500_000

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory, video: Path) -> Path:
    """A folder with the videos that the machine sees."""
    folder = tmp_path_factory.mktemp("samples")
    folder.chmod(0o755)
    shutil.copy(video, folder / "grey.avi")
    sample = Path(os.environ.get("ENCOUNTER_SAMPLES", "/nowhere")) / "one-by-one.mp4"
    if sample.is_file():
        shutil.copy(sample, folder)
    return folder


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory, samples: Path) -> Iterator[Machine]:
    """The units at work, counting."""
    folder = tmp_path_factory.mktemp("systemd")
    if reason := why_not(folder):
        pytest.skip(reason)
    files = {
        "etc/encounter/site.toml": SITE + BROKER,
        f"{SYSTEM}/{VISION}.service.d/video.conf": from_a_video(),
        f"{SYSTEM}/probe.service": probe(),
        "opt/ours/edge/units_probe.py": PROBE.read_text("utf-8"),
        "opt/camera/rtsp_server.py": SERVER.read_text("utf-8"),
    }
    with booted(folder / "machine", samples, files) as one:
        one.run("ip", "address", "add", f"{OUTSIDE}/24", "dev", "lo")
        one.run("systemctl", "start", "--no-block", "encounter-records.socket", EDGE, VISION)
        one.wait_for(lambda: closed(one, VISION) > 0 and closed(one, EDGE) > 0)
        wait_until_counting(one)
        yield one


def sign_us(machine: Machine) -> int:
    """When edge last gave a sign of life, microseconds since boot."""
    return int(machine.has(EDGE, "WatchdogTimestampMonotonic"))


def wait_until_counting(machine: Machine) -> None:
    """Wait for signs of edge that records come, the second of them for a second from now on."""
    from_us = sign_us(machine)
    machine.wait_for(
        lambda: (
            sign_us(machine) > from_us + TWO_SIGNS_US
            and machine.has(EDGE, "StatusText") == "counting"
        )
    )


def closed(machine: Machine, name: str) -> int:
    """How often a process has closed itself."""
    return len(re.findall(CLOSED, machine.journal(name)))


def holds(machine: Machine, name: str) -> set[str]:
    """The layers that a process says hold, in its latest line."""
    machine.wait_for(lambda: closed(machine, name) > 0)
    return set(re.findall(CLOSED, machine.journal(name))[-1].split(","))


def namespace(machine: Machine, pid: int, kind: str) -> str:
    return machine.run("readlink", f"/proc/{pid}/ns/{kind}").strip()


def test_each_has_a_user_of_its_own_and_says_that_the_whole_jail_holds(machine: Machine) -> None:
    for name in (EDGE, VISION):
        status = machine.run("cat", f"/proc/{machine.pid(name)}/status")
        user = machine.run("id", "--user", name).strip()
        assert re.search(rf"^Uid:\t{user}\t{user}\t{user}\t{user}$", status, re.MULTILINE)
        assert re.search(r"^CapBnd:\t0+$", status, re.MULTILINE)
        assert set(REQUIRED) | {"users"} <= holds(machine, name)
    assert "network_namespace" in holds(machine, VISION)
    assert VISION in machine.run("getent", "group", "video")


def test_vision_alone_has_no_network_and_each_has_exactly_its_descriptors(
    machine: Machine,
) -> None:
    own = namespace(machine, 1, "net")
    assert namespace(machine, machine.pid(EDGE), "net") == own
    assert namespace(machine, machine.pid(VISION), "net") != own
    open_files = machine.run("ls", "-l", f"/proc/{machine.pid(VISION)}/fd")
    found = dict(re.findall(r" (\d+) -> (\S+)", open_files))
    assert re.match(r"socket:", found.pop("2"))
    assert found == {
        "0": "/dev/null",
        "1": "/dev/null",
        "3": "/run/encounter/records",
        "4": "/opt/samples/grey.avi",
    }


@pytest.mark.parametrize("name", [EDGE, VISION])
def test_killed_it_comes_back_and_visits_are_counted_again(machine: Machine, name: str) -> None:
    before, times = machine.pid(name), closed(machine, name)
    machine.run("kill", "-KILL", str(before))
    machine.wait_for(lambda: closed(machine, name) > times)
    wait_until_counting(machine)
    assert machine.pid(name) not in (0, before)
    assert int(machine.has(name, "NRestarts")) >= 1


def look(machine: Machine) -> dict[str, str]:
    """What the probe finds."""
    earlier = len(machine.journal("probe"))
    machine.run("systemctl", "start", "probe")
    return dict(re.findall(r"^(\w+)=(.*)$", machine.journal("probe")[earlier:], re.MULTILINE))


def test_edge_may_not_ask_for_the_clock_and_says_what_it_then_knows(machine: Machine) -> None:
    found = look(machine)
    assert found["kernel_synchronised"] == "False"
    assert found["quality"] in ("rtc", "estimated")
    machine.run("mkdir", "--parents", "/run/systemd/timesync")
    machine.run("touch", "/run/systemd/timesync/synchronized")
    assert look(machine)["quality"] == "synchronised"


def test_edge_reaches_this_machine_alone_until_a_drop_in_names_an_address(
    machine: Machine,
) -> None:
    found = look(machine)
    assert (found["inside"], found["outside"]) == ("sent 1", EPERM)
    drop_in = f"/{SYSTEM}/probe.service.d/broker.conf"
    machine.write(drop_in, f"[Service]\nIPAddressAllow={OUTSIDE}\n")
    assert look(machine)["outside"] == "sent 1"


def test_group_video_opens_the_camera_and_no_other_device(machine: Machine) -> None:
    machine.run("mknod", "/dev/video0", "c", "1", "5")
    machine.run("chgrp", "video", "/dev/video0")
    machine.run("chmod", "660", "/dev/video0")
    machine.run("mknod", "-m", "666", "/dev/kmsg", "c", "1", "11")
    script = "for one in video0 kmsg; do (: <>/dev/$$one) 2>/dev/null && echo opens=$$one; done; :"
    machine.write(f"/{SYSTEM}/look.service", in_place_of(VISION, f"/bin/sh -c '{script}'"))
    machine.run("systemctl", "start", "look")
    assert re.findall(r"opens=(\w+)", machine.journal("look")) == ["video0"]


def test_a_layer_that_is_missing_stops_the_start_unless_the_site_file_permits_it(
    machine: Machine,
) -> None:
    machine.write(
        f"/{SYSTEM}/{VISION}.service.d/kernel.conf",
        "[Service]\nSystemCallFilter=~landlock_create_ruleset\n",
    )
    machine.run("systemctl", "restart", VISION)
    machine.wait_for(lambda: "confine: landlock: expected it to hold" in machine.journal(VISION))
    permitted = '[confine]\nwithout = ["landlock"]\n'
    machine.write("/etc/encounter/site.toml", SITE + permitted)
    machine.wait_for(lambda: "landlock" not in holds(machine, VISION))
    machine.remove(f"/{SYSTEM}/{VISION}.service.d/kernel.conf")


@contextmanager
def camera(machine: Machine) -> Iterator[int]:
    """A network camera in there; gives its port."""
    needs = ["python3", "-c", "import gi; gi.require_version('GstRtspServer', '1.0')"]
    if subprocess.run(machine.inside(*needs), capture_output=True, check=False).returncode:
        pytest.skip("no RTSP server here: apt-get install python3-gi gir1.2-gst-rtsp-server-1.0")
    sample = "/opt/samples/one-by-one.mp4"
    if not (machine.root / sample.lstrip("/")).exists():
        pytest.skip("ENCOUNTER_SAMPLES is not set: no folder with one-by-one.mp4")
    words = ["python3", "/opt/camera/rtsp_server.py", sample, "H264", "installer", "a b"]
    with subprocess.Popen(
        machine.inside("env", "HOME=/tmp", *words),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as server:
        assert server.stdout is not None
        try:
            yield int(server.stdout.readline())
        finally:
            server.kill()


def test_a_network_camera_is_reached_once_named_and_its_relay_may_die(machine: Machine) -> None:
    with camera(machine) as port:
        url = f"rtsp://127.0.0.1:{port}/live"
        machine.write("/etc/encounter/camera.env", f"CAMERA_URL={url}\nCAMERA_PORT={port}\n")
        machine.write("/etc/encounter/camera.credentials", "installer\na b\n", 0o600)
        size = SITE.replace("[384, 216]", "[768, 432]")
        machine.write("/etc/encounter/site.toml", size + BROKER)
        machine.write(f"/{SYSTEM}/{VISION}.service.d/video.conf", NETWORK.read_text("utf-8"))
        machine.run("systemctl", "restart", EDGE, VISION)
        machine.wait_for(lambda: machine.pid(RELAY) != 0)
        allow = "[Service]\nIPAddressAllow=127.0.0.1\n"
        assert closed(machine, RELAY) == 0
        machine.write(f"/{SYSTEM}/{RELAY}.service.d/camera.conf", allow)
        machine.run("systemctl", "restart", VISION)
        machine.wait_for(lambda: closed(machine, RELAY) > 0)
        wait_until_counting(machine)
        assert set(REQUIRED) | {"users"} <= holds(machine, RELAY)

        before, times = machine.pid(VISION), closed(machine, VISION)
        machine.run("kill", "-KILL", str(machine.pid(RELAY)))
        machine.wait_for(lambda: "the relay or the camera began anew" in machine.journal(VISION))
        machine.wait_for(lambda: closed(machine, VISION) > times)
        wait_until_counting(machine)
        assert machine.pid(VISION) not in (0, before)


def test_chrony_s_drop_in_lets_edge_ask_and_it_still_cannot_set(machine: Machine) -> None:
    text = CHRONY.read_text("utf-8")
    ask = "import ctypes; c = ctypes.CDLL(None); b = ctypes.create_string_buffer(400);"
    ask += "print('asked', c.adjtimex(b) >= 0); b[0] = 2; print('set', c.adjtimex(b) >= 0)"
    shown = in_place_of(EDGE, f'/opt/encounter/bin/python -c "{ask}"')
    machine.write(f"/{SYSTEM}/ask.service", shown)
    machine.run("systemctl", "start", "ask")
    assert "asked False\nset False\n" in machine.journal("ask")
    machine.write(f"/{SYSTEM}/ask.service.d/chrony.conf", text)
    machine.run("systemctl", "start", "ask")
    assert "asked True\nset False\n" in machine.journal("ask")


def group_of(pid: int) -> Path:
    """The control group that a machine was started in."""
    place = control_groups()
    assert place is not None
    found = re.search(r"encounter-test-\w+", Path(f"/proc/{pid}/cgroup").read_text("utf-8"))
    assert found is not None
    return place / found[0]


def test_nothing_of_it_is_left(tmp_path: Path) -> None:
    if reason := why_not(tmp_path):
        pytest.skip(reason)
    mounts = Path("/proc/self/mounts").read_text("utf-8")
    with booted(tmp_path / "machine", tmp_path, {}) as one:
        assert Path("/proc/self/mounts").read_text("utf-8") == mounts
        group = group_of(one.init)
        assert group.is_dir()
    assert not runs(one.init)
    assert not group.exists()
    assert Path("/proc/self/mounts").read_text("utf-8") == mounts
