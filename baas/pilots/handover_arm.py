"""The chain arm of a hand-over: an act passes from one administration to another on the first one's own chain.

Each body has a technical account of its own there (`body-<code>`), and one contract of the template `hand-over` names
both. A case is three transactions, each of which waits for its block: the first body offers the act, the second accepts
it and completes it. What reaches the chain is a commitment with a fresh salt; the salt is in the evidence and nowhere else.

**Who holds which key.** This is a laboratory: the sandbox has the technical keys of both bodies in the chain's custody and
seals its blocks, so one operator alone could make every step of a hand-over that never was, and the arm's facts say 1. What
several writers add shows only where each body keeps its own key, and then the evidence is of the same shape: each step is
checked by the key of the body that made it (`collusion.of_hand_over`).
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from dataclasses import dataclass, replace
from typing import Final

from sqlmodel import Session, col

from baas.administrations import repository
from baas.chains.leases import holding
from baas.chains.permissions import ChainPermissions
from baas.chains.service import Chains
from baas.connectors import Capabilities, Environment, Erasure, LegalEffect, OnLedger
from baas.deployments.model import Deployment
from baas.deployments.service import Deployments
from baas.errors import BaasError, Conflict
from baas.logs.model import Log, LogKind
from baas.logs.trust import TrustRoots
from baas.metrics import CHAIN
from baas.pilots import collusion
from baas.pilots.arms import ArmEvidence, ArmFacts, ArmTimeout
from baas.store import Store
from baas.tenancy import TenantScope
from sandbox import chain as runtime
from sandbox import handover
from sandbox.errors import ChainError, TransactionDropped, VerificationError
from sandbox.evidence import hand_over, note, sealer
from sandbox.evidence.commitment import commit, new_salt
from sandbox.evidence.digest import IMPRINTS, Digest
from sandbox.evidence.receipt import SaltedDigest
from sandbox.evidence.trust import TrustRoot
from sandbox.permissions import ActKind, Permission

#: What came of an act in a pilot, always the same: the evidence gives it out with the salt of its commitment.
OUTCOME: Final = hashlib.sha256(b"completed").digest()
#: Seconds between two looks for a stop of the service, while a step waits for its block.
LOOK: Final = 0.5


class StepRefused(BaasError):
    """The chain mined a step and the contract did not take it."""


@dataclass(frozen=True, slots=True)
class Body:
    """An administration on the chain: its code, its account's label there, and the 20 bytes of its address."""

    code: str
    label: str
    address: bytes

    @property
    def hex(self) -> str:
        return f"0x{self.address.hex()}"


@dataclass(frozen=True, slots=True)
class Place:
    """Where two bodies hand acts over: the chain's row id, the contract's address, who gives and who takes."""

    chain: str
    contract: bytes
    giver: Body
    taker: Body


class HandOvers:
    """Makes the place of two bodies where there is none, and opens the arm on it."""

    def __init__(
        self,
        store: Store,
        chains: Chains,
        permissions: ChainPermissions,
        deployments: Deployments,
        trust: TrustRoots,
    ) -> None:
        self._store, self._chains, self._permissions = store, chains, permissions
        self._deployments, self._trust = deployments, trust

    def open(
        self, scope: TenantScope, administration: str, counterpart: str, stop: threading.Event
    ) -> HandOverArm:
        """The arm, on the chain that anchors the administration's documents. What is there already is used again.

        Conflict where it has no such chain; raises what a chain that cannot be used does, and refusals by role.
        """
        with self._store.reading() as session:
            chain = anchoring_chain(session, scope, administration)
        with holding():
            giver, taker = (self._body(scope, chain, code) for code in (administration, counterpart))
            place = Place(chain, self._contract(scope, chain, giver, taker), giver, taker)
            for body in (giver, taker):
                self._let(scope, place, body)
        with self._store.reading() as session:
            root = self._trust.of(session, scope, administration)
        return HandOverArm(self._chains, place, root, stop)

    def _body(self, scope: TenantScope, chain: str, code: str) -> Body:
        label = f"body-{code.lower()}"
        address = self._chains.awake(chain).accounts.list().get(label)
        address = address or self._chains.create_account(scope, chain, label)
        return Body(code, label, _bytes(address))

    def _contract(self, scope: TenantScope, chain: str, giver: Body, taker: Body) -> bytes:
        """The newest contract of these two, either of which may give; one is deployed where there is none.

        An account that got a new key has another address: its contract of before has that one's role, and by its
        parameters is not found, so that there is a contract of the new pair.
        """
        pair = {giver.address, taker.address}
        with self._store.reading() as session:
            rows = session.exec(
                scope.select(Deployment)
                .where(Deployment.chain == chain, Deployment.template == handover.TEMPLATE)
                .order_by(col(Deployment.id).desc())
            ).all()
        for row in rows:
            if _parties(row) == pair:
                return _bytes(row.address)
        made = self._deployments.deploy(
            scope, chain, handover.TEMPLATE, {"firstBody": giver.hex, "secondBody": taker.hex}
        )
        return _bytes(made.address)

    def _let(self, scope: TenantScope, place: Place, body: Body) -> None:
        """A body's account may send to this contract, and nothing else."""
        wanted = Permission(body.address, ActKind.SEND, target=place.contract)
        held = self._chains.awake(place.chain).permissions(address=body.address)
        if not any(replace(each, id=wanted.id) == wanted for each in held):
            target = f"0x{place.contract.hex()}"
            self._permissions.allow(scope, place.chain, body.hex, ActKind.SEND, target=target)


