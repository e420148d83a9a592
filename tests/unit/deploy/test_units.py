"""The systemd units: accepted by systemd, scored by it, and in step with the code."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import edge.appliance
import edge.relay.__main__
import vision.command
from edge.pulse import PULSE_S
from firmware_cfg.confine.__main__ import parser

UNITS = Path(__file__).resolve().parents[3] / "deploy" / "units"
SERVICES = {"vision": 0.6, "edge": 1.1, "relay": 1.1}  # and the exposure that each may have
FILES = sorted([*UNITS.glob("*.service"), *UNITS.glob("*.socket")])
NETWORK = UNITS / "network-camera" / "encounter-vision.service.d" / "network-camera.conf"
CHRONY = UNITS / "chrony" / "encounter-edge.service.d" / "chrony.conf"
USERS = UNITS / "sysusers.d" / "encounter.conf"
ARGUMENTS = {
    "vision": vision.command.parser,
    "edge.appliance": edge.appliance.parser,
    "edge.relay": edge.relay.__main__.parser,
}
needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed"
)


def settings(path: Path) -> dict[str, list[str]]:
    """Every setting of a unit with its values, in order."""
    found: dict[str, list[str]] = {}
    for line in path.read_text("utf-8").splitlines():
        key, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(key, []).append(value)
    return found


def service(name: str) -> dict[str, list[str]]:
    return settings(UNITS / f"encounter-{name}.service")


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The units, with an interpreter that is there."""
    for path in FILES:
        text = path.read_text("utf-8").replace("/opt/encounter/bin/python", sys.executable)
        (tmp_path / path.name).write_text(text)
    folder = tmp_path / "encounter-vision.service.d"
    folder.mkdir()
    text = NETWORK.read_text("utf-8").replace("/opt/encounter/bin/python", sys.executable)
    (folder / NETWORK.name).write_text(text)
    return tmp_path


@needs_systemd
@pytest.mark.parametrize("with_drop_in", [False, True])
def test_systemd_accepts_them(installed: Path, with_drop_in: bool) -> None:
    if not with_drop_in:
        shutil.rmtree(installed / "encounter-vision.service.d")
    names = [str(installed / path.name) for path in FILES]
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *names],
        capture_output=True,
        text=True,
        check=False,
    )
    ours = [line for line in done.stderr.splitlines() if "encounter" in line]
    assert (done.returncode, ours) == (0, [])


@needs_systemd
def test_a_mistake_in_them_would_be_found(installed: Path) -> None:
    path = installed / "encounter-edge.service"
    path.write_text(path.read_text("utf-8").replace("Type=notify", "Type=notfy"))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "notfy" in done.stderr


