"""What Prometheus may ask this server, at an address of its own on this machine.

    workers, broker link ─┐
    database ─────────────┼─► facts ─► families ─► /metrics
    files, certificates ──┤
    requests ─────────────┘

Names follow Prometheus' conventions: prefix `encounter_`, base units as suffix, `_total` for what
only grows. Labels have few values; no device, store, point or account is one.

Nothing here follows what happens in front of a camera (docs/operations/metrics.md says how):
figures are not here at all, a window counts the same whatever is in it, and what depends on
cells (roll-ups, cells kept aside, size on disk) is told only as what is wrong with it or in
coarse steps.
"""
