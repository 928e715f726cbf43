"""Evidence of a hand-over by the exchange: what each body signed, and what the exchange signed of having got it.

One file, canonical JSON (RFC 8785), of type `baas-exchange-hand-over/1`: for each of three steps the SOAP message as its
sender keeps it, signed with that body's key, and the exchange's signed evidence, which states the message's digest. So
neither the exchange nor a body can make a step alone: the one lacks the key, the other the evidence.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from baas.connectors.exchanges._evidence import Signatory
from baas.protocols import soap, wss
from baas.protocols.pci import reading
from baas.protocols.pci.errors import PciError
from baas.protocols.pci.evidence import EvidenceStatement
from baas.protocols.pci.messages import Request
from baas.protocols.pci.products import mux
from sandbox.errors import MalformedEvidence, VerificationError
from sandbox.evidence import canonical
from sandbox.evidence.digest import Digest

TYPE = "baas-exchange-hand-over/1"
MEDIA_TYPE = "application/json"
MAX_BYTES = 1 << 20
SKEW = timedelta(seconds=1)
"""Two steps' times may be the wrong way round by so much: the time-stamps have an accuracy of a second."""


class Step(StrEnum):
    """The steps of a hand-over that succeeds, in their order."""

    OFFER = "offer"
    ACCEPT = "accept"
    COMPLETE = "complete"


PHASES = {
    Step.OFFER: mux.Phase.OFFER,
    Step.ACCEPT: mux.Phase.ACCEPTANCE,
    Step.COMPLETE: mux.Phase.COMPLETION,
}


@dataclass(frozen=True)
class Bodies:
    """Who hands over and who takes: their codes, and the certificates of their systems where they are known (DER)."""

    giver: str
    taker: str
    certificates: Mapping[str, bytes]

    def of(self, step: Step) -> str:
        return self.giver if step is Step.OFFER else self.taker


@dataclass(frozen=True)
class Kept:
    """One step as it is kept."""

    step: Step
    message: bytes
    evidence: bytes


def write(digest: bytes, steps: list[Kept]) -> bytes:
    return canonical.dumps(
        {
            "type": TYPE,
            "algorithm": "sha-256",
            "digest": digest.hex(),
            "steps": [
                {"step": each.step.value, "message": _text(each.message), "evidence": _text(each.evidence)}
                for each in steps
            ],
        }
    )


def read(content: bytes) -> tuple[bytes, list[Kept]]:
    """The digest that a bundle says it is of, and its steps: all three, in order. Raises MalformedEvidence."""
    if len(content) > MAX_BYTES:
        raise MalformedEvidence(f"a hand-over has at most {MAX_BYTES} bytes, got {len(content)}")
    found = canonical.loads(content, "the hand-over's evidence")
    if not isinstance(found, dict) or set(found) != {"type", "algorithm", "digest", "steps"}:
        raise MalformedEvidence("expected an object with type, algorithm, digest and steps")
    if (found["type"], found["algorithm"]) != (TYPE, "sha-256"):
        raise MalformedEvidence(
            f"expected {TYPE} by sha-256, got {str(found['type'])[:80]} by {str(found['algorithm'])[:80]}"
        )
    steps = found["steps"]
    if not isinstance(steps, list) or len(steps) != len(Step):
        raise MalformedEvidence(f"expected the steps {', '.join(Step)}")
    return _hex(found["digest"]), [_step(step, each) for step, each in zip(Step, steps, strict=True)]


def verify(
    content: bytes, digest: bytes, signatory: Signatory, bodies: Bodies | None, now: datetime
) -> tuple[datetime, datetime | None, tuple[EvidenceStatement, ...]]:
    """When the hand-over was completed, until when this can be shown, and what the exchange states of each step.

    Offline. `bodies` are who it must be between; None where that is whoever the evidence names. Raises EvidenceError.
    """
    said, steps = read(content)
    if said != digest:
        raise VerificationError(
            f"HASH_FAILURE: the hand-over is of another document: expected {digest.hex()}, got {said.hex()}"
        )
    found = [_judged(kept, digest, signatory, now) for kept in steps]
    bodies = bodies or Bodies(found[0].request.requester.code, found[1].request.requester.code, {})
    for each in found:
        _require_by(each, bodies)
    if len({each.act.id for each in found}) != 1:
        raise VerificationError("the steps are of several hand-overs: expected one identifier in all of them")
    if found[0].act.to != bodies.taker:
        raise VerificationError(
            f"it was offered to another body: expected {bodies.taker}, got {found[0].act.to[:20] or 'none'}"
        )
    for earlier, later in pairwise(found):
        if later.time < earlier.time - SKEW:
            raise VerificationError(
                f"the step {later.step} has the time {later.time.isoformat()}, before the step {earlier.step}, "
                f"{earlier.time.isoformat()}"
            )
    ends = [each.until for each in found if each.until is not None]
    return found[-1].time, min(ends, default=None), tuple(each.statement for each in found)


