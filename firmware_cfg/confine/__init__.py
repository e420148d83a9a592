"""The jail: each process's kernel policy as a table, and the small code that enforces it.

    enter (Landlock) ─► exec ─► program: imports, opens ─► close (seccomp, probes) ─► works

Imports the standard library alone. `enter.command` gives the command line for the way in,
`closing.close` is called by the program when everything is open, `policies` has the tables.
"""
