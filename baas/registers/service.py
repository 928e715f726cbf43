"""What is done with registers: open, append rows (create or amend by key), supersede, rectify, leave without effect, prove.

The same row again changes nothing and writes nothing. Each act refers to the version of the row that is in effect, and
ends it: once (`baas.logs.effects`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlmodel import Session, col

from baas.administrations import repository
from baas.administrations.model import Administration
from baas.audit import Audit
from baas.clock import Clock
from baas.deployments.model import Deployment
from baas.errors import AlreadyExists, Conflict, Invalid, NotFound
from baas.logs.acceptance import Draft
from baas.logs.model import Anchor, Log, LogBatch, LogKind
from baas.logs.service import TEMPLATE_OF, Logs, Progress
from baas.receipts import Source
from baas.registers import presets, versions
from baas.registers.model import Register
from baas.registers.numbering import Numbering, compiled
from baas.registers.numbering import numbering as look_at_numbers
from baas.registers.rows import (
    MOST_ROWS,
    REASONS,
    RECTIFICATION_REASONS,
    SUPERSESSION_REASONS,
    checked,
    drafted,
    guessable,
    require_reason,
)
from baas.registers.versions import Newest, Version
from baas.store import raw
from baas.store.paging import Paged, PageOf, paged
from baas.store.ulid import Ulids
from baas.tenancy import Role, TenantScope
from baas.texts import DEFAULT as DEFAULT_LANGUAGE
from sandbox.evidence.receipt import Receipt
from sandbox.lifecycle import DesiredState


@dataclass(frozen=True, slots=True)
class Appended:
    """What one append wrote: the batch (None when every row was there already) and how many rows of each kind."""

    batch: LogBatch | None
    created: int
    amended: int
    unchanged: int
    warnings: tuple[str, ...] = ()


class Registers:
    """The slice's service; every method takes the caller's open session."""

    def __init__(self, clock: Clock, ids: Ulids, audit: Audit, logs: Logs) -> None:
        self._clock, self._ids, self._audit, self._logs = clock, ids, audit, logs

    def open(
        self,
        session: Session,
        scope: TenantScope,
        administration: str,
        name: str,
        key: str,
        columns: Sequence[str],
        deployment: str | None = None,
        *,
        preset: str | None = None,
        numbering: str | None = None,
    ) -> Register:
        """A register on a `hash-registry` deployment that no other register uses (the first free one by default).

        `preset` says where key, columns and numbering come from; what is not said otherwise is the preset's.
        """
        owner = repository.administration(session, scope, administration)
        scope.require(owner.id, "opening a register", Role.ADMIN, Role.DEVELOPER)
        if preset is not None:
            ready = presets.preset(preset)
            name, key, columns = (
                name or ready.name[DEFAULT_LANGUAGE],
                key or ready.key,
                columns or ready.columns,
            )
            numbering = numbering or ready.numbering
        if not name:
            raise Invalid("/name", "a name, or a preset that has one", "neither")
        if numbering is not None:
            compiled(numbering)
        if key not in columns or len(set(columns)) != len(columns):
            raise Invalid("/key", f"one of the columns, each named once: {', '.join(columns)}", repr(key))
        if session.exec(
            scope.select(Register).where(Register.administration_id == owner.id, Register.name == name)
        ).first():
            raise AlreadyExists("register", name)
        place = self._free_deployment(session, scope, owner, deployment)
        register_id = self._ids()
        log = self._logs.open(
            session, place, LogKind.REGISTER, f"{owner.code}/registers/{register_id.lower()}"
        )
        register = Register(
            id=register_id,
            administration_id=owner.id,
            name=name,
            key=key,
            columns=json.dumps(list(columns), ensure_ascii=False),
            preset=preset,
            numbering=numbering,
            log=log.key,
            created=self._clock.now(),
        )
        session.add(register)
        detail = {"name": name, "key": key, "deployment": place.id, "preset": preset}
        self._audit.record(session, scope.caller, "register.open", "register", register.id, owner.id, detail)
        return register

    def append(
        self, session: Session, scope: TenantScope, register_id: str, rows: Sequence[Mapping[str, str]]
    ) -> tuple[Appended, Log]:
        """Create the rows whose key is new, amend those whose content changed. All of them, or none."""
        register, log = self._writable(session, scope, register_id, "adding to a register")
        if not 1 <= len(rows) <= MOST_ROWS:
            raise Invalid("/rows", f"1 to {MOST_ROWS} rows", str(len(rows)))
        newest = versions.newest(session, log, {row.get(register.key, "") for row in rows})
        columns = set(json.loads(register.columns))
        drafts: list[Draft] = []
        made: list[tuple[object, ...]] = []
        created = 0
        for place, row in enumerate(rows):
            key, content = checked(register, columns, f"/rows/{place}", row)
            before = newest.get(key)
            if before is not None and before.ended:
                raise Invalid(
                    f"/rows/{place}", f"a row in effect, or a new {register.key}", f"{key!r}, {before.ended}"
                )
            if before is not None and before.content == content:
                continue
            index = log.accepted + len(drafts)
            kind, version = ("amend", before.version + 1) if before else ("create", 1)
            drafts.append(drafted(kind, content, before.position if before else None))
            made.append((log.key, index, key, version, content))
            newest[key] = Newest(index, version, content, kind)
            created += kind == "create"
        warnings = guessable(register, rows)
        if not drafts:
            return Appended(None, 0, 0, len(rows), warnings), log
        batch = self._write(session, log, drafts, made)
        done = Appended(batch, created, len(drafts) - created, len(rows) - len(drafts), warnings)
        detail = {"created": done.created, "amended": done.amended, "batch": batch.id}
        self._audit.record(
            session,
            scope.caller,
            "register.append",
            "register",
            register.id,
            register.administration_id,
            detail,
        )
        return done, log

    def revoke(
        self, session: Session, scope: TenantScope, register_id: str, key: str, reason: str
    ) -> tuple[LogBatch, Log]:
        """Leave a row without effect, with a reason: a version of its own. What was true before stays provable."""
        require_reason(reason, REASONS)
        register, log = self._writable(session, scope, register_id, "leaving a row without effect")
        before = versions.in_effect(session, log, key)
        draft = Draft("revoke", refers_to=before.position, reason=reason)
        version = (log.key, log.accepted, key, before.version + 1, None)
        return self._done(session, scope, register, log, draft, version)

    def rectify(
        self,
        session: Session,
        scope: TenantScope,
        register_id: str,
        row: Mapping[str, str],
        reason: str = "error",
    ) -> tuple[LogBatch, Log]:
        """Correct an error of the row in effect, with a reason: its next version, told from an amendment for ever."""
        require_reason(reason, RECTIFICATION_REASONS)
        register, log = self._writable(session, scope, register_id, "rectifying a row")
        key, content = checked(register, set(json.loads(register.columns)), "/row", row)
        before = versions.in_effect(session, log, key)
        if before.content == content:
            raise Conflict(f"row {key!r} says exactly this already: there is nothing to rectify")
        draft = drafted("rectify", content, before.position, reason)
        version = (log.key, log.accepted, key, before.version + 1, content)
        return self._done(session, scope, register, log, draft, version)

    def supersede(
        self,
        session: Session,
        scope: TenantScope,
        register_id: str,
        key: str,
        row: Mapping[str, str],
        reason: str = "replaced",
    ) -> tuple[LogBatch, Log]:
        """Put another row, with a key of its own, in the place of the row `key`, which is in effect no more."""
        require_reason(reason, SUPERSESSION_REASONS)
        register, log = self._writable(session, scope, register_id, "superseding a row")
        new_key, content = checked(register, set(json.loads(register.columns)), "/row", row)
        before = versions.in_effect(session, log, key)
        if new_key in versions.newest(session, log, {new_key}):
            raise Invalid(
                f"/row/{register.key}", f"a new {register.key}", f"{new_key!r}, which the register has"
            )
        draft = drafted("supersede", content, before.position, reason)
        return self._done(session, scope, register, log, draft, (log.key, log.accepted, new_key, 1, content))

    # -- reading -----------------------------------------------------------------------------------

    def listing(
        self, session: Session, scope: TenantScope, page: PageOf, administration: str | None
    ) -> Paged[Register]:
        statement = scope.select(Register)
        if administration is not None:
            owner = repository.administration(session, scope, administration)
            statement = statement.where(Register.administration_id == owner.id)
        return paged(session, statement, col(Register.id), page)

    def get(self, session: Session, scope: TenantScope, register_id: str) -> tuple[Register, Log]:
        register = scope.get(session, Register, register_id)
        log = session.exec(scope.select(Log).where(Log.number == register.log)).one()
        return register, log

    def progress(self, log: Log) -> Progress:
        return self._logs.progress(log)

    def newest_versions(
        self, session: Session, scope: TenantScope, register_id: str, before: int | None, limit: int
    ) -> list[Version]:
        """The versions below index `before` (None: from the end), the newest first, at most `limit`."""
        _, log = self.get(session, scope, register_id)
        return versions.newest_first(session, log, before, limit)

    def versions(self, session: Session, scope: TenantScope, register_id: str, key: str) -> list[Version]:
        """Every version of a row, the first one first. NotFound."""
        _, log = self.get(session, scope, register_id)
        return versions.of_row(session, log, key)

    def ended(self, session: Session, log: Log, key: str) -> str | None:
        """The kind of what ended a row (`revoke`, `supersede`, `erase`); None while it is in effect, or is not there."""
        found = versions.newest(session, log, {key}).get(key)
        if found is None or not found.ended:
            return None
        return found.by.kind if found.by is not None else "revoke"

    def receipt(
        self, session: Session, scope: TenantScope, register_id: str, key: str, version: int | None = None
    ) -> Receipt:
        """The receipt of one version of a row; by default of the newest that has content."""
        return self.source(session, scope, register_id, key, version).receipt

    def source(
        self, session: Session, scope: TenantScope, register_id: str, key: str, version: int | None = None
    ) -> Source:
        """What that receipt is made from in any format (`baas.receipts`)."""
        _, log = self.get(session, scope, register_id)
        found = self.versions(session, scope, register_id, key)
        with_content = [each for each in found if each.content is not None]
        # an erased one only where nothing else is meant: it is told that it was erased
        chosen = [each for each in with_content if version in (None, each.version)] or [
            each for each in found if each.erased and version in (None, each.version)
        ]
        if not chosen:
            raise NotFound("version", f"{key}, version {version}")
        return self._logs.source(session, log, chosen[-1].index)

    def numbering(self, session: Session, scope: TenantScope, register_id: str) -> Numbering:
        """What the numbers of its rows show. Conflict for a register whose keys are not numbered."""
        register, log = self.get(session, scope, register_id)
        if register.numbering is None:
            raise Conflict(
                f"register {register_id!r} has no numbering: say how its keys are numbered when it is opened, such as "
                "{year}/{number}"
            )
        return look_at_numbers(session, log, register.numbering)

    def newest_checkpoint(self, session: Session, scope: TenantScope, register_id: str) -> Anchor | None:
        _, log = self.get(session, scope, register_id)
        return self._logs.newest_checkpoint(session, log)

    def checkpoints(self, session: Session, scope: TenantScope, register_id: str) -> list[Anchor]:
        _, log = self.get(session, scope, register_id)
        return self._logs.checkpoints(session, log)

    def consistency(
        self, session: Session, scope: TenantScope, register_id: str, old_size: int, new_size: int
    ) -> list[bytes]:
        _, log = self.get(session, scope, register_id)
        return self._logs.consistency(session, log, old_size, new_size)

    # -- the rows behind ---------------------------------------------------------------------------

    def _writable(
        self, session: Session, scope: TenantScope, register_id: str, act: str
    ) -> tuple[Register, Log]:
        register, log = self.get(session, scope, register_id)
        scope.require(register.administration_id, act, Role.ADMIN, Role.DEVELOPER)
        if self._logs.chain_of(session, scope, log).desired == DesiredState.DELETED:
            raise Conflict(
                f"register {register_id!r} was anchored on a chain that was deleted: its receipts stay valid, and "
                "nothing can be added any more; open a new register"
            )
        return register, log

    def _write(
        self, session: Session, log: Log, drafts: list[Draft], versions: list[tuple[object, ...]]
    ) -> LogBatch:
        raw(session).executemany(
            "INSERT INTO register_rows (log, position, key, version, content) VALUES (?, ?, ?, ?, ?)",
            versions,
        )
        return self._logs.accept(session, log, drafts)

    def _done(
        self,
        session: Session,
        scope: TenantScope,
        register: Register,
        log: Log,
        draft: Draft,
        version: tuple[object, ...],
    ) -> tuple[LogBatch, Log]:
        """Write one entry with its version, and who did it."""
        batch = self._write(session, log, [draft], [version])
        detail = {"index": batch.first_index, "reason": draft.reason}
        act, owner = f"register.{draft.kind}", register.administration_id
        self._audit.record(session, scope.caller, act, "register", register.id, owner, detail)
        return batch, log

    def _free_deployment(
        self, session: Session, scope: TenantScope, owner: Administration, wanted: str | None
    ) -> Deployment:
        template = TEMPLATE_OF[LogKind.REGISTER]
        statement = self._logs.free_deployments(scope, owner.id, LogKind.REGISTER)
        if wanted is not None:
            statement = statement.where(Deployment.id == wanted)
        found = session.exec(statement).first()
        if found is None:
            raise Conflict(
                f"administration {owner.code} has no free deployment of the template {template!r} (each register has "
                f"its own): deploy one first (baas deploy CHAIN {template})"
            )
        return found
