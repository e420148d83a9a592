"""The bill of materials: complete against what is locked, valid, the same each time, licensed."""

from __future__ import annotations

import copy
import hashlib
import json
import os
import re
import subprocess
import sys
import tomllib
from base64 import b64encode
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from deploy.sbom.__main__ import FILE, check_licences, main, this_platform
from deploy.sbom.bill import ROOT, Bill, make_bill
from deploy.sbom.document import check_valid, document
from deploy.sbom.errors import SbomError
from deploy.sbom.item import Item
from deploy.sbom.licences import Verdict, verdict
from deploy.sbom.locked import read_lock
from deploy.sbom.native import known, version_in
from deploy.sbom.wheels import look_into
from firmware_cfg.confine import seccomp

if TYPE_CHECKING:
    from collections.abc import Callable

Document = dict[str, Any]
WHEELS = Path(str(pytest.__file__)).parents[1]


@cache
def made() -> Bill:
    return make_bill()


@pytest.fixture
def kept() -> Document:
    """The document that is committed."""
    read: Document = json.loads(FILE.read_text("utf-8"))
    return read


def looked_into(found: Document) -> str:
    facts = {one["name"]: str(one["value"]) for one in found["metadata"]["properties"]}
    return facts["encounter:looked-into"]


def by_ref(found: Document) -> dict[str, Document]:
    return {one["bom-ref"]: one for one in found["components"]}


def held(found: Document, ref: str) -> set[str]:
    return set(next(one for one in found["dependencies"] if one["ref"] == ref)["dependsOn"])


def digests(component: Document) -> set[str]:
    own = component.get("hashes", [])
    files = [one for ref in component.get("externalReferences", []) for one in ref["hashes"]]
    return {one["content"] for one in (*own, *files)}


def expected(part: str) -> dict[str, set[str]]:
    """Hashes by `ref` that a part must hold, read here without the code under test."""
    lock = (ROOT / "deploy" / "locks" / f"{part}.txt").read_text("utf-8")
    pins = re.split(r"^(?=[a-z0-9])", lock, flags=re.MULTILINE)[1:]
    wanted = {}
    for pin in pins:
        name, version = pin.split()[0].split("==")
        wanted[f"pkg:pypi/{name}@{version}"] = set(re.findall("sha256:([0-9a-f]{64})", pin))
    if part == "device":
        manifest = tomllib.loads((ROOT / "models" / "manifest.toml").read_text("utf-8"))
        for model in manifest["model"]:
            wanted[f"models/{model['file']}"] = {model["sha256"]}
        return wanted
    assets = json.loads((ROOT / "package-lock.json").read_text("utf-8"))["packages"]
    for path, asset in assets.items():
        if path and not asset.get("dev"):
            name = path.removeprefix("node_modules/").replace("@", "%40")
            wanted[f"pkg:npm/{name}@{asset['version']}"] = {asset["integrity"]}
    return wanted


def faults(found: Document) -> list[str]:
    """Where a document differs from lock files and manifest."""
    components, differs = by_ref(found), []
    for part in ("device", "server"):
        wanted = expected(part)
        lost = wanted.keys() - held(found, f"encounter-{part}")
        differs += [f"{part} does not hold {ref}" for ref in sorted(lost)]
        for ref, hashes in wanted.items():
            has = digests(components[ref]) if ref in components else set()
            sha512 = {f"sha512-{b64encode(bytes.fromhex(one)).decode()}" for one in has}
            if hashes not in (has, sha512):
                differs.append(f"{ref}: other hashes")
    return differs


def test_the_committed_bill_is_complete(kept: Document) -> None:
    assert sum(len(expected(part)) for part in ("device", "server")) > 40
    assert faults(kept) == []


def drop(found: Document, ref: str) -> None:
    found["components"] = [one for one in found["components"] if one["bom-ref"] != ref]


def alter(found: Document, ref: str) -> None:
    component = by_ref(found)[ref]
    files = component.get("externalReferences", [component])[0]
    files["hashes"][0]["content"] = "0" * len(files["hashes"][0]["content"])


@pytest.mark.parametrize("spoil", [drop, alter])
def test_any_component_that_is_missing_or_another_is_found(
    kept: Document, spoil: Callable[[Document, str], None]
) -> None:
    for ref in expected("device") | expected("server"):
        spoilt = copy.deepcopy(kept)
        spoil(spoilt, ref)
        assert any(ref in fault for fault in faults(spoilt)), ref


def test_it_is_valid_and_what_is_not_is_refused() -> None:
    text = FILE.read_text("utf-8")
    check_valid(text)
    with pytest.raises(SbomError, match=r"expected CycloneDX 1\.6"):
        check_valid(text.replace('"type": "library"', '"type": "book"'))


