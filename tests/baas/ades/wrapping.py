"""XML signature wrapping: a good signed message, and what becomes of it in the hands of somebody who may move its parts.

Three messages, each signed over an identifier: a SOAP envelope whose body and time are signed by a signature in its
header; an answer that is signed as a whole from inside; a XAdES document. A shape changes a parsed message and never has
the key. The tests say of each whether xmlsec, asked only whether the signature holds, answers that it does: that is the
danger. `LOOSE` are signatures that their signer did make, over references that let another part stand in the signed
one's place, or by algorithms that let others sign.
"""

from __future__ import annotations

import copy
from base64 import b64encode
from collections.abc import Callable

from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from baas.ades.types import Signer
from baas.ades.xml import child, making, parse, properties, sign_enveloped, sign_parts, verify_parts
from baas.ades.xml.names import DS, WSU, ds, xades
from tests.baas.ades.pki import AT, Pki

Element = etree._Element
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
ACT = "urn:example:acta"
EVIL = "9821920002.evil"

_ENVELOPE = f"""<s:Envelope xmlns:s="{SOAP}" xmlns:wsse="{WSSE}" xmlns:wsu="{WSU}"><s:Header><wsse:Security>
<wsu:Timestamp wsu:Id="time"><wsu:Created>2026-11-22T09:30:00Z</wsu:Created></wsu:Timestamp>
</wsse:Security></s:Header><s:Body wsu:Id="body"><who xmlns="{ACT}">9821920002</who></s:Body></s:Envelope>""".encode()
_DOCUMENT = f'<acta xmlns="{ACT}" Id="act"><who>9821920002</who><inside/></acta>'.encode()


def soap(name: str) -> str:
    return f"{{{SOAP}}}{name}"


def wsu(name: str) -> str:
    return f"{{{WSU}}}{name}"


def only(root: Element, tag: str) -> Element:
    (found,) = root.iter(tag)
    return found


def envelope(signer: Signer) -> Element:
    """Body and Timestamp signed by a signature in wsse:Security."""
    root = parse(_ENVELOPE)
    security = root[0][0]
    sign_parts(security, [root[1], security[0]], signer)
    return parse(etree.tostring(root))


def answer(signer: Signer) -> Element:
    """A document signed as a whole by its identifier."""
    root = parse(_DOCUMENT)
    sign_enveloped(root, signer)
    return parse(etree.tostring(root))


def document(signer: Signer) -> Element:
    """XAdES, enveloped, over the root's identifier (this house's own refers to "")."""
    root = parse(_DOCUMENT)
    draft = making.Draft.begin(signer, root, id="xades-1")
    draft.planned.append(making.Planned("#act", root, id="xades-1-document", enveloped=True))
    draft.planned.append(
        properties.write(draft, signer.certificate, AT, of="xades-1-document", mime="text/xml")
    )
    draft.finish()
    return parse(etree.tostring(root))


# --- shapes: each takes the parsed message and gives the changed one


def _moved_aside(signed: Element, aside: Element) -> Element:
    """Puts another element, without identifier, in the place of the signed one, which goes into `aside`; that other one."""
    other = copy.deepcopy(signed)
    for name in list(other.attrib):
        if str(name).rpartition("}")[2] == "Id":
            del other.attrib[name]
    parent = signed.getparent()
    assert parent is not None
    parent.replace(signed, other)
    aside.append(signed)
    return other


def _forge(element: Element) -> None:
    for each in element.iter(f"{{{ACT}}}who"):
        each.text = EVIL


def _aside(parent: Element, at: int | None = None) -> Element:
    made = etree.Element("{urn:example:wrapper}aside")
    parent.insert(len(parent) if at is None else at, made)
    return made


def body_in_the_header(root: Element) -> Element:
    _forge(_moved_aside(root[1], _aside(root[0])))
    return root


def body_in_an_object(root: Element) -> Element:
    holder = etree.SubElement(only(root, ds("Signature")), ds("Object"))
    _forge(_moved_aside(root[1], holder))
    return root


def same_identifier_first(root: Element) -> Element:
    """The signed body stands first, in the header; the forged one has its identifier too."""
    _forge(_moved_aside(root[1], _aside(root[0])))
    root[1].set(wsu("Id"), "body")
    return root


def same_identifier_last(root: Element) -> Element:
    _forge(_moved_aside(root[1], _aside(root)))
    root[1].set(wsu("Id"), "body")
    return root


def same_identifier_under_another_attribute(root: Element) -> Element:
    _forge(_moved_aside(root[1], _aside(root[0])))
    root[1].set("Id", "body")
    return root


def signed_body_inside_a_forged_one(root: Element) -> Element:
    body = root[1]
    other = etree.Element(soap("Body"))
    root.replace(body, other)
    forged = copy.deepcopy(body[0])
    other.append(forged)
    _forge(other)
    other.append(body)
    return root


def two_bodies(root: Element) -> Element:
    other = copy.deepcopy(root[1])
    del other.attrib[wsu("Id")]
    _forge(other)
    root.insert(1, other)
    return root


