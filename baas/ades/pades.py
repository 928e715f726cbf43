"""PAdES (ETSI EN 319 142-1): signatures in a PDF, baseline B-B to B-LTA, and the verdict on a PDF that has some.

A signature goes in by an incremental update; with B-LT a further one holds the validation data (ISO 32000-2's document
security store), and with B-LTA one more a time-stamp over all of it. Nothing is fetched: the validation data are those
of the `Trust` that is given, and a service of time-stamps is asked once for each time-stamp.
"""

# mypy: allow-untyped-calls
# asn1crypto and pyHanko's PDF objects are untyped; what they return is narrowed here

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from asn1crypto import cms, core, crl, ocsp
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import HistoricalResolver, PdfFileReader
from pyhanko.sign.diff_analysis import ModificationLevel
from pyhanko.sign.fields import SigSeedSubFilter
from pyhanko.sign.general import SigningError
from pyhanko.sign.signers.pdf_cms import PdfCMSSignedAttributes
from pyhanko.sign.signers.pdf_signer import PdfSignatureMetadata, PdfSigner, PdfSigningSession, PdfTimeStamper
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko.sign.validation.errors import ValidationInfoReadingError
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature
from pyhanko.sign.validation.status import SignatureCoverageLevel

from baas.ades import certificates, paths, procedure, stamps
from baas.ades.algorithms import Algorithms
from baas.ades.signing import DIGEST, Stamping, as_asn1, pyhanko_signer, require
from baas.ades.types import AdesError, Format, Level, Revocation, Signer, Stamper, Trust
from baas.ades.verdict import Indication, SubIndication, Verdict
from baas.ades.waiting import waited
from sandbox.evidence.digest import IMPRINTS, Digest

#: A larger PDF is not read: what a PDF costs in memory is a multiple of its size.
MAX_PDF_BYTES = 64 << 20
#: Room for one time-stamp token; a service's is of 2 to 7 KiB, by the certificates in it.
_TOKEN_BYTES = 8 << 10
_DETACHED = frozenset({"/ETSI.CAdES.detached", "/adbe.pkcs7.detached"})
_S = SubIndication


def sign(
    document: bytes,
    level: Level,
    signer: Signer,
    *,
    stamper: Stamper | None,
    trust: Trust | None,
    now: datetime,
    reason: str = "",
) -> bytes:
    """The PDF with one more signature. `trust` is needed from B-LT on: its validation data go into the document.

    Raises AdesError for what cannot be made (a PDF that cannot be read, is encrypted, or allows no more signatures;
    validation data that do not suffice), and what `stamper` raises.
    """
    require(Format.PADES, level, signer, stamper)
    if len(document) > MAX_PDF_BYTES:
        raise AdesError(f"the PDF has {len(document)} bytes; at most {MAX_PDF_BYTES} are read")
    if level in (Level.LT, Level.LTA) and trust is None:
        raise AdesError(f"level {level.value} has validation data in it: Trust with CRLs or OCSP is needed")
    stamping = None if stamper is None or level is Level.B else Stamping(stamper)
    try:
        signed = _signed(document, signer, stamping, now, reason)
        if stamping is not None and trust is not None and level in (Level.LT, Level.LTA):
            _add_validation_data(signed, signer, stamping, trust, now)
            if level is Level.LTA:
                signed = _stamped(signed, stamping)
    except (SigningError, PdfError, ValueError, KeyError) as error:
        raise AdesError(f"this PDF cannot be signed: {error}") from error
    return signed.getvalue()


