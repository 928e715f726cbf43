"""What comes over HTTP and is no request: sizes, types, bombs, other messages. Each is answered with a Fault."""

from __future__ import annotations

import socket
import time
from contextlib import closing
from http.client import HTTPSConnection
from pathlib import Path

import httpx2
import pytest

from baas.exchange_service import http
from baas.protocols import soap
from baas.protocols.pci import writing
from baas.protocols.pci.codes import State
from baas.protocols.pci.messages import Poll
from baas.protocols.pci.wsdl import Endpoint, wsdl
from tests.baas.exchange_service.place import DOORS, Client, Place, context


@pytest.fixture
def client(place: Place) -> Client:
    return place.client()


def fault(
    client: Client, message: bytes, status: int = 500, door: str = "Sincron", **headers: str
) -> soap.Fault:
    answer = client.post(door, message, **headers)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == soap.CONTENT_TYPE
    found = soap.read(answer.content, limit=1 << 20)
    assert isinstance(found, soap.Fault)
    return found


ENVELOPE = f'<s:Envelope xmlns:s="{soap.NAMESPACE}"><s:Body>%s</s:Body></s:Envelope>'
ENTITIES = "".join(
    f'<!ENTITY {name} "{f"&{before};" * 10}">' for before, name in zip("abcdefg", "bcdefgh", strict=True)
)
BOMB = f'<!DOCTYPE s [<!ENTITY a "ha">{ENTITIES}]>'
BAD = {
    "nothing": b"",
    "no XML": b"hello",
    "no envelope": b"<hello/>",
    "an empty Body": (ENVELOPE % "").encode(),
    "another operation": (ENVELOPE % "<hello/>").encode(),
    "an entity bomb": BOMB.encode() + (ENVELOPE % "&h;").encode(),
    "an external entity": b'<!DOCTYPE s [<!ENTITY f SYSTEM "file:///etc/passwd">]>'
    + (ENVELOPE % "&f;").encode(),
    "deep": (ENVELOPE % ("<a>" * 500 + "</a>" * 500)).encode(),
    "UTF-16": (ENVELOPE % "<a/>").encode("utf-16"),
    "an empty Peticion": (
        ENVELOPE % '<procesa xmlns="http://www.openuri.org/">'
        '<Peticion xmlns="http://gencat.net/scsp/esquemes/peticion"/></procesa>'
    ).encode(),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_read_as_a_request_is_a_fault(client: Client, name: str) -> None:
    assert fault(client, BAD[name]).code == "Client"
    assert "passwd" not in fault(client, BAD[name]).text


def test_soap_1_2_is_another_version(client: Client) -> None:
    message = (ENVELOPE % "<a/>").replace(soap.NAMESPACE, soap.NAMESPACE_1_2).encode()
    assert fault(client, message).code == "VersionMismatch"


def test_each_endpoint_takes_its_own_messages(client: Client) -> None:
    request = client.request("elsewhere")
    poll = client.signed(writing.poll_xml(Poll.of(request, client.clock.now())))
    assert "Peticion" in fault(client, poll, door="Sincron").text
    assert "Peticion" in fault(client, poll, door="Asincron").text
    asked = client.signed(writing.request_xml(request))
    assert "SolicitudRespuesta" in fault(client, asked, door="AsincronResposta").text


def test_a_body_that_says_how_large_it_is_is_not_read(place: Place) -> None:
    host, _, port = place.url.removeprefix("https://").partition(":")
    made = context(place.service.roots_pem)
    head = (
        f"POST {DOORS}/Sincron HTTP/1.1\r\nHost: {host}\r\nContent-Type: text/xml\r\n"
        f"Content-Length: {http.MOST_BYTES + 1}\r\n\r\n"
    )
    with made.wrap_socket(socket.create_connection((host, int(port)), 30), server_hostname=host) as tls:
        tls.sendall(head.encode())  # and nothing of the body
        assert tls.recv(4096).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("more", [{}, {"Expect": "100-continue"}, {"Content-Type": "text/plain"}], ids=str)
def test_who_looks_for_an_answer_only_when_all_is_sent_gets_it(place: Place, more: dict[str, str]) -> None:
    """As `requests` does, by which zeep sends: a connection that is broken off says nothing of the reason."""
    host, _, port = place.url.removeprefix("https://").partition(":")
    connection = HTTPSConnection(host, int(port), timeout=30, context=context(place.service.roots_pem))
    body = b" " * (http.MOST_BYTES + 1)
    with closing(connection):
        connection.request("POST", f"{DOORS}/Sincron", body, {"Content-Type": soap.CONTENT_TYPE} | more)
        answer = connection.getresponse()
        assert answer.status == (415 if "Content-Type" in more else 413)
        assert answer.headers["connection"] == "close"
        assert isinstance(soap.read(answer.read(), limit=1 << 20), soap.Fault)


def test_nobody_is_sent_elsewhere(client: Client) -> None:
    answer = client.post("Sincron/", b"<a/>", host="elsewhere.example")
    assert answer.status_code == 404
    assert "location" not in answer.headers


def test_a_body_that_does_not_say_it_ends_at_the_limit(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "MOST_BYTES", 100_000)
    sent = []

    def pieces() -> object:
        for _ in range(10_000):
            sent.append(1)
            yield b" " * 10_000

    try:
        answer = client.http.post(
            f"{client.url}{DOORS}/Sincron", content=pieces(), headers={"Content-Type": soap.CONTENT_TYPE}
        )
        assert answer.status_code == 413
    except httpx2.TransportError:
        pass  # hung up on while it still sent: that is what the answer says
    assert len(sent) < 10_000


def test_all_large_bodies_together_have_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "MOST_OF_ONE", 100_000)
    place = Place(tmp_path)
    try:
        client = place.client()
        message = client.signed(writing.request_xml(client.request("no room", "x" * 200_000)))
        answer = client.post("Sincron", message)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert place.service.exchanged(client.code, "no room") is None
        place.stop()
        monkeypatch.undo()
        place.start()
        assert b"0003" in place.client().post("Sincron", message).content, "the same message: it was not seen"
    finally:
        place.close()


