"""How long the publisher pauses."""

from dataclasses import dataclass

from edge.health import HEARTBEAT_S


@dataclass(frozen=True, slots=True)
class Timing:
    """Pauses in seconds.

    Attributes:
        retry_s, retry_most_s: first and longest pause before connecting again.
        resend_s, resend_most_s: first and longest wait for the server's acknowledgement.
        restore_s: a server that has less than was settled is answered this often at most.
        heartbeat_s: between heartbeats.
    """

    retry_s: float = 1.0
    retry_most_s: float = 60.0
    resend_s: float = 30.0
    resend_most_s: float = 600.0
    restore_s: float = 600.0
    heartbeat_s: float = HEARTBEAT_S
