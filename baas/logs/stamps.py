"""Time-stamps on checkpoints: an authority's token (RFC 3161) over each anchored checkpoint's body, stored beside it.

A step of its own, after the anchor and never in its way: an authority that does not answer is asked again later, and a
receipt that was made before its token came has none. Asking for the receipt again then gives one that has it.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Callable

from sqlmodel import col, select

from baas.clock import Clock
from baas.logs.model import Anchor
from baas.store import Store
from sandbox.evidence.digest import Digest, digest_bytes
from sandbox.evidence.note import split

LOGGER = logging.getLogger(__name__)

#: Checkpoints looked for at once.
AT_ONCE = 100
FIRST_RETRY, LAST_RETRY = 1.0, 300.0

#: Asks an authority for a token over a digest: the DER of a TimeStampToken, verified. Raises when there is none.
Authority = Callable[[Digest], bytes]


def stamped_bytes(checkpoint: str) -> bytes:
    """What a token on a checkpoint is over: the note's text, without its signatures."""
    return split(checkpoint)[0].encode()


class Stamps:
    """Background work of one service, on one thread; `poke` it when something was anchored."""

    def __init__(self, store: Store, clock: Clock, authority: Authority) -> None:
        self._store, self._clock, self._authority = store, clock, authority
        self._wake = threading.Event()
        self._stopped = False
        self._thread: threading.Thread | None = None
        self.problem: str | None = None
        """Why tokens do not come at present, in one sentence; None when nothing is wrong."""

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="time-stamps", daemon=True)
        self._thread.start()
        self.poke()

    def stop(self) -> None:
        self._stopped = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join()

    def poke(self) -> None:
        """There may be a checkpoint without a token; cheap."""
        self._wake.set()

    def stamp(self, message: bytes, slug: str) -> bytes:
        """A token over the message, asked for now; raises what the authority's client raises."""
        return self._authority(digest_bytes(message, slug))

    def _run(self) -> None:
        delay = FIRST_RETRY
        while not self._stopped:
            self._wake.clear()
            try:
                while not self._stopped and self.work():
                    pass
                self.problem, delay = None, FIRST_RETRY
                self._wake.wait()
            except Exception as error:  # a job must never die silently: it is shown, logged and tried again
                LOGGER.warning("checkpoints are not time-stamped: %s", error)
                self.problem = str(error).partition("\n")[0]
                self._wake.wait(
                    delay
                )  # a stop wakes it; so may a new anchor, and then it is tried a bit sooner
                delay = min(delay * 2, LAST_RETRY)

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
            if self._stopped:
                return False
            digest = Digest("sha-256", hashlib.sha256(stamped_bytes(str(anchor.checkpoint))).digest())
            token = self._authority(digest)
            with self._store.session() as session:
                row = session.get(Anchor, anchor.id)
                if row is not None:
                    row.token, row.stamped = token, self._clock.now()
                    session.add(row)
        return bool(found)
