"""Where products are tried: a database like the service's, and a clock that a test moves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from baas.trust_service.database import Database

NOW = datetime(2026, 11, 27, 9, 30, tzinfo=UTC)


class HandClock:
    """Shows a time until it is set to another."""

    def __init__(self, shown: datetime = NOW) -> None:
        self.shown = shown

    def now(self) -> datetime:
        return self.shown

    def advance(self, **by: float) -> None:
        self.shown += timedelta(**by)


def create(database: Database, tables: str) -> None:
    """As the service does it."""
    for statement in tables.split(";"):
        database.rows(statement)
