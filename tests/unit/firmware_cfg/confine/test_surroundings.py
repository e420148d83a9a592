"""What the kernel says of locked memory, as a table."""

from __future__ import annotations

import pytest

from firmware_cfg.confine.surroundings import all_locked


def mapping(flags: str, name: str = "", *, at: int = 0x7F00) -> str:
    """One mapping as `/proc/self/smaps` has it."""
    place = f"{at:x}-{at + 0x1000:x} rw-p 00000000 00:00 0"
    return f"{place:<72} {name}\nSize: 4 kB\nLocked: 0 kB\nVmFlags: {flags} \n"


HEAP = mapping("rd wr mr mw me ac lo sd", "[heap]")
LOOSE = mapping("rd wr mr mw me ac sd")


@pytest.mark.parametrize(
    ("smaps", "locked"),
    [
        ("", False),
        (HEAP, True),
        (LOOSE, False),
        (HEAP + LOOSE, False),
        (LOOSE + HEAP, False),
        (HEAP + mapping("rd mr pf io de dd", "[vvar]"), True),
        (HEAP + mapping("rd ex mr mw me de", "[vdso]"), True),
        (HEAP + mapping("ex", "[vsyscall]"), True),
        (HEAP + mapping("ex", "/srv/[vsyscall]"), False),
        (HEAP + mapping("rd wr sh mr mw ms io de", "/dev/video0"), True),
        (HEAP + mapping("rd wr lo", "/a folder/with 2 spaces (deleted)"), True),
        (HEAP + mapping("rd wr", "/a folder/with lo in it"), False),
        (HEAP + "7f00-8000 rw-p 00000000 00:00 0\nSize: 4 kB\n", False),  # no flags said
    ],
)
def test_all_of_it_must_be_locked(smaps: str, locked: bool) -> None:
    assert all_locked(smaps) is locked
