"""What becomes of a secured message in the hands of somebody who may move its parts, and never has its key.

`WRAPPED` keep a signature that holds, or try to, while another Body or another time stands where a reader looks.
`LOOSE` were signed by their own signer, over references that leave room for that. `TOKENS` are about whose key it is. Each
has the code that it is refused with. The tests say of each whether plain xmlsec, and zeep, hold it for signed: they are
asked only whether the signature holds, and where they say that it does is the danger.
"""

from __future__ import annotations

import copy
from collections.abc import Callable

from lxml import etree

from baas.ades.types import Signer
from baas.ades.xml import making
from baas.ades.xml.names import DS, XML, ds
from baas.protocols.pci.codes import Detail
from tests.baas.protocols.wss.messages import (
    REQUEST_ID,
    WSU_ID,
    Element,
    only,
    security_of,
    signature_of,
    soap_name,
    wsse,
    wsu,
)

EVIL = "P-666"
LATER = "2027-01-01T00:00:00Z"
XPATH = "http://www.w3.org/TR/1999/REC-xpath-19991116"

Shape = Callable[[Element], None]


def body_of(root: Element) -> Element:
    """The Envelope's own, the first one."""
    return root.findall(soap_name("Body"))[0]


def what_a_plain_reader_takes(root: Element) -> str | None:
    """Which request it is, for a reader that verifies the signature and then takes the Body by its path."""
    return root.findtext(f"{soap_name('Body')}//{REQUEST_ID}")


def forged(element: Element) -> Element:
    """A copy that is another request, without any identifier of its own."""
    other = copy.deepcopy(element)
    for each in other.iter(REQUEST_ID):
        each.text = EVIL
    other.attrib.pop(WSU_ID, None)
    other.tail = None
    return other


def aside(parent: Element, at: int | None = None) -> Element:
    made = etree.Element("{urn:example:wrapper}aside")
    parent.insert(len(parent) if at is None else at, made)
    return made


def replaced(signed: Element, place: Element) -> Element:
    """Puts the forged copy where the signed element stands, which goes into `place`; the copy."""
    other = forged(signed)
    parent = signed.getparent()
    assert parent is not None
    parent.replace(signed, other)
    place.append(signed)
    return other


# --- the Body


def body_in_the_header(root: Element) -> None:
    replaced(body_of(root), root[0])


def body_in_an_element_of_the_header(root: Element) -> None:
    replaced(body_of(root), aside(root[0]))


def body_in_the_security(root: Element) -> None:
    replaced(body_of(root), security_of(root))


def body_in_an_object_of_the_signature(root: Element) -> None:
    replaced(body_of(root), etree.SubElement(signature_of(root), ds("Object")))


def body_in_an_element_after_the_forged_one(root: Element) -> None:
    replaced(body_of(root), aside(root))


def body_in_an_element_before_the_forged_one(root: Element) -> None:
    replaced(body_of(root), aside(root, 0))


def body_inside_the_forged_one(root: Element) -> None:
    body = body_of(root)
    other = forged(body)
    root.replace(body, other)
    other.append(body)


def second_body_before(root: Element) -> None:
    root.insert(1, forged(body_of(root)))


def second_body_after(root: Element) -> None:
    """The forged one last, where a reader that keeps the last one takes it from."""
    root.append(forged(body_of(root)))


def body_of_another_namespace_in_its_place(root: Element) -> None:
    replaced(body_of(root), aside(root[0])).tag = "{http://www.w3.org/2003/05/soap-envelope}Body"


def body_renamed_and_put_aside(root: Element) -> None:
    """The only soap:Body is the forged one; the signed one is not called so any more."""
    signed = body_of(root)
    replaced(signed, aside(root[0]))
    signed.tag = "{urn:example:wrapper}Body"


def identifier_twice_the_signed_one_first(root: Element) -> None:
    body = body_of(root)
    replaced(body, aside(root[0])).set(WSU_ID, body.get(WSU_ID, ""))


