"""Tracks from detections. Values in, values out."""
