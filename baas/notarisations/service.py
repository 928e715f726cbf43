"""What is done with notarisations. The document never comes here: only its digest does, and it stays in this database.

An administration has one document log. It is opened, with the first notarisation, on the administration's deployment
of the `document-notary` template. A notarisation's id is its batch's id and its place in it: `01J…-17`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlmodel import Session, col

from baas.administrations.model import Administration
from baas.audit import Audit
from baas.deployments.model import Deployment
from baas.errors import Conflict, Invalid, NotFound
from baas.logs.acceptance import Draft
from baas.logs.model import EntryState, Log, LogBatch, LogEntry, LogKind
from baas.logs.service import TEMPLATE_OF, Logs
from baas.store.paging import Paged, PageOf, paged
from baas.tenancy import Role, TenantScope
from sandbox.errors import MalformedEvidence
from sandbox.evidence.digest import Digest
from sandbox.evidence.receipt import Receipt

MOST_DOCUMENTS = 10_000
REASONS = ("error", "withdrawn", "replaced", "other")
_ID = re.compile(r"([0-9A-HJKMNP-TV-Z]{26})-(\d{1,6})")


@dataclass(frozen=True, slots=True)
class Document:
    """What is asked to be notarised: a digest, and the notarisation that it supersedes, if any."""

    algorithm: str
    digest: str
    supersedes: str | None = None


@dataclass(frozen=True, slots=True)
class Notarisation:
    """One notarised digest, as it stands now. `index` is its place in the log, known from acceptance on."""

    id: str
    administration_id: str
    log: str
    index: int
    kind: str
    algorithm: str | None
    digest: str | None
    state: EntryState
    problem: str | None


class Notarisations:
    """The slice's service."""

    def __init__(self, logs: Logs, audit: Audit) -> None:
        self._logs, self._audit = logs, audit

    def accept(
        self, session: Session, scope: TenantScope, administration: str, documents: Sequence[Document]
    ) -> tuple[LogBatch, Log]:
        """Write the digests as one batch in the caller's transaction; its commit is the acknowledgement."""
        owner = scope.find(session, Administration, administration, Administration.code == administration)
        scope.require(owner.id, "notarising", Role.ADMIN, Role.DEVELOPER)
        if not 1 <= len(documents) <= MOST_DOCUMENTS:
            raise Invalid("/documents", f"1 to {MOST_DOCUMENTS} documents", str(len(documents)))
        log = self._log(session, scope, owner)
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
        log, index, row = self._find(session, scope, notarisation)
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
        log, index, row = self._find(session, scope, notarisation)
        return self._stand(log, notarisation, index, row)

    def batches(
        self, session: Session, scope: TenantScope, page: PageOf, administration: str | None
    ) -> Paged[LogBatch]:
        statement = scope.select(LogBatch).join(Log, col(Log.number) == col(LogBatch.log))
        statement = statement.where(Log.kind == LogKind.DOCUMENTS, LogBatch.first_index > 0)
        if administration is not None:
            owner = scope.find(session, Administration, administration, Administration.code == administration)
            statement = statement.where(LogBatch.administration_id == owner.id)
        return paged(session, statement, col(LogBatch.id), page)

    def of_batch(self, session: Session, scope: TenantScope, batch_id: str) -> list[Notarisation]:
        batch, log = self._batch(session, scope, batch_id, batch_id)
        return [
            self._stand(
                log,
                f"{batch.id}-{place}",
                batch.first_index + place,
                self._logs.entry(session, log, batch.first_index + place),
            )
            for place in range(batch.count)
        ]

    def receipt(self, session: Session, scope: TenantScope, notarisation: str) -> Receipt:
        log, index, _ = self._find(session, scope, notarisation)
        return self._logs.receipt(session, log, index)

    def receipts(self, session: Session, scope: TenantScope, batch_id: str) -> Iterator[tuple[str, Receipt]]:
        """Every receipt of a batch, with its notarisation's id."""
        batch, log = self._batch(session, scope, batch_id, batch_id)
        found = self._logs.receipts(session, log, batch.first_index, batch.first_index + batch.count)
        for place, receipt in enumerate(found):
            yield f"{batch.id}-{place}", receipt

    # -- finding -----------------------------------------------------------------------------------

    def _log(self, session: Session, scope: TenantScope, owner: Administration) -> Log:
        log = session.exec(
            scope.select(Log).where(Log.administration_id == owner.id, Log.kind == LogKind.DOCUMENTS)
        ).one_or_none()
        if log is not None:
            return log
        template = TEMPLATE_OF[LogKind.DOCUMENTS]
        deployment = session.exec(
            scope.select(Deployment)
            .where(Deployment.administration_id == owner.id, Deployment.template == template)
            .order_by(col(Deployment.id))
        ).first()
        if deployment is None:
            raise Conflict(
                f"administration {owner.code} has no deployment of the template {template!r}: "
                f"create a chain and deploy it first (baas deploy CHAIN {template})"
            )
        return self._logs.open(session, deployment, LogKind.DOCUMENTS, f"{owner.code}/documents")

    def _draft(self, session: Session, scope: TenantScope, log: Log, place: int, document: Document) -> Draft:
        try:
            digest = Digest(document.algorithm, bytes.fromhex(document.digest))
        except (ValueError, MalformedEvidence) as error:
            raise Invalid(f"/documents/{place}", "an algorithm and its digest in hex", str(error)) from None
        if document.supersedes is None:
            return Draft("notarise", digest.algorithm, digest.value)
        old_log, index, row = self._find(session, scope, document.supersedes)
        if old_log.id != log.id or row.digest is None:
            raise Invalid(
                f"/documents/{place}/supersedes",
                "a notarised document of the same administration",
                document.supersedes,
            )
        return Draft("supersede", digest.algorithm, digest.value, refers_to=index)

    def _find(self, session: Session, scope: TenantScope, notarisation: str) -> tuple[Log, int, LogEntry]:
        match = _ID.fullmatch(notarisation)
        if match is None:
            raise NotFound("notarisation", notarisation[:60])
        batch, log = self._batch(session, scope, match[1], notarisation)
        place = int(match[2])
        if place >= batch.count:
            raise NotFound("notarisation", notarisation)
        index = batch.first_index + place
        return log, index, self._logs.entry(session, log, index)

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

    def _stand(self, log: Log, notarisation: str, index: int, row: LogEntry) -> Notarisation:
        return Notarisation(
            id=notarisation,
            administration_id=log.administration_id,
            log=log.id,
            index=index,
            kind=row.kind,
            algorithm=row.algorithm,
            digest=row.digest.hex() if row.digest else None,
            state=log.state_of(index),
            problem=self._logs.progress(log).problem,
        )