@needs_systemd
@pytest.mark.parametrize("name", SERVICES)
def test_their_exposure_is_low(name: str) -> None:
    done = subprocess.run(
        [
            *("systemd-analyze", "security", "--offline=true", "--no-pager"),
            str(UNITS / f"encounter-{name}.service"),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    score = re.search(r"exposure level for \S+: ([\d.]+)", done.stdout)
    assert score is not None
    assert float(score[1]) <= SERVICES[name]


@pytest.mark.parametrize("path", [*sorted(UNITS.glob("*.service")), NETWORK], ids=lambda p: p.name)
def test_each_enters_its_jail_by_a_command_line_that_the_code_takes(path: Path) -> None:
    line = shlex.split(settings(path)["ExecStart"][-1])
    python = ["/opt/encounter/bin/python", "-I", "-S", "-B", "/opt/encounter/confine/__main__.py"]
    assert line[:5] == python
    filled = [word.replace("${CAMERA_PORT}", "554") for word in line[5:]]
    entry = parser().parse_args(filled)
    assert entry.keep_fd == [3]
    given = ARGUMENTS[entry.module]().parse_args(entry.arguments)
    assert 3 in (getattr(given, "records_fd", None), getattr(given, "stream_fd", None))
    assert entry.site == Path("/etc/encounter/site.toml")  # for what it permits to be missing
    assert entry.tell == (entry.policy == "relay")  # which reads no site file
    policies = {"vision": {"camera", "vision"}, "edge.appliance": {"edge"}, "edge.relay": {"relay"}}
    assert entry.policy in policies[entry.module]
    assert [str(p) for p in entry.device] == (["/dev/video0"] if entry.policy == "camera" else [])


@pytest.mark.parametrize("name", SERVICES)
def test_each_has_a_user_of_its_own_no_swap_no_core_and_comes_back(name: str) -> None:
    has = service(name)
    assert has["User"] == has["Group"] == [f"encounter-{name}"]
    for key, value in {
        "MemorySwapMax": "0",
        "LimitCORE": "0",
        "Restart": "always",
        "StartLimitIntervalSec": "0",
        "StandardOutput": "null",
        "StandardError": "journal",  # left out, it would be the standard output's null
        "IPAddressDeny": "any",
        "NoNewPrivileges": "yes",
        "ProtectSystem": "strict",
        "CapabilityBoundingSet": "",
        "DevicePolicy": "closed",
        "SystemCallErrorNumber": "EPERM",  # the probes try, and must live
    }.items():
        assert has[key] == [value], key
    assert "MemoryMax" in has
    users = USERS.read_text("utf-8")
    assert re.search(rf"^u +encounter-{name} ", users, re.MULTILINE)


@pytest.mark.skipif(shutil.which("systemd-sysusers") is None, reason="no systemd-sysusers here")
def test_systemd_would_make_the_users(tmp_path: Path) -> None:
    done = subprocess.run(
        ["systemd-sysusers", f"--root={tmp_path}", "--dry-run", str(USERS)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for name in SERVICES:
        assert f"Creating user 'encounter-{name}'" in done.stderr
    assert "not a valid" not in done.stderr


def test_only_vision_may_open_a_camera_and_only_it_has_no_network() -> None:
    assert service("vision")["PrivateNetwork"] == ["yes"]
    assert service("vision")["RestrictAddressFamilies"] == ["none"]
    assert service("vision")["SupplementaryGroups"] == ["video"]
    for name in ("edge", "relay"):
        assert "SupplementaryGroups" not in service(name)
        assert service(name)["PrivateDevices"] == ["yes"]
        assert "DeviceAllow" not in service(name)
    users = USERS.read_text("utf-8")
    assert re.findall(r"^m +(\S+) +(\S+)$", users, re.MULTILINE) == [("encounter-vision", "video")]
    with_stream = settings(NETWORK)
    assert with_stream["DeviceAllow"] == with_stream["SupplementaryGroups"] == [""]
    assert with_stream["PrivateDevices"] == ["yes"]


def test_the_relay_reaches_nothing_until_it_is_told_and_is_told_no_secret() -> None:
    has = service("relay")
    assert has["IPAddressDeny"] == ["any"]
    assert "IPAddressAllow" not in has
    assert has["StandardInput"] == ["file:/etc/encounter/camera.credentials"]
    assert "--credentials-fd 0" in has["ExecStart"][0]


def test_edge_reaches_this_machine_alone_until_it_is_told() -> None:
    assert service("edge")["IPAddressAllow"] == ["localhost"]
    assert "IPAddressAllow" not in service("vision")


def test_what_chrony_needs_is_to_ask_and_no_more() -> None:
    edge_has, given = service("edge"), settings(CHRONY)
    assert edge_has["ProtectClock"] == ["yes"]
    assert given == {"ProtectClock": ["no"], "SystemCallFilter": ["adjtimex clock_adjtime"]}
    assert edge_has["CapabilityBoundingSet"] == [""]  # without which nothing can be set


def test_the_watchdog_is_slower_than_the_pulse() -> None:
    (seconds,) = service("edge")["WatchdogSec"]
    assert float(seconds.removesuffix("s")) >= 5 * PULSE_S
    assert service("edge")["Type"] == ["notify"]