class HandOverArm:
    """Hand-overs at one place. One arm's acts are on many threads at once."""

    slug = CHAIN

    def __init__(self, chains: Chains, place: Place, root: TrustRoot, stop: threading.Event) -> None:
        self._chains, self.place, self._root, self._stop = chains, place, root, stop

    def submit(self, digest: bytes, timeout: float) -> ArmEvidence:
        """Offered, accepted and completed, each in a block of its own. ArmTimeout, StepRefused, what a chain raises."""
        deadline = time.monotonic() + timeout
        document = SaltedDigest("sha-256", digest, new_salt())
        outcome = SaltedDigest("sha-256", OUTCOME, new_salt())
        act, giver, taker = _committed(document), self.place.giver, self.place.taker
        with holding():
            chain = self._chains.awake(self.place.chain)
            chain.mark_anchored()  # before: no restore may take away a block that evidence stands on
            offered = self._done(chain, giver, handover.offer(act, taker.address), deadline)
            accepted = self._done(chain, taker, handover.accept(act), deadline)
            completed = self._done(chain, taker, handover.complete(act, _committed(outcome)), deadline)
            steps = tuple(
                handover.step_proof(chain.read, sent, chain.sealer_note, opens)
                for sent, opens in ((offered, None), (accepted, None), (completed, outcome))
            )
            chain_id = chain.spec.chain_id
        made = hand_over.HandOverEvidence(chain_id, self.place.contract, act, document, steps)
        return ArmEvidence(made.to_bytes(), sealer.parse(note.split(steps[-1].sealer_note)[0]).time_ms)

    def verify(self, digest: bytes, content: bytes) -> None:
        """Offline, by the administration's trust root and both bodies' addresses. EvidenceError."""
        place = self.place
        bodies = hand_over.Bodies(place.giver.address, place.taker.address)
        evidence = hand_over.parse(content)
        report = hand_over.verify(evidence, Digest("sha-256", digest), self._root, bodies, place.contract)
        if not report.ok:
            raise VerificationError(report.to_text())

    def confirm(self, digest: bytes, content: bytes) -> None:
        """It is checked offline: there is nobody to ask."""
        self.verify(digest, content)

    def _done(self, chain: runtime.Chain, body: Body, data: bytes, deadline: float) -> str:
        """The hash of a step, once its block has the sealer's note; waited for in pieces, as the service may stop."""
        self._require_time(deadline)
        sent = chain.send(body.label, to=self.place.contract, data=data)
        while True:
            try:
                mined = chain.wait(sent, LOOK)
            except TransactionDropped:
                raise
            except ChainError:
                self._require_time(deadline)
            else:
                break
        if int(mined["status"], 16) != 1:
            raise StepRefused(
                f"the contract refused a step of {body.label} in transaction {sent}: expected the status 0x1, got "
                f"{mined['status']}; ask it for the act's record"
            )
        self._require_time(deadline)
        return sent

    def _require_time(self, deadline: float) -> None:
        if self._stop.is_set():
            raise ArmTimeout("the run was stopped before the hand-over had ended")
        if time.monotonic() > deadline:
            raise ArmTimeout("a step of the hand-over was in no block within the time limit")


def hand_over_facts() -> ArmFacts:
    """What evidence of a hand-over on a laboratory's chain is worth: one operator holds every key."""
    operator = "sandbox"
    return ArmFacts(
        CHAIN,
        {},
        Environment.LAB_EMULATOR,
        Capabilities(
            provider="embedded",
            qualified=False,
            legal_effect=LegalEffect.NONE,
            digest_algorithms=tuple(IMPRINTS),
            operators_who_must_collude=collusion.of_hand_over(operator, operator, operator),
            verifies_offline=True,
            files_offline=("hand_over",),
            anchors_offline=("trust_root", "bodies"),
            on_ledger=OnLedger.SALTED_COMMITMENT,
            erasure=Erasure.SALT_DESTROYED,
        ),
    )


def anchoring_chain(session: Session, scope: TenantScope, administration: str) -> str:
    """The row id of the chain that anchors the administration's documents. Conflict where none does yet."""
    owner = repository.administration(session, scope, administration)
    log = session.exec(
        scope.select(Log)
        .where(Log.administration_id == owner.id, Log.kind == LogKind.DOCUMENTS)
        .order_by(col(Log.number).desc())
    ).first()
    if log is None:
        raise Conflict(
            f"administration {administration} has notarised nothing: it has no chain in use to hand acts over on"
        )
    return scope.get(session, Deployment, log.deployment_id).chain


def _committed(opened: SaltedDigest) -> bytes:
    return commit(opened.algorithm, opened.digest, opened.salt)


def _parties(row: Deployment) -> set[bytes]:
    said: dict[str, str] = json.loads(row.parameters)
    return {_bytes(said[name]) for name in ("firstBody", "secondBody") if name in said}


def _bytes(address: str) -> bytes:
    return bytes.fromhex(address.removeprefix("0x"))
