"""A `Signer` and a `Stamper` as pyHanko takes them: what CAdES and PAdES are made with."""

# mypy: allow-untyped-calls
# asn1crypto is untyped; what it returns is narrowed here

from __future__ import annotations

from asn1crypto import cms, keys
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pyhanko.sign.signers.pdf_cms import SimpleSigner
from pyhanko.sign.timestamps.api import TimeStamper
from pyhanko_certvalidator.registry import SimpleCertificateStore

from baas.ades.algorithms import weak_key
from baas.ades.types import MADE, AdesError, Format, Level, Signer, Stamper
from sandbox.evidence.digest import IMPRINTS, Digest

#: What is signed with: SHA-256, the registry's own.
DIGEST = "sha256"


def require(form: Format, level: Level, signer: Signer, stamper: Stamper | None) -> None:
    """Raise AdesError unless a signature of that format and level can be made with these."""
    if level not in MADE[form]:
        raise AdesError(
            f"{form.value} signatures are made at {', '.join(each.value for each in MADE[form])}, "
            f"got {level.value}"
        )
    if level is not Level.B and stamper is None:
        raise AdesError(f"level {level.value} has a time-stamp: a time-stamp service is needed, got none")
    if objection := weak_key(signer.certificate.public_key()):
        raise AdesError(f"a signature with this certificate would not count: {objection}")
    if signer.key.public_key() != signer.certificate.public_key():
        raise AdesError("the certificate is of another key than the one that signs")


def pyhanko_signer(signer: Signer) -> SimpleSigner:
    """The certificates up to the root go along; the root itself is whose business it is to trust it."""
    store = SimpleCertificateStore()
    store.register_multiple([as_asn1(each.public_bytes(Encoding.DER)) for each in signer.chain])
    key = signer.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return SimpleSigner(
        signing_cert=as_asn1(signer.certificate.public_bytes(Encoding.DER)),
        signing_key=keys.PrivateKeyInfo.load(key),
        cert_registry=store,
        embed_roots=False,
    )


class Stamping(TimeStamper):
    """A `Stamper` for pyHanko. It asks once per time-stamp: pyHanko is never left to try out a size with one."""

    def __init__(self, stamper: Stamper) -> None:
        super().__init__(include_nonce=False)
        self.stamper = stamper
        self.tokens: list[bytes] = []

    async def async_timestamp(self, message_digest: bytes, md_algorithm: str) -> cms.ContentInfo:
        slug = next(each.slug for each in IMPRINTS.values() if each.hashlib_name == md_algorithm)
        token = self.stamper(Digest(slug, message_digest))
        self.tokens.append(token)
        loaded: cms.ContentInfo = cms.ContentInfo.load(token)
        return loaded

    async def async_dummy_response(self, md_algorithm: str) -> cms.ContentInfo:
        raise AssertionError("the size of a signature is reserved beforehand: no time-stamp is asked for it")


def as_asn1(der: bytes) -> asn1_x509.Certificate:
    loaded: asn1_x509.Certificate = asn1_x509.Certificate.load(der)
    return loaded
