"""What a device is told and held to, and the messages both ends agree on.

Imports nothing else of this project: the device (`vision`, `edge`) and the server
(`server`) both build on it.
"""

__version__ = "0.1.0"
DEFINITION_VERSION = 1
