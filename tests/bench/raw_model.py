"""Runs only the model on a ready tensor and prints frames a second: the bench's yardstick.

usage: python tests/bench/raw_model.py MODEL.onnx FRAMES
"""

from __future__ import annotations

import os
import sys
import time

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import numpy as np
import onnxruntime as ort


def main() -> None:
    """Time `FRAMES` inferences after a warm-up; thread count 1, same options as the product."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.enable_mem_pattern = False
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = ort.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
    shape = session.get_inputs()[0].shape
    picture = np.random.default_rng(0).integers(0, 255, shape, np.uint8)
    for _ in range(20):
        session.run(None, {"picture": picture})
    frames = int(sys.argv[2])
    began_s = time.perf_counter()
    for _ in range(frames):
        session.run(None, {"picture": picture})
    print(frames / (time.perf_counter() - began_s))


if __name__ == "__main__":
    main()
