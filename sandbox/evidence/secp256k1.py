"""Signatures of Ethereum accounts: ECDSA over secp256k1 (SEC 1 and SEC 2), and the address that a public key has.

Checked by `cryptography` where that is installed, else in plain Python; both give the same answer to everything. Of
each pair of valid signatures only the one with the smaller s counts (EIP-2): a signature has one spelling.
"""

from __future__ import annotations

from sandbox.errors import MalformedEvidence
from sandbox.evidence import secp256k1_pure
from sandbox.evidence.keccak import keccak
from sandbox.evidence.reasons import because

try:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature
    from cryptography.hazmat.primitives.hashes import SHA256
except ImportError:  # the stand-alone verifier carries no compiled library
    LIBRARY = None
else:
    LIBRARY = "cryptography"

#: The order of the curve's group (SEC 2, 2.4.1).
ORDER = secp256k1_pure.N
#: A public key: x and y of its point, 32 bytes each, without SEC 1's prefix.
KEY_SIZE = 64


def address_of(public_key: bytes) -> bytes:
    """The 20 bytes of the account that a public key speaks for (yellow paper, appendix F)."""
    return keccak(public_key)[12:]


def require_signed(public_key: bytes, digest: bytes, r: int, s: int) -> None:
    """Raise VerificationError unless (r, s) is this key's signature of the 32-byte `digest`.

    MalformedEvidence where the key is no point of the curve.
    """
    if not 0 < r < ORDER or not 0 < s <= ORDER // 2:
        raise because("account.range", "the signature's r or s is out of its range (EIP-2)")
    x, y = _point(public_key)
    verify = secp256k1_pure.verify if LIBRARY is None else _by_library
    if not verify(x, y, digest, r, s):
        raise because(
            "account.wrong-signature", "the signature is not by the public key {key}", key=public_key.hex()
        )


def _point(public_key: bytes) -> tuple[int, int]:
    if len(public_key) == KEY_SIZE:
        x, y = (int.from_bytes(public_key[at : at + 32], "big") for at in (0, 32))
        if secp256k1_pure.is_point(x, y):
            return x, y
    raise MalformedEvidence(
        f"expected the {KEY_SIZE} bytes of a point of secp256k1, got {public_key[:80].hex()!r}"
    )


def _by_library(x: int, y: int, digest: bytes, r: int, s: int) -> bool:
    key = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256K1()).public_key()
    # the hash that is named only says the digest's size: what is signed is 32 bytes that are a hash already
    try:
        key.verify(encode_dss_signature(r, s), digest, ec.ECDSA(Prehashed(SHA256())))
    except InvalidSignature:
        return False
    return True
