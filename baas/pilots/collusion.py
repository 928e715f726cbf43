"""How many independent operators must act together to make false evidence that verifies: counted from who holds which key.

False evidence needs every key of a set, and a key may be in several hands: the number is the fewest operators who have
them all between them. Two keys of one operator count once, so a service that both seals and stamps is one operator, and
an administration's own sealing key with somebody else's time-stamps is two.

    chain        the log's key, the sealing key and the anchoring account, and the witnesses that a trust root demands
                 (`sandbox.evidence.collusion`)
    timestamp    the authority's key
    seal         the sealing key, and the authority's key where the seal has a time-stamp
    log          the authority's key: the HMACs that only the operator can make, only the operator can check
    csv          nothing but the site
    exchange     the key of its evidence, and the authority's; a hand-over takes besides the key of the body whose step is
                 made up
    hand-over    the technical key of the body whose step is made up, and the sealing key (`of_hand_over`)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import combinations
from typing import Final

from baas.ades.types import Level
from baas.clock import milliseconds
from sandbox.evidence.collusion import operators_who_must_collude
from sandbox.evidence.trust import TrustedLog, TrustRoot

#: The keys that false evidence of an arm needs, by their names.
NEEDED: Final[Mapping[str, tuple[str, ...]]] = {
    "timestamp": ("authority",),
    "seal": ("sealing", "authority"),
    "log": ("authority",),
    "csv": ("site",),
    "exchange": ("exchange", "authority"),
}


def fewest(needed: Sequence[frozenset[str]]) -> int:
    """The fewest operators between whom there is every key; each key is given as the operators who hold it.

    ValueError for a key that nobody holds: then false evidence cannot be made at all.
    """
    if not all(needed):
        raise ValueError("a key that nobody holds: who should act together?")
    everybody = sorted(frozenset().union(*needed))
    for count in range(len(everybody) + 1):
        for some in combinations(everybody, count):
            if all(holders & set(some) for holders in needed):
                return count
    raise AssertionError("everybody together holds every key")


def of_arm(slug: str, holders: Mapping[str, str], level: Level = Level.T) -> int:
    """The number of an incumbent arm, where `holders` says which operator holds each key that it needs."""
    names = NEEDED[slug]
    if slug == "seal" and level is Level.B:
        names = ("sealing",)  # without a time-stamp nobody else is needed to seal at any time
    return fewest([frozenset({holders[name]}) for name in names])


def of_chain(root: TrustRoot, now: datetime) -> int:
    """The number of an administration's chain, to who holds this trust root: of the weakest of its logs.

    One operator holds the sealing key, the log key and the anchoring account; only witnesses of a log add to it. What
    they add to is altering: two views of a log. An entry at the end of a true log with a block dated back takes the
    operator alone, witnesses or not, and shows to who kept a receipt (`cheating.looks.receipt_and_kept`).
    """
    return min((_of_log(log, milliseconds(now)) for log in root.logs), default=1)


def of_hand_over(sealing: str, giver: str, taker: str) -> int:
    """The number of a hand-over on a chain, by who holds the sealing key and each of the two bodies' technical keys.

    A step that its body never made needs that body's key and a block: the weaker of the two bodies counts. To date a true
    step back takes the sealing key alone, as with a receipt (`of_chain`), and shows to who kept evidence of before.
    """
    return min(fewest([frozenset({sealing}), frozenset({body})]) for body in (giver, taker))


def _of_log(log: TrustedLog, now_ms: int) -> int:
    if log.witnesses is None:
        return 1
    active = {each.name: each.operator for each in log.witnesses.keys if each.is_valid_at(now_ms)}
    retired = {each.name: each.operator for each in log.witnesses.keys if each.name not in active}
    return operators_who_must_collude(
        log.operator, log.witnesses.threshold, list(active.values()), list(retired.values())
    )
