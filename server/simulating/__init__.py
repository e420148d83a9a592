"""A simulated chain whose truth is known: drawn, released by the device's rules, loaded in bulk.

    chain ──► parties ──► windows ──► joined cells ──► messages ──► tables, roll-ups
      └─────► truth.json: what each store's figures really are

Nothing here is used while the product runs; only `encounter-server simulate` imports it. What
a device does (joining thin windows along the calendar, holding back what depends on a small
team) is done here once more, by code of its own, since the server knows no device code; tests
hold the two against each other.
"""
