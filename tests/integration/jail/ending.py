"""The role that ends badly once it is closed: by a fault, or by a foreign architecture's call."""

from __future__ import annotations

import ctypes
import mmap
import os
import signal
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[3]
sys.path.append(str(ROOT))

from firmware_cfg.confine.closing import close  # noqa: E402
from firmware_cfg.confine.filters import Output  # noqa: E402
from firmware_cfg.confine.native import (  # noqa: E402
    PR_SET_DUMPABLE,
    process_control,
    protect,
    system_call,
)
from firmware_cfg.confine.policies import POLICIES  # noqa: E402
from tests.integration.jail.setting import Setting  # noqa: E402

I386_GETPID = bytes([0xB8, 20, 0, 0, 0, 0xCD, 0x80, 0xC3])  # mov eax, 20; int 0x80; ret
X32_GETPID = 0x40000000 + 39
NOBODY = 65534


def main() -> int:
    """Close, and do as the setting says."""
    setting = Setting.read(sys.argv[1])
    code = mmap.mmap(-1, mmap.PAGESIZE)
    code.write(I386_GETPID)
    start = ctypes.addressof(ctypes.c_char.from_buffer(code))
    protect(start, mmap.PAGESIZE, mmap.PROT_READ | mmap.PROT_EXEC)
    getpid = ctypes.CFUNCTYPE(ctypes.c_int)(start)
    if setting.more == "wait" and os.geteuid() == 0:
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
    process_control(PR_SET_DUMPABLE, 1)  # a change of user clears it; closing must
    if setting.jailed:
        close(POLICIES[setting.policy], outputs=(Output(setting.answers_fd, 64),))
    os.write(setting.answers_fd, f"{os.getpid()}\n".encode())
    match setting.more:
        case "wait":
            time.sleep(60)
        case "fault":
            ctypes.string_at(0)
        case "abort":
            os.abort()
        case "i386":
            os.write(setting.answers_fd, f"{getpid()}\n".encode())
        case "x32":
            system_call(X32_GETPID)
        case "hang":
            signal.alarm(1)
            time.sleep(60)
    return 0


if __name__ == "__main__":
    sys.exit(main())
