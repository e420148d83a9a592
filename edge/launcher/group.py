"""Processes that start and end together: edge alone; vision, with the relay that feeds it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from edge.launcher.children import Child, how_it_ended

if TYPE_CHECKING:
    from edge.launcher.children import Order
    from edge.launcher.watch import Watch


@dataclass(slots=True, eq=False)
class Group:
    """Running processes and the watch over them.

    Attributes:
        watch: when they are replaced.
        most_mb: largest memory of each, by name, in MB.
        children: the processes, as long as they run.
    """

    watch: Watch
    most_mb: dict[str, float]
    children: list[Child] = field(default_factory=list)

    def begin(self, orders: list[Order], now_s: float) -> None:
        """Start one process an order."""
        for order in orders:
            self.children.append(Child(order))
        self.watch.started(now_s)

    def ended(self) -> dict[str, int]:
        """Exit statuses of those that ended, by name."""
        found = ((child.name, child.status) for child in self.children)
        return {name: status for name, status in found if status is not None}

    def fault(self, now_s: float) -> str | None:
        """Why they must be replaced, in words; None: all is well."""
        for name, status in self.ended().items():
            return how_it_ended(name, status)
        names = " and ".join(child.name for child in self.children)
        beyond_s = self.watch.look(now_s)
        if beyond_s > 0:
            return f"{names}: nothing came for {self.watch.silent_for_s(now_s):.0f} s"
        for child in self.children:
            memory_mb = child.memory_mb()
            if memory_mb > self.most_mb[child.name]:
                return f"{child.name} grew to {memory_mb:.0f} MB"
        return None

    def kill(self) -> None:
        """End them all at once."""
        for child in self.children:
            child.kill()
        self.children.clear()
