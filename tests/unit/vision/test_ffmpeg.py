"""Opening by FFmpeg leaves nothing behind for whatever is opened next."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from vision.errors import SourceError
from vision.sources.ffmpeg import FfmpegCapture


def test_options_are_for_one_video_alone(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="expected a video"):
        FfmpegCapture(str(tmp_path / "none.ts"), 1, ("format;mpegts",))
    assert "OPENCV_FFMPEG_CAPTURE_OPTIONS" not in os.environ
