"""Signatures that we did not make: the European Commission's DSS library, OpenSSL, and OpenSSL's CMS within a PDF."""

from __future__ import annotations

import base64
import io
import json
import subprocess
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from fpdf import FPDF
from pyhanko.pdf_utils.reader import PdfFileReader

from baas.ades import cades, pades, signatures
from baas.ades.types import Level, Revocation, Signer, Trust
from baas.ades.verdict import Indication, SubIndication
from sandbox.evidence.digest import Digest
from tests.baas.ades.pki import AT, DAY, TSA_POLICY, Pki

P, F, I = Indication.PASSED, Indication.FAILED, Indication.INDETERMINATE  # noqa: E741  # as the standard's table has them
S = SubIndication
FILE = Path(__file__).parents[2] / "vectors" / "ades" / "eu-dss-6.4.json"
DOCUMENT = b"Acta del ple (fictici)\n" * 20


@dataclass(frozen=True)
class Dss:
    """What the European Commission's library left: files by name, and the trust to judge them with."""

    files: dict[str, bytes]
    trust: Trust
    at: datetime


@pytest.fixture(scope="module")
def dss() -> Dss:
    stored = json.loads(FILE.read_text())
    at = datetime.fromtimestamp(int(stored.pop("moment")) / 1000, UTC)
    files = {name: zlib.decompress(base64.b64decode(value)) for name, value in stored.items()}
    root = x509.load_der_x509_certificate(files["root.der"])
    return Dss(files, Trust((root,), revocation=Revocation((files["crl0.der"], files["crl1.der"]))), at)


CASES = {
    "cades-b-detached": Level.B,
    "cades-t-detached": Level.T,
    "cades-b-enveloping": Level.B,
    "cades-t-enveloping": Level.T,
    "pades-b-enveloped": Level.B,
    "pades-t-enveloped": Level.T,
    "pades-lt-enveloped": Level.LT,
    "pades-lta-enveloped": Level.LTA,
}


@pytest.mark.parametrize("name", CASES)
def test_what_the_commissions_library_made_holds_at_its_level(dss: Dss, name: str) -> None:
    document = dss.files["document.bin"] if name.endswith("detached") else None
    verdict = signatures.validate(dss.files[name], document, dss.trust, dss.at)
    assert (verdict.indication, verdict.level) == (P, CASES[name]), verdict
    assert verdict.signer["OrganizationIdentifier"] == "VATES-P0800000B"


@pytest.mark.parametrize("name", CASES)
def test_what_the_commissions_library_made_is_refused_when_it_was_changed(dss: Dss, name: str) -> None:
    whole = dss.files[name]
    if name.endswith("detached"):
        found = signatures.validate(whole, dss.files["document.bin"] + b"!", dss.trust, dss.at)
    elif name.endswith("enveloping"):
        changed = whole.replace(b"Decret", b"DECRET")
        assert changed != whole
        found = signatures.validate(changed, None, dss.trust, dss.at)
    else:
        changed = whole.replace(b"%PDF-1.3", b"%PDF-1.4", 1)
        assert changed != whole
        found = signatures.validate(changed, None, dss.trust, dss.at)
    assert (found.indication, found.sub_indication) == (F, S.HASH_FAILURE)


def test_an_attached_document_must_be_the_one_that_is_asked_about(dss: Dss) -> None:
    whole = dss.files["cades-t-enveloping"]
    assert cades.validate(whole, dss.files["document.bin"], dss.trust, dss.at).ok
    for other in (b"another", Digest("sha-512", bytes(64))):
        found = cades.validate(whole, other, dss.trust, dss.at)
        assert (found.indication, found.sub_indication) == (F, S.HASH_FAILURE)


