"""Commitments: the only thing about a document that leaves its holder for the log and the chain.

    commitment = HMAC-SHA-256(salt, "baas-sandbox/commitment/v1" 00 algorithm slug 00 digest)

A document with several digests has one commitment over all of them, in the order of their slugs, each as
`00 algorithm slug 00 digest`; a digest's length follows from its slug, so that no two lists read alike.

With a secret 256-bit salt per document version it tells nothing about the digest, and once salt and digest
are deleted nobody can tell any longer what it was of. It hides by computation only, not perfectly: while the
salt exists it is personal data wherever the document is (EDPB Guidelines 02/2025, salted hashes).
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable, Sequence
from functools import cache
from hashlib import sha256

from sandbox.errors import MalformedEvidence
from sandbox.evidence.digest import Digest
from sandbox.evidence.digest import algorithm as find_algorithm

CONTEXT = b"baas-sandbox/commitment/v1"
SALT_SIZE = 32
# RFC 2104: the key, filled up with zeros to SHA-256's block of 64 bytes, is combined with these bytes by XOR
_INNER, _OUTER = (bytes(byte ^ pad for byte in range(256)) for pad in (0x36, 0x5C))
_INNER_REST, _OUTER_REST = (bytes([pad]) * (64 - SALT_SIZE) for pad in (0x36, 0x5C))


def new_salt(random_bytes: Callable[[int], bytes] = secrets.token_bytes) -> bytes:
    """A fresh 32-byte salt, for one version of one document only."""
    return random_bytes(SALT_SIZE)


def commit(algorithm: str, digest: bytes, salt: bytes) -> bytes:
    """The 32-byte commitment; the digest must have its algorithm's length, the salt 32 bytes."""
    _require(len(digest), find_algorithm(algorithm).size, f"a {algorithm} digest")
    _require(len(salt), SALT_SIZE, "a salt")
    return hmac.digest(salt, _prefix(algorithm) + digest, "sha256")


def commit_all(algorithm: str, digests: Sequence[bytes], salts: bytes) -> list[bytes]:
    """The commitments of many digests of one algorithm; `salts` has 32 bytes for each, one after the other."""
    expected = find_algorithm(algorithm).size
    if wrong := set(map(len, digests)) - {expected}:
        raise MalformedEvidence(f"a {algorithm} digest has {expected} bytes, got {min(wrong)}")
    if len(salts) != SALT_SIZE * len(digests):
        raise MalformedEvidence(f"a salt has {SALT_SIZE} bytes, got {len(salts)} for {len(digests)} digests")
    # HMAC by its definition: with the keys of a whole batch combined at once it takes half of hmac.digest's time
    inner, outer = salts.translate(_INNER), salts.translate(_OUTER)
    start, end = _INNER_REST + _prefix(algorithm), _OUTER_REST
    places = range(0, len(salts), SALT_SIZE)
    return [
        sha256(
            outer[at : at + SALT_SIZE] + end + sha256(inner[at : at + SALT_SIZE] + start + digest).digest()
        ).digest()
        for at, digest in zip(places, digests, strict=True)
    ]


def commit_several(digests: Sequence[Digest], salt: bytes) -> bytes:
    """The commitment of one document by all its digests; their algorithms must differ, their order is none."""
    ordered = sorted(digests, key=lambda each: each.algorithm)
    if not ordered or len({each.algorithm for each in ordered}) != len(ordered):
        raise MalformedEvidence("a commitment is of one digest or of several of different algorithms")
    _require(len(salt), SALT_SIZE, "a salt")
    message = CONTEXT + b"".join(
        b"\x00" + each.algorithm.encode("ascii") + b"\x00" + each.value for each in ordered
    )
    return hmac.digest(salt, message, "sha256")


def _require(found: int, expected: int, what: str) -> None:
    if found != expected:
        raise MalformedEvidence(f"{what} has {expected} bytes, got {found}")


@cache
def _prefix(algorithm: str) -> bytes:
    return CONTEXT + b"\x00" + algorithm.encode("ascii") + b"\x00"


def check(commitment: bytes, algorithm: str, digest: bytes, salt: bytes) -> bool:
    """Whether `commitment` is of this digest with this salt; compared in constant time."""
    return hmac.compare_digest(commitment, commit(algorithm, digest, salt))
