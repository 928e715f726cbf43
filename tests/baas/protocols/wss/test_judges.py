"""What is secured here is verified by zeep, xmlsec and signxml; what zeep secures by xmlsec is read here."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
import signxml
import xmlsec
import zeep.exceptions
from lxml import etree

from baas.ades.types import Signer
from baas.ades.xml.names import ds
from baas.protocols.pci.codes import Detail
from baas.protocols.wss import WssError
from tests.baas.ades import xmljudges
from tests.baas.ades.pki import AT, Pki
from tests.baas.protocols.wss import messages, shapes
from tests.baas.protocols.wss.messages import Zeep, read, secured, who, wsu

SHA256 = xmlsec.constants.TransformSha256
SHA1 = xmlsec.constants.TransformSha1
ECDSA = (xmlsec.constants.TransformEcdsaSha256, SHA256)
RSA = (xmlsec.constants.TransformRsaSha256, SHA256)
RSA_SHA1 = (xmlsec.constants.TransformRsaSha1, SHA1)
CREATED, EXPIRES = "2026-11-22T09:29:50Z", "2026-11-22T09:30:50Z"


@pytest.fixture(scope="session")
def rsa(pki: Pki) -> Signer:
    return pki.issuing.signer("Aplicació RSA", key=xmljudges.rsa_key())


@pytest.fixture(params=["ecdsa", "rsa"])
def signer(request: pytest.FixtureRequest, pki: Pki, rsa: Signer) -> Signer:
    return rsa if request.param == "rsa" else pki.seal


def refused(message: etree._Element, **options: object) -> Detail:
    with pytest.raises(WssError) as caught:
        read(message, **options)  # type: ignore[arg-type]
    return caught.value.detail


def test_xmlsec_and_signxml_verify_what_is_secured_here(signer: Signer) -> None:
    root = etree.fromstring(secured(signer))
    assert xmljudges.xmlsec_verifies(root, signer.certificate)
    expected = signxml.SignatureConfiguration(expect_references=2, location=".//")
    found = signxml.XMLVerifier().verify(root, x509_cert=signer.certificate, expect_config=expected)
    assert isinstance(found, list)
    assert {str(each.signed_xml.tag) for each in found if each.signed_xml is not None} == {
        wsu("Timestamp"),
        messages.soap_name("Body"),
    }
    messages.only(root, messages.WHO).text = "9821920003"
    assert not xmljudges.xmlsec_verifies(root, signer.certificate)
    with pytest.raises(signxml.exceptions.InvalidDigest):
        signxml.XMLVerifier().verify(root, x509_cert=signer.certificate, expect_config=expected)


def test_zeep_verifies_what_is_secured_here(signer: Signer, pki: Pki, tmp_path: Path) -> None:
    client = Zeep(tmp_path, signer, *ECDSA)
    root = etree.fromstring(secured(signer))
    assert client.verify(root) is root
    for tag in (messages.WHO, wsu("Created"), wsu("Expires")):
        changed = etree.fromstring(secured(signer))
        element = messages.only(changed, tag)
        element.text = (element.text or "").replace("2", "3", 1)
        with pytest.raises(zeep.exceptions.SignatureVerificationFailed):
            client.verify(changed)
    with pytest.raises(zeep.exceptions.SignatureVerificationFailed):
        client.verify(etree.fromstring(secured(pki.person)))


@pytest.mark.parametrize(
    "times", [(CREATED, EXPIRES), ("2026-11-22T09:29:50+00:00", "2026-11-22T09:30:50+00:00")]
)
def test_what_zeep_secures_is_read_here(
    signer: Signer, rsa: Signer, tmp_path: Path, times: tuple[str, str]
) -> None:
    """Both ways in which zeep's own helper writes a time, with and without `zulu_timestamp`."""
    root = Zeep(tmp_path, signer, *(RSA if signer is rsa else ECDSA)).stamped(*times)
    found = read(root)
    assert (found.certificate, who(found), found.sha1) == (signer.certificate, "9821920002", False)
    assert (found.created, found.expires) == (AT - timedelta(seconds=10), AT + timedelta(seconds=50))


