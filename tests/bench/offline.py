"""Offline verification of receipts, and its floor: the two signatures that each of them has."""

from __future__ import annotations

import time
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sandbox.evidence import merkle, receipt, trust
from sandbox.evidence.digest import Digest
from sandbox.evidence.verify import verify, verify_many

FLOOR = 2_000


@dataclass(frozen=True)
class Receipts:
    """Receipts as bytes, the digests of their documents, and the trust root as bytes."""

    receipts: list[bytes]
    digests: list[Digest]
    trust: bytes


def complete(case: Receipts) -> float:
    """Receipts per second of CPU, each read from bytes and verified alone."""
    root = trust.parse(case.trust)
    start = time.process_time()
    for data, digest in zip(case.receipts, case.digests, strict=True):
        assert verify(digest, receipt.parse(data), root).ok
    return len(case.receipts) / (time.process_time() - start)


def shared(case: Receipts) -> float:
    """Receipts per second of CPU where what they share is checked once."""
    root = trust.parse(case.trust)
    start = time.process_time()
    pairs = ((digest, receipt.parse(data)) for data, digest in zip(case.receipts, case.digests, strict=True))
    assert all(report.ok for report in verify_many(pairs, root))
    return len(case.receipts) / (time.process_time() - start)


def inclusion(case: Receipts) -> float:
    """Inclusion proofs of 20 hashes per second of CPU: a log of a million entries."""
    leaf, proof = bytes(32), [bytes([n]) * 32 for n in range(20)]
    root = merkle.root_of_inclusion(leaf, 0, 1 << 20, proof)
    count = 10 * len(case.receipts)
    start = time.process_time()
    for _ in range(count):
        merkle.verify_inclusion(leaf, 0, 1 << 20, proof, root)
    return count / (time.process_time() - start)


def signatures() -> float:
    """Pairs of Ed25519 verifications per second of CPU."""
    key = Ed25519PrivateKey.generate()
    public, message = key.public_key(), bytes(200)
    signature = key.sign(message)
    start = time.process_time()
    for _ in range(FLOOR):
        public.verify(signature, message)
        public.verify(signature, message)
    return FLOOR / (time.process_time() - start)
