"""The cheating operator of an exchange platform: it holds the key of its evidence, the authority's, and the only database.

Evidence of one act is signed by the platform alone, so its operator states whatever it likes, at any time. Unlike a
time-stamp or a seal it has a name: an organisation's request, which is answered once. So what the service says today of a
request is beside what its holder kept of it, and two statements of one request are both signed by the same key. What
nobody has evidence of from before, the operator invents freely: a request of its own, of a week ago.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from baas.metrics import OF_A_RECORD, Arm, Attack
from baas.pilots.cheating.exhibits import Exhibit, Look
from baas.pilots.cheating.keys import Keys
from baas.pilots.cheating.timestamp import BACK
from baas.protocols.pci import evidence
from baas.protocols.pci.evidence import EvidenceStatement
from sandbox.evidence.digest import Digest
from sandbox.evidence.timestamp import token_of

KEPT: Final = "exchange_evidence"
ROOT: Final = "exchange_root"
TWO: Final = "two_exchange_evidences"


@dataclass(frozen=True, slots=True)
class Kept:
    """What a holder has from before: the signed evidence of one act, and what it states."""

    content: bytes
    states: EvidenceStatement


class Evidences:
    """The operator's evidence, and what a verifier holds to judge it: roots, intermediates and CRLs."""

    def __init__(self, keys: Keys) -> None:
        self._keys, self._trust = keys, keys.service.pki.trust()
        self._now = keys.clock.now()
        self.anchors = keys.anchors

    def read(self, content: bytes) -> Kept:
        """Evidence that somebody kept; ValueError for what is not this service's."""
        states, verdict = evidence.read_verified(content, self._trust, self._now)
        if states is None:
            raise ValueError(f"expected evidence of this service, got {'; '.join(verdict.details)}")
        return Kept(content, states)

    def signed(self, states: EvidenceStatement) -> bytes:
        """Evidence that states this, at the time that it states, by the operator's keys alone."""

        def stamp(digest: Digest) -> bytes:
            return token_of(self._keys.reply(digest, states.time))

        return evidence.sign(states, self._keys.service.pki.exchange, stamp, states.time)

    def honest(self, states: EvidenceStatement, number: int) -> Kept:
        """Evidence of an act like this one, made so many seconds before now."""
        found = replace(invented(states), time=whole(self._now - timedelta(seconds=number)))
        return Kept(self.signed(found), found)

    def look(self, kind: str, by: str, with_file: str, *shown: bytes) -> Look:
        """At one piece of evidence, or at two beside each other."""
        names = ("evidence.xml", "other.xml")
        files = {"anchors.json": self.anchors, **dict(zip(names, shown, strict=False))}
        return Look(by, with_file, kind, files)


def exhibits(arm: Arm, operator: Evidences, kept: Sequence[Kept]) -> Iterator[Exhibit]:
    """Every attack on every kept piece of evidence, and the untouched ones."""
    for attack in OF_A_RECORD:
        for number, mine in enumerate(kept):
            after = kept[(number + 1) % len(kept)]
            yield Exhibit(arm, attack, number, tuple(_looks(attack, operator, mine, after)))


def _looks(attack: Attack, operator: Evidences, mine: Kept, after: Kept) -> Iterator[Look]:
    look, states = operator.look, mine.states
    match attack:
        case Attack.NONE:
            yield look("evidence_alone", "verifier", KEPT, mine.content)
            yield look("evidence_beside", "holder", KEPT, mine.content, mine.content)
        case Attack.DELETE:  # the service knows nothing of the request any more
            yield look("evidence_denied", "holder", KEPT, mine.content)
        case Attack.BACK_DATE:  # a request that nobody made, an hour before
            forged = operator.signed(replace(invented(states), time=states.time - BACK))
            yield look("evidence_alone", "verifier", ROOT, forged)
            yield look("evidence_beside", "holder", KEPT, mine.content, forged)
        case Attack.REORDER:  # two requests have each other's time today
            now = operator.signed(replace(states, time=apart(after.states.time, states.time)))
            yield look("evidence_alone", "verifier", ROOT, now)
            yield look("evidence_beside", "holder", KEPT, mine.content, now)
        case Attack.REWRITE:  # the request was answered otherwise, by what the service says today
            now = operator.signed(rewritten(states))
            yield look("evidence_alone", "verifier", ROOT, now)
            yield look("evidence_beside", "holder", KEPT, mine.content, now)
        case Attack.EQUIVOCATE:  # one request, invented, of which two people are told different things
            first = replace(invented(states), time=states.time)
            one, other = operator.signed(first), operator.signed(rewritten(first))
            for shown in (one, other):
                yield look("evidence_alone", "holder", ROOT, shown)
            yield look("evidence_beside", "third_party", TWO, one, other)


def invented(states: EvidenceStatement) -> EvidenceStatement:
    """The statement of a request that nobody made, of the same organisation and certificate: neither is a secret."""
    return replace(
        states,
        request_id=f"{states.organisation}-{secrets.token_hex(32)}-{secrets.token_hex(8)}",
        message_sha256=secrets.token_bytes(32),
        answer_sha256=secrets.token_bytes(32),
    )


def rewritten(states: EvidenceStatement) -> EvidenceStatement:
    """The same request as if another message had been answered otherwise."""
    return replace(states, message_sha256=secrets.token_bytes(32), answer_sha256=secrets.token_bytes(32))


def apart(time: datetime, from_: datetime) -> datetime:
    """`time`, or ten seconds before it where that is the very same."""
    return time if time != from_ else time - timedelta(seconds=10)


def whole(time: datetime) -> datetime:
    """Whole milliseconds, which is what a statement has."""
    return time.replace(microsecond=time.microsecond // 1000 * 1000)
