"""The errors of `confine`."""

from __future__ import annotations

from collections.abc import Iterable

from firmware_cfg.confine.layers import Layer


class ConfinementError(Exception):
    """The jail does not hold; the process must not go on.

    Attributes:
        layer: what is missing or did not hold.
    """

    def __init__(self, layer: Layer, message: str) -> None:
        """Say what was expected of `layer` and what was found."""
        self.layer = layer
        super().__init__(f"{layer}: {message}")


def missing(layer: Layer, found: str) -> ConfinementError:
    """The error for a layer that this machine lacks, with the way to permit that."""
    return ConfinementError(
        layer,
        f"expected it to hold, found {found}; to run without it on this device, "
        f'write [confine] without = ["{layer}"] into its site file',
    )


def refuse_unpermitted(lacks: Iterable[Layer], without: Iterable[Layer], found: str) -> None:
    """Stop at the first of `lacks` that the site file does not permit.

    A permission for `landlock` covers its rights, one for `seccomp` its thread option.

    Raises:
        ConfinementError: something is missing that may not be.
    """
    permitted = set(without)
    for layer in lacks:
        if layer not in permitted and Layer(layer.partition(".")[0]) not in permitted:
            raise missing(layer, found)
