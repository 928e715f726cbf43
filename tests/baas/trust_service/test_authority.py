"""The authority against RFC 3161: what it grants, what it refuses, what it keeps."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import rfc3161_client
from asn1crypto import algos, core, tsp
from cryptography import x509
from hypothesis import given, settings
from hypothesis import strategies as st
from rfc3161_client import HashAlgorithm, TimestampRequestBuilder, VerifierBuilder, decode_timestamp_response

from baas.protocols.rfc3161 import MAX_REQUEST_BYTES, Reply, request_der
from baas.trust_service.acts import Act
from baas.trust_service.certificates import ESTABLISHED
from baas.trust_service.service import TrustService
from baas.trust_service.tsa.authority import POLICY, TimeStampAuthority
from sandbox.evidence.timestamp import token_of

NOW = datetime(2026, 11, 22, 9, 30, 0, 123000, tzinfo=UTC)
DIGEST = hashlib.sha256(b"a decree").digest()


class FixedClock:
    def __init__(self, moment: datetime = NOW) -> None:
        self.moment = moment

    def now(self) -> datetime:
        return self.moment


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TimeStampAuthority]:
    made = TrustService.open(tmp_path_factory.mktemp("trust"), FixedClock())
    yield made.authority
    made.close()


def root(authority: TimeStampAuthority) -> x509.Certificate:
    return x509.load_pem_x509_certificate(authority.root_pem)


def request(**changes: object) -> bytes:
    fields = tsp.TimeStampReq.load(request_der(DIGEST, 7)).native
    message = {
        "version": "v1",
        "message_imprint": {
            "hash_algorithm": algos.DigestAlgorithm({"algorithm": "sha256"}),
            "hashed_message": fields["message_imprint"]["hashed_message"],
        },
        "nonce": 7,
        "cert_req": True,
    } | changes
    return tsp.TimeStampReq({k: v for k, v in message.items() if v is not None}).dump()


def refusal(authority: TimeStampAuthority, der: bytes) -> set[str]:
    reply = Reply.load(authority.respond(der), strict=True)
    assert reply["status"]["status"].native == "rejection"
    assert isinstance(reply["time_stamp_token"], core.Void), "a rejection carries no token (section 2.4.2)"
    assert reply["status"]["status_string"].native
    return reply["status"]["fail_info"].native


def test_another_houses_client_and_verifier_accept_it(authority: TimeStampAuthority) -> None:
    for algorithm, of in ((HashAlgorithm.SHA256, hashlib.sha256), (HashAlgorithm.SHA512, hashlib.sha512)):
        asked = (
            TimestampRequestBuilder().data(b"a decree").hash_algorithm(algorithm).nonce(nonce=True).build()
        )
        reply = decode_timestamp_response(authority.respond(asked.as_bytes()))
        verifier = VerifierBuilder.from_request(asked).add_root_certificate(root(authority)).build()
        assert verifier.verify(reply, of(b"a decree").digest())
        assert reply.tst_info.nonce == asked.nonce
        assert reply.tst_info.policy.dotted_string == POLICY
        assert reply.tst_info.accuracy.seconds == 1
        with pytest.raises(rfc3161_client.VerificationError, match="Mismatch"):
            verifier.verify(reply, of(b"another decree").digest())


def test_time_is_the_injected_clocks_in_milliseconds(authority: TimeStampAuthority) -> None:
    reply = Reply.load(authority.respond(request()), strict=True)
    info = reply["time_stamp_token"]["content"]["encap_content_info"]["content"].parsed
    assert info["gen_time"].native == NOW
    assert b"20261122093000.123Z" in reply.dump(), "a fraction without trailing zeros (section 2.4.2)"


def test_only_its_own_certificate_and_only_when_asked(authority: TimeStampAuthority) -> None:
    asked = Reply.load(authority.respond(request()))["time_stamp_token"]["content"]
    names = [certificate.chosen.subject.native["common_name"] for certificate in asked["certificates"]]
    assert names == ["Baas Sandbox Test TSA"]
    unasked = Reply.load(authority.respond(request(cert_req=False)))["time_stamp_token"]["content"]
    assert isinstance(unasked["certificates"], core.Void)


def test_signed_attributes_bind_the_certificate(authority: TimeStampAuthority) -> None:
    signed_data = Reply.load(authority.respond(request()))["time_stamp_token"]["content"]
    attributes = {a["type"].native: a["values"][0] for a in signed_data["signer_infos"][0]["signed_attrs"]}
    assert set(attributes) == {"content_type", "message_digest", "signing_certificate_v2"}
    certificate = signed_data["certificates"][0].chosen.dump()
    identifier = attributes["signing_certificate_v2"]["certs"][0]
    assert identifier["cert_hash"].native == hashlib.sha256(certificate).digest()
    assert isinstance(identifier.contents, bytes)
    assert identifier.contents[0] == 0x04, "SHA-256 is the DEFAULT of ESSCertIDv2 and DER leaves it out"


@pytest.mark.parametrize(
    ("der", "failure"),
    [
        (b"", "bad_request"),
        (b"\x30\x00", "bad_request"),
        (request() + b"\x00", "bad_request"),
        (request()[:-1], "bad_request"),
        (request(version=2), "bad_request"),
        (b"\x30" * 5000, "bad_request"),
        (request_der(hashlib.sha1(b"x", usedforsecurity=False).digest(), 1, algorithm="sha1"), "bad_alg"),
        (request_der(DIGEST, 1, algorithm="sha3_512"), "bad_alg"),
        (request_der(DIGEST[:31], 1), "bad_data_format"),
        (request_der(DIGEST, 1, algorithm="sha512"), "bad_data_format"),
        (request(req_policy="0.4.0.2023.1.1"), "unaccepted_policy"),
        (
            request(extensions=[{"extn_id": "1.2.3.4", "critical": False, "extn_value": b"\x05\x00"}]),
            "unaccepted_extensions",
        ),
    ],
)
def test_what_it_refuses(authority: TimeStampAuthority, der: bytes, failure: str) -> None:
    assert refusal(authority, der) == {failure}


def test_its_own_policy_and_no_nonce_are_served(authority: TimeStampAuthority) -> None:
    reply = Reply.load(authority.respond(request(req_policy=POLICY, nonce=None)))
    info = reply["time_stamp_token"]["content"]["encap_content_info"]["content"].parsed
    assert info["nonce"].native is None


@given(st.binary(max_size=MAX_REQUEST_BYTES + 10))
@settings(max_examples=60, deadline=None)
def test_no_bytes_make_it_raise_or_sign(authority: TimeStampAuthority, der: bytes) -> None:
    assert refusal(authority, der) <= {"bad_request", "bad_alg", "bad_data_format"}


@given(position=st.integers(0, len(request()) - 1), flip=st.integers(1, 255))
@settings(max_examples=60, deadline=None)
def test_a_changed_request_is_answered(authority: TimeStampAuthority, position: int, flip: int) -> None:
    changed = bytearray(request())
    changed[position] ^= flip
    assert Reply.load(authority.respond(bytes(changed)), strict=True)["status"]["status"].native in (
        "granted",
        "rejection",
    )


def test_serials_ascend_over_reopening(tmp_path: Path) -> None:
    serials = []
    for _ in range(3):
        service = TrustService.open(tmp_path, FixedClock())
        for _ in range(2):
            reply = decode_timestamp_response(service.authority.respond(request()))
            serials.append(reply.tst_info.serial_number)
        service.close()
    assert serials == sorted(set(serials)), "ascending, and none twice"


def test_serials_survive_kill_9(tmp_path: Path) -> None:
    """Each round a process prints the serial of each token that it gives out, and is killed at work."""
    program = (
        "import sys, hashlib\nfrom pathlib import Path\nfrom baas.clock import SystemClock\n"
        "from baas.trust_service.service import TrustService\n"
        "from baas.protocols.rfc3161 import request_der\n"
        "from rfc3161_client import decode_timestamp_response\n"
        "a = TrustService.open(Path(sys.argv[1]), SystemClock()).authority\n"
        "while True:\n"
        "    r = decode_timestamp_response(a.respond(request_der(bytes(32), 1)))\n"
        "    print(r.tst_info.serial_number, flush=True)\n"
    )
    seen: list[int] = []
    for enough in (3, 7):
        with subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True
        ) as child:
            assert child.stdout is not None
            for _ in range(enough):
                seen.append(int(child.stdout.readline()))
            child.kill()
            seen += [int(line) for line in child.stdout.read().split("\n")[:-1]]
    assert len(seen) >= 10
    assert seen == sorted(set(seen))


def test_no_token_outside_its_certificates_validity(tmp_path: Path) -> None:
    clock = FixedClock()
    service = TrustService.open(tmp_path, clock)
    for moment in (NOW - ESTABLISHED - timedelta(seconds=2), NOW + timedelta(days=1462)):
        clock.moment = moment
        assert refusal(service.authority, request()) == {"time_not_available"}
    assert service.acts.count() == 0
    service.close()


def test_a_failure_of_its_own_is_an_answer(
    authority: TimeStampAuthority, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> Act:
        raise OSError("the disk is full: secret path")

    monkeypatch.setattr(authority._acts, "record", broken)
    assert refusal(authority, request()) == {"system_failure"}
    assert b"secret" not in authority.respond(request())
    assert "disk is full" in caplog.text


def test_the_names_say_what_it_is(authority: TimeStampAuthority) -> None:
    subject = root(authority).subject.rfc4514_string()
    assert "Sandbox Test Root" in subject
    assert "not qualified" in subject
    assert POLICY.startswith("2.25."), "an arc of our own, never that of an administration"


@pytest.mark.tools
def test_openssl_accepts_tokens_and_reads_refusals(authority: TimeStampAuthority, tmp_path: Path) -> None:
    (tmp_path / "root.pem").write_bytes(authority.root_pem)
    (tmp_path / "reply.tsr").write_bytes(authority.respond(request()))
    (tmp_path / "refused.tsr").write_bytes(authority.respond(request(req_policy="1.2.3")))
    (tmp_path / "data").write_bytes(b"a decree")

    def openssl(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["openssl", "ts", *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
        )

    good = openssl("-verify", "-in", "reply.tsr", "-data", "data", "-CAfile", "root.pem")
    assert (good.returncode, good.stdout.strip()) == (0, "Verification: OK"), good.stderr
    # openssl's own request, answered and verified by openssl
    assert openssl("-query", "-data", "data", "-sha384", "-cert", "-out", "own.tsq").returncode == 0
    (tmp_path / "own.tsr").write_bytes(authority.respond((tmp_path / "own.tsq").read_bytes()))
    own = openssl("-verify", "-in", "own.tsr", "-queryfile", "own.tsq", "-CAfile", "root.pem")
    assert own.stdout.strip() == "Verification: OK", own.stderr
    # tokens made to outlive SHA-256, alone as receipts have them
    for name in ("sha512", "sha3_256"):
        reply = authority.respond(request_der(hashlib.new(name, b"a decree").digest(), 7, algorithm=name))
        (tmp_path / "token.der").write_bytes(token_of(reply))
        strong = openssl("-verify", "-token_in", "-in", "token.der", "-data", "data", "-CAfile", "root.pem")
        assert strong.stdout.strip() == "Verification: OK", strong.stderr
    (tmp_path / "data").write_bytes(b"another")
    assert openssl("-verify", "-in", "reply.tsr", "-data", "data", "-CAfile", "root.pem").returncode != 0
    text = openssl("-reply", "-in", "refused.tsr", "-text").stdout
    assert "Status: Rejected." in text
    assert "policy is not supported" in text
