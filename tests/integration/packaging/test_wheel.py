"""The wheel, built and put to work where nothing of the checkout is in reach."""

from __future__ import annotations

import re
import zipfile
from typing import TYPE_CHECKING

import pytest

from deploy import assets
from tests.integration.packaging.wheel_environment import ROOT, Clean, build_wheel, make_clean

if TYPE_CHECKING:
    from pathlib import Path

SITE = """
[camera]
size_px = [640, 480]
[[service_point]]
id = "counter-1"
service_zone_px = [[100, 100], [500, 100], [500, 470], [100, 470]]
"""
MANY_SECONDS = 40

ALLOWED = {
    "edge": r"(\w+/)*\w+\.py|page/static/[\w-]+\.(html|css|js|svg)",
    "vision": r"(\w+/)*\w+\.py",
    "firmware_cfg": r"(\w+/)*\w+\.py",
    "server": r"(\w+/)*\w+\.py|templates/\w+\.html|locales/\w+\.json|static/\w+\.(css|js|svg)"
    r"|static/vendor/[\w.]+",
    "encounter_models": r"[\w.-]+\.(onnx|toml|md|py|txt)|[\w-]+/[\w.-]+\.json",
    "encounter-0.1.0.dist-info": r"METADATA|WHEEL|RECORD|entry_points\.txt|licenses/LICENSE",
}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not all((assets.VENDOR / name).is_file() for name in assets.FILES.values()):
        pytest.skip("the pages' assets are not there: make setup fetches them")
    return build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def device(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Clean:
    return make_clean(tmp_path_factory.mktemp("device"), wheel, "device.txt")


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Clean:
    return make_clean(tmp_path_factory.mktemp("host"), wheel, "server.txt")


def test_wheel_holds_packages_assets_and_models_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    stray = [
        name
        for name in names
        if (top := name.partition("/")[0]) not in ALLOWED
        or not re.fullmatch(ALLOWED[top], name.partition("/")[2])
    ]
    assert stray == []
    assert {f"server/static/vendor/{name}" for name in assets.FILES.values()} <= set(names)
    models = {path.name for path in (ROOT / "models").glob("*.onnx")}
    assert models
    assert {f"encounter_models/{name}" for name in {*models, "manifest.toml"}} <= set(names)
    templates = {path.name for path in (ROOT / "server" / "templates").iterdir()}
    assert {f"server/templates/{name}" for name in templates} <= set(names)


def test_wheel_has_the_licence_and_both_commands(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        info = "encounter-0.1.0.dist-info"
        assert archive.read(f"{info}/licenses/LICENSE") == (ROOT / "LICENSE").read_bytes()
        commands = archive.read(f"{info}/entry_points.txt").decode()
    assert "encounter-edge = edge.cli:main" in commands
    assert "encounter-server = server.cli:main" in commands


def test_data_folders_are_not_importable(device: Clean) -> None:
    for name in ("models", "deploy", "tests"):
        found = device.run("python", "-c", f"import {name}")
        assert found.returncode == 1
        assert f"No module named '{name}'" in found.stderr


def test_a_device_has_no_server_library_and_a_server_no_device_library(
    device: Clean, host: Clean
) -> None:
    if not (device.locked and host.locked):
        pytest.skip("packages borrowed from the development environment: no registry was reached")
    for name in ("fastapi", "sqlalchemy", "jinja2"):
        assert device.run("python", "-c", f"import {name}").returncode == 1
    for name in ("cv2", "onnxruntime", "numpy"):
        missing = host.run("python", "-c", f"import {name}").returncode == 1
        assert missing or name == "numpy"  # records are read with numpy


@pytest.mark.parametrize("command", ["replay", "run", "check-config"])
def test_device_command_helps(device: Clean, command: str) -> None:
    shown = device.run("encounter-edge", command, "--help")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert shown.stdout.startswith(f"usage: encounter-edge {command}")


def test_server_command_helps_without_any_device_library(host: Clean) -> None:
    shown = host.run("encounter-server", "--help")
    assert (shown.returncode, shown.stderr) == (0, "")
    key = host.run("encounter-server", "key", "--state", "state")
    assert key.returncode == 0
    assert re.fullmatch(r"[0-9a-f]{64}\n", key.stdout)


def test_pages_and_their_assets_come_out_of_the_wheel(host: Clean) -> None:
    script = (
        "from importlib.resources import files; import server.web.app, server.web.pages; "
        "print((files('server') / 'static/vendor/htmx.js').read_text()[:3])"
    )
    assert host.run("python", "-c", script).returncode == 0


def test_check_config_and_replay_work(device: Clean) -> None:
    (device.work / "site.toml").write_text(SITE)
    checked = device.run("encounter-edge", "check-config", "site.toml")
    assert (checked.returncode, checked.stderr) == (0, "")
    (device.work / "det.txt").write_text(
        "".join(
            f"{frame},-1,280.0,120.0,80.0,240.0,0.9,-1,-1,-1\n"
            for frame in range(1, 10 * MANY_SECONDS)
        )
    )
    replayed = device.run(
        "encounter-edge",
        *("replay", "--detections", "det.txt", "--fps", "10"),
        *("--site", "site.toml", "--out", "visits.jsonl"),
    )
    assert (replayed.returncode, replayed.stderr) == (0, "")
    visits = (device.work / "visits.jsonl").read_text().splitlines()
    assert len(visits) == 1
    assert '"service_point": "counter-1"' in visits[0]


def test_edge_needs_none_of_visions_libraries(device: Clean) -> None:
    script = """
import importlib, importlib.abc, pkgutil, sys
class Wall(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.split(".")[0] in "cv2 onnxruntime fastapi sqlalchemy vision server".split():
            raise ModuleNotFoundError(f"behind the wall: {name}")
sys.meta_path.insert(0, Wall())
import edge
for module in pkgutil.walk_packages(edge.__path__, "edge."):
    importlib.import_module(module.name)
"""
    done = device.run("python", "-c", script)
    assert (done.returncode, done.stderr) == (0, "")


def test_vision_finds_the_models_of_the_wheel(device: Clean) -> None:
    (device.work / "site.toml").write_text(SITE)
    script = """
from vision.environment import settle_libraries
settle_libraries()
from vision.models import find_models_dir, load_model
from vision.detector import OnnxDetector
folder = find_models_dir()
assert folder.name == "encounter_models", folder
model = load_model("nanodet-288x512-int8", folder)
OnnxDetector(model, 1, 0.2).detect()
"""
    done = device.run("python", "-c", script)
    assert (done.returncode, done.stderr) == (0, "")
    shown = device.run("python", "-m", "vision", "--help")
    assert shown.returncode == 0


def test_run_on_a_missing_video_says_so_without_a_traceback(device: Clean) -> None:
    (device.work / "site.toml").write_text(SITE)
    done = device.run("encounter-edge", "run", "--source", "none.avi", "--site", "site.toml")
    assert done.returncode == 2
    assert "none.avi" in done.stderr
    assert "Traceback" not in done.stderr
