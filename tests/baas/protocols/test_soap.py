"""SOAP 1.1 envelopes: read strictly, written plainly."""

from __future__ import annotations

import pytest
from lxml import etree

from baas.protocols import soap
from baas.protocols.soap import Fault, FaultCode, SoapError
from tests.baas.protocols.judge import complaints

LIMIT = 100_000
S = 'xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"'


def read(message: str) -> etree._Element | Fault:
    return soap.read(message.encode(), limit=LIMIT)


def refused(message: str) -> SoapError:
    with pytest.raises(SoapError) as caught:
        read(message)
    return caught.value


def test_what_is_written_is_read_again() -> None:
    content = etree.fromstring('<a:b xmlns:a="urn:a" xmlns:unused="urn:u" c="1">text</a:b>')
    found = soap.read(soap.envelope(content), limit=LIMIT)
    assert isinstance(found, etree._Element)
    assert etree.tostring(found, method="c14n") == etree.tostring(content, method="c14n")


def test_the_element_read_is_a_document_of_its_own() -> None:
    found = read(f'<s:Envelope {S}><s:Body Id="outside"><a xmlns="urn:a"/></s:Body></s:Envelope>')
    assert isinstance(found, etree._Element)
    assert found.getparent() is None
    assert found.getroottree().getroot() is found
    assert found.nsmap == {None: "urn:a"}


def test_a_fault_is_written_and_read() -> None:
    message = soap.fault(SoapError(FaultCode.CLIENT, "no\x00thing <of> this"))
    assert complaints(message) == []
    assert soap.read(message, limit=LIMIT) == Fault("Client", "no\N{REPLACEMENT CHARACTER}thing <of> this")


@pytest.mark.parametrize(
    ("message", "code", "words"),
    [
        ("<a/>", FaultCode.CLIENT, "expected a SOAP 1.1 Envelope"),
        (
            '<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"><e:Body><a/></e:Body></e:Envelope>',
            FaultCode.VERSION_MISMATCH,
            "SOAP 1.2",
        ),
        (f"<s:Envelope {S}/>", FaultCode.CLIENT, "then one Body"),
        (f"<s:Envelope {S}><s:Body/></s:Envelope>", FaultCode.CLIENT, "got 0"),
        (f"<s:Envelope {S}><s:Body><a/><b/></s:Body></s:Envelope>", FaultCode.CLIENT, "got 2"),
        (
            f"<s:Envelope {S}><s:Body><a/></s:Body><s:Body><b/></s:Body></s:Envelope>",
            FaultCode.CLIENT,
            "one Body",
        ),
        (f"<s:Envelope {S}><s:Body><a/></s:Body><s:Header/></s:Envelope>", FaultCode.CLIENT, "one Body"),
        (f"<s:Envelope {S}><x/><s:Body><a/></s:Body></s:Envelope>", FaultCode.CLIENT, "nothing else"),
        (
            f'<s:Envelope {S}><s:Header><h s:mustUnderstand="1"/></s:Header><s:Body><a/></s:Body></s:Envelope>',
            FaultCode.MUST_UNDERSTAND,
            "h must be",
        ),
        (
            f'<!DOCTYPE s:Envelope [<!ENTITY x "y">]><s:Envelope {S}><s:Body><a>&x;</a></s:Body></s:Envelope>',
            FaultCode.CLIENT,
            "document type declaration",
        ),
        ("not xml", FaultCode.CLIENT, "cannot be read safely"),
    ],
)
def test_what_is_no_soap_1_1_message(message: str, code: FaultCode, words: str) -> None:
    error = refused(message)
    assert error.code is code
    assert words in str(error)


def test_a_header_that_need_not_be_understood_is_let_pass() -> None:
    found = read(
        f'<s:Envelope {S}><s:Header><h s:mustUnderstand="0"/></s:Header><s:Body><a/></s:Body></s:Envelope>'
    )
    assert isinstance(found, etree._Element)
    assert found.tag == "a"


def test_the_media_type_has_no_parameters() -> None:
    assert soap.media_type(' Text/XML; charset="utf-8"') == "text/xml"
