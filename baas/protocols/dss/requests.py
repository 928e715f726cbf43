"""DSS requests as XML, both directions (core, sections 2.4, 3.1, 4.3; XSS as PSIS' clients use it).

An optional input that is not known is refused, as section 2.7 of the core wants it: an answer that leaves out what was
asked for would look like one that found nothing.
"""

from __future__ import annotations

from copy import deepcopy
from datetime import datetime

from lxml import etree

from baas.ades.types import Level
from baas.clock import iso
from baas.protocols.dss import names
from baas.protocols.dss.messages import Malformed, Refusal, SignRequest, Subject, VerifyRequest, not_supported
from baas.protocols.dss.names import ADES, DS, DSS, OURS, XSS
from baas.protocols.dss.reading import (
    base64_text,
    digest,
    moment,
    octets,
    one,
    only,
    qname,
    some,
    text,
    write_digest,
)
from baas.protocols.soap import elements, short
from sandbox.evidence.digest import Digest

VERIFY, SIGN = qname(DSS, "VerifyRequest"), qname(DSS, "SignRequest")
_PREFIXES = {"dss": DSS, "x": XSS, "ds": DS}
_LEVELS = {form: level for level, form in names.FORMS.items()}


def verify_request(request: VerifyRequest) -> etree._Element:
    """The VerifyRequest element."""
    root = _root(VERIFY, request.profile, request.request_id)
    inputs = etree.SubElement(root, qname(DSS, "OptionalInputs"))
    if request.at is not None:
        time = etree.SubElement(inputs, qname(DSS, "UseVerificationTime"))
        etree.SubElement(time, qname(DSS, "SpecificTime")).text = iso(request.at)
    if request.updated_signature:
        etree.SubElement(inputs, qname(DSS, "ReturnUpdatedSignature"), Type=request.updated_signature)
    if request.details:
        etree.SubElement(inputs, qname(DSS, "ReturnProcessingDetails"))
    if request.attributes:
        wanted = etree.SubElement(inputs, qname(XSS, "ReturnX509CertificateInfo"))
        for name in request.attributes:
            etree.SubElement(wanted, qname(XSS, "AttributeDesignator"), Name=name)
    if request.signed_response:
        etree.SubElement(inputs, qname(XSS, "ReturnSignedResponse"))
    if request.legacy_sha1:
        etree.SubElement(inputs, qname(OURS, "LegacySha1"))
    for policy in sorted(request.policies):
        etree.SubElement(inputs, qname(OURS, "CertificatePolicy")).text = policy
    if not len(inputs):
        root.remove(inputs)
    _write_documents(root, request)
    _write_signature(root, request)
    return root


def read_verify_request(root: etree._Element) -> VerifyRequest:
    """The request in a VerifyRequest element. Raises Malformed or Refusal."""
    profile = _profile(root, (names.PROFILE_XSS, names.PROFILE_PDF))
    options = _Options(root)
    documents, signature = some(root, DSS, "InputDocuments"), some(root, DSS, "SignatureObject")
    subject, signed, detached = (
        _of_documents(documents) if signature is None else _of_signature(only(signature), documents)
    )
    if (subject is Subject.PDF) != (profile == names.PROFILE_PDF):
        raise not_supported(f"a {subject} is not verified under the profile {profile}")
    time = options.take(DSS, "UseVerificationTime")
    wanted = options.take(XSS, "ReturnX509CertificateInfo")
    updated = options.take(DSS, "ReturnUpdatedSignature")
    request = VerifyRequest(
        request_id=root.get("RequestID", ""),
        subject=subject,
        signed=signed,
        detached=detached,
        at=None if time is None else _verification_time(time),
        attributes=() if wanted is None else _designators(wanted),
        details=options.take(DSS, "ReturnProcessingDetails") is not None,
        signed_response=options.take(XSS, "ReturnSignedResponse") is not None,
        updated_signature="" if updated is None else updated.get("Type", "any"),
        legacy_sha1=options.take(OURS, "LegacySha1") is not None,
        policies=frozenset(text(found) for found in options.take_all(OURS, "CertificatePolicy")),
    )
    options.none_left()
    return request


def sign_request(request: SignRequest) -> etree._Element:
    """The SignRequest element."""
    root = _root(SIGN, request.profile, request.request_id)
    inputs = etree.SubElement(root, qname(DSS, "OptionalInputs"))
    etree.SubElement(inputs, qname(DSS, "SignatureType")).text = request.signature_type
    if request.key_name:
        selector = etree.SubElement(inputs, qname(DSS, "KeySelector"))
        information = etree.SubElement(selector, qname(DS, "KeyInfo"))
        etree.SubElement(information, qname(DS, "KeyName")).text = request.key_name
    if request.level is not None:
        etree.SubElement(inputs, qname(ADES, "SignatureForm"), nsmap={"ades": ADES}).text = names.FORMS[
            request.level
        ]
    if request.signed_response:
        etree.SubElement(inputs, qname(XSS, "ReturnSignedResponse"))
    documents = etree.SubElement(root, qname(DSS, "InputDocuments"))
    if isinstance(request.document, Digest):
        write_digest(etree.SubElement(documents, qname(DSS, "DocumentHash"), ID="Doc1"), request.document)
    else:
        media_type = names.PDF if request.signature_type == names.PDF else "application/octet-stream"
        _write_octets(documents, request.document, media_type)
    return root


