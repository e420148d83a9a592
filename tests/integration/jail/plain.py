"""The role that closes, says what holds, and ends."""

from __future__ import annotations

import ctypes
import mmap
import os
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
sys.path.append(str(ROOT))

from firmware_cfg.confine import closing, seccomp  # noqa: E402
from firmware_cfg.confine.errors import ConfinementError  # noqa: E402
from firmware_cfg.confine.filters import Output  # noqa: E402
from firmware_cfg.confine.layers import Layer  # noqa: E402
from firmware_cfg.confine.pages import MemoryMap, both, memory_map  # noqa: E402
from firmware_cfg.confine.policies import POLICIES, STREAM  # noqa: E402
from firmware_cfg.confine.report import Confinement  # noqa: E402
from tests.integration.jail.setting import Setting, Wish  # noqa: E402

_ALL_RIGHTS = mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC


def confined(setting: Setting) -> Confinement:
    """Close, in the stages that the setting wishes for."""
    policy = POLICIES["vision" if Wish.CLOSE_AS_VISION in setting.wishes else setting.policy]
    if Wish.STREAM in setting.wishes:
        policy = STREAM
    without = [Layer(name) for name in setting.without]
    outputs, kernel = (Output(setting.answers_fd, 4096),), setting.offered()
    if Wish.NARROW not in setting.wishes:
        return closing.close(policy, without, outputs, kernel)
    ground = closing.narrow(policy, without, outputs, kernel)
    if Wish.LOAD in setting.wishes:
        ctypes.CDLL("libresolv.so.2")
        ctypes.CFUNCTYPE(None)(int)()
    return closing.close(policy, without, outputs, ground=ground)


def writable_code(memory: MemoryMap) -> str:
    """How many places of this process's memory can be written and run."""
    return str(len(both(memory.text())))


def main() -> int:
    """Close and say so."""
    setting = Setting.read(sys.argv[1])
    if Wish.NO_LIBRARY in setting.wishes:
        seccomp.LIBRARY = "libseccomp-is-missing.so.2"
    page = mmap.mmap(-1, mmap.PAGESIZE, flags=mmap.MAP_PRIVATE, prot=_ALL_RIGHTS)
    with memory_map() as memory:
        before = writable_code(memory)
        try:
            confinement = confined(setting)
        except ConfinementError as error:
            sys.stderr.write(f"{error}\n")
            return 2
        answers = [confinement.line()]
        if Wish.MEMORY in setting.wishes:
            answers += [before, writable_code(memory)]
    page.close()
    os.write(setting.answers_fd, "".join(f"{one}\n" for one in answers).encode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
