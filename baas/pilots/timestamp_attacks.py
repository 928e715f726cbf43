"""The cheating operator of a time-stamp authority: the same attacks, with the authority's own key.

Tokens stand alone: none refers to another, so a token with a wrong time contradicts nothing that anybody holds. What the
operator cannot do is take back a token that was handed out.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from baas.clock import Clock
from baas.connectors import Connector, Evidence
from baas.metrics import Attack, Trial
from sandbox.errors import EvidenceError
from sandbox.evidence.digest import digest_bytes

#: How far back the operator dates an invented document.
BACK = timedelta(hours=1)

#: What is tried on the authority, and the untouched tokens.
TRIED = (Attack.BACK_DATE, Attack.DELETE, Attack.REWRITE, Attack.NONE)

#: Asks the operator's authority, with its clock set to a time of the operator's choice: digest, time → content.
StampAt = Callable[[bytes, datetime], bytes]


@dataclass(frozen=True, slots=True)
class KeptToken:
    """What a holder has from before: the digest and the evidence for it."""

    digest: bytes
    evidence: Evidence


def attack_timestamps(
    arm: str, connector: Connector, kept: Sequence[KeptToken], stamp_at: StampAt, clock: Clock
) -> Iterator[Trial]:
    """Every attack on every kept token, examined with files alone: the tokens, and the root held before."""
    for attack in TRIED:
        for number, token in enumerate(kept):
            yield _trial(arm, attack, number, connector, token, stamp_at, clock)


def _trial(
    arm: str,
    attack: Attack,
    number: int,
    connector: Connector,
    kept: KeptToken,
    stamp_at: StampAt,
    clock: Clock,
) -> Trial:
    if attack in (Attack.NONE, Attack.DELETE):
        # the authority keeps no record of what it stamped: all that there is to delete is its word that it did
        still = _holds(connector, kept.digest, kept.evidence.content)
        noticed = still if attack is Attack.DELETE else not still
        return Trial(
            arm=arm,
            attack=attack,
            number=number,
            noticed=noticed,
            noticed_by="holder" if noticed else "",
            with_file="token.tsr" if noticed else "",
            without_operator=noticed,
            detail=f"the authority keeps no record; the kept token {'verifies' if still else 'does not verify'} without it",
        )
    invented = digest_bytes(f"Document fictici: {attack} {number} {secrets.token_hex(8)}".encode()).value
    time = clock.now() - BACK if attack is Attack.BACK_DATE else kept.evidence.stated_time
    accepted = _holds(connector, invented, stamp_at(invented, time))
    return Trial(
        arm=arm,
        attack=attack,
        number=number,
        noticed=not accepted,
        noticed_by="" if accepted else "verifier",
        with_file="" if accepted else "token.tsr",
        without_operator=not accepted,
        detail=f"a token for an invented document, dated {time.isoformat()}, "
        + ("verifies, and contradicts nothing that anybody holds" if accepted else "does not verify"),
    )


def _holds(connector: Connector, digest: bytes, content: bytes) -> bool:
    try:
        connector.verify(digest, content)
    except EvidenceError:
        return False
    return True
