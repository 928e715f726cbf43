"""What verification uses where no compiled library is: held to public vectors, and to the libraries, bit for bit."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509 import load_pem_x509_certificate
from eth_account import Account
from hypothesis import given
from hypothesis import strategies as st
from sha3 import keccak_256

from sandbox.errors import MalformedEvidence, VerificationError
from sandbox.evidence import ed25519, ed25519_pure, hand_over, keccak_pure, secp256k1, secp256k1_pure
from sandbox.evidence.certificate import require_pem
from sandbox.evidence.verify import verify
from tests.sandbox.evidence import hand_overs

SECP256K1 = json.loads((Path(__file__).parent / "secp256k1_wycheproof.json").read_text("ascii"))
#: Keccak team's ShortMsgKAT_256 (its first three whole bytes), and two that every Ethereum client knows.
KECCAK = {
    "": "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470",
    "cc": "eead6dbfc7340a56caedc044696a168870549a6a7f6f56961e84a54bd9970b8a",
    "41fb": "a8eaceda4d47b3281a795ad9e1ea2122b407baf9aabcb9e18b5717b7873537d2",
    b"abc".hex(): "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45",
    b"transfer(address,uint256)".hex(): "a9059cbb2ab09eb219583f4a59a5d0623ade346d962bcd4e46b11da047c9049b",
}
WYCHEPROOF = json.loads((Path(__file__).parent / "ed25519_wycheproof.json").read_text("ascii"))
#: RFC 8032 section 7.1: public key, message, signature; TEST 1, 2, 3 and SHA(abc).
RFC_8032 = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
        "d25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c"
        "387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc659"
        "4a7c15e9716ed28dc027beceea1ec40a",
    ),
    (
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd"
        "454d4423643ce80e2a9ac94fa54ca49f",
        "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e030"
        "3dca179c138ac17ad9bef1177331a704",
    ),
]
SMALL = [bytes(32), b"\x01" + bytes(31), b"\x01" + bytes(30) + b"\x80", b"\xec" + b"\xff" * 30 + b"\x7f"]


def by_library(key: bytes, signature: bytes, message: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except InvalidSignature:
        return False
    return True


@pytest.mark.parametrize(("key", "message", "signature"), RFC_8032)
def test_the_vectors_of_rfc_8032(key: str, message: str, signature: str) -> None:
    triple = bytes.fromhex(key), bytes.fromhex(signature), bytes.fromhex(message)
    assert ed25519_pure.verify(*triple)
    assert not ed25519_pure.verify(triple[0], triple[1], triple[2] + b"\x00")


def test_the_vectors_of_wycheproof_and_the_library_agrees_on_each() -> None:
    seen = 0
    for group in WYCHEPROOF["groups"]:
        key = bytes.fromhex(group["key"])
        for number, flag, message, signature, result in group["tests"]:
            found = ed25519_pure.verify(key, bytes.fromhex(signature), bytes.fromhex(message))
            assert found == by_library(key, bytes.fromhex(signature), bytes.fromhex(message)), number
            if result != "acceptable":  # keys of small or mixed order: the seam refuses the small ones
                assert found == (result == "valid"), (number, flag)
            seen += 1
    assert seen == 210


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=200), st.integers(0, 511))
def test_what_the_library_signs_is_accepted_and_no_bit_may_change(
    seed: bytes, message: bytes, bit: int
) -> None:
    private = Ed25519PrivateKey.from_private_bytes(seed)
    key, signature = private.public_key().public_bytes_raw(), private.sign(message)
    assert ed25519_pure.verify(key, signature, message)
    flipped = (int.from_bytes(signature, "big") ^ (1 << bit)).to_bytes(64, "big")
    assert not ed25519_pure.verify(key, flipped, message)
    other = (int.from_bytes(key, "big") ^ (1 << bit % 256)).to_bytes(32, "big")
    assert not ed25519_pure.verify(other, signature, message)


@pytest.mark.parametrize("key", [*SMALL, b"\xed" + b"\xff" * 30 + b"\x7f", b"\x02" + bytes(31), bytes(31)])
def test_a_key_that_speaks_for_nobody_is_refused(key: bytes) -> None:
    with pytest.raises(MalformedEvidence, match="a key"):
        ed25519.require_key(key, "a key")


def by_library_over_secp256k1(x: int, y: int, digest: bytes, r: int, s: int) -> bool:
    key = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256K1()).public_key()
    try:
        key.verify(encode_dss_signature(r, s), digest, ec.ECDSA(Prehashed(SHA256())))
    except InvalidSignature:
        return False
    return True


def halves(data: bytes) -> tuple[int, int]:
    middle = len(data) // 2
    return int.from_bytes(data[:middle], "big"), int.from_bytes(data[middle:], "big")


def test_secp256k1_by_the_vectors_of_wycheproof_and_the_library_agrees_on_each() -> None:
    seen = 0
    for group in SECP256K1["groups"]:
        x, y = halves(bytes.fromhex(group["key"]))
        for number, flag, message, signature, result in group["tests"]:
            r, s = halves(bytes.fromhex(signature))
            digest = hashlib.sha256(bytes.fromhex(message)).digest()
            found = secp256k1_pure.verify(x, y, digest, r, s)
            assert found == by_library_over_secp256k1(x, y, digest, r, s), number
            if (
                len(signature) >= 128
            ):  # shorter ones are invalid by their length alone, and here r and s are numbers
                assert found == (result == "valid"), (number, flag)
            seen += 1
    assert seen == 242


@given(
    st.binary(min_size=32, max_size=32).filter(any), st.binary(min_size=32, max_size=32), st.integers(0, 511)
)
def test_what_an_account_signs_is_accepted_and_no_bit_may_change(
    seed: bytes, digest: bytes, bit: int
) -> None:
    seed = hashlib.sha256(seed).digest()
    signed = Account.unsafe_sign_hash(digest, seed)
    x, y = halves(Account.from_key(seed)._key_obj.public_key.to_bytes())
    assert secp256k1_pure.verify(x, y, digest, signed.r, signed.s)
    assert secp256k1_pure.verify(
        x, y, digest, signed.r, secp256k1.ORDER - signed.s
    )  # EIP-2 is the seam's rule
    r, s = halves((((signed.r << 256) | signed.s) ^ (1 << bit)).to_bytes(64, "big"))
    assert not secp256k1_pure.verify(x, y, digest, r, s)
    other = int.from_bytes(digest, "big") ^ (1 << bit % 256)
    assert not secp256k1_pure.verify(x, y, other.to_bytes(32, "big"), signed.r, signed.s)
    assert not secp256k1_pure.verify(x ^ (1 << bit % 256), y, digest, signed.r, signed.s)


def test_a_key_is_a_point_spelled_below_p_with_or_without_the_library(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """x = 1 is on the curve; so would p + 1 be, which has room in 32 bytes, if it were reduced first."""
    y = pow(8, (secp256k1_pure.P + 1) // 4, secp256k1_pure.P)
    keys = {(1, y): True, (secp256k1_pure.P + 1, y): False, (0, 0): False, (1, y + 1): False}
    for library in ("cryptography", None):
        monkeypatch.setattr("sandbox.evidence.secp256k1.LIBRARY", library)
        for (at_x, at_y), speaks in keys.items():
            public = at_x.to_bytes(32, "big") + at_y.to_bytes(32, "big")
            expected = VerificationError if speaks else MalformedEvidence
            with pytest.raises(expected):
                secp256k1.require_signed(public, bytes(32), 2, 1)


@pytest.mark.parametrize("message", KECCAK)
def test_the_vectors_of_keccak(message: str) -> None:
    assert keccak_pure.keccak_256(bytes.fromhex(message)).hex() == KECCAK[message]


@given(st.binary(max_size=600))
def test_keccak_is_the_librarys(data: bytes) -> None:
    assert keccak_pure.keccak_256(data) == keccak_256(data).digest()


def test_reports_are_the_same_without_any_library(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    made = world.receipt()
    cases = [
        (world.document, made),
        (b"another", made),
        (world.document, replace(made, checkpoint=made.checkpoint.replace("\n7\n", "\n8\n", 1))),
        (world.document, replace(made, anchor=replace(made.anchor, header=b"\xc0"))),
        (world.document, world.but(emitter=b"\x0e" * 20).receipt()),
    ]
    with_libraries = [verify(document, each, world.trust()) for document, each in cases]
    monkeypatch.setattr("sandbox.evidence.ed25519.LIBRARY", None)
    monkeypatch.setattr("sandbox.evidence.keccak.LIBRARY", None)
    assert [verify(document, each, world.trust()) for document, each in cases] == with_libraries


def test_reports_of_hand_overs_are_the_same_without_any_library(monkeypatch: pytest.MonkeyPatch) -> None:
    prover = hand_overs.Prover()
    good = prover.evidence()
    unsigned = replace(good.steps[1], public_key=hand_overs.FIRST.public)
    cases = [good, replace(good, steps=(good.steps[0], unsigned, good.steps[2]))]

    def judged() -> list[hand_over.Report]:
        return [
            hand_over.verify(each, hand_overs.DIGEST, prover.trust(), hand_overs.BODIES) for each in cases
        ]

    with_libraries = judged()
    assert [each.ok for each in with_libraries] == [True, False]
    for seam in ("ed25519", "keccak", "secp256k1"):
        monkeypatch.setattr(f"sandbox.evidence.{seam}.LIBRARY", None)
    assert judged() == with_libraries


def test_nothing_but_rfc8785_is_needed() -> None:
    """In an interpreter that cannot import the compiled libraries, the same modules are imported and verify."""
    program = """
