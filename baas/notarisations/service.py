"""What is done with notarisations. The document never comes here: only its digest does, and it stays in this database.

An administration has one document log. It is opened, with the first notarisation, on the administration's deployment
of the `document-notary` template. A notarisation's id is its batch's id and its place in it: `01J…-17`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col

from baas.administrations import repository
from baas.administrations.model import Administration
from baas.audit import Audit
from baas.chains.model import Chain
from baas.deployments.model import Deployment
from baas.errors import Conflict, Invalid, NotFound
from baas.logs.acceptance import Draft
from baas.logs.model import EntryState, Log, LogBatch, LogEntry, LogKind
from baas.logs.service import OPENED, TEMPLATE_OF, Logs
from baas.receipts import Source
from baas.store.paging import Paged, PageOf, paged
from baas.tenancy import Role, TenantScope
from sandbox.errors import MalformedEvidence
from sandbox.evidence import header
from sandbox.evidence.digest import algorithm
from sandbox.evidence.receipt import Receipt, anchor_from_json

MOST_DOCUMENTS = 10_000
REASONS = ("error", "withdrawn", "replaced", "other")
_ID = re.compile(r"([0-9A-HJKMNP-TV-Z]{26})-(0|[1-9][0-9]{0,5})")


@dataclass(frozen=True, slots=True)
class Document:
    """What is asked to be notarised: a digest, and the notarisation that it supersedes, if any."""

    algorithm: str
    digest: str
    supersedes: str | None = None


@dataclass(frozen=True, slots=True)
class Notarisation:
    """One notarised digest, as it stands now. `index` is its place in the log, known from acceptance on.

    `origin` is the log's name in receipts and checkpoints.
    """

    id: str
    administration_id: str
    log: str
    origin: str
    index: int
    kind: str
    algorithm: str | None
    digest: str | None
    erased: bool
    state: EntryState
    problem: str | None
    reason: str | None
    accepted: datetime


@dataclass(frozen=True, slots=True)
class Anchored:
    """Where a notarisation is anchored: the chain's label, block number, transaction hash, contract, the log's size."""

    chain: str
    block: int
    transaction: str
    contract: str
    size: int
    anchored: datetime


class NotDeployed(Conflict):
    """There is no contract yet that could anchor the administration's documents."""


