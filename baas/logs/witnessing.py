"""Witnesses of logs: which ones a log asks and how many must have cosigned, and the asking after each anchor.

One job for each log and witness, apart from the pipeline: a witness that is slow or gone holds up neither the anchoring
nor another witness. Only the newest anchored checkpoint is asked for, since a witness cosigns no older one than it did
before. A cosignature is checked before it is believed, and stored with its line in the checkpoint's note, in one
commit. What a crash loses is asked for again: the witness says which size it cosigned last, and goes on from there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import Session, col, select

from baas.audit import Audit
from baas.clock import Clock
from baas.errors import Conflict, Invalid
from baas.logs.jobs import Jobs
from baas.logs.model import Anchor, AnchorCosignature, Log, LogWitness, WitnessPolicy
from baas.logs.tree import tree
from baas.store import Store, raw
from baas.tenancy import Role, TenantScope, across_administrations
from baas.witnesses.service import Witnesses
from sandbox.errors import EvidenceError
from sandbox.evidence.collusion import operators_who_must_collude
from sandbox.evidence.cosignature import (
    Cosignature,
    CosignatureVerifier,
    open_cosignatures,
    with_cosignatures,
)
from sandbox.evidence.encoding import from_decimal
from sandbox.witness import SIZE, Answer, request

NOT_A_CALLER = "witnesses are asked for every log; nothing of it is an answer to a caller"
#: Witnesses of one log at most: a note has at most 100 signatures.
MOST_WITNESSES = 32
#: Seconds by which a witness's clock may differ from ours for its cosignature to be taken.
MOST_SKEW = 300
#: How often in one job a witness may say that it cosigned another size.
MOST_CONFLICTS = 5

#: The anchored checkpoints over an index that have as many cosignatures as the log's policy demands.
ENOUGH = """
SELECT anchors.id, anchors.new_size FROM anchors JOIN witness_policies policy ON policy.log = anchors.log
WHERE anchors.log = ? AND anchors.new_size > ? AND anchors.anchored IS NOT NULL AND policy.threshold <= (
    SELECT count(DISTINCT witness.name) FROM anchor_cosignatures cosignature
    JOIN log_witnesses witness ON witness.log = anchors.log AND witness.key = cosignature.key
    WHERE cosignature.anchor = anchors.id AND cosignature.time >= witness.since
    AND (witness.until IS NULL OR cosignature.time < witness.until))
ORDER BY anchors.new_size
"""


class NotWitnessedYet(Conflict):
    """The entry is anchored; too few witnesses have cosigned a checkpoint over it. `missing` says which and why."""

    retry_after = 1  # seconds

    def __init__(self, index: int, threshold: int, count: int, missing: Sequence[tuple[str, str]]) -> None:
        self.index, self.threshold, self.count, self.missing = index, threshold, count, tuple(missing)
        why = "; ".join(f"{name}: {reason}" for name, reason in missing)
        super().__init__(
            f"entry {index} is anchored, and its receipt waits for witnesses: expected cosignatures of {threshold}, "
            f"got {count}; missing: {why}. Nothing is lost, ask again"
        )


class WitnessRefused(Conflict):
    """A witness answered and did not cosign."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What a log asks of its witnesses. `operators` must collude for another view of it, its own operator included."""

    threshold: int
    witnesses: tuple[LogWitness, ...]
    operators: int

    @property
    def asked(self) -> tuple[LogWitness, ...]:
        """Those that are asked now; the others were, and what they cosigned stays."""
        return tuple(each for each in self.witnesses if each.until is None)