def identifier_twice_the_forged_one_first(root: Element) -> None:
    body = body_of(root)
    replaced(body, aside(root)).set(WSU_ID, body.get(WSU_ID, ""))


def identifier_under_another_attribute(root: Element) -> None:
    body = body_of(root)
    replaced(body, aside(root[0])).set("Id", body.get(WSU_ID, ""))


def identifier_as_xml_id(root: Element) -> None:
    body = body_of(root)
    replaced(body, aside(root[0])).set(f"{{{XML}}}id", body.get(WSU_ID, ""))


def identifier_of_the_body_on_its_content(root: Element) -> None:
    """The signed Body's identifier is on an element that it holds, and the Body has none."""
    body = body_of(root)
    body[0].set(WSU_ID, body.attrib.pop(WSU_ID))  # type: ignore[arg-type]
    only(root, REQUEST_ID).text = EVIL


def second_identifier(root: Element) -> None:
    body_of(root).set("ID", "another")


def envelope_in_a_forged_body(root: Element) -> None:
    """The whole signed message is the content of another's Body; only its Security stands where it is looked for."""
    inner = copy.deepcopy(root)
    security = security_of(inner)
    only(inner, soap_name("Header")).remove(security)
    root[0].replace(security_of(root), security)
    body = body_of(root)
    other = forged(body)
    root.replace(body, other)
    other[0].append(inner)


def something_after_the_body(root: Element) -> None:
    etree.SubElement(root, "{urn:example:wrapper}trailer")


def body_before_the_header(root: Element) -> None:
    root.insert(0, body_of(root))


# --- the time


def _later(timestamp: Element) -> None:
    timestamp[0].text = LATER
    timestamp[1].text = LATER.replace(":00Z", ":50Z")


def timestamp_in_the_header(root: Element) -> None:
    _later(replaced(only(root, wsu("Timestamp")), root[0]))


def timestamp_in_an_element_of_the_security(root: Element) -> None:
    _later(replaced(only(root, wsu("Timestamp")), aside(security_of(root))))


def second_timestamp_before(root: Element) -> None:
    other = forged(only(root, wsu("Timestamp")))
    _later(other)
    security_of(root).insert(0, other)


def timestamp_moved_out(root: Element) -> None:
    root[0].append(only(root, wsu("Timestamp")))


def timestamp_renamed_and_put_aside(root: Element) -> None:
    signed = only(root, wsu("Timestamp"))
    _later(replaced(signed, aside(root[0])))
    signed.tag = "{urn:example:wrapper}Timestamp"


def timestamp_gone(root: Element) -> None:
    security_of(root).remove(only(root, wsu("Timestamp")))


# --- the Security and the signature


def security_gone(root: Element) -> None:
    root[0].remove(security_of(root))


def header_gone(root: Element) -> None:
    root.remove(root[0])


def signature_gone(root: Element) -> None:
    security_of(root).remove(signature_of(root))


def second_security_before(root: Element) -> None:
    root[0].insert(0, etree.Element(wsse("Security")))


def second_security_for_an_actor(root: Element) -> None:
    other = etree.SubElement(root[0], wsse("Security"))
    other.set(soap_name("actor"), "http://schemas.xmlsoap.org/soap/actor/next")


def security_for_an_actor(root: Element) -> None:
    security_of(root).set(soap_name("actor"), "http://schemas.xmlsoap.org/soap/actor/next")


def security_in_an_element(root: Element) -> None:
    aside(root[0]).append(security_of(root))


def security_in_the_body(root: Element) -> None:
    body_of(root).append(security_of(root))


def signature_in_the_header(root: Element) -> None:
    root[0].append(signature_of(root))


def signature_in_the_body(root: Element) -> None:
    body_of(root).append(signature_of(root))


