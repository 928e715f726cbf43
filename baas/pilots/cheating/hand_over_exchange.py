"""The cheating operator of hand-overs by an exchange: without the bodies' keys, and with them.

What the bodies signed are messages, which name their time: so the operator cannot move one by more than the minute that a
message lasts, and what it states otherwise of a request, such as another order within that minute, contradicts what was
kept. A message that it rewrites is signed no more. To make a step that a body did not take
it issues itself a certificate in that body's name, as it runs the authority of the laboratory's certificates too: that
passes with whoever knows the root alone. With a body's own key, as this laboratory holds it, a step that never was cannot
be told from one that was.

The acts are made for the trials with keys of a copy of the trust service: the running one is not touched.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from cryptography.hazmat.primitives.serialization import Encoding

from baas.ades.revocation_values import in_xml
from baas.ades.types import Signer
from baas.connectors import _exchange_asks as asks
from baas.connectors import _hand_over
from baas.connectors._hand_over import PHASES, Step
from baas.metrics import OF_A_HAND_OVER, Arm, Attack
from baas.pilots.cheating.exchange import Evidences, whole
from baas.pilots.cheating.exhibits import Exhibit, Look
from baas.pilots.cheating.keys import Keys
from baas.pilots.cheating.timestamp import BACK
from baas.protocols import soap, wss
from baas.protocols.pci import writing
from baas.protocols.pci.evidence import EvidenceStatement
from baas.protocols.pci.messages import Purpose, Requester

KEPT: Final = "exchange_steps"
TWO: Final = "two_exchange_steps"
ROOT: Final = "exchange_root"
BODIES: Final = "exchange_bodies"
#: The two bodies of the trials: fictional codes, enrolled in the copy alone where they were not before.
GIVER: Final = "9999990001"
TAKER: Final = "9999990002"
#: By how much the operator moves a step that a body's message still allows: a message lasts a minute.
MOVED: Final = timedelta(seconds=5)
#: Between one hand-over of the trials and the next, and by how much it moves one to put it before the other.
APART: Final = timedelta(seconds=10)
OVERTAKING: Final = timedelta(seconds=11)


@dataclass(frozen=True, slots=True)
class Taken:
    """One step: the message that its body signed, and what the exchange states of it."""

    step: Step
    message: bytes
    states: EvidenceStatement


@dataclass(frozen=True, slots=True)
class HandedOver:
    """One hand-over of a document, by its SHA-256 digest."""

    digest: bytes
    steps: tuple[Taken, ...]

    def moved(self, by: timedelta) -> HandedOver:
        """The same messages, as if they had come at another time."""
        steps = (
            replace(each, states=replace(each.states, time=each.states.time + by)) for each in self.steps
        )
        return replace(self, steps=tuple(steps))

    def rewritten(self) -> HandedOver:
        """As if another document had come of it: in the last message, which keeps its body's signature."""
        last = self.steps[-1]
        message = last.message.replace(b64encode(self.digest), b64encode(secrets.token_bytes(32)))
        message = message.replace(self.digest.hex().encode(), secrets.token_hex(32).encode())
        assert message != last.message, "the message names the document"
        states = replace(last.states, message_sha256=hashlib.sha256(message).digest())
        return replace(self, steps=(*self.steps[:-1], replace(last, message=message, states=states)))


