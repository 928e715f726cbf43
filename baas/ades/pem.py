"""A signer in one PEM file: its private key, its certificate, and the certificates above it, the root left out."""

from __future__ import annotations

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from baas.ades.types import AdesError, Signer

MAX_BYTES = 64 << 10


def read(pem: bytes) -> Signer:
    """The signer of a file. Raises AdesError, whose message says nothing of the key."""
    if len(pem) > MAX_BYTES:
        raise AdesError(f"expected a key and its certificates in PEM, got {len(pem)} bytes")
    try:
        certificates = x509.load_pem_x509_certificates(pem)
    except ValueError:
        raise AdesError("expected a certificate in PEM beside the key, got none that can be read") from None
    try:
        key = load_pem_private_key(_key_in(pem), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise AdesError(
            "expected a private key in PEM without a password, got none that can be read"
        ) from None
    if not isinstance(key, RSAPrivateKey | EllipticCurvePrivateKey):
        raise AdesError(f"expected a key of RSA or of an elliptic curve, got {type(key).__name__}")
    own = [each for each in certificates if each.public_key() == key.public_key()]
    if not own:
        raise AdesError("expected the certificate of this very key, got another's")
    return Signer(key, own[0], tuple(each for each in certificates if each != own[0] and not _is_root(each)))


def write(signer: Signer) -> bytes:
    """A file that `read` reads. It is a secret."""
    certificates = (each.public_bytes(Encoding.PEM) for each in (signer.certificate, *signer.chain))
    return signer.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + b"".join(
        certificates
    )


def _key_in(pem: bytes) -> bytes:
    """The first private key's own lines: its reader takes what stands first in a file."""
    start = pem.find(b"-----BEGIN", 0)
    while start >= 0:
        end = pem.find(b"-----BEGIN", start + 1)
        block = pem[start : end if end >= 0 else len(pem)]
        if b"PRIVATE KEY-----" in block.split(b"\n", maxsplit=1)[0]:
            return block
        start = end
    return b""


def _is_root(certificate: x509.Certificate) -> bool:
    return certificate.subject == certificate.issuer
