"""The trust service in a process of its own, over real sockets: what it answers, what it refuses, how it ends."""

from __future__ import annotations

import base64
import itertools
import os
import socket
import stat
import subprocess
import sys
import time
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from rfc3161_client import TimestampRequestBuilder, VerifierBuilder, decode_timestamp_response

from baas.protocols.rfc3161 import QUERY, Reply, request_der
from baas.trust_service.registration import OFFICE
from baas.trust_service.tsa.http import PATH
from tests.baas.trust_service.standalone import Standalone, enrolled, stamped

TOWN, NAME = "9821920002", "Ajuntament de Prova"


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standalone]:
    started = Standalone.start(tmp_path_factory.mktemp("alone") / "trust")
    yield started
    code, errors = started.stop()
    assert (code, errors) == (0, ""), "it ends in peace, and never had anything to complain of"


@pytest.fixture(scope="module")
def client(alone: Standalone) -> Iterator[httpx2.Client]:
    with alone.client() as made:
        yield made


@pytest.fixture(scope="module")
def office(alone: Standalone) -> Iterator[httpx2.Client]:
    with alone.office() as made:
        yield made


def test_another_houses_client_is_served(alone: Standalone, client: httpx2.Client) -> None:
    asked = TimestampRequestBuilder().data(b"a decree").nonce(nonce=True).build()
    reply = decode_timestamp_response(stamped(client, asked.as_bytes()))
    root = x509.load_pem_x509_certificate(alone.roots.read_bytes())
    verifier = VerifierBuilder.from_request(asked).add_root_certificate(root).build()
    assert verifier.verify_message(reply, b"a decree")


def test_what_the_authority_refuses_over_http(client: httpx2.Client) -> None:
    for request, failure in (
        (b"", "bad_request"),
        (request_der(bytes(20), 1, algorithm="sha1"), "bad_alg"),
        (request_der(bytes(31), 1), "bad_data_format"),
        (bytes(5000), "bad_request"),
    ):
        status = Reply.load(stamped(client, request))["status"]
        assert status["fail_info"].native == {failure}
    assert client.post(PATH, content=b"x", headers={"Content-Type": "text/plain"}).status_code == 415
    assert client.post("/ocsp", content=b"x", headers={"Content-Type": "text/plain"}).status_code == 415


@pytest.mark.parametrize("path", [PATH, "/ocsp", "/registration/seals"])
def test_a_hundred_megabytes_are_not_read(alone: Standalone, office: httpx2.Client, path: str) -> None:
    """The answer comes when the limit is passed; what a client goes on sending meets a closed connection."""
    kind = {PATH: QUERY, "/ocsp": "application/ocsp-request"}.get(path, "application/json")
    secret = base64.b64encode(f"{OFFICE}:{alone.secret}".encode()).decode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\nAuthorization: Basic {secret}\r\n"
        "Content-Length: 100000000\r\n\r\n"
    )
    where = urllib.parse.urlsplit(alone.url)
    address = where.hostname or "", where.port or 0
    sent, piece, answer = 0, bytes(65536), b""
    with socket.create_connection(address, timeout=60) as connection:
        connection.setsockopt(
            socket.SOL_SOCKET, socket.SO_SNDBUF, 65536
        )  # a large one would take much unread
        connection.sendall(head.encode())
        connection.setblocking(False)
        while sent < 100_000_000:
            try:
                sent += connection.send(piece)
            except BlockingIOError:
                time.sleep(0.001)
            except OSError:
                break
            try:
                answer += connection.recv(65536)
                if answer:
                    break
            except BlockingIOError:
                continue
            except OSError:
                break
    assert answer.startswith(b"HTTP/1.1 "), "it was answered"
    assert sent < 20_000_000, sent
    assert office.get("/crl/root.crl").status_code == 200, "and goes on serving"


def test_crls_and_certificates(alone: Standalone, client: httpx2.Client) -> None:
    root = x509.load_pem_x509_certificate(alone.roots.read_bytes())
    for name in ("root", "issuing"):
        answer = client.get(f"/ca/{name}.cer")
        assert answer.headers["content-type"] == "application/pkix-cert"
        authority = x509.load_der_x509_certificate(answer.content)
        authority.verify_directly_issued_by(root)
        answer = client.get(f"/crl/{name}.crl")
        assert answer.headers["content-type"] == "application/pkix-crl"
        assert x509.load_der_x509_crl(answer.content).is_signature_valid(authority.public_key())
    assert client.get("/crl/seal.crl").status_code == client.get("/ca/tsa.cer").status_code == 404
    assert client.get("/crl/..%2Fpki.crl").status_code == 404