def test_it_is_not_stale_and_would_be_known_if_it_were(
    kept: Document, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if looked_into(kept) != this_platform():
        pytest.skip(f"it looks into the wheels of {looked_into(kept)}")
    file = tmp_path / "bill.json"
    assert main([], file) == 0
    assert file.read_bytes() == FILE.read_bytes(), "run make sbom"
    file.write_text(file.read_text("utf-8").replace("numpy", "nunpy"), "utf-8")
    assert main(["--check"], file) == 1
    assert "stale: make sbom" in capsys.readouterr().out


def test_another_process_makes_the_same_bytes(kept: Document) -> None:
    if looked_into(kept) != this_platform():
        pytest.skip(f"it looks into the wheels of {looked_into(kept)}")
    command = [sys.executable, "-m", "deploy.sbom", "--check"]
    seeded = os.environ | {"PYTHONHASHSEED": "7"}
    done = subprocess.run(
        command, cwd=ROOT, env=seeded, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout


def serial(version: str) -> str:
    """The serial number of a small bill that holds one thing."""
    item = replace(made().items[0], version=version, holds=())
    bill = Bill(replace(made().product, holds=(item.ref,)), (item,))
    return str(json.loads(document(bill, "here"))["serialNumber"])


def test_no_time_stands_in_it_and_its_number_follows_its_contents(kept: Document) -> None:
    assert "timestamp" not in kept["metadata"]
    assert serial("1") == serial("1") != serial("2")


def test_every_library_file_of_the_wheels_is_in_it() -> None:
    refs = {item.ref: item for item in made().items}
    files = [*WHEELS.glob("numpy.libs/*"), *WHEELS.glob("opencv_python_headless.libs/*")]
    files += WHEELS.glob("onnxruntime/capi/lib*.so*")
    assert len(files) > 3
    for file in files:
        package = file.parent.name.removesuffix(".libs").replace("_", "-")
        item = refs[f"{'onnxruntime' if package == 'capi' else package}/{file.name}"]
        assert item.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()


def test_what_the_wheels_link_in_is_told() -> None:
    versions = {(item.ref.split("/")[0], item.name): item.version for item in made().items}
    assert versions["cryptography", "openssl"][0].isdigit()
    assert versions["opencv-python-headless", "libjpeg-turbo"][0].isdigit()
    assert versions["numpy", "OpenBLAS"][0].isdigit()
    assert ("onnxruntime", "1DS telemetry client") in versions


def test_models_are_the_files_that_are_shipped(kept: Document) -> None:
    for ref, component in by_ref(kept).items():
        if ref.startswith("models/"):
            assert digests(component) == {hashlib.sha256((ROOT / ref).read_bytes()).hexdigest()}


def test_the_jails_library_comes_from_a_package_that_is_named(kept: Document) -> None:
    stem, _, major = seccomp.LIBRARY.partition(".so.")
    assert f"pkg:deb/debian/{stem}{major}" in held(kept, "encounter-device")
    assert f"pkg:deb/debian/{stem}{major}" not in held(kept, "encounter-server")


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("MIT", Verdict.PERMISSIVE),
        ("EPL-2.0 OR BSD-3-Clause", Verdict.PERMISSIVE),
        ("Apache-2.0 WITH LLVM-exception", Verdict.PERMISSIVE),
        ("(MIT OR Apache-2.0) AND Unicode-3.0", Verdict.PERMISSIVE),
        ("LGPL-2.1-or-later", Verdict.NAMED),
        ("MIT AND (GPL-2.0-only OR MPL-2.0)", Verdict.NAMED),
        ("GPL-3.0-or-later WITH GCC-exception-3.1", Verdict.NAMED),
        ("MIT AND GPL-3.0-only", Verdict.REFUSED),
        ("GPL-3.0-or-later", Verdict.REFUSED),
        ("AGPL-3.0-only", Verdict.REFUSED),
        ("free for a fortnight", Verdict.REFUSED),
        ("MIT AND", Verdict.REFUSED),
        ("", Verdict.REFUSED),
    ],
)
def test_licences_are_judged(expression: str, said: Verdict) -> None:
    assert verdict(expression) is said


def test_nothing_in_it_has_a_refused_licence_and_one_that_has_is_named() -> None:
    named = check_licences(made())
    assert any("libavcodec" in ref for ref in named["LGPL-2.1-or-later"])
    spoilt = Bill(made().product, (*made().items, Item("x", "pymerkle", "6", "GPL-3.0-or-later")))
    with pytest.raises(SbomError, match=r"refuses: x: GPL-3\.0-or-later"):
        check_licences(spoilt)


@pytest.mark.parametrize(
    ("name", "contents", "message"),
    [
        ("libavcodec-1.so.62", b"libavcodec license: GPL version 2 or later", "LGPL version 2.1"),
        ("libx264-1.so.3", b"", "found libx264"),
    ],
)
def test_a_library_of_another_licence_or_unknown_stops_it(
    tmp_path: Path, name: str, contents: bytes, message: str
) -> None:
    (tmp_path / name).write_bytes(contents)
    with pytest.raises(SbomError, match=message):
        known(tmp_path / name)


def test_versions_are_read_as_far_as_they_are_told() -> None:
    assert version_in(rb"abi_v(\d+_\d+)", b"..abi_v3_12..") == "3.12"
    assert version_in(rb"5Eigen()", b"N5Eigen") == ""
    assert version_in(rb"5Eigen()", b"none") is None
    assert version_in(b"", b"none") is None


def test_a_lock_without_hashes_and_another_version_are_refused(tmp_path: Path) -> None:
    (tmp_path / "lock.txt").write_text("numpy==2.0.0\n", "utf-8")
    with pytest.raises(SbomError, match="name==version with hashes"):
        read_lock(tmp_path / "lock.txt")
    pins = {pin.name: pin for pin in read_lock(ROOT / "deploy" / "locks" / "server.txt")}
    with pytest.raises(SbomError, match=r"expected 0\.0\.1, found "):
        look_into(replace(pins["h11"], version="0.0.1"))
    with pytest.raises(SbomError, match="found none"):
        look_into(replace(pins["h11"], name="no-such-package"))
