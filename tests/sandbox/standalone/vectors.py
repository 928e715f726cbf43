"""What the stand-alone verifiers are held to: every verification of the Python suite, flipped bits, hostile spellings.

Each vector is a document, a receipt and a trust root as bytes, or an act with the evidence of its hand-over in the
receipt's place and the accounts of two bodies besides; `answer` is what sandbox.evidence says of it where no
library reads time-stamps, which is how the stand-alone verifiers are.
"""

from __future__ import annotations

import base64
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

from baas import verifier
from baas.receipts import Format, Source, render
from sandbox.errors import EvidenceError
from sandbox.evidence import encodings, hand_over, timestamp, trust
from sandbox.evidence.digest import digest_bytes
from sandbox.evidence.encodings import Encoding
from sandbox.evidence.policy import named
from sandbox.evidence.report import Report
from sandbox.evidence.spoken import Spoken, Texts, speak
from tests.sandbox import test_handover
from tests.sandbox.evidence import encoded, hand_overs, test_hand_over
from tests.sandbox.evidence.conftest import World
from tests.sandbox.standalone import recorder

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Vector:
    name: str
    document: bytes
    receipt: bytes
    trust: bytes
    policy: str = "standard"
    as_of: datetime | None = None
    bodies: tuple[str, str] | None = None  # of a hand-over: by whom the act was offered, and to whom

    def to_line(self) -> str:
        b64 = [base64.b64encode(each).decode() for each in (self.document, self.receipt, self.trust)]
        as_of = None if self.as_of is None else int(self.as_of.timestamp() * 1000)
        return json.dumps([self.name, *b64, self.policy, as_of, self.bodies])


#: What is read in each language, but for reasons that are English sentences of each verifier's own.
TEXTS = {
    language: {**texts, "evidence.report.in_english": "(in English)"}
    for language, texts in verifier.spoken().items()
}
#: The same where the page has words of its own.
TEXTS_OF_THE_PAGE = {
    language: texts
    | {
        key.replace("verifier.", "evidence.", 1): said
        for key, said in texts.items()
        if key.startswith("verifier.message.")
    }
    for language, texts in TEXTS.items()
}


def answer(vector: Vector, texts: Mapping[str, Texts] = TEXTS) -> dict[str, Any] | None:
    """Python's: what each step found, and what a person reads; None where receipt or trust root cannot be read."""
    try:
        with patch.object(timestamp, "available", return_value=False):
            report = reported(vector)
    except EvidenceError:
        return None
    causes = [
        step.outcome.cause and [step.outcome.cause.key, step.outcome.cause.values] for step in report.steps
    ]
    spoken = {language: speak(report, those) for language, those in texts.items()}
    return shape(report.to_dict(), json.loads(json.dumps(causes)), as_json(spoken))


def as_json(spoken: Mapping[str, Spoken]) -> Any:
    named = {
        language: said._asdict() | {"steps": [step._asdict() for step in said.steps]}
        for language, said in spoken.items()
    }
    return json.loads(json.dumps(named))


def reported(vector: Vector) -> Report:
    root, policy = trust.parse(vector.trust), named(vector.policy)
    if not hand_over.is_one(vector.receipt):
        return encodings.verify(vector.document, vector.receipt, root, policy, as_of=vector.as_of)
    read = hand_over.parse(vector.receipt)
    bodies = hand_over.Bodies.of_addresses(*(vector.bodies or ("", "")))
    return hand_over.verify(read, digest_bytes(vector.document, read.document.algorithm), root, bodies)


def shape(report: dict[str, Any], causes: list[Any], spoken: Any) -> dict[str, Any]:
    """A report without its English, whose reasons are each verifier's own; and what is said of it in each language."""
    steps = [
        {
            "name": step["name"],
            "result": step["result"],
            "key": step["key"],
            "required": step["required"],
            "values": {name: value for name, value in step["values"].items() if name != "reason"},
            "details": [line["key"] for line in step.get("details", ())],
            "cause": cause and {"key": cause[0], "values": cause[1]},
        }
        for step, cause in zip(report["steps"], causes, strict=True)
    ]
    named = {name: report[name] for name in ("ok", "failed_step", "layers", "flags")}
    return named | {"steps": steps, "spoken": spoken}


