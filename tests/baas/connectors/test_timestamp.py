"""The arm `timestamp` over a real socket, and what its client refuses."""

from __future__ import annotations

import hashlib
import http.server
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest
import uvicorn
from asn1crypto import cms
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from fastapi import FastAPI
from hypothesis import given, settings
from hypothesis import strategies as st

from baas.clock import SystemClock
from baas.connectors import (
    ConnectorRefused,
    ConnectorSettings,
    ConnectorTimeout,
    ConnectorUnreachable,
    Environment,
    connectors,
)
from baas.connectors._timestamp_token import check
from baas.connectors.timestamp import TimestampConnector
from baas.protocols.rfc3161 import REPLY, Reply, request_der
from baas.trust_service.service import TrustService
from baas.trust_service.tsa.authority import TimeStampAuthority
from baas.trust_service.tsa.http import PATH
from sandbox.errors import EvidenceError, MalformedEvidence, VerificationError
from sandbox.evidence.digest import Digest

DIGEST = hashlib.sha256(b"a decree").digest()
STAMPED = Digest("sha-256", DIGEST)


@contextmanager
def serving(app: FastAPI) -> Iterator[str]:
    """uvicorn on a free port of the loopback, in a thread; gives the base address."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrustService]:
    made = TrustService.open(tmp_path_factory.mktemp("trust"), SystemClock())
    yield made
    made.close()


@pytest.fixture(scope="module")
def authority(service: TrustService) -> TimeStampAuthority:
    return service.authority


@pytest.fixture(scope="module")
def address(service: TrustService) -> Iterator[str]:
    app = FastAPI()
    app.include_router(service.routes())
    with serving(app) as base:
        yield base + PATH


@pytest.fixture
def connector(authority: TimeStampAuthority, address: str) -> Iterator[TimestampConnector]:
    opened = TimestampConnector.open(
        ConnectorSettings(address, authority.root_pem, Environment.LAB_EMULATOR, timeout=5)
    )
    yield opened
    opened.close()


@contextmanager
def answering(body: bytes, media_type: str = REPLY, status: int = 200) -> Iterator[str]:
    """A real server that gives the same answer to every request."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(status)
            self.send_header("Content-Type", media_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/"
        finally:
            server.shutdown()
            thread.join()


def at(url: str, authority: TimeStampAuthority, **changes: float) -> TimestampConnector:
    to = ConnectorSettings(url, authority.root_pem, Environment.LAB_EMULATOR, **changes)
    return TimestampConnector(to, httpx2.Client(timeout=to.timeout, trust_env=False), nonce=lambda: 42)


def test_it_is_discovered_by_its_slug() -> None:
    assert connectors()["timestamp"] is TimestampConnector


def test_a_token_over_http_and_its_offline_check(connector: TimestampConnector) -> None:
    before = datetime.now(UTC)
    evidence = connector.submit(DIGEST)
    assert before - timedelta(milliseconds=1) <= evidence.stated_time <= datetime.now(UTC)
    assert connector.verify(DIGEST, evidence.content) == evidence
    assert evidence.sha256 == hashlib.sha256(evidence.content).digest()
    assert evidence.verifiable_until is not None
    assert timedelta(days=3 * 365) < evidence.verifiable_until - before < timedelta(days=4 * 366)


def test_it_claims_no_more_than_it_is(connector: TimestampConnector) -> None:
    assert connector.capabilities.qualified is False
    assert connector.capabilities.provider == "embedded"
    assert connector.capabilities.legal_effect == "none"
    assert connector.capabilities.operators_who_must_collude == 1
    assert connector.environment is Environment.LAB_EMULATOR


def test_health_is_a_token_not_a_ping(connector: TimestampConnector, authority: TimeStampAuthority) -> None:
    assert connector.health().ok
    with answering(b"hello", "text/plain") as url:
        sick = at(url, authority).health()
    assert not sick.ok
    assert "text/plain" in sick.detail


def test_the_wrong_digest_is_refused(connector: TimestampConnector) -> None:
    content = connector.submit(DIGEST).content
    with pytest.raises(VerificationError, match="Mismatch"):
        connector.verify(hashlib.sha256(b"another").digest(), content)
    with pytest.raises(ValueError, match="32 bytes"):
        connector.submit(DIGEST[:31])


def test_anothers_root_is_refused(connector: TimestampConnector, tmp_path: Path) -> None:
    content = connector.submit(DIGEST).content
    other = TrustService.open(tmp_path, SystemClock())
    with pytest.raises(VerificationError, match="does not hold"):
        at("http://127.0.0.1:1/", other.authority).verify(DIGEST, content)
    other.close()


def test_a_replayed_reply_has_the_wrong_nonce(authority: TimeStampAuthority) -> None:
    old = authority.respond(request_der(DIGEST, 41))
    with answering(old) as url, pytest.raises(VerificationError, match="Nonce"):
        at(url, authority).submit(DIGEST)
    with answering(authority.respond(request_der(DIGEST, 42))) as url:
        assert at(url, authority).submit(DIGEST)


def test_a_token_over_another_algorithm_is_refused(authority: TimeStampAuthority) -> None:
    reply = authority.respond(request_der(hashlib.sha512(b"a decree").digest(), 42, algorithm="sha512"))
    root = x509.load_pem_x509_certificate(authority.root_pem)
    with pytest.raises(VerificationError, match="over a sha-256 digest"):
        check(reply, Digest("sha-256", DIGEST), root)


def test_another_certificate_over_the_same_key_is_refused(authority: TimeStampAuthority) -> None:
    """RFC 5816's reason: a root's key can make a second certificate for the same key, with other rights."""
    reply = Reply.load(authority.respond(request_der(DIGEST, 42)), strict=True)
    own = authority._signer.certificate
    root_key = ec.generate_private_key(ec.SECP256R1())
    substitute = (
        x509.CertificateBuilder(extensions=list(own.extensions))
        .subject_name(own.subject)
        .issuer_name(own.issuer)
        .public_key(own.public_key())
        .serial_number(own.serial_number)
        .not_valid_before(own.not_valid_before_utc)
        .not_valid_after(own.not_valid_after_utc + timedelta(days=3650))
        .sign(root_key, hashes.SHA256())
    )
    new_root = (
        x509.CertificateBuilder()
        .subject_name(own.issuer)
        .issuer_name(own.issuer)
        .public_key(root_key.public_key())
        .serial_number(1)
        .not_valid_before(own.not_valid_before_utc)
        .not_valid_after(own.not_valid_after_utc)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(root_key, hashes.SHA256())
    )
    reply["time_stamp_token"]["content"]["certificates"] = cms.CertificateSet(
        [asn1_x509.Certificate.load(substitute.public_bytes(Encoding.DER))]
    )
    with pytest.raises(VerificationError, match="not the one that its signature names"):
        check(reply.dump(force=True), STAMPED, new_root)


def test_without_a_certificate_in_it_there_is_nothing_to_check_against(authority: TimeStampAuthority) -> None:
    reply = Reply.load(authority.respond(request_der(DIGEST, 42)), strict=True)
    del reply["time_stamp_token"]["content"]["certificates"]
    with pytest.raises(EvidenceError):
        check(reply.dump(force=True), STAMPED, x509.load_pem_x509_certificate(authority.root_pem))


def test_no_changed_byte_passes_as_another_statement(authority: TimeStampAuthority) -> None:
    """Every byte in turn: it is refused, or the signature does not cover it and it changes no statement."""
    good = authority.respond(request_der(DIGEST, 42))
    root = x509.load_pem_x509_certificate(authority.root_pem)
    statement = check(good, STAMPED, root)
    passed = 0
    for position in range(len(good)):
        changed = bytearray(good)
        changed[position] ^= 0x01
        try:
            found = check(bytes(changed), STAMPED, root)
        except EvidenceError:
            continue
        passed += 1
        assert replace(found, content=b"") == replace(statement, content=b""), position
    assert passed < 20, "the structure around the signature: versions and repeated algorithm identifiers"


@given(st.binary(max_size=300))
@settings(max_examples=60, deadline=None)
def test_no_bytes_pass_as_a_token(authority: TimeStampAuthority, content: bytes) -> None:
    with pytest.raises(EvidenceError):
        at("http://127.0.0.1:1/", authority).verify(DIGEST, content)


def test_a_refusal_says_why(authority: TimeStampAuthority) -> None:
    with answering(authority.respond(b"nonsense")) as url, pytest.raises(ConnectorRefused) as refusal:
        at(url, authority).submit(DIGEST)
    assert "not the DER of a TimeStampReq" in str(refusal.value)
    assert refusal.value.reason == "bad_request"
    with pytest.raises(VerificationError, match="a refusal, not a time-stamp"):
        at("http://127.0.0.1:1/", authority).verify(DIGEST, authority.respond(b"nonsense"))


def test_a_service_that_is_not_there_or_is_another(authority: TimeStampAuthority) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(ConnectorUnreachable, match="cannot be reached"):
        at(f"http://127.0.0.1:{port}/", authority).submit(DIGEST)
    with answering(b"<html>", "text/html") as url, pytest.raises(ConnectorUnreachable, match="text/html"):
        at(url, authority).submit(DIGEST)
    with answering(b"", status=503) as url, pytest.raises(ConnectorUnreachable, match="503"):
        at(url, authority).submit(DIGEST)
    with answering(bytes(70_000)) as url, pytest.raises(MalformedEvidence, match="70000"):
        at(url, authority).submit(DIGEST)


def test_a_silent_service_is_a_timeout(authority: TimeStampAuthority) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        with pytest.raises(ConnectorTimeout, match=r"within 0\.2 s"):
            at(url, authority, timeout=0.2).submit(DIGEST)


def test_the_route_refuses_what_is_no_query(address: str) -> None:
    with httpx2.Client(trust_env=False) as client:
        assert client.post(address, content=b"x", headers={"Content-Type": "text/plain"}).status_code == 415
        assert client.get(address).status_code == 405
        long = client.post(
            address, content=bytes(100_000), headers={"Content-Type": "application/timestamp-query"}
        )
    assert (long.status_code, long.headers["content-type"]) == (200, "application/timestamp-reply")
    assert Reply.load(long.content)["status"]["fail_info"].native == {"bad_request"}


@pytest.mark.tools
def test_openssl_accepts_what_came_over_http(
    connector: TimestampConnector, authority: TimeStampAuthority, tmp_path: Path
) -> None:
    (tmp_path / "reply.tsr").write_bytes(connector.submit(DIGEST).content)
    (tmp_path / "root.pem").write_bytes(authority.root_pem)
    done = subprocess.run(
        ["openssl", "ts", "-verify", "-in", "reply.tsr", "-digest", DIGEST.hex(), "-CAfile", "root.pem"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout.strip() == "Verification: OK", done.stderr
