"""baas-verify.pyz on an interpreter without packages and without a network: it answers as the library does."""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from baas import verifier
from sandbox.standalone import archive
from tests.sandbox.evidence.conftest import World
from tests.sandbox.evidence.hand_overs import DOCUMENT, FIRST, SECOND, THIRD, Prover
from tests.sandbox.standalone.vectors import TEXTS, Vector, differences, shape

#: Many steps or every case: `make test-long`.
pytestmark = pytest.mark.long

#: Reads vectors as lines and answers each with a line, inside the archive's own interpreter.
DRIVER = """
import base64, json, pathlib, sys, tempfile
from datetime import UTC, datetime
sys.path.insert(0, sys.argv[1])
from sandbox.errors import EvidenceError
from sandbox.evidence import cbor, digest, ed25519, encodings, hand_over, keccak, secp256k1, timestamp, trust
from sandbox.evidence.policy import named
from sandbox.evidence.spoken import speak

assert ed25519.LIBRARY is keccak.LIBRARY is secp256k1.LIBRARY is None and not timestamp.available()
assert encodings.__file__.startswith(sys.argv[1]) and cbor.cbor2.loads.__module__ == "cbor2"

def report(document, made, root, policy, moment, bodies):
    if not hand_over.is_one(made):
        return encodings.verify(document, made, root, named(policy), as_of=moment)
    read, bodies = hand_over.parse(made), hand_over.Bodies.of_addresses(*(bodies or ("", "")))
    return hand_over.verify(read, digest.digest_bytes(document, read.document.algorithm), root, bodies)

TEXTS = json.loads(next(sys.stdin))

def whole(report):
    causes = [step.outcome.cause and [step.outcome.cause.key, step.outcome.cause.values] for step in report.steps]
    spoken = {language: speak(report, texts)._asdict() for language, texts in TEXTS.items()}
    for said in spoken.values():
        said["steps"] = [step._asdict() for step in said["steps"]]
    return report.to_dict(), causes, spoken

for line in sys.stdin:
    _, *parts, policy, as_of, bodies = json.loads(line)
    document, made, root = map(base64.b64decode, parts)
    moment = None if as_of is None else datetime.fromtimestamp(as_of / 1000, UTC)
    try:
        found = whole(report(document, made, trust.parse(root), policy, moment, bodies))
    except EvidenceError:
        found = None
    print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def pyz(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("archive") / archive.NAME
    path.write_bytes(archive.build(verifier.spoken()))
    return path


@pytest.fixture
def files(tmp_path: Path) -> Path:
    world = World()
    (tmp_path / "doc").write_bytes(world.document)
    (tmp_path / "receipt").write_bytes(world.receipt().to_bytes())
    (tmp_path / "trust").write_bytes(world.trust().to_bytes())
    return tmp_path


def run(
    pyz: Path, folder: Path, *arguments: str, prefix: tuple[str, ...] = ()
) -> subprocess.CompletedProcess[str]:
    command = [*prefix, sys.executable, "-I", "-S", str(pyz), *arguments]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, env={"LANG": "C.UTF-8"}, timeout=60
    )


def test_the_same_sources_give_the_same_bytes() -> None:
    first = archive.build(verifier.spoken())
    assert first == archive.build(verifier.spoken())
    with zipfile.ZipFile(io.BytesIO(first)) as opened:
        infos = opened.infolist()
        assert [info.filename for info in infos] == sorted(info.filename for info in infos)
        assert {info.date_time for info in infos} == {(1980, 1, 1, 0, 0, 0)}
        suffixes = {Path(info.filename).suffix for info in infos if not info.filename.startswith("licences/")}
        assert suffixes == {".py", ".md", ".json"}
        assert {
            name.removeprefix("licences/") for name in opened.namelist() if name.startswith("licences/")
        } == {
            "baas-sandbox",
            *archive.CARRIED,
        }


def test_it_runs_with_no_package_and_no_network(pyz: Path, files: Path) -> None:
    unshare = shutil.which("unshare")
    alone = (
        (unshare, "-rn")
        if unshare and subprocess.run([unshare, "-rn", "true"], check=False).returncode == 0
        else ()
    )
    done = run(pyz, files, "doc", "receipt", "--trust", "trust", prefix=alone)
    assert done.returncode == 0, done.stderr
    assert "L'empremta electrònica del document: Comprovat" in done.stdout
    assert "Signatures comprovades per: Python." in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("doc", "receipt", "--trust", "trust", "--lang", "en"), 0, "The document's digest: Checked"),
        (
            ("doc", "receipt", "--trust", "trust", "--lang=es"),
            0,
            "La huella electrónica del documento: Comprobado",
        ),
        (("receipt", "receipt", "--trust", "trust", "--lang", "en"), 1, "not checked, since step 1 failed"),
        (("doc", "trust", "--trust", "trust", "--lang", "en"), 1, "cannot be relied on"),
        (("doc", "nothing", "--trust", "trust", "--lang", "en"), 2, "cannot read nothing"),
        (("doc", "receipt"), 2, "--trust"),
        (("doc", "receipt", "--trust", "trust", "--policy", "none"), 2, "no such step: none"),
    ],
)
def test_it_ends_as_baas_verify_does(
    pyz: Path, files: Path, arguments: tuple[str, ...], code: int, words: str
) -> None:
    done = run(pyz, files, *arguments)
    assert (done.returncode, words in done.stdout + done.stderr) == (code, True), done.stdout + done.stderr


def test_its_json_is_that_of_baas_verify(pyz: Path, files: Path) -> None:
    done = run(pyz, files, "doc", "receipt", "--trust", "trust", "--json")
    report = json.loads(done.stdout)
    assert (report["type"], report["ok"]) == ("baas-verification-report", True)
    refused = json.loads(run(pyz, files, "doc", "doc", "--trust", "trust", "--json").stdout)
    assert refused["exit_code"] == 1


@pytest.fixture
def act(tmp_path: Path) -> Path:
    """An act, the evidence of its hand-over whole and half, and the trust root."""
    prover = Prover()
    (tmp_path / "act").write_bytes(DOCUMENT)
    (tmp_path / "evidence").write_bytes(prover.evidence().to_bytes())
    (tmp_path / "half").write_bytes(prover.evidence(*prover.evidence().steps[:2]).to_bytes())
    (tmp_path / "trust").write_bytes(prover.trust().to_bytes())
    return tmp_path


BY, TO, OTHER = (each.account.address for each in (FIRST, SECOND, THIRD))


def handed_over(pyz: Path, folder: Path, evidence: str, by: str, to: str, *more: str) -> Any:
    files = ("act", evidence, "--trust", "trust", "--offered-by", by, "--offered-to", to)
    return run(pyz, folder, *files, *more)


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (
            "ca",
            [
                "8. Cada ens ha signat els seus passos: Comprovat",
                f"- acceptació: per {TO.lower()}",
                "De quin ens és cada compte",
            ],
        ),
        (
            "es",
            [
                "8. Cada ente ha firmado sus pasos: Comprobado",
                f"- aceptación: por {TO.lower()}",
                "De qué ente es cada cuenta",
            ],
        ),
        (
            "en",
            [
                "8. Each body signed its own steps: Checked",
                f"- acceptance: by {TO.lower()}",
                "Which body an account is of",
            ],
        ),
    ],
)
def test_a_hand_over_with_no_package_in_each_language(
    pyz: Path, act: Path, language: str, words: list[str]
) -> None:
    done = handed_over(pyz, act, "evidence", BY, TO, "--lang", language)
    assert (done.returncode, done.stderr) == (0, "")
    assert [word for word in words if word not in done.stdout] == [], done.stdout
    assert re.findall(r"^(\d+)\. ", done.stdout, re.MULTILINE) == [str(number) for number in range(1, 13)]


@pytest.mark.parametrize(
    ("evidence", "by", "to", "more", "code", "words"),
    [
        ("half", BY, TO, (), 1, "see the step “The hand-over has ended”"),
        ("evidence", TO, BY, (), 1, "Each body signed its own steps: Does not hold"),
        ("evidence", BY, OTHER, (), 1, "Each body signed its own steps: Does not hold"),
        ("evidence", BY, BY, (), 2, "these are one account"),
        ("evidence", BY, "0x12", (), 2, "--offered-by and --offered-to"),
        ("evidence", BY, "", (), 2, "--offered-by and --offered-to"),
        ("evidence", BY, TO, ("--policy", "log-only"), 2, "--policy and --as-of are of a receipt"),
        ("evidence", BY, TO, ("--as-of", "2026-06-01"), 2, "--policy and --as-of are of a receipt"),
    ],
)
def test_a_hand_over_ends_as_baas_verify_does(
    pyz: Path, act: Path, evidence: str, by: str, to: str, more: tuple[str, ...], code: int, words: str
) -> None:
    done = handed_over(pyz, act, evidence, by, to, "--lang", "en", *more)
    assert (done.returncode, words in done.stdout + done.stderr) == (code, True), done.stdout + done.stderr


def test_only_a_hand_over_has_two_bodies(pyz: Path, files: Path) -> None:
    done = run(pyz, files, "doc", "receipt", "--trust", "trust", "--offered-by", BY, "--lang", "en")
    assert (done.returncode, "evidence of none" in done.stderr) == (2, True)


@pytest.mark.timeout(1200)
def test_it_answers_each_vector_as_the_library_does(pyz: Path, vectors: list[Vector]) -> None:
    lines = "\n".join([json.dumps(TEXTS), *(vector.to_line() for vector in vectors)])
    command = [sys.executable, "-I", "-S", "-c", DRIVER, str(pyz)]
    done = subprocess.run(command, input=lines, capture_output=True, text=True, check=False, timeout=1000)
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(vectors) > 600
    assert len([vector for vector in vectors if vector.bodies]) > 300
    found_ok = {vector.name: each and each[0]["ok"] for vector, each in zip(vectors, found, strict=True)}
    real = {name: ok for name, ok in found_ok.items() if name.startswith("a real chain's")}
    assert list(real.values()) == [True, True, False], real  # an act that was only accepted has not ended
    assert differences(vectors, [each and shape(*each) for each in found]) == []
