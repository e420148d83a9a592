"""The ledger: what left this device and what it was told, in a form that an auditor can check.

    what is about to leave ─► entry, committed ─► link, which refuses what has no entry ─► broker
    what changes (site, model, privacy, wishes, commissioning) ─► entry
    entries ─► Merkle tree (RFC 9162) ─► head, signed by this device ─► heartbeat, paper

It stands in the outbox's database; `docs/ledger.md` says what it proves and what it does not.
"""
