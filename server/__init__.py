"""The server: takes what devices release, keeps it, and shows it to people.

No row here is about one party: devices send thresholded cells, and nothing finer is read.
"""
