"""Enters the jail as the launcher does, and becomes the role that the setting names.

python -I -B start.py SETTING
"""

from __future__ import annotations

import os
import resource
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
sys.path.append(str(ROOT))

from firmware_cfg.confine import seccomp  # noqa: E402 - found by the line above
from firmware_cfg.confine.enter import Entry, enter  # noqa: E402
from firmware_cfg.confine.errors import ConfinementError  # noqa: E402
from firmware_cfg.confine.layers import Layer  # noqa: E402
from firmware_cfg.confine.policies import POLICIES  # noqa: E402
from tests.integration.jail.setting import Setting, Wish  # noqa: E402


def main() -> int:
    """Become the role; returns only if the jail is refused."""
    setting = Setting.read(sys.argv[1])
    if Wish.NO_LIBRARY in setting.wishes:
        seccomp.LIBRARY = "libseccomp-is-missing.so.2"
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))  # the jail has to lower it
    program = [str(Path(__file__).with_name(f"{setting.role}.py")), sys.argv[1]]
    if not setting.jailed:
        os.execv(sys.executable, [sys.executable, "-I", "-B", *program])  # noqa: S606
    entry = Entry(
        POLICIES[setting.policy],
        read=(ROOT,),
        write=(Path(setting.write),) if setting.write else (),
        connect_ports=(setting.connect_port,) if setting.connect_port else (),
        bind_ports=setting.bind_ports,
        keep_fds=setting.kept_fds,
        without=tuple(Layer(name) for name in setting.without),
    )
    try:
        enter(entry, program, setting.offered())
    except ConfinementError as error:
        sys.stderr.write(f"{error}\n")
    return 2


if __name__ == "__main__":
    sys.exit(main())
