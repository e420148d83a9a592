"""Stops a thread, lets it call the kernel, and lets it go on unharmed.

| state | by | what is seen | then |
|---|---|---|---|
| running | SEIZE, INTERRUPT | it stops where the kernel looks at its signals | stopped |
| stopped | its registers set to a call, SYSCALL | it stops going into the call | entering |
| entering | SYSCALL | it stops coming out: the answer | left |
| left | INTERRUPT, CONT | it stops where the kernel looks at its signals | stopped |
| stopped | its own registers back, DETACH | the kernel restarts the call it was in | running |

The last stop matters: only where it looks at signals does the kernel restart a call that was
interrupted; registers put back elsewhere would show the program an error that it never
expects. Signals that can be blocked are, meanwhile; they wait, and come afterwards.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from edge.audit.kernel import calls
from edge.audit.kernel.calls import Request
from edge.audit.kernel.errors import TracingError
from edge.audit.kernel.registers import Registers, layout

if TYPE_CHECKING:
    from types import TracebackType

PATIENCE_S = 10.0
_LOOK_S = 0.0005
_WALL = 0x40000000  # threads as well as processes
_NO_HANG = os.WNOHANG
_SYSGOOD = 1  # a stop at a call is told from a signal by this bit
_AT_A_CALL = 5 | 0x80
_EVENT_STOP = 128
_LENT_BYTES = 512


@dataclass(slots=True, eq=False)
class Stopped:
    """A thread of another process while it is stopped; a context.

    Attributes:
        process: its process's number.
        thread: its own.
        instruction: address of an instruction of that process that makes a system call.
    """

    process: int
    thread: int
    instruction: int
    _own: Registers = field(init=False)
    _mask: bytes = field(init=False, default=b"")

    def __enter__(self) -> Self:
        """Stop it.

        Raises:
            TracingError: not permitted, or it does not stop.
        """
        try:
            calls.ask(Request.SEIZE, self.thread, 0, _SYSGOOD)
        except OSError as error:
            raise TracingError(f"thread {self.thread}: {error.strerror}") from error
        try:
            calls.ask(Request.INTERRUPT, self.thread)
            self._wait_for_event()
            self._own = Registers.read(layout(), calls.registers(self.thread))
            self._mask = calls.signal_mask(self.thread)
            calls.set_signal_mask(self.thread)
        except (OSError, TracingError) as error:
            self._let_go()
            raise TracingError(f"thread {self.thread}: {error}") from error
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Put its registers and its signals back, and let it go."""
        try:
            calls.set_registers(self.thread, self._own.data())
            calls.set_signal_mask(self.thread, self._mask)
        except OSError as lost:
            raise TracingError(f"thread {self.thread}: {lost}; was it killed?") from lost
        finally:
            self._let_go()

    def call(self, number: int, *arguments: int) -> int:
        """Let it make a system call; the result, an error number as a negative one.

        Raises:
            TracingError: it did not.
        """
        thread = self.thread
        try:
            calls.set_registers(
                thread, self._own.calling(self.instruction, number, arguments).data()
            )
            for _ in ("in", "out"):
                calls.ask(Request.SYSCALL, thread)
                self._wait_for(_AT_A_CALL)
            result = Registers.read(self._own.layout, calls.registers(thread)).result
            calls.ask(Request.INTERRUPT, thread)
            calls.ask(Request.CONT, thread)
            self._wait_for_event()
        except OSError as error:
            raise TracingError(f"thread {thread}: call {number}: {error}") from error
        return result

    def call_with(self, data: bytes, place: int, number: int, *more: int) -> int:
        """The same with the address of `data` as argument `place`.

        The bytes are lent it below its stack's end, and what stood there is put back. `more`
        are the other arguments, in their order.

        Raises:
            TracingError: it did not, or there is no room.
        """
        if len(data) > _LENT_BYTES:
            raise TracingError(f"data: expected at most {_LENT_BYTES} bytes, found {len(data)}")
        address = (self._own.stack - self._own.layout.skip - 2 * _LENT_BYTES) & ~0xF
        try:
            memory = os.open(f"/proc/{self.process}/mem", os.O_RDWR | os.O_CLOEXEC)
        except OSError as error:
            raise TracingError(f"process {self.process}: memory: {error.strerror}") from error
        try:
            before = os.pread(memory, len(data), address)
            os.pwrite(memory, data, address)
            try:
                return self.call(number, *more[:place], address, *more[place:])
            finally:
                os.pwrite(memory, before, address)
        except OSError as error:
            raise TracingError(f"process {self.process}: stack: {error.strerror}") from error
        finally:
            os.close(memory)

    def filters(self) -> tuple[bytes, ...]:
        """The kernel's copies of its seccomp filters, newest first.

        Raises:
            OSError: the kernel does not give them; see `calls.seccomp_filter`.
        """
        found: list[bytes] = []
        while True:
            try:
                found.append(calls.seccomp_filter(self.thread, len(found)))
            except FileNotFoundError:
                return tuple(found)

    def _wait_for_event(self) -> None:
        status = self._wait_for(5)
        if status >> 16 != _EVENT_STOP:
            raise TracingError(f"expected a stop of its own, found status {status:#x}")

    def _wait_for(self, signal: int) -> int:
        """Wait until it stops, with this number; the status.

        Raises:
            TracingError: it ends, stops for something else, or goes on.
        """
        until_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < until_s:
            try:
                number, status = os.waitpid(self.thread, _WALL | _NO_HANG)
            except ChildProcessError:
                raise TracingError("it is gone") from None
            if number:
                if not os.WIFSTOPPED(status):
                    raise TracingError("it ended")
                if status >> 8 & 0xFF != signal:
                    raise TracingError(f"expected stop {signal}, found status {status:#x}")
                return status
            time.sleep(_LOOK_S)
        raise TracingError(f"it did not stop within {PATIENCE_S:g} s")

    def _let_go(self) -> None:
        """Detach; a thread that is not stopped is stopped first, and one that is gone is gone."""
        for _ in range(2):
            try:
                calls.ask(Request.DETACH, self.thread)
            except OSError:
                if not self._stopped_again():
                    return
            else:
                return

    def _stopped_again(self) -> bool:
        try:
            calls.ask(Request.INTERRUPT, self.thread)
            self._wait_for_event()
        except (OSError, TracingError):
            return False
        return True
