"""The client against a scripted camera: no socket."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest

from edge.relay.address import parse_address
from edge.relay.credentials import Credentials
from edge.relay.digest import authorization
from edge.relay.errors import RelayError, RelayInputError
from edge.relay.rtsp import RtspClient
from edge.relay.sdp import find_video

if TYPE_CHECKING:
    from collections.abc import Iterator

SDP = """v=0
m=audio 0 RTP/AVP 97
a=rtpmap:97 MPEG4-GENERIC/16000
a=control:track0
m=video 0 RTP/AVP 96
a=rtpmap:96 H264/90000
a=fmtp:96 packetization-mode=1;sprop-parameter-sets=Z0LAHg==,aM48gA==
a=control:track1
"""


class ScriptedCamera:
    """A connection whose answers are written beforehand."""

    def __init__(self, *answers: bytes) -> None:
        self._answers = io.BytesIO(b"".join(answers))
        self.sent = ""

    def read(self, count: int) -> bytes:
        return self._answers.read(count)

    def readline(self, limit: int) -> bytes:
        return self._answers.readline(limit)

    def write(self, data: bytes) -> None:
        self.sent += data.decode()


def reply(status: int = 200, body: str = "", **headers: str) -> bytes:
    lines = [f"RTSP/1.0 {status} Whatever", "CSeq: 1"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    lines += [f"Content-Length: {len(body)}", "", body]
    return "\r\n".join(lines).encode()


def interleaved(channel: int, data: bytes) -> bytes:
    return b"$" + bytes([channel]) + len(data).to_bytes(2, "big") + data


KNOWN = parse_address("rtsp://camera/live").known_as(Credentials("me", "s3cret"))
STARTED = (
    reply(body=SDP, Content_Base="rtsp://camera:554/live/"),
    reply(Session="42;timeout=30", Transport="RTP/AVP/TCP;interleaved=2-3"),
    reply(),
)


def test_it_plays_the_video_and_yields_its_packets_alone() -> None:
    camera = ScriptedCamera(
        *STARTED,
        interleaved(2, b"one"),
        interleaved(3, b"control"),
        reply(),
        b"OPTIONS * RTSP/1.0\r\nCSeq: 9\r\n\r\n",
        interleaved(2, b"two"),
    )
    client = RtspClient(camera, parse_address("rtsp://camera/live"))
    video = client.start()
    assert (video.codec, video.control_url) == ("H264", "rtsp://camera:554/live/track1")
    assert video.parameter_sets == (b"\x67\x42\xc0\x1e", b"\x68\xce\x3c\x80")
    assert list(client.packets()) == [b"one", b"two"]
    assert "interleaved=0-1" in camera.sent
    assert "RTP/AVP/TCP" in camera.sent
    assert "Session: 42\r\n" in camera.sent


def test_it_signs_when_asked_and_never_shows_the_password() -> None:
    challenge = reply(401, WWW_Authenticate='Digest realm="cam", nonce="n1"')
    camera = ScriptedCamera(challenge, *STARTED)
    RtspClient(camera, KNOWN).start()
    assert camera.sent.count("Authorization: Digest") == 3
    assert "s3cret" not in camera.sent


def test_a_sign_of_life_is_sent_at_half_the_timeout() -> None:
    camera = ScriptedCamera(*STARTED, *[interleaved(2, b"x")] * 40)
    ticks: Iterator[int] = iter(range(1000))
    client = RtspClient(camera, parse_address("rtsp://camera/live"), lambda: float(next(ticks)))
    client.start()
    assert len(list(client.packets())) == 40
    assert camera.sent.count("GET_PARAMETER") == 2


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ([], "closed the connection"),
        ([b"HTTP/1.1 200 OK\r\n\r\n"], "closed the connection"),
        ([b"garbage without an end"], "expected RTSP"),
        ([reply(404)], "expected 200 to DESCRIBE, found 404"),
        ([reply(302, Location="rtsp://elsewhere/")], "found 302"),
        ([reply(401, WWW_Authenticate='Basic realm="c"')] * 2, "refuses the user name"),
        ([reply(401, WWW_Authenticate="Negotiate")], "Digest or Basic"),
        ([reply(body="v=0\nm=audio 0 RTP/AVP 0\n")], "expected H.264 or H.265"),
        ([b"RTSP/1.0 200 OK\r\nContent-Length: 99999999\r\n\r\n"], "expected a short reply"),
    ],
)
def test_refusals_name_the_camera_without_its_password(answers: list[bytes], message: str) -> None:
    client = RtspClient(ScriptedCamera(*answers), KNOWN)
    with pytest.raises(RelayError, match=message) as caught:
        client.start()
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    "text", ["", "http://camera/", "rtsp://", "rtsp://me:s3cret@/x", "rtsp://me:s3cret@a:99999/x"]
)
def test_addresses_that_are_none_are_not_repeated(text: str) -> None:
    with pytest.raises(RelayInputError) as caught:
        parse_address(text)
    assert "s3cret" not in str(caught.value)


def test_credentials_stay_out_of_what_is_printed() -> None:
    address = parse_address("rtsp://[fe80::1]:8554/live?channel=1")
    assert "p@ss" not in repr(address.known_as(Credentials("me", "p@ss")))
    assert address.url == "rtsp://[fe80::1]:8554/live?channel=1"


def test_the_example_of_rfc_2617() -> None:
    challenge = (
        'Digest realm="testrealm@host.com", qop="auth,auth-int", '
        'nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41"'
    )
    answer = authorization(
        ['Basic realm="x"', challenge],
        ("Mufasa", "Circle Of Life"),
        ("GET", "/dir/index.html"),
        lambda: "0a4f113b",
    )
    assert 'response="6629fae49393a05397450978507c4ef1"' in answer


@pytest.mark.parametrize(
    ("control", "url"),
    [
        ("track1", "rtsp://camera/live/track1"),
        ("rtsp://camera/else", "rtsp://camera/else"),
        ("*", "rtsp://camera/live"),
        ("/root", "rtsp://camera/root"),
    ],
)
def test_control_urls(control: str, url: str) -> None:
    sdp = SDP.replace("control:track1", f"control:{control}")
    assert find_video(sdp, "rtsp://camera/live").control_url == url