def signature_in_an_element_of_the_security(root: Element) -> None:
    aside(security_of(root)).append(signature_of(root))


def second_signature(root: Element) -> None:
    security_of(root).append(copy.deepcopy(signature_of(root)))


def second_signature_in_the_header(root: Element) -> None:
    root[0].append(copy.deepcopy(signature_of(root)))


def user_name_too(root: Element) -> None:
    token = etree.SubElement(security_of(root), wsse("UsernameToken"))
    etree.SubElement(token, wsse("Username")).text = EVIL


def unsigned_object(root: Element) -> None:
    etree.SubElement(etree.SubElement(signature_of(root), ds("Object")), REQUEST_ID).text = EVIL


def identifier_on_another_element_too(root: Element) -> None:
    aside(root[0]).set("ID", body_of(root).get(WSU_ID, ""))


def identifier_of_the_time_on_another_element_too(root: Element) -> None:
    aside(root[0]).set(WSU_ID, only(root, wsu("Timestamp")).get(WSU_ID, ""))


_W, _U = Detail.WRAPPING, Detail.UNSIGNED
#: What is done → the code that it is refused with, whether plain xmlsec holds it for signed, and whether zeep does.
WRAPPED: dict[Shape, tuple[Detail, bool, bool]] = {
    body_in_the_header: (_W, True, True),
    body_in_an_element_of_the_header: (_W, True, True),
    body_in_the_security: (_W, False, False),
    body_in_an_object_of_the_signature: (_W, False, False),
    body_in_an_element_after_the_forged_one: (_W, True, True),
    body_in_an_element_before_the_forged_one: (_W, True, True),
    body_inside_the_forged_one: (_W, True, True),
    second_body_before: (_W, True, True),
    second_body_after: (_W, True, True),
    body_of_another_namespace_in_its_place: (_W, True, True),
    body_renamed_and_put_aside: (_U, False, False),
    identifier_twice_the_signed_one_first: (_W, False, True),
    identifier_twice_the_forged_one_first: (_W, False, False),
    identifier_under_another_attribute: (_W, False, True),
    identifier_as_xml_id: (_W, False, False),
    identifier_of_the_body_on_its_content: (_U, False, False),
    identifier_on_another_element_too: (_W, False, True),
    identifier_of_the_time_on_another_element_too: (_W, False, True),
    second_identifier: (_W, False, False),
    envelope_in_a_forged_body: (_W, True, True),
    something_after_the_body: (_W, True, True),
    body_before_the_header: (_W, True, True),
    timestamp_in_the_header: (_W, True, True),
    timestamp_in_an_element_of_the_security: (_W, True, True),
    second_timestamp_before: (_W, True, True),
    timestamp_moved_out: (_W, True, True),
    timestamp_renamed_and_put_aside: (_U, False, False),
    timestamp_gone: (Detail.TIMESTAMP, False, False),
    security_gone: (_U, False, False),
    header_gone: (_U, False, False),
    signature_gone: (_U, False, False),
    second_security_before: (_W, True, False),
    second_security_for_an_actor: (_W, True, True),
    security_for_an_actor: (_W, True, True),
    security_in_an_element: (_W, True, False),
    security_in_the_body: (_W, False, False),
    signature_in_the_header: (_W, True, False),
    signature_in_the_body: (_U, False, False),
    signature_in_an_element_of_the_security: (_W, True, False),
    second_signature: (_W, True, True),
    second_signature_in_the_header: (_W, True, True),
    user_name_too: (_W, True, True),
    unsigned_object: (Detail.SIGNATURE, True, True),
}


# --- signed by their own signer, over looser references


def signed_again(root: Element, signer: Signer) -> None:
    only(root, ds("SignatureValue")).text = making.value_over(only(root, ds("SignedInfo")), signer)


def _reference_to(root: Element, element: Element) -> Element:
    name = f"#{element.get(WSU_ID)}"
    return next(each for each in root.iter(ds("Reference")) if each.get("URI") == name)


