"""What the DSS makes, judged by programs that nobody here wrote: OpenSSL for seals, xmlsec for signed answers."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import xmlsec
from asn1crypto import cms
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from lxml import etree

from baas.ades.types import Format, Level
from baas.connectors.signature.psis import PsisAdapter
from baas.protocols.dss.names import DS
from tests.baas.trust_service.dss_place import Place, der, here

DECREE = b"Decret 42/2026"
ENVIRONMENT = {key: value for key, value in os.environ.items() if "proxy" not in key.lower()}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with here(tmp_path_factory.mktemp("trust")) as served:
        yield served


def holds(response: bytes, certificate: x509.Certificate) -> bool:
    """What xmlsec says of the signature over a response that stands alone."""
    root = etree.fromstring(response)
    context = xmlsec.SignatureContext()
    spki = certificate.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    context.key = xmlsec.Key.from_memory(spki, xmlsec.KeyFormat.PEM)
    try:
        context.verify(xmlsec.tree.find_node(root, "Signature", DS))
    except xmlsec.Error:
        return False
    return True


def test_a_kept_answer_by_xmlsec(place: Place) -> None:
    with closing(PsisAdapter.open(place.settings())) as adapter:
        response = adapter.validate_certificate(der(place.town.certificate)).response
    signer = place.service.pki.dss.certificate
    assert holds(response, signer)
    assert not holds(response.replace(b"Definitive", b"definitive"), signer)
    assert not holds(response, place.town.certificate)


@pytest.mark.tools
def test_a_kept_seal_by_openssl_with_the_root_and_what_is_in_it(place: Place, tmp_path: Path) -> None:
    """The document, the seal and the root: the certificates and the CRLs come out of the seal."""
    with closing(PsisAdapter.open(place.settings())) as adapter:
        seal = adapter.seal(DECREE, Format.CADES, Level.T).signed
    signed = cms.ContentInfo.load(seal)["content"]
    crls = [x509.load_der_x509_crl(each.chosen.dump()) for each in signed["crls"]]
    assert {crl.issuer for crl in crls} == {place.service.pki.root.subject, place.service.pki.issuing.subject}
    (tmp_path / "seal.der").write_bytes(seal)
    (tmp_path / "decree").write_bytes(DECREE)
    (tmp_path / "root.pem").write_bytes(place.service.roots_pem)

    def verify(document: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [
                "openssl", "cms", "-verify", "-cades", "-inform", "DER", "-in", "seal.der", "-content", document,
                "-binary", "-CAfile", "root.pem", "-purpose", "any", "-crl_check_all", "-out", "out",
            ],
            cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True, check=False,
        )  # fmt: skip

    good = verify("decree")
    assert good.returncode == 0, good.stderr
    (tmp_path / "other").write_bytes(b"Decret 43/2026")
    assert verify("other").returncode != 0
