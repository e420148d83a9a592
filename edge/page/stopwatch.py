"""The stopwatch page's routes: four buttons' presses in, the state of the board out.

Rows live in `edge.certify.session`, in memory alone. A press carries its age, so that one
sent late is stamped when the finger was down; and a number, so that one sent twice counts
once.
"""

import json
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from edge.certify.certificate import as_json
from edge.certify.errors import CertifyError, TooFewVisitsError
from edge.certify.session import LONGEST_S, Party, Press, Session, Stopwatch
from edge.clock import SystemClock
from edge.page.snapshot import Snapshot
from edge.visits.values import Visit
from firmware_cfg.site import Site

MOST_BODY_BYTES = 1000
MOST_AGE_MS = 60_000
SILENT_S = 3.0
Answer = Callable[[Request], Awaitable[Response]]
Asked = TypeVar("Asked", bound=BaseModel)


class Begin(BaseModel):
    """Begin a session at a service point; none: the only one."""

    model_config = ConfigDict(extra="forbid")
    point: Annotated[str, Field(max_length=80)] | None = None


class Tap(BaseModel):
    """A button was pressed."""

    model_config = ConfigDict(extra="forbid")
    press: Press
    party: int | None = None
    age_ms: float = Field(ge=0, le=MOST_AGE_MS, allow_inf_nan=False)
    tap: int = Field(ge=0, lt=2**53)


class Nothing(BaseModel):
    """A request without particulars."""

    model_config = ConfigDict(extra="forbid")


class CameraTime:
    """Camera time now, from the snapshots: the least delayed of the latest tell it.

    Attributes:
        latest_s: camera time of the latest frame; None before the first.
        came_s: monotonic time at which it came.
    """

    def __init__(self) -> None:
        self.latest_s: float | None = None
        self.came_s = 0.0
        self._delays_s: deque[float] = deque(maxlen=64)

    def see(self, at_s: float, now_s: float) -> None:
        """A snapshot of camera time `at_s` was shown at monotonic `now_s`."""
        if at_s != self.latest_s:
            self.latest_s, self.came_s = at_s, now_s
            self._delays_s.append(now_s - at_s)

    def at(self, now_s: float) -> float:
        """Camera time at monotonic `now_s`."""
        return now_s - min(self._delays_s, default=now_s)


class Desk:
    """The stopwatch as the page asks it; all on the page's loop."""

    def __init__(self, site: Site) -> None:
        self._device = site.device.id
        self._stopwatch = Stopwatch(site)
        self._camera = CameraTime()
        self._clock = SystemClock()
        self._taps: deque[int] = deque(maxlen=64)

    def follow(self, snapshot: Snapshot, now_s: float) -> None:
        """Take in what the device knows."""
        self._camera.see(snapshot.at_s, now_s)
        finals = [one for one in snapshot.new_events if isinstance(one, Visit)]
        self._stopwatch.follow(finals, snapshot.open_visits, now_s)

    def begin(self, asked: Begin) -> None:
        """Begin a session.

        Raises:
            CertifyError: no frame yet, no such point, or a session runs.
        """
        now_s = time.monotonic()
        if self._camera.latest_s is None:
            raise CertifyError("expected frames from the camera, found none yet")
        self._stopwatch.begin(asked.point, self._camera.at(now_s), now_s)

    def press(self, tap: Tap) -> None:
        """Take a press, once.

        Raises:
            StopwatchError: it does not fit.
        """
        if tap.tap in self._taps:
            return
        pressed_s = time.monotonic() - tap.age_ms / 1000
        self._stopwatch.press(tap.press, tap.party, self._camera.at(pressed_s))
        self._taps.append(tap.tap)

    def undo(self, asked: Nothing) -> None:
        """Take the latest press back."""
        del asked
        self._stopwatch.undo()

    def certify(self, asked: Nothing) -> None:
        """Make the certificate; the rows are gone after it.

        Raises:
            CertifyError: it cannot be made; the rows stay.
        """
        del asked
        latest_s = self._camera.latest_s or 0.0
        self._stopwatch.certify(latest_s, time.monotonic(), self._clock.utc_now())

    def stop(self, asked: Nothing | None = None) -> None:
        """Forget everything."""
        del asked
        self._stopwatch.stop()

    def certificate(self) -> dict[str, object] | None:
        """The certificate that was made last."""
        self._stopwatch.expire(time.monotonic())
        made = self._stopwatch.made
        return None if made is None else as_json(made)

    def state(self) -> dict[str, object]:
        """What the page shows."""
        now_s = time.monotonic()
        self._stopwatch.expire(now_s)
        session, latest_s = self._stopwatch.session, self._camera.latest_s
        seeing = latest_s is not None and now_s - self._camera.came_s < SILENT_S
        return {
            "device": self._device,
            "points": self._stopwatch.points,
            "needed": self._stopwatch.terms.least_visits,
            "seeing": seeing,
            "session": None if session is None else self._running(session, now_s),
            "certificate": self.certificate(),
        }

    def _running(self, session: Session, now_s: float) -> dict[str, object]:
        t_s = self._camera.at(now_s)
        last = session.pressed[-1] if session.pressed else None
        return {
            "point": session.counter.point,
            "finished": len(session.board.rows),
            "parties": [_party_row(party, t_s) for party in session.board.open],
            "last": None if last is None else {"press": last[0], "party": last[1]},
            "settles_in_s": round(self._stopwatch.settles_in_s(self._camera.latest_s or 0.0), 1),
            "ends_in_s": round(session.began_s + LONGEST_S - now_s),
        }


