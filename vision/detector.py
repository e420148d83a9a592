"""The person detector: a picture in its own buffer in, boxes and scores out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import onnxruntime as ort
from onnxruntime.capi import onnxruntime_pybind11_state as state

from vision.errors import ModelError
from vision.suppression import surviving

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from vision.frames import Picture
    from vision.models import Model

PROVIDERS = ["CPUExecutionProvider"]  # always named: the default list holds a cloud provider
_REFUSALS = (
    state.Fail,
    state.InvalidArgument,
    state.InvalidGraph,
    state.InvalidProtobuf,
    state.NotImplemented,
    state.RuntimeException,
    RuntimeError,
    ValueError,
)
_INPUT, _OUTPUTS = "picture", ["boxes", "scores"]


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """People in one picture, best score first.

    Attributes:
        boxes_xyxy_px: (n, 4) float32, in the detector's input.
        scores: (n,) float32 in [0, 1].
    """

    boxes_xyxy_px: NDArray[np.float32]
    scores: NDArray[np.float32]


class Detector(Protocol):
    """Finds people in the picture that stands in its buffer, or in one of the same shape."""

    @property
    def picture_bgr(self) -> Picture:
        """(height, width, 3) uint8, the detector's own input: write here, then `detect`."""

    def detect(self, picture_bgr: Picture | None = None) -> Detections:
        """People in `picture_bgr`, of the input's shape; None: in the detector's own."""

    def detect_all(self, pictures_bgr: Sequence[Picture]) -> list[Detections]:
        """`detect` of each picture; quicker than one by one."""


class OnnxDetector:
    """A person detector of the manifest, run by onnxruntime on the processor."""

    def __init__(self, model: Model, threads: int, score_floor: float) -> None:
        """Build the session: `threads` for inference, nothing below `score_floor` comes out.

        Raises:
            ModelError: onnxruntime refuses the model.
        """
        width, height = model.input_px
        self._picture: Picture = np.zeros((height, width, 3), np.uint8)
        self._score_floor = score_floor
        try:
            self._session = ort.InferenceSession(
                model.data, session_options(threads), providers=PROVIDERS
            )
        except _REFUSALS as error:
            first_line = str(error).partition("\n")[0]
            raise ModelError(f"{model.name}: onnxruntime: {first_line}") from None

    @property
    def picture_bgr(self) -> Picture:
        """(height, width, 3) uint8; zeros until something is written."""
        return self._picture

    def detect(self, picture_bgr: Picture | None = None) -> Detections:
        """People, each once, none below the score floor; from any one thread at a time."""
        return self._people(*self._infer(self._picture if picture_bgr is None else picture_bgr))

    def detect_all(self, pictures_bgr: Sequence[Picture]) -> list[Detections]:
        """`detect` of each: all are inferred first, since inference empties the caches."""
        inferred = [self._infer(picture_bgr) for picture_bgr in pictures_bgr]
        return [self._people(boxes, scores) for boxes, scores in inferred]

    def _infer(self, picture_bgr: Picture) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """(n, 4) boxes and (n,) scores of the model, scores descending."""
        boxes, scores = self._session.run(_OUTPUTS, {_INPUT: picture_bgr[np.newaxis]})
        return boxes, scores

    def _people(self, boxes: NDArray[np.float32], scores: NDArray[np.float32]) -> Detections:
        # scores descend: what reaches the floor is a head of the columns
        count = len(scores) - int(np.searchsorted(scores[::-1], self._score_floor))
        boxes, scores = boxes[:count], scores[:count]
        kept = surviving(boxes)
        return Detections(boxes[kept], scores[kept])


def session_options(threads: int) -> ort.SessionOptions:
    """Options for a small device: few threads that sleep when idle, little memory kept."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.log_severity_level = 4  # fatal alone; failures come as exceptions
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options
