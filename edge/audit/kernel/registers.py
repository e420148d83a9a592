"""A stopped thread's registers, on x86-64 and aarch64 (`NT_PRSTATUS`)."""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass

from edge.audit.kernel.errors import TracingError

_WORD = 2**64


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a machine keeps what a system call is made of; indices into its 64-bit registers.

    Attributes:
        count: registers in `NT_PRSTATUS`.
        number: the call's number.
        arguments: its six arguments.
        result: what it returned.
        program: the program counter.
        stack: the stack pointer.
        entered: the number of the call that a thread is in; None: not among the registers.
        instruction: the bytes that make a system call.
        skip: bytes below the stack pointer that the thread may be using (its red zone).
    """

    count: int
    number: int
    arguments: tuple[int, int, int, int, int, int]
    result: int
    program: int
    stack: int
    entered: int | None
    instruction: bytes
    skip: int


# sys/user.h, user_regs_struct: r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi
# orig_rax rip cs eflags rsp ss fs_base gs_base ds es fs gs
X86_64 = Layout(27, 10, (14, 13, 12, 7, 9, 8), 10, 16, 19, 15, b"\x0f\x05", 128)
# asm/ptrace.h, user_pt_regs: x0 … x30 sp pc pstate; `svc #0`
AARCH64 = Layout(34, 8, (0, 1, 2, 3, 4, 5), 0, 32, 31, None, b"\x01\x00\x00\xd4", 0)
LAYOUTS = {"x86_64": X86_64, "aarch64": AARCH64}


def layout() -> Layout:
    """This machine's.

    Raises:
        TracingError: neither of the two.
    """
    machine = os.uname().machine
    if machine not in LAYOUTS:
        raise TracingError(f"registers: expected x86_64 or aarch64, found {machine}")
    return LAYOUTS[machine]


@dataclass(frozen=True, slots=True)
class Registers:
    """All registers of a stopped thread, as unsigned 64-bit words."""

    layout: Layout
    words: tuple[int, ...]

    @classmethod
    def read(cls, form: Layout, data: bytes) -> Registers:
        """From the kernel's bytes.

        Raises:
            TracingError: another number of them, as of a 32-bit process.
        """
        if len(data) != 8 * form.count:
            raise TracingError(f"registers: expected {8 * form.count} bytes, found {len(data)}")
        return cls(form, struct.unpack(f"<{form.count}Q", data))

    def data(self) -> bytes:
        """As the kernel takes them."""
        return struct.pack(f"<{self.layout.count}Q", *self.words)

    @property
    def stack(self) -> int:
        """The stack pointer."""
        return self.words[self.layout.stack]

    @property
    def result(self) -> int:
        """What the call returned, signed: an error number is negative.

        >>> Registers(AARCH64, (2**64 - 1,) + 33 * (0,)).result
        -1
        """
        word = self.words[self.layout.result]
        return word - _WORD if word >= _WORD // 2 else word

    def calling(self, at: int, number: int, arguments: tuple[int, ...]) -> Registers:
        """The same thread about to make a call by the instruction at address `at`.

        On x86-64 it is said to be in no call, so that the kernel restarts none.
        """
        form, words = self.layout, list(self.words)
        for index, value in zip(form.arguments, (*arguments, *6 * (0,)), strict=False):
            words[index] = value % _WORD
        words[form.number] = number
        words[form.program] = at
        if form.entered is not None:
            words[form.entered] = _WORD - 1
        return Registers(form, tuple(words))
