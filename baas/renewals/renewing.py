"""The job behind renewals: reads the receipts, makes the tree, takes its root to the chain and to a time-stamp.

One thread, one renewal at a time, each step from what the database says and in one commit, as the pipeline of the logs: a
crash between any two is resumed. A renewal that was cut while its receipts were read is read again from the beginning.
"""

from __future__ import annotations

import json
import logging

from sqlmodel import Session, col

from baas.background import Background, Delay
from baas.chains import outgoing
from baas.chains.leases import holding
from baas.chains.service import Chains
from baas.clock import Clock
from baas.deployments.model import Deployment
from baas.errors import BaasError
from baas.logs.model import Log
from baas.logs.stamps import Stamps
from baas.renewals.model import RenewalCheckpoint, RenewalRow
from baas.renewals.service import LeafRow, Renewals, leaf_of, write_leaves
from baas.store import Store, raw
from baas.tenancy import across_administrations
from sandbox import notary
from sandbox.chain import Chain
from sandbox.errors import ChainError, SandboxError, TransactionDropped
from sandbox.evidence.keccak import keccak
from sandbox.evidence.receipt import Receipt
from sandbox.evidence.renewal import TOPIC, Tree

LOGGER = logging.getLogger(__name__)
#: Seconds until a renewal that does not move is tried again, the first time and at most.
FIRST_RETRY, LAST_RETRY = 0.5, 60.0
NOT_A_CALLER = "the job serves every administration's renewals; nothing of it is an answer to a caller"
#: Imprints for a renewal's time-stamp, the best one first: not every authority takes SHA-3.
IMPRINTS = ("sha3-256", "sha-512")


