"""The cookies: the session's, and one that binds the forms which come before a session.

Over https they are called `__Host-…`, which browsers take from this host alone, over https,
for all its paths; on the loopback there is no https to ask for.
"""

from dataclasses import dataclass

from fastapi import Request, Response

from server.access.secret import new_secret

BEFORE_S = 3600


@dataclass(frozen=True, slots=True)
class Cookies:
    """How cookies are written. `secure`: whether others reach this server, by https."""

    secure: bool

    @property
    def session_name(self) -> str:
        """Name of the session's cookie."""
        return "__Host-session" if self.secure else "session"

    @property
    def before_name(self) -> str:
        """Name of the cookie before a session."""
        return "__Host-before" if self.secure else "before"

    def session(self, request: Request) -> str | None:
        """The session's secret that a browser holds."""
        return request.cookies.get(self.session_name) or None

    def before(self, request: Request) -> str:
        """The secret of a visit before a session; a new one at first."""
        return request.cookies.get(self.before_name) or new_secret()

    def keep_session(self, response: Response, secret: str) -> None:
        """Give a browser its session; it forgets it when it is closed."""
        self._set(response, self.session_name, secret, None)
        self.forget_before(response)

    def keep_before(self, response: Response, secret: str) -> None:
        """Give a browser the secret of its visit."""
        self._set(response, self.before_name, secret, BEFORE_S)

    def forget_session(self, response: Response) -> None:
        """Take the session away."""
        self._set(response, self.session_name, "", 0)

    def forget_before(self, response: Response) -> None:
        """Take the secret of the visit away."""
        self._set(response, self.before_name, "", 0)

    def _set(self, response: Response, name: str, value: str, age_s: int | None) -> None:
        response.set_cookie(
            name, value, age_s, path="/", secure=self.secure, httponly=True, samesite="lax"
        )
