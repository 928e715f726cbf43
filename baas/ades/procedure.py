"""EN 319 102-1 over one CMS signature: what CAdES and PAdES have in common.

The building blocks are pyHanko's (which certificate signed, integrity, path validation); their order is here, as the
standard has it: the signature at the present (5.3), its time-stamps (5.5), and where the present does not suffice, the
time that a time-stamp proves (5.6). pyHanko has that sequence too, and the tests ask it as another judge; decision
record 0034 says where the two differ and why.
"""

# mypy: allow-untyped-calls
# asn1crypto is untyped; what it returns is narrowed here

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType

from asn1crypto import algos, cms, core, tsp
from cryptography import x509
from pyhanko.sign.general import (
    CMSExtractionError,
    CMSStructuralError,
    MultivaluedAttributeError,
    NonexistentAttributeError,
    check_ess_certid,
    extract_certificate_info,
    extract_signer_info,
    find_unique_cms_attribute,
)
from pyhanko.sign.validation import errors, generic_cms

from baas.ades import best_time, certificates, stamps
from baas.ades.algorithms import Algorithms
from baas.ades.types import Format, Level, Revocation, Trust
from baas.ades.verdict import Indication, SubIndication, Verdict
from sandbox.evidence.digest import IMPRINTS, Digest

_S = SubIndication
#: A signature carries a path, perhaps its time-stamps' too; a crowd of them is there to keep whoever builds paths busy.
MAX_CERTIFICATES = 64


@dataclass(frozen=True)
class Along:
    """What came with a signature, none of it trusted by itself, and what is proven of it from outside.

    `proven` are times at which the signature is proven to have existed: of time-stamps over the whole document.
    `archived` is what of all this is itself under the last of those time-stamps.
    """

    certificates: tuple[bytes, ...] = ()
    revocation: Revocation = field(default_factory=Revocation)
    proven: tuple[datetime, ...] = ()
    signing_time: datetime | None = None
    archived: Along | None = None


def failed(problem: SubIndication, detail: str, form: Format | None = None) -> Verdict:
    """TOTAL-FAILED, for what cannot be otherwise whoever asks, and when."""
    return Verdict(Indication.FAILED, problem, (detail,), format=form)


def indeterminate(problem: SubIndication, detail: str, form: Format | None = None) -> Verdict:
    return Verdict(Indication.INDETERMINATE, problem, (detail,), format=form)


def judge(
    signed: cms.SignedData,
    digest_of: Callable[[str], bytes],
    trust: Trust,
    at: datetime,
    form: Format,
    along: Along | None = None,
) -> Verdict:
    """The verdict on a SignedData with one signer. `digest_of` gives the signed data's digest, by hashlib's name.

    Raises what asn1crypto raises for a structure that is not one: whoever read the bytes turns it into a verdict.
    """
    along = along or Along()
    algorithms = Algorithms(legacy_sha1=trust.legacy_sha1)
    if (signers := len(signed["signer_infos"])) != 1:
        return failed(_S.FORMAT_FAILURE, f"expected one signer in the CMS, got {signers}", form)
    try:
        info = extract_signer_info(signed)
        carried = extract_certificate_info(signed)
    except CMSStructuralError as error:
        return failed(_S.FORMAT_FAILURE, str(error.failure_message), form)
    except CMSExtractionError as error:
        return indeterminate(_S.NO_SIGNING_CERTIFICATE_FOUND, str(error.failure_message), form)
    if (several := len(carried.other_certs)) >= MAX_CERTIFICATES:
        detail = f"the signature has {several + 1} certificates with it; at most {MAX_CERTIFICATES} are read"
        return failed(_S.FORMAT_FAILURE, detail, form)
    leaf = bytes(carried.signer_cert.dump())
    others = tuple(bytes(each.dump()) for each in carried.other_certs)
    claimed = generic_cms.extract_self_reported_ts(info) or along.signing_time
    common = Verdict(
        Indication.PASSED,
        format=form,
        signer=MappingProxyType(_attributes(leaf)),
        signing_time=claimed,
        certificates=(leaf,),
    )
    bad = _integrity(info, carried.signer_cert, signed, digest_of) or _constraints(info, carried, algorithms)
    if bad is not None:
        return replace(common, indication=bad[0], sub_indication=bad[1], details=(bad[2],))
    along = replace(along, certificates=(*others, *along.certificates))
    return _in_time(info, leaf, trust, at, algorithms, along, common)


