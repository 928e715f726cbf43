"""Whether signed evidence of an exchange service may be believed: whole, by the exchange, and of this very act."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from baas.ades.certificates import validate_certificate
from baas.ades.types import AdesError, Revocation, Trust
from baas.ades.verdict import Verdict
from baas.ades.xml import parse
from baas.ades.xml.names import ds
from baas.connectors import ConnectorSettings, Environment
from baas.connectors.signature._answers import leads, require_passed
from baas.connectors.signature._lifetimes import Kept, crls_in, judge_kept, stamp_certificates_in
from baas.connectors.signature._revocation import Crls
from baas.protocols.pci import evidence as statements
from baas.protocols.pci.evidence import EvidenceStatement
from baas.protocols.pci.messages import Answer
from sandbox.errors import VerificationError

SANDBOX_NAME = "Baas Sandbox Test Exchange Service"
"""The common name of who signs the embedded service's evidence. Others of that service are under the same policy."""


MOST_PATHS = 64


@dataclass(frozen=True)
class Signatory:
    """Who may sign evidence: a certificate under one of the roots, of this policy and this common name."""

    trust: Trust
    name: str
    _paths: dict[bytes, tuple[bytes, ...]] = field(default_factory=dict, compare=False, repr=False)
    """The paths of certificates that evidence came with, by the digest of those: whose CRLs are asked for."""

    @classmethod
    def of(cls, settings: ConnectorSettings) -> Signatory:
        """From the options `evidence_policy` and `evidence_name`; without them it must be the embedded service's policy."""
        lab = settings.environment is Environment.LAB_EMULATOR
        policy = settings.options.get("evidence_policy") or statements.POLICY
        name = settings.options.get("evidence_name") or (SANDBOX_NAME if lab else "")
        roots = tuple(x509.load_pem_x509_certificates(settings.trust_anchor))
        return cls(Trust(roots, policies=frozenset(policy.split())), name)

    def believed(self, statement: EvidenceStatement | None, verdict: Verdict) -> EvidenceStatement:
        """What is stated. Raises VerificationError for evidence that does not hold, or is somebody else's."""
        require_passed(verdict, "the evidence")
        assert statement is not None, "what holds states something"
        if self.name and verdict.signer.get("CommonName") != self.name:
            raise VerificationError(
                f"the evidence is not signed by the exchange: expected {self.name}, got "
                f"{verdict.signer.get('CommonName', 'no name')}"
            )
        return statement

    def present(self, evidence: bytes, crls: Crls, now: datetime) -> EvidenceStatement:
        """What evidence states that holds at the present, by the CRLs of the present.

        Raises EvidenceError; ConnectorError where no CRLs can be had.
        """
        known = replace(self.trust, revocation=Revocation(self.crls_of(evidence, crls, now)))
        return self.believed(*statements.read_verified(evidence, known, now))

    def crls_of(self, evidence: bytes, crls: Crls, now: datetime) -> tuple[bytes, ...]:
        """The CRLs (DER) that the certificates of its signature and of its time-stamp name: of paths to a root alone."""
        stamp = tuple(each.public_bytes(Encoding.DER) for each in stamp_certificates_in(evidence))
        came = hashlib.sha256(b"\x00".join((*certificates_in(evidence), *stamp))).digest()
        known = self._paths.get(came)
        if known is None:
            _, verdict = statements.read_verified(evidence, self.trust, now)
            roots = tuple(each.public_bytes(Encoding.DER) for each in self.trust.roots)
            paths = (verdict.certificates, *((*stamp, root) for root in roots if stamp))
            found = [der for path in paths if leads(path, self.trust) for der in path]
            known = tuple(dict.fromkeys(found))
            if len(self._paths) >= MOST_PATHS:
                self._paths.clear()
            self._paths[came] = known
        return crls.of(list(known))

    def kept(self, evidence: bytes, now: datetime) -> tuple[EvidenceStatement, Kept]:
        """What evidence states that was kept, judged offline, at the time that its time-stamp proves, with the CRLs in it.

        Raises EvidenceError.
        """
        read: list[EvidenceStatement | None] = []

        def judge(trust: Trust, at: datetime) -> Verdict:
            statement, verdict = statements.read_verified(evidence, trust, at)
            read.append(statement)
            return verdict

        kept = judge_kept(evidence, None, self.trust, now, judge=judge, what="the evidence")
        return self.believed(read[-1], kept.verdict), kept

    def require_sender(self, certificate: bytes, evidence: bytes, kept: Kept) -> None:
        """The certificate (DER) of a message held when its evidence was made, by the CRLs in that; else VerificationError.

        It is under the same roots, and is not the one that signs evidence.
        """
        path = kept.verdict.certificates
        at = kept.verdict.proven_time
        if at is None:
            raise VerificationError(
                "nothing proves when the message was sent: its evidence has no time-stamp"
            )
        between = tuple(x509.load_der_x509_certificate(each) for each in path[1:])
        known = Trust(self.trust.roots, between, Revocation(crls_in(evidence)))
        require_passed(
            validate_certificate(certificate, known, at), "the certificate of who sent the message"
        )
        if certificate == path[0]:
            raise VerificationError("the message is signed by the exchange itself, not by an administration")


def certificates_in(evidence: bytes) -> tuple[bytes, ...]:
    """The texts of every certificate in evidence, judged by nobody; none for what cannot be read."""
    try:
        root = parse(evidence, limit=statements.LIMIT)
    except AdesError:
        return ()
    return tuple((each.text or "").encode() for each in root.iter(ds("X509Certificate")))


@dataclass(frozen=True)
class Act:
    """What evidence must be of. `messages` are the SHA-256 of what was sent, none where nobody here knows them now."""

    request_id: str
    product: str
    modality: str
    organisation: str
    purpose: str
    messages: Collection[bytes] = ()
    certificate: bytes = b""

    def require(self, statement: EvidenceStatement, answer: Answer) -> None:
        """Raises VerificationError for evidence of another act, or of another answer to it."""
        for what, expected, got in (
            ("request", self.request_id, statement.request_id),
            ("element", answer.id, statement.element_id),
            ("product", self.product, statement.product),
            ("modality", self.modality, statement.modality),
            ("organisation", self.organisation, statement.organisation),
            ("purpose", self.purpose, statement.purpose),
        ):
            if expected != got:
                raise VerificationError(
                    f"the evidence is of another {what}: expected {expected}, got {got[:100]!r}"
                )
        if hashlib.sha256(answer.data).digest() != statement.answer_sha256:
            raise VerificationError(
                f"the evidence is of another answer: expected SHA-256 {hashlib.sha256(answer.data).hexdigest()}, got "
                f"{statement.answer_sha256.hex()}"
            )
        if self.messages and statement.message_sha256 not in self.messages:
            raise VerificationError(
                "the evidence is of another message: expected the SHA-256 of what was sent here, got "
                f"{statement.message_sha256.hex()}; what another process sent before under this identifier, fetch it"
            )
        if self.certificate and statement.certificate_sha256 != self.certificate:
            raise VerificationError(
                "the evidence is of a message by another certificate than the one used here"
            )
