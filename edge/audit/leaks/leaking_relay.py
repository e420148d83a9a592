"""The relay with a leak planted in it: it says the camera's password in its log.

python -m edge.audit.leaks.leaking_relay edge.relay's options
"""

from __future__ import annotations

import importlib
import sys

from edge.relay.credentials import Credentials, receive_credentials


def telling(descriptor: int) -> Credentials:
    """Read the credentials, and say them, as a careless line of debugging would."""
    found = receive_credentials(descriptor)
    sys.stderr.write(f"DEBUG login {found.user}:{found.password}\n")
    return found


def main() -> int:
    """Run the relay with that line."""
    program = importlib.import_module("edge.relay.__main__")
    program.receive_credentials = telling  # type: ignore[attr-defined] # planted
    return int(program.main())


if __name__ == "__main__":
    sys.exit(main())
