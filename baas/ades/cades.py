"""CAdES (ETSI EN 319 122-1): CMS signatures beside a document, baseline B-B and B-T, and their verdicts.

The document need not be there to sign: its digest is enough, as a signature is over digests anyway. The CMS is DER.
"""

# mypy: allow-untyped-calls
# asn1crypto is untyped; what it returns is narrowed here

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime
from hmac import compare_digest

from asn1crypto import algos, cms, core
from pyhanko.sign.ades.api import CAdESSignedAttrSpec
from pyhanko.sign.ades.cades_asn1 import SignaturePolicyId, SignaturePolicyIdentifier
from pyhanko.sign.general import SigningError
from pyhanko.sign.signers.pdf_cms import PdfCMSSignedAttributes

from baas.ades import procedure
from baas.ades.signing import DIGEST, Stamping, pyhanko_signer, require
from baas.ades.types import AdesError, Format, Level, Revocation, Signer, Stamper, Trust
from baas.ades.verdict import Indication, SubIndication, Verdict
from baas.ades.waiting import waited
from sandbox.evidence.digest import IMPRINTS, Digest

#: A signature has a few certificates, tokens and revocation lists; more than this is not read.
MAX_SIGNATURE_BYTES = 16 << 20


@dataclass(frozen=True)
class SignaturePolicy:
    """A signature policy that a signer declares to follow (EN 319 122-1, 5.2.9.1): its OID, its document's digest."""

    oid: str
    digest: Digest


def sign(
    document: bytes | Digest,
    level: Level,
    signer: Signer,
    *,
    stamper: Stamper | None,
    now: datetime,
    policy: SignaturePolicy | None = None,
) -> bytes:
    """A detached signature, DER. `now` is the signing time that the signer claims.

    Raises AdesError for what cannot be made, and what `stamper` raises.
    """
    require(Format.CADES, level, signer, stamper)
    digest, name = (
        (hashlib.sha256(document).digest(), DIGEST)
        if isinstance(document, bytes)
        else (document.value, IMPRINTS[document.algorithm].hashlib_name)
    )
    attributes = PdfCMSSignedAttributes(
        signing_time=now,
        cades_signed_attrs=CAdESSignedAttrSpec(
            signature_policy_identifier=None if policy is None else _identifier(policy)
        ),
    )
    stamping = Stamping(stamper) if stamper is not None and level is Level.T else None
    try:
        made = waited(
            lambda: pyhanko_signer(signer).async_sign(
                data_digest=digest,
                digest_algorithm=name,
                use_pades=True,
                is_pdf_sig=False,
                timestamper=stamping,
                signed_attr_settings=attributes,
            )
        )
    except (SigningError, ValueError) as error:
        raise AdesError(f"the signature cannot be made: {error}") from error
    return bytes(made.dump())


def validate(
    cms_der: bytes,
    document: bytes | Digest | None,
    trust: Trust,
    at: datetime,
    *,
    policy: SignaturePolicy | None = None,
) -> Verdict:
    """The verdict on a CMS signature beside `document`, or with the document in it; it never raises.

    `document` None is right only for a CMS with its document in it. With `policy`, the signature must declare exactly
    that one.
    """
    if len(cms_der) > MAX_SIGNATURE_BYTES:
        detail = f"the signature has {len(cms_der)} bytes; at most {MAX_SIGNATURE_BYTES} are read"
        return procedure.failed(SubIndication.FORMAT_FAILURE, detail, Format.CADES)
    try:
        content = cms.ContentInfo.load(cms_der, strict=True)
        kind = content["content_type"].native
        if kind == "signed_data":
            return _validated(content["content"], document, trust, at, policy)
    except Exception as error:  # asn1crypto reads lazily, and bytes made to hurt raise whatever they like
        return procedure.failed(
            SubIndication.FORMAT_FAILURE,
            f"this is not a CMS signature (RFC 5652, DER): {type(error).__name__}, {str(error)[:200]}",
            Format.CADES,
        )
    detail = f"this CMS is not a signature: expected SignedData, got {kind}"
    return procedure.failed(SubIndication.FORMAT_FAILURE, detail, Format.CADES)


def _validated(
    signed: cms.SignedData,
    document: bytes | Digest | None,
    trust: Trust,
    at: datetime,
    policy: SignaturePolicy | None,
) -> Verdict:
    inside = signed["encap_content_info"]["content"]
    attached = None if isinstance(inside, core.Void) else bytes(inside)
    crls = tuple(
        bytes(each.chosen.dump())
        for each in signed["crls"] or ()
        if each.name == "crl"  # of CMS's own field
    )
    if policy is not None and (objection := _objection(signed, policy)):
        return procedure.indeterminate(SubIndication.SIG_CONSTRAINTS_FAILURE, objection, Format.CADES)

    def digest_of(name: str) -> bytes:
        return _digest(name, document, attached)

    verdict = procedure.judge(
        signed, digest_of, trust, at, Format.CADES, procedure.Along(revocation=Revocation(crls))
    )
    if attached is not None and document is not None and not _same(attached, document):
        return replace(
            verdict,
            indication=Indication.FAILED,
            sub_indication=SubIndication.HASH_FAILURE,
            details=("the document is not the one in the signature",),
        )
    return verdict


def _same(attached: bytes, document: bytes | Digest) -> bool:
    if isinstance(document, bytes):
        return attached == document
    name = IMPRINTS[document.algorithm].hashlib_name
    return compare_digest(hashlib.new(name, attached).digest(), document.value)


def _digest(name: str, document: bytes | Digest | None, attached: bytes | None) -> bytes:
    """The digest of what was signed, by hashlib's name of the algorithm that the signature uses."""
    if name not in hashlib.algorithms_guaranteed or name.startswith("shake"):
        raise procedure.UnknownDigest
    if isinstance(document, Digest) and attached is None:
        given = IMPRINTS[document.algorithm].hashlib_name
        if given != name:
            raise procedure.SignedDataMissing(
                f"the signature is over a {name} digest of the document; only its {given} digest was given"
            )
        return document.value
    data = attached if attached is not None else document
    if not isinstance(data, bytes):
        raise procedure.SignedDataMissing("the document is not in the signature, and was not given beside it")
    return hashlib.new(name, data, usedforsecurity=False).digest()


def _identifier(policy: SignaturePolicy) -> SignaturePolicyIdentifier:
    return SignaturePolicyIdentifier(
        name="signature_policy_id",
        value=SignaturePolicyId(
            {
                "sig_policy_id": policy.oid,
                "sig_policy_hash": algos.DigestInfo(
                    {
                        "digest_algorithm": {"algorithm": IMPRINTS[policy.digest.algorithm].hashlib_name},
                        "digest": policy.digest.value,
                    }
                ),
            }
        ),
    )


def _objection(signed: cms.SignedData, policy: SignaturePolicy) -> str:
    found = procedure.policy_of(signed["signer_infos"][0])
    expected = (policy.oid, IMPRINTS[policy.digest.algorithm].hashlib_name, policy.digest.value)
    if found == expected:
        return ""
    got = "none" if found is None else f"{found[0]} ({found[1]} {found[2].hex()})"
    return f"expected the signature policy {policy.oid} ({policy.digest.value.hex()}), got {got}"
