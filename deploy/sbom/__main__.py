"""Write the software bill of materials, or say whether the one that is there is stale.

usage: python -m deploy.sbom [--check]
"""

import argparse
import platform
import sys
from pathlib import Path

from deploy.sbom.bill import ROOT, Bill, make_bill
from deploy.sbom.document import check_valid, document
from deploy.sbom.errors import SbomError
from deploy.sbom.licences import NAMED, Verdict, verdict

FILE = ROOT / "docs" / "sbom" / "encounter.cdx.json"


def this_platform() -> str:
    """The platform whose wheels are installed here."""
    python = ".".join(platform.python_version_tuple()[:2])
    return f"{platform.system()} {platform.machine()}, {platform.python_implementation()} {python}"


def check_licences(bill: Bill) -> dict[str, list[str]]:
    """Hold every item against the policy; what is not permissive, by its licence.

    Raises:
        SbomError: licences that the policy refuses, all of them.
    """
    refused, named = [], dict[str, list[str]]()
    for item in bill.items:
        match verdict(item.licence):
            case Verdict.REFUSED:
                refused.append(f"{item.ref}: {item.licence}")
            case Verdict.NAMED:
                named.setdefault(item.licence, []).append(item.ref)
    if refused:
        raise SbomError("licences that the policy refuses: " + "; ".join(refused))
    return named


def main(arguments: list[str] | None = None, file: Path = FILE) -> int:
    """Write or check; 0, or 1 with the reason on standard error."""
    command = argparse.ArgumentParser(prog="python -m deploy.sbom")
    command.add_argument("--check", action="store_true", help="write nothing; 1 if it is stale")
    options = command.parse_args(arguments)
    try:
        bill = make_bill()
        named = check_licences(bill)
        text = document(bill, this_platform())
        check_valid(text)
    except SbomError as error:
        print(f"sbom: {error}", file=sys.stderr)
        return 1
    if options.check:
        fresh = file.is_file() and file.read_text("utf-8") == text
        print(f"sbom: {file.name} is {'up to date' if fresh else 'stale: make sbom'}")
        return 0 if fresh else 1
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, "utf-8")
    print(f"sbom: {len(bill.items)} components in {file}")
    for licence, refs in sorted(named.items()):
        print(f"  {licence} ({NAMED.get(licence, 'see its parts')}): {', '.join(refs)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
