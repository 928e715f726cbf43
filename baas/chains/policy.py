"""What the settings say about chains' lives, in one place for the slice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

#: How long before its end a chain's administration is warned, the first warning first.
WARNINGS = (timedelta(days=7), timedelta(days=1))


@dataclass(frozen=True, slots=True)
class Policy:
    """`idle` is how long a chain may be unused before it sleeps; `days` how long a chain lives; `most_days` how far from
    now an end may be set; `grace` how long an expired chain's data is kept before it is deleted."""

    idle: timedelta = timedelta(minutes=15)
    days: int = 90
    most_days: int = 365
    grace: timedelta = timedelta(days=30)
