"""Instruments that watch a process from outside: strace, the kernel's tables, a network apart."""