def stopwatch_routes(desk: Desk, shell: Response) -> list[Route]:
    """The page at `/stopwatch`, its state, and its presses."""

    async def page(request: Request) -> Response:
        del request
        return shell

    async def state(request: Request) -> Response:
        del request
        return JSONResponse(desk.state())

    async def certificate(request: Request) -> Response:
        del request
        made = desk.certificate()
        if made is None:
            return PlainTextResponse("There is no certificate.\n", 404)
        body = json.dumps(made, indent=2, ensure_ascii=False) + "\n"
        told = {"Content-Disposition": 'attachment; filename="certificate.json"'}
        return Response(body, media_type="application/json", headers=told)

    return [
        Route("/stopwatch", page),
        Route("/stopwatch/state.json", state),
        Route("/stopwatch/certificate.json", certificate),
        Route("/stopwatch/begin", _taking(desk, Begin, desk.begin), methods=["POST"]),
        Route("/stopwatch/press", _taking(desk, Tap, desk.press), methods=["POST"]),
        Route("/stopwatch/undo", _taking(desk, Nothing, desk.undo), methods=["POST"]),
        Route("/stopwatch/certify", _taking(desk, Nothing, desk.certify), methods=["POST"]),
        Route("/stopwatch/stop", _taking(desk, Nothing, desk.stop), methods=["POST"]),
    ]


def _taking(desk: Desk, form: type[Asked], act: Callable[[Asked], None]) -> Answer:
    """An endpoint that takes a JSON body, acts, and answers with the state."""

    async def endpoint(request: Request) -> Response:
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > MOST_BODY_BYTES:
                return PlainTextResponse(f"Expected at most {MOST_BODY_BYTES} bytes.\n", 413)
        try:
            asked = form.model_validate_json(body)
        except ValidationError:
            return PlainTextResponse(f"Expected the JSON of {form.__name__}.\n", 400)
        try:
            act(asked)
        except CertifyError as error:
            return JSONResponse({**desk.state(), "refused": _refusal(error)}, 409)
        return JSONResponse(desk.state())

    return endpoint


def _refusal(error: CertifyError) -> dict[str, object]:
    said: dict[str, object] = {"message": str(error)}
    if isinstance(error, TooFewVisitsError):
        said |= {"needed": error.needed, "found": error.found, "logged": error.logged}
    return said


def _party_row(party: Party, t_s: float) -> dict[str, object]:
    """A party's clock so far, in seconds after its arrival."""
    since = [party.greeted_s, party.served_s, t_s]
    greeted_s, served_s, here_s = (
        None if at_s is None else round(max(0.0, at_s - party.arrived_s), 1) for at_s in since
    )
    return {"number": party.number, "greeted_s": greeted_s, "served_s": served_s, "here_s": here_s}
