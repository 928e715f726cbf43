"""Time-stamps on checkpoints: an authority's token (RFC 3161) over each anchored checkpoint's body, stored beside it.

A step of its own, after the anchor and never in its way: an authority that does not answer is asked again later, and a
receipt that was made before its token came has none. Asking for the receipt again then gives one that has it.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable

from sqlmodel import col, select

from baas.background import Background, Delay
from baas.clock import Clock
from baas.logs.model import Anchor
from baas.store import Store
from sandbox.evidence.digest import Digest, digest_bytes
from sandbox.evidence.note import split

LOGGER = logging.getLogger(__name__)

#: Checkpoints looked for at once.
AT_ONCE = 100
#: Seconds until an authority that did not answer is asked again, the first time and at most.
FIRST_RETRY, LAST_RETRY = 1.0, 300.0

#: Asks an authority for a token over a digest: the DER of a TimeStampToken, verified. Raises when there is none.
Authority = Callable[[Digest], bytes]


def stamped_bytes(checkpoint: str) -> bytes:
    """What a token on a checkpoint is over: the note's text, without its signatures."""
    return split(checkpoint)[0].encode()


class Stamps(Background):
    """Background work of one service; `poke` it when something was anchored."""

    def __init__(self, store: Store, clock: Clock, authority: Authority) -> None:
        super().__init__("time-stamps")
        self._store, self._clock, self._authority = store, clock, authority
        self._retry = Delay(FIRST_RETRY, LAST_RETRY)
        self.problem: str | None = None
        """Why tokens do not come at present, in one sentence; None when nothing is wrong."""

    def stamp(self, message: bytes, slug: str) -> bytes:
        """A token over the message, asked for now; raises what the authority's client raises."""
        return self._authority(digest_bytes(message, slug))

    def _round(self) -> float | None:
        try:
            while not self._stopped.is_set() and self.work():
                pass
        except Exception as error:  # a job must never die silently: it is shown, logged and tried again
            LOGGER.warning("checkpoints are not time-stamped: %s", error)
            self.problem = str(error).partition("\n")[0]
            return self._retry.longer()  # a new anchor wakes it sooner
        self.problem = None
        self._retry.reset()
        return None

    def work(self) -> bool:
        """Stamp the checkpoints that have no token yet; whether there were any."""
        with self._store.reading() as session:
            found = session.exec(
                select(Anchor)
                .where(col(Anchor.anchored).is_not(None), col(Anchor.token).is_(None))
                .order_by(col(Anchor.id))
                .limit(AT_ONCE)
            ).all()
        for anchor in found:
            if self._stopped.is_set():
                return False
            digest = Digest("sha-256", hashlib.sha256(stamped_bytes(str(anchor.checkpoint))).digest())
            token = self._authority(digest)
            with self._store.session() as session:
                row = session.get(Anchor, anchor.id)
                if row is not None:
                    row.token, row.stamped = token, self._clock.now()
                    session.add(row)
        return bool(found)