def body_in_another_namespace(root: Element) -> Element:
    """The signed body goes aside; what stands in its place has its name in another namespace."""
    other = _moved_aside(root[1], _aside(root[0]))
    other.tag = "{urn:example:soap}Body"
    _forge(other)
    return root


def timestamp_injected(root: Element) -> Element:
    """A second time, of today, before the signed one."""
    security = root[0][0]
    other = copy.deepcopy(security[0])
    del other.attrib[wsu("Id")]
    other[0].text = "2027-01-01T00:00:00Z"
    security.insert(0, other)
    return root


def timestamp_moved_aside(root: Element) -> Element:
    security = root[0][0]
    other = _moved_aside(security[0], _aside(root[0]))
    other[0].text = "2027-01-01T00:00:00Z"
    return root


def timestamp_in_another_namespace(root: Element) -> Element:
    """Its prefix means another namespace, where its time is not looked for."""
    security = root[0][0]
    other = _moved_aside(security[0], _aside(root[0]))
    other.tag = "{urn:example:time}Timestamp"
    return root


def signature_in_the_body(root: Element) -> Element:
    root[1].append(only(root, ds("Signature")))
    return root


def signature_aside(root: Element) -> Element:
    _aside(root[0]).append(only(root, ds("Signature")))
    return root


def second_signature(root: Element) -> Element:
    signature = only(root, ds("Signature"))
    parent = signature.getparent()
    assert parent is not None
    parent.append(copy.deepcopy(signature))
    return root


def whole_signed_document_inside_a_forged_one(root: Element) -> Element:
    """The signed document is a child of a forged root, which the signature is moved to."""
    other = copy.deepcopy(root)
    del other.attrib["Id"]
    _forge(other)
    signature = only(root, ds("Signature"))
    other.replace(only(other, ds("Signature")), signature)
    _aside(other).append(root)
    return other


def signature_left_in_the_wrapped_document(root: Element) -> Element:
    other = parse(_DOCUMENT)
    del other.attrib["Id"]
    _forge(other)
    _aside(other).append(root)
    return other


def signed_document_in_an_object(root: Element) -> Element:
    other = copy.deepcopy(root)
    del other.attrib["Id"]
    _forge(other)
    signature = only(root, ds("Signature"))
    other.replace(only(other, ds("Signature")), signature)
    etree.SubElement(signature, ds("Object")).append(root)
    return other


def same_identifier_twice(root: Element) -> Element:
    other = whole_signed_document_inside_a_forged_one(root)
    other.set("Id", "act")
    return other


def same_identifier_as_xml_id(root: Element) -> Element:
    other = whole_signed_document_inside_a_forged_one(root)
    other.set("{http://www.w3.org/XML/1998/namespace}id", "act")
    return other


def signature_deeper(root: Element) -> Element:
    root[1].append(only(root, ds("Signature")))
    return root


def unsigned_object(root: Element) -> Element:
    """Something that the signature does not cover, where a reader may look for it."""
    holder = etree.SubElement(only(root, ds("Signature")), ds("Object"))
    etree.SubElement(holder, f"{{{ACT}}}who").text = EVIL
    return root


def retrieval_method(root: Element) -> Element:
    key = only(root, ds("KeyInfo"))
    etree.SubElement(key, ds("RetrievalMethod"), URI="http://127.0.0.1:9/key", Type=f"{DS}X509Data")
    return root


def no_certificate(root: Element) -> Element:
    key = only(root, ds("KeyInfo"))
    key.getparent().remove(key)  # type: ignore[union-attr]
    return root


def properties_aside(root: Element) -> Element:
    """The signed properties go aside; others, with another time, stand in their place."""
    signature = only(root, ds("Signature"))
    signed = only(root, xades("SignedProperties"))
    other = _moved_aside(signed, etree.SubElement(signature, ds("Object")))
    only(other, xades("SigningTime")).text = "2020-01-01T00:00:00Z"
    return root


def properties_among_the_unsigned(root: Element) -> Element:
    qualifying = only(root, xades("QualifyingProperties"))
    signed = only(root, xades("SignedProperties"))
    unsigned = etree.SubElement(qualifying, xades("UnsignedProperties"))
    place = etree.SubElement(unsigned, xades("UnsignedSignatureProperties"))
    other = _moved_aside(signed, etree.SubElement(place, "aside"))
    only(other, xades("SigningTime")).text = "2020-01-01T00:00:00Z"
    return root


def properties_of_another_signature(root: Element) -> Element:
    only(root, xades("QualifyingProperties")).set("Target", "#xades-2")
    return root


def properties_twice(root: Element) -> Element:
    signature = only(root, ds("Signature"))
    holder = only(root, xades("QualifyingProperties")).getparent()
    assert holder is not None
    signature.append(copy.deepcopy(holder))
    for each in list(signature[-1].iter(etree.Element)):
        each.attrib.pop("Id", None)
    return root


def properties_gone(root: Element) -> Element:
    holder = only(root, xades("QualifyingProperties")).getparent()
    only(root, ds("Signature")).remove(holder)  # type: ignore[arg-type]
    return root


