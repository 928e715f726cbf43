"""Keccak-256, Ethereum's hash: the submission to SHA-3, whose padding differs from FIPS 202's SHA3-256.

By `safe-pysha3` where that is installed, else in plain Python.
"""

from __future__ import annotations

from sandbox.evidence import keccak_pure

try:
    from sha3 import keccak_256
except ImportError:  # the stand-alone verifier carries no compiled library
    LIBRARY = None
else:
    LIBRARY = "sha3"


def keccak(data: bytes) -> bytes:
    """The 32-byte Keccak-256 of `data`."""
    if LIBRARY is None:
        return keccak_pure.keccak_256(data)
    digest: bytes = keccak_256(data).digest()
    return digest
