"""Accuracy without video: a counter's figures against a stopwatch log of the same visits.

    stopwatch page (memory) ─┐
    log.csv ── log_file ─────┼─► pairing ─► fit ─► certificate ─► text or JSON
    visits.jsonl ── visits_file ─┘                    └─► the log's rows are erased

`values`, `pairing`, `fit`, `agreement` and `certificate` take values and return values;
`log_file` and `visits_file` read files, `session` holds the page's rows in memory, and
`command` is `encounter-edge certify`. A certificate says how far the device was from the
observer, never how long anyone waited.
"""
