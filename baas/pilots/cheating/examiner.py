"""Gathers what the trials need, arm by arm: the operator's own files and keys, and what others kept from before."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from sqlmodel import Session, col, select

from baas.administrations import repository
from baas.chains.leases import holding
from baas.chains.service import Chains
from baas.clock import Clock
from baas.connectors import Connector, Environment, Subject
from baas.deployments.model import Deployment
from baas.errors import Conflict
from baas.logs.model import Log, LogEntry, LogKind
from baas.logs.service import Logs
from baas.logs.tree import entries
from baas.logs.trust import TrustRoots
from baas.metrics import Trial
from baas.pilots.cheating import chain, csv, exchange, hand_over_chain, hand_over_exchange, seal, timestamp
from baas.pilots.cheating import log as hash_linked
from baas.pilots.cheating.exhibits import Exhibit
from baas.pilots.cheating.keys import Keys, keys_of
from baas.pilots.cheating.room import examined
from baas.pilots.cheating.second_chain import Victim
from baas.store import Store
from baas.tenancy import TenantScope
from sandbox.evidence.note import NoteSigner
from sandbox.evidence.receipt import Receipt

#: Records that each attack is tried on.
RECORDS: Final = 10


class Examiner:
    """Runs the trials of an administration's arms. `trust_service` is the embedded one's directory, which is copied.

    An arm whose service is not ours is not tried: its operator's keys are not here. It has no row in the table then.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        chains: Chains,
        logs: Logs,
        trust: TrustRoots,
        trust_service: Path,
        records: int = RECORDS,
    ) -> None:
        self._store, self._clock, self._chains, self._logs = store, clock, chains, logs
        self._trust, self._trust_service, self._records = trust, trust_service, records

    def __call__(
        self,
        scope: TenantScope,
        administration: str,
        opened: Mapping[str, Connector],
        subject: Subject = Subject.DOCUMENT,
    ) -> Iterator[Trial]:
        """Every attack on every arm, examined with every server off. `opened` are the incumbents by their slugs.

        A hand-over has attacks of its own: on what two bodies sign, and on a step that one of them did not take.

        Raises Conflict where the administration has notarised nothing, and ExaminationFailed.
        """
        with holding(), self._store.reading() as session:
            victim = self.victim(session, scope, administration)
        if subject is Subject.HAND_OVER:
            yield from examined(list(hand_over_chain.exhibits(hand_over_chain.made(victim, self._records))))
        else:
            yield from examined(list(chain.exhibits(victim)))
        ours = {slug: each for slug, each in opened.items() if each.environment is Environment.LAB_EMULATOR}
        if not ours:
            return
        with keys_of(self._trust_service, self._clock) as keys:
            for slug, connector in ours.items():
                if (subject, slug) == (Subject.HAND_OVER, "exchange"):
                    found = hand_over_exchange.exhibits(slug, hand_over_exchange.Bundles(keys), self._records)
                else:
                    found = self._exhibits(slug, connector, keys, administration)
                yield from examined(list(found))

    def _exhibits(
        self, slug: str, connector: Connector, keys: Keys, administration: str
    ) -> Iterator[Exhibit]:
        match slug:
            case "timestamp":
                yield from timestamp.exhibits(slug, keys, self._tokens(connector))
            case "exchange":
                operator = exchange.Evidences(keys)
                kept = [
                    operator.read(connector.submit(secrets.token_bytes(32)).content)
                    for _ in range(self._records)
                ]
                yield from exchange.exhibits(slug, operator, kept)
            case "seal":
                seals = seal.Seals(keys, administration)
                yield from seal.exhibits(slug, seals, seals.kept(self._records, self._clock.now()))
            case "csv":
                with csv.issuer(keys, administration) as issuer:
                    yield from csv.exhibits(slug, issuer, self._records)
            case "log":
                with tempfile.TemporaryDirectory(prefix="operators-log-") as scratch:
                    place, now = Path(scratch) / "log", self._clock.now()
                    history = hash_linked.made(place, keys, administration, self._records, now)
                    yield from hash_linked.exhibits(slug, keys, history, self._records)

    def _tokens(self, connector: Connector) -> list[timestamp.Kept]:
        """What holders got from the running service a moment ago."""
        kept = []
        for _ in range(self._records):
            digest = secrets.token_bytes(32)
            evidence = connector.submit(digest)
            kept.append(timestamp.Kept(digest, evidence.content, evidence.stated_time))
        return kept

    def victim(self, session: Session, scope: TenantScope, administration: str) -> Victim:
        owner = repository.administration(session, scope, administration)
        log = session.exec(
            scope.select(Log)
            .where(Log.administration_id == owner.id, Log.kind == LogKind.DOCUMENTS)
            .order_by(
                col(Log.number).desc()
            )  # the newest: those of deleted chains cannot be attacked any more
        ).first()
        if log is None:
            raise Conflict(
                f"administration {administration} has notarised nothing: there is nothing to attack"
            )
        deployment = scope.get(session, Deployment, log.deployment_id)
        chain = self._chains.awake(deployment.chain)
        deployed = chain.read("eth_getTransactionByHash", deployment.transaction_hash)
        kept = list(self._kept(session, log))
        return Victim(
            chain=chain.directory,
            keystore=chain.keystore,
            deployer=_bytes(deployed["from"]),
            deployment=_bytes(deployed["input"]),
            nonce=int(deployed["nonce"], 16),
            contract=_bytes(deployment.address),
            anchoring=self._chains.ANCHORING_ACCOUNT,
            signer=NoteSigner(log.origin, log.signing_key),
            entries=tuple(entries(session, log, 0, log.anchored_size)),
            kept=tuple(kept),
            newest=self._newest(session, log, kept[-1]),
            trust=self._trust.of(session, scope, administration),
        )

    def _kept(self, session: Session, log: Log) -> Iterator[Receipt]:
        """Receipts spread over the log: of notarised documents, of the first checkpoints as of the last ones."""
        notarised = session.exec(
            select(LogEntry.position)
            .where(LogEntry.log == log.key, col(LogEntry.digest).is_not(None))
            .where(col(LogEntry.position) < log.anchored_size)
            .order_by(col(LogEntry.position))
        ).all()
        step = max(1, len(notarised) // self._records)
        for position in notarised[::step][: self._records]:
            yield self._logs.receipt(session, log, position)

    def _newest(self, session: Session, log: Log, receipt: Receipt) -> Receipt:
        """The receipt as it is under the log's newest checkpoint, which others than its holder see too."""
        return self._logs.at_size(session, log, receipt, log.anchored_size)


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))
