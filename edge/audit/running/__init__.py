"""Part A of the audit: the running device, as the kernel shows it.

    find ─► reading (/proc into values) ─► judges (values in, findings out) ─► findings

Judges know nothing of files; `inspection` calls them in turn.
"""
