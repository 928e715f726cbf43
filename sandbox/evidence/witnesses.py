"""What the witnesses of a log vouch for: whose cosignatures a checkpoint carries, whether they are enough, and how many
operators would have to collude for there to be another view of that log (`collusion.py` says how that is counted).

A witness is its name: one that changes its key keeps its name, and counts once. A cosignature counts where its key was
valid at the time that it states itself. That time is the witness's own clock: the checkpoint existed by then, which is
an upper bound without any legal presumption.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sandbox.evidence.collusion import operators_who_must_collude
from sandbox.evidence.cosignature import open_cosignatures
from sandbox.evidence.trust import TrustedLog, TrustedWitness, Witnesses


@dataclass(frozen=True, slots=True)
class Seen:
    """That a witness saw a checkpoint by `time`, seconds since 1970 on its own clock."""

    name: str
    operator: str
    time: int


@dataclass(frozen=True, slots=True)
class Witnessed:
    """Who cosigned a checkpoint, earliest first; who did not; how many were needed.

    `colluding` is how many operators a split view takes, the log's own included; None where too few cosigned.
    """

    seen: tuple[Seen, ...]
    missing: tuple[str, ...]
    threshold: int
    colluding: int | None

    @property
    def enough(self) -> bool:
        return len(self.seen) >= self.threshold


def witnessed(checkpoint: str, log: TrustedLog, demanded: Witnesses) -> Witnessed:
    """Who cosigned this signed checkpoint, of those that the trust root names for its log.

    MalformedEvidence: not a note. VerificationError: a cosignature by one of them is wrong.
    """
    by_key = {each.verifier: each for each in demanded.keys}
    earliest: dict[str, Seen] = {}
    for cosignature in open_cosignatures(checkpoint, by_key).cosignatures:
        witness, time = by_key[cosignature.verifier], cosignature.time
        before = earliest.get(witness.name)
        if witness.is_valid_at(time * 1000) and (before is None or time < before.time):
            earliest[witness.name] = Seen(witness.name, witness.operator, time)
    seen = tuple(sorted(earliest.values(), key=lambda each: (each.time, each.name)))
    missing = tuple(dict.fromkeys(each.name for each in demanded.keys if each.name not in earliest))
    enough = len(seen) >= demanded.threshold
    colluding = _colluding(log.operator, demanded, seen[demanded.threshold - 1].time) if enough else None
    return Witnessed(seen, missing, demanded.threshold, colluding)


def _colluding(log_operator: str, demanded: Witnesses, time: int) -> int:
    """The number, as the witnesses were when the checkpoint had enough of them."""
    active = _operators(each for each in demanded.keys if each.is_valid_at(time * 1000))
    retired = {name: by for name, by in _operators(demanded.keys).items() if name not in active}
    return operators_who_must_collude(
        log_operator, demanded.threshold, list(active.values()), list(retired.values())
    )


def _operators(witnesses: Iterable[TrustedWitness]) -> dict[str, str]:
    """The operator of each witness by its name."""
    return {each.name: each.operator for each in witnesses}
