"""Under a real systemd: what the processes hold there is what the audit and the script expect.

The journal's sockets were made by systemd in the machine's network, and vision has another one;
edge holds the socket by which it gives systemd signs of life.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.audit.inspection.conftest import SCRIPT
from tests.integration.processes.grey_video import SITE
from tests.integration.processes.own_systemd import Machine, booted, why_not
from tests.integration.processes.units_changed import EDGE, VISION, from_a_video

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.slow
SITE_FILE = "/etc/encounter/site.toml"
LOOK = f"""
import json
from pathlib import Path
from edge.audit.running.find import find_processes
from edge.audit.running.inspection import Device, _holdings
from firmware_cfg.load import load_site
path = Path("{SITE_FILE}")
device = Device(path, load_site(path), find_processes(path))
found = [one for process in device.processes for one in _holdings(device, process)]
print(json.dumps({{one.check: [one.status, *one.evidence] for one in found}}))
"""
"""What Part A says of whatever the processes hold, without its other checks."""


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory, video: Path) -> Iterator[Machine]:
    """The units at work."""
    folder = tmp_path_factory.mktemp("systemd")
    if reason := why_not(folder):
        pytest.skip(reason)
    samples = tmp_path_factory.mktemp("samples")
    samples.chmod(0o755)
    shutil.copy(video, samples / "grey.avi")
    files = {
        SITE_FILE.removeprefix("/"): SITE,
        f"etc/systemd/system/{VISION}.service.d/video.conf": from_a_video(),
        "opt/camera/inspect.sh": SCRIPT.read_text("utf-8"),
    }
    with booted(folder / "machine", samples, files) as one:
        one.run("systemctl", "start", "--no-block", "encounter-records.socket", EDGE, VISION)
        one.wait_for(lambda: one.has(EDGE, "StatusText") == "counting")
        yield one


def test_sockets_and_outputs_are_those_that_they_may_be(machine: Machine) -> None:
    found = json.loads(machine.run("/opt/encounter/bin/python", "-B", "-c", LOOK))
    for role in ("vision", "edge"):
        for check in (f"{role}.sockets", f"{role}.descriptors"):
            assert found[check][0] == "holds", found[check]
    assert any("unix" in line for line in found["vision.sockets"])
    assert any("/dev/null" in line for line in found["vision.descriptors"])
    awk = Path(shutil.which("awk") or "/usr/bin/awk").resolve()
    prepared = f"mkdir -p /etc/alternatives; ln -s {awk} /etc/alternatives/awk"
    script = machine.run("sh", "-c", f"{prepared}; sh /opt/camera/inspect.sh || :")
    lines = [line for line in script.splitlines() if "socket" in line or "descriptor" in line]
    assert [line for line in lines if line.startswith("FAIL")] == []
    assert sum(line.endswith(": local") for line in lines) >= 2
