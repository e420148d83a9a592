"""What is in a process's memory: shared pages, code that could be rewritten, libraries."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from edge.audit.finding import Finding, Part, Words, judged, unseen
from edge.audit.running import reasons
from edge.audit.running.values import Mapping, Process, Role

A = Part.RUNNING
SEES_PICTURES = (
    *("cv2", "opencv", "onnxruntime", "mediapipe", "picamera", "libcamera", "libav", "libsw"),
    *("torch", "tensorflow", "PIL", "gstreamer", "libcuda", "libnv"),
)


def shared_and_code(
    process: Process, folders: Sequence[Path] = (), *, camera: bool = False
) -> Finding:
    """Nothing shared that it can write, nothing that can be both written and run.

    Args:
        process: which.
        folders: where edge's database lies, whose index is shared memory.
        camera: whether vision drives a camera, whose buffers are shared with the driver.
    """
    check = f"{process.role}.memory"
    how = Words(
        "Every piece of the process's memory, from /proc/PID/maps: none is shared and writable "
        "(another process could read what is put there) but edge's own database index and a "
        "camera's buffers; none can be both written and run (new code could be put there).",
        "依据 /proc/PID/maps 逐段查看内存：除 edge 自己的数据库索引与摄像头缓冲区外，"
        "没有既共享又可写的内存"
        "（否则其他进程可读到其中内容）；没有既可写又可执行的内存（否则可放入新代码）。",
    )
    if process.mappings is None:
        return unseen(check, A, how, reasons.NO_RIGHT)
    problems = []
    for one in process.mappings:
        if one.writable and one.executable:
            problems.append(f"{one.line()}: can be written and run")
        if one.writable and one.shared and not _may_share(process, one, folders, camera=camera):
            problems.append(f"{one.line()}: shared, and can be written")
    shared = [one.line() for one in process.mappings if one.shared]
    evidence = [f"{len(process.mappings)} pieces; shared: {len(shared)}", *shared]
    holds = Words("It has no such memory.", "没有这样的内存。")
    return judged(check, A, how, problems, holds=holds, evidence=evidence)


def libraries(process: Process) -> Finding:
    """Edge and relay have no library that could decode or look at a picture."""
    check = f"{process.role}.libraries"
    how = Words(
        "Every library loaded by the process, from /proc/PID/maps: none that decodes, sees or "
        f"processes pictures ({', '.join(SEES_PICTURES)}).",
        "依据 /proc/PID/maps 查看进程加载的每个库：没有解码、查看或处理图像的库（"
        f"{'、'.join(SEES_PICTURES)}）。",
    )
    if process.mappings is None:
        return unseen(check, A, how, reasons.NO_RIGHT)
    files = sorted({one.path for one in files_of(process.mappings)})
    problems = [path for path in files if _sees(path)]
    holds = Words(f"None among {len(files)} files.", f"{len(files)} 个文件中没有。")
    return judged(check, A, how, problems, holds=holds, evidence=files)


def files_of(mappings: Sequence[Mapping]) -> Iterator[Mapping]:
    """Mappings of files, not of the kernel's pages or of plain memory."""
    for one in mappings:
        if one.inode and one.path.startswith("/") and not one.path.startswith("/dev/"):
            yield one


def _may_share(process: Process, one: Mapping, folders: Sequence[Path], *, camera: bool) -> bool:
    if process.role is Role.EDGE:
        return any(Path(one.path).is_relative_to(folder) for folder in folders)
    from_camera = one.path.startswith(("/dev/video", "/dmabuf", "/dev/dma_heap"))
    return process.role is Role.VISION and camera and from_camera


def _sees(path: str) -> bool:
    """Whether a path's file or package is one of those that see pictures."""
    parts = Path(path).parts
    return any(part.startswith(SEES_PICTURES) for part in parts[-6:])
