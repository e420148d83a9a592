"""What the kernel lets a running process do, seen by letting that process ask it.

    tracing (stop a thread) ─► registers (its own `syscall` instruction) ─► attempts ─► answers

A thread is stopped by ptrace, made to call the kernel with arguments that do nothing even if
they were permitted, and set back to where it was. Nothing of the process's word is taken: the
answer comes from the kernel, by way of the process's own rights. Needs the right to trace.
"""
