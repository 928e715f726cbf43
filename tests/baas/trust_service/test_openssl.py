"""The PKI, its CRLs, its OCSP responder and its tokens, judged by OpenSSL over real sockets."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from baas.clock import SystemClock
from baas.protocols.rfc3161 import QUERY
from baas.trust_service.certificates import PERSON_POLICY, SEAL_POLICY, TSA_POLICY, Role
from baas.trust_service.service import TrustService
from baas.trust_service.tsa.http import PATH
from tests.baas.trust_service.stands import serving

pytestmark = pytest.mark.tools

ENVIRONMENT = {key: value for key, value in os.environ.items() if "proxy" not in key.lower()}


class Bench:
    """A served trust service, and a directory with what its clients hold."""

    def __init__(self, service: TrustService, url: str, directory: Path) -> None:
        self.service, self.url, self.directory = service, url, directory
        pki = service.pki
        self.put("root.pem", service.roots_pem)
        self.seal = service.enrol("9821920002", "Ajuntament de Prova").certificate
        self.revoked = service.enrol("9821920003", "Ajuntament Revocat").certificate
        self.person = pki.issue_person("Maria Carme Puig Soler", "00000000T").certificate
        service.revoke(self.revoked.serial_number, x509.ReasonFlags.key_compromise)
        responders = {role: each for role, _, each in pki.issued()}
        self.certificates = {
            "issuing": pki.issuing,
            "seal": self.seal,
            "revoked": self.revoked,
            "person": self.person,
            "tsa": pki.tsa.certificate,
            "dss": pki.dss.certificate,
            "root-ocsp": responders[Role.ROOT_OCSP],
            "issuing-ocsp": responders[Role.ISSUING_OCSP],
        }
        for name, certificate in self.certificates.items():
            self.put(f"{name}.pem", certificate.public_bytes(Encoding.PEM))
        self.put("authorities.pem", service.roots_pem + pki.issuing.public_bytes(Encoding.PEM))
        crls = b""
        with httpx2.Client(trust_env=False) as client:
            for name in ("root", "issuing"):
                der = client.get(f"{url}/crl/{name}.crl").content
                self.put(f"{name}.crl", der)
                crls += x509.load_der_x509_crl(der).public_bytes(Encoding.PEM)
        self.put("crls.pem", crls)

    def put(self, name: str, content: bytes) -> None:
        (self.directory / name).write_bytes(content)

    def openssl(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["openssl", *arguments],
            cwd=self.directory,
            env=ENVIRONMENT,
            capture_output=True,
            text=True,
            check=False,
        )

    def verify(self, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """With what a careful verifier asks for: strict X.509, and a CRL at each step of the path."""
        command = ["verify", "-x509_strict", "-crl_check_all", "-CRLfile", "crls.pem", "-CAfile", "root.pem"]
        return self.openssl(*command, "-untrusted", "issuing.pem", *arguments, f"{name}.pem")


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    service = TrustService.open(tmp_path_factory.mktemp("trust"), SystemClock())
    with serving(service.routes()) as url:
        yield Bench(service, url, tmp_path_factory.mktemp("client"))
    service.close()


@pytest.mark.parametrize(
    ("name", "purpose"),
    [
        ("issuing", "crlsign"),
        ("seal", "smimesign"),
        ("person", "smimesign"),
        ("person", "sslclient"),
        ("tsa", "timestampsign"),
        ("dss", "smimesign"),
        ("root-ocsp", "ocsphelper"),
        ("issuing-ocsp", "ocsphelper"),
    ],
)
def test_paths_hold_for_their_purpose(bench: Bench, name: str, purpose: str) -> None:
    found = bench.verify(name, "-purpose", purpose)
    assert (found.returncode, found.stdout.strip()) == (0, f"{name}.pem: OK"), found.stderr


@pytest.mark.parametrize(
    ("name", "purpose"),
    [("tsa", "smimesign"), ("seal", "timestampsign"), ("dss", "timestampsign"), ("person", "timestampsign")],
)
def test_and_for_no_other(bench: Bench, name: str, purpose: str) -> None:
    found = bench.verify(name, "-purpose", purpose)
    assert found.returncode != 0
    assert "purpose" in found.stderr


def test_a_revoked_certificate_is_refused(bench: Bench) -> None:
    found = bench.verify("revoked")
    assert found.returncode != 0
    assert "error 23 at 0 depth lookup: certificate revoked" in found.stderr


def test_without_the_crl_of_each_step_it_does_not_hold(bench: Bench) -> None:
    bench.put(
        "one.pem",
        x509.load_der_x509_crl((bench.directory / "issuing.crl").read_bytes()).public_bytes(Encoding.PEM),
    )
    arguments = ["-crl_check_all", "-CRLfile", "one.pem", "-CAfile", "root.pem", "-untrusted", "issuing.pem"]
    found = bench.openssl("verify", *arguments, "seal.pem")
    assert "unable to get certificate CRL" in found.stderr


@pytest.mark.parametrize(
    ("name", "policy"), [("seal", SEAL_POLICY), ("person", PERSON_POLICY), ("tsa", TSA_POLICY)]
)
def test_policies_hold_from_the_root_down(bench: Bench, name: str, policy: str) -> None:
    assert bench.verify(name, "-policy", policy, "-explicit_policy").returncode == 0
    other = SEAL_POLICY if name != "seal" else PERSON_POLICY
    refused = bench.verify(name, "-policy", other, "-explicit_policy")
    assert "no explicit policy" in refused.stderr


@pytest.mark.parametrize("name", ["root", "issuing"])
def test_a_crl_is_its_issuers(bench: Bench, name: str) -> None:
    found = bench.openssl(
        "crl", "-inform", "DER", "-in", f"{name}.crl", "-CAfile", "authorities.pem", "-noout", "-text"
    )
    assert "verify OK" in found.stderr, found.stderr
    assert "X509v3 CRL Number" in found.stdout
    if name == "issuing":
        assert f"{bench.revoked.serial_number:X}" in found.stdout
        assert "Key Compromise" in found.stdout


def ocsp(bench: Bench, issuer: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """As a client that holds both authorities: an answer has the responder's certificate in it, and no more."""
    command = ["ocsp", "-url", f"{bench.url}/ocsp", "-CAfile", "authorities.pem"]
    return bench.openssl(*command, "-issuer", f"{issuer}.pem", *arguments)


