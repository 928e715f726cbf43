"""What is asked of renewals: made in time, followed, and put into the receipts that they cover.

Two kinds of receipts are renewed. Those that the service can make itself, of documents and of registers' rows, where it has
the document's digest by the new algorithm (or the row, to make one); what is left needs its document, which the service
never had. And those of a holder, who has document and receipt: the holder's own machine makes the leaf's hash, and that
is all that comes here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from sqlmodel import Session, col, select

from baas.administrations import repository
from baas.administrations.model import Administration
from baas.audit import Audit
from baas.clock import Clock
from baas.errors import Conflict, Invalid, NotFound
from baas.logs.model import Log, LogKind
from baas.logs.service import RECEIPTS_AT_ONCE, Logs
from baas.renewals.model import RenewalCheckpoint, RenewalLeaf, RenewalRow
from baas.store import raw
from baas.store.paging import Paged, PageOf, paged
from baas.store.ulid import Ulids
from baas.tenancy import Role, TenantScope, across_administrations
from sandbox.errors import EvidenceError
from sandbox.evidence import algorithms
from sandbox.evidence.digest import Digest, digest_bytes
from sandbox.evidence.receipt import Receipt, Renewal, anchor_from_json
from sandbox.evidence.renewal import Tree, hash_of, leaf_hash
from sandbox.evidence.trust import AlgorithmEnd, TrustRoot

DEFAULT = "sha3-256"
MOST_LEAVES = 10_000
#: Of what needs its document, what one answer shows.
MOST_NEEDED = 500


class TooLate(Conflict):
    """What is to be renewed rests on an algorithm that has ended: a renewal now would prove nothing."""

    def __init__(self, slug: str, until: datetime) -> None:
        self.slug, self.until = slug, until
        super().__init__(
            f"{slug} is not relied on since {algorithms.text_of(until)}: what rests on it had to be renewed before, "
            "and nobody would believe a renewal that is made now"
        )


#: A leaf's hash; and of which entry of which log it is, in the tree of which size, unless it is a holder's.
LeafRow = tuple[bytes, int | None, int | None, int | None]


class Found(NamedTuple):
    """An entry whose receipt can be made: where it is, its receipt, and the document's digest by the algorithm."""

    log: Log
    receipt: Receipt
    digest: bytes | None


