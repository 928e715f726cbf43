"""What the cases of a pilot are about, what of that each arm was asked, and, of a hand-over, who signs and keeps what.

Slugs only: a page says them in a reader's language.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from baas.connectors import Subject
from baas.metrics import CHAIN, Arm

EXCHANGE: Final = "exchange"

#: Arms that are given the digest of one document, whatever that is about.
OF_A_DIGEST: Final = frozenset({CHAIN, "timestamp", "seal", "log", "csv"})

#: Of a hand-over, by arm: with which key each body signs its own step; which keys there are, and who should hold each;
#: and what each of the two bodies keeps, which is the same for both (`arms.file.…`).
SIGNED_WITH: Final[Mapping[Arm, str]] = {CHAIN: "body_account", EXCHANGE: "body_application"}
KEYS: Final[Mapping[Arm, Mapping[str, str]]] = {
    CHAIN: {"body_account": "body", "chain_admin": "operator", "sealing": "operator"},
    EXCHANGE: {"body_application": "body", "exchange": "operator", "authority": "operator"},
}
KEPT: Final[Mapping[Arm, tuple[str, ...]]] = {
    CHAIN: ("hand_over",),
    EXCHANGE: ("exchange_steps",),
}


def asked(subject: Subject, arm: Arm) -> str:
    """What of a case this arm is asked: `report.asked.…`; the same for every arm that takes a digest alone."""
    if arm == EXCHANGE or subject is Subject.HAND_OVER:
        return f"{arm}_{subject}"
    return arm if arm in OF_A_DIGEST else "other"


def told(subject: Subject, counterpart: str | None, arms: Sequence[Arm]) -> dict[str, Any]:
    """`subject` of the report: the slug, the second administration's name where there is one, what each arm was asked."""
    return {
        "subject": subject.value,
        "counterpart": counterpart,
        "asked": {arm: asked(subject, arm) for arm in arms},
    }


def hand_over(
    subject: Subject, owner: str, counterpart: str | None, arms: Sequence[Arm]
) -> dict[str, Any] | None:
    """`hand_over` of the report, None for any other subject."""
    if subject is not Subject.HAND_OVER:
        return None
    return {
        "offered_by": owner,
        "accepted_and_completed_by": counterpart,
        "arms": [
            {
                "arm": arm,
                "steps_signed_with": SIGNED_WITH[arm],
                "keys": [{"key": key, "holder": holder} for key, holder in KEYS[arm].items()],
                "each_body_keeps": list(KEPT[arm]),
            }
            for arm in arms
            if arm in SIGNED_WITH
        ],
        "keys_in_one_laboratory": True,
    }