@pytest.mark.parametrize("digest", ["-sha1", "-sha256"])
def test_ocsp_as_openssl_asks_it(bench: Bench, digest: str) -> None:
    for issuer, name, status in (
        ("issuing", "seal", "good"),
        ("issuing", "person", "good"),
        ("issuing", "revoked", "revoked"),
        ("root", "tsa", "good"),
        ("root", "issuing", "good"),
    ):
        found = ocsp(bench, issuer, digest, "-cert", f"{name}.pem")
        assert "Response verify OK" in found.stderr, found.stderr
        assert f"{name}.pem: {status}" in found.stdout, found.stdout
        assert "WARNING" not in found.stderr, "its nonce came back"
        assert ("Reason: keyCompromise" in found.stdout) == (status == "revoked")
    for issuer, serial in (("issuing", 0x1234), ("root", bench.seal.serial_number)):
        found = ocsp(bench, issuer, digest, "-serial", f"0x{serial:X}")
        assert "Response verify OK" in found.stderr, found.stderr
        assert f"0x{serial:X}: unknown" in found.stdout


def test_an_ocsp_answer_of_another_pki_does_not_verify(bench: Bench, tmp_path: Path) -> None:
    other = TrustService.open(tmp_path / "other", SystemClock())
    with serving(other.routes()) as url:
        found = ocsp(bench, "issuing", "-cert", "seal.pem", "-url", url + "/ocsp")
    other.close()
    assert "Response verify OK" not in found.stderr
    assert "verify error" in found.stderr.lower() or "Response Verify Failure" in found.stderr


