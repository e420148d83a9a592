"""Serves a video file over RTSP with Debian's GstRtspServer; run by the system's Python.

Arguments: file, codec (H264: as it is; H265: coded anew), user and password (or none), and
optionally a way to send the client elsewhere, with the address: `moved` answers DESCRIBE with
302 and that Location; `redirect` sends a REDIRECT request a second after PLAY; `control`
describes the video as one of that address. Prints its port, then serves until it is ended.
"""

import sys

import gi  # type: ignore[import-not-found]

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import (  # type: ignore[import-not-found]  # noqa: E402 - after versions
    GLib,
    Gst,
    GstRtsp,
    GstRtspServer,
)

PAY = {
    "H264": "h264parse ! rtph264pay name=pay0 pt=96 mtu=1200",
    "H265": "h264parse ! openh264dec ! x265enc speed-preset=ultrafast key-int-max=20 "
    "! h265parse ! rtph265pay name=pay0 pt=96 mtu=1200",
}


def main() -> None:
    """Serve until ended."""
    path, codec, user, password, *elsewhere = sys.argv[1:]
    Gst.init(None)
    server = GstRtspServer.RTSPServer.new()
    server.set_address("127.0.0.1")
    server.set_service("0")
    factory = GstRtspServer.RTSPMediaFactory.new()
    factory.set_launch(f"( filesrc location={path} ! qtdemux ! {PAY[codec]} )")
    if user:
        auth = GstRtspServer.RTSPAuth.new()
        auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
        token = GstRtspServer.RTSPToken()
        token.set_string("media.factory.role", user)
        auth.add_digest(user, password, token)
        server.set_auth(auth)
        factory.add_role_from_structure(
            Gst.Structure.new_from_string(
                f"{user}, media.factory.access=(boolean)true, media.factory.construct=(boolean)true"
            )
        )
    if elsewhere:
        send_elsewhere(server, *elsewhere)
    server.get_mount_points().add_factory("/live", factory)
    server.attach(None)
    sys.stdout.write(f"{server.get_bound_port()}\n")
    sys.stdout.flush()
    GLib.MainLoop().run()


def send_elsewhere(server: GstRtspServer.RTSPServer, way: str, address: str) -> None:
    """Let every client be sent to `address`, in one of three ways."""

    def moved(client: object, context: object) -> object:
        del client, context
        return GstRtsp.RTSPStatusCode.MOVE_TEMPORARILY

    def located(client: object, context: object, message: GstRtsp.RTSPMessage) -> None:
        del client, context
        message.add_header(GstRtsp.RTSPHeaderField.LOCATION, address)

    def based(client: object, context: object, message: GstRtsp.RTSPMessage) -> None:
        del client, context
        message.remove_header(GstRtsp.RTSPHeaderField.CONTENT_BASE, -1)
        message.add_header(GstRtsp.RTSPHeaderField.CONTENT_BASE, address)

    def played(client: GstRtspServer.RTSPClient, context: object) -> None:
        del context
        GLib.timeout_add(1000, redirect, client)

    def redirect(client: GstRtspServer.RTSPClient) -> bool:
        result, message = GstRtsp.rtsp_message_new_request(GstRtsp.RTSPMethod.REDIRECT, address)
        if result == GstRtsp.RTSPResult.OK:
            message.add_header(GstRtsp.RTSPHeaderField.LOCATION, address)
            client.send_message(None, message)
        return False

    def connected(server: object, client: GstRtspServer.RTSPClient) -> None:
        del server
        if way == "moved":
            client.connect("pre-describe-request", moved)
            client.connect("send-message", located)
        elif way == "control":
            client.connect("send-message", based)
        else:
            client.connect("play-request", played)

    server.connect("client-connected", connected)


main()
