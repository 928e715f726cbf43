"""Who may ask for what: organisation × product × modality × purpose. Default deny; nothing stands for several."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from baas.clock import Clock, from_milliseconds, milliseconds
from baas.trust_service.database import Database

_SAME = "organisation = ? AND product = ? AND modality = ? AND purpose = ? AND withdrawn_ms IS NULL"


@dataclass(frozen=True, order=True)
class Authorisation:
    """`organisation` is a code, `purpose` the text of Finalidad or of Procedimiento, each exactly as in the message."""

    organisation: str
    product: str
    modality: str
    purpose: str

    @property
    def _values(self) -> tuple[str, ...]:
        return self.organisation, self.product, self.modality, self.purpose


@dataclass(frozen=True)
class Granted:
    """An authorisation since when it is in force, and since when no longer; None while it is."""

    authorisation: Authorisation
    since: datetime
    withdrawn: datetime | None

    @property
    def in_force(self) -> bool:
        return self.withdrawn is None


class Authorisations:
    """The authorisations of one service; on disk when a call returns, and kept, with their end, once withdrawn."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    def give(self, authorisation: Authorisation) -> None:
        """Idempotent."""
        self._database.rows(
            "INSERT OR IGNORE INTO authorisations (organisation, product, modality, purpose, given_ms)"
            " VALUES (?, ?, ?, ?, ?)",
            *authorisation._values,
            milliseconds(self._clock.now()),
        )

    def withdraw(self, authorisation: Authorisation) -> None:
        """Idempotent; what was accepted before is answered all the same."""
        self._database.rows(
            f"UPDATE authorisations SET withdrawn_ms = ? WHERE {_SAME}",  # noqa: S608  # our own condition
            milliseconds(self._clock.now()),
            *authorisation._values,
        )

    def allows(self, authorisation: Authorisation) -> bool:
        rows = self._database.rows(f"SELECT 1 FROM authorisations WHERE {_SAME}", *authorisation._values)  # noqa: S608
        return bool(rows)

    def of(self, organisation: str) -> tuple[Authorisation, ...]:
        """Those in force, in order."""
        rows = self._database.rows(
            "SELECT organisation, product, modality, purpose FROM authorisations"
            " WHERE organisation = ? AND withdrawn_ms IS NULL",
            organisation,
        )
        return tuple(sorted(Authorisation(*map(str, row)) for row in rows))

    def ever(self, organisation: str) -> tuple[Granted, ...]:
        """Each that was ever given: those in force first, then the newest first."""
        rows: list[tuple[Any, ...]] = self._database.rows(
            "SELECT organisation, product, modality, purpose, given_ms, withdrawn_ms FROM authorisations"
            " WHERE organisation = ? ORDER BY withdrawn_ms IS NOT NULL, number DESC",
            organisation,
        )
        return tuple(
            Granted(
                Authorisation(*said),
                from_milliseconds(since),
                None if end is None else from_milliseconds(end),
            )
            for *said, since, end in rows
        )
