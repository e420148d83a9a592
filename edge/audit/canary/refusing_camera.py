"""A network camera that lets nobody in: it asks for a password, and refuses every one."""

from __future__ import annotations

import re
import socket
import threading
from contextlib import suppress
from typing import Self

_LOOK_S = 0.2
_SEQUENCE = re.compile(rb"CSeq: *(\d+)", re.IGNORECASE)
_ANSWER = 'RTSP/1.0 401 Unauthorized\r\nCSeq: {}\r\nWWW-Authenticate: Basic realm="camera"\r\n\r\n'


class RefusingCamera:
    """Listens on a free port of 127.0.0.1. A context manager: leaving stops it."""

    def __init__(self) -> None:
        """Listen."""
        self._server = socket.create_server(("127.0.0.1", 0))
        self._server.settimeout(_LOOK_S)
        self.port: int = self._server.getsockname()[1]
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        """Begin."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self._stopping.set()
        self._thread.join()
        self._server.close()

    def _run(self) -> None:
        while not self._stopping.is_set():
            with suppress(OSError):
                connection, _ = self._server.accept()
                with connection:
                    self._refuse(connection)

    def _refuse(self, connection: socket.socket) -> None:
        connection.settimeout(_LOOK_S)
        asked = b""
        while not self._stopping.is_set():
            with suppress(TimeoutError):
                data = connection.recv(4096)
                if not data:
                    return
                asked += data
            while b"\r\n\r\n" in asked:
                request, _, asked = asked.partition(b"\r\n\r\n")
                found = _SEQUENCE.search(request)
                number = found[1].decode() if found else "0"
                connection.sendall(_ANSWER.format(number).encode())
