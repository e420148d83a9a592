"""Copy the pages' front-end assets from `node_modules` to `server/static/vendor`.

Run after `npm ci --ignore-scripts`, or as `npm run assets`. Licences travel along.
"""

import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MODULES = ROOT / "node_modules"
VENDOR = ROOT / "server" / "static" / "vendor"
FILES = {
    "@picocss/pico/css/pico.classless.min.css": "pico.css",
    "@picocss/pico/LICENSE.md": "pico.LICENSE.md",
    "htmx.org/dist/htmx.min.js": "htmx.js",
    "htmx.org/LICENSE": "htmx.LICENSE",
    "uplot/dist/uPlot.iife.min.js": "uplot.js",
    "uplot/dist/uPlot.min.css": "uplot.css",
    "uplot/LICENSE": "uplot.LICENSE",
}


def main() -> int:
    """Copy; 1 with the missing file named if `npm ci` has not been run."""
    VENDOR.mkdir(parents=True, exist_ok=True)
    for source, target in FILES.items():
        path = MODULES / source
        if not path.is_file():
            print(f"{path}: missing; run npm ci --ignore-scripts first", file=sys.stderr)
            return 1
        shutil.copyfile(path, VENDOR / target)
    print(f"{len(FILES)} files copied to {VENDOR.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