class Notarisations:
    """The slice's service; every method takes the caller's open session."""

    def __init__(self, logs: Logs, audit: Audit) -> None:
        self._logs, self._audit = logs, audit

    def accept(
        self, session: Session, scope: TenantScope, administration: str, documents: Sequence[Document]
    ) -> tuple[LogBatch, Log]:
        """Write the digests as one batch in the caller's transaction; its commit is the acknowledgement."""
        owner = repository.administration(session, scope, administration)
        scope.require(owner.id, "notarising", Role.ADMIN, Role.DEVELOPER)
        if not 1 <= len(documents) <= MOST_DOCUMENTS:
            raise Invalid("/documents", f"1 to {MOST_DOCUMENTS} documents", str(len(documents)))
        log = self._log(session, scope, owner)
        batch = self._accept_plain(session, log, documents)
        if batch is None:
            drafts = [
                self._draft(session, scope, log, place, document) for place, document in enumerate(documents)
            ]
            batch = self._logs.accept(session, log, drafts)
        detail = {"log": log.id, "count": batch.count}
        self._audit.record(session, scope.caller, "notarisation.accept", "batch", batch.id, owner.id, detail)
        return batch, log

    def revoke(
        self, session: Session, scope: TenantScope, notarisation: str, reason: str
    ) -> tuple[LogBatch, Log]:
        """Leave one without effect: an entry of its own that refers to it. The first stays, as it must."""
        if reason not in REASONS:
            raise Invalid("/reason", f"one of {', '.join(REASONS)}", repr(reason[:40]))
        _, log, index = self._find(session, scope, notarisation)
        row = self._logs.entry(session, log, index)
        scope.require(
            log.administration_id, "leaving a notarisation without effect", Role.ADMIN, Role.DEVELOPER
        )
        if row.kind not in ("notarise", "supersede"):
            raise Conflict(
                f"{notarisation} is a {row.kind} entry: only a notarised document can be left without effect"
            )
        batch = self._logs.accept(session, log, [Draft("revoke", refers_to=index, reason=reason)])
        detail = {"reason": reason, "batch": batch.id}
        self._audit.record(
            session,
            scope.caller,
            "notarisation.revoke",
            "notarisation",
            notarisation,
            log.administration_id,
            detail,
        )
        return batch, log

    def get(self, session: Session, scope: TenantScope, notarisation: str) -> Notarisation:
        batch, log, index = self._find(session, scope, notarisation)
        return self._stand(batch, log, self._logs.entry(session, log, index))

    def anchored(self, session: Session, scope: TenantScope, notarisation: str) -> Anchored | None:
        """Where it is anchored; None until it is."""
        _, log, index = self._find(session, scope, notarisation)
        anchor = self._logs.anchor_over(session, log, index)
        if anchor is None or anchor.anchored is None:
            return None
        deployment = scope.get(session, Deployment, log.deployment_id)
        sealed = header.parse(anchor_from_json(json.loads(str(anchor.evidence))).header)
        return Anchored(
            chain=scope.get(session, Chain, deployment.chain).label,
            block=sealed.number,
            transaction=anchor.transaction_hash,
            contract=deployment.address,
            size=anchor.new_size,
            anchored=anchor.anchored,
        )

    def newest(
        self, session: Session, scope: TenantScope, after: str | None = None, limit: int = 50
    ) -> Paged[Notarisation]:
        """Single notarisations, the newest batch first and each batch in its request's order.

        `after` is the last one of the page before; NotFound when it is not one that the caller may see.
        """
        statement = scope.select(LogBatch).join(Log, col(Log.number) == col(LogBatch.log))
        statement = statement.where(Log.kind == LogKind.DOCUMENTS, LogBatch.first_index > 0)
        first = 0
        if after is not None:
            batch, log, index = self._find(session, scope, after)
            statement, first = statement.where(col(LogBatch.id) <= batch.id), index - batch.first_index + 1
        logs: dict[int, Log] = {}
        found: list[Notarisation] = []
        for batch in session.exec(statement.order_by(col(LogBatch.id).desc()).limit(limit + 2)):
            log = logs.get(batch.log) or scope.find(session, Log, batch.id, Log.number == batch.log)
            logs[batch.log] = log
            stop = min(batch.count, first + limit + 1 - len(found))
            rows = self._logs.entries(session, log, batch.first_index + first, batch.first_index + stop)
            found.extend(self._stand(batch, log, row) for row in rows)
            first = 0
        return Paged(found[:limit], found[limit - 1].id if len(found) > limit else None)

    def batches(
        self, session: Session, scope: TenantScope, page: PageOf, administration: str | None
    ) -> Paged[LogBatch]:
        statement = scope.select(LogBatch).join(Log, col(Log.number) == col(LogBatch.log))
        statement = statement.where(Log.kind == LogKind.DOCUMENTS, LogBatch.first_index > 0)
        if administration is not None:
            owner = repository.administration(session, scope, administration)
            statement = statement.where(LogBatch.administration_id == owner.id)
        return paged(session, statement, col(LogBatch.id), page)

    def receipt(self, session: Session, scope: TenantScope, notarisation: str) -> Receipt:
        _, log, index = self._find(session, scope, notarisation)
        return self._logs.receipt(session, log, index)

    def source(self, session: Session, scope: TenantScope, notarisation: str) -> Source:
        """What its receipt is made from in any format (`baas.receipts`)."""
        _, log, index = self._find(session, scope, notarisation)
        return self._logs.source(session, log, index)

    def receipts(
        self, session: Session, scope: TenantScope, batch_id: str, start: int = 0, stop: int = MOST_DOCUMENTS
    ) -> Iterator[tuple[str, Receipt]]:
        """The receipts of a batch's places `start` to `stop - 1`, with their notarisations' ids; erased ones have none.

        Raises NotAnchoredYet until the whole batch is anchored.
        """
        batch, log = self._batch(session, scope, batch_id, batch_id)
        self._logs.require_anchored(log, batch.first_index, batch.first_index + batch.count)
        stop = min(stop, batch.count)
        if start < stop:
            first, last = batch.first_index + start, batch.first_index + stop
            for receipt in self._logs.receipts(session, log, first, last, leave_out_erased=True):
                yield f"{batch.id}-{receipt.inclusion.index - batch.first_index}", receipt

    # -- finding -----------------------------------------------------------------------------------

    def place(self, session: Session, scope: TenantScope, notarisation: str) -> tuple[Log, int]:
        """Its log, and its index in the log."""
        _, log, index = self._find(session, scope, notarisation)
        return log, index

    def _log(self, session: Session, scope: TenantScope, owner: Administration) -> Log:
        """The document log; another one begins when the chain of the one before was deleted."""
        statement = scope.select(Log).where(Log.administration_id == owner.id, Log.kind == LogKind.DOCUMENTS)
        if log := session.exec(self._logs.living(statement).order_by(col(Log.number)).limit(1)).first():
            return log
        logs = session.exec(statement).all()
        template = TEMPLATE_OF[LogKind.DOCUMENTS]
        deployment = session.exec(self._logs.free_deployments(scope, owner.id, LogKind.DOCUMENTS)).first()
        if deployment is None:
            raise NotDeployed(
                f"administration {owner.code} has no unused deployment of the template {template!r} on a chain whose "
                f"blocks this platform makes: create one and deploy it first (baas deploy CHAIN {template})"
            )
        name = f"{owner.code}/documents" + (f"/{len(logs) + 1}" if logs else "")
        return self._logs.open(session, deployment, LogKind.DOCUMENTS, name)

    def _accept_plain(self, session: Session, log: Log, documents: Sequence[Document]) -> LogBatch | None:
        """Batches are mostly new documents of one algorithm, and go the short way; None where each must be looked at."""
        slug = documents[0].algorithm
        if any(each.supersedes is not None or each.algorithm != slug for each in documents):
            return None
        try:
            digests = [bytes.fromhex(each.digest) for each in documents]
            return self._logs.accept_digests(session, log, "notarise", slug, digests)
        except (ValueError, MalformedEvidence):
            return None  # one of them is wrong: looking at each says which

    def _draft(self, session: Session, scope: TenantScope, log: Log, place: int, document: Document) -> Draft:
        digest = _digest(document, place)
        if document.supersedes is None:
            return Draft("notarise", document.algorithm, digest)
        _, old_log, index = self._find(session, scope, document.supersedes)
        if old_log.id != log.id or self._logs.entry(session, log, index).digest is None:
            raise Invalid(
                f"/documents/{place}/supersedes",
                "a notarised document of the same administration",
                document.supersedes,
            )
        return Draft("supersede", document.algorithm, digest, refers_to=index)

    def _find(self, session: Session, scope: TenantScope, notarisation: str) -> tuple[LogBatch, Log, int]:
        """Its batch, its log, and its index in the log."""
        match = _ID.fullmatch(notarisation)
        if match is None:
            raise NotFound("notarisation", notarisation[:60])
        batch, log = self._batch(session, scope, match[1], notarisation)
        place = int(match[2])
        if place >= batch.count:
            raise NotFound("notarisation", notarisation)
        return batch, log, batch.first_index + place

    def _batch(self, session: Session, scope: TenantScope, batch_id: str, named: str) -> tuple[LogBatch, Log]:
        found = session.exec(
            scope.select(LogBatch).where(LogBatch.id == batch_id, LogBatch.first_index > 0)
        ).one_or_none()
        if found is None:
            raise NotFound("notarisation", named)
        log = session.exec(
            scope.select(Log).where(Log.number == found.log, Log.kind == LogKind.DOCUMENTS)
        ).one_or_none()
        if log is None:  # a batch of a register's log
            raise NotFound("notarisation", named)
        return found, log

    def _stand(self, batch: LogBatch, log: Log, row: LogEntry) -> Notarisation:
        return Notarisation(
            id=f"{batch.id}-{row.position - batch.first_index}",
            administration_id=log.administration_id,
            log=log.id,
            origin=log.origin,
            index=row.position,
            kind=row.kind,
            algorithm=row.algorithm,
            digest=row.digest.hex() if row.digest else None,
            erased=row.digest is None and row.kind in OPENED,
            state=log.state_of(row.position),
            problem=self._logs.progress(log).problem,
            reason=row.reason,
            accepted=batch.accepted,
        )


def _digest(document: Document, place: int) -> bytes:
    try:
        digest, expected = bytes.fromhex(document.digest), algorithm(document.algorithm).size
    except (ValueError, MalformedEvidence) as error:
        raise Invalid(f"/documents/{place}", "an algorithm and its digest in hex", str(error)) from None
    if len(digest) != expected:
        got = f"{len(digest)} bytes"
        raise Invalid(f"/documents/{place}/digest", f"{expected} bytes in hex for {document.algorithm}", got)
    return digest
