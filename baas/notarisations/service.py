"""What is done with notarisations. The document never comes here: only its digest does, and it stays in this database.

An administration has one document log. It is opened, with the first notarisation, on the administration's deployment
of the `document-notary` template.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from sqlmodel import Session, col

from baas.administrations import repository
from baas.administrations.model import Administration
from baas.audit import Audit
from baas.chains.model import Chain
from baas.deployments.model import Deployment
from baas.errors import Conflict, Invalid
from baas.logs.acceptance import Draft
from baas.logs.digests import positions
from baas.logs.effects import follower, require_in_effect
from baas.logs.model import Log, LogBatch, LogKind
from baas.logs.service import TEMPLATE_OF, Logs
from baas.notarisations.documents import MOST_DOCUMENTS, Document, digests_of
from baas.notarisations.naming import batch_of, find, name_of
from baas.notarisations.standing import Anchored, Notarisation, Standing
from baas.receipts import Source
from baas.store.paging import Paged, PageOf, paged
from baas.tenancy import Role, TenantScope
from sandbox.errors import MalformedEvidence
from sandbox.evidence import header
from sandbox.evidence.receipt import Receipt, anchor_from_json

#: Of one digest, what a look-up shows.
MOST_WITH_DIGEST = 100
REASONS = ("error", "withdrawn", "replaced", "other")


class NotDeployed(Conflict):
    """There is no contract yet that could anchor the administration's documents."""


class Notarisations:
    """The slice's service; every method takes the caller's open session."""

    def __init__(self, logs: Logs, audit: Audit) -> None:
        self._logs, self._audit, self._standing = logs, audit, Standing(logs)

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
            superseded: dict[int, int] = {}
            drafts = [
                self._draft(session, scope, log, place, document, superseded)
                for place, document in enumerate(documents)
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
        _, log, index = find(session, scope, notarisation)
        row = self._logs.entry(session, log, index)
        scope.require(
            log.administration_id, "leaving a notarisation without effect", Role.ADMIN, Role.DEVELOPER
        )
        if row.kind not in ("notarise", "supersede"):
            raise Conflict(
                f"{notarisation} is a {row.kind} entry: only a notarised document can be left without effect"
            )
        require_in_effect(session, log, index, f"notarisation {notarisation}")
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
        batch, log, index = find(session, scope, notarisation)
        return self._standing.detailed(session, scope, batch, log, index)

    def versions(self, session: Session, scope: TenantScope, notarisation: str) -> list[Notarisation]:
        """Every version of the document that this one is of, the first one first, and what ended the last one, if any."""
        _, log, index = find(session, scope, notarisation)
        while (before := self._logs.entry(session, log, index).refers_to) is not None:
            index = before
        found = [index]
        while (after := follower(session, log, found[-1])) is not None:
            found.append(after.position)
        return [
            self._standing.detailed(session, scope, self._logs.batch_of(session, scope, log, at), log, at)
            for at in found
        ]

    def with_digest(
        self, session: Session, scope: TenantScope, digest: str, limit: int = MOST_WITH_DIGEST
    ) -> list[Notarisation]:
        """Those that recorded this digest, by whatever algorithm, oldest first; known from their inclusion on.

        Of all administrations that the caller reaches. The same digest twice is two acts at two times, and both stay.
        """
        try:
            value = bytes.fromhex(digest)
        except ValueError:
            raise Invalid("/digest", "a digest in hex", repr(digest[:40])) from None
        found: list[Notarisation] = []
        logs = session.exec(scope.select(Log).where(Log.kind == LogKind.DOCUMENTS).order_by(col(Log.number)))
        for log in logs.all():
            for index in positions(session, log, value, limit - len(found)):
                batch = self._logs.batch_of(session, scope, log, index)
                found.append(self._standing.detailed(session, scope, batch, log, index))
        return found[:limit]

    def anchored(self, session: Session, scope: TenantScope, notarisation: str) -> Anchored | None:
        """Where it is anchored; None until it is."""
        _, log, index = find(session, scope, notarisation)
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
            batch, log, index = find(session, scope, after)
            statement, first = statement.where(col(LogBatch.id) <= batch.id), index - batch.first_index + 1
        logs: dict[int, Log] = {}
        found: list[Notarisation] = []
        for batch in session.exec(statement.order_by(col(LogBatch.id).desc()).limit(limit + 2)):
            log = logs.get(batch.log) or scope.find(session, Log, batch.id, Log.number == batch.log)
            logs[batch.log] = log
            stop = min(batch.count, first + limit + 1 - len(found))
            rows = self._logs.entries(session, log, batch.first_index + first, batch.first_index + stop)
            found.extend(self._standing.plain(batch, log, row) for row in rows)
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

    def receipt(
        self, session: Session, scope: TenantScope, notarisation: str, *, previous: bool = False
    ) -> Receipt:
        _, log, index = find(session, scope, notarisation)
        return self._logs.receipt(session, log, index, previous=previous)

    def source(
        self, session: Session, scope: TenantScope, notarisation: str, *, previous: bool = False
    ) -> Source:
        """What its receipt is made from in any format (`baas.receipts`)."""
        _, log, index = find(session, scope, notarisation)
        return self._logs.source(session, log, index, previous=previous)

    def receipts(
        self, session: Session, scope: TenantScope, batch_id: str, start: int = 0, stop: int = MOST_DOCUMENTS
    ) -> Iterator[tuple[str, Receipt]]:
        """The receipts of a batch's places `start` to `stop - 1`, with their notarisations' ids; erased ones have none.

        Raises NotAnchoredYet until the whole batch is anchored.
        """
        batch, log = batch_of(session, scope, batch_id, batch_id)
        self._logs.require_anchored(log, batch.first_index, batch.first_index + batch.count)
        stop = min(stop, batch.count)
        if start < stop:
            first, last = batch.first_index + start, batch.first_index + stop
            for receipt in self._logs.receipts(session, log, first, last, leave_out_erased=True):
                yield name_of(batch, receipt.inclusion.index), receipt

    def place(self, session: Session, scope: TenantScope, notarisation: str) -> tuple[Log, int]:
        """Its log, and its index in the log."""
        _, log, index = find(session, scope, notarisation)
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
        if any(each.supersedes is not None or each.algorithm != slug or each.also for each in documents):
            return None
        try:
            digests = [bytes.fromhex(each.digest) for each in documents]
            return self._logs.accept_digests(session, log, "notarise", slug, digests)
        except (ValueError, MalformedEvidence):
            return None  # one of them is wrong: looking at each says which

    def _draft(
        self,
        session: Session,
        scope: TenantScope,
        log: Log,
        place: int,
        document: Document,
        superseded: dict[int, int],
    ) -> Draft:
        """What is to become the entry; `superseded` remembers, by index, which place of this request takes whose."""
        first, *also = digests_of(document, place)
        if document.supersedes is None:
            return Draft("notarise", first.algorithm, first.value, also=tuple(also))
        _, old_log, index = find(session, scope, document.supersedes)
        if old_log.id != log.id or self._logs.entry(session, log, index).digest is None:
            raise Invalid(
                f"/documents/{place}/supersedes",
                "a notarised document of the same administration",
                document.supersedes,
            )
        if (other := superseded.setdefault(index, place)) != place:
            raise Invalid(
                f"/documents/{place}/supersedes",
                f"one document in its place, but document {other} of this request takes it already",
                document.supersedes,
            )
        require_in_effect(session, log, index, f"notarisation {document.supersedes}")
        return Draft("supersede", first.algorithm, first.value, refers_to=index, also=tuple(also))
