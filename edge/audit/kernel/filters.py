"""What a seccomp filter can permit, worked out from the kernel's own copy of it.

A filter is a program of classic BPF: no loops, one accumulator, sixteen cells. For a given
call number and architecture everything that depends on an argument is taken both ways; what is
returned on any way is what that call can meet with. Opcodes: linux/bpf_common.h; the data it
sees: linux/seccomp.h, `struct seccomp_data` (number at 0, architecture at 4, the rest from 8).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from edge.audit.kernel.calls import INSTRUCTION_BYTES
from edge.audit.kernel.errors import TracingError

ALLOW = 0x7FFF0000
LOG = 0x7FFC0000
_ACTION = 0xFFFF0000
_RETURN, _RETURN_A = 0x06, 0x16
_LOAD, _LOAD_NOW, _LOAD_CELL, _STORE = 0x20, 0x00, 0x60, 0x02
_JUMP = 0x05
_TESTS: dict[int, Callable[[int, int], bool]] = {
    0x15: lambda a, k: a == k,
    0x25: lambda a, k: a > k,
    0x35: lambda a, k: a >= k,
    0x45: lambda a, k: bool(a & k),
}
_SUMS: dict[int, Callable[[int, int], int]] = {
    0x54: lambda a, k: a & k,
    0x44: lambda a, k: a | k,
    0x74: lambda a, k: a >> k,
    0x64: lambda a, k: a << k,
    0x04: lambda a, k: a + k,
    0x14: lambda a, k: a - k,
}
Value = int | None
Cells = tuple[tuple[int, Value], ...]


@dataclass(frozen=True, slots=True)
class _State:
    at: int
    value: Value
    cells: Cells = ()


def instructions(data: bytes) -> tuple[tuple[int, int, int, int], ...]:
    """A filter's instructions: code, jump if true, jump if false, constant."""
    return tuple(struct.iter_unpack("=HBBI", data[: len(data) // INSTRUCTION_BYTES * 8]))


def actions(data: bytes, number: int, architecture: int) -> frozenset[int]:
    """Everything that a filter can answer to a call, with any arguments.

    Raises:
        TracingError: an instruction that is not known here.
    """
    program = instructions(data)
    found: set[int] = set()
    seen: set[_State] = set()
    waiting = [_State(0, 0)]
    while waiting:
        state = waiting.pop()
        if state in seen:
            continue
        seen.add(state)
        if not 0 <= state.at < len(program):
            raise TracingError(f"filter: instruction {state.at} of {len(program)}")
        code, yes, no, constant = program[state.at]
        if code == _RETURN:
            found.add(constant & _ACTION)
        elif code == _RETURN_A:
            found.add(ALLOW if state.value is None else state.value & _ACTION)
        elif code in _TESTS:
            ways = _ways(_TESTS[code], state.value, constant)
            waiting += [
                _State(state.at + 1 + (yes if way else no), state.value, state.cells)
                for way in ways
            ]
        else:
            waiting.append(_stepped(state, code, constant, (number, architecture)))
    return frozenset(found)


def permitted(filters: Iterable[bytes], numbers: Iterable[int], architecture: int) -> list[int]:
    """The calls that every one of `filters` lets through for at least some arguments.

    Raises:
        TracingError: as above.
    """
    stack = list(filters)
    return [
        number
        for number in numbers
        if all({ALLOW, LOG} & actions(one, number, architecture) for one in stack)
    ]


def _ways(test: Callable[[int, int], bool], value: Value, constant: int) -> tuple[bool, ...]:
    return (True, False) if value is None else (test(value, constant),)


def _stepped(state: _State, code: int, constant: int, known: tuple[int, int]) -> _State:
    following = state.at + 1
    if code == _JUMP:
        return _State(following + constant, state.value, state.cells)
    if code == _LOAD:
        loaded = {0: known[0], 4: known[1]}.get(constant)
        return _State(following, loaded, state.cells)
    if code == _LOAD_NOW:
        return _State(following, constant, state.cells)
    if code == _LOAD_CELL:
        return _State(following, dict(state.cells).get(constant), state.cells)
    if code == _STORE:
        cells = {**dict(state.cells), constant: state.value}
        return _State(following, state.value, tuple(sorted(cells.items())))
    if code in _SUMS:
        value = state.value
        summed = None if value is None else _SUMS[code](value, constant) & 0xFFFFFFFF
        return _State(following, summed, state.cells)
    raise TracingError(f"filter: instruction {state.at}: unknown code {code:#x}")
