"""The role that closes, says what holds, and ends."""

from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
sys.path.append(str(ROOT))

from firmware_cfg.confine.closing import close  # noqa: E402
from firmware_cfg.confine.errors import ConfinementError  # noqa: E402
from firmware_cfg.confine.filters import Output  # noqa: E402
from firmware_cfg.confine.layers import Layer  # noqa: E402
from firmware_cfg.confine.policies import POLICIES  # noqa: E402
from tests.integration.jail.setting import Setting  # noqa: E402


def main() -> int:
    """Close and say so."""
    setting = Setting.read(sys.argv[1])
    policy = POLICIES["vision" if setting.more == "close as vision" else setting.policy]
    without = [Layer(name) for name in setting.without]
    try:
        confinement = close(policy, without, (Output(setting.answers_fd, 4096),), setting.offered())
    except ConfinementError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    os.write(setting.answers_fd, f"{confinement.line()}\n".encode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