class Bundles:
    """The operator's hand-overs, and what a verifier holds to judge them."""

    def __init__(self, keys: Keys) -> None:
        self._keys, self._evidences = keys, Evidences(keys)
        for code in (GIVER, TAKER):
            keys.enrolled(code)
        self.own = {code: keys.service.pki.application(code).signer for code in (GIVER, TAKER)}
        #: Certificates in the bodies' names that the operator has the keys of.
        self.issued = {code: keys.service.pki.issue_application(code).signer for code in (GIVER, TAKER)}
        trust = keys.service.pki.trust()
        self._crls, self._now = trust.revocation.crls, keys.clock.now()
        self._anchors = json.dumps({"roots": keys.root_pem.decode(), "at": self._now.isoformat()}).encode()
        known = {
            code: b64encode(each.certificate.public_bytes(Encoding.DER)).decode()
            for code, each in self.own.items()
        }
        self._bodies = json.dumps({"giver": GIVER, "taker": TAKER, "certificates": known}).encode()

    def taken(self, signers: Mapping[str, Signer], number: int) -> HandedOver:
        """A hand-over whose messages these keys sign, so many tens of seconds ago."""
        digest = secrets.token_bytes(32)
        act, began = asks.new_act(digest), self._now - APART * (number + 1)
        steps = []
        for seconds, step in enumerate(Step):
            code, at = GIVER if step is Step.OFFER else TAKER, whole(began + timedelta(seconds=seconds))
            requester = Requester(code, f"Ens fictici {code}", Purpose("PROVES"))
            request = asks.step(PHASES[step], act, (GIVER, TAKER), digest, requester, at)
            message = wss.secure(soap.envelope(writing.request_xml(request)), signers[code], at)
            der = signers[code].certificate.public_bytes(Encoding.DER)
            states = EvidenceStatement(
                request_id=request.id,
                element_id=request.elements[0].id,
                product=request.product,
                modality=request.modality,
                purpose="PROVES",
                organisation=code,
                certificate_sha256=hashlib.sha256(der).digest(),
                message_sha256=hashlib.sha256(message).digest(),
                answer_sha256=secrets.token_bytes(32),
                time=at,
            )
            steps.append(Taken(step, message, states))
        return HandedOver(digest, tuple(steps))

    def look(self, kind: str, by: str, with_file: str, *shown: HandedOver, bodies: bool = True) -> Look:
        """At one hand-over, or at two beside each other; without `bodies` they are taken from the evidence."""
        files = {
            "root.json": self._anchors,
            "anchors.json": self._evidences.anchors,
            "digest": shown[0].digest,
            **({"bodies.json": self._bodies} if bodies else {}),
            **{
                name: self._written(each)
                for name, each in zip(("steps.json", "other.json"), shown, strict=False)
            },
        }
        return Look(by, with_file, kind, files)

    def _written(self, shown: HandedOver) -> bytes:
        """As its holder keeps it: the exchange's evidence of each step with the CRLs in it."""
        return _hand_over.write(
            shown.digest,
            [
                _hand_over.Kept(
                    each.step, each.message, in_xml(self._evidences.signed(each.states), self._crls)
                )
                for each in shown.steps
            ],
        )


def exhibits(arm: Arm, operator: Bundles, records: int) -> Iterator[Exhibit]:
    """Every attack on `records` hand-overs, and the untouched ones."""
    kept = [operator.taken(operator.own, number) for number in range(records)]
    for attack in OF_A_HAND_OVER:
        for number, mine in enumerate(kept):
            yield Exhibit(arm, attack, number, tuple(_looks(attack, operator, mine, number)))


def _looks(attack: Attack, operator: Bundles, mine: HandedOver, number: int) -> Iterator[Look]:
    look = operator.look
    match attack:
        case Attack.NONE:
            yield look("steps_alone", "verifier", BODIES, mine)
            yield look("steps_beside", "holder", KEPT, mine, mine)
        case Attack.DELETE:  # the exchange knows of none of its messages any more
            yield look("steps_denied", "holder", KEPT, mine)
        case Attack.BACK_DATE:  # the bodies' own messages, as if they had come an hour before
            yield look("steps_alone", "verifier", ROOT, mine.moved(-BACK), bodies=False)
        case Attack.EQUIVOCATE:  # the same messages, which came at another time to somebody else
            other = mine.moved(MOVED)
            for shown in (mine, other):
                yield look("steps_alone", "holder", BODIES, shown)
            yield look("steps_beside", "third_party", TWO, mine, other)
        case Attack.REORDER:  # the same messages, as if they had come before those of another hand-over
            other = mine.moved(-OVERTAKING)
            yield look("steps_alone", "verifier", ROOT, other, bodies=False)
            yield look("steps_beside", "holder", KEPT, mine, other)
        case (
            Attack.REWRITE
        ):  # what came of it is another document, in a message that its body signed otherwise
            yield look("steps_alone", "verifier", ROOT, mine.rewritten(), bodies=False)
        case Attack.IMPERSONATE:  # certificates in the bodies' names, which the bodies never had
            forged = operator.taken(operator.issued, number)
            yield look("steps_alone", "verifier", ROOT, forged, bodies=False)
            yield look("steps_alone", "verifier", BODIES, forged)
        case _:  # messages by the bodies' own keys
            invented = operator.taken(operator.own, number)
            yield look("steps_alone", "verifier", BODIES, invented)
            yield look("steps_beside", "holder", KEPT, mine, invented)