def read_sign_request(root: etree._Element) -> SignRequest:
    """The request in a SignRequest element. Raises Malformed or Refusal."""
    profile = _profile(root, (names.PROFILE_TIMESTAMPING, *names.SEAL_PROFILES.values()))
    options = _Options(root)
    kind, form = options.take(DSS, "SignatureType"), options.take(ADES, "SignatureForm")
    selector = options.take(DSS, "KeySelector")
    # A profile without a SignatureType means the only type that it is for.
    signature_type = _type_of(profile) if kind is None else text(kind)
    if signature_type.endswith("XMLTimeStampToken"):
        raise not_supported(
            f"no XML time-stamps are made here; ask for {names.RFC3161}, whose token every verifier reads"
        )
    if signature_type != _type_of(profile):
        raise not_supported(f"the profile {profile} does not make {signature_type[:100]!r}")
    documents = one(root, DSS, "InputDocuments")
    request = SignRequest(
        request_id=root.get("RequestID", ""),
        signature_type=signature_type,
        document=_to_sign(only(documents)),
        level=None if form is None else _level(text(form)),
        key_name="" if selector is None else text(one(one(selector, DS, "KeyInfo"), DS, "KeyName")),
        signed_response=options.take(XSS, "ReturnSignedResponse") is not None,
    )
    options.none_left()
    return request


class _Options:
    """The children of OptionalInputs, each to be taken once."""

    def __init__(self, root: etree._Element) -> None:
        inputs = some(root, DSS, "OptionalInputs")
        self._left = [] if inputs is None else elements(inputs)

    def take_all(self, namespace: str, name: str) -> list[etree._Element]:
        found = [child for child in self._left if child.tag == qname(namespace, name)]
        self._left = [child for child in self._left if child not in found]
        return found

    def take(self, namespace: str, name: str) -> etree._Element | None:
        found = self.take_all(namespace, name)
        if len(found) > 1:
            raise Malformed(f"expected {name} once, got it {len(found)} times")
        return found[0] if found else None

    def none_left(self) -> None:
        if self._left:
            raise not_supported(f"the optional input {short(self._left[0].tag)} is not known here")


def _root(tag: str, profile: str, request_id: str) -> etree._Element:
    root = etree.Element(tag, nsmap=_PREFIXES)
    if request_id:
        root.set("RequestID", request_id)
    root.set("Profile", profile)
    return root


def _profile(root: etree._Element, known: tuple[str, ...]) -> str:
    found = root.get("Profile", known[0])
    if found not in known:
        raise not_supported(f"the profile {found[:100]!r} is not spoken here; {', '.join(known)} are")
    return found


def _write_documents(root: etree._Element, request: VerifyRequest) -> None:
    if request.subject not in (Subject.PDF, Subject.XML) and request.detached is None:
        return
    documents = etree.SubElement(root, qname(DSS, "InputDocuments"))
    if request.subject is Subject.PDF:
        _write_octets(documents, request.signed, names.PDF)
    if request.subject is Subject.XML:
        # Not as InlineXML: inside of another document its namespaces, and so its canonical form, are not its own.
        document = etree.SubElement(documents, qname(DSS, "Document"), ID="Signed")
        etree.SubElement(document, qname(DSS, "Base64XML")).text = base64_text(request.signed)
    if isinstance(request.detached, Digest):
        write_digest(etree.SubElement(documents, qname(DSS, "DocumentHash"), ID="Doc1"), request.detached)
    elif request.detached is not None:
        _write_octets(documents, request.detached, "application/octet-stream")


def _write_octets(documents: etree._Element, data: bytes, media_type: str) -> None:
    document = etree.SubElement(documents, qname(DSS, "Document"), ID="Doc1")
    etree.SubElement(document, qname(DSS, "Base64Data"), MimeType=media_type).text = base64_text(data)


def _write_signature(root: etree._Element, request: VerifyRequest) -> None:
    if request.subject is Subject.PDF:
        return
    holder = etree.SubElement(root, qname(DSS, "SignatureObject"))
    encoded = base64_text(request.signed)
    match request.subject:
        case Subject.CERTIFICATE:
            data = etree.SubElement(etree.SubElement(holder, qname(DSS, "Other")), qname(DS, "X509Data"))
            etree.SubElement(data, qname(DS, "X509Certificate")).text = encoded
        case Subject.CMS:
            etree.SubElement(holder, qname(DSS, "Base64Signature"), Type=names.CMS).text = encoded
        case Subject.TIMESTAMP:
            stamp = etree.SubElement(holder, qname(DSS, "Timestamp"))
            etree.SubElement(stamp, qname(DSS, "RFC3161TimeStampToken")).text = encoded
        case Subject.XML:
            etree.SubElement(holder, qname(DSS, "SignaturePtr"), WhichDocument="Signed")


