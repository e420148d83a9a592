"""Records the range of every layer over pictures of people, for the int8 models.

    python models/calibrate.py --package PACKAGE --video vtest.avi --out models/calibration

The pictures: `FRAMES` frames spread over the video, each whole (people far away) and as two
crops (nearer, and very near), and each of these once as it is and once darker or brighter, so
that the ranges hold for more than one distance and one light. The ranges are committed, so that
making the models again needs no video.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # read once, when onnxruntime is imported

import cv2
import numpy as np
import onnxruntime
import tfjs
from network import SIZES, append_float_layers, persons_only
from onnx_graph import Graph, value_info

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray
    from tfjs import Layer

FRAMES = 20
NEAR = ((0.0, 0.15, 0.5), (0.2, 0.2, 0.5), (0.45, 0.1, 0.5), (0.1, 0.25, 0.34), (0.5, 0.2, 0.34))
VERY_NEAR = ((0.26, 0.25, 0.17), (0.35, 0.3, 0.2), (0.55, 0.25, 0.17), (0.2, 0.3, 0.22))
"""Left, top, width as shares of the frame's sides; crops are 16:9 and are taken in turn."""
LIGHTS = (0.5, 1.6)
"""Factors on the pixels' values, taken in turn."""


def letterbox(frame: NDArray[np.uint8], height_px: int, width_px: int) -> NDArray[np.uint8]:
    """The frame, BGR, scaled into the top-left corner of a black picture [1, H, W, 3]."""
    rows, columns = frame.shape[:2]
    scale = min(width_px / columns, height_px / rows)
    size = (round(columns * scale), round(rows * scale))
    picture = np.zeros((1, height_px, width_px, 3), np.uint8)
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    picture[0, : size[1], : size[0]] = cv2.resize(frame, size, interpolation=how)
    return picture


def views(video: Path) -> Iterator[NDArray[np.uint8]]:
    """Whole frames and crops, BGR, each also in another light."""
    for turn, frame in enumerate(frames(video)):
        shown = (
            frame,
            crop(frame, NEAR[turn % len(NEAR)]),
            crop(frame, VERY_NEAR[turn % len(VERY_NEAR)]),
        )
        for view, factor in zip(shown, (*LIGHTS, *LIGHTS)[turn % 2 :], strict=False):
            yield view
            yield np.clip(view.astype(np.float32) * factor, 0, 255).astype(np.uint8)


def frames(video: Path) -> Iterator[NDArray[np.uint8]]:
    """Frames spread evenly over the video, BGR."""
    capture = cv2.VideoCapture(str(video))
    count = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    for index in np.linspace(0, count - 1, FRAMES).astype(int):
        capture.set(cv2.CAP_PROP_POS_FRAMES, float(index))
        found, frame = capture.read()
        if not found:
            raise ValueError(f"{video}: expected frame {index} of {count}, found none")
        yield frame.astype(np.uint8, copy=False)


def crop(frame: NDArray[np.uint8], window: tuple[float, float, float]) -> NDArray[np.uint8]:
    """A part of the frame, 16:9, in which people stand nearer."""
    left, top, share = window
    rows, columns = frame.shape[:2]
    width = round(columns * share)
    x, y = round(columns * left), round(rows * top)
    return frame[y : y + round(width * 9 / 16), x : x + width]


def ranges(
    layers: Sequence[Layer], pictures: Sequence[NDArray[np.uint8]]
) -> dict[str, tuple[float, float]]:
    """Each layer's least and greatest value over the pictures [1, H, W, 3]."""
    graph = Graph()
    append_float_layers(graph, layers)
    names = [layer.name for layer in layers]
    lows = [graph.node("ReduceMin", [name], f"{name}_low", keepdims=0) for name in names]
    highs = [graph.node("ReduceMax", [name], f"{name}_high", keepdims=0) for name in names]
    shape = pictures[0].shape
    outputs = [value_info(name, "float32", []) for name in (*lows, *highs)]
    model = graph.model("ranges", [value_info("picture", "uint8", shape)], outputs)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    found = np.array([session.run(None, {"picture": picture}) for picture in pictures])
    low, high = found[:, : len(names)].min(axis=0), found[:, len(names) :].max(axis=0)
    return {
        name: (round(float(low[i]), 4), round(float(high[i]), 4)) for i, name in enumerate(names)
    }


def ranges_text(found: Mapping[str, tuple[float, float]]) -> str:
    """The ranges as JSON, one layer a line."""
    lines = [f'  "{name}": [{low}, {high}]' for name, (low, high) in found.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def main(arguments: Sequence[str]) -> int:
    """Write one file of ranges for each size."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--package", type=Path, required=True, help="folder or tarball")
    parser.add_argument("--video", type=Path, required=True, help="Debian's vtest.avi")
    parser.add_argument("--out", type=Path, required=True, help="folder for the ranges")
    options = parser.parse_args(arguments)
    layers, heads = tfjs.read(options.package)
    images = list(views(options.video))
    for height_px, width_px in SIZES:
        pictures = [letterbox(image, height_px, width_px) for image in images]
        found = ranges(persons_only(layers, heads), pictures)
        target = options.out / f"nanodet-{height_px}x{width_px}.json"
        target.write_text(ranges_text(found), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
