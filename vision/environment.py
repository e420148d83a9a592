"""Settings that libraries read from the environment, before they are imported.

onnxruntime's Linux wheels report use to their maker unless `ORT_DISABLE_TELEMETRY` is set
before import. OpenBLAS would start one thread a core for arithmetic that this package does
not do. FFmpeg's and OpenCV's own messages would mix with ours on standard error.
"""

from __future__ import annotations

import os

SETTINGS = {
    "ORT_DISABLE_TELEMETRY": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "OPENCV_LOG_LEVEL": "SILENT",
    "OPENCV_FFMPEG_LOGLEVEL": "-8",  # AV_LOG_QUIET
}


def settle_libraries() -> None:
    """Put `SETTINGS` into this process's environment, over what is there."""
    os.environ.update(SETTINGS)