def _in_time(
    info: cms.SignerInfo,
    leaf: bytes,
    trust: Trust,
    at: datetime,
    algorithms: Algorithms,
    along: Along,
    common: Verdict,
) -> Verdict:
    """Sections 5.5 and 5.6: at the present, and else at the time that is proven."""
    signature = bytes(info["signature"].native)
    proofs, notes = _signature_stamps(info, signature, trust, at, along)
    times = (*(each.time for each in proofs if each.time is not None), *along.proven)
    proven = min(times, default=None)
    not_before = _content_stamp(info, trust, at, along)
    if proven is not None and not_before is not None and not_before > proven:
        detail = f"its content time-stamp ({not_before}) is later than its signature time-stamp ({proven})"
        return replace(
            common,
            indication=Indication.INDETERMINATE,
            sub_indication=_S.TIMESTAMP_ORDER_FAILURE,
            details=(detail,),
        )
    concluded = best_time.conclude(
        leaf,
        trust,
        at,
        algorithms,
        proven=proven,
        not_before=not_before,
        along=along.certificates,
        revocation=along.revocation,
    )
    return replace(
        common,
        indication=concluded.indication,
        sub_indication=concluded.problem,
        details=(concluded.detail,),
        notes=(*notes, *concluded.notes, *_policy_note(info), *certificates.weak_notes(algorithms)),
        level=_level(leaf, trust, proofs, proven, along, common.signing_time),
        proven_time=proven,
        certificates=concluded.certificates,
    )


def _integrity(
    info: cms.SignerInfo, signer: object, signed: cms.SignedData, digest_of: Callable[[str], bytes]
) -> tuple[Indication, SubIndication, str] | None:
    """Section 5.2.7: the digest of what was signed, and the signature over it."""
    content = signed["encap_content_info"]
    name = str(info["digest_algorithm"]["algorithm"].native)
    try:
        digest = digest_of(name)
        generic_cms.extract_certs_for_validation(
            signed
        )  # the certificate is the one that the signature names
        intact, valid = generic_cms.validate_sig_integrity(
            info,
            signer,  # type: ignore[arg-type]
            expected_content_type=str(content["content_type"].native),
            actual_digest=digest,
        )
    except SignedDataMissing as error:
        return Indication.INDETERMINATE, _S.SIGNED_DATA_NOT_FOUND, str(error)
    except UnknownDigest:
        return (
            Indication.INDETERMINATE,
            _S.CRYPTO_CONSTRAINTS_FAILURE,
            f"the digest algorithm {name} is not accepted",
        )
    except errors.SignatureValidationError as error:
        problem = _sub_indication(error)
        indication = Indication.FAILED if problem is _S.FORMAT_FAILURE else Indication.INDETERMINATE
        return indication, problem, str(error.failure_message)
    if not intact:
        return Indication.FAILED, _S.HASH_FAILURE, "the document is not the one that was signed"
    if not valid:
        return (
            Indication.FAILED,
            _S.SIG_CRYPTO_FAILURE,
            "the signature does not verify with the certificate's key",
        )
    return None


def _constraints(
    info: cms.SignerInfo, carried: object, algorithms: Algorithms
) -> tuple[Indication, SubIndication, str] | None:
    """Section 5.2.8: that the signature names its certificate, and rests on algorithms that count."""
    signer = carried.signer_cert  # type: ignore[attr-defined]
    attributes = info["signed_attrs"]
    named = None if attributes is core.VOID else generic_cms.get_signing_cert_attr(attributes)
    if named is None:
        return (
            Indication.INDETERMINATE,
            _S.SIG_CONSTRAINTS_FAILURE,
            "the signature does not name its certificate (ESSCertID): another could be put in its place, and it "
            "is no advanced signature of a baseline level (EN 319 122-1, 5.2.2)",
        )
    identifier = named["certs"][0]
    if not check_ess_certid(signer, identifier):
        detail = "the certificate is not the one that the signature names (ESSCertID)"
        return Indication.INDETERMINATE, _S.NO_SIGNING_CERTIFICATE_FOUND, detail
    used = (
        "sha1"
        if isinstance(identifier, tsp.ESSCertID)
        else str(identifier["hash_algorithm"]["algorithm"].native)
    )
    method, digest = info["signature_algorithm"], info["digest_algorithm"]
    plain = algos.DigestAlgorithm({"algorithm": digest["algorithm"].native})
    for answer in (
        algorithms.signature_algorithm_allowed(method, None, signer.public_key),
        algorithms.digest_algorithm_allowed(digest, None),
        algorithms.digest_algorithm_allowed(algos.DigestAlgorithm({"algorithm": used}), None),
        algorithms.digest_combination_allowed(method, plain, None),
    ):
        if not answer.allowed:
            return Indication.INDETERMINATE, _S.CRYPTO_CONSTRAINTS_FAILURE, str(answer.failure_reason)
    return None