def test_an_answer_without_room_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = Place(tmp_path)
    try:
        client = place.client()
        request = client.request("no room for it", *("x" * 40_000 for _ in range(4)))
        client.leave(request)
        while client.poll(request).status.state in (State.PENDING, State.PROCESSING):
            time.sleep(0.02)
        place.stop()
        with monkeypatch.context() as changed:
            changed.setattr(http, "MOST_OF_ONE", 50_000)
            place.start()
            client = place.client()
            poll = client.signed(writing.poll_xml(Poll.of(request, client.clock.now())))
            answer = client.post("AsincronResposta", poll)
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
            assert b"signed anew" in answer.content
            place.stop()
        place.start()
        assert len(place.client().poll(request).answers) == 4
    finally:
        place.close()


def test_other_types_and_methods(client: Client) -> None:
    message = client.signed(writing.request_xml(client.request("types")))
    assert fault(client, message, 415, **{"Content-Type": "application/json"}).code == "Client"
    assert "SOAPAction" in fault(client, message, SOAPAction='"urn:other"').text
    assert client.http.put(f"{client.url}{DOORS}/Sincron", content=message).status_code == 405
    assert client.http.get(f"{client.url}{DOORS}/Sincron").status_code == 405
    assert client.http.get(f"{client.url}/elsewhere").status_code == 404
    answer = client.post("Sincron", message, SOAPAction='"http://www.openuri.org/procesa"')
    assert b"0003" in answer.content


def test_each_endpoint_describes_itself(client: Client) -> None:
    for endpoint in Endpoint:
        answer = client.http.get(f"{client.url}{endpoint.path}?wsdl")
        assert (answer.status_code, answer.content) == (200, wsdl(endpoint, client.url + endpoint.path))


def test_a_header_that_must_be_understood_and_is_not(client: Client) -> None:
    message = soap.envelope(writing.request_xml(client.request("header")))
    header = f'<s:Header xmlns:s="{soap.NAMESPACE}"><x s:mustUnderstand="1"/></s:Header>'.encode()
    at = message.index(b"<soapenv:Body")
    signed = client.signed_envelope(message[:at] + header + message[at:])
    assert fault(client, signed).code == "MustUnderstand"


def test_a_schema_error_is_a_refusal_that_names_the_request(client: Client) -> None:
    xml = writing.request_xml(client.request("schema"))
    stamp = next(xml.iter("{*}TimeStamp"))
    parent = stamp.getparent()
    assert parent is not None
    parent.remove(stamp)
    answer = client.post("Sincron", client.signed(xml))
    assert answer.status_code == 200
    assert b"<IdPeticion>schema</IdPeticion>" in answer.content
    assert b"SCHEMA" in answer.content
    assert State.ERROR.value.encode() in answer.content
