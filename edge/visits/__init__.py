"""Visits from tracks: roles, parties, engagements, moments. Values in, values out."""