def recorded(folder: Path) -> list[Vector]:
    """Every verification that tests/sandbox/evidence makes."""
    out = folder / "recorded.jsonl"
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "tests.sandbox.standalone.recorder",
        "tests/sandbox/evidence",
    ]
    environment = os.environ | {recorder.OUT: str(out), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    vectors = {}
    for line in out.read_text("ascii").splitlines():
        found = json.loads(line)
        document, made, root = (base64.b64decode(found[each]) for each in ("document", "receipt", "trust"))
        as_of = found["as_of"] and datetime.fromisoformat(found["as_of"])
        given = document, made, root, found["policy"], as_of, found["bodies"] and tuple(found["bodies"])
        vectors[given] = Vector(found["name"], *given)
    return list(vectors.values())


def flipped(good: Vector, one_in: int, parts: tuple[str, ...] = ("receipt", "trust")) -> Iterator[Vector]:
    """The receipt, and then the trust root, with one bit of one byte in `one_in` flipped."""
    chosen = random.Random(1)
    for part in parts:
        data = getattr(good, part)
        for position in range(chosen.randrange(one_in), len(data), one_in):
            altered = bytearray(data)
            altered[position] ^= 1 << chosen.randrange(8)
            yield replace(
                good, name=f"bit of byte {position} of {part}, {good.name}", **{part: bytes(altered)}
            )


def spelled(good: Vector) -> Iterator[Vector]:
    """The same receipt in spellings that are not the canonical one, and what is no JSON at all."""
    data = good.receipt
    text = data.decode()
    spellings = {
        "a newline after it": data + b"\n",
        "a byte order mark": b"\xef\xbb\xbf" + data,
        "a space": data.replace(b":", b": ", 1),
        "an escape": data.replace(b"baas-receipt", b"\\u0062aas-receipt"),
        "an escaped slash": data.replace(b"/", b"\\/", 1),
        "a repeated key": data.replace(b'"v":1', b'"v":1,"v":1'),
        "a fraction": data.replace(b'"v":1', b'"v":1.0'),
        "an exponent": data.replace(b'"v":1', b'"v":1e0'),
        "a minus zero": data.replace(b'"log_index":1', b'"log_index":-0'),
        "a number that is too large": data.replace(b'"log_index":1', b'"log_index":9007199254740992'),
        "a real fraction": data.replace(b'"log_index":1', b'"log_index":1.5'),
        "true for one": data.replace(b'"v":1', b'"v":true'),
        "half a character": data.replace(b"baas-receipt", b"\\ud800"),
        "a key beyond ASCII": text.replace('"v":1', '"v":1,"é":1').encode(),
        "a key called __proto__": data.replace(b'{"anchor"', b'{"__proto__":1,"anchor"'),
        "bytes that are no UTF-8": data.replace(b"baas-receipt", b"\xff"),
        "upper-case hexadecimal": data.replace(b"a", b"A", 3),
        "nothing": b"",
        "a list": b"[]",
        "deep nesting": b"[" * 40 + b"]" * 40,
        "very deep nesting": b"[" * 100_000,
        "not a number": b"NaN",
        "a trust root in its place": good.trust,
    }
    assert all(data != made for made in spellings.values())
    for name, made in spellings.items():
        yield replace(good, name=name, receipt=made)


def of_hand_overs() -> Iterator[Vector]:
    """What nobody verifies in the library's tests: files that are no evidence, other spellings of the two accounts."""
    prover = hand_overs.Prover()
    first, second = (f"0x{each.address.hex()}" for each in (hand_overs.FIRST, hand_overs.SECOND))
    good = Vector(
        "a hand-over",
        hand_overs.DOCUMENT,
        prover.evidence().to_bytes(),
        prover.trust().to_bytes(),
        bodies=(first, second),
    )
    yield good
    for name, data in test_hand_over.MALFORMED.items():
        yield replace(good, name=f"a hand-over: {name}", receipt=data)
    accounts = {
        "of nobody": None,
        "the other way round": (second, first),
        "twice the same": (first, first),
        "with capitals": (hand_overs.FIRST.account.address, f"0X{second[2:].upper()}"),
        "without 0x": (first[2:], second),
        "cut short": (first, second[:-2]),
        "in one more digit": (first, f"{second}0"),
        "with letters beyond f": (first, f"{second[:-1]}g"),
        "with a space": (f" {first}", second),
        "with a capital that lower case turns into two characters": (f"{first[:-1]}\u0130", second),
    }
    for name, bodies in accounts.items():
        yield replace(good, name=f"a hand-over between accounts {name}", bodies=bodies)
    yield replace(good, name="an act that was altered", document=hand_overs.DOCUMENT + b"\n")
    yield from flipped(good, 97)


def of_a_real_chain(folder: Path) -> Iterator[Vector]:
    """Hand-overs on an embedded chain, by the contract itself: completed, accepted and rejected."""
    names = "an act that was completed", "an act that was rejected"
    with test_handover.founded(folder) as town:
        completed = town.whole(test_handover.salted(names[0]))
        rejected = town.rejected(test_handover.salted(names[1]))
        bodies = f"0x{town.bodies.offering.hex()}", f"0x{town.bodies.receiving.hex()}"
        trusted = town.trust().to_bytes()
    accepted = replace(completed, steps=completed.steps[:2])
    for name, evidence in zip((names[0], names[1], names[0]), (completed, rejected, accepted), strict=True):
        what = f"a real chain's: {evidence.status}"
        yield Vector(what, name.encode(), evidence.to_bytes(), trusted, bodies=bodies)


def all_vectors(folder: Path) -> list[Vector]:
    world = World()
    good = Vector("good", world.document, world.receipt().to_bytes(), world.trust().to_bytes())
    others = [
        Vector(
            f"{encoding}",
            world.document,
            data,
            good.trust,
            "standard" if encoding is Encoding.PDF else "log-only",
        )
        for encoding, data in encoded.of(world).items()
        if encoding is not Encoding.JSON
    ]
    altered = [each for other in others for each in flipped(other, 61, parts=("receipt",))]
    handed_out = render(Source(world.receipt(), world.log_signer), Format.PDF)
    others.append(replace(good, name="the PDF that is handed out", receipt=handed_out))
    receipts = [good, *others, *recorded(folder), *spelled(good), *flipped(good, 13), *altered]
    return [*receipts, *of_hand_overs(), *of_a_real_chain(folder)]


def differences(
    vectors: Iterable[Vector],
    found: Iterable[dict[str, Any] | None],
    less: Callable[[Any], Any] = lambda answer: answer,
    texts: Mapping[str, Texts] = TEXTS,
) -> list[str]:
    """Where a verifier's answers are not Python's; `less` is Python's answer without what that one does not say."""
    wrong = []
    for vector, got in zip(vectors, found, strict=True):
        if got != (expected := less(answer(vector, texts))):
            wrong.append(f"{vector.name}:\n  expected {json.dumps(expected)}\n  got      {json.dumps(got)}")
    return wrong