def openssl(*arguments: str, cwd: Path) -> bytes:
    done = subprocess.run(["openssl", *arguments], check=False, cwd=cwd, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def signed_by_openssl(directory: Path, signer: Signer, document: bytes, *options: str) -> bytes:
    key = signer.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (directory / "key.pem").write_bytes(key)
    (directory / "certificate.pem").write_bytes(signer.certificate.public_bytes(Encoding.PEM))
    (directory / "chain.pem").write_bytes(b"".join(each.public_bytes(Encoding.PEM) for each in signer.chain))
    (directory / "document").write_bytes(document)
    openssl("cms", "-sign", "-binary", "-in", "document", "-signer", "certificate.pem", "-inkey", "key.pem",
            "-certfile", "chain.pem", "-outform", "DER", "-out", "signature.der", *options, cwd=directory)  # fmt: skip
    return (directory / "signature.der").read_bytes()


@pytest.mark.tools
@pytest.mark.parametrize("options", [(), ("-nodetach",), ("-md", "sha512"), ("-keyid",)])
def test_what_openssl_made_holds(pki: Pki, tmp_path: Path, options: tuple[str, ...]) -> None:
    made = signed_by_openssl(tmp_path, pki.seal, DOCUMENT, "-cades", *options)
    found = cades.validate(made, DOCUMENT, pki.trust(), AT)
    assert (found.indication, found.level) == (P, Level.B), found
    assert not cades.validate(made, DOCUMENT + b"!", pki.trust(), AT).ok


@pytest.mark.tools
def test_a_signature_that_does_not_name_its_certificate_does_not_pass(pki: Pki, tmp_path: Path) -> None:
    made = signed_by_openssl(tmp_path, pki.seal, DOCUMENT)
    found = cades.validate(made, DOCUMENT, pki.trust(), AT)
    assert (found.indication, found.sub_indication) == (I, S.SIG_CONSTRAINTS_FAILURE)


@pytest.mark.tools
def test_sha1_counts_only_where_the_plan_says_legacy_and_then_it_is_said(pki: Pki, tmp_path: Path) -> None:
    made = signed_by_openssl(tmp_path, pki.seal, DOCUMENT, "-cades", "-md", "sha1")
    refused = cades.validate(made, DOCUMENT, pki.trust(), AT)
    assert (refused.indication, refused.sub_indication) == (I, S.CRYPTO_CONSTRAINTS_FAILURE)
    accepted = cades.validate(made, DOCUMENT, pki.trust(legacy_sha1=True), AT)
    assert accepted.ok and any("SHA-1" in each for each in accepted.notes)
    assert (
        cades.validate(made, DOCUMENT + b"!", pki.trust(legacy_sha1=True), AT).sub_indication
        is S.HASH_FAILURE
    )


@pytest.mark.tools
def test_a_pdf_with_openssls_signature_in_it_holds(pki: Pki, tmp_path: Path) -> None:
    page = FPDF()
    page.add_page()
    ours = pades.sign(bytes(page.output()), Level.B, pki.seal, stamper=None, trust=None, now=AT)
    _, length, after, rest = PdfFileReader(io.BytesIO(ours)).embedded_signatures[0].byte_range
    theirs = signed_by_openssl(tmp_path, pki.person, ours[:length] + ours[after : after + rest], "-cades")
    hexadecimal = theirs.hex().encode().ljust(after - length - 2, b"0")
    verdict = pades.validate(ours[:length] + b"<" + hexadecimal + b">" + ours[after:], pki.trust(), AT)
    assert verdict.ok, verdict
    assert verdict.signer["CommonName"] == "Persona Fictícia"


@pytest.mark.tools
def test_a_time_stamp_of_openssls_authority_proves_its_time(pki: Pki, tmp_path: Path) -> None:
    """OpenSSL's authority stamps at the machine's time: the question is asked then, with lists of then."""
    key = pki.tsa.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "tsa.key").write_bytes(key)
    (tmp_path / "tsa.pem").write_bytes(pki.tsa.certificate.public_bytes(Encoding.PEM))
    (tmp_path / "serial").write_text("01\n")
    (tmp_path / "tsa.cnf").write_text(
        "[tsa]\ndefault_tsa = t\n[t]\nserial = serial\nsigner_cert = tsa.pem\nsigner_key = tsa.key\n"
        f"signer_digest = sha256\ndefault_policy = {TSA_POLICY}\ndigests = sha256\naccuracy = secs:1\n"
        "ess_cert_id_alg = sha256\n"
    )

    def stamper(digest: Digest) -> bytes:
        openssl(
            "ts", "-query", "-digest", digest.value.hex(), "-sha256", "-cert", "-out", "query", cwd=tmp_path
        )
        return openssl(
            "ts", "-reply", "-config", "tsa.cnf", "-queryfile", "query", "-token_out", cwd=tmp_path
        )

    now = datetime.now(UTC)
    seal = pki.issuing.signer("Segell d'avui", since=now - DAY, until=now + DAY)
    made = cades.sign(DOCUMENT, Level.T, seal, stamper=stamper, now=now)
    crls = (pki.root.crl(since=now, until=now + DAY), pki.issuing.crl(
        since=now, until=now + DAY))  # fmt: skip
    verdict = cades.validate(made, DOCUMENT, pki.trust(revocation=Revocation(crls)), datetime.now(UTC))
    assert (verdict.ok, verdict.level) == (True, Level.T), verdict
    assert verdict.proven_time is not None and abs((verdict.proven_time - now).total_seconds()) < 30
