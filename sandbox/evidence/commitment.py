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

from sandbox.errors import MalformedEvidence
from sandbox.evidence.digest import Digest
from sandbox.evidence.digest import algorithm as find_algorithm

CONTEXT = b"baas-sandbox/commitment/v1"
SALT_SIZE = 32


def new_salt(random_bytes: Callable[[int], bytes] = secrets.token_bytes) -> bytes:
    """A fresh 32-byte salt, for one version of one document only."""
    return random_bytes(SALT_SIZE)


def commit(algorithm: str, digest: bytes, salt: bytes) -> bytes:
    """The 32-byte commitment; the digest must have its algorithm's length, the salt 32 bytes."""
    return commit_all(algorithm, [digest], salt)[0]


def commit_all(algorithm: str, digests: Sequence[bytes], salts: bytes) -> list[bytes]:
    """The commitments of many digests of one algorithm; `salts` has 32 bytes for each, one after the other."""
    expected = find_algorithm(algorithm).size
    if wrong := set(map(len, digests)) - {expected}:
        raise MalformedEvidence(f"a {algorithm} digest has {expected} bytes, got {min(wrong)}")
    if len(salts) != SALT_SIZE * len(digests):
        raise MalformedEvidence(f"a salt has {SALT_SIZE} bytes, got {len(salts)} for {len(digests)} digests")
    prefix = _prefix(algorithm)
    places = range(0, len(salts), SALT_SIZE)
    return [
        hmac.digest(salts[at : at + SALT_SIZE], prefix + digest, "sha256")
        for at, digest in zip(places, digests, strict=True)
    ]


def commit_several(digests: Sequence[Digest], salt: bytes) -> bytes:
    """The commitment of one document by all its digests; their algorithms must differ, their order is none."""
    ordered = sorted(digests, key=lambda each: each.algorithm)
    if not ordered or len({each.algorithm for each in ordered}) != len(ordered):
        raise MalformedEvidence("a commitment is of one digest or of several of different algorithms")
    if len(salt) != SALT_SIZE:
        raise MalformedEvidence(f"a salt has {SALT_SIZE} bytes, got {len(salt)}")
    message = CONTEXT + b"".join(
        b"\x00" + each.algorithm.encode("ascii") + b"\x00" + each.value for each in ordered
    )
    return hmac.digest(salt, message, "sha256")


@cache
def _prefix(algorithm: str) -> bytes:
    return CONTEXT + b"\x00" + algorithm.encode("ascii") + b"\x00"


def check(commitment: bytes, algorithm: str, digest: bytes, salt: bytes) -> bool:
    """Whether `commitment` is of this digest with this salt; compared in constant time."""
    return hmac.compare_digest(commitment, commit(algorithm, digest, salt))
