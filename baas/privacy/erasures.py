"""Erasure: what a commitment was of is forgotten for good, and the log still proves everything else.

One write transaction does all that can be asked for: it takes the content away (`clearing`), appends an `erase` entry
for each entry erased (kind, what it refers to, and the legal basis as its reason), and keeps a row of ids. The ledger
outside the database has it before the commit. What is left then is in no row: free pages and the write-ahead log,
which `Scrubber` has overwritten a moment later. A crash anywhere in between is resumed at the next start; there is no
moment at which an entry is half erased. What holders have already, a receipt or a mirror of the log, is theirs.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from itertools import groupby

from sqlmodel import Session, col

from baas.administrations import repository
from baas.audit import Audit
from baas.chains.model import Chain
from baas.clock import Clock, iso
from baas.deployments.model import Deployment
from baas.errors import Conflict, Invalid, NotFound
from baas.logs.acceptance import Draft
from baas.logs.model import Log, LogBatch, LogEntry, LogKind
from baas.logs.service import Logs
from baas.notarisations.service import Notarisations
from baas.privacy import clearing
from baas.privacy.ledger import Ledger, Record
from baas.privacy.model import Erasure, ErasureState
from baas.registers.model import Register
from baas.registers.service import Registers
from baas.store import Store
from baas.store.paging import Paged, PageOf, paged
from baas.store.ulid import Ulids
from baas.tenancy import SERVICE, Role, TenantScope, across_administrations
from sandbox.lifecycle import DesiredState

LOGGER = logging.getLogger(__name__)

#: Why, as the `erase` entry says it: art. 17(1) GDPR (a) to (e), the retention date of the series, a court.
BASES = (
    "no-longer-necessary",
    "consent-withdrawn",
    "objection",
    "unlawful",
    "legal-obligation",
    "retention",
    "court-order",
)
MOST_ENTRIES = 10_000
NOT_A_CALLER = "what the ledger of erasures says is done for every administration; nothing of it is an answer"
COMMITTING = ("notarise", "create", "amend", "rectify", "supersede")


class Erasures:
    """The slice's service; methods with a session are part of the caller's transaction."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        ids: Ulids,
        audit: Audit,
        logs: Logs,
        notarisations: Notarisations,
        registers: Registers,
        ledger: Ledger,
    ) -> None:
        self._store, self._clock, self._ids, self._audit = store, clock, ids, audit
        self._logs, self._notarisations, self._registers, self._ledger = (
            logs,
            notarisations,
            registers,
            ledger,
        )

    # -- acts --------------------------------------------------------------------------------------

    def notarisation(
        self, session: Session, scope: TenantScope, notarisation: str, basis: str
    ) -> tuple[Erasure, Log]:
        """Erase what one notarisation was of. Conflict when there is nothing to erase, or not any more."""
        log, index = self._notarisations.place(session, scope, notarisation)
        return self.of_log(session, scope, log, [index], basis, keep_key=False)

    def rows(
        self,
        session: Session,
        scope: TenantScope,
        register_id: str,
        indexes: Sequence[int],
        basis: str,
        *,
        keep_key: bool = False,
    ) -> tuple[Erasure, Log]:
        """Erase row versions of a register, by their indexes in its log: a request holds no key of a person so."""
        _, log = self._registers.get(session, scope, register_id)
        if not 1 <= len(set(indexes)) <= MOST_ENTRIES:
            raise Invalid("/indexes", f"1 to {MOST_ENTRIES} indexes", str(len(indexes)))
        if outside := [each for each in indexes if not 0 < each < log.accepted]:
            raise NotFound("entry", str(outside[0]))
        return self.of_log(session, scope, log, sorted(set(indexes)), basis, keep_key=keep_key)

    def of_log(
        self,
        session: Session,
        scope: TenantScope,
        log: Log,
        positions: Sequence[int],
        basis: str,
        *,
        keep_key: bool = False,
    ) -> tuple[Erasure, Log]:
        """Erase entries of a log that the caller's scope has shown, by their indexes in order."""
        # of the administration itself: it answers for the data, and nobody gives that away by a mandate
        scope.require_own(log.administration_id, "erasing", Role.ADMIN)
        if basis not in BASES:
            raise Invalid("/basis", f"one of {', '.join(BASES)}", repr(basis[:40]))
        self._require_content(session, log, positions)
        record = Record(
            erasure=self._ids(),
            administration=log.administration_id,
            log=log.id,
            entries=tuple(self._named(session, log, positions)),
            basis=basis,
            keep_key=keep_key,
            actor=scope.caller.actor_id,
            at=iso(self._clock.now()),
        )
        # a file inside the write session, on purpose: from here on it is erased, whatever happens to the commit
        self._ledger.append(record)
        erasure = self._clear(session, log, positions, record)
        self._audit.record(
            session,
            scope.caller,
            "erasure.accept",
            "erasure",
            erasure.id,
            log.administration_id,
            {"log": log.id, "count": erasure.count, "basis": basis},
        )
        return erasure, log

    def _require_content(self, session: Session, log: Log, positions: Sequence[int]) -> None:
        open_ = set(clearing.with_content(session, log.key, positions))
        for position in positions:
            if position in open_:
                continue
            entry = session.get(LogEntry, (log.key, position))
            assert entry is not None  # callers hold positions below `accepted`
            raise Conflict(
                f"entry {position} of {log.origin} was erased already"
                if entry.kind in COMMITTING
                else f"entry {position} of {log.origin} is a {entry.kind} entry: there is no content in it to erase"
            )

    def _named(self, session: Session, log: Log, positions: Sequence[int]) -> list[tuple[str, int, int]]:
        """The positions as places in batches; neighbours of one batch are one range."""
        batches = session.exec(
            across_administrations(LogBatch, "the log was shown by the caller's scope, or by none on purpose")
            .where(LogBatch.log == log.key, col(LogBatch.first_index) <= max(positions))
            .order_by(col(LogBatch.first_index))
        ).all()
        found: list[tuple[str, int, int]] = []
        remaining = list(positions)
        for batch in batches:
            end = batch.first_index + batch.count
            places = [each - batch.first_index for each in remaining if batch.first_index <= each < end]
            remaining = (
                [each for each in remaining if not batch.first_index <= each < end] if places else remaining
            )
            for _, group in groupby(enumerate(places), key=lambda pair: pair[1] - pair[0]):
                run = [place for _, place in group]
                found.append((batch.id, run[0], run[-1] + 1))
        return found

    def _clear(self, session: Session, log: Log, positions: Sequence[int], record: Record) -> Erasure:
        """The transaction's part; the same for a caller's act and for one that the ledger asks for again."""
        register = session.exec(
            across_administrations(Register, NOT_A_CALLER).where(Register.log == log.key)
        ).one_or_none()
        clearing.clear_entries(session, log.key, positions)
        if log.kind == LogKind.REGISTER:
            clearing.clear_rows(session, log.key, positions, keep_key=record.keep_key)
        clearing.forget_answers(
            session, sorted({batch for batch, _, _ in record.entries}), register.id if register else None
        )
        if self._anchorable(session, log):
            drafts = [Draft("erase", refers_to=each, reason=record.basis) for each in positions]
            self._logs.accept(session, log, drafts)
        erasure = Erasure(
            id=record.erasure,
            administration_id=log.administration_id,
            log=log.id,
            entries=json.dumps(record.entries),
            count=len(positions),
            basis=record.basis,
            keep_key=record.keep_key,
            actor_id=record.actor,
            state=ErasureState.CLEARED,
            requested=self._clock.now(),
        )
        session.add(erasure)
        session.flush()
        return erasure

    def _anchorable(self, session: Session, log: Log) -> bool:
        """Whether the log's chain is there: one that was deleted takes no `erase` entry; the erasure's row says it."""
        chain = session.exec(
            across_administrations(Chain, NOT_A_CALLER)
            .join(Deployment, col(Deployment.chain) == col(Chain.id))
            .where(Deployment.id == log.deployment_id)
        ).one()
        return chain.desired != DesiredState.DELETED

    # -- what the ledger says ----------------------------------------------------------------------

    def replay(self) -> list[str]:
        """Do again what the ledger says and the database does not; the ids of what was done.

        That is so after a crash between the two, and after an older backup was restored.
        """
        done = []
        for record in self._ledger.read():
            with self._store.session() as session:
                if self._replay(session, record):
                    done.append(record.erasure)
        return done

    def _replay(self, session: Session, record: Record) -> bool:
        known = across_administrations(Erasure, NOT_A_CALLER).where(Erasure.id == record.erasure)
        if session.exec(known).first() is not None:
            return False
        log = session.exec(
            across_administrations(Log, NOT_A_CALLER).where(Log.id == record.log)
        ).one_or_none()
        if log is None:  # a backup from before the log was opened: nothing of it is there
            return False
        positions: list[int] = []
        for batch_id, first, stop in record.entries:
            batch = session.exec(
                across_administrations(LogBatch, NOT_A_CALLER).where(LogBatch.id == batch_id)
            ).one_or_none()
            if batch is not None:
                positions += range(batch.first_index + first, batch.first_index + stop)
        positions = clearing.with_content(session, log.key, positions)
        if not positions:
            return False
        self._clear(session, log, positions, record)
        self._audit.record(
            session,
            SERVICE,
            "erasure.replay",
            "erasure",
            record.erasure,
            log.administration_id,
            {"log": log.id, "count": len(positions), "actor": record.actor},
        )
        LOGGER.warning("erasure %s was done again: %d entries had come back", record.erasure, len(positions))
        return True

    # -- the pages behind --------------------------------------------------------------------------

    def settle(self) -> int:
        """Overwrite what the rows have left behind in the database's files; how many erasures end with it."""
        waiting = across_administrations(Erasure, NOT_A_CALLER).where(Erasure.state == ErasureState.CLEARED)
        with self._store.reading() as session:
            ids = [each.id for each in session.exec(waiting)]
        if not ids:
            return 0
        self._store.scrub()
        with self._store.session() as session:
            for each in session.exec(waiting.where(col(Erasure.id).in_(ids))):
                each.state, each.erased = ErasureState.ERASED, self._clock.now()
                session.add(each)
        return len(ids)

    # -- reading -----------------------------------------------------------------------------------

    def get(self, session: Session, scope: TenantScope, erasure: str) -> Erasure:
        return scope.get(session, Erasure, erasure)

    def listing(
        self, session: Session, scope: TenantScope, page: PageOf, administration: str | None = None
    ) -> Paged[Erasure]:
        statement = scope.select(Erasure)
        if administration is not None:
            owner = repository.administration(session, scope, administration)
            statement = statement.where(Erasure.administration_id == owner.id)
        return paged(session, statement, col(Erasure.id), page)
