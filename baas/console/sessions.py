"""Sessions of people who signed in with a token: in this process's memory alone, so a restart signs everybody out.

A session is named by 32 random bytes in a cookie and kept under their SHA-256. It holds the token's id, never its text:
each request asks anew whom that token stands for, so a session ends with its token. It also ends after `IDLE` without a
request and `LONGEST` after it began.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from baas.clock import Clock

IDLE = timedelta(minutes=30)
LONGEST = timedelta(hours=8)
PER_TOKEN = 10
"""A token's sessions at the same time: one more ends the oldest, so memory is bounded by the tokens."""


@dataclass(frozen=True)
class Session:
    """One session. `csrf_token` is what its forms must send back."""

    token_id: str
    csrf_token: str
    began: datetime
    seen: datetime


class Sessions:
    """The sessions of one process. Safe between threads."""

    def __init__(self, clock: Clock, random_bytes: Callable[[int], bytes] = secrets.token_bytes) -> None:
        self._clock, self._random_bytes = clock, random_bytes
        self._sessions: dict[bytes, Session] = {}
        self._lock = threading.Lock()

    def begin(self, token_id: str) -> tuple[str, Session]:
        """A new session for who showed that token, and the cookie that names it."""
        now, cookie = self._clock.now(), self.secret()
        session = Session(token_id, self.secret(), now, now)
        with self._lock:
            self._sessions = {key: each for key, each in self._sessions.items() if not _is_over(each, now)}
            # a dict keeps the order in which sessions began
            own = [key for key, each in self._sessions.items() if each.token_id == token_id]
            for key in own[: max(0, len(own) - PER_TOKEN + 1)]:
                del self._sessions[key]
            self._sessions[_hash(cookie)] = session
        return cookie, session

    def find(self, cookie: str | None) -> Session | None:
        """The session of a cookie, which is not idle from now on; None when there is none, or none any more."""
        if not cookie:
            return None
        key, now = _hash(cookie), self._clock.now()
        with self._lock:
            session = self._sessions.get(key)
            if session is None:
                return None
            if _is_over(session, now):
                del self._sessions[key]
                return None
            self._sessions[key] = replace(session, seen=now)
            return session

    def end(self, cookie: str | None) -> None:
        """Idempotent."""
        with self._lock:
            self._sessions.pop(_hash(cookie or ""), None)

    def secret(self) -> str:
        """32 random bytes as 43 characters."""
        return urlsafe_b64encode(self._random_bytes(32)).rstrip(b"=").decode()


def _is_over(session: Session, now: datetime) -> bool:
    return now - session.seen >= IDLE or now - session.began >= LONGEST


def _hash(cookie: str) -> bytes:
    # surrogates: a cookie's bytes are the browser's to choose
    return hashlib.sha256(cookie.encode("utf-8", "surrogatepass")).digest()
