"""The keystores of administrations: made at the first use, opened with the master key, kept in memory while it runs."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Self

from sqlmodel import Session

from baas.clock import Clock
from baas.custody.master_key import MasterKey
from baas.custody.model import Keystore
from baas.errors import MasterKeyError
from baas.store import Store
from baas.tenancy import across_administrations
from sandbox.keystore import PasswordVault

OWN_WORK = "the service opens keystores for its own signing; no answer to a caller holds one"


class Custody:
    """The slice's service. It opens its own sessions."""

    def __init__(self, store: Store, clock: Clock, master: MasterKey) -> None:
        self._store, self._clock, self._master = store, clock, master
        self._open: dict[str, PasswordVault] = {}
        self._guard = threading.Lock()

    @classmethod
    def open(cls, store: Store, clock: Clock, path: Path) -> Self:
        """With the master key in the file `path`, made where no keystore needs one yet. MasterKeyError otherwise."""
        master = MasterKey.read(path)
        with store.reading() as session:
            kept = session.exec(across_administrations(Keystore, OWN_WORK)).all()
        if master is None and kept:
            raise MasterKeyError(
                f"the master key {path} is missing, and the keys of {len(kept)} administrations are under it: put it back "
                "from where it is kept, or say where it is with BAAS_MASTER_KEY_FILE"
            )
        others = {each.master_key for each in kept} - {master.fingerprint} if master else None
        if master and others:
            raise MasterKeyError(
                f"the master key {path} is another one: expected the key {', '.join(sorted(others))}, "
                f"got {master.fingerprint}"
            )
        return cls(store, clock, master or MasterKey.make(path))

    def vault(self, administration_id: str) -> PasswordVault:
        """The administration's vault. MasterKeyError when its password cannot be unwrapped."""
        with self._guard:
            if found := self._open.get(administration_id):
                return found
            with self._store.reading() as session:
                row = _row(session, administration_id)
            if row is None:
                vault = PasswordVault.new()
                with self._store.session() as session:
                    session.add(
                        Keystore(
                            administration_id=administration_id,
                            master_key=self._master.fingerprint,
                            wrapped=self._master.wrap(vault.password, administration_id),
                            created=self._clock.now(),
                        )
                    )
            else:
                vault = PasswordVault(self._master.unwrap(row.wrapped, administration_id))
            self._open[administration_id] = vault
            return vault


def _row(session: Session, administration_id: str) -> Keystore | None:
    return session.exec(
        across_administrations(Keystore, OWN_WORK).where(Keystore.administration_id == administration_id)
    ).one_or_none()
