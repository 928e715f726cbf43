"""DSS responses as XML, both directions (core, sections 2.5, 3.2, 4.4, 4.5.5; XSS as PSIS answers)."""

from __future__ import annotations

from lxml import etree

from baas.protocols.dss.messages import (
    Detail,
    Malformed,
    Response,
    Result,
    SignResponse,
    Subject,
    VerifyResponse,
)
from baas.protocols.dss.names import CMS, DS, DSS, OURS, PDF, SAML, XSS
from baas.protocols.dss.reading import base64_text, digest, octets, one, only, qname, some, text, write_digest
from baas.protocols.soap import elements, printable, short
from sandbox.evidence.digest import Digest

VERIFY, SIGN = qname(DSS, "VerifyResponse"), qname(DSS, "SignResponse")
#: Where the signature over the whole response stands, from the response's element down.
SIGNATURE_PLACE = (qname(DSS, "OptionalOutputs"), qname(XSS, "ResponseSignature"))
_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
_PREFIXES = {"dss": DSS, "x": XSS, "ds": DS}
_SIGNED = {qname(DSS, "Base64Data"): Subject.PDF, qname(DSS, "Base64XML"): Subject.XML}
_KINDS = ("ValidDetail", "IndeterminateDetail", "InvalidDetail")


def verify_response(response: VerifyResponse) -> etree._Element:
    """The VerifyResponse element, not signed."""
    root, outputs = _root(VERIFY, response)
    details = (response.valid, response.indeterminate, response.invalid)
    if any(details):
        holder = etree.SubElement(outputs, qname(DSS, "ProcessingDetails"))
        for kind, found in zip(_KINDS, details, strict=True):
            for detail in found:
                _write_detail(etree.SubElement(holder, qname(DSS, kind), Type=detail.type), detail)
    if response.attributes:
        information = etree.SubElement(outputs, qname(XSS, "X509CertificateInfo"))
        for name, value in response.attributes.items():
            attribute = etree.SubElement(information, qname(XSS, "Attribute"), Name=name)
            if value:  # as PSIS: what was asked for and is not in the certificate has no value
                content = etree.SubElement(attribute, qname(SAML, "AttributeValue"), nsmap={"saml2": SAML})
                content.text = printable(value)
    return root


def read_verify_response(root: etree._Element) -> VerifyResponse:
    """The response in a VerifyResponse element; its signature is another's to check. Raises Malformed, Refusal."""
    common, outputs = _read(root, VERIFY)
    if outputs is None:
        return VerifyResponse(*common)
    found: dict[str, tuple[Detail, ...]] = {}
    details = some(outputs, DSS, "ProcessingDetails")
    for kind in _KINDS:
        children = [] if details is None else [c for c in elements(details) if c.tag == qname(DSS, kind)]
        found[kind] = tuple(_detail(child) for child in children)
    information = some(outputs, XSS, "X509CertificateInfo")
    attributes: dict[str, str] = {}
    for attribute in [] if information is None else elements(information):
        name, values = attribute.get("Name", ""), elements(attribute)
        if name in attributes:
            raise Malformed(f"expected each attribute once, got {name[:100]!r} twice")
        if values:
            attributes[name] = ", ".join(text(value) for value in values)
    return VerifyResponse(
        *common,
        valid=found["ValidDetail"],
        indeterminate=found["IndeterminateDetail"],
        invalid=found["InvalidDetail"],
        attributes=attributes,
    )


def sign_response(response: SignResponse) -> etree._Element:
    """The SignResponse element, not signed."""
    root, outputs = _root(SIGN, response)
    if not response.signature:
        return root
    holder = etree.SubElement(root, qname(DSS, "SignatureObject"))
    encoded = base64_text(response.signature)
    if response.subject is Subject.TIMESTAMP:
        stamp = etree.SubElement(holder, qname(DSS, "Timestamp"))
        etree.SubElement(stamp, qname(DSS, "RFC3161TimeStampToken")).text = encoded
    elif response.subject is Subject.CMS:
        etree.SubElement(holder, qname(DSS, "Base64Signature"), Type=CMS).text = encoded
    else:
        # Section 3.5.8. Not as ds:Signature: in another document its canonical form may not be its own any more.
        signed = etree.SubElement(outputs, qname(DSS, "DocumentWithSignature"))
        document = etree.SubElement(signed, qname(DSS, "Document"), ID="Signed")
        if response.subject is Subject.PDF:
            etree.SubElement(document, qname(DSS, "Base64Data"), MimeType=PDF).text = encoded
        else:
            etree.SubElement(document, qname(DSS, "Base64XML")).text = encoded
        etree.SubElement(holder, qname(DSS, "SignaturePtr"), WhichDocument="Signed")
    return root


