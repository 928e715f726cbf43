"""The cheating operator of seals: it holds the administration's sealing key and the time-stamp authority's.

The seals are CAdES B-T over a digest (EN 319 122-1), whatever format a plan's own have: what binds the operator is the
same in each. A seal refers to no other, and its time-stamp neither: with both keys any document is sealed at any time that
the certificates cover. What the operator cannot do is deny a seal that somebody kept: that is what a signature is for.
Without the authority's key (one of somebody else's) the time would be true, and only the document false.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from baas.ades import cades
from baas.ades.types import Level
from baas.metrics import OF_A_RECORD, Arm, Attack
from baas.pilots.cheating.exhibits import Exhibit, Look
from baas.pilots.cheating.keys import Keys
from baas.pilots.cheating.timestamp import BACK, Kept
from sandbox.evidence.digest import Digest
from sandbox.evidence.timestamp import token_of

KEPT: Final = "seal"


class Seals:
    """The operator's seals for one administration, and what a verifier holds to judge them."""

    def __init__(self, keys: Keys, administration: str) -> None:
        self._keys = keys
        self._signer = keys.enrolled(administration).signer
        self.anchors = keys.anchors

    def seal(self, digest: bytes, at: datetime) -> bytes:
        """A seal of a document's SHA-256 digest, with a time-stamp, both stating `at`."""

        def stamp(digest: Digest) -> bytes:
            return token_of(self._keys.reply(digest, at))

        return cades.sign(Digest("sha-256", digest), Level.T, self._signer, stamper=stamp, now=at)

    def kept(self, records: int, now: datetime) -> list[Kept]:
        """Honest seals, made a moment ago."""
        found = []
        for number in range(records):
            digest, at = secrets.token_bytes(32), now - timedelta(seconds=records - number)
            found.append(Kept(digest, self.seal(digest, at), at))
        return found

    def look(self, kind: str, by: str, with_file: str, *sealed: tuple[bytes, bytes]) -> Look:
        """At one seal, or at two beside each other."""
        names = (("digest", "seal.p7s"), ("other-digest", "other.p7s"))
        files = {"anchors.json": self.anchors}
        for (digest, seal), (digest_name, seal_name) in zip(sealed, names, strict=False):
            files |= {digest_name: digest, seal_name: seal}
        return Look(by, with_file, kind, files)


def exhibits(arm: Arm, seals: Seals, kept: Sequence[Kept]) -> Iterator[Exhibit]:
    """Every attack on every kept seal, and the untouched ones."""
    for attack in OF_A_RECORD:
        for number, seal in enumerate(kept):
            after = kept[(number + 1) % len(kept)]
            yield Exhibit(arm, attack, number, tuple(_looks(attack, seals, seal, after)))


def _looks(attack: Attack, seals: Seals, seal: Kept, after: Kept) -> Iterator[Look]:
    mine = (seal.digest, seal.content)
    match attack:
        case Attack.NONE:
            yield seals.look("seal_alone", "verifier", KEPT, mine)
        case Attack.DELETE:
            yield seals.look("seal_denied", "holder", KEPT, mine)
        case Attack.BACK_DATE | Attack.REWRITE:
            digest, at = secrets.token_bytes(32), seal.time
            forged = (digest, seals.seal(digest, at - BACK if attack is Attack.BACK_DATE else at))
            yield seals.look("seal_alone", "verifier", "seal_root", forged)
            yield seals.look("seals_beside", "holder", KEPT, mine, forged)
        case Attack.REORDER:
            early = (after.digest, seals.seal(after.digest, min(seal.time, after.time) - BACK))
            late = (seal.digest, seals.seal(seal.digest, max(seal.time, after.time)))
            yield seals.look("seal_alone", "verifier", "seal_root", early)
            yield seals.look("seal_alone", "verifier", "seal_root", late)
            yield seals.look("seals_beside", "holder", KEPT, mine, late)
            yield seals.look("seals_beside", "third_party", "two_seals", mine, early)
        case Attack.EQUIVOCATE:
            views = [(digest := secrets.token_bytes(32), seals.seal(digest, seal.time)) for _ in range(2)]
            for view in views:
                yield seals.look("seal_alone", "holder", "seal_root", view)
            yield seals.look("seals_beside", "third_party", "two_seals", *views)
