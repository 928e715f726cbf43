"""The very same signed message twice: each is known by its key for as long as its Timestamp could pass for fresh.

What is forgotten leaves a mark behind: a message that ends no later than one that was forgotten is refused. So a clock
that goes back lets no old message in again.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from baas.clock import Clock, milliseconds
from baas.exchange_service.errors import Refusal
from baas.protocols.pci.codes import Detail
from baas.trust_service.database import Database

KEPT = timedelta(hours=1)
"""How long after its end a message is still known."""


class Replays:
    """The messages that were seen. `take` belongs into the transaction in which the message is answered."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    def take(self, key: bytes, expires: datetime) -> None:
        """Marks a message as seen. `key` is `wss.Secured.replay_key`, `expires` the end of its Timestamp.

        Raises Refusal for one that was seen.
        """
        end = milliseconds(expires)
        self._forget()
        if self._database.rows("SELECT 1 FROM replays WHERE key = ?", key):
            raise Refusal(
                Detail.REPLAY,
                "this very message was received before: to ask again, sign it anew with the same IdPeticion",
            )
        marks = self._database.rows("SELECT until_ms FROM forgotten")
        if marks and end <= _integer(marks[0][0]):
            raise Refusal(
                Detail.TIMESTAMP,
                "the Timestamp ends at a time of which seen messages are no longer known: sign the message anew",
            )
        self._database.rows("INSERT INTO replays (key, expires_ms) VALUES (?, ?)", key, end)

    def _forget(self) -> None:
        before = milliseconds(self._clock.now() - KEPT)
        [(last,)] = self._database.rows("SELECT max(expires_ms) FROM replays WHERE expires_ms < ?", before)
        if last is None:
            return
        self._database.rows(
            "INSERT INTO forgotten (only, until_ms) VALUES (1, ?)"
            " ON CONFLICT (only) DO UPDATE SET until_ms = max(until_ms, excluded.until_ms)",
            last,
        )
        self._database.rows("DELETE FROM replays WHERE expires_ms <= ?", last)


def _integer(value: object) -> int:
    assert isinstance(value, int)
    return value
