"""A running device, and one that breaks every rule, both looked at by Part A."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from edge.audit.finding import Finding
from edge.audit.running.compiled import differs
from edge.audit.running.find import held_by_others
from edge.audit.running.inspection import Watching, inspect
from edge.audit.running.loaded import sha256_of
from firmware_cfg.load import load_site
from tests.integration.processes.grey_video import SITE as FILMED
from tests.integration.processes.grey_video import write_grey_video
from tests.integration.processes.running import ROOT, Run, running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SITE = f"{FILMED}[page]\nport = 0\n"
PLANTED = Path(__file__).with_name("planted.py")
SCRIPT = ROOT / "deploy" / "audit" / "inspect.sh"
WATCH_S = 1.0


@dataclass(frozen=True, slots=True)
class Audited:
    """A device, and what Part A found of it.

    Attributes:
        findings: by the check's name.
        pids: processes by name.
        site: its site file.
        script: what the independent script says of it.
        run: its launcher; None: started by the test itself.
    """

    findings: dict[str, Finding]
    pids: dict[str, int]
    site: Path
    script: subprocess.CompletedProcess[str]
    run: Run | None = None


def look(*pids: int) -> subprocess.CompletedProcess[str]:
    """Run the independent script on these processes."""
    return subprocess.run(
        ["sh", str(SCRIPT), *map(str, pids)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def by_name(findings: tuple[Finding, ...]) -> dict[str, Finding]:
    assert len({one.check for one in findings}) == len(findings)
    return {one.check: one for one in findings}


def hidden_here() -> set[str]:
    """What cannot hold where even root may not look into every process of the machine."""
    return {"records.pipe"} if held_by_others(set()).hidden else set()


@pytest.fixture(scope="session", autouse=True)
def _as_root() -> None:
    """Other processes' memory, descriptors and registers are for root alone."""
    if os.geteuid() != 0:
        pytest.skip("only root sees inside a process that is closed to its own user")


@pytest.fixture(scope="session", autouse=True)
def _the_installation_is_read_once() -> Iterator[None]:
    """Ten thousand files that each inspection hashes and compiles: again where one has changed."""
    with pytest.MonkeyPatch.context() as patch:
        for judge in (sha256_of, differs):
            judged = of_content(judge)
            for module in ("binding", "running.loaded"):
                patch.setattr(f"edge.audit.{module}.{judge.__name__}", judged)
        yield


def of_content(judge: Callable[[Path], Any]) -> Callable[[Path], Any]:
    """`judge`, asked once for each state of a file and of the source beside its folder."""
    known: dict[tuple[object, ...], Any] = {}

    def judged(path: Path) -> Any:
        source = path.parents[1] / f"{path.name.split('.')[0]}.py"
        key = (path, *map(state, (path, source)))
        if key not in known:
            known[key] = judge(path)
        return known[key]

    return judged


def state(path: Path) -> tuple[int, ...]:
    """What changes whenever somebody writes to a file; empty: there is none."""
    with suppress(OSError):
        found = path.stat()
        return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
    return ()


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("site") / "site.toml"
    path.write_text(SITE)
    return path


@pytest.fixture(scope="session")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A grey video."""
    return write_grey_video(tmp_path_factory.mktemp("video"))


@pytest.fixture(scope="session")
def device(site: Path, video: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Audited]:
    """The real device, on a film, looked at while it counts."""
    with running(video, site, tmp_path_factory.mktemp("run")) as run:
        run.wait_until_counting()
        findings = inspect(site, load_site(site), Watching(WATCH_S))
        pids = run.children()
        yield Audited(by_name(findings), pids, site, look(*pids.values()), run)


@contextmanager
def planted(folder: Path, site: Path) -> Iterator[dict[str, int]]:
    """Processes by the device's names that break the rules; `planted.py` says how."""
    packages = folder / "site-packages" / "onnxruntime"
    packages.mkdir(parents=True)
    (packages / "fake.so").write_bytes(bytes(4096))
    (folder / "cv2").mkdir()
    (folder / "cv2" / "fake.so").write_bytes(bytes(4096))
    (folder / "edge").mkdir()
    shutil.copy(PLANTED, folder / "vision.py")
    shutil.copy(PLANTED, folder / "edge" / "appliance.py")
    reading, writing = os.pipe()
    common = [sys.executable, "-m"]
    ends = {"vision": writing, "edge.appliance": reading}
    processes = []
    spy = subprocess.Popen(["sleep", "300"], pass_fds=(reading,))
    try:
        for module, end in ends.items():
            more = ["--site", str(site), "--records-fd", str(end), "--models-dir", str(folder)]
            process = subprocess.Popen(
                [*common, module, *more],
                cwd=folder,
                pass_fds=(end,),
                stdout=subprocess.PIPE,
                env={"PATH": os.environ["PATH"], "PYTHONPATH": str(folder), "ROOT": str(ROOT)},
            )
            processes.append(process)
            assert process.stdout is not None
            assert process.stdout.readline() == b"planted\n"
        yield {"vision": processes[0].pid, "edge": processes[1].pid}
    finally:
        for process in [*processes, spy]:
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()
        os.close(reading)
        os.close(writing)


@pytest.fixture(scope="session")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Audited]:
    """A device that breaks the rules, and what Part A found of it."""
    folder = tmp_path_factory.mktemp("planted")
    path = folder / "site.toml"
    path.write_text(SITE)
    units = folder / "units"
    units.mkdir()
    (units / "encounter-vision.service").write_text("[Service]\nExecStart=/bin/true\n")
    manifest = '[[model]]\nname = "nanodet-288x512-int8"\nfile = "m.onnx"\nsha256 = "00"\n'
    (folder / "manifest.toml").write_text(manifest)
    (folder / "m.onnx").write_bytes(b"swapped")
    with planted(folder, path) as pids:
        path.write_text(SITE + "# changed\n")
        findings = inspect(path, load_site(path), Watching(WATCH_S), units)
        yield Audited(by_name(findings), pids, path, look(*pids.values()))
