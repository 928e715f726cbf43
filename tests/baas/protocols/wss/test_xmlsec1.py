"""The program xmlsec1 as a judge of secured messages: another build than Python's xmlsec."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from baas.ades.xml.names import WSU
from baas.protocols import soap
from tests.baas.ades import xmljudges
from tests.baas.ades.pki import Pki
from tests.baas.protocols.wss.messages import secured

pytestmark = pytest.mark.tools

#: The program takes an attribute of no namespace for an identifier, by its element: wsu:Id is one by its local name.
IDS = ["--id-attr:Id", f"{WSU}:Timestamp", "--id-attr:Id", f"{soap.NAMESPACE}:Body"]


def holds(folder: Path, message: bytes) -> bool:
    program = shutil.which("xmlsec1")
    assert program, "no xmlsec1: make test-tools installs it"
    (folder / "message.xml").write_bytes(message)
    done = subprocess.run(
        [program, "--verify", "--pubkey-cert-pem", "certificate.pem", *IDS, "message.xml"],
        cwd=folder, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0 or "Error" in done.stderr or "FAIL" in done.stderr, done
    return done.returncode == 0


def test_secured_messages(pki: Pki, tmp_path: Path) -> None:
    rsa = pki.issuing.signer("Aplicació RSA", key=xmljudges.rsa_key())
    for signer in (pki.seal, rsa):
        (tmp_path / "certificate.pem").write_bytes(xmljudges.pem(signer.certificate))
        message = secured(signer)
        assert holds(tmp_path, message)
        assert not holds(tmp_path, message.replace(b"9821920002", b"9821920003"))
        assert not holds(tmp_path, message.replace(b"09:31:00", b"19:31:00"))
        assert not holds(tmp_path, secured(pki.person))
