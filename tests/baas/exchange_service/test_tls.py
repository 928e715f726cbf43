"""The service's TLS: whom it shows itself as, whose certificates it takes, what it does with who does not go on."""

from __future__ import annotations

import contextlib
import socket
import ssl
from pathlib import Path

import httpx2
import pytest
from cryptography import x509

from baas.clock import SystemClock
from baas.exchange_service import tls
from baas.protocols import soap
from baas.protocols.pci import reading, writing
from baas.protocols.pci.codes import Detail, State
from baas.trust_service.service import TrustService
from tests.baas.exchange_service.place import DOORS, FIRST, SECOND, Client, Place, connected, context


def connection(place: Place, made: ssl.SSLContext) -> ssl.SSLSocket:
    host, _, port = place.url.removeprefix("https://").partition(":")
    return made.wrap_socket(socket.create_connection((host, int(port)), 30), server_hostname=host)


def test_it_shows_the_sandboxs_own_certificate_and_leaves_no_key_behind(place: Place) -> None:
    with connection(place, context(place.service.roots_pem)) as found:
        der = found.getpeercert(binary_form=True)
    assert der is not None
    assert x509.load_der_x509_certificate(der) == place.trust_service.pki.tls.certificate
    assert place.url.startswith("https://127.0.0.1:")
    assert place.service.serve() == place.url, "once"
    assert not list(place.directory.rglob("*.pem"))


def test_nothing_older_than_tls_1_2(place: Place) -> None:
    old = context(place.service.roots_pem)
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning):
        old.minimum_version = ssl.TLSVersion.TLSv1
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(ssl.SSLError, match=r"(?i)version|eof"):
        connection(place, old)
    just = context(place.service.roots_pem)
    just.maximum_version = ssl.TLSVersion.TLSv1_2
    with connection(place, just) as found:
        assert found.version() == "TLSv1.2"


def test_nobody_talks_to_it_in_the_clear(place: Place) -> None:
    with pytest.raises(httpx2.HTTPError):
        httpx2.post(place.url.replace("https", "http") + f"{DOORS}/Sincron", content=b"<x/>", trust_env=False)


def test_a_clients_certificate_of_another_authority_gets_no_connection(place: Place, tmp_path: Path) -> None:
    other = TrustService.open(tmp_path / "other", SystemClock())
    try:
        other.enrol(FIRST, "Ens")
        theirs = other.pki.application(FIRST).signer
    finally:
        other.close()
    with (
        connected(place.service.roots_pem, tmp_path, theirs) as http,
        pytest.raises(httpx2.TransportError, match=r"(?i)unknown ca|reset|eof|closed|disconnected"),
    ):
        http.post(f"{place.url}{DOORS}/Sincron", content=b"<x/>")


def plain(client: Client, request_id: str) -> bytes:
    return soap.envelope(writing.request_xml(client.request(request_id)))


def answered(client: Client, message: bytes) -> tuple[State, str]:
    status = reading.read_response(client.answered("Sincron", message)).status
    return status.state, status.detail


def test_mutual_tls_alone_says_who_asks(place: Place) -> None:
    signer = place.trust_service.pki.application(FIRST).signer
    client = place.client(shown=signer)
    first, again = (client.post("Sincron", plain(client, "mutual")).content for _ in range(2))
    assert b"0003" in first
    assert answered(client, plain(client, "mutual"))[0] is State.FINISHED, "nobody can repeat a connection"
    assert b"ID_REUSED" not in again
    second = place.client(SECOND, shown=place.trust_service.pki.application(SECOND).signer)
    theirs = soap.envelope(writing.request_xml(client.request("mutual 2")))
    assert answered(second, theirs) == (State.ERROR, Detail.ORGANISATION)


def test_neither_way_of_security_is_none(place: Place) -> None:
    client = place.client()
    assert answered(client, plain(client, "none")) == (State.ERROR, Detail.UNSIGNED)


def test_both_ways_with_the_same_certificate_and_no_other(place: Place) -> None:
    signer = place.trust_service.pki.application(FIRST).signer
    both = place.client(shown=signer)
    assert both.sync(both.request("both")).status.state is State.FINISHED
    mixed = place.client(signer=signer, shown=place.trust_service.pki.application(SECOND).signer)
    assert mixed.sync(mixed.request("mixed")).status.detail == Detail.SECURITY


def test_a_seal_or_a_person_is_no_system(place: Place) -> None:
    seal = place.trust_service.pki.seal(FIRST).signer
    person = place.trust_service.pki.issue_person("Prova Fictícia", "00000000T")
    for signer in (seal, person):
        shown = place.client(shown=signer)
        assert answered(shown, plain(shown, "not a system")) == (State.ERROR, Detail.CERTIFICATE)
        signing = place.client(signer=signer)
        assert signing.sync(signing.request("not a system")).status.detail == Detail.CERTIFICATE


def test_a_handshake_that_does_not_go_on_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tls, "SLOWEST_HANDSHAKE", 0.2)
    place = Place(tmp_path)
    try:
        host, _, port = place.url.removeprefix("https://").partition(":")
        with socket.create_connection((host, int(port)), 30) as silent:
            assert silent.recv(1) == b"", "hung up on"
    finally:
        place.close()


def test_a_request_that_does_not_come_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tls, "SLOWEST_REQUEST", 0.2)
    place = Place(tmp_path)
    try:
        for sent in (
            b"",
            b"POST /x HTTP/1.1\r\nHost: x\r\n",
            b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n1",
        ):
            with connection(place, context(place.service.roots_pem)) as slow:
                slow.settimeout(30)
                slow.sendall(sent)
                while slow.recv(4096):
                    pass  # a 404 for the path may come first; then the end
    finally:
        place.close()


def test_what_is_written_is_sent_at_once() -> None:
    """asyncio asks for it only where the protocol is named; else each answer waits for the client's delayed ACK."""
    with tls.Listener.on("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()):
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.proto == socket.IPPROTO_TCP


def test_one_connection_too_many_is_hung_up_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tls, "MOST_CONNECTIONS", 4)  # of which one address has three
    place = Place(tmp_path)
    try:
        made = context(place.service.roots_pem)
        held = [connection(place, made) for _ in range(3)]
        with pytest.raises((ssl.SSLError, OSError)):
            connection(place, made)
        for each in held:
            each.close()
        while True:  # until the service has seen that they are gone; the test's own time limit ends it
            with contextlib.suppress(OSError):
                connection(place, made).close()
                break
    finally:
        place.close()