def read_sign_response(root: etree._Element) -> SignResponse:
    """The response in a SignResponse element. Raises Malformed, Refusal."""
    common, outputs = _read(root, SIGN)
    holder = some(root, DSS, "SignatureObject")
    if holder is None:
        return SignResponse(*common)
    content = only(holder)
    match str(content.tag).removeprefix(f"{{{DSS}}}"):
        case "Timestamp":
            token = octets(one(content, DSS, "RFC3161TimeStampToken"))
            return SignResponse(*common, signature=token, subject=Subject.TIMESTAMP)
        case "Base64Signature" if content.get("Type") == CMS:
            return SignResponse(*common, signature=octets(content), subject=Subject.CMS)
        case "SignaturePtr" if outputs is not None:
            document = one(one(outputs, DSS, "DocumentWithSignature"), DSS, "Document")
            signed = only(document)
            if document.get("ID") == content.get("WhichDocument") and signed.tag in _SIGNED:
                return SignResponse(*common, signature=octets(signed), subject=_SIGNED[signed.tag])
    raise Malformed(f"expected a token, a CMS or a signed document, got {short(content.tag)}")


def place_for_signature(root: etree._Element) -> etree._Element:
    """Where the signature over the whole response goes: an xss:ResponseSignature, made last in OptionalOutputs."""
    outputs = some(root, DSS, "OptionalOutputs")
    if outputs is None:
        outputs = etree.Element(qname(DSS, "OptionalOutputs"))
        root.insert(1, outputs)  # after Result, before what a SignResponse has besides
    return etree.SubElement(outputs, SIGNATURE_PLACE[-1])


def _root(tag: str, response: Response) -> tuple[etree._Element, etree._Element]:
    root = etree.Element(tag, nsmap=_PREFIXES)
    if response.request_id:
        root.set("RequestID", printable(response.request_id))
    root.set("Profile", response.profile)
    result = etree.SubElement(root, qname(DSS, "Result"))
    etree.SubElement(result, qname(DSS, "ResultMajor")).text = response.result.major
    if response.result.minor:
        etree.SubElement(result, qname(DSS, "ResultMinor")).text = response.result.minor
    if response.result.message:
        message = etree.SubElement(result, qname(DSS, "ResultMessage"), {_LANGUAGE: "en"})
        message.text = printable(response.result.message)
    outputs = etree.SubElement(root, qname(DSS, "OptionalOutputs"))
    if response.request_sha256:
        bound = etree.SubElement(outputs, qname(OURS, "RequestDigest"), nsmap={"baas": OURS})
        write_digest(bound, Digest("sha-256", bytes.fromhex(response.request_sha256)))
    return root, outputs


def _read(root: etree._Element, tag: str) -> tuple[tuple[str, str, Result, str], etree._Element | None]:
    if root.tag != tag:
        raise Malformed(f"expected {short(tag)}, got {short(root.tag)}")
    result = one(root, DSS, "Result")
    minor, message = some(result, DSS, "ResultMinor"), some(result, DSS, "ResultMessage")
    outputs = some(root, DSS, "OptionalOutputs")
    bound = None if outputs is None else some(outputs, OURS, "RequestDigest")
    return (
        root.get("RequestID", ""),
        root.get("Profile", ""),
        Result(
            text(one(result, DSS, "ResultMajor")),
            "" if minor is None else text(minor),
            "" if message is None else text(message),
        ),
        "" if bound is None else digest(bound).value.hex(),
    ), outputs


def _write_detail(element: etree._Element, detail: Detail) -> None:
    if detail.code:
        etree.SubElement(element, qname(DSS, "Code")).text = detail.code
    if detail.message:
        etree.SubElement(element, qname(DSS, "Message"), {_LANGUAGE: "en"}).text = printable(detail.message)
    if detail.certificates:
        data = etree.SubElement(element, qname(DS, "X509Data"))
        for certificate in detail.certificates:
            etree.SubElement(data, qname(DS, "X509Certificate")).text = base64_text(certificate)


def _detail(element: etree._Element) -> Detail:
    code, message = some(element, DSS, "Code"), some(element, DSS, "Message")
    data = some(element, DS, "X509Data")
    return Detail(
        element.get("Type", ""),
        "" if message is None else text(message),
        "" if code is None else text(code),
        () if data is None else tuple(octets(child) for child in elements(data)),
    )