import sys
for absent in ("cryptography", "sha3", "_cffi_backend", "_cbor2"): sys.modules[absent] = None
from sandbox.evidence import ed25519, hand_over, keccak, secp256k1, verify
assert ed25519.LIBRARY is keccak.LIBRARY is secp256k1.LIBRARY is None
print(keccak.keccak(b"").hex())
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[3],
    )
    assert done.stdout.strip() == "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"


def certificate() -> str:
    from datetime import UTC, datetime

    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    key = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"tsa").digest())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "TSA fictícia")])
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(datetime(2026, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2027, 1, 1, tzinfo=UTC)).sign(key, None)
    )  # fmt: skip
    return made.public_bytes(Encoding.PEM).decode()


def test_a_certificates_outline() -> None:
    pem = certificate()
    load_pem_x509_certificate(pem.encode())
    require_pem(pem, "root")
    require_pem(pem.replace("\n", "\r\n"), "root")
    lines = pem.splitlines(keepends=True)
    bad = [
        "", "none", pem + pem, pem.replace("CERTIFICATE", "PRIVATE KEY"), lines[0] + lines[-1],
        lines[0] + "MAAA\n" + lines[-1], lines[0] + "MIP/\n" + lines[-1], lines[0] + "A\n" + lines[-1],
        "".join(lines[:2] + lines[3:]),
    ]  # fmt: skip
    for other in bad:
        with pytest.raises(MalformedEvidence, match="not a certificate"):
            require_pem(other, "root")