def test_sha_1_of_old_clients_is_read_only_where_it_is_said(rsa: Signer, tmp_path: Path) -> None:
    """RSA-SHA1 is what zeep does when nobody says otherwise, and what AOC's own sample does."""
    root = Zeep(tmp_path, rsa, None, None).stamped(CREATED, EXPIRES)
    assert refused(root) is Detail.SIGNATURE
    found = read(root, legacy_sha1=True)
    assert (found.sha1, who(found)) == (True, "9821920002")
    root = Zeep(tmp_path, rsa, *RSA_SHA1).stamped(CREATED, EXPIRES)
    assert refused(root) is Detail.SIGNATURE


def loosely_signed(
    signer: Signer, uri: str, transforms: tuple[object, ...], expression: str = ""
) -> etree._Element:
    """A message that xmlsec signs by one reference, with a token and a Timestamp as they should be."""
    root = etree.fromstring(secured(signer))
    old, body = messages.signature_of(root), root[1]
    key_info = messages.only(root, ds("KeyInfo"))
    made = xmlsec.template.create(
        root, xmlsec.constants.TransformExclC14N, xmlsec.constants.TransformEcdsaSha256
    )
    messages.security_of(root).replace(old, made)
    reference = xmlsec.template.add_reference(made, SHA256, uri=uri)  # type: ignore[arg-type]
    for transform in transforms:
        xmlsec.template.add_transform(reference, transform)  # type: ignore[arg-type]
    for each in made.iter(ds("XPath"), ds("Transform")):
        if expression and each.get("Algorithm") == shapes.XPATH:
            etree.SubElement(each, ds("XPath")).text = expression
    body.set(messages.WSU_ID, "body")
    context = xmlsec.SignatureContext()
    context.register_id(body, "Id", messages.WSU)
    context.key = xmlsec.Key.from_memory(xmljudges.key_pem(signer), xmlsec.constants.KeyDataFormatPem)
    context.sign(made)
    made.append(key_info)
    return root


@pytest.mark.parametrize(
    ("uri", "transforms", "expression", "detail"),
    [
        ("", (xmlsec.constants.TransformEnveloped, xmlsec.constants.TransformExclC14N), "", Detail.UNSIGNED),
        ("#body", (xmlsec.constants.TransformExclC14N,), "", Detail.UNSIGNED),
        (
            "#body",
            (xmlsec.constants.TransformXPath, xmlsec.constants.TransformExclC14N),
            "not(ancestor-or-self::*[local-name()='Atributos'])",
            Detail.SIGNATURE,
        ),
    ],
    ids=["the whole document", "the body alone", "the body less its attributes, by XPath"],
)
def test_what_xmlsec_signs_and_verifies_too_loosely(
    pki: Pki, uri: str, transforms: tuple[object, ...], expression: str, detail: Detail
) -> None:
    root = loosely_signed(pki.seal, uri, transforms, expression)
    assert xmljudges.xmlsec_verifies(root, pki.seal.certificate)
    assert refused(root) is detail
    messages.only(root, messages.REQUEST_ID).text = shapes.EVIL
    assert xmljudges.xmlsec_verifies(root, pki.seal.certificate) is bool(expression)


def test_zeep_without_a_timestamp_is_refused(pki: Pki, tmp_path: Path) -> None:
    root = Zeep(tmp_path, pki.seal, *ECDSA).unstamped()
    assert refused(root) is Detail.TIMESTAMP
    assert refused(root, unsigned_timestamp=True) is Detail.TIMESTAMP


def test_a_timestamp_that_is_not_signed_is_read_only_where_it_is_said(pki: Pki, tmp_path: Path) -> None:
    """And then tells nothing: whoever sends the message again writes another, so the message never ends."""
    root = Zeep(tmp_path, pki.seal, *ECDSA).unstamped()
    times = Zeep(tmp_path, pki.seal, *ECDSA).stamped(CREATED, EXPIRES)
    messages.security_of(root).append(messages.only(times, wsu("Timestamp")))
    assert refused(root) is Detail.UNSIGNED
    with pytest.raises(WssError, match="Body and the Timestamp: sign both"):
        read(root)
    found = read(root, unsigned_timestamp=True)
    assert (who(found), found.created, found.expires) == ("9821920002", None, None)
    for element in messages.only(root, wsu("Timestamp")):
        element.text = (element.text or "").replace("T09", "T11")
    assert refused(root, unsigned_timestamp=True) is Detail.TIMESTAMP
    again = read(root, AT + timedelta(hours=2), unsigned_timestamp=True)
    assert again.replay_key == found.replay_key
    signed = read(secured(pki.seal), unsigned_timestamp=True)
    assert signed.expires == AT + timedelta(seconds=60)
