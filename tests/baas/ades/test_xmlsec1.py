"""The program xmlsec1 as a judge of XAdES and of signed messages, and as a signer: another build than Python's xmlsec."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from lxml import etree

from baas.ades import xades
from baas.ades.types import Level
from baas.ades.xml import parse, verify_enveloped
from baas.ades.xml.names import DS, XADES
from tests.baas.ades import wrapping, xmljudges
from tests.baas.ades.pki import AT, Pki
from tests.baas.ades.test_xades import ACT, DOCUMENT

pytestmark = pytest.mark.tools

#: Elements whose attribute Id is one, for a program without a schema.
IDS = ["--id-attr:Id", f"{XADES}:SignedProperties", "--id-attr:Id", f"{wrapping.ACT}:acta"]
TEMPLATE = f"""<acta xmlns="{wrapping.ACT}" Id="act"><who>9821920002</who><ds:Signature xmlns:ds="{DS}"><ds:SignedInfo>
<ds:CanonicalizationMethod Algorithm="http://www.w3.org/TR/2001/REC-xml-c14n-20010315"/>
<ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"/>
<ds:Reference URI="%s"><ds:Transforms><ds:Transform Algorithm="{DS}enveloped-signature"/></ds:Transforms>
<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha512"/><ds:DigestValue/></ds:Reference></ds:SignedInfo>
<ds:SignatureValue/><ds:KeyInfo><ds:X509Data><ds:X509Certificate/></ds:X509Data></ds:KeyInfo></ds:Signature></acta>"""


def xmlsec1(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    program = shutil.which("xmlsec1")
    assert program, "no xmlsec1: make test-tools installs it"
    return subprocess.run(
        [program, *arguments], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.fixture
def folder(pki: Pki, tmp_path: Path) -> Path:
    (tmp_path / "root.pem").write_bytes(xmljudges.pem(pki.root.certificate))
    (tmp_path / "issuing.pem").write_bytes(xmljudges.pem(pki.issuing.certificate))
    (tmp_path / "key.pem").write_bytes(xmljudges.key_pem(pki.seal))
    (tmp_path / "seal.pem").write_bytes(xmljudges.pem(pki.seal.certificate))
    (tmp_path / "document.bin").write_bytes(DOCUMENT)
    return tmp_path


def verifies(folder: Path, signed: bytes) -> bool:
    """Whether the signature holds, by a path to the root at the tests' own time."""
    (folder / "signed.xml").write_bytes(signed)
    moment = f"{AT:%F %T}"
    done = xmlsec1(
        folder, "--verify", "--enabled-key-data", "x509", "--trusted-pem", "root.pem", "--untrusted-pem",
        "issuing.pem", "--verification-time", moment, *IDS, "signed.xml",
    )  # fmt: skip
    assert done.returncode == 0 or "Error" in done.stderr or "FAIL" in done.stderr, done
    return done.returncode == 0


@pytest.mark.parametrize("level", [Level.B, Level.T])
def test_xades_as_made_here(pki: Pki, folder: Path, level: Level) -> None:
    detached = xades.sign(DOCUMENT, level, pki.seal, stamper=pki.tsa, now=AT, name="document.bin")
    assert verifies(folder, detached)
    (folder / "document.bin").write_bytes(b"another")
    assert not verifies(folder, detached)
    inside = xades.enveloped(ACT, level, pki.seal, stamper=pki.tsa, now=AT)
    assert verifies(folder, inside)
    assert not verifies(folder, inside.replace(b"S'aprova", b"Es nega"))
    assert not verifies(folder, xades.enveloped(ACT, level, pki.unknown, stamper=pki.tsa, now=AT))


def test_messages_as_signed_here(pki: Pki, folder: Path) -> None:
    assert verifies(folder, etree.tostring(wrapping.answer(pki.seal)))
    assert verifies(folder, etree.tostring(wrapping.document(pki.seal)))
    assert not verifies(folder, etree.tostring(wrapping.forged(wrapping.document(pki.seal))))


@pytest.mark.parametrize("uri", ["", "#act"])
def test_what_it_signs_is_verified_here(pki: Pki, folder: Path, uri: str) -> None:
    (folder / "template.xml").write_text(TEMPLATE % uri)
    done = xmlsec1(
        folder, "--sign", "--privkey-pem", "key.pem,seal.pem", *IDS, "--output", "out.xml", "template.xml"
    )
    assert done.returncode == 0, done.stderr
    signed = (folder / "out.xml").read_bytes()
    assert verify_enveloped(parse(signed)).certificate == pki.seal.certificate
    assert verifies(folder, signed)
