"""The relay: copies one network camera's stream from one address into one pipe.

Speaks RTSP over a single TCP connection (RFC 2326, interleaved), unpacks RTP (RFC 3550) into
H.264 (RFC 6184) or H.265 (RFC 7798), and writes MPEG-TS. It decodes nothing and sees no
picture; plain Python, no parser in C stands behind the network. The jail decodes.
"""
