"""Shapes of messages and of HTTP that could be read in two ways, and what changes between two messages of one request."""

from __future__ import annotations

import copy
import gzip
import zlib
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from lxml import etree

from baas.ades.xml.names import ID_ATTRIBUTES, WSU, ds
from baas.exchange_service import http
from baas.protocols import soap
from baas.protocols.pci import writing
from baas.protocols.pci.codes import Detail, State
from baas.protocols.pci.messages import Poll
from baas.protocols.wss.names import SECURITY
from tests.baas.exchange_service.place import (
    DOORS,
    FIRST,
    SECOND,
    Client,
    MovedClock,
    Place,
    number_of,
)
from tests.baas.exchange_service.test_attacks import (
    FORGED,
    everything,
    message_of,
    outcome,
    raw,
    sent,
    stored,
    with_attachment,
)

Element = etree._Element
XENC = "http://www.w3.org/2001/04/xmlenc#"


@pytest.fixture
def client(place: Place) -> Client:
    return place.client()


# --- security that is there twice, or is of another kind


def _security(root: Element) -> Element:
    return next(root.iter(SECURITY))


def second_security_of_its_own(root: Element) -> None:
    _security(root).addnext(copy.deepcopy(_security(root)))


def empty_security_first(root: Element) -> None:
    _security(root).addprevious(etree.Element(SECURITY))


def encrypted_key(root: Element) -> None:
    etree.SubElement(_security(root), f"{{{XENC}}}EncryptedKey")


def encrypted_data(root: Element) -> None:
    etree.SubElement(_security(root), f"{{{XENC}}}EncryptedData")


def signature_confirmation(root: Element) -> None:
    etree.SubElement(
        _security(root),
        "{http://docs.oasis-open.org/wss/oasis-wss-wssecurity-secext-1.1.xsd}SignatureConfirmation",
    )


def identifiers_of_another_kind(attribute: str) -> Callable[[Element], None]:
    """The Body's identifier once more, as an attribute that another reader takes for one, on what it holds."""

    def change(root: Element) -> None:
        body = next(root.iter(soap.BODY))
        (own,) = (body.get(each) for each in ID_ATTRIBUTES if body.get(each) is not None)
        etree.SubElement(next(root.iter(soap.HEADER)), "{urn:example}more").set(attribute, own or "")

    return change


def transform_added(root: Element) -> None:
    transforms = next(root.iter(ds("Transforms")))
    etree.SubElement(transforms, ds("Transform"), Algorithm="http://www.w3.org/2002/06/xmldsig-filter2")


def redefined_prefix(root: Element) -> None:
    """The Body holds the same element under a prefix that means something else there."""
    body = next(root.iter(soap.BODY))
    text = etree.tostring(body[0]).replace(b"http://www.openuri.org/", b"urn:example:other")
    body[0].getparent().replace(body[0], etree.fromstring(text))


W = Detail.WRAPPING
SHAPES: dict[str, tuple[Callable[[Element], None], Detail | str]] = {
    "two Security, both whole": (second_security_of_its_own, W),
    "an empty Security first": (empty_security_first, W),
    "EncryptedKey": (encrypted_key, W),
    "EncryptedData": (encrypted_data, W),
    "SignatureConfirmation": (signature_confirmation, W),
    "wsu:Id twice": (identifiers_of_another_kind(f"{{{WSU}}}Id"), W),
    "xml:id too": (identifiers_of_another_kind("{http://www.w3.org/XML/1998/namespace}id"), W),
    "Id too": (identifiers_of_another_kind("Id"), W),
    "ID too": (identifiers_of_another_kind("ID"), W),
    "a Transform more": (transform_added, Detail.SIGNATURE),
    "a prefix that means another namespace": (redefined_prefix, "Fault"),
}


@pytest.mark.parametrize("name", SHAPES)
def test_shapes_that_could_be_read_in_two_ways(place: Place, client: Client, name: str) -> None:
    before = stored(place)
    change, expected = SHAPES[name]
    root = etree.fromstring(message_of(client))
    change(root)
    assert sent(client, root) == expected
    assert stored(place) == before