def _signed(
    document: bytes, signer: Signer, stamping: Stamping | None, now: datetime, reason: str
) -> io.BytesIO:
    writer = IncrementalPdfFileWriter(io.BytesIO(document), strict=True)
    if writer.security_handler is not None:
        raise AdesError("this PDF is encrypted: sign it before it is encrypted")
    known = {each.field_name for each in writer.prev.embedded_signatures}
    name = next(
        free for free in (f"Signature{number}" for number in range(1, len(known) + 2)) if free not in known
    )
    maker = PdfSigner(
        PdfSignatureMetadata(
            field_name=name, md_algorithm=DIGEST, reason=reason or None, subfilter=SigSeedSubFilter.PADES
        ),
        signer=pyhanko_signer(signer),
        timestamper=stamping,
    )
    session: PdfSigningSession = maker.init_signing_session(writer)
    session.system_time = now
    prepared = session.prepare_tbs_document(
        validation_info=None, bytes_reserved=2 * _room(signer, stamping is not None)
    )
    digest, output = prepared.digest_tbs_document()
    waited(
        lambda: prepared.perform_signature(
            document_digest=digest.document_digest,
            pdf_cms_signed_attrs=PdfCMSSignedAttributes(signing_time=now),
        )
    )
    assert isinstance(output, io.BytesIO)
    return output


def _room(signer: Signer, stamped: bool) -> int:
    """Bytes for the CMS: its certificates, what is around them, and the time-stamp."""
    size = sum(len(each.public_bytes(Encoding.DER)) for each in (signer.certificate, *signer.chain))
    return size + 2048 + (_TOKEN_BYTES if stamped else 0)


def _add_validation_data(
    signed: io.BytesIO, signer: Signer, stamping: Stamping, trust: Trust, now: datetime
) -> None:
    """The certificates, CRLs and OCSP responses that judge the signature and its time-stamp (EN 319 142-1, 5.4.2)."""
    token = stamping.tokens[-1]
    signature = bytes(PdfFileReader(signed).embedded_regular_signatures[-1].signer_info["signature"].native)
    along = [each.public_bytes(Encoding.DER) for each in signer.chain]
    own = certificates.path(
        signer.certificate.public_bytes(Encoding.DER),
        trust,
        now,
        Algorithms(),
        certificates=tuple(along),
        usage=paths.SIGNING,
    )
    if own.problem is not None:
        raise AdesError(f"the signer's certificate does not hold: {own.problem.value}, {own.detail}")
    stamp = stamps.judge(token, signature, trust, now)
    if stamp.time is None:
        raise AdesError(f"the time-stamp does not hold: {stamp.detail}")
    tsa = certificates.path(
        stamp.certificate,
        replace(trust, policies=frozenset()),
        now,
        Algorithms(),
        certificates=stamps.certificates_of(token),
    )
    ders = dict.fromkeys((*own.certificates, *tsa.certificates))
    issuers = {as_asn1(each).subject.hashable for each in ders}
    DocumentSecurityStore.add_dss(
        signed,
        None,
        certs=[as_asn1(each) for each in ders],
        crls=[
            read
            for each in trust.revocation.crls
            if (read := crl.CertificateList.load(each)).issuer.hashable in issuers
        ],
        ocsps=[ocsp.OCSPResponse.load(each) for each in trust.revocation.ocsps],
    )


def _stamped(signed: io.BytesIO, stamping: Stamping) -> io.BytesIO:
    """With a document time-stamp over everything before it."""
    signed.seek(0)
    output = io.BytesIO()
    waited(
        lambda: PdfTimeStamper(stamping).async_timestamp_pdf(
            IncrementalPdfFileWriter(signed, strict=True),
            DIGEST,
            bytes_reserved=2 * _TOKEN_BYTES,
            output=output,
        )
    )
    return output


def validate(pdf: bytes, trust: Trust, at: datetime) -> Verdict:
    """The verdict on all signatures of a PDF; it never raises.

    Of several, the first that is worst decides, and `details` name it by its field; where all pass, the last one made
    speaks for them. `covers_whole_document` is False where something was added after the signature that is neither
    validation data nor a time-stamp; what it was decides whether the signature still passes.
    """
    if len(pdf) > MAX_PDF_BYTES:
        detail = f"the PDF has {len(pdf)} bytes; at most {MAX_PDF_BYTES} are read"
        return procedure.failed(_S.FORMAT_FAILURE, detail, Format.PADES)
    try:
        return _validated(pdf, trust, at)
    except Exception as error:  # a PDF made to hurt raises whatever it likes in its reader
        return procedure.failed(
            _S.FORMAT_FAILURE,
            f"this PDF cannot be read: {type(error).__name__}, {str(error)[:200]}",
            Format.PADES,
        )


