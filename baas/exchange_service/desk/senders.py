"""Who sent a message: one way of security, a certificate that holds, and the administration whose systems have it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from baas.ades.certificates import UNREADABLE, validate_certificate
from baas.ades.types import Trust
from baas.ades.verdict import SubIndication
from baas.clock import Clock
from baas.exchange_service.errors import Refusal
from baas.protocols import wss
from baas.protocols.pci.codes import Detail
from baas.protocols.wss import WssError
from baas.trust_service.pki import Pki

REMEMBERED = timedelta(seconds=30)
"""How long a certificate that holds counts without being judged anew, while what is known of revocation is the same."""
MOST_REMEMBERED = 256


@dataclass(frozen=True)
class Sender:
    """`organisation` is the code of whose systems have the certificate. `content` is the element in the Body.

    `seen` is what a signed message is known by, with the end of its Timestamp; None for one over mutual TLS, whose
    connection nobody can repeat.
    """

    organisation: str
    certificate: x509.Certificate
    content: etree._Element
    seen: tuple[bytes, datetime] | None


class Senders:
    """Judges who sent. Safe for threads."""

    def __init__(self, pki: Pki, clock: Clock, *, legacy_sha1: bool) -> None:
        self._pki, self._clock, self._legacy_sha1 = pki, clock, legacy_sha1
        self._held: dict[bytes, datetime] = {}

    def sender(self, envelope: etree._Element, peer: bytes | None, *, attachments: bool) -> Sender:
        """`envelope` is as `soap.opened` gives it, `peer` the DER of the certificate that TLS verified, if one was shown.

        Raises Refusal, SoapError.
        """
        try:
            if attachments:
                if peer is None:
                    raise Refusal(
                        Detail.SECURITY,
                        "attachments come with a client's certificate (mutual TLS) and without WS-Security",
                    )
                return self._plain(envelope, peer)
            if peer is not None:
                try:
                    return self._plain(envelope, peer)
                except WssError as error:
                    if error.detail is not Detail.SECURITY:
                        raise
            return self._signed(envelope, peer)
        except WssError as error:
            raise Refusal(error.detail, str(error)) from error

    def _plain(self, envelope: etree._Element, peer: bytes) -> Sender:
        content = wss.plain_in(envelope)
        try:
            certificate = x509.load_der_x509_certificate(peer)
        except UNREADABLE as error:
            raise Refusal(Detail.CERTIFICATE, "the client's certificate cannot be read") from error
        return Sender(self._holder(certificate), certificate, content, None)

    def _signed(self, envelope: etree._Element, peer: bytes | None) -> Sender:
        now = self._clock.now()
        secured = wss.secured_in(envelope, now, legacy_sha1=self._legacy_sha1)
        if peer is not None and secured.certificate.public_bytes(Encoding.DER) != peer:
            raise Refusal(
                Detail.SECURITY,
                "the message is signed with another certificate than the connection has: use one of the two ways, or"
                " the same certificate for both",
            )
        assert secured.expires is not None, "its Timestamp is signed"
        holder = self._holder(secured.certificate)
        return Sender(
            holder, secured.certificate, secured.body_element, (secured.replay_key, secured.expires)
        )

    def _holder(self, certificate: x509.Certificate) -> str:
        """Whose systems have this certificate, which must hold now."""
        der, now = certificate.public_bytes(Encoding.DER), self._clock.now()
        trust = self._pki.trust()
        judged = self._held.get(_known(der, trust))
        fresh = judged is not None and judged <= now < judged + REMEMBERED
        if not fresh or now > certificate.not_valid_after_utc:
            self._judge(der, trust, now)
        holder = self._pki.holder_of(certificate)
        if holder is None:
            raise Refusal(
                Detail.CERTIFICATE,
                "this certificate is not one of an administration's systems (application certificate)",
            )
        return holder

    def _judge(self, der: bytes, trust: Trust, now: datetime) -> None:
        under = Trust(trust.roots, trust.intermediates, trust.revocation, trust.policies, self._legacy_sha1)
        verdict = validate_certificate(der, under, now)
        if not verdict.ok:
            revoked = verdict.sub_indication is SubIndication.REVOKED
            raise Refusal(
                Detail.REVOKED if revoked else Detail.CERTIFICATE,
                f"the certificate does not hold: {verdict.indication}, {verdict.sub_indication}:"
                f" {'; '.join(verdict.details)[:150]}",
            )
        if len(self._held) >= MOST_REMEMBERED:
            self._held.clear()
        self._held[_known(der, trust)] = now


def _known(der: bytes, trust: Trust) -> bytes:
    """What a judgement rests on besides the time: SHA-256 of the certificate and of what is known of revocation."""
    parts = (der, *trust.revocation.crls)
    return hashlib.sha256(b"".join(hashlib.sha256(each).digest() for each in parts)).digest()