def test_ocsp_by_post_and_by_get(client: httpx2.Client, office: httpx2.Client) -> None:
    """As many that the base64 has its slashes and pluses (RFC 6960 appendix A.1)."""
    issuing = x509.load_der_x509_certificate(client.get("/ca/issuing.cer").content)
    pem = enrolled(office, "9821920100", NAME)["certificate"]
    certificate = x509.load_pem_x509_certificate(pem.encode())
    signs: set[str] = set()
    for n in itertools.count():
        if n >= 8 and signs >= set("/+="):
            break
        builder = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuing, hashes.SHA1())
        builder = builder.add_extension(x509.OCSPNonce(bytes([n]) + os.urandom(n % 32)), critical=False)
        request = builder.build().public_bytes(Encoding.DER)
        encoded = base64.b64encode(request).decode()
        signs |= set(encoded) & set("/+=")
        for answer in (
            client.post("/ocsp", content=request, headers={"Content-Type": "application/ocsp-request"}),
            client.get("/ocsp/" + urllib.parse.quote(encoded, safe="")),
            client.get("/ocsp/" + urllib.parse.quote(encoded, safe="/+=")),
        ):
            assert answer.headers["content-type"] == "application/ocsp-response"
            found = ocsp.load_der_ocsp_response(answer.content)
            assert found.certificate_status is ocsp.OCSPCertStatus.GOOD
            assert found.serial_number == certificate.serial_number
    for nonsense in ("/ocsp/%00", "/ocsp/a", "/ocsp/" + "A" * 6000, "/ocsp/%C3%A0"):
        answered = ocsp.load_der_ocsp_response(client.get(nonsense).content)
        assert answered.response_status is ocsp.OCSPResponseStatus.MALFORMED_REQUEST


def test_the_registration_office(alone: Standalone, client: httpx2.Client, office: httpx2.Client) -> None:
    made = enrolled(office, TOWN, NAME, identifier="P0801900B")
    assert enrolled(office, TOWN, NAME) == made
    done = office.post("/registration/revocations", json={"serial": made["serial"], "reason": "superseded"})
    assert (done.status_code, done.json()["reason"]) == (200, "superseded")
    crl = x509.load_der_x509_crl(client.get("/crl/issuing.crl").content)
    entry = crl.get_revoked_certificate_by_serial_number(int(made["serial"], 16))
    assert entry is not None, "in the CRL that is asked for afterwards"
    refused = office.post("/registration/seals", json={"code": TOWN, "name": NAME})
    assert refused.status_code == 409
    assert "revoked" in refused.json()["error"]
    for path, values, status in (
        ("seals", {"code": "9821920003"}, 400),
        ("seals", {"code": "9821920003", "name": NAME, "identifier": "x"}, 400),
        ("revocations", {"serial": "xyz"}, 400),
        ("revocations", {"serial": made["serial"], "reason": "because"}, 400),
        ("revocations", {"serial": made["serial"], "reason": "certificateHold"}, 400),
        ("revocations", {"serial": "abc"}, 404),
    ):
        answer = office.post(f"/registration/{path}", json=values)
        assert (answer.status_code, bool(answer.json()["error"])) == (status, True), values
    for body in (b"", b"[]", b"[" * 4000, b'{"code": 1}', b'{"code"', bytes(5000)):
        answer = office.post("/registration/seals", content=body)
        assert answer.status_code == 400, body[:20]


def test_the_registration_office_is_closed_to_others(alone: Standalone, client: httpx2.Client) -> None:
    with alone.office() as office:
        town = enrolled(office, "9821920004", NAME)["secret"]
    for auth in (
        None,
        (OFFICE, ""),
        (OFFICE, "0" * 64),
        (OFFICE, town),
        ("9821920004", town),
        ("9821920004", alone.secret),
    ):
        for path in ("seals", "revocations"):
            answer = client.post(f"/registration/{path}", json={"code": TOWN, "name": NAME}, auth=auth)
            assert answer.status_code == 401, auth
            assert answer.headers["www-authenticate"].startswith("Basic ")
    assert alone.secret not in client.get("/crl/root.crl").text


def test_it_starts_again_as_it_was(tmp_path: Path) -> None:
    roots, serials = set(), []
    for _ in range(2):
        started = Standalone.start(tmp_path / "trust")
        roots.add(started.roots.read_bytes())
        assert stat.S_IMODE(started.roots.stat().st_mode) == 0o600
        with started.client() as client:
            reply = decode_timestamp_response(stamped(client, request_der(bytes(32), 1)))
        serials.append(reply.tst_info.serial_number)
        assert started.stop() == (0, "")
    assert len(roots) == 1
    assert serials[0] < serials[1]


def test_a_directory_that_cannot_be_used_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "pki.sqlite").write_bytes(b"not a database" * 100)
    done = subprocess.run(
        [sys.executable, "-m", "baas.trust_service", "--data", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert "restore it from a copy" in done.stderr
    assert "Traceback" not in done.stderr