def _of_signature(
    holder: etree._Element, documents: etree._Element | None
) -> tuple[Subject, bytes, bytes | Digest | None]:
    match str(holder.tag).removeprefix(f"{{{DSS}}}"):
        case "Other":
            data = only(holder)
            if data.tag != qname(DS, "X509Data"):
                raise not_supported(f"{short(data.tag)} is not verified here; ds:X509Data is")
            return Subject.CERTIFICATE, octets(one(data, DS, "X509Certificate")), None
        case "Base64Signature":
            subject = {names.CMS: Subject.CMS, names.RFC3161: Subject.TIMESTAMP}.get(holder.get("Type", ""))
            if subject is None:
                raise not_supported(f"expected a Base64Signature of Type {names.CMS} or {names.RFC3161}")
            return subject, octets(holder), _detached(documents)
        case "Timestamp":
            token = only(holder)
            if token.tag != qname(DSS, "RFC3161TimeStampToken"):
                raise not_supported("only RFC 3161 time-stamps are verified here")
            return Subject.TIMESTAMP, octets(token), _detached(documents)
        case "SignaturePtr":
            return _pointed(holder, documents)
    if holder.tag == qname(DS, "Signature"):
        return Subject.XML, _alone(holder), _detached(documents)
    raise not_supported(f"a SignatureObject with {short(holder.tag)} is not verified here")


def _pointed(
    pointer: etree._Element, documents: etree._Element | None
) -> tuple[Subject, bytes, bytes | Digest | None]:
    """The document that a SignaturePtr names; all signatures of that document are verified, whatever its XPath."""
    which = pointer.get("WhichDocument", "")
    all_of_them = [] if documents is None else elements(documents)
    signed = [document for document in all_of_them if document.get("ID") == which]
    if len(signed) != 1:
        raise Refusal(
            names.REQUESTER_ERROR,
            names.REFERENCED_DOCUMENT_NOT_PRESENT,
            f"no document has the ID {which[:100]!r}",
        )
    others = [document for document in all_of_them if document is not signed[0]]
    if len(others) > 1:
        raise not_supported("one document beside the signature is verified at a time")
    return Subject.XML, _xml(only(signed[0])), _content(others[0]) if others else None


def _of_documents(documents: etree._Element | None) -> tuple[Subject, bytes, bytes | Digest | None]:
    """Without a SignatureObject the signature is in the one document (core, section 4.2)."""
    if documents is None:
        raise Refusal(
            names.REQUESTER_ERROR, names.REFERENCED_DOCUMENT_NOT_PRESENT, "there is nothing to verify"
        )
    content = only(only(documents))
    if content.tag == qname(DSS, "Base64Data"):
        if content.get("MimeType") != names.PDF:
            raise not_supported(f"expected a document of MimeType {names.PDF}")
        return Subject.PDF, octets(content), None
    return Subject.XML, _xml(content), None


def _xml(content: etree._Element) -> bytes:
    if content.tag == qname(DSS, "Base64XML"):
        return octets(content)
    if content.tag == qname(DSS, "InlineXML"):
        return _alone(only(content))
    raise not_supported(f"expected InlineXML or Base64XML, got {short(content.tag)}")


def _alone(element: etree._Element) -> bytes:
    """An element as a document: with its own namespace declarations and, of its ancestors', those that it uses."""
    return etree.tostring(etree.ElementTree(deepcopy(element)), with_tail=False)


def _detached(documents: etree._Element | None) -> bytes | Digest | None:
    return None if documents is None else _content(only(documents))


def _content(document: etree._Element) -> bytes | Digest:
    if document.tag == qname(DSS, "DocumentHash"):
        return digest(document)
    if document.tag != qname(DSS, "Document"):
        raise not_supported(f"expected a Document or a DocumentHash, got {short(document.tag)}")
    content = only(document)
    return octets(content) if content.tag == qname(DSS, "Base64Data") else _xml(content)


def _to_sign(document: etree._Element) -> bytes | Digest:
    return _content(document)


def _verification_time(element: etree._Element) -> datetime | None:
    choice = only(element)
    if choice.tag == qname(DSS, "CurrentTime"):
        return None
    if choice.tag == qname(DSS, "SpecificTime"):
        return moment(choice)
    raise not_supported(f"a verification time given as {short(choice.tag)} is not known here")


def _designators(element: etree._Element) -> tuple[str, ...]:
    found = elements(element)
    if any(child.tag != qname(XSS, "AttributeDesignator") for child in found):
        raise Malformed(
            "expected AttributeDesignator elements in ReturnX509CertificateInfo, and nothing else"
        )
    return tuple(child.get("Name", "") for child in found)


def _type_of(profile: str) -> str:
    formats = {uri: names.SIGNATURE_TYPES[kind] for kind, uri in names.SEAL_PROFILES.items()}
    return formats.get(profile, names.RFC3161)


def _level(form: str) -> Level:
    if form not in _LEVELS:
        raise not_supported(f"the signature form {form[:100]!r} is not made here")
    return _LEVELS[form]
