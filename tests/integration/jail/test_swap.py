"""Memory that is locked: the kernel is asked of every mapping, not whether anything is locked."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.integration.jail.setting import ROOT

PROGRAM = """
import ctypes, mmap, os, resource, sys
sys.path.append(sys.argv[1])
from firmware_cfg.confine import surroundings
from firmware_cfg.confine.native import LIBC, MCL_CURRENT, MCL_FUTURE, MCL_ONFAULT

page = mmap.mmap(-1, mmap.PAGESIZE)
page[0] = 1
start = ctypes.c_void_p(ctypes.addressof(ctypes.c_char.from_buffer(page)))
match sys.argv[2]:
    case "one page":
        assert LIBC.mlock(start, mmap.PAGESIZE) == 0
    case "what there is":
        assert LIBC.mlockall(MCL_CURRENT | MCL_ONFAULT) == 0
    case "what comes":
        assert LIBC.mlockall(MCL_FUTURE | MCL_ONFAULT) == 0
    case "all but one page":
        assert LIBC.mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0
        assert LIBC.munlock(start, mmap.PAGESIZE) == 0
    case "all":
        assert LIBC.mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0
later = mmap.mmap(-1, 16 * mmap.PAGESIZE)
status = open("/proc/self/status").read()
locked_kb = int(status.partition("VmLck:")[2].split()[0])
print(locked_kb > 0, surroundings.memory_locked())
"""
NOTHING, SOME, ALL = "False False", "True False", "True True"


@pytest.mark.parametrize(
    ("what", "found"),
    [
        ("nothing", NOTHING),
        ("one page", SOME),
        ("what there is", SOME),
        ("what comes", SOME),
        ("all but one page", SOME),
        ("all", ALL),
    ],
)
def test_only_all_of_it_counts(what: str, found: str) -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-c", PROGRAM, str(ROOT), what],
        capture_output=True,
        text=True,
        check=False,
    )
    if "AssertionError" in done.stderr and what not in ("nothing", "one page"):
        pytest.skip("this user may not lock all of its memory")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == found
