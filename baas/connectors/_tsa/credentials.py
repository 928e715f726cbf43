"""The authority's keys and certificates: made once, kept in a directory that only its owner can read.

The names say what they are: a laboratory's. The validity begins in the past (`ESTABLISHED` before they are
made), as that of an authority in service would: else a back-dated token would be noticed by the laboratory's
age alone, which says nothing of time-stamps. They are signed with SHA-512, so that the tokens of a renewal made for the
end of SHA-256 do not rest on it.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

ESTABLISHED = timedelta(days=90)
ROOT_LIFE = timedelta(days=3653)
TSA_LIFE = timedelta(days=1461)
"""Four years: AOC renews its TSA certificates yearly so that a token has at least three left."""

_FILES = ("root.key", "root.pem", "tsa.key", "tsa.pem")


@dataclass(frozen=True)
class Credentials:
    """A root, and the one certificate that signs tokens. The root's key is only for renewing the other."""

    root: x509.Certificate
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def root_pem(self) -> bytes:
        return self.root.public_bytes(serialization.Encoding.PEM)


def open_or_make(directory: Path, now: datetime) -> Credentials:
    """The credentials of this directory, made if it does not exist or is empty.

    They appear all at once (a renamed directory), so a crash leaves either none or all of them.
    Raises FileNotFoundError when some are there and others are not.
    """
    if not directory.exists() or not any(directory.iterdir()):
        _make(directory, now)
    missing = [name for name in _FILES if not (directory / name).is_file()]
    if missing:
        raise FileNotFoundError(
            f"{directory} is not a whole time-stamp authority: expected {', '.join(_FILES)}, missing "
            f"{', '.join(missing)}; restore them, or give an empty directory to make a new authority"
        )
    key = serialization.load_pem_private_key((directory / "tsa.key").read_bytes(), password=None)
    certificate = x509.load_pem_x509_certificate((directory / "tsa.pem").read_bytes())
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
        raise ValueError(f"{directory}: tsa.key is not the key of tsa.pem; restore both from the same copy")
    root = x509.load_pem_x509_certificate((directory / "root.pem").read_bytes())
    certificate.verify_directly_issued_by(root)
    return Credentials(root=root, certificate=certificate, key=key)


def _make(directory: Path, now: datetime) -> None:
    making = directory.with_name(directory.name + ".making")
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(parents=True, mode=0o700)
    root_key, tsa_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root = _root(root_key, now)
    certificate = _leaf(tsa_key, root, root_key, now)
    for stem, key, made in (("root", root_key, root), ("tsa", tsa_key, certificate)):
        _write(making / f"{stem}.key", _key_pem(key))
        _write(making / f"{stem}.pem", made.public_bytes(serialization.Encoding.PEM))
    making.rename(directory)
    _flush_directory(directory.parent)


def _root(key: ec.EllipticCurvePrivateKey, now: datetime) -> x509.Certificate:
    public = key.public_key()
    name = _name("Baas Sandbox Test Root CA")
    return (
        _builder(name, name, public, now, ROOT_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(sign=False), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .sign(key, hashes.SHA512())
    )


def _leaf(
    key: ec.EllipticCurvePrivateKey,
    root: x509.Certificate,
    root_key: ec.EllipticCurvePrivateKey,
    now: datetime,
) -> x509.Certificate:
    """The TSA's certificate: its one purpose is time-stamping, marked critical (RFC 3161 section 2.3)."""
    public = key.public_key()
    return (
        _builder(_name("Baas Sandbox Test TSA"), root.subject, public, now, TSA_LIFE)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(sign=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), critical=False
        )
        .sign(root_key, hashes.SHA512())
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, public: ec.EllipticCurvePublicKey, now: datetime, life: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - ESTABLISHED)
        .not_valid_after(now + life)
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Baas Sandbox (fictional, not qualified)"),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _usage(*, sign: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=sign,
        content_commitment=sign,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=not sign,
        crl_sign=not sign,
        encipher_only=False,
        decipher_only=False,
    )


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write(path: Path, content: bytes) -> None:
    """A file that nobody else could read at any moment, on disk when this returns."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _flush_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