def test_a_token_over_http(bench: Bench) -> None:
    bench.put("decree", b"a decree")
    assert bench.openssl("ts", "-query", "-data", "decree", "-cert", "-out", "decree.tsq").returncode == 0
    with httpx2.Client(trust_env=False) as client:
        query = (bench.directory / "decree.tsq").read_bytes()
        answer = client.post(bench.url + PATH, content=query, headers={"Content-Type": QUERY})
    bench.put("decree.tsr", answer.content)
    verify = ["ts", "-verify", "-in", "decree.tsr", "-CAfile", "root.pem"]
    good = bench.openssl(*verify, "-queryfile", "decree.tsq")
    assert good.stdout.strip() == "Verification: OK", good.stderr
    strict = bench.openssl(*verify, "-queryfile", "decree.tsq", "-x509_strict")
    assert strict.stdout.strip() == "Verification: OK", strict.stderr
    bench.openssl("ts", "-query", "-data", "decree", "-cert", "-out", "another.tsq")
    wrong_nonce = bench.openssl(*verify, "-queryfile", "another.tsq")
    assert "nonce mismatch" in wrong_nonce.stderr
    bench.put("another", b"another")
    assert "imprint mismatch" in bench.openssl(*verify, "-data", "another").stderr


def test_every_structure_is_der_to_its_last_byte(bench: Bench) -> None:
    """`asn1parse` fails where bytes follow or a length lies."""
    seal = ocsp(bench, "issuing", "-cert", "seal.pem", "-respout", "seal.ocsp")
    assert seal.returncode == 0
    for name in ("root.crl", "issuing.crl", "seal.ocsp"):
        found = bench.openssl("asn1parse", "-inform", "DER", "-in", name)
        assert found.returncode == 0, found.stderr
        header, length = _lengths(found.stdout)
        assert header + length == (bench.directory / name).stat().st_size


def _lengths(text: str) -> tuple[int, int]:
    """Of the outermost structure: its header's and its content's bytes."""
    first = text.splitlines()[0].replace("hl=", " hl= ").replace(" l=", " l= ").split()
    return int(first[first.index("hl=") + 1]), int(first[first.index("l=") + 1])


@pytest.mark.parametrize(
    ("name", "usage", "purpose", "said"),
    [
        ("seal", "Digital Signature, Non Repudiation", None, [f"Policy: {SEAL_POLICY}", "VATES-P00"]),
        (
            "person",
            "Digital Signature, Non Repudiation",
            "TLS Web Client Authentication, E-mail Protection",
            [f"Policy: {PERSON_POLICY}", "IDCES-00000000T", "SN = Carme Puig Soler", "GN = Maria"],
        ),
        ("tsa", "Digital Signature, Non Repudiation", "Time Stamping", [f"Policy: {TSA_POLICY}"]),
        ("issuing", "Certificate Sign, CRL Sign", None, ["CA:TRUE, pathlen:0", "X509v3 Any Policy"]),
        ("issuing-ocsp", "Digital Signature, Non Repudiation", "OCSP Signing", ["OCSP No Check"]),
    ],
)
def test_what_openssl_reads_in_them(
    bench: Bench, name: str, usage: str, purpose: str | None, said: list[str]
) -> None:
    text = bench.openssl(
        "x509", "-in", f"{name}.pem", "-noout", "-text", "-nameopt", "utf8,sep_comma_plus_space"
    ).stdout
    lines = [line.strip() for line in text.splitlines()]
    at = lines.index("X509v3 Key Usage: critical")
    assert lines[at + 1] == usage
    if purpose is None:
        assert "Extended Key Usage" not in text
    else:
        assert (
            purpose in lines[[line.startswith("X509v3 Extended Key Usage") for line in lines].index(True) + 1]
        )
    for each in said:
        assert each in text.replace("=", " = ").replace("  ", " "), text
    assert "Sandbox" in text
    assert "prime256v1" in text
