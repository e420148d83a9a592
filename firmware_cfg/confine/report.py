"""What the jail of a process amounts to: which layers hold, which lack."""

from __future__ import annotations

from dataclasses import dataclass

from firmware_cfg.confine.layers import REQUIRED, Layer


@dataclass(frozen=True, slots=True)
class Confinement:
    """A closed process.

    Attributes:
        policy: name of its table.
        holds: layers that were seen to hold.
        lacks: layers that are missing: required ones by permission of the site file, others
            because only the systemd units give them.
        more: what the policy permits beyond the full jail, in words.
        threads: how many threads answered the probes.
        landlock_abi: Landlock's version, 0 without.
    """

    policy: str
    holds: tuple[Layer, ...]
    lacks: tuple[Layer, ...]
    more: tuple[str, ...] = ()
    threads: int = 1
    landlock_abi: int = 0

    @property
    def reduced(self) -> bool:
        """Whether this is a "reduced jail": something required is missing, or more is permitted."""
        return bool(self.more) or any(layer in REQUIRED for layer in self.lacks)

    def line(self) -> str:
        """One line for logs, with a stable event name."""
        return (
            f"{'jail_reduced' if self.reduced else 'jail_closed'} policy={self.policy} "
            f"holds={_listed(self.holds)} lacks={_listed(self.lacks)} "
            f"threads={self.threads} landlock_abi={self.landlock_abi}"
            + "".join(f"; permits {one}" for one in self.more)
        )

    def values(self) -> dict[str, str | int | bool | list[str]]:
        """The same as values that JSON has."""
        return {
            "policy": self.policy,
            "reduced": self.reduced,
            "holds": [str(layer) for layer in self.holds],
            "lacks": [str(layer) for layer in self.lacks],
            "more": list(self.more),
            "threads": self.threads,
            "landlock_abi": self.landlock_abi,
        }


def _listed(layers: tuple[Layer, ...]) -> str:
    return ",".join(layers) or "none"