class Witnessing:
    """The slice's service. `set` and `clear` are acts of a caller; the rest serves every log."""

    def __init__(
        self, store: Store, clock: Clock, audit: Audit, witnesses: Witnesses, *, threads: int = 8
    ) -> None:
        self._store, self._clock, self._audit, self._witnesses = store, clock, audit, witnesses
        self._jobs: Jobs[tuple[int, str]] = Jobs("witness", self._step, threads)

    def start(self) -> None:
        """Ask for whatever a crash or a stop left unasked."""
        with self._store.reading() as session:
            logs = list(session.exec(select(WitnessPolicy.log)))
        for log in logs:
            self.poke(log)

    def stop(self) -> None:
        self._jobs.stop()

    def poke(self, log: int) -> None:
        """A log has a new checkpoint, or another policy."""
        with self._store.reading() as session:
            keys = [each.key for each in _rows(session, log) if each.until is None]
        for key in keys:
            self._jobs.poke((log, key))

    # -- which witnesses ---------------------------------------------------------------------------

    def set(
        self, session: Session, scope: TenantScope, log: Log, threshold: int, names: Sequence[str]
    ) -> Policy:
        """From now on receipts come only from checkpoints that `threshold` of these witnesses cosigned.

        Receipts that were given before do not have them: ask for them again when a trust root demands it. A witness
        that is left out, or has another key now, is retired: what it cosigned until now still counts. Call `poke`
        once this is committed.
        """
        scope.require(log.administration_id, "choosing a log's witnesses", Role.ADMIN)
        names = list(dict.fromkeys(names))
        known = self._witnesses.known(session)
        if absent := [name for name in names if name not in known]:
            raise Invalid(
                "/witnesses", f"witnesses known here: {', '.join(known) or 'none'}", ", ".join(absent)
            )
        if not 1 <= len(names) <= MOST_WITNESSES:
            raise Invalid("/witnesses", f"1 to {MOST_WITNESSES} witnesses", str(len(names)))
        if not 1 <= threshold <= len(names):
            raise Invalid("/threshold", f"1 to the number of witnesses, {len(names)}", str(threshold))
        wanted = {known[name].key: known[name] for name in names}
        now = int(self._clock.now().timestamp())
        rows = {each.key: each for each in _rows(session, log.key)}
        _retire([each for key, each in rows.items() if key not in wanted], now)
        for key, witness in wanted.items():
            row = rows.setdefault(
                key, LogWitness(log=log.key, key=key, name=witness.name, operator=witness.operator, since=now)
            )
            row.until = None
        for row in rows.values():  # one witness has one operator, also in what it was
            row.operator = known[row.name].operator if row.name in known else row.operator
        session.add_all(rows.values())
        session.merge(WitnessPolicy(log=log.key, threshold=threshold))
        session.flush()
        self._note(session, scope, log, "log.witnesses", {"threshold": threshold, "witnesses": names})
        policy = self.policy(session, log)
        assert policy is not None
        return policy

    def clear(self, session: Session, scope: TenantScope, log: Log) -> None:
        """Ask no witness any more, and give receipts as before."""
        scope.require(log.administration_id, "choosing a log's witnesses", Role.ADMIN)
        rows = _rows(session, log.key)
        _retire(rows, int(self._clock.now().timestamp()))
        session.add_all(rows)
        if (found := session.get(WitnessPolicy, log.key)) is not None:
            session.delete(found)
            self._note(session, scope, log, "log.witnesses", {"threshold": 0, "witnesses": []})

    def policy(self, session: Session, log: Log) -> Policy | None:
        """What this log asks of its witnesses; None where it asks none."""
        found = session.get(WitnessPolicy, log.key)
        if found is None:
            return None
        rows = _rows(session, log.key)
        active = {each.name: each.operator for each in rows if each.until is None}
        retired = {each.name: each.operator for each in rows if each.name not in active}
        operators = operators_who_must_collude(
            self._witnesses.operator, found.threshold, list(active.values()), list(retired.values())
        )
        return Policy(found.threshold, tuple(rows), operators)

    def problem(self, log: Log, key: str) -> str | None:
        """Why this witness has not cosigned this log's newest checkpoint."""
        return self._jobs.problem((log.key, key))

    # -- what receipts are made from ---------------------------------------------------------------

    def enough_over(self, session: Session, log: Log, index: int) -> Anchor | None:
        """The first anchored growth over this entry that has the cosignatures that the policy demands."""
        row = raw(session).execute(f"{ENOUGH} LIMIT 1", (log.key, index)).fetchone()
        return None if row is None else session.get(Anchor, row[0])

    def witnessed_size(self, session: Session, log: Log) -> int:
        """How many entries have a checkpoint over them that enough witnesses cosigned."""
        row = raw(session).execute(f"{ENOUGH} DESC LIMIT 1", (log.key, -1)).fetchone()
        return 0 if row is None else int(row[1])

    def not_yet(self, session: Session, log: Log, index: int, policy: Policy) -> NotWitnessedYet:
        """Why there is none over this entry: as the newest checkpoint stands."""
        newest = session.exec(
            select(Anchor)
            .where(Anchor.log == log.key, col(Anchor.anchored).is_not(None))
            .order_by(col(Anchor.new_size).desc())
            .limit(1)
        ).one()
        cosigned = session.exec(
            select(AnchorCosignature.key).where(AnchorCosignature.anchor == newest.id)
        ).all()
        missing = [
            (each.name, self.problem(log, each.key) or "it is being asked")
            for each in policy.asked
            if each.key not in cosigned
        ]
        return NotWitnessedYet(index, policy.threshold, len(policy.asked) - len(missing), missing)

    # -- the asking --------------------------------------------------------------------------------

    def _step(self, job: tuple[int, str]) -> bool:
        number, key = job
        for _ in range(MOST_CONFLICTS):
            with self._store.reading() as session:
                log = _log(session, number)
                witness = session.get(LogWitness, job)
                newest = _newest(session, log)
                if witness is None or witness.until is not None or newest is None:
                    return False
                if session.get(AnchorCosignature, (newest.id, key)) is not None:
                    return False
                if witness.size > newest.new_size:
                    raise WitnessRefused(
                        f"it says that it cosigned {witness.size} entries of this log, which has "
                        f"{newest.new_size} anchored: it saw another history, or this one was put back from a copy"
                    )
                grown = tree(session, log)
                proof = grown.consistency_proof(witness.size, newest.new_size) if witness.size else []
            checkpoint = str(newest.checkpoint)
            answer = self._witnesses.ask(witness.name, request(witness.size, proof, checkpoint))
            if answer.status == 200:
                cosignature = self._checked(witness, checkpoint, answer)
                self._store_cosignature(newest, witness, cosignature)
                return True  # there may be a newer one by now
            self._note_size(witness, answer)
        raise WitnessRefused("it says another size each time")

    def _checked(self, witness: LogWitness, checkpoint: str, answer: Answer) -> Cosignature:
        """The cosignature of an answer, if it is the witness's, over this checkpoint, and of our time."""
        verifier = CosignatureVerifier.from_vkey(witness.key)
        try:
            text = checkpoint.partition("\n\n")[0] + "\n\n" + answer.text
            found = open_cosignatures(text, [verifier]).cosignatures
        except EvidenceError as error:
            raise WitnessRefused(f"its answer is no cosignature of this checkpoint: {error}") from error
        if not found:
            raise WitnessRefused(f"it cosigned with another key than {witness.key}")
        now = self._clock.now().timestamp()
        if abs(found[0].time - now) > MOST_SKEW or found[0].time < witness.since:
            raise WitnessRefused(
                f"its clock is {found[0].time - now:+.0f} s from ours, or from before it was chosen: "
                f"at most {MOST_SKEW} s are taken"
            )
        return found[0]

    def _store_cosignature(self, anchor: Anchor, witness: LogWitness, cosignature: Cosignature) -> None:
        assert anchor.id is not None  # it was read from the database
        with self._store.session() as session:
            # as they are now: another witness's cosignature may have come meanwhile
            now, row = (
                session.get_one(Anchor, anchor.id),
                session.get_one(LogWitness, (witness.log, witness.key)),
            )
            now.checkpoint = with_cosignatures(str(now.checkpoint), [cosignature])
            row.size = now.new_size
            stored = AnchorCosignature(anchor=anchor.id, key=row.key, time=cosignature.time)
            session.add_all([now, row, stored])

    def _note_size(self, witness: LogWitness, answer: Answer) -> None:
        """Take the size that a 409 states, to ask from there. WitnessRefused for every other refusal."""
        said = answer.text.partition("\n")[0][:200]
        if answer.status != 409 or answer.content_type.partition(";")[0].strip() != SIZE:
            raise WitnessRefused(f"it answered {answer.status}: {said}")
        try:
            size = from_decimal(said, "size")
        except EvidenceError as error:
            raise WitnessRefused(f"it answered 409 without a size: {said}") from error
        if size == witness.size:
            raise WitnessRefused(
                f"it cosigned another root of this log at size {size}: it was shown another view"
            )
        with self._store.session() as session:
            row = session.get(LogWitness, (witness.log, witness.key))
            if row is not None:
                row.size = size
                session.add(row)

    def _note(
        self, session: Session, scope: TenantScope, log: Log, act: str, detail: dict[str, object]
    ) -> None:
        self._audit.record(session, scope.caller, act, "log", log.id, log.administration_id, detail)


def _rows(session: Session, log: int) -> list[LogWitness]:
    return list(
        session.exec(
            select(LogWitness)
            .where(LogWitness.log == log)
            .order_by(col(LogWitness.name), col(LogWitness.since))
        )
    )


def _retire(rows: Sequence[LogWitness], now: int) -> None:
    for row in rows:
        if row.until is None:
            row.until = max(now, row.since + 1)  # a key is valid for a second at least


def _log(session: Session, number: int) -> Log:
    return session.exec(across_administrations(Log, NOT_A_CALLER).where(Log.number == number)).one()


def _newest(session: Session, log: Log) -> Anchor | None:
    return session.exec(
        select(Anchor)
        .where(Anchor.log == log.key, col(Anchor.anchored).is_not(None))
        .order_by(col(Anchor.new_size).desc())
        .limit(1)
    ).one_or_none()
