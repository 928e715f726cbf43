"""The time, injected: nothing in the service reads the machine's clock but through a `Clock`.

Times are aware datetimes in UTC, whole milliseconds, so that a value is the same before and after the
database.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime:
        """The present, UTC, whole milliseconds."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return whole_milliseconds(datetime.now(UTC))


def whole_milliseconds(moment: datetime) -> datetime:
    """`moment` in UTC with what is below the millisecond cut off; ValueError for one without a time zone."""
    if moment.tzinfo is None:
        raise ValueError(f"expected a datetime with its time zone, got {moment!r}")
    moment = moment.astimezone(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def milliseconds(moment: datetime) -> int:
    """Milliseconds since 1970-01-01T00:00:00Z, exact (no floating point)."""
    since = whole_milliseconds(moment) - datetime(1970, 1, 1, tzinfo=UTC)
    return since.days * 86_400_000 + since.seconds * 1000 + since.microseconds // 1000


def from_milliseconds(since: int) -> datetime:
    """The moment that is so many milliseconds after 1970-01-01T00:00:00Z, exact."""
    return datetime.fromtimestamp(since // 1000, UTC) + timedelta(milliseconds=since % 1000)


def iso(moment: datetime) -> str:
    """`2026-01-31T09:30:00.000Z`: how times are written outside the database."""
    return whole_milliseconds(moment).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
