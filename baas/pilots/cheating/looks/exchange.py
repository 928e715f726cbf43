"""Looks at what an exchange signed: evidence of a request, and the steps of a hand-over."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from baas.pilots.cheating.exhibits import Files
from baas.pilots.cheating.looks.held import anchored
from sandbox.errors import EvidenceError

if TYPE_CHECKING:
    from baas.protocols.pci.evidence import EvidenceStatement


def evidence_alone(files: Files) -> str | None:
    """`evidence.xml`, signed evidence of an exchange, by who holds only `anchors.json`: roots, intermediates and CRLs."""
    try:
        _stated(files, "evidence.xml")
    except EvidenceError as error:
        return str(error)
    return None


def evidence_denied(files: Files) -> str | None:
    """The same evidence, of a request that the service says it never answered: that it holds is the contradiction."""
    if evidence_alone(files) is not None:
        return None  # what does not hold refutes nobody
    return "the service knows no such request, and the kept evidence of it is its own signature"


def evidence_beside(files: Files) -> str | None:
    """`evidence.xml`, which was kept, beside `other.xml`, which is shown now: can both be true?

    A request of an organisation is answered once: two statements of one request contradict each other, whatever differs.
    """
    try:
        one, other = _stated(files, "evidence.xml"), _stated(files, "other.xml")
    except EvidenceError as error:
        return str(error)
    if (one.organisation, one.request_id, one.element_id) != (
        other.organisation,
        other.request_id,
        other.element_id,
    ):
        return None
    if one != other:
        return f"two statements of the request {one.request_id} of {one.organisation}, both signed"
    return None


def _stated(files: Files, name: str) -> EvidenceStatement:
    """What signed evidence states. Raises VerificationError for what does not hold."""
    from baas.protocols.pci.evidence import read_verified
    from sandbox.errors import VerificationError

    trust, at = anchored(files)
    states, verdict = read_verified(files[name], trust, at)
    if states is None:
        raise VerificationError(
            f"{verdict.indication} {verdict.sub_indication}: {'; '.join(verdict.details)}"
        )
    return states


def steps_alone(files: Files) -> str | None:
    """`steps.json`, a hand-over by an exchange, for the SHA-256 digest `digest`, by who holds the roots in `root.json`.

    `bodies.json` are the two bodies and their certificates, where they are known; else those that it names are believed.
    """
    from base64 import b64decode
    from datetime import datetime

    from baas.connectors import ConnectorSettings, Environment, _hand_over
    from baas.connectors.exchanges._evidence import Signatory

    held = json.loads(files["root.json"])
    settings = ConnectorSettings("", held["roots"].encode(), Environment.LAB_EMULATOR)
    bodies = None
    if "bodies.json" in files:
        known = json.loads(files["bodies.json"])
        certificates = {code: b64decode(each) for code, each in known["certificates"].items()}
        bodies = _hand_over.Bodies(known["giver"], known["taker"], certificates)
    try:
        now = datetime.fromisoformat(held["at"])
        _hand_over.verify(files["steps.json"], files["digest"], Signatory.of(settings), bodies, now)
    except EvidenceError as error:
        return str(error)
    return None


def steps_denied(files: Files) -> str | None:
    """The same hand-over, whose messages the exchange says it never got: that it holds is the contradiction."""
    if steps_alone(files) is not None:
        return None  # what does not hold refutes nobody
    return "the exchange denies it, and the kept steps have its own signature over both bodies' messages"


def steps_beside(files: Files) -> str | None:
    """`steps.json`, which was kept, beside `other.json`, which is shown: are there two statements of one request?"""
    from baas.connectors import _hand_over

    try:
        one, other = (_hand_over.read(files[name])[1] for name in ("steps.json", "other.json"))
    except EvidenceError as error:
        return str(error)
    for kept in one:
        for shown in other:
            said = evidence_beside({**files, "evidence.xml": kept.evidence, "other.xml": shown.evidence})
            if said is not None:
                return said
    return None