def _of_the_body(root: Element) -> Element:
    return _reference_to(root, body_of(root))


def _named(uri: str) -> Shape:
    def change(root: Element) -> None:
        _of_the_body(root).set("URI", uri)

    return change


def _transformed(algorithm: str, expression: str = "") -> Shape:
    def change(root: Element) -> None:
        transforms = _of_the_body(root).find(ds("Transforms"))
        assert transforms is not None
        made = etree.Element(ds("Transform"), Algorithm=algorithm)
        if expression:
            etree.SubElement(made, ds("XPath")).text = expression
        transforms.insert(0, made)

    return change


def _without_the_body(root: Element) -> None:
    only(root, ds("SignedInfo")).remove(_of_the_body(root))


def _without_the_time(root: Element) -> None:
    only(root, ds("SignedInfo")).remove(_reference_to(root, only(root, wsu("Timestamp"))))


def _body_twice(root: Element) -> None:
    reference = _of_the_body(root)
    only(root, ds("SignedInfo")).append(copy.deepcopy(reference))


def _body_for_the_time(root: Element) -> None:
    _without_the_time(root)
    _body_twice(root)


def _content_alone(root: Element) -> None:
    """What the Body holds is signed, and not the Body: whatever stands beside it is not."""
    content = body_of(root)[0]
    content.set(WSU_ID, "content")
    _of_the_body(root).set("URI", "#content")


def _token_too(root: Element) -> None:
    reference = copy.deepcopy(_of_the_body(root))
    reference.set("URI", f"#{only(root, wsse('BinarySecurityToken')).get(WSU_ID)}")
    only(root, ds("SignedInfo")).append(reference)


def _nameless(root: Element) -> None:
    del _of_the_body(root).attrib["URI"]


def _hmac(root: Element) -> None:
    only(root, ds("SignatureMethod")).set("Algorithm", f"{DS}hmac-sha1")


def _commented(root: Element) -> None:
    only(root, ds("CanonicalizationMethod")).set(
        "Algorithm", "http://www.w3.org/2001/10/xml-exc-c14n#WithComments"
    )


_S = Detail.SIGNATURE
#: Name → what the signer's SignedInfo is made to say, and the code. The signer's own key signs it.
LOOSE: dict[str, tuple[Shape, Detail]] = {
    "the whole document": (_named(""), _W),
    "XPointer": (_named("#xpointer(/*/*[2])"), _W),
    "XPointer to the identifier": (_named("#xpointer(id('body'))"), _W),
    "a file": (_named("file:///etc/passwd"), _W),
    "an address": (_named("http://127.0.0.1:9/body"), _W),
    "an attachment": (_named("cid:body@example.org"), _W),
    "nobody": (_named("#nobody"), _W),
    "no name": (_nameless, _W),
    "XPath": (_transformed(XPATH, "not(ancestor-or-self::*[local-name()='procesa'])"), _S),
    "the signature left out": (_transformed(f"{DS}enveloped-signature"), _S),
    "base64": (_transformed(f"{DS}base64"), _S),
    "XSLT": (_transformed("http://www.w3.org/TR/1999/REC-xslt-19991116"), _S),
    "STR transform": (
        _transformed(
            "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#STR-Transform"
        ),
        _S,
    ),
    "only the time": (_without_the_body, _U),
    "only the body": (_without_the_time, _U),
    "the body twice": (_body_twice, _W),
    "the body in place of the time": (_body_for_the_time, _W),
    "the content and not the body": (_content_alone, _W),
    "the token too": (_token_too, _W),
    "HMAC": (_hmac, _S),
    "comments too": (_commented, _S),
}


# --- whose key it is


def _second_token(root: Element) -> None:
    token = only(root, wsse("BinarySecurityToken"))
    other = copy.deepcopy(token)
    other.set(WSU_ID, "another")
    token.addprevious(other)


