"""Logs of administrations: opened on a deployment, appended to, and asked for receipts and checkpoints."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from baas.chains.model import Chain
from baas.clock import Clock
from baas.deployments.model import Deployment
from baas.errors import Conflict
from baas.logs.acceptance import Draft, accept, accept_digests
from baas.logs.digests import read_also
from baas.logs.model import Anchor, EntryState, Log, LogBatch, LogEntry, LogKind
from baas.logs.pipeline import Pipeline
from baas.logs.tree import tree
from baas.logs.witnessing import Witnessing
from baas.receipts import Source
from baas.store import raw
from baas.store.ulid import Ulids
from baas.tenancy import TenantScope
from sandbox.engines import Adopting, engines
from sandbox.evidence.entry import Entry
from sandbox.evidence.note import NoteSigner
from sandbox.evidence.receipt import Inclusion, Previous, Receipt, SaltedDigest, anchor_from_json
from sandbox.lifecycle import DesiredState

#: The template whose contract anchors each kind of log.
TEMPLATE_OF = {LogKind.DOCUMENTS: "document-notary", LogKind.REGISTER: "hash-registry"}
RECEIPTS_AT_ONCE = 500
#: The kinds of entry that commit to something, as long as it is not erased.
OPENED = frozenset({"notarise", "create", "supersede", "amend", "rectify"})


class NotAnchoredYet(Conflict):
    """The entry is safe and on its way; its receipt can be made a moment later."""

    retry_after = 1  # seconds

    def __init__(self, index: int, state: EntryState, problem: str | None) -> None:
        self.index, self.state = index, state
        because = f"; it waits because: {problem}" if problem else ""
        super().__init__(f"entry {index} is {state}, not anchored yet: nothing is lost, ask again{because}")


class Erased(Conflict):
    """Salt and digest of the entry were deleted: nobody can open its commitment any more."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a log is: entries accepted, included and anchored, and why it waits (None when nothing is wrong)."""

    accepted: int
    size: int
    anchored_size: int
    problem: str | None


#: Receipts of a log as they are made, and as they are handed out.
Finishing = Callable[[Session, Log, Iterator[Receipt]], Iterator[Receipt]]


