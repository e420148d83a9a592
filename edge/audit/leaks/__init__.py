"""Leaks that the audit plants on purpose: each must be caught by a check that judges devices."""
