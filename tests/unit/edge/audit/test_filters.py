"""What a filter can permit: the reading of classic BPF, by small programs and real policies."""

from __future__ import annotations

import ctypes
import errno
import os
import struct
import tempfile

import pytest

from edge.audit.kernel.errors import TracingError
from edge.audit.kernel.filters import ALLOW, actions, instructions, permitted
from firmware_cfg.confine.seccomp import ARCHITECTURES, number_of

HERE = ARCHITECTURES[os.uname().machine]
REFUSE = 0x00050000
LOAD, EQUAL, ABOVE, ANY, AND, RETURN, JUMP = 0x20, 0x15, 0x25, 0x45, 0x54, 0x06, 0x05
STORE, CELL, NOW, RETURN_A = 0x02, 0x60, 0x00, 0x16


def program(*lines: tuple[int, int, int, int]) -> bytes:
    return b"".join(struct.pack("=HBBI", *line) for line in lines)


BY_NUMBER = program(
    (LOAD, 0, 0, 0), (EQUAL, 0, 1, 7), (RETURN, 0, 0, ALLOW), (RETURN, 0, 0, REFUSE | 1)
)
BY_ARGUMENT = program(
    (LOAD, 0, 0, 16), (EQUAL, 0, 1, 3), (RETURN, 0, 0, ALLOW), (RETURN, 0, 0, REFUSE | 1)
)
BY_MASKED_NUMBER = program(
    (LOAD, 0, 0, 0),
    (AND, 0, 0, 0xF),
    (ABOVE, 1, 0, 4),
    (RETURN, 0, 0, ALLOW),
    (RETURN, 0, 0, REFUSE | 1),
)
BY_CELL = program(
    (LOAD, 0, 0, 0),
    (STORE, 0, 0, 2),
    (NOW, 0, 0, 9),
    (CELL, 0, 0, 2),
    (JUMP, 0, 0, 0),
    (ANY, 0, 1, 1),
    (RETURN, 0, 0, ALLOW),
    (RETURN, 0, 0, REFUSE | 1),
)


@pytest.mark.parametrize(
    ("filter_", "number", "expected"),
    [
        (BY_NUMBER, 7, {ALLOW}),
        (BY_NUMBER, 8, {REFUSE}),
        (BY_ARGUMENT, 0, {ALLOW, REFUSE}),
        (BY_MASKED_NUMBER, 0x14, {ALLOW}),
        (BY_MASKED_NUMBER, 0x15, {REFUSE}),
        (BY_CELL, 3, {ALLOW}),
        (BY_CELL, 4, {REFUSE}),
        (program((LOAD, 0, 0, 16), (RETURN_A, 0, 0, 0)), 0, {ALLOW}),  # unknown: the worst
    ],
)
def test_every_way_through_a_program_is_taken(
    filter_: bytes, number: int, expected: set[int]
) -> None:
    assert actions(filter_, number, HERE) == expected


def test_a_call_must_pass_every_filter() -> None:
    assert permitted([BY_ARGUMENT], range(6, 10), HERE) == [6, 7, 8, 9]
    assert permitted([BY_ARGUMENT, BY_NUMBER], range(6, 10), HERE) == [7]


@pytest.mark.parametrize("bad", [program((0x87, 0, 0, 0)), program((JUMP, 0, 0, 5))])
def test_what_is_not_understood_is_no_judgement(bad: bytes) -> None:
    with pytest.raises(TracingError, match="filter: instruction"):
        actions(bad, 0, HERE)


def test_a_filter_of_the_library_is_read_as_it_was_meant() -> None:
    read, write, socket = (number_of(name) for name in ("read", "write", "socket"))
    assert read is not None
    assert write is not None
    assert socket is not None
    data = exported({"read": False, "write": True})
    assert len(instructions(data)) > 5
    assert permitted([data], range(512), HERE) == sorted([read, write])
    assert actions(data, read, HERE) == {ALLOW}
    assert actions(data, write, HERE) == {ALLOW, REFUSE}
    assert actions(data, socket, HERE) == {REFUSE}
    assert ALLOW not in actions(data, read, 0x40000003)  # a foreign architecture


class _Comparison(ctypes.Structure):
    _fields_ = (
        ("argument", ctypes.c_uint),
        ("operator", ctypes.c_int),
        ("first", ctypes.c_uint64),
        ("second", ctypes.c_uint64),
    )


def exported(calls: dict[str, bool]) -> bytes:
    """The library's filter that permits these calls; True: with a first argument 3 alone."""
    library = ctypes.CDLL("libseccomp.so.2")
    library.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(library.seccomp_init(ctypes.c_uint32(REFUSE | errno.EPERM)))
    for name, limited in calls.items():
        one = _Comparison(0, 4, 3, 0)  # equal to 3
        count = ctypes.c_uint(1 if limited else 0)
        allow = ctypes.c_uint32(ALLOW)
        assert (
            library.seccomp_rule_add_array(
                context, allow, number_of(name), count, ctypes.byref(one)
            )
            == 0
        )
    with tempfile.TemporaryFile() as file:
        assert library.seccomp_export_bpf(context, file.fileno()) == 0
        library.seccomp_release(context)
        file.seek(0)
        return file.read()


def test_a_filter_that_lets_a_foreign_architecture_pass_is_found_out() -> None:
    careless = program((LOAD, 0, 0, 0), (RETURN, 0, 0, ALLOW))
    assert permitted([careless], range(3), 0x40000003) == [0, 1, 2]
    assert permitted([careless, exported({"read": False})], range(3), 0x40000003) == []
