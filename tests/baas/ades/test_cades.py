"""CAdES: what we make is judged by others and by us, and each bad signature is refused with its own reason."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from asn1crypto import cms
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from baas.ades import cades
from baas.ades.cades import SignaturePolicy
from baas.ades.types import AdesError, Level, Revocation, Signer, Trust
from baas.ades.verdict import Indication, SubIndication, Verdict
from sandbox.errors import VerificationError
from sandbox.evidence.digest import Digest, digest_bytes
from tests.baas.ades.pki import AT, DAY, HOUR, POLICY, Pki

DOCUMENT = b"Decret d'alcaldia 2026/17 (fictici)\n" * 40
P, F, I = Indication.PASSED, Indication.FAILED, Indication.INDETERMINATE  # noqa: E741  # as the standard's table has them
S = SubIndication
RULES = SignaturePolicy("2.25.148763023817498123470982374098127340981.9", digest_bytes(b"the rules"))


def sealed(
    pki: Pki, signer: Signer | None = None, document: bytes | Digest = DOCUMENT, **how: object
) -> bytes:
    """A B-T signature of two hours ago, time-stamped then, unless `how` says otherwise."""
    when = how.pop("when", AT - 2 * HOUR)
    options = {"level": Level.T, "stamper": pki.tsa.at(when), "now": when} | how  # type: ignore[arg-type]
    level = options.pop("level")
    return cades.sign(document, level, signer or pki.seal, **options)  # type: ignore[arg-type]


def bare(pki: Pki, signer: Signer | None = None, **how: object) -> bytes:
    return sealed(pki, signer, level=Level.B, stamper=None, **how)


def found(verdict: Verdict) -> tuple[Indication, SubIndication | None]:
    return verdict.indication, verdict.sub_indication


@pytest.mark.parametrize("slug", ["sha-256", "sha-512", "sha3-256"])
def test_a_signature_over_a_digest_alone_is_one_over_the_document(pki: Pki, slug: str) -> None:
    digest = Digest(
        slug, hashlib.new({"sha3-256": "sha3_256"}.get(slug, slug.replace("-", "")), DOCUMENT).digest()
    )
    made = sealed(pki, document=digest)
    assert cades.validate(made, DOCUMENT, pki.trust(), AT).ok
    assert cades.validate(made, digest, pki.trust(), AT).ok
    other = Digest("sha-384", hashlib.sha384(DOCUMENT).digest())
    assert found(cades.validate(made, other, pki.trust(), AT)) == (I, S.SIGNED_DATA_NOT_FOUND)


def test_what_holds_is_told_with_its_level_signer_and_times(pki: Pki) -> None:
    verdict = cades.validate(sealed(pki), DOCUMENT, pki.trust(), AT)
    assert found(verdict) == (P, None), verdict.details
    assert (verdict.format, verdict.level) == ("cades", Level.T)
    assert verdict.signing_time == verdict.proven_time == AT - 2 * HOUR
    assert verdict.signer["LegalEntityCIF"] == "P0800000B"
    assert verdict.certificates[-1] == pki.root.certificate.public_bytes(Encoding.DER)
    assert not verdict.notes
    plain = cades.validate(bare(pki), DOCUMENT, pki.trust(), AT)
    assert (plain.level, plain.proven_time, plain.ok) == (Level.B, None, True)


def test_a_policy_is_told_and_can_be_demanded(pki: Pki) -> None:
    made = bare(pki, policy=RULES)
    verdict = cades.validate(made, DOCUMENT, pki.trust(), AT, policy=RULES)
    assert verdict.ok and RULES.oid in verdict.notes[0]
    for other in (
        replace(RULES, oid=RULES.oid + ".1"),
        replace(RULES, digest=digest_bytes(b"other rules")),
    ):
        assert found(cades.validate(made, DOCUMENT, pki.trust(), AT, policy=other)) == (
            I, S.SIG_CONSTRAINTS_FAILURE,
        )  # fmt: skip
    without = cades.validate(bare(pki), DOCUMENT, pki.trust(), AT, policy=RULES)
    assert found(without) == (I, S.SIG_CONSTRAINTS_FAILURE)


CASES: dict[
    str, tuple[Callable[[Pki], bytes], Callable[[Pki], Trust], Indication, SubIndication | None, Level | None]
] = {
    "revoked": (lambda p: bare(p, p.revoked), lambda p: p.trust(), I, S.REVOKED_NO_POE, Level.B),
    "revoked after its time-stamp": (lambda p: sealed(p, p.revoked), lambda p: p.trust(), P, None, Level.T),
    "revoked before its time-stamp": (
        lambda p: sealed(p, p.revoked, when=AT - HOUR / 2), lambda p: p.trust(), I, S.REVOKED_NO_POE, Level.T,
    ),
    "revoked, stamped by a stranger": (
        lambda p: sealed(p, p.revoked, stamper=p.unknown_tsa.at(AT - 2 * HOUR)),
        lambda p: p.trust(), I, S.REVOKED_NO_POE, Level.B,
    ),
    "expired": (lambda p: bare(p, p.expired), lambda p: p.trust(), I, S.OUT_OF_BOUNDS_NO_POE, Level.B),
    "expired after its time-stamp, with a CRL of then": (
        lambda p: sealed(p, p.expired, when=AT - 20 * DAY),
        lambda p: p.trust(revocation=Revocation((*p.crls(), *p.crls(AT - 19 * DAY, AT - 12 * DAY)))),
        P, None, Level.T,
    ),
    "expired after its time-stamp, with a CRL from after its end": (
        lambda p: sealed(p, p.expired, when=AT - 20 * DAY),
        lambda p: p.trust(), I, S.OUT_OF_BOUNDS_NO_POE, Level.T,
    ),
    "time-stamped when it had expired already": (
        lambda p: sealed(p, p.expired, when=AT - DAY),
        lambda p: p.trust(revocation=Revocation((*p.crls(), *p.crls(AT - 19 * DAY, AT - 12 * DAY)))),
        I, S.OUT_OF_BOUNDS_NO_POE, Level.T,
    ),
    "not yet valid": (lambda p: bare(p, p.soon), lambda p: p.trust(), F, S.NOT_YET_VALID, Level.B),
    "time-stamped before its certificate began": (
        lambda p: sealed(p, when=AT - 200 * DAY), lambda p: p.trust(), F, S.NOT_YET_VALID, Level.T,
    ),
    "unknown root": (lambda p: sealed(p, p.unknown), lambda p: p.trust(), I, S.NO_CERTIFICATE_CHAIN_FOUND, Level.T),
    "no revocation data": (
        bare, lambda p: p.trust(revocation=Revocation()), I, S.TRY_LATER, Level.B,
    ),
    "wrong policy": (
        lambda p: sealed(p, p.elsewhere), lambda p: p.trust(policies=frozenset({POLICY})),
        I, S.CHAIN_CONSTRAINTS_FAILURE, Level.T,
    ),
    "right policy": (sealed, lambda p: p.trust(policies=frozenset({POLICY})), P, None, Level.T),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_each_signature_has_its_verdict(pki: Pki, case: str) -> None:
    make, trust, indication, sub_indication, level = CASES[case]
    verdict = cades.validate(make(pki), DOCUMENT, trust(pki), AT)
    assert (*found(verdict), verdict.level) == (indication, sub_indication, level), verdict
    assert verdict.details and verdict.details[0]


def test_a_time_stamp_that_does_not_count_is_said(pki: Pki) -> None:
    made = sealed(pki, stamper=pki.unknown_tsa.at(AT - HOUR))
    verdict = cades.validate(made, DOCUMENT, pki.trust(), AT)
    assert (verdict.ok, verdict.level, verdict.proven_time) == (True, Level.B, None)
    assert any("time-stamp" in note for note in verdict.notes)


def test_a_time_stamp_of_something_else_proves_nothing(pki: Pki) -> None:
    loaded = cms.ContentInfo.load(sealed(pki, pki.revoked))
    other = cms.ContentInfo.load(sealed(pki))
    of = loaded["content"]["signer_infos"][0]
    of["unsigned_attrs"] = other["content"]["signer_infos"][0]["unsigned_attrs"]
    verdict = cades.validate(loaded.dump(), DOCUMENT, pki.trust(), AT)
    assert (*found(verdict), verdict.level) == (I, S.REVOKED_NO_POE, Level.B)
    assert any("another message" in note for note in verdict.notes)


def test_a_time_stamp_from_the_future_proves_nothing(pki: Pki) -> None:
    verdict = cades.validate(sealed(pki, when=AT + DAY), DOCUMENT, pki.trust(), AT)
    assert (verdict.level, verdict.proven_time) == (Level.B, None)


def test_a_changed_document_is_told_from_a_changed_signature(pki: Pki) -> None:
    made = sealed(pki)
    assert found(cades.validate(made, DOCUMENT + b" ", pki.trust(), AT)) == (F, S.HASH_FAILURE)
    assert found(cades.validate(made, None, pki.trust(), AT)) == (I, S.SIGNED_DATA_NOT_FOUND)
    loaded = cms.ContentInfo.load(made)
    info = loaded["content"]["signer_infos"][0]
    signature = bytearray(info["signature"].native)
    signature[-1] ^= 1
    info["signature"] = bytes(signature)
    assert found(cades.validate(loaded.dump(), DOCUMENT, pki.trust(), AT)) == (
        F,
        S.SIG_CRYPTO_FAILURE,
    )


def test_another_certificate_of_the_same_key_and_name_cannot_take_its_place(pki: Pki) -> None:
    """ESSCertIDv2 binds the certificate itself: one with the same key, name and serial number is another."""
    loaded = cms.ContentInfo.load(bare(pki))
    own = pki.seal.certificate
    twin = (
        x509.CertificateBuilder()
        .subject_name(own.subject)
        .issuer_name(own.issuer)
        .public_key(own.public_key())
        .serial_number(own.serial_number)
        .not_valid_before(AT - DAY)
        .not_valid_after(AT + DAY)
        .sign(pki.issuing.key, own.signature_hash_algorithm)
    )
    signed = loaded["content"]
    rest = [each for each in signed["certificates"] if each.chosen.serial_number != own.serial_number]
    replaced = cms.CertificateChoices.load(twin.public_bytes(Encoding.DER))
    signed["certificates"] = [*rest, replaced]
    verdict = cades.validate(loaded.dump(), DOCUMENT, pki.trust(), AT)
    assert found(verdict) == (I, S.NO_SIGNING_CERTIFICATE_FOUND), verdict
    signed["certificates"] = rest
    verdict = cades.validate(loaded.dump(), DOCUMENT, pki.trust(), AT)
    assert found(verdict) == (I, S.NO_SIGNING_CERTIFICATE_FOUND), verdict


@pytest.mark.parametrize(
    "bad",
    [
        b"",
        b"\x30\x80",
        b"garbage " * 40,
        bytes(1 << 20),
        b"\x30\x82\xff\xff" + bytes(70_000),
        b"\x30\x80" * 60_000,
    ],
    ids=["empty", "open", "garbage", "zeros", "short of its length", "deep"],
)
def test_what_is_not_a_signature_is_a_verdict(pki: Pki, bad: bytes) -> None:
    assert found(cades.validate(bad, DOCUMENT, pki.trust(), AT)) == (F, S.FORMAT_FAILURE)


def test_a_hundred_megabytes_are_not_read(pki: Pki) -> None:
    verdict = cades.validate(sealed(pki) + bytes(100 << 20), DOCUMENT, pki.trust(), AT)
    assert found(verdict) == (F, S.FORMAT_FAILURE)
    assert "are read" in verdict.details[0]


def test_a_truncated_signature_never_passes(pki: Pki) -> None:
    made = sealed(pki)
    for length in range(0, len(made), 37):
        assert not cades.validate(made[:length], DOCUMENT, pki.trust(), AT).ok
    assert not cades.validate(made + b"\x00", DOCUMENT, pki.trust(), AT).ok, "nothing may follow a DER value"


def test_what_cannot_be_made_says_why(pki: Pki) -> None:
    with pytest.raises(AdesError, match="time-stamp service is needed"):
        sealed(pki, stamper=None)
    with pytest.raises(AdesError, match="got b-lta"):
        sealed(pki, level=Level.LTA)
    with pytest.raises(AdesError, match="another key"):
        bare(pki, replace(pki.seal, key=pki.person.key))


def test_what_a_stamper_raises_is_the_callers(pki: Pki) -> None:
    def broken(digest: Digest) -> bytes:
        raise VerificationError("the service refused")

    with pytest.raises(VerificationError, match="the service refused"):
        sealed(pki, stamper=broken)


def test_a_time_stamp_is_asked_for_once(pki: Pki) -> None:
    asked = []

    def counting(digest: Digest) -> bytes:
        asked.append(digest)
        return pki.tsa.at(AT - HOUR)(digest)

    sealed(pki, stamper=counting)
    assert len(asked) == 1


@pytest.mark.tools
@pytest.mark.parametrize("level", [Level.B, Level.T])
def test_openssl_accepts_what_we_make_and_refuses_what_was_changed(
    pki: Pki, tmp_path: Path, level: Level
) -> None:
    made = sealed(pki) if level is Level.T else bare(pki)
    assert "verification successful" in openssl_verdict(pki, tmp_path, made, DOCUMENT).lower()
    assert "verification failure" in openssl_verdict(pki, tmp_path, made, DOCUMENT + b" ").lower()


def openssl_verdict(pki: Pki, directory: Path, made: bytes, document: bytes) -> str:
    (directory / "root.pem").write_bytes(pki.root.certificate.public_bytes(Encoding.PEM))
    (directory / "signature.der").write_bytes(made)
    (directory / "document").write_bytes(document)
    command = ["openssl", "cms", "-verify", "-cades", "-binary", "-inform", "DER", "-in", "signature.der",
               "-content", "document", "-CAfile", "root.pem", "-purpose", "any",
               "-attime", str(int(AT.timestamp())), "-out", "read"]  # fmt: skip
    return subprocess.run(command, check=False, cwd=directory, capture_output=True, text=True).stderr


@pytest.mark.tools
def test_openssl_accepts_the_time_stamp_within(pki: Pki, tmp_path: Path) -> None:
    info = cms.ContentInfo.load(sealed(pki))["content"]["signer_infos"][0]
    token = info["unsigned_attrs"][0]["values"][0].dump()
    (tmp_path / "token.der").write_bytes(token)
    (tmp_path / "signature").write_bytes(info["signature"].native)
    (tmp_path / "root.pem").write_bytes(pki.root.certificate.public_bytes(Encoding.PEM))
    command = ["openssl", "ts", "-verify", "-token_in", "-in", "token.der", "-data", "signature",
               "-CAfile", "root.pem", "-attime", str(int(AT.timestamp()))]  # fmt: skip
    good = subprocess.run(command, check=False, cwd=tmp_path, capture_output=True, text=True)
    assert "Verification: OK" in good.stdout + good.stderr
    (tmp_path / "signature").write_bytes(b"another")
    bad = subprocess.run(command, check=False, cwd=tmp_path, capture_output=True, text=True)
    assert "Verification: FAILED" in bad.stdout + bad.stderr
