"""What a user would build today: supervision + trackers around the same weights.

Runs in an environment of its own (deploy/locks/bench.txt). ByteTrack, a polygon zone, a
timer for each tracker id. A byte a frame goes to DESCRIPTOR.

usage: python tests/bench/peer_line.py MODEL.onnx VIDEO DESCRIPTOR
"""

from __future__ import annotations

import os
import sys
from collections import defaultdict

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import cv2
import numpy as np
import onnxruntime as ort
import supervision as sv
from numpy.typing import NDArray
from trackers import ByteTrackTracker

ZONE = np.array([[340, 290], [560, 290], [560, 428], [340, 428]])


def detect(
    session: ort.InferenceSession, picture: NDArray[np.uint8], scale: float
) -> sv.Detections:
    """Boxes in the delivered picture, by the same weights, threshold and NMS."""
    boxes, scores = session.run(None, {"picture": picture})
    keep = scores > 0.35
    found = sv.Detections(xyxy=boxes[keep] / scale, confidence=scores[keep])
    return found.with_nms(threshold=0.5, class_agnostic=True)


def main() -> None:
    """Process the video."""
    cv2.setNumThreads(1)
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = ort.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
    _, height, width, _ = session.get_inputs()[0].shape
    tracker = ByteTrackTracker(frame_rate=10, track_activation_threshold=0.5, lost_track_buffer=30)
    zone = sv.PolygonZone(ZONE)
    timers: dict[int, float] = defaultdict(float)
    descriptor = int(sys.argv[3])
    picture = np.zeros((1, height, width, 3), np.uint8)
    for frame in sv.get_video_frames_generator(sys.argv[2]):
        scale = min(width / frame.shape[1], height / frame.shape[0])
        size = round(frame.shape[1] * scale), round(frame.shape[0] * scale)
        picture[0, : size[1], : size[0]] = cv2.resize(frame, size)
        tracked = tracker.update(detect(session, picture, scale))
        inside = zone.trigger(tracked)
        if tracked.tracker_id is not None:
            for tracker_id in tracked.tracker_id[inside]:
                timers[int(tracker_id)] += 0.1
        os.write(descriptor, b"p")


if __name__ == "__main__":
    main()