class Renewals:
    """The slice's service; every method takes the caller's open session."""

    def __init__(
        self, clock: Clock, ids: Ulids, audit: Audit, logs: Logs, ends: Sequence[AlgorithmEnd] = ()
    ) -> None:
        self._clock, self._ids, self._audit, self._logs = clock, ids, audit, logs
        self.ends = tuple(ends)
        """From when on an algorithm is not relied on, as this installation's trust roots say."""

    def request(
        self,
        session: Session,
        scope: TenantScope,
        administration: str,
        algorithm: str = DEFAULT,
        leaves: Sequence[bytes] = (),
    ) -> RenewalRow:
        """A renewal of all that the administration's service can renew, or of a holder's leaf hashes alone.

        Raises TooLate after the end of what is renewed. The work is done in the background.
        """
        owner = repository.administration(session, scope, administration)
        scope.require(owner.id, "renewing receipts", Role.ADMIN, Role.DEVELOPER)
        try:
            hash_of(algorithm)
        except EvidenceError as error:
            raise Invalid("/algorithm", "an algorithm of 32-byte digests", str(error)) from None
        if len(leaves) > MOST_LEAVES:
            raise Invalid("/leaves", f"at most {MOST_LEAVES}", str(len(leaves)))
        self._require_in_time(algorithm)
        log = self._living(session, scope, owner)
        row = RenewalRow(
            id=self._ids(),
            administration_id=owner.id,
            deployment_id=log.deployment_id,
            algorithm=algorithm,
            whole=not leaves,
            requested=self._clock.now(),
        )
        session.add(row)
        session.flush()
        if leaves:
            write_leaves(session, row, [(leaf, None, None, None) for leaf in leaves])
            row.size, row.root = len(leaves), Tree(algorithm, leaves).root
        detail = {"algorithm": algorithm, "leaves": len(leaves)}
        self._audit.record(session, scope.caller, "renewal.request", "renewal", row.id, owner.id, detail)
        return row

    def listing(
        self, session: Session, scope: TenantScope, page: PageOf, administration: str | None
    ) -> Paged[RenewalRow]:
        statement = scope.select(RenewalRow)
        if administration is not None:
            owner = repository.administration(session, scope, administration)
            statement = statement.where(RenewalRow.administration_id == owner.id)
        return paged(session, statement, col(RenewalRow.id), page)

    def get(self, session: Session, scope: TenantScope, renewal: str) -> RenewalRow:
        row = session.exec(scope.select(RenewalRow).where(RenewalRow.id == renewal)).one_or_none()
        if row is None:
            raise NotFound("renewal", renewal)
        return row

    def proof(self, session: Session, scope: TenantScope, renewal: str, leaf: bytes) -> Renewal:
        """What a holder puts into a receipt whose leaf is under this renewal; its digest is the holder's to fill in."""
        row = self.get(session, scope, renewal)
        found = session.exec(
            select(RenewalLeaf.position).where(RenewalLeaf.renewal == row.key, RenewalLeaf.hash == leaf)
        ).first()
        if found is None:
            raise NotFound("leaf", leaf.hex())
        if row.anchored is None:
            raise NotRenewedYet(row.id)
        return _made(row, bytes(32), found, self._tree(session, row))

    def needing(
        self, session: Session, scope: TenantScope, administration: str, algorithm: str = DEFAULT
    ) -> list[Found]:
        """Receipts that cannot be renewed here, since only who has the document can make its digest by the algorithm."""
        owner = repository.administration(session, scope, administration)
        scope.require(owner.id, "listing what needs its document", *Role)
        logs = session.exec(scope.select(Log).where(Log.administration_id == owner.id)).all()
        found = (each for each in self.all_of(session, logs, algorithm) if each.digest is None)
        return [each for each, _ in zip(found, range(MOST_NEEDED), strict=False)]

    # -- for the job -------------------------------------------------------------------------------

    def all_of(self, session: Session, logs: Sequence[Log], algorithm: str) -> Iterator[Found]:
        """Every receipt of these logs that no renewal by this algorithm covers yet."""
        for log in sorted(logs, key=lambda each: each.key):
            covered = self._covered(session, log, algorithm)
            for start in range(0, log.anchored_size, RECEIPTS_AT_ONCE):
                stop = min(start + RECEIPTS_AT_ONCE, log.anchored_size)
                for made in self._logs.receipts(session, log, start, stop, leave_out_erased=True):
                    index = made.inclusion.index
                    if index not in covered:
                        yield Found(log, made, self._digest(session, log, made, algorithm))

    def _digest(self, session: Session, log: Log, made: Receipt, algorithm: str) -> bytes | None:
        for digest in made.document.digests():
            if digest.algorithm == algorithm:
                return digest.value
        if log.kind != LogKind.REGISTER:
            return None
        row = (
            raw(session)
            .execute(
                "SELECT content FROM register_rows WHERE log = ? AND position = ?",
                (log.key, made.inclusion.index),
            )
            .fetchone()
        )
        if row is None or row[0] is None:
            return None
        content = row[0].encode()
        known = made.document.to_digest()
        if Digest(known.algorithm, _hash(known.algorithm, content)) != known:
            return None  # it is not what the entry commits to: nothing is renewed on its word
        return _hash(algorithm, content)

    def _covered(self, session: Session, log: Log, algorithm: str) -> set[int]:
        rows = raw(session).execute(
            "SELECT leaf.entry FROM renewal_leaves AS leaf JOIN renewals ON renewals.number = leaf.renewal "
            "WHERE leaf.log = ? AND renewals.algorithm = ? AND renewals.administration_id = ?",
            (log.key, algorithm, log.administration_id),
        )
        return {entry for (entry,) in rows}

    def _living(self, session: Session, scope: TenantScope, owner: Administration) -> Log:
        """A document log whose chain is there: its contract holds the roots of renewals too."""
        statement = scope.select(Log).where(Log.administration_id == owner.id, Log.kind == LogKind.DOCUMENTS)
        log = session.exec(self._logs.living(statement).order_by(col(Log.number)).limit(1)).first()
        if log is None:
            raise Conflict(
                f"administration {owner.code} has no document log whose chain exists: a renewal's root goes where "
                "documents' roots go, so notarise one first"
            )
        return log

    def _require_in_time(self, algorithm: str) -> None:
        now_ms = int(self._clock.now().timestamp() * 1000)
        trust = TrustRoot((), (), (), self.ends)
        late = algorithms.ended_before((algorithms.TREE, algorithm), trust, now_ms)
        if late is not None:
            raise TooLate(late.slug, late.until)

    # -- in receipts -------------------------------------------------------------------------------

    def renewed(self, session: Session, log: Log, receipts: Iterator[Receipt]) -> Iterator[Receipt]:
        """The receipts of a log with their renewals that are on the chain: what each was when it was renewed, and these."""
        any_ = (
            raw(session).execute("SELECT 1 FROM renewal_leaves WHERE log = ? LIMIT 1", (log.key,)).fetchone()
        )
        if any_ is None:
            yield from receipts
            return
        trees: dict[int, Tree] = {}
        for made in receipts:
            yield self._with_renewals(session, log, made, trees)

    def _with_renewals(self, session: Session, log: Log, made: Receipt, trees: dict[int, Tree]) -> Receipt:
        leaves = session.exec(
            select(RenewalLeaf)
            .where(RenewalLeaf.log == log.key, RenewalLeaf.entry == made.inclusion.index)
            .order_by(col(RenewalLeaf.renewal))
        ).all()
        rows = [(leaf, row) for leaf in leaves if (row := _of_leaf(session, leaf)).anchored is not None]
        if not rows:
            return made
        made = self._logs.at_size(session, log, made, rows[0][0].size or made.inclusion.size)
        kept = session.get(RenewalCheckpoint, (log.key, made.inclusion.size, rows[0][1].algorithm))
        assert kept is not None  # written with the leaf
        tokens = () if kept.token is None else (kept.token,)
        made = replace(made, checkpoint=kept.checkpoint, timestamps=tokens)
        for leaf, row in rows:
            digest = self._digest(session, log, made, row.algorithm)
            if digest is None:
                break  # what it was of has been erased meanwhile
            if row.key not in trees:
                trees[row.key] = self._tree(session, row)
            made = replace(made, renewals=(*made.renewals, _made(row, digest, leaf.position, trees[row.key])))
        return made

    def _tree(self, session: Session, row: RenewalRow) -> Tree:
        hashes = session.exec(
            select(RenewalLeaf.hash).where(RenewalLeaf.renewal == row.key).order_by(col(RenewalLeaf.position))
        ).all()
        return Tree(row.algorithm, hashes)