@dataclass(frozen=True)
class _Proof:
    """A document time-stamp that holds: it is over everything up to its revision."""

    revision: int
    time: datetime


def _validated(pdf: bytes, trust: Trust, at: datetime) -> Verdict:
    reader = PdfFileReader(io.BytesIO(pdf), strict=True)
    if reader.security_handler is not None:
        return procedure.failed(_S.FORMAT_FAILURE, "this PDF is encrypted: it is not read", Format.PADES)
    signatures = reader.embedded_regular_signatures
    if not signatures:
        return procedure.failed(_S.FORMAT_FAILURE, "this PDF has no signature", Format.PADES)
    along = _security_store(reader)
    proofs, notes = _document_stamps(reader, pdf, trust, at, along)
    if proofs:
        last = reader.get_historical_resolver(max(each.revision for each in proofs))
        along = replace(along, archived=_security_store(last))
    verdicts = [(str(each.field_name), _one(each, pdf, trust, at, along, proofs)) for each in signatures]
    order = (Indication.FAILED, Indication.INDETERMINATE)
    worst = min((order.index(found.indication) for _, found in verdicts if not found.ok), default=None)
    name, verdict = (
        verdicts[-1]
        if worst is None
        else next(each for each in verdicts if each[1].indication is order[worst])
    )
    if len(verdicts) > 1:
        notes = [*notes, *(f"{field}: {_summary(found)}" for field, found in verdicts)]
    return replace(
        verdict,
        details=tuple(f"{name}: {each}" for each in verdict.details),
        notes=(*verdict.notes, *notes),
    )


def _one(
    embedded: EmbeddedPdfSignature,
    pdf: bytes,
    trust: Trust,
    at: datetime,
    along: procedure.Along,
    proofs: list[_Proof],
) -> Verdict:
    """One signature, by its own bytes and by what came after them."""
    kind = str(embedded.sig_object.get("/SubFilter"))
    if kind not in _DETACHED:
        return procedure.failed(
            _S.FORMAT_FAILURE, f"expected a detached CMS signature, got {kind}", Format.PADES
        )
    if not isinstance(embedded.signed_data["encap_content_info"]["content"], core.Void):
        return procedure.failed(
            _S.FORMAT_FAILURE,
            "the CMS has a content of its own within (ISO 32000-2, 12.8.3.3.1)",
            Format.PADES,
        )
    embedded.compute_integrity_info()
    carried = _adobe_revocation(embedded)
    verdict = procedure.judge(
        embedded.signed_data,
        embedded.compute_digest,
        trust,
        at,
        Format.PADES,
        replace(
            along,
            revocation=Revocation(
                along.revocation.crls + carried.crls, along.revocation.ocsps + carried.ocsps
            ),
            proven=(later := tuple(
                each.time for each in proofs if each.revision > embedded.signed_revision
            )),
            archived=along.archived if later else None,
            signing_time=embedded.self_reported_timestamp,
        ),
    )  # fmt: skip
    if objection := _range_objection(embedded, pdf):
        return replace(
            verdict,
            indication=Indication.FAILED,
            sub_indication=_S.FORMAT_FAILURE,
            details=(objection,),
            covers_whole_document=False,
        )
    return _with_later_changes(embedded, verdict)


def _with_later_changes(embedded: EmbeddedPdfSignature, verdict: Verdict) -> Verdict:
    """What was added after the signature (ISO 32000-2, 12.8.2.2), as pyHanko's difference analysis tells it."""
    whole = embedded.coverage == SignatureCoverageLevel.ENTIRE_FILE
    level = getattr(embedded.diff_result, "modification_level", ModificationLevel.OTHER)
    allowed = bool(embedded.summarise_integrity_info()["docmdp_ok"])
    covers = whole or level in (ModificationLevel.NONE, ModificationLevel.LTA_UPDATES)
    verdict = replace(verdict, covers_whole_document=covers)
    if covers:
        return verdict
    if allowed:
        later = "fields were filled in, or signatures added, after this signature, which it allows"
        return replace(verdict, notes=(*verdict.notes, later))
    if verdict.indication is Indication.FAILED:
        return verdict
    return replace(
        verdict,
        indication=Indication.INDETERMINATE,
        sub_indication=_S.SIG_CONSTRAINTS_FAILURE,
        details=(
            "the document was changed after this signature in a way that it does not allow: what is shown is not "
            "what was signed",
        ),
    )


