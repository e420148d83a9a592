"""`python3 -m deploy.setup demo|test|bench`: what `make` runs before everything else.

Needs nothing but Python's standard library. Whatever is there already is left alone, so a
second run takes a fraction of a second and no network.
"""

import sys

if not (3, 11) <= sys.version_info[:2] <= (3, 13):
    sys.exit(
        f"set-up: expected Python 3.11, 3.12 or 3.13, found {sys.version.split()[0]} "
        f"({sys.executable}); choose another with: make PYTHON=python3.11 …"
    )

from deploy.setup.command import main

sys.exit(main())
