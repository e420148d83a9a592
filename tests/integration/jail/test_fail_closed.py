"""A layer or right that is missing stops the start, and a permission is for that one alone."""

from __future__ import annotations

import pytest

from firmware_cfg.confine.layers import LANDLOCK_ABI, REQUIRED, Layer
from firmware_cfg.confine.policies import POLICIES
from firmware_cfg.confine.policy import Policy
from tests.integration.jail.conftest import run
from tests.integration.jail.setting import Setting

LACKS: dict[Layer, tuple[tuple[str, int], ...]] = {
    **{layer: (("landlock_abi", abi - 1),) for layer, abi in LANDLOCK_ABI.items()},
    Layer.SECCOMP: (("seccomp", 0),),
    Layer.SECCOMP_TSYNC: (("tsync", 0),),
    Layer.DUMPABLE: (("dumpable", 0),),
    Layer.CORE: (("core", 0),),
}


def also_missing(layer: Layer) -> list[str]:
    """What a kernel without `layer` lacks beside it: Landlock's rights came one by one."""
    if layer not in LANDLOCK_ABI:
        return [layer]
    return [str(one) for one, abi in LANDLOCK_ABI.items() if abi >= LANDLOCK_ABI[layer]]


@pytest.mark.parametrize("layer", LACKS)
def test_what_is_missing_stops_the_start(layer: Layer) -> None:
    ended = run(Setting("plain", kernel=LACKS[layer]))
    assert (ended.status, ended.answers) == (2, [])
    assert ended.stderr.startswith(f"{layer}: expected it to hold, found ")
    assert f'[confine] without = ["{layer}"]' in ended.stderr


@pytest.mark.parametrize("layer", LACKS)
def test_a_permission_is_for_what_it_names_alone(layer: Layer) -> None:
    missing = also_missing(layer)
    permitted = run(Setting("plain", kernel=LACKS[layer], without=tuple(missing)))
    assert permitted.status == 0, permitted.stderr
    (line,) = permitted.answers
    assert line.startswith("jail_reduced ")
    lacks = line.partition(" lacks=")[2].split()[0].split(",")
    assert set(missing) <= set(lacks)
    assert set(lacks) - set(missing) <= {Layer.SWAP, Layer.USERS, Layer.NETWORK_NAMESPACE}


@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
def test_every_policy_closes_on_a_whole_kernel(policy: Policy) -> None:
    ended = run(Setting("plain", policy=policy.name))
    assert (ended.status, ended.stderr) == (0, "")
    (line,) = ended.answers
    assert line.startswith(
        f"jail_{'reduced' if policy.reduced else 'closed'} policy={policy.name} "
    )
    assert all(f"; permits {one}" in line for one in policy.reduced)
    holds = line.partition(" holds=")[2].split()[0].split(",")
    assert set(holds) >= REQUIRED


def test_another_layers_permission_does_not_serve() -> None:
    ended = run(Setting("plain", kernel=(("landlock_abi", 5),), without=("landlock.tcp", "core")))
    assert (ended.status, ended.answers) == (2, [])
    assert ended.stderr.startswith("landlock.scope: ")


def test_closing_without_having_entered_is_refused() -> None:
    """The launcher forgot the jail: nothing was laid on, yet the kernel could."""
    ended = run(Setting("plain", jailed=False, more="close"))
    assert (ended.status, ended.answers) == (2, [])
    assert ended.stderr.startswith("landlock: expected it to hold, found a process that was not")


def test_closing_without_having_entered_can_be_permitted() -> None:
    ended = run(Setting("plain", jailed=False, more="close", without=("landlock",)))
    assert ended.status == 0, ended.stderr
    assert ended.answers[0].startswith("jail_reduced policy=vision holds=seccomp,seccomp.tsync,")


def test_entered_by_another_policy_is_noticed() -> None:
    """Landlock is there, but libraries could have made sockets while they were loaded."""
    ended = run(Setting("plain", policy="edge", more="close as vision"))
    assert (ended.status, ended.answers) == (2, [])
    assert ended.stderr.startswith("seccomp: expected a refusal, found socket")
