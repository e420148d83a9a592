"""The unfinished window on disk: encrypted, of one size, readable until the power goes.

`key`: where the key comes from, which lives in memory alone. `file`: what is written.
"""
