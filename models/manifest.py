"""The manifest of the models: what each file is, where it comes from, and its SHA-256."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import tfjs
from decode import CANDIDATES
from onnx_graph import OPSET

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

HEADING = """\
# Written by convert_nanodet.py; do not edit. The reader refuses a file whose SHA-256 differs.
schema = 1
"""
MODEL = """
[[model]]
name = "{name}"
file = "{file}"
sha256 = "{sha256}"
bytes = {size}
task = "person-detection"
precision = "{precision}"
opset = {opset}
card = "nanodet.md"
licence = "Apache-2.0"
licence_file = "LICENSES.md"
upstream = "https://github.com/RangiLyu/nanodet"
how_made = "python models/convert_nanodet.py --package {tarball} --out models"
{calibration}
[model.input]
name = "picture"
dtype = "uint8"
shape = [1, {height}, {width}, 3]
layout = "NHWC"
colour_order = "BGR"
range = [0, 255]
letterbox = "aspect kept, in the top-left corner, the rest black (0)"

[[model.output]]
name = "boxes"
dtype = "float32"
shape = [{candidates}, 4]
meaning = "left, top, right, bottom in pixels of the picture, clipped to it; overlaps remain"

[[model.output]]
name = "scores"
dtype = "float32"
shape = [{candidates}]
meaning = "person score in [0, 1], descending, in the order of the boxes"

[model.source]
registry = "npm"
package = "{package}"
version = "{version}"
package_licence = "MIT"
tarball_sha256 = "{tarball_sha256}"
files = [
{files}
]
"""


@dataclass(frozen=True, slots=True)
class Made:
    """A finished model: its name, size (height, width) in pixels, bytes, and ranges if int8."""

    name: str
    precision: str
    size_px: tuple[int, int]
    content: bytes
    calibration: Path | None = None

    @property
    def file(self) -> str:
        """The name of its file."""
        return f"{self.name}.onnx"


def manifest_text(models: Sequence[Made]) -> str:
    """The manifest, TOML, one ``[[model]]`` for each."""
    return HEADING + "".join(_entry(model) for model in models)


def _entry(model: Made) -> str:
    files = [
        f'    {{ path = "{path}", sha256 = "{sha256}" }},'
        for path, sha256 in tfjs.FILES_SHA256.items()
    ]
    return MODEL.format(
        name=model.name,
        file=model.file,
        sha256=hashlib.sha256(model.content).hexdigest(),
        size=len(model.content),
        precision=model.precision,
        opset=OPSET,
        tarball=tfjs.TARBALL,
        calibration=_calibration(model),
        height=model.size_px[0],
        width=model.size_px[1],
        candidates=CANDIDATES,
        package=tfjs.PACKAGE,
        version=tfjs.PACKAGE_VERSION,
        tarball_sha256=tfjs.TARBALL_SHA256,
        files="\n".join(files),
    )


def _calibration(model: Made) -> str:
    """The lines on the committed ranges, for int8 alone."""
    if model.calibration is None:
        return ""
    sha256 = hashlib.sha256(model.calibration.read_bytes()).hexdigest()
    return (
        f'calibration = "calibration/{model.calibration.name}"\ncalibration_sha256 = "{sha256}"\n'
    )
