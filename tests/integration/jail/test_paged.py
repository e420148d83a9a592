"""A site with a page and no broker: visitors are served, and no socket is made."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest

from tests.integration.jail.escapes import DONE
from tests.integration.jail.setting import START, Setting

OWN = {"Host": "127.0.0.1"}


@dataclass(frozen=True, slots=True)
class Served:
    """What a page said, and what its process could do meanwhile.

    Attributes:
        line: the answer with its address.
        statuses: of its paths.
        update: first bytes of the stream of changes.
        outcomes: of the ways out.
    """

    line: str
    statuses: list[int]
    update: bytes
    outcomes: dict[str, str]


def visit(line: str) -> tuple[list[int], bytes]:
    """The page's paths, and its stream, by connections of their own."""
    port = urlsplit(line.split(maxsplit=1)[0]).port
    statuses = []
    for path in ("/", "/site.json", "/static/nothing"):
        visitor = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        visitor.request("GET", path, headers=OWN)
        response = visitor.getresponse()
        response.read()
        statuses.append(response.status)
        visitor.close()
    viewer = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    viewer.request("GET", "/events", headers=OWN)
    stream = viewer.getresponse()
    update = stream.read1(16)
    stream.close()
    viewer.close()
    return statuses, update


def serve(*, jailed: bool) -> Served:
    """A page that is visited, while its process tries to get out."""
    reader, writer = os.pipe()
    with socket.create_server(("127.0.0.1", 0)) as elsewhere:
        port = elsewhere.getsockname()[1]
        setting = Setting("paged", "edge", writer, jailed=jailed, bind_ports=(0,), more=str(port))
        with (
            subprocess.Popen(
                [sys.executable, *START, setting.text()],
                pass_fds=setting.kept_fds,
                stdin=subprocess.PIPE,
                text=True,
            ) as process,
            os.fdopen(reader) as answers,
        ):
            os.close(writer)
            line = answers.readline().strip()
            statuses, update = visit(line)
            process.communicate("try\n", timeout=30)
            outcomes = dict(one.strip().split(": ") for one in answers if ": " in one)
        assert process.returncode == 0
    return Served(line, statuses, update, outcomes)


@pytest.mark.parametrize("jailed", [True, False], ids=["inside", "outside"])
def test_it_serves_its_visitors_and_connects_nowhere(jailed: bool) -> None:
    served = serve(jailed=jailed)
    assert served.statuses == [200, 200, 404]
    assert served.update
    assert ("jail_closed policy=edge " in served.line) == jailed
    assert len(served.outcomes) == 5
    assert set(served.outcomes.values()) == {"EPERM" if jailed else DONE}