class Logs:
    """The slice's service: what documents and registers share; every method takes the caller's open session."""

    def __init__(
        self, clock: Clock, ids: Ulids, origin: str, pipeline: Pipeline, witnessing: Witnessing
    ) -> None:
        self._clock, self._ids, self._origin, self._pipeline = clock, ids, origin, pipeline
        self._witnessing = witnessing
        self.finishing: Finishing = lambda session, log, made: made
        """What is done with receipts before they are handed out: the room of renewals puts theirs in."""

    def open(self, session: Session, deployment: Deployment, kind: LogKind, name: str) -> Log:
        """A new log with its own key, anchored by `deployment`; its first leaf is the genesis entry (index 0)."""
        log = Log(
            id=self._ids(),
            administration_id=deployment.administration_id,
            kind=kind,
            origin=f"{self._origin}/{name}",
            deployment_id=deployment.id,
            signing_key=Ed25519PrivateKey.generate().private_bytes_raw(),
            created=self._clock.now(),
        )
        session.add(log)
        session.flush()
        self.accept(session, log, [Draft("genesis")])
        return log

    def free_deployments(
        self, scope: TenantScope, administration_id: str, kind: LogKind
    ) -> SelectOfScalar[Deployment]:
        """The administration's deployments that can anchor a new log of this kind: on chains that exist, and unused.

        Not on somebody else's chain: we do not make its blocks, and could give no evidence of them.
        """
        adopted = [slug for slug, each in engines().items() if isinstance(each, Adopting)]
        return (
            scope.select(Deployment)
            .join(Chain, col(Chain.id) == col(Deployment.chain))
            .where(
                Deployment.administration_id == administration_id, Deployment.template == TEMPLATE_OF[kind]
            )
            .where(Chain.desired != DesiredState.DELETED, col(Chain.engine).not_in(adopted))
            .where(col(Deployment.id).not_in(select(Log.deployment_id)))
            .order_by(col(Deployment.id))
        )

    def chain_of(self, session: Session, scope: TenantScope, log: Log) -> Chain:
        """The chain that anchors this log, which may be deleted by now."""
        deployment = scope.get(session, Deployment, log.deployment_id)
        return scope.get(session, Chain, deployment.chain)

    def accept(self, session: Session, log: Log, drafts: Sequence[Draft]) -> LogBatch:
        """Write entries in the caller's transaction; call `poke` once it is committed."""
        return accept(session, log, drafts, batch_id=self._ids(), at=self._clock.now())

    def accept_digests(
        self, session: Session, log: Log, kind: str, algorithm: str, digests: Sequence[bytes]
    ) -> LogBatch:
        """As `accept`, for entries that differ in nothing but their digest."""
        now = self._clock.now()
        return accept_digests(session, log, kind, algorithm, digests, batch_id=self._ids(), at=now)

    def living(self, statement: SelectOfScalar[Log]) -> SelectOfScalar[Log]:
        """Those logs of `statement` whose chain was not deleted."""
        return (
            statement.join(Deployment, col(Deployment.id) == col(Log.deployment_id))
            .join(Chain, col(Chain.id) == col(Deployment.chain))
            .where(Chain.desired != DesiredState.DELETED)
        )

    def poke(self, log: Log) -> None:
        self._pipeline.poke(log.key)

    def progress(self, log: Log) -> Progress:
        return Progress(log.accepted, log.size, log.anchored_size, self._pipeline.problem(log.key))

    # -- receipts ----------------------------------------------------------------------------------

    def receipt(self, session: Session, log: Log, index: int, *, previous: bool = False) -> Receipt:
        """The portable proof of one entry; with `previous`, what bounds its time from below.

        An entry of the log's first growth has nothing before it: then there is no such bound. Raises NotAnchoredYet,
        NotWitnessedYet or Erased.
        """
        found = next(self.receipts(session, log, index, index + 1))
        if (
            not previous or found.renewals
        ):  # a renewal covers the receipt as it was: nothing is added any more
            return found
        return self._with_previous(session, log, found)

    def _with_previous(self, session: Session, log: Log, receipt: Receipt) -> Receipt:
        before = session.exec(
            select(Anchor)
            .where(
                Anchor.log == log.key,
                Anchor.new_size <= receipt.inclusion.index,
                col(Anchor.anchored).is_not(None),
            )
            .order_by(col(Anchor.new_size).desc())
            .limit(1)
        ).first()
        if before is None:
            return receipt
        proof = tree(session, log).consistency_proof(before.new_size, receipt.inclusion.size)
        anchor = anchor_from_json(json.loads(str(before.evidence)))
        return replace(receipt, previous=Previous(str(before.checkpoint), tuple(proof), anchor))

    def receipts(
        self, session: Session, log: Log, start: int, stop: int, *, leave_out_erased: bool = False
    ) -> Iterator[Receipt]:
        """The proofs of entries `start` to `stop - 1`, in order; the tree and the anchors are read once for all."""
        made = self._receipts(session, log, start, stop, leave_out_erased=leave_out_erased)
        yield from self.finishing(session, log, made)

    def _receipts(
        self, session: Session, log: Log, start: int, stop: int, *, leave_out_erased: bool
    ) -> Iterator[Receipt]:
        self.require_anchored(log, start, stop)
        proving = self._proving(session, log, stop)
        grown = tree(session, log)
        anchor = proving(start)
        also = read_also(session, log, start, stop)
        rows = raw(session).execute(
            "SELECT position, kind, algorithm, digest, salt, commitment, refers_to, reason FROM log_entries "
            "WHERE log = ? AND position >= ? AND position < ? ORDER BY position",
            (log.key, start, stop),
        )
        for index, kind, algorithm, digest, salt, commitment, refers_to, reason in rows:
            if index >= anchor.new_size:
                anchor = proving(index)
            if digest is None or salt is None:
                if leave_out_erased:
                    continue
                what = "it was erased" if kind in OPENED else f"a {kind} entry has none"
                raise Erased(
                    f"entry {index} of {log.origin} has no document to open: {what}, so there is no receipt; the log "
                    "still proves that the entry is in it"
                )
            yield Receipt(
                document=SaltedDigest(algorithm, digest, salt, also.get(index, ())),
                entry=Entry(kind, commitment, refers_to, reason),
                inclusion=Inclusion(
                    log.origin, index, anchor.new_size, tuple(grown.inclusion_proof(index, anchor.new_size))
                ),
                checkpoint=str(anchor.checkpoint),
                anchor=anchor_from_json(json.loads(str(anchor.evidence))),
                timestamps=() if anchor.token is None else (anchor.token,),
            )

    def at_size(self, session: Session, log: Log, receipt: Receipt, size: int) -> Receipt:
        """The receipt as it is under the anchored growth to `size`, whatever growth proves it today."""
        if receipt.inclusion.size == size:
            return receipt
        anchor = session.exec(select(Anchor).where(Anchor.log == log.key, Anchor.new_size == size)).one()
        proof = tuple(tree(session, log).inclusion_proof(receipt.inclusion.index, size))
        return replace(
            receipt,
            inclusion=replace(receipt.inclusion, size=size, proof=proof),
            checkpoint=str(anchor.checkpoint),
            anchor=anchor_from_json(json.loads(str(anchor.evidence))),
            timestamps=() if anchor.token is None else (anchor.token,),
        )

    def source(self, session: Session, log: Log, index: int, *, previous: bool = False) -> Source:
        """What an entry's receipt is made from in any format; as `receipt`."""
        made = self.receipt(session, log, index, previous=previous)
        policy = self._witnessing.policy(session, log)
        return Source(
            made, NoteSigner(log.origin, log.signing_key), None if policy is None else policy.operators
        )

    def require_anchored(self, log: Log, start: int, stop: int) -> None:
        """NotAnchoredYet unless entries `start` to `stop - 1` all are."""
        if stop > log.anchored_size:
            first = max(start, log.anchored_size)
            raise NotAnchoredYet(first, log.state_of(first), self._pipeline.problem(log.key))

    def _proving(self, session: Session, log: Log, stop: int) -> Callable[[int], Anchor]:
        """Which anchored growth proves an entry below `stop`: the first over it, or, where the log's policy demands
        witnesses, the first that enough of them cosigned. NotWitnessedYet when there is none for the last entry.
        """
        policy = self._witnessing.policy(session, log)
        if policy is None:
            return lambda index: self._anchor_over(session, log, index)

        def enough(index: int) -> Anchor:
            found = self._witnessing.enough_over(session, log, index)
            if found is None:
                raise self._witnessing.not_yet(session, log, index, policy)
            return found

        enough(stop - 1)
        return enough

    def _anchor_over(self, session: Session, log: Log, index: int) -> Anchor:
        return session.exec(
            select(Anchor)
            .where(Anchor.log == log.key, Anchor.new_size > index, col(Anchor.anchored).is_not(None))
            .order_by(col(Anchor.new_size))
            .limit(1)
        ).one()

    def anchor_over(self, session: Session, log: Log, index: int) -> Anchor | None:
        """The anchored growth that first covered this entry; None until there is one."""
        return self._anchor_over(session, log, index) if index < log.anchored_size else None

    def batch_of(self, session: Session, scope: TenantScope, log: Log, index: int) -> LogBatch:
        """The batch that an entry was accepted with."""
        return session.exec(
            scope.select(LogBatch)
            .where(LogBatch.log == log.key, LogBatch.first_index <= index)
            .order_by(col(LogBatch.first_index).desc())
            .limit(1)
        ).one()

    def entry(self, session: Session, log: Log, index: int) -> LogEntry:
        row = session.get(LogEntry, (log.key, index))
        assert row is not None  # callers hold an index that this log gave out
        return row

    def entries(self, session: Session, log: Log, start: int, stop: int) -> list[LogEntry]:
        """Entries `start` to `stop - 1` as they are on disk, in order; callers hold indexes that this log gave out."""
        return list(
            session.exec(
                select(LogEntry)
                .where(LogEntry.log == log.key, LogEntry.position >= start, LogEntry.position < stop)
                .order_by(col(LogEntry.position))
            )
        )

    # -- checkpoints -------------------------------------------------------------------------------

    def checkpoints(self, session: Session, log: Log) -> list[Anchor]:
        """Every anchored growth, oldest first."""
        return list(
            session.exec(
                select(Anchor)
                .where(Anchor.log == log.key, col(Anchor.anchored).is_not(None))
                .order_by(col(Anchor.new_size))
            )
        )

    def newest_checkpoint(self, session: Session, log: Log) -> Anchor | None:
        """The newest anchored growth, if there is one yet."""
        return self.anchor_over(session, log, log.anchored_size - 1) if log.anchored_size else None

    def consistency(self, session: Session, log: Log, old_size: int, new_size: int) -> list[bytes]:
        """The RFC 9162 proof that the log at `new_size` extends the log at `old_size`."""
        if not 0 < old_size <= new_size <= log.size:
            raise Conflict(f"expected 0 < old <= new <= {log.size}, got old {old_size} and new {new_size}")
        return tree(session, log).consistency_proof(old_size, new_size)
