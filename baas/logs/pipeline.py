"""The pipeline: takes accepted entries into their log's tree, and the tree's root to the chain.

One job per log at a time. Every step starts from what the database says and ends in one commit, so a crash between
any two of them is resumed by the next run: nothing here remembers anything.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from sqlmodel import Session, col, select

from baas.chains import outgoing
from baas.chains.leases import holding
from baas.chains.service import Chains
from baas.clock import Clock
from baas.deployments.model import Deployment
from baas.errors import BaasError
from baas.logs import digests
from baas.logs.batching import waits
from baas.logs.model import Anchor, Log, LogKind
from baas.logs.tree import entries, tree
from baas.store import Store
from baas.tenancy import across_administrations
from sandbox import notary, register
from sandbox.chain import Chain
from sandbox.errors import SandboxError
from sandbox.evidence.checkpoint import Checkpoint, sign_checkpoint
from sandbox.evidence.keccak import keccak
from sandbox.evidence.note import NoteSigner

LOGGER = logging.getLogger(__name__)

#: Entries that join a tree in one transaction: bounds memory and how long other writers wait.
INCLUDE_AT_ONCE = 20_000
FIRST_RETRY, LAST_RETRY = 0.5, 60.0
NOT_A_CALLER = "the pipeline serves every log; nothing of it is an answer to a caller"


class AnchorFailed(SandboxError):
    """The chain took the anchoring transaction and the contract refused it."""


class Pipeline:
    """Background work of one service; `poke` a log when entries were accepted.

    `on_anchored` is told of each log that has a new checkpoint, once that is on disk; it must not take long.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        chains: Chains,
        *,
        threads: int = 8,
        on_anchored: Callable[[int], None] = lambda _log: None,
    ) -> None:
        self._store, self._clock, self._chains = store, clock, chains
        self._on_anchored = on_anchored
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="pipeline")
        self._guard = threading.Lock()
        self._busy: set[int] = set()
        self._again: set[int] = set()
        self._timers: dict[int, threading.Timer] = {}
        self._due: dict[int, float] = {}
        self._retry: dict[int, float] = {}
        self._problems: dict[int, str] = {}
        self._stopped = False
        self._ended = threading.Event()

    def start(self) -> None:
        """Resume whatever a crash or a stop left on its way."""
        self.resume()

    def resume(self, chain: str | None = None) -> None:
        """Poke every log that waits, or those that are anchored on one chain: it was started again."""
        waiting = across_administrations(Log, NOT_A_CALLER).where(col(Log.anchored_size) < col(Log.accepted))
        if chain is not None:
            waiting = waiting.join(Deployment, col(Deployment.id) == col(Log.deployment_id)).where(
                Deployment.chain == chain
            )
        with self._store.reading() as session:
            found = session.exec(waiting).all()
        for log in found:
            self.poke(log.key)

    def anchored(self, chain: str) -> bool:
        """Whether a root was ever sent to this chain, or is about to be."""
        statement = (
            across_administrations(Log, NOT_A_CALLER)
            .join(Anchor, col(Anchor.log) == col(Log.number))
            .join(Deployment, col(Deployment.id) == col(Log.deployment_id))
            .where(Deployment.chain == chain)
        )
        with self._store.reading() as session:
            return session.exec(statement).first() is not None

    def stop(self) -> None:
        with self._guard:
            self._stopped = True
            self._ended.set()
            for timer in self._timers.values():
                timer.cancel()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def poke(self, log: int) -> None:
        """There may be work for this log; cheap, and never lost while a job runs."""
        with self._guard:
            if self._stopped:
                return
            if log in self._busy:
                self._again.add(log)
                return
            self._busy.add(log)
            self._pool.submit(self._work, log)

    def problem(self, log: int) -> str | None:
        """Why this log does not move at present, in one sentence; None when nothing is wrong."""
        return self._problems.get(log)

    def _work(self, log: int) -> None:
        try:
            while self.advance(log):
                pass
            self._problems.pop(log, None)
            self._retry.pop(log, None)
        except Exception as error:  # a job must never die silently: it is shown, logged and tried again
            if not self._stopped:
                LOGGER.warning("log %s does not move: %s", log, error, exc_info=_told(error) is None)
            self._problems[log] = (
                _told(error) or "something failed here; it is tried again, and nothing is lost"
            )
            self._try_later(log)
        with self._guard:
            self._busy.discard(log)
            again = log in self._again
            self._again.discard(log)
        if again:
            self.poke(log)

    def _try_later(self, log: int) -> None:
        delay = self._retry.get(log, FIRST_RETRY)
        self._retry[log] = min(delay * 2, LAST_RETRY)
        self._poke_in(log, delay)

    def _poke_in(self, log: int, delay: float) -> None:
        due = time.monotonic() + delay
        timer = threading.Timer(delay, self.poke, [log])
        timer.daemon = True
        with self._guard:
            if self._stopped:
                return
            before = self._timers.get(log)
            if before and before.is_alive():  # who asks often must not leave a timer each time
                if self._due[log] <= due:
                    return
                before.cancel()
            self._timers[log], self._due[log] = timer, due
            timer.start()

    # -- the two steps -----------------------------------------------------------------------------

    def advance(self, number: int) -> bool:
        """Include what was accepted and anchor what is included; whether there may be more to do."""
        included = self._include(number)
        with holding():
            anchored = self._anchor(number)
        return included or anchored

    def _include(self, number: int) -> bool:
        with self._store.session() as session:
            log = _log(session, number)
            stop = min(log.accepted, log.size + INCLUDE_AT_ONCE)
            if stop == log.size:
                return False
            tree(session, log).append([entry.leaf_hash() for entry in entries(session, log, log.size, stop)])
            if log.kind == LogKind.DOCUMENTS:
                digests.index(session, log, log.size, stop)
            log.size = stop
            session.add(log)
        return True

    def _anchor(self, number: int) -> bool:
        with self._store.reading() as session:
            log = _log(session, number)
            if log.anchored_size == log.size:
                return False
            deployment = session.exec(
                across_administrations(Deployment, NOT_A_CALLER).where(Deployment.id == log.deployment_id)
            ).one()
            planned = session.exec(
                select(Anchor).where(Anchor.log == number, col(Anchor.anchored).is_(None))
            ).one_or_none()
            wait = waits(session, log, self._clock.now(), NOT_A_CALLER) if planned is None else 0.0
        if wait > 0:
            self._poke_in(number, wait)
            return False
        chain = self._chains.awake(deployment.chain)
        if planned is None and (ahead := chain.seconds_until_next_block()):
            # a chain that seals without a pause is ahead of its clock: to wait now, and not once a root is sent, lets
            # what is accepted meanwhile go with it
            self._ended.wait(ahead)
            self._include(number)
            with self._store.reading() as session:
                log = _log(session, number)
        with self._chains.sending(deployment.chain):
            anchor = planned or self._plan(log, deployment, chain)
            if not outgoing.submit(chain, anchor.transaction):
                self._forget(anchor)
                return True  # that plan can never be sealed any more and is gone: plan anew
        transaction_receipt = outgoing.wait(chain, anchor.transaction_hash, lambda: self._stopped)
        if int(transaction_receipt["status"], 16) != 1:
            self._forget(anchor)
            raise AnchorFailed(
                f"contract {deployment.address} refused the root of size {anchor.new_size}: it reverted"
            )
        self._finish(chain, anchor)
        return True

    def _plan(self, log: Log, deployment: Deployment, chain: Chain) -> Anchor:
        """Sign the anchoring transaction and store it: from here on only this very one can be sent."""
        with self._store.reading() as session:
            grown = tree(session, log)
            root = grown.root()
            proof = grown.consistency_proof(log.anchored_size) if log.anchored_size else []
        address = bytes.fromhex(deployment.address.removeprefix("0x"))
        if log.kind == LogKind.DOCUMENTS:
            data = notary.notarise_batch(root, log.anchored_size, log.size)
        else:
            data = register.advance(log.size, root, proof)
        account = self._chains.ANCHORING_ACCOUNT
        raw = chain.prepare(account, to=address, data=data)
        anchor = Anchor(
            log=log.key,
            old_size=log.anchored_size,
            new_size=log.size,
            root=root,
            transaction=raw,
            transaction_hash=f"0x{keccak(raw).hex()}",
            planned=self._clock.now(),
        )
        with self._store.session() as session:
            session.add(anchor)
        return anchor

    def _forget(self, anchor: Anchor) -> None:
        with self._store.session() as session:
            session.delete(session.merge(anchor))

    def _finish(self, chain: Chain, anchor: Anchor) -> None:
        evidence = chain.anchor_evidence(anchor.transaction_hash)
        with self._store.session() as session:
            log = _log(session, anchor.log)
            signer = NoteSigner(log.origin, log.signing_key)
            anchor = session.merge(anchor)
            anchor.checkpoint = sign_checkpoint(
                Checkpoint(log.origin, anchor.new_size, anchor.root), [signer]
            )
            anchor.evidence = json.dumps(evidence)
            anchor.anchored = self._clock.now()
            log.anchored_size = anchor.new_size
            session.add_all([anchor, log])
        self._on_anchored(anchor.log)


def _log(session: Session, number: int) -> Log:
    return session.exec(across_administrations(Log, NOT_A_CALLER).where(Log.number == number)).one()


def _told(error: Exception) -> str | None:
    """What an administration is told of an error: its first line where it is one of ours, else None."""
    return str(error).partition("\n")[0] if isinstance(error, BaasError | SandboxError) else None