@dataclass(frozen=True)
class _Judged:
    """One step that holds by itself: a message signed by `certificate`, and the exchange's evidence of that message."""

    step: Step
    request: Request
    act: mux.Step
    certificate: x509.Certificate
    statement: EvidenceStatement
    time: datetime
    until: datetime | None


def _judged(kept: Kept, digest: bytes, signatory: Signatory, now: datetime) -> _Judged:
    statement, judged = signatory.kept(kept.evidence, now)
    time = judged.verdict.proven_time
    if time is None:
        raise VerificationError(f"nothing proves when the step {kept.step} was made: it has no time-stamp")
    if hashlib.sha256(kept.message).digest() != statement.message_sha256:
        raise VerificationError(
            f"the step {kept.step}: the exchange's evidence is of another message than the one that is kept"
        )
    try:
        secured = wss.read_secured(kept.message, statement.time, limit=MAX_BYTES)
        request = reading.read_request(secured.body_element)
        (element,) = request.elements
        asked = mux.read(element.data)
    except (wss.WssError, soap.SoapError, PciError, ValueError) as error:
        raise VerificationError(f"the step {kept.step}: its signed message does not hold: {error}") from error
    der = secured.certificate.public_bytes(Encoding.DER)
    signatory.require_sender(der, kept.evidence, judged)
    if hashlib.sha256(der).digest() != statement.certificate_sha256:
        raise VerificationError(f"the step {kept.step}: the exchange states another certificate")
    if (request.id, element.id, request.requester.code) != (
        statement.request_id,
        statement.element_id,
        statement.organisation,
    ):
        raise VerificationError(
            f"the step {kept.step}: the exchange states another request than the message's"
        )
    if not isinstance(asked, mux.Add) or asked.entry.step is None:
        raise VerificationError(f"the step {kept.step}: the message is no step of a hand-over")
    if asked.entry.step.phase is not PHASES[kept.step]:
        raise VerificationError(f"the step {kept.step}: the message is of another step")
    if [each.digest for each in asked.entry.documents] != [Digest("sha-256", digest)]:
        raise VerificationError(f"HASH_FAILURE: the step {kept.step} is of another document")
    return _Judged(kept.step, request, asked.entry.step, secured.certificate, statement, time, judged.until)


def _require_by(found: _Judged, bodies: Bodies) -> None:
    code = bodies.of(found.step)
    if found.request.requester.code != code:
        raise VerificationError(
            f"the step {found.step} is another body's: expected {code}, got {found.request.requester.code}"
        )
    known = bodies.certificates.get(code)
    if known is not None and found.certificate.public_bytes(Encoding.DER) != known:
        raise VerificationError(
            f"the step {found.step} is not signed with the key of {code} that is known here"
        )


def _step(step: Step, found: canonical.Json) -> Kept:
    if not isinstance(found, dict) or set(found) != {"step", "message", "evidence"} or found["step"] != step:
        raise MalformedEvidence(f"expected the step {step} with its message and its evidence")
    return Kept(step, _octets(found["message"]), _octets(found["evidence"]))


def _text(octets: bytes) -> str:
    return base64.b64encode(octets).decode("ascii")


def _octets(text: canonical.Json) -> bytes:
    try:
        octets = base64.b64decode(str(text), validate=True)
    except (binascii.Error, ValueError) as error:
        raise MalformedEvidence(f"expected base64: {error}") from error
    if _text(octets) != text:
        raise MalformedEvidence("expected base64 as it is written, got another spelling")
    return octets


def _hex(text: canonical.Json) -> bytes:
    try:
        octets = bytes.fromhex(str(text))
    except ValueError:
        octets = b""
    if len(octets) != 32 or octets.hex() != text:
        raise MalformedEvidence("expected a SHA-256 digest in hexadecimal, 64 small letters and digits")
    return octets
