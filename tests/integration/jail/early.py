"""The role of a library that misbehaves while it is loaded: after the way in, before closing."""

from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
sys.path.append(str(ROOT))

from tests.integration.jail.escapes import ATTEMPTS, Scene, outcome  # noqa: E402
from tests.integration.jail.setting import Setting  # noqa: E402


def main() -> int:
    """Try what the setting names; answer with each outcome."""
    setting = Setting.read(sys.argv[1])
    scene = Scene(Path(setting.folder), setting.file_fd, setting.other_pid, 0)
    for name in setting.more.split("|"):
        answer = f"{name}: {outcome(ATTEMPTS[name], scene)}\n"
        os.write(setting.answers_fd, answer.encode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
