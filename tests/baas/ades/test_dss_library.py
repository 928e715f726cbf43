"""The European Commission's DSS library as another house's judge and signer: of ours, and for ours to judge.

It runs once, on plain Java, over a folder: it signs documents with the tests' own keys, and judges what baas.ades signed
and what wrapping made of it. Where its verdict is another than ours, the table says both, and why.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from lxml import etree

from baas.ades import cades, pades, xades
from baas.ades.types import Level, Trust
from baas.ades.verdict import Verdict
from tests.baas.ades import wrapping, xmljudges
from tests.baas.ades.pki import AT, DAY, HOUR, Pki
from tests.baas.ades.test_xades import ACT, DOCUMENT

pytestmark = [pytest.mark.tools, pytest.mark.timeout(600)]

HERE = Path(__file__).parent / "dss"
LIBRARIES = Path("build/tools/dss")
PDF = sorted(Path("docs/examples/documents").glob("*.pdf"))[0]
PASSED = "TOTAL_PASSED"


@dataclass(frozen=True)
class Said:
    """What DSS says of one file."""

    verdict: str
    format: str
    why: str


@dataclass(frozen=True)
class Dss:
    """What DSS said of files, by name, and the folder with those that it signed."""

    folder: Path
    said: dict[str, Said]


def ours(verdict: Verdict) -> str:
    problem = "" if verdict.sub_indication is None else f" {verdict.sub_indication.value}"
    return f"{verdict.indication.value.replace('-', '_')}{problem}"


#: Signer → what DSS says, and what we say, of a XAdES signature at either level.
CERTIFICATES = {
    "seal": (PASSED, PASSED),
    "unknown": ("INDETERMINATE NO_CERTIFICATE_CHAIN_FOUND", "INDETERMINATE NO_CERTIFICATE_CHAIN_FOUND"),
    "revoked": ("INDETERMINATE REVOKED_NO_POE", "INDETERMINATE REVOKED_NO_POE"),
    # A list of after its end need not name an expired certificate: to DSS there is then no revocation data at all, which
    # it says first; we say first that the certificate has ended.
    "expired": ("INDETERMINATE CERTIFICATE_CHAIN_GENERAL_FAILURE", "INDETERMINATE OUT_OF_BOUNDS_NO_POE"),
    # The list is older than the certificate: the same order of questions.
    "soon": ("INDETERMINATE CERTIFICATE_CHAIN_GENERAL_FAILURE", "TOTAL_FAILED NOT_YET_VALID"),
}
_NO_LIST = "INDETERMINATE CERTIFICATE_CHAIN_GENERAL_FAILURE"
#: CAdES: who signed, when it was time-stamped (None: B-B) and by whom; what DSS says, and what we say.
TIMES: dict[str, tuple[str, datetime | None, str, str, str]] = {
    "revoked": ("revoked", None, "tsa", "INDETERMINATE REVOKED_NO_POE", "INDETERMINATE REVOKED_NO_POE"),
    "revoked-after": ("revoked", AT - 2 * HOUR, "tsa", PASSED, PASSED),
    "revoked-before": (
        "revoked", AT - HOUR / 2, "tsa", "INDETERMINATE REVOKED_NO_POE", "INDETERMINATE REVOKED_NO_POE",
    ),
    "revoked-after-a-stranger": (
        "revoked", AT - 2 * HOUR, "unknown_tsa", "INDETERMINATE REVOKED_NO_POE", "INDETERMINATE REVOKED_NO_POE",
    ),
    "strangers-time-stamp": ("seal", AT - HOUR, "unknown_tsa", PASSED, PASSED),
    "expired-before": ("expired", AT - DAY, "tsa", _NO_LIST, "INDETERMINATE OUT_OF_BOUNDS_NO_POE"),
    "expired-after": ("expired", AT - 20 * DAY, "tsa", _NO_LIST, "INDETERMINATE OUT_OF_BOUNDS_NO_POE"),
}  # fmt: skip
FORMAT = "TOTAL_FAILED FORMAT_FAILURE"
CONSTRAINTS = "INDETERMINATE SIG_CONSTRAINTS_FAILURE"
NO_CERTIFICATE = "INDETERMINATE NO_SIGNING_CERTIFICATE_FOUND"
NOT_FOUND = "INDETERMINATE SIGNED_DATA_NOT_FOUND"
HASH = "TOTAL_FAILED HASH_FAILURE"
#: Wrapping → what DSS says. It verifies the element that the reference names, wherever it stands, and lists in its report
#: what that covers; that this is the document that was asked about is left to who reads the list.
WRAPPED = {
    wrapping.whole_signed_document_inside_a_forged_one: PASSED,
    wrapping.signature_left_in_the_wrapped_document: PASSED,
    wrapping.signed_document_in_an_object: PASSED,
    wrapping.signature_deeper: PASSED,
    wrapping.unsigned_object: PASSED,
    wrapping.retrieval_method: PASSED,
    wrapping.properties_of_another_signature: PASSED,
    wrapping.same_identifier_twice: FORMAT,
    wrapping.same_identifier_as_xml_id: FORMAT,
    wrapping.no_certificate: NO_CERTIFICATE,
    wrapping.forged: HASH,
    wrapping.properties_aside: NOT_FOUND,
    wrapping.properties_among_the_unsigned: NOT_FOUND,
    wrapping.properties_twice: "REFUSED",
    wrapping.properties_gone: NO_CERTIFICATE,
}


@pytest.fixture(scope="module")
def dss(pki: Pki, tmp_path_factory: pytest.TempPathFactory) -> Dss:
    folder = tmp_path_factory.mktemp("dss")
    (folder / "moment").write_text(str(int(AT.timestamp() * 1000)))
    for name, certificate in {
        "root": pki.root.certificate,
        "seal": pki.seal.certificate,
        "chain": pki.issuing.certificate,
        "tsa": pki.tsa.certificate,
    }.items():
        (folder / f"{name}.der").write_bytes(certificate.public_bytes(Encoding.DER))
    for name, key in {"seal": pki.seal.key, "tsa": pki.tsa.key}.items():
        (folder / f"{name}.pk8").write_bytes(
            key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        )
    for number, crl in enumerate(pki.crls()):
        (folder / f"crl-{number}.der").write_bytes(crl)
    for name, data in {"bin": DOCUMENT, "xml": ACT, "pdf": PDF.read_bytes()}.items():
        (folder / f"document.{name}").write_bytes(data)
    beside: dict[str, str] = {}
    for name, (data, document) in _made(pki).items():
        (folder / name).write_bytes(data)
        beside[name] = document
    pairs = [part for pair in beside.items() for part in pair]
    java = shutil.which("java")
    assert java, "no Java: make test-tools installs it"
    command = [java, "-cp", f"{_libraries().resolve()}/*", str(HERE / "Dss.java"), str(folder), *pairs]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    said: dict[str, Said] = {}
    for line in done.stdout.splitlines():
        name, indication, problem, form, _, why = line.split("\t")
        said[name] = Said(indication if problem == "null" else f"{indication} {problem}", form, why)
    assert said.keys() == beside.keys()
    return Dss(folder, said)


def _libraries() -> Path:
    """DSS from Maven Central, once."""
    if not LIBRARIES.exists():
        maven = shutil.which("mvn")
        assert maven, "no Maven: make test-tools installs it"
        making = LIBRARIES.with_name("dss.new")
        shutil.rmtree(making, ignore_errors=True)
        command = [maven, "-q", "-B", "-f", str(HERE / "pom.xml"), "dependency:copy-dependencies"]
        subprocess.run([*command, f"-DoutputDirectory={making.resolve()}"], check=True, timeout=300)
        making.rename(LIBRARIES)
    return LIBRARIES


def _made(pki: Pki) -> dict[str, tuple[bytes, str]]:
    """Ours: name → the signed file, and the document beside it."""
    made: dict[str, tuple[bytes, str]] = {}
    for level in (Level.B, Level.T):
        for who in CERTIFICATES:
            signed = xades.sign(
                DOCUMENT, level, getattr(pki, who), stamper=pki.tsa, now=AT, name="document.bin"
            )
            made[f"xades-{level}-of-{who}"] = (signed, "document.bin")
        signed = xades.enveloped(ACT, level, pki.seal, stamper=pki.tsa, now=AT)
        made[f"xades-{level}-in-document"] = (signed, "-")
        signed = cades.sign(DOCUMENT, level, pki.seal, stamper=pki.tsa, now=AT)
        made[f"cades-{level}"] = (signed, "document.bin")
    for level in Level:
        signed = pades.sign(PDF.read_bytes(), level, pki.seal, stamper=pki.tsa, trust=pki.trust(), now=AT)
        made[f"pades-{level}"] = (signed, "-")
    for name, (who, when, authority, _, _) in TIMES.items():
        signed = cades.sign(
            DOCUMENT,
            Level.B if when is None else Level.T,
            getattr(pki, who),
            stamper=None if when is None else getattr(pki, authority).at(when),
            now=when or AT,
        )
        made[f"cades-{name}"] = (signed, "document.bin")
    for shape in WRAPPED:
        made[shape.__name__] = (etree.tostring(shape(wrapping.document(pki.seal))), "-")
    made["swapped"] = (etree.tostring(wrapping.swapped_key(wrapping.document(pki.seal), pki)), "-")
    return made


@pytest.mark.parametrize("level", [Level.B, Level.T])
@pytest.mark.parametrize("who", CERTIFICATES)
def test_dss_on_our_xades(dss: Dss, pki: Pki, who: str, level: Level) -> None:
    name = f"xades-{level}-of-{who}"
    theirs, expected = CERTIFICATES[who]
    assert dss.said[name].verdict == theirs, dss.said[name].why
    verdict = xades.validate((dss.folder / name).read_bytes(), DOCUMENT, pki.trust(), AT)
    assert ours(verdict) == expected


@pytest.mark.parametrize("level", [Level.B, Level.T])
def test_dss_finds_the_format_and_level_of_ours(dss: Dss, level: Level) -> None:
    letter = level.value[-1].upper()
    for name in (f"xades-{level}-of-seal", f"xades-{level}-in-document"):
        assert (dss.said[name].verdict, dss.said[name].format) == (PASSED, f"XAdES-BASELINE-{letter}")
    cms = dss.said[f"cades-{level}"]
    assert (cms.verdict, cms.format) == (PASSED, f"CAdES-BASELINE-{letter}")


@pytest.mark.parametrize("name", TIMES)
def test_dss_on_revocation_and_expiry_around_a_time_stamp(dss: Dss, pki: Pki, name: str) -> None:
    *_, theirs, expected = TIMES[name]
    said = dss.said[f"cades-{name}"]
    assert said.verdict == theirs, said.why
    verdict = cades.validate((dss.folder / f"cades-{name}").read_bytes(), DOCUMENT, pki.trust(), AT)
    assert ours(verdict) == expected


@pytest.mark.parametrize("level", Level)
def test_dss_on_our_pades(dss: Dss, level: Level) -> None:
    said = dss.said[f"pades-{level}"]
    assert (said.verdict, said.format) == (PASSED, f"PAdES-BASELINE-{level.value[2:].upper()}"), said.why


@pytest.mark.parametrize("shape", WRAPPED, ids=lambda shape: shape.__name__)
def test_dss_on_wrapping(dss: Dss, pki: Pki, shape: Callable[[etree._Element], etree._Element]) -> None:
    said = dss.said[shape.__name__]
    assert said.verdict == WRAPPED[shape], said.why
    verdict = xades.validate((dss.folder / shape.__name__).read_bytes(), None, pki.trust(), AT)
    assert not verdict.ok


def test_dss_and_we_agree_that_a_swapped_certificate_is_not_the_signer_s(dss: Dss, pki: Pki) -> None:
    assert dss.said["swapped"].verdict == NO_CERTIFICATE
    verdict = xades.validate((dss.folder / "swapped").read_bytes(), None, pki.trust(), AT)
    assert ours(verdict) == NO_CERTIFICATE


@pytest.mark.parametrize("level", ["b", "t"])
@pytest.mark.parametrize("packaging", ["detached", "enveloped", "enveloping"])
def test_the_xades_of_dss_is_judged_here(dss: Dss, pki: Pki, level: str, packaging: str) -> None:
    signed = (dss.folder / f"xades-{level}-{packaging}").read_bytes()
    beside = DOCUMENT if packaging == "detached" else None
    _holds(xades.validate(signed, beside, pki.trust(), AT), level)
    if packaging == "enveloped":
        assert xmljudges.xmlsec_verifies(etree.fromstring(signed), pki.seal.certificate)
        changed = xades.validate(signed.replace(b"S'aprova", b"Es nega"), beside, pki.trust(), AT)
        assert ours(changed) == HASH


@pytest.mark.parametrize("level", ["b", "t"])
@pytest.mark.parametrize("packaging", ["detached", "enveloping"])
def test_the_cades_of_dss_is_judged_here(dss: Dss, pki: Pki, level: str, packaging: str) -> None:
    signed = (dss.folder / f"cades-{level}-{packaging}").read_bytes()
    _holds(cades.validate(signed, DOCUMENT if packaging == "detached" else None, pki.trust(), AT), level)


@pytest.mark.parametrize("level", Level)
def test_the_pades_of_dss_is_judged_here(dss: Dss, pki: Pki, level: Level) -> None:
    signed = (dss.folder / f"pades-{level.value[2:]}-enveloped").read_bytes()
    verdict = pades.validate(signed, pki.trust(), AT)
    assert verdict.ok, verdict
    assert verdict.level is level
    # DSS gives its archive time-stamp's field an (empty) appearance, which pyHanko takes for a form that was filled in.
    assert verdict.covers_whole_document is (level is not Level.LTA)
    changed = bytearray(signed)
    changed[100] ^= 1
    assert not pades.validate(bytes(changed), pki.trust(), AT).ok


def test_nobody_trusts_the_root_by_itself(dss: Dss, pki: Pki) -> None:
    signed = (dss.folder / "xades-t-detached").read_bytes()
    stranger = Trust(roots=(pki.stranger.certificate,))
    assert ours(xades.validate(signed, DOCUMENT, stranger, AT)) == "INDETERMINATE NO_CERTIFICATE_CHAIN_FOUND"


def _holds(verdict: Verdict, level: str) -> None:
    assert verdict.ok, verdict
    assert verdict.level is Level(f"b-{level}")
    assert verdict.signing_time == AT
    assert verdict.proven_time == (AT if level == "t" else None)
