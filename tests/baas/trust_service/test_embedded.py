"""The trust service where the product mounts it: open to anybody where its protocols are, and without the office's door."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from baas.protocols.rfc3161 import QUERY, request_der
from baas.trust_service.registration import OFFICE
from baas.trust_service.tsa.http import PATH
from baas.wiring import TRUST_SERVICE
from sandbox.evidence.digest import Digest
from sandbox.evidence.timestamp import verify_token


@pytest.fixture
def client(shared_server: Any) -> Any:
    with httpx2.Client(base_url=shared_server.url, timeout=30, trust_env=False) as made:
        yield made


def test_revocation_and_time_stamps_answer_without_a_token(shared_server: Any, client: httpx2.Client) -> None:
    root = x509.load_pem_x509_certificate(shared_server.services.trust_service.roots_pem)
    crl = client.get("/crl/root.crl")
    assert (crl.status_code, crl.headers["content-type"]) == (200, "application/pkix-crl")
    assert x509.load_der_x509_crl(crl.content).is_signature_valid(root.public_key())
    reply = client.post(PATH, content=request_der(bytes(32), 9), headers={"Content-Type": QUERY})
    assert verify_token(reply.content, Digest("sha-256", bytes(32)), [root], nonce=9)
    [act] = [each for each in shared_server.services.trust_service.acts.all() if each.kind == "time-stamp"][
        -1:
    ]
    assert act.administration == ""
    assert (shared_server.services.settings.data / TRUST_SERVICE / "pki.sqlite").is_file()


def test_there_is_no_registration_office(shared_server: Any, client: httpx2.Client) -> None:
    secret = shared_server.services.trust_service.secret_of(OFFICE)
    for path in ("seals", "revocations"):
        answer = client.post(f"/registration/{path}", json={}, auth=(OFFICE, secret))
        assert answer.status_code == 404


def test_a_responder_that_cannot_record_says_nothing(
    shared_server: Any,
    client: httpx2.Client,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What is not on disk is not sent."""
    service = shared_server.services.trust_service
    asked = ocsp.OCSPRequestBuilder().add_certificate(service.pki.issuing, service.pki.root, hashes.SHA256())
    request = asked.build().public_bytes(Encoding.DER)

    def broken(*_: object, **__: object) -> None:
        raise OSError("the disk is full: secret path")

    def status() -> ocsp.OCSPResponseStatus:
        answer = client.post("/ocsp", content=request, headers={"Content-Type": "application/ocsp-request"})
        assert b"secret" not in answer.content
        return ocsp.load_der_ocsp_response(answer.content).response_status

    with monkeypatch.context() as patch:
        patch.setattr(service.acts, "record", broken)
        assert status() is ocsp.OCSPResponseStatus.INTERNAL_ERROR
    assert "disk is full" in caplog.text
    assert status() is ocsp.OCSPResponseStatus.SUCCESSFUL