class Renewing(Background):
    """Background work of one service; `poke` it when a renewal was requested."""

    def __init__(
        self, store: Store, clock: Clock, chains: Chains, renewals: Renewals, stamps: Stamps
    ) -> None:
        super().__init__("renewals")
        self._store, self._clock, self._chains = store, clock, chains
        self._renewals, self._stamps = renewals, stamps
        self._retry = Delay(FIRST_RETRY, LAST_RETRY)
        self._problems: dict[int, str] = {}

    def problem(self, row: RenewalRow) -> str | None:
        """Why this renewal does not move at present; None when nothing is wrong."""
        return self._problems.get(row.key)

    def _round(self) -> float | None:
        if not self.work():
            return self._retry.longer()
        self._retry.reset()
        return None

    def work(self) -> bool:
        """Bring each open renewal as far as it goes; False when one of them is to be tried again."""
        with self._store.reading() as session:
            waiting = session.exec(
                across_administrations(RenewalRow, NOT_A_CALLER)
                .where(col(RenewalRow.token).is_(None))
                .order_by(col(RenewalRow.number))
            ).all()
        blocked: set[str] = set()  # a later one builds on what an earlier one made
        for row in waiting:
            if self._stopped.is_set():
                return True
            if row.administration_id in blocked:
                continue
            try:
                if row.whole and row.size == 0 and row.anchored is not None:
                    continue  # there was nothing to renew
                with holding():
                    self._advance(row.key)
                self._problems.pop(row.key, None)
            except Exception as error:  # a job must never die silently: it is shown, logged and tried again
                told = isinstance(error, BaasError | SandboxError)
                if not self._stopped.is_set():
                    LOGGER.warning("renewal %s does not move: %s", row.id, error, exc_info=not told)
                self._problems[row.key] = str(error).partition("\n")[0] if told else "something failed here"
                blocked.add(row.administration_id)
        return not blocked

    # -- the steps ---------------------------------------------------------------------------------

    def _advance(self, number: int) -> None:
        row = self._row(number)
        if row.root is None:
            self._read(number)
            row = self._row(number)
            if row.root is None:
                return
        if row.anchored is None:
            self._anchor(row)
            row = self._row(number)
        if row.token is None:
            self._stamp(row)

    def _row(self, number: int) -> RenewalRow:
        with self._store.reading() as session:
            return _one(session, number)

    def _read(self, number: int) -> None:
        """Make the leaves of all receipts that can be renewed, and keep what their checkpoints were."""
        leaves: list[LeafRow] = []
        kept: dict[tuple[int, int], Receipt] = {}
        missing = 0
        with self._store.reading() as session:
            row = _one(session, number)
            logs = session.exec(
                across_administrations(Log, NOT_A_CALLER).where(
                    Log.administration_id == row.administration_id
                )
            ).all()
            for found in self._renewals.all_of(session, logs, row.algorithm):
                if found.digest is None:
                    missing += 1
                    continue
                leaf = leaf_of(row.algorithm, found.receipt, found.digest)
                place = found.receipt.inclusion
                leaves.append((leaf, found.log.key, place.index, place.size))
                kept.setdefault((found.log.key, found.receipt.inclusion.size), found.receipt)
        root = Tree(row.algorithm, [leaf[0] for leaf in leaves]).root if leaves else None
        with self._store.session() as session:
            row = _one(session, number)
            row.missing, row.size, row.root = missing, len(leaves), root
            if root is None:
                row.anchored = self._clock.now()
            raw(session).execute("DELETE FROM renewal_leaves WHERE renewal = ?", (row.key,))
            write_leaves(session, row, leaves)
            for (log, size), receipt in kept.items():
                if session.get(RenewalCheckpoint, (log, size, row.algorithm)) is None:
                    token = receipt.timestamps[0] if receipt.timestamps else None
                    session.add(
                        RenewalCheckpoint(
                            log=log,
                            size=size,
                            algorithm=row.algorithm,
                            checkpoint=receipt.checkpoint,
                            token=token,
                        )
                    )
            session.add(row)

    def _anchor(self, row: RenewalRow) -> None:
        with self._store.reading() as session:
            deployment = session.exec(
                across_administrations(Deployment, NOT_A_CALLER).where(Deployment.id == row.deployment_id)
            ).one()
        chain = self._chains.awake(deployment.chain)
        with self._chains.sending(deployment.chain):
            if row.transaction is None:
                row = self._plan(row, deployment, chain)
            assert row.transaction is not None  # it was planned
            if not outgoing.submit(chain, row.transaction):
                self._forget(row)
                raise TransactionDropped(str(row.transaction_hash), "its nonce was taken: it is planned anew")
        mined = outgoing.wait(chain, str(row.transaction_hash), self._stopped.is_set)
        if int(mined["status"], 16) != 1:
            self._forget(row)
            raise ChainError(
                f"contract {deployment.address} refused the root of renewal {row.id}: it reverted"
            )
        evidence = json.dumps(chain.anchor_evidence(str(row.transaction_hash), topic=TOPIC))
        with self._store.session() as session:
            done = _one(session, row.key)
            done.evidence, done.anchored = evidence, self._clock.now()
            session.add(done)

    def _plan(self, row: RenewalRow, deployment: Deployment, chain: Chain) -> RenewalRow:
        assert row.root is not None  # it was read
        data = notary.notarise(row.root)
        to = bytes.fromhex(deployment.address.removeprefix("0x"))
        signed = chain.prepare(self._chains.ANCHORING_ACCOUNT, to=to, data=data)
        with self._store.session() as session:
            planned = _one(session, row.key)
            planned.transaction, planned.transaction_hash = signed, f"0x{keccak(signed).hex()}"
            session.add(planned)
        return planned

    def _forget(self, row: RenewalRow) -> None:
        with self._store.session() as session:
            planned = _one(session, row.key)
            planned.transaction = planned.transaction_hash = None
            session.add(planned)

    def _stamp(self, row: RenewalRow) -> None:
        """A time-stamp of the root by the strongest imprint that the authority takes."""
        assert row.root is not None  # it was read
        for slug in IMPRINTS:
            try:
                token = self._stamps.stamp(row.root, slug)
                break
            except BaasError:
                if slug == IMPRINTS[-1]:
                    raise
        with self._store.session() as session:
            done = _one(session, row.key)
            done.token = token
            session.add(done)


def _one(session: Session, number: int) -> RenewalRow:
    return session.exec(
        across_administrations(RenewalRow, NOT_A_CALLER).where(RenewalRow.number == number)
    ).one()