def _second_token_that_key_info_names(root: Element) -> None:
    _second_token(root)
    only(root, wsse("Reference")).set("URI", "#another")


def _token_in_the_header(root: Element) -> None:
    root[0].append(only(root, wsse("BinarySecurityToken")))


def _no_token(root: Element) -> None:
    security_of(root).remove(only(root, wsse("BinarySecurityToken")))


def _nameless_token(root: Element) -> None:
    del only(root, wsse("BinarySecurityToken")).attrib[WSU_ID]


def _set(tag: str, name: str, value: str) -> Shape:
    def change(root: Element) -> None:
        only(root, tag).set(name, value)

    return change


def _token_text(text: str) -> Shape:
    def change(root: Element) -> None:
        only(root, wsse("BinarySecurityToken")).text = text

    return change


def _key_info(*inside: Element) -> Shape:
    def change(root: Element) -> None:
        key_info = only(root, ds("KeyInfo"))
        for each in list(key_info):
            key_info.remove(each)
        key_info.extend(copy.deepcopy(each) for each in inside)

    return change


def _no_key_info(root: Element) -> None:
    signature_of(root).remove(only(root, ds("KeyInfo")))


def _certificate_in_key_info_too(root: Element) -> None:
    data = etree.SubElement(only(root, ds("KeyInfo")), ds("X509Data"))
    etree.SubElement(data, ds("X509Certificate")).text = only(root, wsse("BinarySecurityToken")).text


def _key_identifier() -> Element:
    made = etree.Element(wsse("SecurityTokenReference"))
    etree.SubElement(made, wsse("KeyIdentifier")).text = "AAAA"
    return made


def _embedded() -> Element:
    made = etree.Element(wsse("SecurityTokenReference"))
    etree.SubElement(made, wsse("Embedded"))
    return made


def _retrieval() -> Element:
    return etree.Element(ds("RetrievalMethod"), URI="http://127.0.0.1:9/key")


_C = Detail.CERTIFICATE
#: Name → what becomes of the token and of the reference to it, and the code.
TOKENS: dict[str, tuple[Shape, Detail]] = {
    "two tokens": (_second_token, _W),
    "two tokens, and the other one is named": (_second_token_that_key_info_names, _W),
    "a token in the header": (_token_in_the_header, _W),
    "no token": (_no_token, _C),
    "a token without a name": (_nameless_token, _W),
    "KeyInfo names the body": (_set(wsse("Reference"), "URI", "#body"), _W),
    "KeyInfo names an address": (_set(wsse("Reference"), "URI", "http://127.0.0.1:9/token"), _W),
    "KeyInfo names nothing": (_set(wsse("Reference"), "URI", ""), _W),
    "a reference of another type": (_set(wsse("Reference"), "ValueType", "urn:example:saml"), _C),
    "a token of another type": (_set(wsse("BinarySecurityToken"), "ValueType", "urn:example:kerberos"), _C),
    "a token in hexadecimal": (_set(wsse("BinarySecurityToken"), "EncodingType", "urn:example:hex"), _C),
    "a token that is not base64": (_token_text("*"), _C),
    "a token that is no certificate": (_token_text("AAAA"), _C),
    "an empty token": (_token_text(""), _C),
    "no KeyInfo": (_no_key_info, _C),
    "an empty KeyInfo": (_key_info(), _C),
    "a key identifier": (_key_info(_key_identifier()), _C),
    "an embedded token": (_key_info(_embedded()), _C),
    "a key to be fetched": (_key_info(_retrieval()), _C),
    "a certificate in KeyInfo too": (_certificate_in_key_info_too, _C),
}


def swapped(root: Element, other: bytes) -> None:
    """The token of another message, whose certificate is as good, in the place of the signer's."""
    token = only(root, wsse("BinarySecurityToken"))
    token.text = only(etree.fromstring(other), wsse("BinarySecurityToken")).text
