"""The tests' own public key infrastructure, judged by others: openssl's path and its time-stamps."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from sandbox.evidence.digest import digest_bytes
from sandbox.evidence.timestamp import verify_token
from tests.baas.ades.pki import AT, HOUR, Pki


def test_a_token_holds_under_the_root_at_the_time_that_it_was_told(pki: Pki) -> None:
    stamp = verify_token(
        pki.tsa.at(AT - HOUR)(digest_bytes(b"a decree")), b"a decree", [pki.root.certificate]
    )
    assert stamp.time_ms == int((AT - HOUR).timestamp() * 1000)


@pytest.mark.tools
def test_openssl_accepts_the_path_with_its_crls_and_refuses_the_revoked(pki: Pki, tmp_path: Path) -> None:
    def written(name: str, *parts: bytes) -> str:
        (tmp_path / name).write_bytes(b"".join(parts))
        return str(tmp_path / name)

    def pem(certificate: object) -> bytes:
        return certificate.public_bytes(Encoding.PEM)  # type: ignore[attr-defined, no-any-return]

    from cryptography import x509

    crls = [x509.load_der_x509_crl(each).public_bytes(Encoding.PEM) for each in pki.crls()]
    command = ["openssl", "verify", "-attime", str(int(AT.timestamp())), "-crl_check_all", "-CAfile",
               written("root.pem", pem(pki.root.certificate), *crls),
               "-untrusted", written("issuing.pem", pem(pki.issuing.certificate))]  # fmt: skip
    good = subprocess.run(
        [*command, written("seal.pem", pem(pki.seal.certificate))],
        check=False,
        capture_output=True,
        text=True,
    )
    assert good.returncode == 0, good.stderr
    bad = subprocess.run(
        [*command, written("revoked.pem", pem(pki.revoked.certificate))],
        check=False,
        capture_output=True,
        text=True,
    )
    assert "certificate revoked" in bad.stderr