@pytest.mark.parametrize("kind", [b"<!--%s-->", b"<![CDATA[%s]]>"])
def test_a_comment_in_a_word_cuts_nothing_off(place: Place, client: Client, kind: bytes) -> None:
    """A comment is not signed: a reader that stops at it takes another word than the one that was signed."""
    request_id = f"comments {len(kind)}"
    message = message_of(client, request_id)
    parts = message.split(request_id.encode())
    assert len(parts) == 2
    middle = b"" if b"CDATA" in kind else b"x"
    cut = request_id.encode()[:4] + kind % middle + request_id.encode()[4:]
    assert sent(client, cut.join(parts)) == State.FINISHED
    assert place.service.exchanged(FIRST, request_id) is not None
    assert place.service.exchanged(FIRST, request_id[:4]) is None
    two = message_of(client, f"{request_id} two").split(FIRST.encode())
    commented = (FIRST.encode()[:6] + kind % middle + FIRST.encode()[6:]).join(two)
    assert sent(client, commented) == State.FINISHED


def test_an_instruction_in_a_word(client: Client) -> None:
    assert sent(client, message_of(client).replace(b"attacked", b"atta<?x?>cked")) == "Fault"


@pytest.mark.parametrize("encoding", ["UTF-7", "UTF-16", "UTF-32", "EBCDIC-CP-US", "x-user-defined"])
def test_encodings_in_which_bytes_mean_something_else(client: Client, encoding: str) -> None:
    message = message_of(client).replace(b'encoding="UTF-8"', f'encoding="{encoding}"'.encode())
    message = message.replace(b"encoding='UTF-8'", f"encoding='{encoding}'".encode())
    assert encoding.encode() in message
    assert sent(client, message) == "Fault"
    if encoding != "x-user-defined":
        codec = {"EBCDIC-CP-US": "cp037"}.get(encoding, encoding)
        assert sent(client, message.decode().encode(codec)) == "Fault"


def test_a_document_type_in_the_root_of_attachments(place: Place, client: Client) -> None:
    shown = place.client(shown=client.signer)
    made = with_attachment(shown, "attacked")
    doctype = b'<!DOCTYPE e [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    for at in (b"<soapenv:Envelope", b"<?xml"):
        assert at in made.body
        body = made.body.replace(at, doctype + at, 1)
        answer = shown.post("Sincron", body, **{"Content-Type": made.content_type})
        assert outcome(answer) == "Fault"
        assert b"root:" not in answer.content


# --- HTTP


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "x-gzip", "gzip, gzip"])
def test_bombs_by_content_encoding(place: Place, client: Client, coding: str) -> None:
    """Nothing is inflated; and a message that says that it must be is not read as it is."""
    message, before = message_of(client), stored(place)
    bomb = gzip.compress(b" " * (http.MOST_BYTES * 4))
    for body in (gzip.compress(message), zlib.compress(message), bomb, message):
        answer = client.post("Sincron", body, **{"Content-Encoding": coding})
        assert (answer.status_code, outcome(answer)) == (415, "Fault")
    assert stored(place) == before


def test_a_length_and_chunks(place: Place, client: Client) -> None:
    message, before = message_of(client), stored(place)
    head = f"POST {DOORS}/Sincron HTTP/1.1\r\nHost: a\r\nContent-Type: text/xml\r\n"
    chunked = f"{len(message):x}\r\n".encode() + message + b"\r\n0\r\n\r\n"
    for lengths in (
        f"Content-Length: {len(chunked)}\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
    ):
        with raw(place) as connection:
            connection.sendall(f"{head}{lengths}\r\n".encode() + chunked)
            found = everything(connection)
            assert b" 400 " in found
            assert b"HTTP/1.1 200" not in found
    assert stored(place) == before


def test_headers_that_smuggle(place: Place, client: Client) -> None:
    message, before = message_of(client), stored(place)
    start = f"POST {DOORS}/Sincron HTTP/1.1\r\nHost: a\r\nContent-Type: text/xml\r\nConnection: close\r\n"
    length = f"Content-Length: {len(message)}\r\n"
    for lines in (
        f"Content-Length : {len(message)}\r\n",
        f"{length}Transfer-Encoding:\x0bchunked\r\n",
        f"Content-Length: +{len(message)}\r\n",
        f"Content-Length: 0x{len(message):x}\r\n",
        f"Content-Length: {len(message)}, {len(message) + 1}\r\n",
        f"{length}Bad header\r\n",
        f"{length}X: a\x00b\r\n",
    ):
        with raw(place) as connection:
            connection.sendall(f"{start}{lines}\r\n".encode() + message)
            assert b"HTTP/1.1 200" not in everything(connection), lines
    assert stored(place) == before


