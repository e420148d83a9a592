"""Licences: their names in SPDX's words, and which of them this product may be made of.

Three answers for an expression. Permissive: no condition but to pass the text along. Named: weak
copyleft or a vendor's own terms, accepted for the reason that stands in `NAMED`. Refused:
everything else, the GPL and AGPL above all. Of `A OR B` the best counts, of `A AND B` the worst.
"""

from enum import IntEnum

from license_expression import ExpressionError, get_spdx_licensing

PERMISSIVE = frozenset(
    {
        *("0BSD", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "BSD-2-Clause", "BSD-3-Clause"),
        *("BSL-1.0", "CC0-1.0", "IJG", "ISC", "MIT", "MIT-0", "OpenSSL", "PSF-2.0"),
        *("Unicode-3.0", "Unicode-DFS-2016", "Unlicense", "Zlib", "blessing"),
        *("BSD-3-Clause-Attribution", "OLDAP-2.8", "PostgreSQL", "libpng-2.0", "libtiff"),
    }
)
NAMED = {
    "LGPL-2.1-only": "a library of its own file, which anybody can replace",
    "LGPL-2.1-or-later": "a library of its own file, which anybody can replace",
    "LGPL-3.0-only": "a library of its own files, which anybody can replace",
    "GPL-3.0-or-later WITH GCC-exception-3.1": "the compiler's runtime, its users exempt",
    "MPL-2.0": "its own files stay open, others are free",
    "LicenseRef-Intel-Simplified-Software": "Intel's binaries, to be passed on unaltered; x86",
}
"""Not permissive, and accepted: why."""
SPDX = {
    "Apache 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "3-Clause BSD License": "BSD-3-Clause",
    "BSD License": "BSD-3-Clause",
    "MIT License": "MIT",
}
"""How packages without an SPDX expression call theirs."""
_LICENSING = get_spdx_licensing()


class Verdict(IntEnum):
    """What the policy says, the best first."""

    PERMISSIVE = 0
    NAMED = 1
    REFUSED = 2


def spdx(words: str) -> str:
    """SPDX's words for a licence that a package states in its own."""
    return SPDX.get(words.strip(), words.strip())


def verdict(expression: str) -> Verdict:
    """What the policy says of an SPDX expression; what cannot be read is refused.

    >>> verdict("MIT OR GPL-3.0-only").name, verdict("MIT AND GPL-3.0-only").name
    ('PERMISSIVE', 'REFUSED')
    """
    try:
        return _judge(_LICENSING.parse(expression, simple=True))
    except (ExpressionError, AttributeError):
        return Verdict.REFUSED


def _judge(node: object) -> Verdict:
    """Walk the tree: `OR` takes the best of its branches, `AND` the worst."""
    operator = str(getattr(node, "operator", "")).strip()
    if operator in ("OR", "AND"):
        branches = [_judge(branch) for branch in getattr(node, "args", ())]
        return min(branches) if operator == "OR" else max(branches)
    name = str(node)
    if name in PERMISSIVE:
        return Verdict.PERMISSIVE
    return Verdict.NAMED if name in NAMED else Verdict.REFUSED