def _range_objection(embedded: EmbeddedPdfSignature, pdf: bytes) -> str:
    """Why a signature's byte range is not "everything but the signature itself", exactly; "" where it is."""
    if (embedded.coverage or SignatureCoverageLevel.UNCLEAR) < SignatureCoverageLevel.ENTIRE_REVISION:
        return "the signature does not cover the whole of its revision of the document"
    start, length, after, _ = (int(each) for each in embedded.byte_range)
    gap = pdf[start + length : after]
    try:
        inside = bytes.fromhex(gap[1:-1].decode("ascii"))
    except ValueError:
        inside = b""
    if gap[:1] != b"<" or gap[-1:] != b">" or inside != embedded.pkcs7_content:
        return "what the signature leaves out of its byte range is not the signature itself"
    return ""


def _document_stamps(
    reader: PdfFileReader, pdf: bytes, trust: Trust, at: datetime, along: procedure.Along
) -> tuple[list[_Proof], list[str]]:
    """The document time-stamps that hold, the last one first: each is judged at the time that a later one proves."""
    proofs: list[_Proof] = []
    notes = []
    for each in reversed(reader.embedded_timestamp_signatures):
        known_at = min((proof.time for proof in proofs), default=None)
        detail = ""
        each.compute_integrity_info()
        slug = next(
            (slug for slug, kind in IMPRINTS.items() if kind.hashlib_name == each.external_md_algorithm), None
        )
        if slug is None:
            detail = f"the digest algorithm {each.external_md_algorithm} is not accepted"
        elif not (detail := _range_objection(each, pdf)):
            stamp = stamps.judge(
                _token(each.pkcs7_content),
                Digest(slug, each.compute_digest()),
                trust,
                at,
                known_at=known_at,
                certificates_along=along.certificates,
                revocation=along.revocation,
            )
            if stamp.time is not None:
                proofs.append(_Proof(int(each.signed_revision), stamp.time))
                continue
            detail = stamp.detail
        notes.append(f"the document time-stamp {each.field_name} does not count: {detail}")
    return proofs, notes


def _token(contents: bytes) -> bytes:
    """The DER value at the start of /Contents, which is filled up with zeros."""
    return bytes(cms.ContentInfo.load(contents).dump())


def _security_store(reader: PdfFileReader | HistoricalResolver) -> procedure.Along:
    """The document security store of a revision. What cannot be read in it is left out by whoever judges."""
    try:
        store = DocumentSecurityStore.read_dss(reader)
    except ValidationInfoReadingError:
        return procedure.Along()
    return procedure.Along(
        certificates=_streams(store.certs.values()),
        revocation=Revocation(_streams(store.crls), _streams(store.ocsps)),
    )


def _streams(references: Iterable[Any]) -> tuple[bytes, ...]:
    return tuple(bytes(each.get_object().data) for each in references)


def _adobe_revocation(embedded: EmbeddedPdfSignature) -> Revocation:
    """Adobe's revocation-information attribute, signed with the signature (ISO 32000-2, 12.8.3.3.2)."""
    attributes = embedded.signer_info["signed_attrs"]
    if isinstance(attributes, core.Void):
        return Revocation()
    crls: list[bytes] = []
    ocsps: list[bytes] = []
    for attribute in attributes:
        if attribute["type"].native == "adobe_revocation_info_archival":
            for value in attribute["values"]:
                crls += [bytes(each.dump()) for each in value["crl"] or ()]
                ocsps += [bytes(each.dump()) for each in value["ocsp"] or ()]
    return Revocation(tuple(crls), tuple(ocsps))


def _summary(verdict: Verdict) -> str:
    said = verdict.indication.value
    if verdict.sub_indication is not None:
        said += f", {verdict.sub_indication.value}"
    return f"{said}, {verdict.signer.get('CommonName', 'a signer without a name')}"
