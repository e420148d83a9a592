"""Runs only the model on a ready tensor, for ever: the bench's yardstick.

usage: python tests/bench/raw_model.py MODEL.onnx DESCRIPTOR    (a byte a frame goes to it)
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ["ORT_DISABLE_TELEMETRY"] = "1"
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
import onnxruntime as ort

from vision.detector import session_options


def main() -> None:
    """Infer with the product's own options, one thread."""
    session = ort.InferenceSession(
        sys.argv[1], session_options(1), providers=["CPUExecutionProvider"]
    )
    shape = session.get_inputs()[0].shape
    picture = np.random.default_rng(0).integers(0, 255, shape, np.uint8)
    descriptor = int(sys.argv[2])
    while True:
        session.run(None, {"picture": picture})
        os.write(descriptor, b"r")


if __name__ == "__main__":
    main()
