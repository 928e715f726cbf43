"""Ed25519 (RFC 8032): signatures checked by `cryptography` where that is installed, else in plain Python.

Both give the same answer to everything. A key that is not one spelling of a point, or a point of small order, is
refused before it is used: the two could differ over such a key, and it would prove nothing.
"""

from __future__ import annotations

from functools import lru_cache

from sandbox.errors import MalformedEvidence
from sandbox.evidence import ed25519_pure

try:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
except ImportError:  # the stand-alone verifier carries no compiled library
    LIBRARY = None
else:
    LIBRARY = "cryptography"

KEY_SIZE = 32


@lru_cache(1024)
def require_key(public_key: bytes, what: str) -> None:
    """Raise MalformedEvidence unless these bytes are an Ed25519 public key that can speak for somebody."""
    if len(public_key) != KEY_SIZE:
        raise MalformedEvidence(
            f"{what}: expected the {KEY_SIZE} bytes of an Ed25519 key, got {len(public_key)}"
        )
    point = ed25519_pure.decode(public_key)
    if point is None or ed25519_pure.has_small_order(point):
        raise MalformedEvidence(f"{what}: {public_key.hex()} is no Ed25519 key: not a point of large order")


def verify(public_key: bytes, signature: bytes, message: bytes) -> bool:
    """Whether `signature` is this key's over `message`; a signature of another length is none."""
    if LIBRARY is None:
        return ed25519_pure.verify(public_key, signature, message)
    try:
        _key(public_key).verify(signature, message)
    except InvalidSignature:
        return False
    return True


@lru_cache(1024)
def _key(public_key: bytes) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(public_key)
