"""Which acknowledgements go out at once, and which wait for others of their stream.

    sent ──another within `EACH_S`──► held ──`EACH_S` after the one before──► sent, as it is then
                                       └──nothing came, the worker stops──► sent, as it is then

A device that works off a backlog is told a few times a minute how far it is, not after each
message; and once more when nobody sends anything. One that sends a window now and then is told
at once.
"""

from collections.abc import Iterable

from server.ingest.acks import AckDraft
from server.ingest.known import Stream

EACH_S = 3.0


class Pacing:
    """Remembers when each stream was last acknowledged, and which are to be again."""

    def __init__(self) -> None:
        self._sent_at_s: dict[Stream, float] = {}
        self._held: dict[Stream, None] = {}

    def now(self, drafts: Iterable[AckDraft], at_s: float) -> list[AckDraft]:
        """Those of `drafts` that are to be sent at once; the others are held.

        Rejections are always told at once: no later acknowledgement has room for all of them.
        """
        sent = []
        for draft in drafts:
            stream = draft.stream
            before_s = self._sent_at_s.get(stream)
            if before_s is not None and at_s - before_s < EACH_S and not draft.rejected:
                self._held[stream] = None
                continue
            self._held.pop(stream, None)
            self._sent_at_s[stream] = at_s
            sent.append(draft)
        return sent

    def due(self, at_s: float, *, idle: bool = False) -> list[Stream]:
        """Streams whose held acknowledgement is to be sent now, as the database has it now.

        That, and not what was held: another worker may have sent a later one meanwhile, and a
        device that hears of less than before takes it for a loss.

        Args:
            at_s: the present.
            idle: nothing else is to be done: all that are held.
        """
        each_s = 0.0 if idle else EACH_S
        due = [one for one in self._held if at_s - self._sent_at_s.get(one, 0.0) >= each_s]
        for stream in due:
            del self._held[stream]
        self._sent_at_s = {one: s for one, s in self._sent_at_s.items() if at_s - s < EACH_S}
        self._sent_at_s |= dict.fromkeys(due, at_s)
        return due
