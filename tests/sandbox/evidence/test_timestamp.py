"""RFC 3161 tokens: a public authority's, and our own changed in every byte."""

from __future__ import annotations

import base64
import hashlib
import json
import random
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from sandbox.errors import EvidenceError, MalformedEvidence, VerificationError
from sandbox.evidence import der
from sandbox.evidence.digest import Digest
from sandbox.evidence.timestamp import imprint_of, stated_time, token_of, verify_token

VECTOR = json.loads((Path(__file__).parent / "vectors/rfc3161-sigstore.json").read_text())
MESSAGE = base64.b64decode(VECTOR["message"])
LEAF, INTERMEDIATE, ROOT = (
    x509.load_der_x509_certificate(base64.b64decode(each)) for each in VECTOR["chain"]
)
TOKEN, WITH_SHA512 = (base64.b64decode(VECTOR["tokens"][slug]) for slug in ("sha-256", "sha-512"))


def held(token: bytes = TOKEN, message: Any = MESSAGE, **named: Any) -> Any:
    return verify_token(token, message, [ROOT], **({"intermediates": [INTERMEDIATE]} | named))


def test_a_token_of_a_public_authority_holds() -> None:
    stamp = held()
    assert (stamp.time_ms, stamp.accuracy_ms) == (1_730_370_219_000, 1000)
    assert (stamp.earliest_ms, stamp.latest_ms) == (1_730_370_218_000, 1_730_370_220_000)
    assert (stamp.tsa, stamp.policy) == ("CN=Test TSA Timestamping,O=local", "1.3.6.1.4.1.57264.2")
    assert stamp.imprint == Digest("sha-256", hashlib.sha256(MESSAGE).digest())
    assert stamp.digests == ("sha-256",)
    assert stamp.valid_until.year == 2033
    assert stated_time(TOKEN) == stamp.time_ms


def test_a_token_alone_is_as_good_as_the_whole_reply() -> None:
    assert held(token_of(TOKEN)) == held()


def test_another_digest_algorithm_and_a_certificate_named_by_another_hash() -> None:
    stamp = held(WITH_SHA512, imprint_of(WITH_SHA512))
    assert (stamp.imprint.algorithm, stamp.digests) == ("sha-512", ("sha-256", "sha-512"))


@pytest.mark.parametrize(
    ("why", "named"),
    {
        "another message": {"message": MESSAGE + b"\n"},
        "over a sha3-256 digest": {"message": Digest("sha3-256", hashlib.sha3_256(MESSAGE).digest())},
        "does not hold": {"intermediates": []},
        "answers another request": {"nonce": 1},
        "bytes follow": {"token": TOKEN + b"\x00"},
        "not a time-stamp: status 2": {"token": b"\x30\x05\x30\x03\x02\x01\x02"},
    }.items(),
)
def test_what_does_not_hold_is_refused_with_its_reason(why: str, named: dict[str, Any]) -> None:
    with pytest.raises(EvidenceError, match=why):
        held(**named)


def test_a_certificate_is_no_root_because_it_is_in_the_chain() -> None:
    for wrong in ([LEAF], [INTERMEDIATE]):
        with pytest.raises(VerificationError, match="does not hold"):
            verify_token(TOKEN, MESSAGE, wrong)
    with pytest.raises(VerificationError, match="no root"):
        verify_token(TOKEN, MESSAGE, [])


def test_no_changed_byte_passes_as_another_statement() -> None:
    """Each byte in turn: refused, or it is under no signature and the statement is the same."""
    stated, unauthenticated = held(), 0
    for position in range(len(TOKEN)):
        changed = bytearray(TOKEN)
        changed[position] ^= 1 << position % 8
        try:
            assert held(bytes(changed)) == stated
            unauthenticated += 1
        except EvidenceError:
            pass
    assert unauthenticated < 60  # the list of digest algorithms and versions: nothing that is read


def test_no_shortened_or_random_token_raises_anything_else() -> None:
    chance = random.Random(7)
    for length in range(0, len(TOKEN), 3):
        with pytest.raises(EvidenceError):
            held(TOKEN[:length])
    for _ in range(300):
        with pytest.raises(EvidenceError):
            held(chance.randbytes(chance.randrange(40)))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x30",
        b"\x30\x80\x00\x00",  # indefinite
        b"\x30\x81\x01\x00",  # longer than it needs to be
        b"\x30\x82\x00\x81" + bytes(129),
        b"\x30\x85\x01\x00\x00\x00\x00",
        b"\x3f\x81\x01\x00",
        b"\x30\x02\x05",
        b"\x05\x00\x05\x00",
    ],
)
def test_der_has_one_spelling(data: bytes) -> None:
    with pytest.raises(MalformedEvidence):
        der.value(data, "test")


@pytest.mark.parametrize("number", [b"", b"\x00\x01", b"\xff\xff"])
def test_a_number_has_one_spelling(number: bytes) -> None:
    with pytest.raises(MalformedEvidence, match="fewest"):
        der.value(der.encoded(der.INTEGER, number), "test").integer("test")
    for good in (0, 127, 128, -1, -129, 2**64):
        content = good.to_bytes(good.bit_length() // 8 + 1, "big", signed=True)
        assert der.value(der.encoded(der.INTEGER, content), "test").integer("test") == good


def test_object_identifiers() -> None:
    for text, content in (("1.2.840.113549", "2a864886f70d"), ("2.999", "8837"), ("0.39", "27")):
        raw = der.encoded(der.OBJECT, bytes.fromhex(content))
        assert der.value(raw, "test").object_identifier("test") == text
    for bad in (b"", b"\x80\x01", b"\x2a\x86"):
        with pytest.raises(MalformedEvidence):
            der.value(der.encoded(der.OBJECT, bad), "test").object_identifier("test")


def test_lengths_are_read_as_they_are_written() -> None:
    for size in (0, 1, 127, 128, 255, 256, 65_536):
        raw = der.encoded(der.OCTETS, bytes(size))
        assert der.value(raw, "test").content == bytes(size)
