"""The cheating operator of a time-stamp authority: it holds the authority's key and sets its clock.

Tokens stand alone: none refers to another, and RFC 3161 gives their serial numbers no order (section 2.4.2: `ordering`
is false). So a token with a wrong time contradicts nothing that anybody holds. What the operator cannot do is take back a
token that was handed out.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from baas.metrics import OF_A_RECORD, Arm, Attack
from baas.pilots.cheating.exhibits import Exhibit, Look
from baas.pilots.cheating.keys import Keys
from sandbox.evidence.digest import digest_bytes

#: How far back the operator dates an invented document.
BACK: Final = timedelta(hours=1)
KEPT: Final = "token"


@dataclass(frozen=True, slots=True)
class Kept:
    """What a holder has from before: the digest, the evidence for it, and the time that this states."""

    digest: bytes
    content: bytes
    time: datetime


def exhibits(arm: Arm, keys: Keys, kept: Sequence[Kept]) -> Iterator[Exhibit]:
    """Every attack on every kept token, and the untouched ones."""
    for attack in OF_A_RECORD:
        for number, token in enumerate(kept):
            after = kept[(number + 1) % len(kept)]
            yield Exhibit(arm, attack, number, tuple(_looks(attack, number, keys, token, after)))


def _looks(attack: Attack, number: int, keys: Keys, token: Kept, after: Kept) -> Iterator[Look]:
    root = keys.root_pem
    match attack:
        case Attack.NONE:
            yield alone(root, "verifier", KEPT, token.digest, token.content)
        case Attack.DELETE:
            yield denied(root, token)
        case Attack.BACK_DATE | Attack.REWRITE:
            digest = _invented(attack, number)
            forged = keys.stamp(digest, token.time - BACK if attack is Attack.BACK_DATE else token.time)
            yield alone(root, "verifier", "tsa_root", digest, forged)
            yield _beside(root, "holder", KEPT, (token.digest, token.content), (digest, forged))
        case Attack.REORDER:
            early, late = sorted((token.time, after.time))
            early, late = (early, late) if early < late else (early - timedelta(seconds=10), late)
            first, second = keys.stamp(after.digest, early), keys.stamp(token.digest, late)
            yield alone(root, "verifier", "tsa_root", after.digest, first)
            yield alone(root, "verifier", "tsa_root", token.digest, second)
            yield _beside(root, "holder", KEPT, (token.digest, token.content), (token.digest, second))
            yield _beside(
                root, "third_party", "two_tokens", (token.digest, token.content), (after.digest, first)
            )
        case Attack.EQUIVOCATE:
            shown = [(digest := _invented(attack, number), keys.stamp(digest, token.time)) for _ in range(2)]
            for digest, forged in shown:
                yield alone(root, "holder", "tsa_root", digest, forged)
            yield _beside(root, "third_party", "two_tokens", shown[0], shown[1])


def alone(root: bytes, by: str, with_file: str, digest: bytes, content: bytes) -> Look:
    """Whether a token holds, to who has nothing but the authority's root."""
    return Look(by, with_file, "token_alone", {"root.pem": root, "digest": digest, "token.tsr": content})


def denied(root: bytes, token: Kept) -> Look:
    """The authority keeps no record of what it stamped: all that there is to delete is its word that it did."""
    files = {"root.pem": root, "digest": token.digest, "token.tsr": token.content}
    return Look("holder", KEPT, "token_denied", files)


def _beside(
    root: bytes, by: str, with_file: str, one: tuple[bytes, bytes], other: tuple[bytes, bytes]
) -> Look:
    files = {
        "root.pem": root,
        "digest": one[0],
        "token.tsr": one[1],
        "other-digest": other[0],
        "other.tsr": other[1],
    }
    return Look(by, with_file, "tokens_beside", files)


def _invented(attack: Attack, number: int) -> bytes:
    return digest_bytes(f"Document fictici: {attack} {number} {secrets.token_hex(8)}".encode()).value