# --- one request over time


def test_an_identifier_is_an_organisations_own(place: Place) -> None:
    place.service.authorise(SECOND, "DIARY", "LINE", "PROVES")
    first, second = place.client(), place.client(SECOND)
    one, other = first.sync(first.request("of both", "one")), second.sync(second.request("of both", "other"))
    assert number_of(one) != number_of(other)
    assert second.poll(second.request("of both", "other")).answers != one.answers
    again = first.sync(first.request("of both", "one"))
    assert number_of(again) == number_of(one)


def test_identifiers_that_look_alike_are_not_the_same(client: Client) -> None:
    alike = [
        "caf\u00e9",
        "cafe\u0301",
        "caf\u0435",
        "CAFE",
        "cafe",
        "cafe\u200b",
        "ca\ufb01",
        "cafi",
        "\U0001f600" * 100,
    ]
    numbers = {each: number_of(client.sync(client.request(each, "alike"))) for each in alike}
    assert len(set(numbers.values())) == len(alike)
    for each in alike:
        assert number_of(client.sync(client.request(each, "alike"))) == numbers[each]


@pytest.fixture
def waiting(tmp_path: Path) -> Place:
    return Place(tmp_path, MovedClock(), working=False)


def test_what_changes_while_a_request_waits(waiting: Place) -> None:
    """Accepted is accepted: it is answered whatever becomes of the authorisation or the certificate, to whom still asks."""
    place, client = waiting, waiting.client()
    try:
        request = client.request("waits", "a", "b", evidence=True)
        assert client.leave(request).status.state is State.PENDING
        place.service.withdraw(FIRST, "DIARY", "LINE", "PROVES")
        late = client.leave(client.request("too late"))
        assert (late.status.state, late.status.detail) == (State.ERROR, Detail.AUTHORISATION)
        place.trust_service.revoke(client.signer.certificate.serial_number)
        place.service.start()
        poll = client.signed(writing.poll_xml(Poll.of(request, client.clock.now())))
        assert sent(client, poll, "AsincronResposta") == Detail.REVOKED
        renewed = place.client(signer=place.trust_service.pki.issue_application(FIRST).signer)
        while (found := renewed.poll(request)).status.state is not State.FINISHED:
            assert found.status.state in (State.PENDING, State.PROCESSING)
        assert len(found.answers) == 2
        assert all(each.evidence for each in found.answers)
        again = renewed.leave(replace(request, time=renewed.clock.now()))
        assert again.status.state is State.PENDING, "its acceptance, as it was"
    finally:
        place.close()


def test_a_certificate_that_ends_while_a_request_waits(waiting: Place) -> None:
    place, client = waiting, waiting.client()
    clock = place.clock
    assert isinstance(clock, MovedClock)
    try:
        request = client.request("ends", "a")
        assert client.leave(request).status.state is State.PENDING
        clock.by = client.signer.certificate.not_valid_after_utc - clock.now() + timedelta(seconds=1)
        poll = client.signed(writing.poll_xml(Poll.of(request, client.clock.now())))
        assert sent(client, poll, "AsincronResposta") == Detail.CERTIFICATE
        clock.by = timedelta()
        place.service.start()
        while (found := client.poll(request)).status.state is not State.FINISHED:
            assert found.status.state in (State.PENDING, State.PROCESSING)
    finally:
        place.close()


def test_a_clock_that_goes_back_answers_nothing_anew(waiting: Place) -> None:
    place, client = waiting, waiting.client()
    clock = place.clock
    assert isinstance(clock, MovedClock)
    try:
        clock.by = timedelta(hours=3)
        message = message_of(client, "later")
        assert sent(client, message) == State.FINISHED
        clock.by = timedelta()
        assert sent(client, message) == Detail.TIMESTAMP, "it is from the future now"
        again = client.sync(client.request("later", FORGED))
        assert again.status.state is State.FINISHED
        clock.by = timedelta(hours=3)
        assert sent(client, message) == Detail.REPLAY
        assert len(place.lines()) == 1
    finally:
        place.close()
