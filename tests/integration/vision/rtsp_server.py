"""Serves a video file over RTSP with Debian's GstRtspServer; run by the system's Python.

Arguments: file, codec (H264: as it is; H265: coded anew), user and password (or none).
Prints its port, then serves until it is ended.
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
    path, codec, user, password = sys.argv[1:5]
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
    server.get_mount_points().add_factory("/live", factory)
    server.attach(None)
    sys.stdout.write(f"{server.get_bound_port()}\n")
    sys.stdout.flush()
    GLib.MainLoop().run()


main()
