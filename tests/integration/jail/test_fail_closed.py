"""A layer or right that is missing stops the start, and a permission is for that one alone."""

from __future__ import annotations

import pytest

from firmware_cfg.confine.layers import LANDLOCK_ABI, REQUIRED, Layer
from firmware_cfg.confine.policies import POLICIES
from firmware_cfg.confine.policy import Policy
from tests.integration.jail.conftest import run
from tests.integration.jail.setting import Setting, Wish

LACKS: dict[Layer, tuple[tuple[str, int], ...]] = {
    **{layer: (("landlock_abi", abi - 1),) for layer, abi in LANDLOCK_ABI.items()},
    Layer.SECCOMP: (("seccomp", 0),),
    Layer.SECCOMP_TSYNC: (("tsync", 0),),
    Layer.DUMPABLE: (("dumpable", 0),),
    Layer.CORE: (("core", 0),),
}
BOTH_WAYS = pytest.mark.parametrize("wishes", [(), (Wish.NARROW,)], ids=["close", "narrow"])


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


@BOTH_WAYS
@pytest.mark.parametrize("layer", LACKS)
def test_a_permission_is_for_what_it_names_alone(layer: Layer, wishes: tuple[Wish, ...]) -> None:
    missing = also_missing(layer)
    permitted = run(Setting("plain", kernel=LACKS[layer], without=tuple(missing), wishes=wishes))
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


@pytest.mark.parametrize("name", ["vision", "camera", "libcamera"])
def test_every_source_opens_on_a_whole_kernel(name: str) -> None:
    ended = run(Setting("plain", policy=name, wishes=(Wish.NARROW,)))
    assert (ended.status, ended.stderr) == (0, "")
    whole = run(Setting("plain", policy=name))
    assert ended.answers == whole.answers


@pytest.mark.parametrize("name", ["vision", "camera", "libcamera"])
def test_only_picamera2_may_load_code_while_it_opens(name: str) -> None:
    ended = run(Setting("plain", policy=name, wishes=(Wish.NARROW, Wish.LOAD)))
    if name == "libcamera":
        assert (ended.status, ended.stderr) == (0, "")
    else:
        assert (ended.status, ended.answers) == (1, [])
        assert "OSError: libresolv.so.2: failed to map segment" in ended.stderr


def test_a_stream_closes_on_a_whole_kernel() -> None:
    ended = run(Setting("plain", wishes=(Wish.NARROW, Wish.STREAM)))
    assert (ended.status, ended.stderr) == (0, "")
    assert ended.answers[0].startswith("jail_closed policy=vision ")


def test_another_layers_permission_does_not_serve() -> None:
    ended = run(Setting("plain", kernel=(("landlock_abi", 5),), without=("landlock.tcp", "core")))
    assert (ended.status, ended.answers) == (2, [])
    assert ended.stderr.startswith("landlock.scope: ")


@BOTH_WAYS
def test_closing_without_having_entered_is_refused(wishes: tuple[Wish, ...]) -> None:
    """The launcher forgot the jail: nothing was laid on, yet the kernel could."""
    ended = run(Setting("plain", jailed=False, wishes=wishes))
    assert (ended.status, ended.answers) == (2, [])
    assert ended.stderr.startswith("landlock: expected it to hold, found a process that was not")


@BOTH_WAYS
def test_closing_without_having_entered_can_be_permitted(wishes: tuple[Wish, ...]) -> None:
    ended = run(Setting("plain", jailed=False, without=("landlock",), wishes=wishes))
    assert ended.status == 0, ended.stderr
    assert ended.answers[0].startswith("jail_reduced policy=vision holds=seccomp,seccomp.tsync,")


@BOTH_WAYS
def test_entered_by_another_policy_is_noticed(wishes: tuple[Wish, ...]) -> None:
    """Landlock is there, but libraries could have made sockets while they were loaded."""
    ended = run(Setting("plain", policy="edge", wishes=(Wish.CLOSE_AS_VISION, *wishes)))
    assert (ended.status, ended.answers) == (2, [])
    assert ended.stderr.startswith("seccomp: expected a refusal, found socket")


def test_without_the_library_it_does_not_start_and_says_what_is_missing() -> None:
    ended = run(Setting("plain", wishes=(Wish.NO_LIBRARY,)))
    assert (ended.status, ended.answers) == (2, [])
    assert ended.stderr.startswith("seccomp: expected it to hold, found ")
    assert "no library libseccomp" in ended.stderr
    assert 'without = ["seccomp"]' in ended.stderr


@BOTH_WAYS
def test_without_the_library_it_starts_reduced_where_that_is_permitted(
    wishes: tuple[Wish, ...],
) -> None:
    ended = run(Setting("plain", without=("seccomp",), wishes=(Wish.NO_LIBRARY, *wishes)))
    assert (ended.status, ended.stderr) == (0, "")
    (line,) = ended.answers
    assert line.startswith("jail_reduced policy=vision holds=landlock,")
    assert "lacks=seccomp,seccomp.tsync" in line


@pytest.mark.parametrize("policy", POLICIES)
def test_a_closed_process_has_no_memory_that_can_be_written_and_run(policy: str) -> None:
    """A page with all rights, as the C library's callbacks have, is there before."""
    staged = {"vision", "camera", "libcamera"}
    wishes = (Wish.MEMORY, Wish.NARROW) if policy in staged else (Wish.MEMORY,)
    ended = run(Setting("plain", policy=policy, wishes=wishes))
    assert ended.status == 0, ended.stderr
    _, before, after = ended.answers
    assert int(before) >= 1
    assert int(after) == 0
