"""The eye of the appliance: pictures in, boxes and scores out, down one narrow pipe.

Opens no socket and writes no file. `python -m vision --help` says how it is started.
"""
