"""What the instruments saw of the product and of the controls, side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from edge.audit.instruments.calls import Kind
from tests.bench.silence_run import Found

SHOWN = 8
_NOT_LOOKED = "not looked at"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of evidence.

    Attributes:
        evidence: what was counted, and by what.
        product, leak, library: how many; None: not looked at.
        must_be_none: whether the product's count must be 0, and the planted leak's not.
    """

    evidence: str
    product: int | None
    leak: int | None
    library: int | None
    must_be_none: bool = True

    @property
    def holds(self) -> bool:
        """Whether this shows silence, as far as it was looked at."""
        if not self.must_be_none or self.product is None:
            return True
        return self.product == 0 and bool(self.leak)

    def line(self) -> str:
        """As a line of a table."""
        counts = (self.product, self.leak, self.library)
        cells = (_NOT_LOOKED if count is None else f"{count}" for count in counts)
        return f"| {self.evidence} | {' | '.join(cells)} |"


def rows(product: Found, leak: Found, library: Found | None) -> list[Row]:
    """The table."""

    def row(evidence: str, count: Callable[[Found], int | None], *, told: bool = False) -> Row:
        third = count(library) if library else None
        return Row(evidence, count(product), count(leak), third, must_be_none=not told)

    return [
        row("strace: calls that make or use a socket", _calls(Kind.SOCKET)),
        row("strace: files opened for writing, or created", _calls(Kind.OPENED)),
        row("strace: other calls not known to be harmless", _calls(Kind.OTHER)),
        row("descriptors: sockets", _seen("sockets")),
        row("descriptors: writable, beside the records pipe", _seen("writable")),
        row("memory maps: writable and shared", _seen("shared")),
        row("socket tables: sockets of any process", _listed),
        row("files new or changed, by any process", lambda found: len(found.files)),
        row("packets on all interfaces, of any process", lambda found: found.packets),
        row("the network's counters: increments", _moved),
        row("(refused before the first record)", _refused(after=False), told=True),
        row("(refused after it)", _refused(after=True), told=True),
    ]


def details(found: Found) -> Iterator[str]:
    """What was seen, by name."""
    if found.calls is not None:
        yield (
            f"{found.calls.calls} calls of {found.calls.threads} threads and children, "
            f"{found.calls.records} records"
        )
        counted = (f"{name} {count}" for (_, name), count in found.calls.counted.most_common())
        yield f"calls that count: {_some(counted)}"
        refused = sorted(found.calls.refused_before + found.calls.refused_after)
        yield f"refused: {', '.join(refused) or 'none'}"
    yield f"{found.tables.samples} samples of descriptors and memory maps"
    for name, values in (
        ("sockets", found.tables.sockets),
        ("writable", found.tables.writable),
        ("listed", found.tables.listed or ()),
        ("files", found.files),
        ("counters", found.counted or ()),
    ):
        if values:
            yield f"{name}: {_some(sorted(values))}"


def _some(words: Iterator[str] | list[str]) -> str:
    every = list(words)
    more = f", and {len(every) - SHOWN} more" if len(every) > SHOWN else ""
    return (", ".join(every[:SHOWN]) or "none") + more


def _calls(kind: Kind) -> Callable[[Found], int | None]:
    return lambda found: found.calls.of(kind) if found.calls else None


def _refused(*, after: bool) -> Callable[[Found], int | None]:
    def count(found: Found) -> int | None:
        if found.calls is None:
            return None
        names = found.calls.refused_after if after else found.calls.refused_before
        return names.total()

    return count


def _seen(name: str) -> Callable[[Found], int | None]:
    return lambda found: None if found.tables.refused else len(getattr(found.tables, name))


def _listed(found: Found) -> int | None:
    return None if found.tables.listed is None else len(found.tables.listed)


def _moved(found: Found) -> int | None:
    return None if found.counted is None else sum(found.counted.values())