def signed_again(root: Element, change: Callable[[Element], None], signer: Signer) -> Element:
    """The signer's own signature over another SignedInfo: what it would take to make a reader accept a looser reference."""
    info = only(root, ds("SignedInfo"))
    change(info)
    value = only(root, ds("SignatureValue"))
    value.text = making.value_over(info, signer)
    return root


def _transform(algorithm: str, inside: str = "") -> Callable[[Element], None]:
    def change(info: Element) -> None:
        transforms = info.find(f"{ds('Reference')}/{ds('Transforms')}")
        assert transforms is not None
        made = parse(
            f'<ds:Transform xmlns:ds="{DS}" Algorithm="{algorithm}">{inside}</ds:Transform>'.encode()
        )
        transforms.insert(0, made)

    return change


def _only_transform(algorithm: str) -> Callable[[Element], None]:
    def change(info: Element) -> None:
        transforms = info.find(f"{ds('Reference')}/{ds('Transforms')}")
        assert transforms is not None
        for each in list(transforms):
            transforms.remove(each)
        etree.SubElement(transforms, ds("Transform"), Algorithm=algorithm)

    return change


def _attribute(tag: str, name: str, value: str) -> Callable[[Element], None]:
    def change(info: Element) -> None:
        next(info.iter(ds(tag))).set(name, value)

    return change


def _no_references(info: Element) -> None:
    for each in info.findall(ds("Reference")):
        info.remove(each)


def _first_reference_gone(info: Element) -> None:
    info.remove(info.findall(ds("Reference"))[0])


def _twice_the_first(info: Element) -> None:
    info.append(copy.deepcopy(info.findall(ds("Reference"))[0]))


def _nameless(info: Element) -> None:
    del next(info.iter(ds("Reference"))).attrib["URI"]


def _hmac(info: Element) -> None:
    only(info, ds("SignatureMethod")).set("Algorithm", "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256")


REFERENCE_TO_THE_WHOLE = _attribute("Reference", "URI", "")
LOOSE: dict[str, Callable[[Element], None]] = {
    "XPath transform": _transform(
        "http://www.w3.org/TR/1999/REC-xpath-19991116",
        f'<ds:XPath xmlns:ds="{DS}">not(ancestor-or-self::who)</ds:XPath>',
    ),
    "XPath filter": _transform(
        "http://www.w3.org/2002/06/xmldsig-filter2",
        '<f:XPath xmlns:f="http://www.w3.org/2002/06/xmldsig-filter2" Filter="intersect">//who</f:XPath>',
    ),
    "XSLT transform": _transform(
        "http://www.w3.org/TR/1999/REC-xslt-19991116",
        '<x:stylesheet xmlns:x="http://www.w3.org/1999/XSL/Transform" version="1.0">'
        '<x:template match="/"><x:copy-of select="document(&apos;/etc/passwd&apos;)"/></x:template></x:stylesheet>',
    ),
    "base64 transform": _transform(f"{DS}base64"),
    "base64 alone": _only_transform(f"{DS}base64"),
    "another XPath filter": _transform(
        "http://www.w3.org/2002/06/xmldsig-filter2",
        f'<f:XPath xmlns:f="http://www.w3.org/2002/06/xmldsig-filter2" xmlns:ds="{ACT}" Filter="subtract">'
        "/descendant::ds:Signature</f:XPath>",
    ),
    "canonicalisation with comments": _attribute(
        "CanonicalizationMethod", "Algorithm", "http://www.w3.org/2001/10/xml-exc-c14n#WithComments"
    ),
    "reference by XPointer": _attribute("Reference", "URI", "#xpointer(id('act'))"),
    "reference to a file": _attribute("Reference", "URI", "file:///etc/passwd"),
    "reference to an address": _attribute("Reference", "URI", "http://127.0.0.1:9/body"),
    "reference to nobody": _attribute("Reference", "URI", "#nobody"),
    "reference without a name": lambda info: (
        next(info.iter(ds("Reference"))).attrib.pop("URI", None) and None
    ),
    "reference twice": _twice_the_first,
    "first reference gone": _first_reference_gone,
    "no references": _no_references,
    "MD5": _attribute("DigestMethod", "Algorithm", "http://www.w3.org/2001/04/xmldsig-more#md5"),
    "SHA-1": _attribute("DigestMethod", "Algorithm", f"{DS}sha1"),
    "HMAC with the public key": _hmac,
    "RSA-SHA1": _attribute("SignatureMethod", "Algorithm", f"{DS}rsa-sha1"),
}


def swapped_key(root: Element, pki: Pki) -> Element:
    """Another's certificate, trusted and valid, in the place of the signer's."""
    text = b64encode(pki.person.certificate.public_bytes(Encoding.DER)).decode()
    next(root.iter(ds("X509Certificate"))).text = text
    return root


def read_envelope(root: Element) -> Element:
    """The body, as a service reads it: found at its place, and then found to be signed."""
    security = child(child(root, soap("Header")), f"{{{WSSE}}}Security")
    signed = verify_parts(security, [child(root, soap("Body")), child(security, wsu("Timestamp"))])
    return signed.elements[0]


def forged(root: Element) -> Element:
    """Plainly changed."""
    _forge(root)
    return root
