"""The page's modules under Node: they answer every vector as the library does; the committed page is what they make."""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from sandbox import npm
from sandbox.errors import EvidenceError, MalformedEvidence
from sandbox.evidence import ed25519, encodings, secp256k1_pure
from sandbox.evidence.receipt import Receipt
from sandbox.standalone import bundle
from tests.sandbox.evidence.test_pure import SECP256K1, SMALL, WYCHEPROOF, by_library_over_secp256k1, halves
from tests.sandbox.standalone.vectors import ROOT, TEXTS_OF_THE_PAGE, Vector, answer, differences, flipped

pytestmark = [pytest.mark.tools, pytest.mark.timeout(1200)]
HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def folder() -> Path:
    return bundle.prepared(ROOT / "build" / "verifier")


def answers(folder: Path, lines: list[str], script: str = "differential.mjs") -> list[Any]:
    """What a script of this folder says of each line."""
    node = npm.wheel_node()
    command = [str(node) if node else "node", str(HERE / script), str(folder)]
    done = subprocess.run(
        command, input="\n".join(lines), capture_output=True, text=True, check=False, timeout=1000
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def read_by_the_page(answer: Any) -> Any:
    """Python's answer as the page can give it: it does not read what a PDF's revision added."""
    for place, step in enumerate(answer["steps"] if answer else ()):
        read = [not key.startswith("document.added-") for key in step["details"]]
        said = [report["steps"][place] for report in answer["spoken"].values()]
        for each in (step, *said):
            each["details"] = [line for line, kept in zip(each["details"], read, strict=True) if kept]
    return answer


def only_stamped(vector: Vector) -> bool:
    """Whether a renewal is on no chain: the page does not read the time-stamps over it, and says so in step 15."""
    try:
        content = encodings.read(vector.receipt).content
        return isinstance(content, Receipt) and any(renewal.anchor is None for renewal in content.renewals)
    except EvidenceError:
        return False


def wrong(
    folder: Path, vectors: list[Vector], texts: dict[str, dict[str, str]] = TEXTS_OF_THE_PAGE
) -> list[str]:
    found = answers(folder, [json.dumps(texts), *(vector.to_line() for vector in vectors)])
    stamped = [only_stamped(vector) for vector in vectors]
    assert not any(each["ok"] for each, only in zip(found, stamped, strict=True) if only)
    chosen = [place for place, only in enumerate(stamped) if not only]
    return differences(
        [vectors[place] for place in chosen],
        [found[place] for place in chosen],
        read_by_the_page,
        texts,
    )


def test_the_modules_answer_each_vector_as_the_library_does(folder: Path, vectors: list[Vector]) -> None:
    assert wrong(folder, vectors) == []


def test_the_modules_answer_flipped_bits_as_the_library_does(folder: Path, vectors: list[Vector]) -> None:
    """Of the receipts with everything in them: manifests, renewals, witnesses, lower bounds, moved clocks."""
    found = [(vector, answer(vector, texts={})) for vector in vectors]
    by_shape = {
        tuple(step["key"] for step in said["steps"]): vector for vector, said in found if said and said["ok"]
    }
    assert len(by_shape) > 5
    altered = [each for vector in by_shape.values() for each in flipped(vector, 41)]
    assert len(altered) > 500
    catalan = {"ca": TEXTS_OF_THE_PAGE["ca"]}  # the other vectors are said in all three
    assert wrong(folder, altered, catalan) == []


def test_its_signatures_are_those_of_wycheproof_and_of_the_library(folder: Path) -> None:
    tests = [(group["key"], *test) for group in WYCHEPROOF["groups"] for test in group["tests"]]
    weak = [
        (key.hex(), 0, "", "", "00" * 64, "invalid")
        for key in (*SMALL, b"\xed" + b"\xff" * 30 + b"\x7f", bytes(31))
    ]
    lines = [json.dumps([key, signature, message]) for key, _, _, message, signature, _ in tests + weak]
    for (key, number, _, message, signature, result), (speaks, holds) in zip(
        tests + weak, answers(folder, lines, "signatures.mjs"), strict=True
    ):
        public, over, text = (bytes.fromhex(each) for each in (key, signature, message))
        try:
            ed25519.require_key(public, "a key")
        except MalformedEvidence:
            assert not speaks, (number, key)
            continue
        assert (speaks, holds) == (True, ed25519.verify(public, over, text)), (number, result)


def test_its_signatures_of_accounts_are_those_of_wycheproof_and_of_the_library(folder: Path) -> None:
    cases, expected = [], []
    for group in SECP256K1["groups"]:
        x, y = halves(bytes.fromhex(group["key"]))
        for _, _, message, signature, _ in group["tests"]:
            digest, (r, s) = hashlib.sha256(bytes.fromhex(message)).digest(), halves(bytes.fromhex(signature))
            cases.append(json.dumps([group["key"], digest.hex(), f"{r:x}", f"{s:x}"]))
            expected.append([True, by_library_over_secp256k1(x, y, digest, r, s)])
    y = pow(8, (secp256k1_pure.P + 1) // 4, secp256k1_pure.P)
    for at_x, at_y, speaks in (
        (1, y, True),
        (secp256k1_pure.P + 1, y, False),
        (0, 0, False),
        (1, y + 1, False),
    ):
        cases.append(json.dumps([f"{at_x:064x}{at_y:064x}", "00" * 32, "2", "1"]))
        expected.append([speaks, False])
    assert answers(folder, cases, "accounts.mjs") == expected
