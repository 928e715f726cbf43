"""Keccak-256, Ethereum's hash: the submission to SHA-3, whose padding differs from FIPS 202's SHA3-256."""

from __future__ import annotations

from sha3 import keccak_256


def keccak(data: bytes) -> bytes:
    """The 32-byte Keccak-256 of `data`."""
    digest: bytes = keccak_256(data).digest()
    return digest
