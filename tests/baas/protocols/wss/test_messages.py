"""A secured message, there and back."""

from __future__ import annotations

import base64
from datetime import timedelta

import pytest
from lxml import etree

from baas.ades.xml import making
from baas.ades.xml.names import ds
from baas.protocols import soap, wss
from baas.protocols.pci.codes import Detail
from baas.protocols.soap import FaultCode, SoapError
from baas.protocols.wss import WssError
from tests.baas.ades.pki import AT, Pki
from tests.baas.protocols.wss import messages
from tests.baas.protocols.wss.messages import ENVELOPE, LIMIT, read, secured, who, wsse, wsu

ORDER_P256 = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def test_there_and_back(pki: Pki) -> None:
    found = read(secured(pki.seal))
    assert who(found) == "9821920002"
    assert found.body_element.getparent() is None
    assert found.certificate == pki.seal.certificate
    assert (found.created, found.expires) == (AT, AT + timedelta(seconds=60))
    assert not found.sha1


def test_an_envelope_as_an_element_is_left_as_it_was(pki: Pki) -> None:
    root = etree.fromstring(ENVELOPE)
    before = etree.tostring(root)
    assert who(read(wss.secure(root, pki.seal, AT))) == "9821920002"
    assert etree.tostring(root) == before


def test_other_headers_stay_and_are_not_looked_at(pki: Pki) -> None:
    root = etree.fromstring(ENVELOPE)
    header = etree.Element(soap.HEADER)
    etree.SubElement(header, "{urn:a}trace").text = "7"
    root.insert(0, header)
    assert who(read(wss.secure(root, pki.seal, AT))) == "9821920002"
    header[0].set(messages.soap_name("mustUnderstand"), "1")
    with pytest.raises(SoapError) as caught:
        read(wss.secure(root, pki.seal, AT))
    assert caught.value.code is FaultCode.MUST_UNDERSTAND


def test_signed_content_in_the_body_is_content(pki: Pki) -> None:
    """A signature inside the Body is none of the message's own, whatever it holds."""
    inner = etree.fromstring(secured(pki.person))
    root = etree.fromstring(ENVELOPE)
    messages.only(root, f"{{{messages.PETITION}}}Peticion").append(messages.signature_of(inner))
    assert read(wss.secure(root, pki.seal, AT)).certificate == pki.seal.certificate


@pytest.mark.parametrize(
    "envelope",
    [b"<a/>", b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"/>', "secured"],
    ids=["no envelope", "no body", "secured already"],
)
def test_what_cannot_be_secured(pki: Pki, envelope: bytes | str) -> None:
    with pytest.raises(ValueError, match=r"SOAP 1\.1 Envelope|secured|has a wsse:Security"):
        wss.secure(secured(pki.seal) if isinstance(envelope, str) else envelope, pki.seal, AT)


@pytest.mark.parametrize(
    "ttl", [timedelta(0), timedelta(seconds=-1), wss.MAX_TTL + timedelta(milliseconds=1)]
)
def test_a_message_counts_for_a_short_time(pki: Pki, ttl: timedelta) -> None:
    with pytest.raises(ValueError, match="counts for"):
        secured(pki.seal, ttl=ttl)
    assert read(secured(pki.seal, ttl=wss.MAX_TTL)).expires == AT + wss.MAX_TTL


def test_what_a_cache_of_messages_remembers(pki: Pki) -> None:
    """The same for a message however its signature is written, another for every other message."""
    message = secured(pki.seal)
    key = read(message).replay_key
    assert len(key) == 32
    assert read(secured(pki.seal)).replay_key != key
    root = etree.fromstring(message)
    value = messages.only(root, ds("SignatureValue"))
    raw = base64.b64decode(value.text or "")
    value.text = "\n".join(base64.b64encode(raw).decode())
    assert read(root).replay_key == key
    # the other half of the curve: anybody makes this second signature, without the key
    s = ORDER_P256 - int.from_bytes(raw[32:])
    value.text = base64.b64encode(raw[:32] + s.to_bytes(32)).decode()
    assert read(root).replay_key == key
    root[1].tail = "\n"
    etree.SubElement(root[0], "{urn:a}trace").text = "7"
    assert read(root).replay_key == key


def test_the_same_content_signed_by_two_is_two_messages(pki: Pki) -> None:
    """Whoever signs another's very words first does not have the other's message taken for a repetition."""
    root = etree.fromstring(secured(pki.seal))
    key = read(root).replay_key
    messages.only(root, ds("SignatureValue")).text = making.value_over(
        messages.only(root, ds("SignedInfo")), pki.person
    )
    token = messages.only(etree.fromstring(secured(pki.person)), wsse("BinarySecurityToken"))
    messages.only(root, wsse("BinarySecurityToken")).text = token.text
    found = read(root)
    assert found.certificate == pki.person.certificate
    assert found.replay_key != key


def test_plain(pki: Pki) -> None:
    assert wss.read_plain(ENVELOPE, limit=LIMIT).tag == "{http://www.openuri.org/}procesa"
    with pytest.raises(WssError) as caught:
        wss.read_plain(secured(pki.seal), limit=LIMIT)
    assert caught.value.detail is Detail.SECURITY
    root = etree.fromstring(ENVELOPE)
    messages.only(root, f"{{{messages.PETITION}}}Atributos").append(etree.Element(wsse("Security")))
    with pytest.raises(WssError) as caught:
        wss.read_plain(etree.tostring(root), limit=LIMIT)
    assert caught.value.detail is Detail.SECURITY
    with pytest.raises(SoapError):
        wss.read_plain(soap.fault(SoapError(FaultCode.CLIENT, "no")), limit=LIMIT)


def test_times_are_written_in_milliseconds(pki: Pki) -> None:
    root = etree.fromstring(wss.secure(ENVELOPE, pki.seal, AT + timedelta(microseconds=123_987)))
    assert messages.only(root, wsu("Created")).text == "2026-11-22T09:30:00.123Z"
    assert messages.only(root, wsu("Expires")).text == "2026-11-22T09:31:00.123Z"