class NotRenewedYet(Conflict):
    """The renewal is on its way to the chain; its proofs can be had a moment later."""

    retry_after = 1  # seconds

    def __init__(self, renewal: str) -> None:
        super().__init__(f"renewal {renewal} is not on the chain yet: nothing is lost, ask again")


def write_leaves(session: Session, row: RenewalRow, leaves: Sequence[LeafRow]) -> None:
    """The leaves of a renewal in their order."""
    raw(session).executemany(
        "INSERT INTO renewal_leaves (renewal, position, hash, log, entry, size) VALUES (?, ?, ?, ?, ?, ?)",
        ((row.key, at, *leaf) for at, leaf in enumerate(leaves)),
    )


def leaf_of(algorithm: str, receipt: Receipt, digest: bytes) -> bytes:
    """The hash of a receipt's leaf, with the document's digest by the algorithm."""
    return leaf_hash(algorithm, Renewal(algorithm, digest, 0, 1, ()).subject(receipt))


def _of_leaf(session: Session, leaf: RenewalLeaf) -> RenewalRow:
    because = "its leaf is of a log that a scope has shown"
    return session.exec(
        across_administrations(RenewalRow, because).where(RenewalRow.number == leaf.renewal)
    ).one()


def _made(row: RenewalRow, digest: bytes, position: int, tree: Tree) -> Renewal:
    return Renewal(
        algorithm=row.algorithm,
        digest=digest,
        index=position,
        size=row.size,
        proof=tree.proof(position),
        anchor=anchor_from_json(json.loads(str(row.evidence))),
        timestamps=() if row.token is None else (row.token,),
    )


def _hash(slug: str, data: bytes) -> bytes:
    return digest_bytes(data, slug).value
