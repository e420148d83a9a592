"""The search for the canary in everything that was given off, and what chance could find."""
