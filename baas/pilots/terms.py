"""What a plan says of its data and of what the ledger is used for: the two legal gates of a pilot."""

from __future__ import annotations

from enum import StrEnum


class DltUse(StrEnum):
    """Whether a ledger identifies or signs for anybody (Ley 39/2015, disposición adicional sexta)."""

    NO = "no"
    SYNTHETIC_ONLY = "synthetic_only"
    REAL_USERS = "real_users"


class DataClass(StrEnum):
    SYNTHETIC = "synthetic"
    REAL_NON_PERSONAL = "real_non_personal"
    REAL_PERSONAL = "real_personal"