def _signature_stamps(
    info: cms.SignerInfo, signature: bytes, trust: Trust, at: datetime, along: Along
) -> tuple[list[stamps.Stamp], list[str]]:
    """The signature time-stamps that hold, and what to say of those that do not."""
    held, notes = [], []
    for token in _tokens(info["unsigned_attrs"], "signature_time_stamp_token"):
        stamp = stamps.judge(
            token,
            signature,
            trust,
            at,
            known_at=min(along.proven, default=None),
            certificates_along=along.certificates,
            revocation=along.revocation,
        )
        if stamp.time is None:
            notes.append(f"a time-stamp of the signature does not count: {stamp.detail}")
        else:
            held.append(stamp)
    return held, notes


def _content_stamp(info: cms.SignerInfo, trust: Trust, at: datetime, along: Along) -> datetime | None:
    """The time that the signature cannot be older than: of a content time-stamp, which is among what was signed."""
    name = str(info["digest_algorithm"]["algorithm"].native)
    slug = next((each.slug for each in IMPRINTS.values() if each.hashlib_name == name), None)
    if slug is None:
        return None
    times = []
    for token in _tokens(info["signed_attrs"], "content_time_stamp"):
        digest = Digest(slug, bytes(find_unique_cms_attribute(info["signed_attrs"], "message_digest").native))
        stamp = stamps.judge(
            token,
            digest,
            trust,
            at,
            certificates_along=along.certificates,
            revocation=along.revocation,
        )
        times.append(stamp.time)
    return max((each for each in times if each is not None), default=None)


def _tokens(attributes: object, name: str) -> Iterable[bytes]:
    if attributes is core.VOID:
        return
    for attribute in attributes:  # type: ignore[attr-defined]
        if attribute["type"].native == name:
            for value in attribute["values"]:
                yield bytes(value.dump())


def _level(
    leaf: bytes,
    trust: Trust,
    proofs: list[stamps.Stamp],
    proven: datetime | None,
    along: Along,
    claimed: datetime | None,
) -> Level | None:
    """The highest baseline level that holds: LT where what came along suffices by itself, with the roots alone."""
    if claimed is None:
        return None
    if proven is None:
        return Level.B
    tsas = [each.certificate for each in proofs]
    quiet = Algorithms(legacy_sha1=trust.legacy_sha1)
    if not _suffices(leaf, tsas, trust, proven, quiet, along):
        return Level.T
    archived = along.archived
    if archived is None:
        return Level.LT
    under = replace(archived, certificates=(*along.certificates, *archived.certificates))
    return Level.LTA if _suffices(leaf, tsas, trust, proven, quiet, under) else Level.LT


def _suffices(
    leaf: bytes, tsas: list[bytes], trust: Trust, proven: datetime, algorithms: Algorithms, along: Along
) -> bool:
    """Whether what came along is enough to judge the signer and the time-stamps, with nothing but the roots besides."""
    if along.revocation == Revocation():
        return False
    alone = replace(trust, intermediates=(), revocation=Revocation(), policies=frozenset())
    return all(
        certificates.path(
            each,
            alone,
            proven,
            algorithms,
            certificates=along.certificates,
            revocation=along.revocation,
            before_expiry=True,
        ).problem
        is None
        for each in (leaf, *tsas)
    )


def _policy_note(info: cms.SignerInfo) -> list[str]:
    """The signature policy that the signer names; its document is not here, so that it was followed is not said."""
    found = policy_of(info)
    if found is None:
        return []
    return [f"the signer names the signature policy {found[0]}; that it was followed was not checked"]


def policy_of(info: cms.SignerInfo) -> tuple[str, str, bytes] | None:
    """The signature policy in the signed attributes: OID, hash algorithm (hashlib's name), hash. None without one."""
    if info["signed_attrs"] is core.VOID:
        return None
    try:
        value = find_unique_cms_attribute(info["signed_attrs"], "signature_policy_identifier")
    except (NonexistentAttributeError, MultivaluedAttributeError):
        return None
    if value.name != "signature_policy_id":
        return None
    named = value.chosen["sig_policy_hash"]
    return (
        str(value.chosen["sig_policy_id"].dotted),
        str(named["digest_algorithm"]["algorithm"].native),
        bytes(named["digest"].native),
    )


class SignedDataMissing(Exception):
    """What was signed is not at hand, or only its digest by another algorithm."""


class UnknownDigest(Exception):
    """A digest algorithm that nobody here computes."""


def _sub_indication(error: errors.SignatureValidationError) -> SubIndication:
    named = getattr(error, "ades_subindication", None)
    try:
        return SubIndication(named.standard_name) if named is not None else _S.GENERIC
    except ValueError:
        return _S.GENERIC


def _attributes(leaf: bytes) -> dict[str, str]:
    try:
        return certificates.attributes(x509.load_der_x509_certificate(leaf))
    except (ValueError, TypeError):
        return {}
