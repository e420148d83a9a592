"""The layers of the jail, by the names that site file, reports and errors use."""

from __future__ import annotations

from enum import StrEnum


class Layer(StrEnum):
    """One thing that the kernel does for the jail.

    Those of `REQUIRED` stop the start where they are missing, unless the site file permits
    it (`[confine] without`). The rest is reported: the systemd units give it, a process
    cannot give it to itself without privilege.
    """

    LANDLOCK = "landlock"
    """Files: nothing but the listed paths can be opened."""
    LANDLOCK_REFER = "landlock.refer"
    """Files: renaming and linking between folders is a right of its own."""
    LANDLOCK_TRUNCATE = "landlock.truncate"
    """Files: truncating is a right of its own."""
    LANDLOCK_TCP = "landlock.tcp"
    """TCP: only the listed ports can be bound and connected to."""
    LANDLOCK_IOCTL_DEV = "landlock.ioctl_dev"
    """Devices: commands go to the listed devices alone."""
    LANDLOCK_SCOPE = "landlock.scope"
    """No signals to processes outside, no abstract sockets of theirs."""
    SECCOMP = "seccomp"
    """System calls: nothing but the list of the policy."""
    SECCOMP_TSYNC = "seccomp.tsync"
    """The list holds in every thread at once."""
    DUMPABLE = "dumpable"
    """No other process of the same user reads this one's memory or takes its descriptors."""
    CORE = "core"
    """No core dump."""
    SWAP = "swap"
    """Memory never goes to a swap device."""
    USERS = "users"
    """The process has a user of its own, not root and not its parent's."""
    NETWORK_NAMESPACE = "network_namespace"
    """The process has a network of its own, with nothing but a loopback in it."""


REPORTED = frozenset({Layer.SWAP, Layer.USERS, Layer.NETWORK_NAMESPACE})
REQUIRED = frozenset(Layer) - REPORTED

LANDLOCK_ABI = {
    Layer.LANDLOCK: 1,
    Layer.LANDLOCK_REFER: 2,
    Layer.LANDLOCK_TRUNCATE: 3,
    Layer.LANDLOCK_TCP: 4,
    Layer.LANDLOCK_IOCTL_DEV: 5,
    Layer.LANDLOCK_SCOPE: 6,
}
"""The first Landlock ABI with each right (Linux 5.13, 5.19, 6.2, 6.7, 6.10, 6.12)."""
