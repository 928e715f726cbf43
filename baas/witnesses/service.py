"""What is done with witnesses: an administration makes one, decides which logs it follows, and everybody's logs ask it.

A witness inside this service is an administration's by what it follows, and this platform's by who holds its key and
runs its process: whoever counts on several operators needs witnesses elsewhere (`baas witness run`, on a machine of the
administration's own). So its operator, in trust roots, is who runs this installation.

The acts take no open session: a witness's file is its own, and no transaction of the service waits for it. One whose
administration is suspended goes on cosigning: other administrations' receipts need it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlmodel import Session, col

from baas.administrations import repository
from baas.audit import Audit
from baas.clock import Clock
from baas.errors import AlreadyExists, Invalid, NotFound
from baas.store import Store
from baas.store.paging import Paged, PageOf, paged
from baas.store.ulid import Ulids
from baas.tenancy import Role, TenantScope, across_administrations
from baas.witnesses.model import Witness
from baas.witnesses.outside import Asking, outside
from sandbox import witness as files
from sandbox.errors import MalformedEvidence
from sandbox.evidence.cosignature import CosignatureVerifier
from sandbox.witness import Answer, Contradiction, Followed

PUBLIC = "a witness answers every log that it follows, and its name and key are public"


@dataclass(frozen=True, slots=True)
class Known:
    """A witness that a log may name: its name, its key, who runs it, and whether it is inside this service."""

    name: str
    key: str
    operator: str
    inside: bool

    @property
    def verifier(self) -> CosignatureVerifier:
        return CosignatureVerifier.from_vkey(self.key)


class Witnesses:
    """The slice's service. `operator` is who runs this installation, `elsewhere` the file of the witnesses outside."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        ids: Ulids,
        audit: Audit,
        directory: Path,
        origin: str,
        operator: str,
        elsewhere: Path | None,
    ) -> None:
        self._store, self._clock, self._ids, self._audit = store, clock, ids, audit
        self._directory, self._origin, self.operator = directory, origin, operator
        self._elsewhere, self._asking = elsewhere, Asking()

    def close(self) -> None:
        self._asking.close()

    # -- an administration's own -------------------------------------------------------------------

    def create(self, scope: TenantScope, administration: str, label: str) -> Witness:
        """A witness of the administration, with a key of its own. Only its own admin makes one."""
        with self._store.reading() as session:
            owner = repository.administration(session, scope, administration)
            scope.require_own(owner.id, "making a witness", Role.ADMIN)
            self._require_free(session, scope, owner.id, label)
        made = Witness(
            id=self._ids(),
            administration_id=owner.id,
            label=label,
            address=f"{owner.code}-{label}",
            name=f"{self._origin}/witnesses/{owner.code}-{label}",
            key="",
            created=self._clock.now(),
        )
        self._directory.mkdir(mode=0o700, exist_ok=True)
        made.key = files.create(self._path(made), made.name)
        try:
            with self._store.session() as session:
                self._require_free(session, scope, owner.id, label)
                session.add(made)
                detail = {"name": made.name, "key": made.key}
                self._audit.record(
                    session, scope.caller, "witness.create", "witness", made.id, owner.id, detail
                )
        except BaseException:
            self._path(made).unlink()
            raise
        return made

    def listing(self, scope: TenantScope, page: PageOf, administration: str | None) -> Paged[Witness]:
        with self._store.reading() as session:
            statement = scope.select(Witness)
            if administration is not None:
                owner = repository.administration(session, scope, administration)
                statement = statement.where(Witness.administration_id == owner.id)
            return paged(session, statement, col(Witness.id), page)

    def get(self, scope: TenantScope, witness: str) -> Witness:
        with self._store.reading() as session:
            return scope.get(session, Witness, witness)

    def seen(self, scope: TenantScope, witness: str) -> tuple[list[Followed], list[Contradiction]]:
        """The logs that it follows with what it cosigned last, and every split view that one of them showed it."""
        with self._open(self.get(scope, witness)) as opened:
            return opened.followed(), opened.contradictions()

    def follow(self, scope: TenantScope, witness: str, origin: str, key: str) -> None:
        """Cosign for that log from now on, when `key` signed. Which logs is its own admin's decision."""
        row = self._deciding(scope, witness, "deciding which logs a witness follows")
        try:
            with self._open(row) as opened:
                opened.follow(origin, key)
        except MalformedEvidence as error:
            raise Invalid("/key", "a log's origin and its verifier key", str(error)) from error
        self._note(scope, row, "witness.follow", {"origin": origin, "key": key})

    def unfollow(self, scope: TenantScope, witness: str, origin: str) -> None:
        """Cosign no more for that log."""
        row = self._deciding(scope, witness, "deciding which logs a witness follows")
        with self._open(row) as opened:
            if not opened.unfollow(origin):
                raise NotFound("log", origin)
        self._note(scope, row, "witness.unfollow", {"origin": origin})

    # -- for every log -----------------------------------------------------------------------------

    def known(self, session: Session) -> dict[str, Known]:
        """Every witness that a log may name, by its name. SettingsError when the operator's file is wrong."""
        found = {
            name: Known(name, each.verifier.vkey, each.operator, inside=False)
            for name, each in outside(self._elsewhere).items()
        }
        for row in session.exec(across_administrations(Witness, because=PUBLIC).order_by(col(Witness.id))):
            found[row.name] = Known(row.name, row.key, self.operator, inside=True)
        return found

    def ask(self, name: str, body: bytes) -> Answer:
        """The answer of the witness of that name. WitnessUnreachable, NotFound, SettingsError."""
        if (row := self._row(Witness.name == name)) is not None:
            with self._open(row) as opened:
                return opened.add_checkpoint(body)
        if (elsewhere := outside(self._elsewhere).get(name)) is not None:
            return self._asking.ask(elsewhere, body)
        raise NotFound("witness", name)

    def answer(self, address: str, body: bytes) -> Answer:
        """The answer to whoever asked at `/witnesses/{address}/add-checkpoint`. NotFound when none is there."""
        if (row := self._row(Witness.address == address)) is None:
            raise NotFound("witness", address)
        with self._open(row) as opened:
            return opened.add_checkpoint(body)

    # -- the files behind --------------------------------------------------------------------------

    def _row(self, condition: bool) -> Witness | None:
        with self._store.reading() as session:
            return session.exec(
                across_administrations(Witness, because=PUBLIC).where(condition)
            ).one_or_none()

    @contextmanager
    def _open(self, row: Witness) -> Iterator[files.Witness]:
        with files.Witness(self._path(row), lambda: self._clock.now().timestamp()) as opened:
            yield opened

    def _path(self, row: Witness) -> Path:
        return self._directory / f"{row.id}.sqlite"

    def _require_free(self, session: Session, scope: TenantScope, owner: str, label: str) -> None:
        if session.exec(
            scope.select(Witness).where(Witness.administration_id == owner, Witness.label == label)
        ).first():
            raise AlreadyExists("witness", label)

    def _deciding(self, scope: TenantScope, witness: str, act: str) -> Witness:
        row = self.get(scope, witness)
        scope.require_own(row.administration_id, act, Role.ADMIN)
        return row

    def _note(self, scope: TenantScope, row: Witness, act: str, detail: dict[str, str]) -> None:
        with self._store.session() as session:
            self._audit.record(session, scope.caller, act, "witness", row.id, row.administration_id, detail)
